//! An age recipient (X25519) as text: whom a secret is sealed to. It is public, and nothing is sealed here.
//!
//! A mistyped one must not pass: what is sealed to nobody can be read by nobody. The text carries its own check (BIP-173), so one or
//! two wrong characters are always noticed.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The characters of Bech32, by their value (BIP-173).
const CHARACTERS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/// What precedes the characters.
const PREFIX: &str = "age1";
/// 32 bytes in groups of five bits, and six characters of check.
const LENGTH: usize = PREFIX.len() + 52 + 6;

/// Why a text is no recipient.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum RecipientError {
    /// The check does not fit: something is mistyped.
    #[error("the recipient `{0}` is mistyped: its last six characters do not fit the others")]
    Check(String),
    /// It is something else.
    #[error("`{0}` is no recipient: one is `age1` and 58 of `a-z 0-9` without `b`, `i`, `o` and `1`")]
    Form(String),
    /// The private half was given.
    #[error("this is a private identity, `AGE-SECRET-KEY-…`, where its recipient `age1…` belongs: it never leaves its node")]
    Private,
}

/// `age1` and 58 characters: an X25519 public key in Bech32.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Recipient(String);

impl Recipient {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Recipient {
    type Error = RecipientError;

    fn try_from(text: String) -> Result<Self, RecipientError> {
        if text.trim_start().get(..14).is_some_and(|start| start.eq_ignore_ascii_case("AGE-SECRET-KEY")) {
            return Err(RecipientError::Private);
        }
        let shown = || text.chars().take(80).collect::<String>().escape_debug().to_string();
        let data = text.strip_prefix(PREFIX).filter(|_| text.len() == LENGTH).ok_or_else(|| RecipientError::Form(shown()))?;
        let value = |byte: u8| CHARACTERS.iter().position(|own| *own == byte).and_then(|value| u32::try_from(value).ok());
        let values = data.bytes().map(value).collect::<Option<Vec<u32>>>().ok_or_else(|| RecipientError::Form(shown()))?;
        // 256 bits fill 51 groups and one bit of the next: the other four are zero, or two texts would be one key.
        let is_padded = values.get(51).is_some_and(|last| last.trailing_zeros() >= 4);
        if remainder(&values) == 1 && is_padded { Ok(Self(text)) } else { Err(RecipientError::Check(shown())) }
    }
}

/// The remainder of BIP-173, over the prefix `age` as it is expanded there and these values.
fn remainder(values: &[u32]) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let prefix = PREFIX.trim_end_matches('1').bytes().map(u32::from);
    let expanded = prefix.clone().map(|byte| byte >> 5).chain([0]).chain(prefix.map(|byte| byte & 31));
    expanded.chain(values.iter().copied()).fold(1, |check, value| {
        let top = check >> 25;
        let shifted = ((check & 0x01ff_ffff) << 5) ^ value;
        GENERATOR.iter().enumerate().filter(|(bit, _)| top >> bit & 1 == 1).fold(shifted, |check, (_, word)| check ^ word)
    })
}

impl FromStr for Recipient {
    type Err = RecipientError;

    fn from_str(text: &str) -> Result<Self, RecipientError> {
        Self::try_from(text.to_owned())
    }
}

impl From<Recipient> for String {
    fn from(recipient: Recipient) -> Self {
        recipient.0
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Of the example in age's own README.
    const GOOD: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

    #[test]
    fn a_recipient_is_read_as_it_is() {
        assert_eq!(GOOD.parse::<Recipient>().unwrap().as_str(), GOOD);
    }

    #[test]
    fn everything_else_has_its_own_error() {
        let error = |text: &str| text.parse::<Recipient>().unwrap_err();
        for text in ["", "age1", &GOOD[..61], &format!("{GOOD}q"), &GOOD.to_uppercase(), &GOOD.replacen('z', "b", 1), &format!(" {GOOD}")] {
            assert!(matches!(error(text), RecipientError::Form(_)), "{text}");
        }
        assert!(matches!(error(&GOOD.replacen('z', "q", 1)), RecipientError::Check(_)));
        let private = error("AGE-SECRET-KEY-1QQQQQQQQQQ");
        assert_eq!(private, RecipientError::Private);
        assert!(!private.to_string().contains("QQQ"));
    }

    proptest! {
        #[test]
        fn one_or_two_wrong_characters_are_noticed(at in 4usize..62, other in 4usize..62, one in 0usize..32, two in 0usize..32) {
            let mut text = GOOD.as_bytes().to_vec();
            (text[at], text[other]) = (CHARACTERS[one], CHARACTERS[two]);
            prop_assume!(text != GOOD.as_bytes());
            prop_assert!(String::from_utf8(text).unwrap().parse::<Recipient>().is_err());
        }

        #[test]
        fn any_text_ends(text in ".{0,80}") {
            let _ = text.parse::<Recipient>();
        }
    }
}
