//! A JSON document that a person can read and whose last field is the digest of all before it: what facts and receipts travel as.
//!
//! ```text
//! {
//!   "facts": 1,
//!   …
//!   "sha256": "<64 hexadecimal digits over every byte before this line>"
//! }
//! ```
//!
//! By hand: `head -n -2 FILE | sha256sum`. The digest tells a document that was cut short, edited or carried as text from a whole one. It
//! proves nothing about who made it: whoever can change the document can make it anew.

use serde::{Serialize, de::DeserializeOwned};

use crate::digest::Digest;

/// What stands before the digest.
pub const BEFORE: &str = "  \"sha256\": \"";
/// What stands after it, up to the end.
pub const AFTER: &str = "\"\n}\n";
/// How many digits.
pub const DIGITS: usize = 64;

/// Why a document is not whole.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unclosed {
    /// It does not have the digest that it ends with.
    Altered {
        /// What it ends with.
        expected: Digest,
        /// What it has.
        found: Digest,
    },
    /// It does not end with a digest.
    Cut,
}

/// A value as a document that ends with its digest, and that digest; nothing for one that is no object with fields.
///
/// # Errors
/// When it has no JSON form.
pub fn close(value: &impl Serialize) -> Result<Option<(String, Digest)>, serde_json::Error> {
    let json = serde_json::to_string_pretty(value)?;
    let Some(open) = json.strip_suffix("\n}") else { return Ok(None) };
    let mut text = format!("{open},\n");
    let digest = Digest::of(text.as_bytes());
    text.extend([BEFORE, &digest.to_string(), AFTER]);
    Ok(Some((text, digest)))
}

/// What a document says, once its digest was compared, and the digest.
///
/// # Errors
/// When it is cut short or was altered.
pub fn open(bytes: &[u8]) -> Result<(Opened<'_>, Digest), Unclosed> {
    let tail = BEFORE.len() + DIGITS + AFTER.len();
    let (body, tail) = bytes.split_at_checked(bytes.len().wrapping_sub(tail)).ok_or(Unclosed::Cut)?;
    let digits = tail.strip_prefix(BEFORE.as_bytes()).and_then(|rest| rest.strip_suffix(AFTER.as_bytes()));
    let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok()).ok_or(Unclosed::Cut)?;
    let expected: Digest = digits.parse().map_err(|_| Unclosed::Cut)?;
    let found = Digest::of(body);
    if found != expected {
        return Err(Unclosed::Altered { expected, found });
    }
    Ok((Opened(body.strip_suffix(b",\n").ok_or(Unclosed::Cut)?), found))
}

/// A document without its digest.
#[derive(Clone, Copy)]
pub struct Opened<'a>(&'a [u8]);

impl Opened<'_> {
    /// What it says.
    ///
    /// # Errors
    /// When that is something else.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        // The brace that closes the object stands behind the digest.
        serde_json::from_slice(&[self.0, b"}"].concat())
    }
}
