//! Secrets on the stick: sealed by [age](https://c2sp.org/age), to a node's own recipient, to the site's, or both.
//!
//! Generator and executor share this module, so that what one seals the other opens. It takes and gives bytes in memory only.
//!
//! What a lost stick or a hostile bundle may try, and what stops it:
//!
//! | attack | stopped by |
//! | --- | --- |
//! | read a secret without a key | X25519 and ChaCha20-Poly1305, or scrypt over a passphrase |
//! | put one node's, entry's or bundle's secret in another's place | the first line of the plaintext, [`Place`] |
//! | a work factor that eats memory or time | [`WORK_FACTOR`] is the most that is taken |
//! | a header without an end | [`MOST_HEADER`] and [`MOST_STANZAS`], before any of it is parsed |
//! | a plaintext without an end | it is never longer than its ciphertext, which the reader has bounded |

mod envelope;
mod error;
mod place;

use std::fmt;

use age::secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

pub use self::{
    envelope::{Key, Lock, open, seal},
    error::{IdentityError, PassphraseError, PlaceError, SealError, UnsealError},
    place::Place,
};
use crate::name::Recipient;

/// The logarithm of scrypt's N, with r = 8 and p = 1 as age has them: 32 MiB of memory and a tenth of a second, on nodes that may
/// have little of either. The passphrase carries the strength: one of [`NEW_DIGITS`] needs no help from scrypt.
pub const WORK_FACTOR: u8 = 15;
/// The most bytes of an age header: two recipients, and the stanza of junk that age may add (RFC 8701 has the idea).
pub const MOST_HEADER: usize = 4096;
/// The most stanzas of an age header.
pub const MOST_STANZAS: usize = 8;
/// How many decimal digits a passphrase of the generator's own making has: more than 128 bits (132.8), in characters that can be
/// read over the phone in any language and typed on any console.
pub const NEW_DIGITS: usize = 40;
/// The shortest passphrase of a person's own, in characters.
pub const LEAST_CHARACTERS: usize = 12;

/// The longest passphrase, in bytes.
const MOST_PASSPHRASE: usize = 1024;

/// The key of a node or of a site, an X25519 secret. Its `Debug` shows none of it.
#[derive(Clone)]
pub struct Identity(age::x25519::Identity);

impl Identity {
    /// A new one from the system's random source.
    #[must_use]
    pub fn generate() -> Self {
        Self(age::x25519::Identity::generate())
    }

    /// Reads an identity file: one line `AGE-SECRET-KEY-1…`; empty lines and those that begin with `#` are passed over.
    ///
    /// # Errors
    /// When there is no identity, more than one, or something else.
    pub fn parse(file: &[u8]) -> Result<Self, IdentityError> {
        let text = std::str::from_utf8(file).map_err(|_| IdentityError::NotText)?;
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let line = lines.next().ok_or(IdentityError::None)?;
        if lines.next().is_some() {
            return Err(IdentityError::Several);
        }
        line.parse().map(Self).map_err(|_| IdentityError::Malformed)
    }

    /// The line of an identity file, without its end.
    #[must_use]
    pub fn to_line(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.to_string().expose_secret().to_owned())
    }

    /// To whom others seal.
    #[must_use]
    pub fn recipient(&self) -> Recipient {
        Recipient::of(&self.0.to_public())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.recipient())
    }
}

/// What opens a site's identity: typed by a person, or made by [`Passphrase::from_random`]. Its `Debug` shows none of it.
pub struct Passphrase(SecretString);

impl Passphrase {
    /// Takes a passphrase as it was typed, without an end of line. One that is [`NEW_DIGITS`] digits, but for spaces and dashes
    /// between them, is taken without those.
    ///
    /// # Errors
    /// When it is empty or longer than 1,024 bytes.
    pub fn new(typed: &str) -> Result<Self, PassphraseError> {
        if typed.is_empty() {
            return Err(PassphraseError::Empty);
        }
        if typed.len() > MOST_PASSPHRASE {
            return Err(PassphraseError::TooLong { bytes: typed.len(), most: MOST_PASSPHRASE });
        }
        let mut digits = Zeroizing::new(String::with_capacity(typed.len()));
        digits.extend(typed.chars().filter(|c| !matches!(c, ' ' | '-')));
        let is_new = digits.len() == NEW_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        Ok(Self(SecretString::from(if is_new { digits.as_str() } else { typed }.to_owned())))
    }

    /// A strong one, from the system's random source: groups of four digits with dashes between them, as it is shown and typed.
    /// `fill` fills a buffer with random bytes.
    ///
    /// # Errors
    /// When `fill` does.
    pub fn from_random<E>(fill: impl Fn(&mut [u8]) -> Result<(), E>) -> Result<Zeroizing<String>, E> {
        const GROUP: usize = 4;
        let mut shown = Zeroizing::new(String::with_capacity(NEW_DIGITS + NEW_DIGITS / GROUP));
        let mut digits = 0;
        let mut bytes = Zeroizing::new([0; 2 * NEW_DIGITS]);
        while digits < NEW_DIGITS {
            fill(bytes.as_mut_slice())?;
            // Below 250, so that each digit is as likely as any other.
            for byte in bytes.iter().filter(|byte| **byte < 250).take(NEW_DIGITS - digits) {
                if digits > 0 && digits.is_multiple_of(GROUP) {
                    shown.push('-');
                }
                shown.push(char::from(b'0' + byte % 10));
                digits += 1;
            }
        }
        Ok(shown)
    }

    /// Whether it is too short to withstand somebody who has the stick and time.
    ///
    /// # Errors
    /// When it has fewer than [`LEAST_CHARACTERS`].
    pub fn check_strength(&self) -> Result<(), PassphraseError> {
        match self.0.expose_secret().chars().count() {
            characters if characters < LEAST_CHARACTERS => Err(PassphraseError::TooShort { characters, least: LEAST_CHARACTERS }),
            _ => Ok(()),
        }
    }

    /// Whether both are the same.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }

    fn secret(&self) -> SecretString {
        self.0.clone()
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

#[cfg(test)]
mod tests;
