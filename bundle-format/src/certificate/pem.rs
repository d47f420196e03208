//! Finds the blocks of a PEM file (RFC 7468) the way operators' files are: CRLF, a byte order mark, text before, between and after.
//!
//! Blocks that nobody asks for are never decoded, so a broken or secret one beside a certificate does no harm.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use thiserror::Error;
use zeroize::{Zeroize as _, Zeroizing};

use crate::text;

/// Why a block could not be read. The label is the only text of the input in it.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum PemError {
    /// The body is not base64.
    #[error("{}", text!("the `{label}` block is not base64", "`{label}` 块不是 base64"))]
    Base64 {
        /// The block's label.
        label: String,
    },
    /// `BEGIN` without its `END`.
    #[error("{}", text!("the `{label}` block has no end: the file is cut short", "`{label}` 块没有结尾：文件被截断"))]
    Unterminated {
        /// The block's label.
        label: String,
    },
}

/// One block, not decoded.
#[derive(Clone, Copy)]
pub struct Block<'a> {
    /// What stands between `BEGIN ` and the dashes; printable ASCII of at most 64 bytes.
    pub label: &'a str,
    /// Everything between the two marker lines; nothing when the second is missing.
    body: Option<&'a [u8]>,
}

impl Block<'_> {
    /// Whether the body opens with a header such as `Proc-Type: 4,ENCRYPTED` (RFC 1421, 4.6.1.1).
    #[must_use]
    pub fn has_headers(&self) -> bool {
        self.body.is_some_and(|body| body.contains(&b':'))
    }

    /// The decoded bytes, wiped when dropped: it may be a key.
    ///
    /// # Errors
    /// When the block has no end or is not base64.
    pub fn decode(&self) -> Result<Zeroizing<Vec<u8>>, PemError> {
        let label = || self.label.to_owned();
        let body = self.body.ok_or_else(|| PemError::Unterminated { label: label() })?;
        let mut packed = Zeroizing::new(Vec::with_capacity(body.len()));
        packed.extend(body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()));
        let mut bytes = Zeroizing::new(vec![0; packed.len() / 4 * 3 + 3]);
        let decoded = STANDARD.decode_slice(packed.as_slice(), &mut bytes);
        packed.zeroize();
        let length = decoded.map_err(|_| PemError::Base64 { label: label() })?;
        bytes.truncate(length);
        Ok(bytes)
    }
}

/// The blocks of `bytes` in their order.
pub fn blocks(bytes: &[u8]) -> impl Iterator<Item = Block<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        loop {
            let (label, after) = next_marker(rest, b"-----BEGIN ")?;
            rest = after;
            let Some(label) = label else { continue };
            let end = format!("-----END {label}-----");
            let Some(at) = memchr::memmem::find(rest, end.as_bytes()) else {
                return Some(Block { label, body: None });
            };
            let body = &rest[..at];
            rest = &rest[at + end.len()..];
            return Some(Block { label, body: Some(body) });
        }
    })
}

/// One block: lines of 64 characters, each ended by LF (RFC 7468, 3). Wiped when dropped: it may be a key.
#[must_use]
pub fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    let packed = Zeroizing::new(STANDARD.encode(der));
    let lines = packed.len().div_ceil(64);
    let mut text = Zeroizing::new(String::with_capacity(packed.len() + lines + 2 * (label.len() + 17)));
    text.extend(["-----BEGIN ", label, "-----\n"]);
    let mut rest = packed.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        text.extend([line, "\n"]);
        rest = after;
    }
    text.extend(["-----END ", label, "-----\n"]);
    text
}

/// The label behind the next `marker`, if it is one, and what follows.
fn next_marker<'a>(bytes: &'a [u8], marker: &[u8]) -> Option<(Option<&'a str>, &'a [u8])> {
    const LONGEST: usize = 64;
    let at = memchr::memmem::find(bytes, marker)? + marker.len();
    let rest = &bytes[at..];
    let head = &rest[..rest.len().min(LONGEST + 5)];
    let Some(length) = memchr::memmem::find(head, b"-----") else { return Some((None, rest)) };
    let label = std::str::from_utf8(&head[..length]).ok().filter(|label| label.bytes().all(|b| b == b' ' || b.is_ascii_graphic()));
    Some((label, &rest[length + 5..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Vec<(String, Result<Vec<u8>, PemError>)> {
        blocks(text.as_bytes()).map(|block| (block.label.to_owned(), block.decode().map(|bytes| bytes.to_vec()))).collect()
    }

    #[test]
    fn blocks_are_found_between_other_text() {
        let text = "\u{feff}subject=CN = x\r\n-----BEGIN A-----\r\nYWJj\r\nZGVm\r\n-----END A-----\r\nand\n-----BEGIN B C-----\n\n-----END B C-----";
        assert_eq!(read(text), [("A".to_owned(), Ok(b"abcdef".to_vec())), ("B C".to_owned(), Ok(Vec::new()))]);
    }

    #[test]
    fn broken_blocks_have_their_own_errors() {
        let label = || "A".to_owned();
        assert_eq!(read("-----BEGIN A-----\nYWJj\n"), [(label(), Err(PemError::Unterminated { label: label() }))]);
        assert_eq!(read("-----BEGIN A-----\nY?Jj\n-----END A-----"), [(label(), Err(PemError::Base64 { label: label() }))]);
        assert_eq!(read("-----BEGIN A"), []);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let text = encode("AN EXAMPLE", &bytes);
            prop_assert!(text.lines().all(|line| line.len() <= 64) && text.capacity() <= text.len() + 2);
            prop_assert_eq!(read(&text), [("AN EXAMPLE".to_owned(), Ok(bytes))]);
        }

        #[test]
        fn arbitrary_text_ends(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "(-----(BEGIN|END) [AB]{0,2}(-----)?\n?|[a-z=\n]){0,20}") {
            blocks(&bytes).for_each(|block| drop(block.decode()));
            blocks(text.as_bytes()).for_each(|block| drop(block.decode()));
        }
    }
}
