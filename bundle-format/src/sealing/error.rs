//! Why something is not sealed, and why it does not open. No error holds a secret.

use thiserror::Error;

use crate::name::{EntryPath, NodeName, Serial, SiteName};

/// Why a text is no passphrase.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum PassphraseError {
    /// There is nothing.
    #[error("the passphrase is empty")]
    Empty,
    /// More than anybody types.
    #[error("the passphrase has {bytes} bytes; at most {most} are taken")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// Somebody with the stick would find it.
    #[error("the passphrase has {characters} characters; at least {least} are needed")]
    TooShort {
        /// Its length.
        characters: usize,
        /// The limit.
        least: usize,
    },
}

/// Why a file holds no identity.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum IdentityError {
    /// A line that is no identity.
    #[error("its line is not `AGE-SECRET-KEY-1…`")]
    Malformed,
    /// No line but comments.
    #[error("it holds no identity")]
    None,
    /// Not UTF-8.
    #[error("it is not text")]
    NotText,
    /// More than one line.
    #[error("it holds more than one line besides comments")]
    Several,
}

/// Why a secret was not sealed.
#[derive(Debug, Error)]
pub enum SealError {
    /// Nobody could open it.
    #[error("`{0}` is to be sealed to nobody")]
    Nobody(EntryPath),
    /// The library refuses.
    #[error("`{0}` cannot be sealed")]
    Refused(EntryPath),
}

/// Why an opened secret is not the one that belongs here.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum PlaceError {
    /// No first line of this format.
    #[error("`{0}` does not begin with `reseal secret v1` and its place")]
    Title(EntryPath),
    /// Of another site.
    #[error("`{entry}` was sealed for the site `{found}`, but the bundle is for `{expected}`")]
    Site {
        /// Where it stands.
        entry: EntryPath,
        /// As it says itself.
        found: SiteName,
        /// As the bundle says.
        expected: SiteName,
    },
    /// Of another bundle of the site.
    #[error("`{entry}` was sealed for the bundle {found}, but this is {expected}")]
    Serial {
        /// Where it stands.
        entry: EntryPath,
        /// As it says itself.
        found: Serial,
        /// As the bundle says.
        expected: Serial,
    },
    /// Of another node; `-` is the site itself.
    #[error("`{entry}` was sealed for the node `{found}`, but it stands where that of `{expected}` belongs", found = shown(.found.as_ref()), expected = shown(.expected.as_ref()))]
    Node {
        /// Where it stands.
        entry: EntryPath,
        /// As it says itself.
        found: Option<NodeName>,
        /// As its place says.
        expected: Option<NodeName>,
    },
    /// Of another entry.
    #[error("`{entry}` was sealed as `{found}`")]
    Entry {
        /// Where it stands.
        entry: EntryPath,
        /// As it says itself.
        found: EntryPath,
    },
}

fn shown(node: Option<&NodeName>) -> &str {
    node.map_or("-", NodeName::as_str)
}

/// Why a sealed secret does not open.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum UnsealError {
    /// The key fits, and the content is not what was sealed.
    #[error("`{0}` is damaged: its content is not what was sealed")]
    Damaged(EntryPath),
    /// It is sealed otherwise than bundles seal, or not at all.
    #[error("`{entry}` is not sealed as secrets of a bundle are: {why}")]
    Malformed {
        /// The entry.
        entry: EntryPath,
        /// The reason.
        why: &'static str,
    },
    /// It is sealed to others.
    #[error("`{0}` is not sealed to this identity")]
    OtherIdentity(EntryPath),
    /// It opens, and belongs elsewhere.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// It asks for more work than is taken.
    #[error("`{entry}` asks for scrypt with 2^{found}; at most 2^{most} is taken")]
    Work {
        /// The entry.
        entry: EntryPath,
        /// What it asks for.
        found: u8,
        /// The most.
        most: u8,
    },
    /// The passphrase is another.
    #[error("the passphrase does not open `{0}`")]
    WrongPassphrase(EntryPath),
}
