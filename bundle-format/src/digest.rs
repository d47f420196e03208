//! SHA-256 digests and the fingerprints of public keys, as types.

use std::{fmt, io, str::FromStr};

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{Context, SHA256, digest},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::text;

/// Why a text is no digest or fingerprint.
#[derive(Clone, Copy, Debug, Error, Eq, PartialEq)]
pub enum DigestError {
    /// Not 64 lower-case hexadecimal digits.
    #[error("{}", text!("a SHA-256 digest is 64 lower-case hexadecimal digits", "SHA-256 摘要应为 64 位小写十六进制数字"))]
    Digest,
    /// Not `SHA256:` and 44 characters of base64.
    #[error("{}", text!("a fingerprint is `SHA256:` and 44 characters of base64", "指纹应为 `SHA256:` 加 44 个 base64 字符"))]
    Fingerprint,
    /// So few characters that another key could have them too.
    #[error("{}", text!(
        "{found} characters of a fingerprint are too few: after `SHA256:`, give all 43 or at least the first {least}",
        "指纹只有 {found} 个字符，太少：`SHA256:` 之后应写全部 43 个，至少写前 {least} 个"
    ))]
    Short {
        /// How many there are.
        found: usize,
        /// How many there must be.
        least: usize,
    },
}

/// A SHA-256 digest; as text, 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_library(&digest(&SHA256, bytes))
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn from_library(value: &aws_lc_rs::digest::Digest) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(value.as_ref());
        Self(bytes)
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;
    fn from_str(text: &str) -> Result<Self, DigestError> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(DigestError::Digest);
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| DigestError::Digest)?;
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Digest {
    type Error = DigestError;
    fn try_from(text: String) -> Result<Self, DigestError> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

/// A digest in the making: write into it, then [`Hasher::finish`].
pub struct Hasher(Context);

impl Default for Hasher {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl Hasher {
    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all that was added.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest::from_library(&self.0.finish())
    }
}

impl io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a public key is known by: `SHA256:` and the base64 of the SHA-256 of its DER `SubjectPublicKeyInfo` (RFC 5280, 4.1.2.7).
/// The closing `=` may be left out when it is typed.
#[derive(Clone, Copy, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(Digest);

impl Fingerprint {
    /// The fingerprint of a DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn of_spki(der: &[u8]) -> Self {
        Self(Digest::of(der))
    }
}

impl From<Fingerprint> for Digest {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("SHA256:{}", STANDARD.encode(self.0.as_bytes())))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = DigestError;
    fn from_str(text: &str) -> Result<Self, DigestError> {
        let encoded = text.strip_prefix("SHA256:").ok_or(DigestError::Fingerprint)?;
        let encoded = encoded.strip_suffix('=').unwrap_or(encoded);
        let decoded = STANDARD_NO_PAD.decode(encoded).map_err(|_| DigestError::Fingerprint)?;
        let bytes: [u8; 32] = decoded.try_into().map_err(|_| DigestError::Fingerprint)?;
        Ok(Self(Digest(bytes)))
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = DigestError;
    fn try_from(text: String) -> Result<Self, DigestError> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

/// A fingerprint as a person types it: whole, or its first [`TypedFingerprint::LEAST`] characters or more.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct TypedFingerprint(String);

impl TypedFingerprint {
    /// The fewest characters after `SHA256:`. Each is 6 bits, so these are 132: nobody makes a key that shares them.
    pub const LEAST: usize = 22;
    /// The characters of a whole one, without the closing `=`.
    const WHOLE: usize = 43;

    /// Whether this is `fingerprint`, as far as it was typed. Takes the same time wherever they differ.
    #[must_use]
    pub fn fits(&self, fingerprint: &Fingerprint) -> bool {
        let whole = STANDARD_NO_PAD.encode(fingerprint.0.as_bytes());
        whole.as_bytes().get(..self.0.len()).is_some_and(|start| verify_slices_are_equal(start, self.0.as_bytes()).is_ok())
    }
}

impl From<Fingerprint> for TypedFingerprint {
    fn from(fingerprint: Fingerprint) -> Self {
        Self(STANDARD_NO_PAD.encode(fingerprint.0.as_bytes()))
    }
}

impl FromStr for TypedFingerprint {
    type Err = DigestError;
    fn from_str(text: &str) -> Result<Self, DigestError> {
        let encoded = text.strip_prefix("SHA256:").ok_or(DigestError::Fingerprint)?;
        if encoded.trim_end_matches('=').len() >= Self::WHOLE {
            return text.parse::<Fingerprint>().map(Self::from);
        }
        if !encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')) {
            return Err(DigestError::Fingerprint);
        }
        if encoded.len() < Self::LEAST {
            return Err(DigestError::Short { found: encoded.len(), least: Self::LEAST });
        }
        Ok(Self(encoded.to_owned()))
    }
}

impl fmt::Display for TypedFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.0.len() == Self::WHOLE { "=" } else { "…" };
        f.pad(&format!("SHA256:{}{end}", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_come_back() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert!(digest.to_string().to_uppercase().parse::<Digest>().is_err());
        let fingerprint = Fingerprint::of_spki(b"abc");
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        assert!("SHA256:AAAA".parse::<Fingerprint>().is_err());
    }

    #[test]
    fn a_fingerprint_may_be_typed_in_part_but_not_in_a_small_part() {
        let (own, other) = (Fingerprint::of_spki(b"abc"), Fingerprint::of_spki(b"abd"));
        let whole = own.to_string();
        let digits = "SHA256:".len();
        for length in 0..=whole.len() - digits {
            let typed = whole[..digits + length].parse::<TypedFingerprint>();
            match length {
                0..22 => assert_eq!(typed, Err(DigestError::Short { found: length, least: 22 })),
                _ => assert_eq!(typed.map(|typed| (typed.fits(&own), typed.fits(&other))), Ok((true, false)), "{length}"),
            }
        }
        for (at, _) in whole.char_indices().skip(digits).take(43) {
            let mut wrong = whole.clone().into_bytes();
            wrong[at] = if wrong[at] == b'A' { b'E' } else { b'A' };
            let wrong = String::from_utf8(wrong).unwrap();
            assert!(!wrong.parse::<TypedFingerprint>().is_ok_and(|typed| typed.fits(&own)), "{wrong}");
        }
        for text in
            ["", "SHA256", "MD5:AAAAAAAAAAAAAAAAAAAAAAAA", &format!("{whole}="), &format!("{}=", &whole[..40]), &whole.replace(':', ": ")]
        {
            assert_eq!(text.parse::<TypedFingerprint>(), Err(DigestError::Fingerprint), "{text}");
        }
    }
}
