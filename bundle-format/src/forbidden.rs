//! Secrets that must not be in a bundle, in any form in which a file would hold them.
//!
//! A secret is searched as raw bytes, as hexadecimal of either case, and as base64 at each of the three alignments at which it
//! can stand within a longer base64 text, with white space, colons and line breaks taken out first.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use memchr::memmem::Finder;
use zeroize::Zeroizing;

/// Secrets shorter than this, in bytes, cannot be told from chance and are not searched for.
const LEAST_BYTES: usize = 16;

/// The secrets that a writer refuses to write.
#[derive(Default)]
pub struct Forbidden {
    raw: Vec<Zeroizing<Vec<u8>>>,
    text: Vec<Zeroizing<Vec<u8>>>,
}

impl Forbidden {
    /// Adds a secret: an integer's big-endian bytes, a seed, a whole DER document.
    pub fn add(&mut self, secret: &[u8]) {
        let leading_zeros = secret.iter().take_while(|byte| **byte == 0).count();
        let secret = &secret[leading_zeros..];
        if secret.len() < LEAST_BYTES {
            return;
        }
        self.raw.push(Zeroizing::new(secret.to_vec()));
        let lower = Zeroizing::new(hex::encode(secret).into_bytes());
        self.text.push(Zeroizing::new(lower.to_ascii_uppercase()));
        self.text.push(lower);
        for skip in 0..3 {
            let aligned = &secret[skip..];
            let whole = aligned.len() - aligned.len() % 3;
            self.text.push(Zeroizing::new(STANDARD_NO_PAD.encode(&aligned[..whole]).into_bytes()));
        }
    }

    /// The first of these contents that holds one of the secrets.
    ///
    /// A search is prepared once for a secret, not once for a content: bundles have many small entries.
    pub fn found_in<'a, K>(&self, contents: impl IntoIterator<Item = (K, &'a [u8])>) -> Option<K> {
        if self.raw.is_empty() {
            return None;
        }
        let mut contents: Vec<(K, Forms<'a>)> = contents.into_iter().map(|(key, content)| (key, Forms::of(content))).collect();
        let raw = self.raw.iter().find_map(|needle| {
            let finder = Finder::new(needle.as_slice());
            contents.iter().position(|(_, forms)| finder.find(forms.raw).is_some())
        });
        let text = || {
            self.text.iter().find_map(|needle| {
                let finder = Finder::new(needle.as_slice());
                contents.iter().position(|(_, forms)| finder.find(&forms.squeezed).is_some() || finder.find(&forms.unescaped).is_some())
            })
        };
        raw.or_else(text).map(|index| contents.swap_remove(index).0)
    }
}

/// A content in the forms in which it is searched.
struct Forms<'a> {
    raw: &'a [u8],
    /// Without white space and colons.
    squeezed: Zeroizing<Vec<u8>>,
    /// `squeezed` without escaped line breaks; empty where there is no backslash.
    unescaped: Zeroizing<Vec<u8>>,
}

impl<'a> Forms<'a> {
    fn of(raw: &'a [u8]) -> Self {
        let squeezed: Zeroizing<Vec<u8>> =
            Zeroizing::new(raw.iter().copied().filter(|byte| !byte.is_ascii_whitespace() && *byte != b':').collect());
        let unescaped = if squeezed.contains(&b'\\') { without_escapes(&squeezed) } else { Zeroizing::default() };
        Self { raw, squeezed, unescaped }
    }
}

/// The content with the two characters `\n` and `\r`, as JSON and SQL write line breaks, taken out.
fn without_escapes(content: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut plain = Zeroizing::new(Vec::with_capacity(content.len()));
    let mut rest = content;
    while let Some((first, tail)) = rest.split_first() {
        rest = if let (b'\\', [b'n' | b'r', after @ ..]) = (first, tail) {
            after
        } else {
            plain.push(*first);
            tail
        };
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    fn forms(before: &[u8], secret: &[u8], width: usize) -> Vec<Vec<u8>> {
        let document = [before, secret, b"after"].concat();
        let encoded = STANDARD.encode(&document);
        let lines: Vec<&str> = encoded.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
        vec![
            document.clone(),
            lines.join("\n").into_bytes(),
            lines.join("\r\n").into_bytes(),
            lines.join("\\n").into_bytes(),
            hex::encode(&document).into_bytes(),
            hex::encode_upper(&document).into_bytes(),
        ]
    }

    proptest! {
        #[test]
        fn a_secret_is_found_in_every_form(before in proptest::collection::vec(any::<u8>(), 0..9), secret in proptest::collection::vec(1u8.., 24..80), width in 1usize..90) {
            let mut forbidden = Forbidden::default();
            forbidden.add(&secret);
            for form in forms(&before, &secret, width) {
                let contents = [("other", b"nothing".as_slice()), ("holder", &form)];
                prop_assert_eq!(forbidden.found_in(contents), Some("holder"), "{:?}", String::from_utf8_lossy(&form));
            }
            let other: Vec<u8> = secret.iter().map(|byte| byte ^ 0xa5).collect();
            for form in forms(&before, &other, width) {
                prop_assert_eq!(forbidden.found_in([((), form.as_slice())]), None);
            }
        }
    }
}
