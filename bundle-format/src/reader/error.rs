//! Why a bundle is rejected: one variant for each inconsistency, with both sides of it.

use std::io;

use thiserror::Error;

use crate::{
    digest::Digest,
    name::{BundleName, EntryPath, NameError, NodeName},
    signature::SignatureError,
    sums::SumsError,
    version::Version,
};

/// A bundle that cannot be trusted or understood.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The medium failed, which says nothing about the bundle.
    #[error("the bundle cannot be read: {0}")]
    Io(#[source] io::Error),
    /// The file does not begin as a bundle does.
    #[error("this is not a reseal bundle: it does not begin with a bundle's gzip header")]
    NotABundle,
    /// The compressed bytes are not those that were written.
    #[error("the file is damaged or cut short: its bytes differ from those that were written")]
    Damaged,
    /// The gzip stream is not one, though its digest fits.
    #[error("the compressed data is invalid: {0}")]
    Gzip(String),
    /// There is something after the end.
    #[error("there is data after the bundle's end")]
    Trailing,
    /// A tar header is not the one that its entry has.
    #[error("the tar header of `{0}` is not in the one form that a bundle has")]
    Header(String),
    /// The tarball ends within an entry or without its closing blocks.
    #[error("the tarball ends too early, after `{0}`")]
    Cut(String),
    /// Something other than a regular file.
    #[error("`{path}` is a {kind}; a bundle holds regular files only")]
    EntryType {
        /// The entry as the tarball names it.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// A folder in which there is nothing, where the bundle is unpacked.
    #[error("`{0}` is an empty folder; a bundle holds regular files only")]
    EmptyFolder(String),
    /// A name that no entry may have.
    #[error(transparent)]
    Name(#[from] NameError),
    /// An entry is not below the bundle's folder.
    #[error("`{path}` is not below the bundle's folder `{folder}`")]
    Outside {
        /// The entry as the tarball names it.
        path: String,
        /// The top folder.
        folder: String,
    },
    /// An entry that must stand at this place does not.
    #[error("the entry `{expected}` is missing at its place; found {found}")]
    Expected {
        /// What should stand here.
        expected: &'static str,
        /// What does.
        found: String,
    },
    /// An entry of no known kind.
    #[error("`{0}` is no entry that a bundle has")]
    Unknown(EntryPath),
    /// An entry stands twice.
    #[error("`{0}` is there twice")]
    Duplicate(EntryPath),
    /// A node stands twice in the manifest.
    #[error("`bundle.json` names the node `{0}` twice")]
    NodeTwice(NodeName),
    /// Two entries differ in case only.
    #[error("`{0}` and `{1}` differ in upper and lower case only")]
    CaseCollision(EntryPath, EntryPath),
    /// An entry is also the folder of another.
    #[error("`{0}` is also the folder of `{1}`")]
    FileAndFolder(EntryPath, EntryPath),
    /// A secret that is not sealed, in a bundle of which they are.
    #[error("`{0}` is not sealed for a node of the bundle, though bundle.json says that secrets are")]
    NotSealed(EntryPath),
    /// A sealed secret, in a bundle of which they are not.
    #[error("`{0}` is sealed, but bundle.json does not say how")]
    Sealed(EntryPath),
    /// A slice names what is sealed for another node.
    #[error("`{path}` names the entry `{entry}`, which is not sealed for its node")]
    ForeignSecret {
        /// The slice.
        path: EntryPath,
        /// The entry that it names.
        entry: EntryPath,
    },
    /// An entry stands at another place than its own.
    #[error("`{path}` is out of order: it stands after `{after}`")]
    Order {
        /// The entry.
        path: EntryPath,
        /// The one before it.
        after: EntryPath,
    },
    /// An entry is past its limit.
    #[error("`{path}` claims {size} bytes; at most {limit} are taken")]
    TooLarge {
        /// The entry.
        path: EntryPath,
        /// Its claimed size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// There are too many entries.
    #[error("there are more than {0} entries")]
    TooMany(usize),
    /// The file is past the limit.
    #[error("the file is larger than {0} bytes, the most that a bundle has")]
    PackedTooLarge(u64),
    /// What one node needs is past the limit.
    #[error("what is needed of the bundle has more than {0} bytes in all")]
    KeptTooLarge(u64),
    /// All entries together are past the limit.
    #[error("unpacked, the bundle is larger than {0} bytes")]
    TotalTooLarge(u64),
    /// The signature does not make this bundle trusted.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The signed list is malformed.
    #[error("SHA256SUMS {0}")]
    Sums(#[from] SumsError),
    /// The folder is not named as the signed list says.
    #[error("the folder is `{folder}`, but SHA256SUMS is of `{list}`")]
    FolderName {
        /// The top folder.
        folder: String,
        /// The name in the list.
        list: BundleName,
    },
    /// An entry that the list does not name.
    #[error("`{0}` is not in SHA256SUMS")]
    Unlisted(EntryPath),
    /// A listed entry that is not there.
    #[error("`{0}` is in SHA256SUMS but not in the bundle")]
    Missing(EntryPath),
    /// An entry differs from its listed digest.
    #[error("`{path}` has the SHA-256 {found}, but SHA256SUMS says {listed}")]
    Mismatch {
        /// The entry.
        path: EntryPath,
        /// The digest in the list.
        listed: Digest,
        /// The digest of the content.
        found: Digest,
    },
    /// A document of another version of the format.
    #[error("`{path}` is of format {found}, and this version reads {}", crate::FORMAT)]
    Format {
        /// The entry.
        path: EntryPath,
        /// Its format.
        found: u32,
    },
    /// This program is too old for the bundle.
    #[error("the bundle needs reseal-node {needs} or later, and this is {this}")]
    NeedsLater {
        /// The version that the bundle asks for.
        needs: Version,
        /// The version of this program.
        this: Version,
    },
    /// A document that no version understands.
    #[error("`{path}` is malformed: {why}")]
    Malformed {
        /// The entry.
        path: EntryPath,
        /// The parser's reason.
        why: String,
    },
    /// Two places of the bundle contradict each other.
    #[error("`{path}` says {what} `{found}`, but the bundle's is `{expected}`")]
    Contradiction {
        /// The entry.
        path: EntryPath,
        /// What is contradicted.
        what: &'static str,
        /// The value in the entry.
        found: String,
        /// The value elsewhere in the bundle.
        expected: String,
    },
    /// A document names an entry that is not there.
    #[error("`{path}` names the entry `{entry}`, which the bundle does not have")]
    Dangling {
        /// The document.
        path: EntryPath,
        /// The entry that it names.
        entry: EntryPath,
    },
    /// A document names an entry that is no material for a node.
    #[error("`{path}` names the entry `{entry}`, which lies neither below `certs/` nor below `secrets/`")]
    NoMaterial {
        /// The document.
        path: EntryPath,
        /// The entry that it names.
        entry: EntryPath,
    },
}
