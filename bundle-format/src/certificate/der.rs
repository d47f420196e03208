//! A small reader of DER (X.690), for structures whose bytes must survive untouched.
//!
//! It hands out slices of its input and copies nothing, so what was read can be written again byte for byte. Other encoders'
//! habits are taken as found: a length in more bytes than it needs, a default that is spelled out.
//!
//! Hostile input and what stops it:
//! * a length past the end: every length is compared with what is left, [`DerError::Truncated`];
//! * a length that overflows: at most four bytes of length, [`DerError::LongLength`];
//! * indefinite length, which would need a search for its end: [`DerError::Indefinite`];
//! * nesting without end: the reader never recurses; each caller descends by as many levels as its structure has;
//! * a second meaning after the end: callers close each level with [`Reader::finish`], [`DerError::Trailing`].

use thiserror::Error;

use crate::{text, word};

/// `BOOLEAN`.
pub const BOOLEAN: u8 = 0x01;
/// `INTEGER`.
pub const INTEGER: u8 = 0x02;
/// `BIT STRING`.
pub const BIT_STRING: u8 = 0x03;
/// `OCTET STRING`.
pub const OCTET_STRING: u8 = 0x04;
/// `NULL`.
pub const NULL: u8 = 0x05;
/// `OBJECT IDENTIFIER`.
pub const OID: u8 = 0x06;
/// `UTCTime`.
pub const UTC_TIME: u8 = 0x17;
/// `GeneralizedTime`.
pub const GENERALIZED_TIME: u8 = 0x18;
/// `SEQUENCE` and `SEQUENCE OF`.
pub const SEQUENCE: u8 = 0x30;
/// `SET` and `SET OF`.
pub const SET: u8 = 0x31;

/// The tag `[number]` of a primitive value, for `number` below 31.
#[must_use]
pub const fn context(number: u8) -> u8 {
    0x80 | number
}

/// The tag `[number]` of a constructed value, for `number` below 31.
#[must_use]
pub const fn context_constructed(number: u8) -> u8 {
    0xa0 | number
}

/// Why bytes are not the DER that was expected. Nothing of the input is in it: it may be a key.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum DerError {
    /// A tag of more than one byte.
    #[error("{}", text!("a tag number above 30", "标签号大于 30"))]
    HighTag,
    /// A length that ends where a marker is found.
    #[error("{}", text!("an indefinite length", "不定长度"))]
    Indefinite,
    /// A length written in more than four bytes.
    #[error("{}", text!("a length of {bytes} bytes, at most 4 are read", "长度字段占 {bytes} 字节，最多读取 4 字节"))]
    LongLength {
        /// How many bytes the length takes.
        bytes: usize,
    },
    /// Bytes behind the end of a structure.
    #[error("{}", text!("{bytes} bytes behind its end", "末尾之后还有 {bytes} 字节"))]
    Trailing {
        /// How many.
        bytes: usize,
    },
    /// The end comes before the length says.
    #[error("{}", text!(
        "cut short: {needed} bytes announced, {available} there",
        "内容被截断：声明 {needed} 字节，实有 {available} 字节"
    ))]
    Truncated {
        /// How many bytes were announced.
        needed: usize,
        /// How many are left.
        available: usize,
    },
    /// Another type than the structure has at this place.
    #[error("{}", text!("tag {found:#04x} where {expected:#04x} belongs", "标签为 {found:#04x}，应为 {expected:#04x}"))]
    UnexpectedTag {
        /// The tag that belongs here.
        expected: u8,
        /// The tag that is here.
        found: u8,
    },
    /// A value of the right type that means nothing here.
    #[error("{}", text!("a value that means nothing: {what}", "值无效，应为：{what}"))]
    Value {
        /// What the value should be.
        what: &'static str,
    },
}

/// One value: tag, length, content.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tlv<'a> {
    /// The identifier byte.
    pub tag: u8,
    /// The whole value as it stands in the input.
    pub raw: &'a [u8],
    /// Its content.
    pub content: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// A reader of the content.
    #[must_use]
    pub fn reader(&self) -> Reader<'a> {
        Reader::new(self.content)
    }
}

/// Reads one value after the other.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether everything was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What was not read yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next value, of any type.
    ///
    /// # Errors
    /// When what follows is not one whole value with a definite length.
    pub fn any(&mut self) -> Result<Tlv<'a>, DerError> {
        let available = self.rest.len();
        let (&tag, after_tag) = self.rest.split_first().ok_or(DerError::Truncated { needed: 2, available })?;
        if tag & 0x1f == 0x1f {
            return Err(DerError::HighTag);
        }
        let (length, body) = split_length(after_tag)?;
        if length > body.len() {
            return Err(DerError::Truncated { needed: length, available: body.len() });
        }
        let (content, rest) = body.split_at(length);
        let raw = &self.rest[..available - rest.len()];
        self.rest = rest;
        Ok(Tlv { tag, raw, content })
    }

    /// The next value, which must have `tag`.
    ///
    /// # Errors
    /// When it has another tag, or is not whole.
    pub fn expect(&mut self, tag: u8) -> Result<Tlv<'a>, DerError> {
        match self.rest.first() {
            Some(&found) if found != tag => Err(DerError::UnexpectedTag { expected: tag, found }),
            _ => self.any(),
        }
    }

    /// The next value if it has `tag`; else nothing is read.
    ///
    /// # Errors
    /// When it has the tag and is not whole.
    pub fn optional(&mut self, tag: u8) -> Result<Option<Tlv<'a>>, DerError> {
        if self.rest.first() == Some(&tag) { self.any().map(Some) } else { Ok(None) }
    }

    /// Ends the structure.
    ///
    /// # Errors
    /// When something is left.
    pub fn finish(self) -> Result<(), DerError> {
        match self.rest.len() {
            0 => Ok(()),
            bytes => Err(DerError::Trailing { bytes }),
        }
    }
}

