//! What a report is made of: files that came back from a site, each read for what it is, and what is proven of it.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    path::{Path, PathBuf},
};

use bundle_format::{
    certificate::Certificate,
    digest::{Digest, Fingerprint},
    facts::{self, FactsError, NodeFacts},
    limits::Limits,
    manifest::Manifest,
    name::{EntryPath, NodeName},
    reader::{BundleError, Tarball, Unverified, Visitor},
    receipt::{
        self, Document, ReceiptError,
        document::MOST_FILE,
        short::{self, Short, ShortError},
    },
    signature::TrustedSigners,
    slice::Slice,
    text,
};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::files::{self, FileError};

/// Why no report is made.
#[derive(Debug, Error)]
pub enum SourceError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A bundle is rejected.
    #[error("{}", text!("`{}`: {why}", "`{}`：{why}"; path.display()))]
    Bundle {
        /// The bundle.
        path: PathBuf,
        /// The reason.
        why: BundleError,
    },
    /// Facts cannot be read.
    #[error("{}", text!("`{}`: {why}", "`{}`：{why}"; path.display()))]
    Facts {
        /// The file.
        path: PathBuf,
        /// The reason.
        why: FactsError,
    },
    /// A file has too many receipts.
    #[error("{}", text!("`{}`: {why}", "`{}`：{why}"; path.display()))]
    Receipts {
        /// The file.
        path: PathBuf,
        /// The reason.
        why: ReceiptError,
    },
    /// Typed lines have a mistake.
    #[error("{}", text!("`{}`: {why}", "`{}`：{why}"; path.display()))]
    Short {
        /// The file.
        path: PathBuf,
        /// The reason.
        why: ShortError,
    },
    /// A file is nothing of the kind.
    #[error("{}", text!(
        "`{}` is no bundle, no facts, no receipt, and has no line of a short form",
        "`{}` 不是证书包、节点信息或回执，也没有短格式的行"; _0.display()
    ))]
    Strange(PathBuf),
}

/// One file.
pub struct Source {
    /// Its name, for people.
    pub file: String,
    /// Its SHA-256.
    pub sha256: Digest,
    /// What it is.
    pub content: Content,
}

/// What a file is.
pub enum Content {
    /// A bundle.
    Bundle(Box<Bundle>),
    /// The facts of a node.
    Facts(Box<NodeFacts>),
    /// Receipts; each that is not whole, by the reason.
    Receipts(Vec<Result<Document, ReceiptError>>),
    /// Receipts in their short form, as they were typed.
    Shorts(Vec<Short>),
}

/// What a report needs of a bundle.
pub struct Bundle {
    /// `bundle.json`.
    pub manifest: Manifest,
    /// The digest of the signed list: it identifies the bundle.
    pub identity: Digest,
    /// Who signed it: those who are trusted, or where nobody was named those whom it names itself.
    pub signers: Vec<Fingerprint>,
    /// Whether the signers are known to be the right ones. Otherwise the bundle is whole, and may be anybody's.
    pub is_trusted: bool,
    /// How nodes know themselves.
    pub identities: BTreeMap<NodeName, Identity>,
    /// The certificates that it brings, by their entries.
    pub certificates: BTreeMap<EntryPath, Certificate>,
}

/// How a node knows itself.
#[derive(Default)]
pub struct Identity {
    /// Its host names.
    pub host_names: Vec<String>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

impl Source {
    /// Reads a file. Bundles are checked with the signers' keys if any is named, otherwise with those that they bring.
    ///
    /// # Errors
    /// As [`SourceError`] says. A receipt that is not whole is no error: the report tells of it.
    pub fn read(path: &Path, trusted: Option<&TrustedSigners>) -> Result<Self, SourceError> {
        let content = files::read(path, Limits::default().packed)?;
        let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let of_file = |content: Content, bytes: &[u8]| Self { file: file.clone(), sha256: Digest::of(bytes), content };
        if content.starts_with(&[0x1f, 0x8b]) {
            let bundle = Bundle::read(&content, trusted).map_err(|why| SourceError::Bundle { path: path.to_owned(), why })?;
            return Ok(of_file(Content::Bundle(Box::new(bundle)), &content));
        }
        if content.len() > MOST_FILE {
            return Err(FileError::TooLarge { path: path.to_owned(), limit: MOST_FILE as u64 }.into());
        }
        Ok(of_file(document(path, &content)?, &content))
    }
}

fn document(path: &Path, bytes: &[u8]) -> Result<Content, SourceError> {
    if facts::is_facts(bytes) {
        let facts = facts::read(bytes).map_err(|why| SourceError::Facts { path: path.to_owned(), why })?;
        return Ok(Content::Facts(Box::new(facts)));
    }
    if receipt::is_receipt(bytes) {
        let receipts = receipt::read_all(bytes).map_err(|why| SourceError::Receipts { path: path.to_owned(), why })?;
        return Ok(Content::Receipts(receipts));
    }
    let typed = std::str::from_utf8(bytes).ok().filter(|text| short::is_short(text));
    let typed = typed.ok_or_else(|| SourceError::Strange(path.to_owned()))?;
    let shorts = short::read_all(typed).into_iter().collect::<Result<_, _>>();
    Ok(Content::Shorts(shorts.map_err(|why| SourceError::Short { path: path.to_owned(), why })?))
}

impl Bundle {
    fn read(bytes: &[u8], trusted: Option<&TrustedSigners>) -> Result<Self, BundleError> {
        let unverified = Unverified::open(Tarball::open(bytes)?, Limits::default())?;
        let mut kept = Kept::default();
        let verified = if let Some(trusted) = trusted {
            unverified.verify(trusted)?
        } else {
            let claimed = unverified.claimed_signers()?.into_iter().collect();
            unverified.verify_unfinished(&claimed)?
        };
        let complete = verified.read(&mut kept)?;
        Ok(Self {
            manifest: complete.manifest,
            identity: complete.identity,
            signers: complete.signers,
            is_trusted: trusted.is_some(),
            identities: kept.identities,
            certificates: kept.certificates,
        })
    }
}

/// Takes out of a bundle what a report needs.
#[derive(Default)]
struct Kept {
    identities: BTreeMap<NodeName, Identity>,
    certificates: BTreeMap<EntryPath, Certificate>,
}

impl Visitor for Kept {
    fn slice(&mut self, slice: Slice) {
        let identity = Identity { host_names: slice.identity.host_names, addresses: slice.identity.addresses };
        drop(self.identities.insert(slice.node, identity));
    }

    fn wants(&mut self, path: &EntryPath) -> bool {
        path.as_str().starts_with("certs/")
    }

    fn entry(&mut self, path: EntryPath, content: Zeroizing<Vec<u8>>) {
        if let Some(certificate) = Certificate::all_from_file(&content).ok().and_then(|found| found.into_iter().next()) {
            drop(self.certificates.insert(path, certificate));
        }
    }
}