/// The one value that `bytes` consist of, which must have `tag`.
///
/// # Errors
/// When there is another tag, too little or too much.
pub fn whole(bytes: &[u8], tag: u8) -> Result<Tlv<'_>, DerError> {
    let mut reader = Reader::new(bytes);
    let value = reader.expect(tag)?;
    reader.finish()?;
    Ok(value)
}

/// The bits of a `BIT STRING` that is made of whole bytes, such as a key or a signature.
///
/// # Errors
/// When it is empty or ends within a byte.
pub fn whole_bytes<'a>(bit_string: &Tlv<'a>) -> Result<&'a [u8], DerError> {
    match bit_string.content.split_first() {
        Some((0, bytes)) => Ok(bytes),
        _ => Err(DerError::Value { what: word!("bits that fill whole bytes", "整字节的位串") }),
    }
}

/// The magnitude of a positive `INTEGER`, big-endian, without leading zeros.
///
/// # Errors
/// When it is zero, negative or empty.
pub fn positive<'a>(integer: &Tlv<'a>) -> Result<&'a [u8], DerError> {
    let bytes = integer.content;
    let start = bytes.iter().position(|&byte| byte != 0);
    match (bytes.first(), start) {
        (Some(first), Some(start)) if first & 0x80 == 0 => Ok(&bytes[start..]),
        _ => Err(DerError::Value { what: word!("a positive integer", "正整数") }),
    }
}

/// The dotted form of the content of an `OBJECT IDENTIFIER`; `#` and hexadecimal where it has none.
#[must_use]
pub fn dotted(content: &[u8]) -> String {
    oid_arcs(content).unwrap_or_else(|| format!("#{}", hex::encode(content)))
}

fn oid_arcs(content: &[u8]) -> Option<String> {
    let mut arcs = Vec::new();
    let mut arc = 0u64;
    for byte in content {
        arc = arc.checked_mul(128)? | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            arcs.push(std::mem::take(&mut arc));
        }
    }
    if content.last()? & 0x80 != 0 {
        return None;
    }
    let (first, others) = arcs.split_first()?;
    let root = (*first / 40).min(2);
    let mut text = format!("{root}.{}", first - root * 40);
    for arc in others {
        text.push('.');
        text.push_str(&arc.to_string());
    }
    Some(text)
}

/// A length and what follows it.
fn split_length(bytes: &[u8]) -> Result<(usize, &[u8]), DerError> {
    let (&first, rest) = bytes.split_first().ok_or(DerError::Truncated { needed: 1, available: 0 })?;
    if first < 0x80 {
        return Ok((usize::from(first), rest));
    }
    let count = usize::from(first & 0x7f);
    match count {
        0 => return Err(DerError::Indefinite),
        5.. => return Err(DerError::LongLength { bytes: count }),
        _ if count > rest.len() => return Err(DerError::Truncated { needed: count, available: rest.len() }),
        _ => {}
    }
    let (digits, rest) = rest.split_at(count);
    let length = digits.iter().fold(0u32, |length, &digit| length << 8 | u32::from(digit));
    let length = usize::try_from(length).map_err(|_| DerError::LongLength { bytes: count })?;
    Ok((length, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_hostile_length_has_its_error() {
        let first = |bytes: &[u8]| Reader::new(bytes).any().map(|value| value.content.len());
        assert_eq!(first(&[0x30, 0x80, 0, 0]), Err(DerError::Indefinite));
        assert_eq!(first(&[0x30, 0x85, 0, 0, 0, 0, 0]), Err(DerError::LongLength { bytes: 5 }));
        assert_eq!(first(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), Err(DerError::Truncated { needed: 0xffff_ffff, available: 0 }));
        assert_eq!(first(&[0x30, 0x02, 0]), Err(DerError::Truncated { needed: 2, available: 1 }));
        assert_eq!(first(&[0x3f, 0x81, 0, 0]), Err(DerError::HighTag));
        assert_eq!(first(&[0x30]), Err(DerError::Truncated { needed: 1, available: 0 }));
        assert_eq!(first(&[]), Err(DerError::Truncated { needed: 2, available: 0 }));
        assert_eq!(first(&[0x04, 0x82, 0, 1, 7]), Ok(1), "a length in more bytes than it needs");
        assert_eq!(whole(&[0x05, 0, 0], NULL), Err(DerError::Trailing { bytes: 1 }));
    }

    #[test]
    fn object_identifiers_read_as_people_write_them() {
        assert_eq!(dotted(&[0x55, 0x04, 0x03]), "2.5.4.3");
        assert_eq!(dotted(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d]), "1.2.840.113549");
        assert_eq!(dotted(&[0x88, 0x37]), "2.999");
        assert_eq!(dotted(&[0x2a, 0x86]), "#2a86");
        assert_eq!(dotted(&[]), "#");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_split_without_loss(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut reader = Reader::new(&bytes);
            let mut seen = Vec::new();
            while let Ok(value) = reader.any() {
                prop_assert!(value.raw.ends_with(value.content));
                seen.extend_from_slice(value.raw);
            }
            seen.extend_from_slice(reader.rest());
            prop_assert_eq!(seen, bytes.clone());
            let _ = dotted(&bytes);
        }
    }
}
