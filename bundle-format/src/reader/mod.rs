//! Bytes to a bundle. `Unverified -> Verified` is the only way in.
//!
//! What a hostile bundle may try, and what stops it:
//!
//! | attack | stopped by |
//! | --- | --- |
//! | parse before trust | [`Unverified::open`] takes bounded blobs: list, signatures, keys; only [`Unverified::verify`] looks into them, signatures first |
//! | a stranger's signature, another algorithm, one signature counted twice, fewer than are needed | [`crate::signature`] |
//! | signatures without end | [`COUNTERSIGNATURES`] are the only places for them |
//! | a bundle of another format, or for a later executor | [`BundleError::Format`], [`BundleError::NeedsLater`] |
//! | an entry changed, added, left out, twice, elsewhere | [`Verified::read`]: list and entries match one to one, in one order |
//! | check one thing, use another | every entry is read once; the bytes that were hashed are those handed on |
//! | memory and time | [`Limits`], applied before a byte of the entry is read; an entry that nobody wants is hashed and dropped |
//! | lists without end within a document | `bounded`, while the document is parsed |
//! | a step that installs what is no material | [`BundleError::NoMaterial`] |
//! | names that collide where case does not count | [`BundleError::CaseCollision`] |
//! | secrets unsealed where they should be sealed, or of another node | [`BundleError::NotSealed`], [`BundleError::ForeignSecret`], [`crate::sealing`] |
//! | a slice that speaks for another node, site or serial | [`BundleError::Contradiction`] |
//! | archive tricks | [`Tarball`] |

mod check;
mod error;
mod sealing;
mod tarball;

use std::collections::{BTreeMap, BTreeSet};

use zeroize::Zeroizing;

use self::check::{agree, check_manifest, check_named, check_names, parse_json, same_format};
pub use self::{error::BundleError, tarball::Tarball};
use crate::{
    digest::{Digest, Fingerprint, Hasher},
    limits::Limits,
    manifest::Manifest,
    name::{COUNTERSIGNATURES, EntryPath, NodeName},
    signature::{SignatureError, Signed, SignerPublicKey, TrustedSigners, distinct},
    slice::Slice,
    sums::Sums,
    word,
};

/// Where entries come from: a tarball, or the folder that it was unpacked to.
pub trait Source {
    /// Moves to the next entry and gives its path and size in bytes; `None` at the end.
    ///
    /// # Errors
    /// When there is something that is not an entry.
    fn next(&mut self) -> Result<Option<(EntryPath, u64)>, BundleError>;

    /// Reads content of the entry that [`Source::next`] gave, at most its size in all; 0 at its end.
    ///
    /// # Errors
    /// When the content ends before its size.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, BundleError>;

    /// The name of the top folder, where it is part of what is signed for.
    fn folder(&self) -> Option<&str>;

    /// Called after the last entry.
    ///
    /// # Errors
    /// When something is left, or the whole is not what was written.
    fn finish(&mut self) -> Result<(), BundleError>;

    /// Called after an error: whether the medium, rather than a person, is the likely cause.
    fn is_damaged(&mut self) -> bool;
}

/// Takes what a verified bundle holds. Nothing of it may be acted on before [`Verified::read`] has returned [`Complete`].
pub trait Visitor {
    /// Takes a slice, already checked against the manifest.
    fn slice(&mut self, slice: Slice);
    /// Whether the content of this entry is wanted.
    fn wants(&mut self, path: &EntryPath) -> bool;
    /// Takes the content of a wanted entry.
    fn entry(&mut self, path: EntryPath, content: Zeroizing<Vec<u8>>);
}

/// A [`Visitor`] that wants nothing: every entry is checked, and none is kept.
pub struct Nothing;

impl Visitor for Nothing {
    fn slice(&mut self, _: Slice) {}
    fn wants(&mut self, _: &EntryPath) -> bool {
        false
    }
    fn entry(&mut self, _: EntryPath, _: Zeroizing<Vec<u8>>) {}
}

/// A bundle of which nothing is known yet: the list, signatures and keys, and the rest unread.
pub struct Unverified<S> {
    source: S,
    limits: Limits,
    head: Head,
}

/// What stands before the first signed entry. Nothing of it was looked into.
struct Head {
    sums: Vec<u8>,
    /// The content of `signer.pub`, then of each further public key; each with its signature.
    signatures: Vec<(Vec<u8>, Vec<u8>)>,
    /// The entry after these, of which path and size were read.
    next: Option<(EntryPath, u64)>,
}

impl<S: Source> Unverified<S> {
    /// Reads the list, its signatures and the signers' keys, and looks into none of them.
    ///
    /// # Errors
    /// When they do not stand first, or are past their limits.
    pub fn open(mut source: S, limits: Limits) -> Result<Self, BundleError> {
        match read_head(&mut source, &limits) {
            Ok(head) => Ok(Self { source, limits, head }),
            Err(error) => Err(blame(&mut source, error)),
        }
    }

    /// Who the bundle says signed it, each once. Trusting these shows that a bundle is whole, not who made it.
    ///
    /// # Errors
    /// When a signer's key is not a PEM block.
    pub fn claimed_signers(&self) -> Result<Vec<Fingerprint>, BundleError> {
        Ok(distinct(self.signatures()?.iter().map(|signed| signed.signer.fingerprint())))
    }

    fn signatures(&self) -> Result<Vec<Signed>, BundleError> {
        let signed = |(key, signature): &(Vec<u8>, Vec<u8>)| -> Result<Signed, BundleError> {
            Ok(Signed { signer: SignerPublicKey::from_pem(key)?, signature: signature.clone() })
        };
        self.head.signatures.iter().map(signed).collect()
    }

    /// Checks the signatures; only then the list and the manifest are parsed.
    ///
    /// # Errors
    /// When fewer trusted signers signed this list than it needs, or list or manifest are malformed or contradict each other.
    pub fn verify(self, trusted: &TrustedSigners) -> Result<Verified<S>, BundleError> {
        let mut verified = self.verify_unfinished(trusted)?;
        let needed = verified.manifest.needs_signers;
        if verified.signers.len() < needed.into() {
            let error = SignatureError::TooFew { accepted: verified.signers, needed };
            return Err(blame(&mut verified.source, error.into()));
        }
        Ok(verified)
    }

    /// As [`Unverified::verify`], but one trusted signer is enough: for whoever is to add what is missing, or only looks.
    ///
    /// # Errors
    /// When no trusted signer signed this list, or list or manifest are malformed or contradict each other.
    pub fn verify_unfinished(mut self, trusted: &TrustedSigners) -> Result<Verified<S>, BundleError> {
        match self.check(trusted) {
            Ok((signers, sums, manifest)) => {
                let identity = Digest::of(&self.head.sums);
                Ok(Verified { source: self.source, limits: self.limits, signers, identity, sums, manifest })
            }
            Err(error) => Err(blame(&mut self.source, error)),
        }
    }

    fn check(&mut self, trusted: &TrustedSigners) -> Result<(Vec<Fingerprint>, Sums, Manifest), BundleError> {
        let signers = trusted.accept(&self.signatures()?, &self.head.sums)?;
        // The title is one more line, and the list and its signature are two more entries.
        if memchr::memchr_iter(b'\n', &self.head.sums).count() + 1 > self.limits.entries {
            return Err(BundleError::TooMany(self.limits.entries));
        }
        let sums = Sums::parse(&self.head.sums)?;
        if let Some(folder) = self.source.folder().filter(|folder| *folder != sums.name.to_string()) {
            return Err(BundleError::FolderName { folder: folder.to_owned(), list: sums.name.clone() });
        }
        if let Some((signer, _)) = self.head.signatures.first() {
            match_listed(&sums, "signer.pub", signer)?;
        }
        check_names(&sums)?;
        let manifest = self.read_manifest(&sums)?;
        check_manifest(&manifest, &sums)?;
        Ok((signers, sums, manifest))
    }

    fn read_manifest(&mut self, sums: &Sums) -> Result<Manifest, BundleError> {
        let (path, size) = expect("bundle.json", self.head.next.take())?;
        let content = listed_content(&mut self.source, &self.limits, sums, &path, size, true)?;
        same_format(&path, &content)?;
        parse_json(&path, &content)
    }
}

fn read_head(source: &mut dyn Source, limits: &Limits) -> Result<Head, BundleError> {
    let first = source.next()?;
    let mut blob = |expected: &'static str, next| {
        let (path, size) = expect(expected, next)?;
        within_limit(limits, &path, size)?;
        let content = content(source, size)?.to_vec();
        Ok::<_, BundleError>((content, source.next()?))
    };
    let (sums, next) = blob("SHA256SUMS", first)?;
    let (signature, next) = blob("SHA256SUMS.sig", next)?;
    let (signer, mut next) = blob("signer.pub", next)?;
    let mut signatures = vec![(signer, signature)];
    for [key_path, signature_path] in COUNTERSIGNATURES {
        if next.as_ref().is_none_or(|(path, _)| path.as_str() != key_path) {
            break;
        }
        let (key, after_key) = blob(key_path, next)?;
        let (signature, after) = blob(signature_path, after_key)?;
        signatures.push((key, signature));
        next = after;
    }
    Ok(Head { sums, signatures, next })
}

fn expect(expected: &'static str, found: Option<(EntryPath, u64)>) -> Result<(EntryPath, u64), BundleError> {
    match found {
        Some((path, size)) if path.as_str() == expected => Ok((path, size)),
        Some((path, _)) => Err(BundleError::Expected { expected, found: format!("`{path}`") }),
        None => Err(BundleError::Expected { expected, found: word!("the end", "结尾").to_owned() }),
    }
}

/// A bundle that a trusted signer made. Its entries are yet to be read.
pub struct Verified<S> {
    source: S,
    limits: Limits,
    signers: Vec<Fingerprint>,
    identity: Digest,
    sums: Sums,
    manifest: Manifest,
}

/// What is known once every entry was read and found as listed.
#[derive(Clone, Debug)]
pub struct Complete {
    /// Who of the trusted signed, each once, in the order of the signatures; never empty.
    pub signers: Vec<Fingerprint>,
    /// The digest of the signed list: it identifies the bundle, packed or unpacked.
    pub identity: Digest,
    /// The signed list.
    pub sums: Sums,
    /// `bundle.json`.
    pub manifest: Manifest,
}

impl<S: Source> Verified<S> {
    /// The manifest, which the signature covers.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Who of the trusted signed, each once, in the order of the signatures; never empty.
    #[must_use]
    pub fn signers(&self) -> &[Fingerprint] {
        &self.signers
    }

    /// Reads every entry once, checks it, and hands it to `visitor`.
    ///
    /// # Errors
    /// At the first entry that is not as listed, not at its place, past a limit, or contradicts the manifest.
    pub fn read(mut self, visitor: &mut dyn Visitor) -> Result<Complete, BundleError> {
        match self.read_entries(visitor) {
            Ok(()) => Ok(Complete { signers: self.signers, identity: self.identity, sums: self.sums, manifest: self.manifest }),
            Err(error) => Err(blame(&mut self.source, error)),
        }
    }

    fn read_entries(&mut self, visitor: &mut dyn Visitor) -> Result<(), BundleError> {
        let mut nodes: BTreeMap<NodeName, usize> =
            self.manifest.nodes.iter().enumerate().map(|(index, node)| (node.name.clone(), index)).collect();
        let mut progress = Progress::after_manifest(&self.sums)?;
        while let Some((path, size)) = self.source.next()? {
            progress.admit(&path, size, &self.limits)?;
            let node = path.as_slice_of();
            let wanted = node.is_none() && visitor.wants(&path);
            if wanted {
                progress.keep(size, &self.limits)?;
            }
            let content = listed_content(&mut self.source, &self.limits, &self.sums, &path, size, wanted || node.is_some())?;
            if let Some(node) = node {
                visitor.slice(self.check_slice(&path, &node, &content, &mut nodes)?);
            } else if wanted {
                visitor.entry(path.clone(), content);
            }
            progress.last = path;
        }
        if let Some(missing) = progress.left.first() {
            return Err(BundleError::Missing((*missing).clone()));
        }
        if let Some(node) = nodes.keys().next() {
            return Err(BundleError::Missing(EntryPath::slice_of(node)));
        }
        self.source.finish()
    }

    fn check_slice(
        &self,
        path: &EntryPath,
        node: &NodeName,
        content: &[u8],
        nodes: &mut BTreeMap<NodeName, usize>,
    ) -> Result<Slice, BundleError> {
        let slice: Slice = same_format(path, content).and_then(|()| parse_json(path, content))?;
        agree(path, word!("site", "站点"), &slice.site, &self.manifest.site)?;
        agree(path, word!("serial", "序号"), &slice.serial, &self.manifest.serial)?;
        agree(path, word!("node", "节点"), &slice.node, node)?;
        if nodes.remove(node).is_none() {
            return Err(BundleError::Contradiction {
                path: path.clone(),
                what: word!("node", "节点"),
                found: node.to_string(),
                expected: word!("not listed in bundle.json", "未列入 bundle.json").to_owned(),
            });
        }
        sealing::check_slice(&self.manifest, path, &slice)?;
        slice.entries().try_for_each(|entry| check_named(&self.sums, path, entry))?;
        Ok(slice)
    }
}

/// What was seen so far of the entries.
struct Progress<'a> {
    last: EntryPath,
    left: BTreeSet<&'a EntryPath>,
    sums: &'a Sums,
    total: u64,
    kept: u64,
}

impl<'a> Progress<'a> {
    fn after_manifest(sums: &'a Sums) -> Result<Self, BundleError> {
        let mut left: BTreeSet<&EntryPath> = sums.digests.keys().collect();
        left.retain(|path| !matches!(path.as_str(), "signer.pub" | "bundle.json"));
        Ok(Self { last: "bundle.json".parse()?, left, sums, total: 0, kept: 0 })
    }

    fn admit(&mut self, path: &EntryPath, size: u64, limits: &Limits) -> Result<(), BundleError> {
        let rank = path.canonical_order().0;
        if rank == u8::MAX {
            return Err(BundleError::Unknown(path.clone()));
        }
        if path.is_countersignature() {
            return Err(BundleError::Order { path: path.clone(), after: self.last.clone() });
        }
        let is_of_head = matches!(rank, 0..=4);
        if !is_of_head && !self.sums.digests.contains_key(path) {
            return Err(BundleError::Unlisted(path.clone()));
        }
        if !self.left.contains(path) {
            return Err(BundleError::Duplicate(path.clone()));
        }
        if path.canonical_order() <= self.last.canonical_order() {
            return Err(BundleError::Order { path: path.clone(), after: self.last.clone() });
        }
        within_limit(limits, path, size)?;
        self.total = self.total.saturating_add(size);
        if self.total > limits.total {
            return Err(BundleError::TotalTooLarge(limits.total));
        }
        self.left.remove(path);
        Ok(())
    }

    fn keep(&mut self, size: u64, limits: &Limits) -> Result<(), BundleError> {
        self.kept = self.kept.saturating_add(size);
        if self.kept > limits.kept { Err(BundleError::KeptTooLarge(limits.kept)) } else { Ok(()) }
    }
}

fn match_listed(sums: &Sums, path: &str, content: &[u8]) -> Result<(), BundleError> {
    let mut hasher = Hasher::default();
    hasher.update(content);
    compare(sums, &path.parse()?, hasher)
}

fn compare(sums: &Sums, path: &EntryPath, hasher: Hasher) -> Result<(), BundleError> {
    let listed = *sums.digests.get(path).ok_or_else(|| BundleError::Unlisted(path.clone()))?;
    let found = hasher.finish();
    if found == listed { Ok(()) } else { Err(BundleError::Mismatch { path: path.clone(), listed, found }) }
}

/// Reads an entry once, compares it with the list, and keeps its bytes only when `wanted`.
fn listed_content(
    source: &mut dyn Source,
    limits: &Limits,
    sums: &Sums,
    path: &EntryPath,
    size: u64,
    wanted: bool,
) -> Result<Zeroizing<Vec<u8>>, BundleError> {
    within_limit(limits, path, size)?;
    if !sums.digests.contains_key(path) {
        return Err(BundleError::Unlisted(path.clone()));
    }
    let mut hasher = Hasher::default();
    let kept = if wanted {
        let content = content(source, size)?;
        hasher.update(&content);
        content
    } else {
        hash_content(source, size, &mut hasher)?;
        Zeroizing::default()
    };
    compare(sums, path, hasher)?;
    Ok(kept)
}

fn within_limit(limits: &Limits, path: &EntryPath, size: u64) -> Result<(), BundleError> {
    let limit = limits.for_entry(path);
    if size > limit { Err(BundleError::TooLarge { path: path.clone(), size, limit }) } else { Ok(()) }
}

/// The content of the present entry, whole. Its size was compared with its limit before.
fn content(source: &mut dyn Source, size: u64) -> Result<Zeroizing<Vec<u8>>, BundleError> {
    let mut content = Zeroizing::new(vec![0; usize::try_from(size).map_err(|_| BundleError::Damaged)?]);
    let mut filled = 0;
    while filled < content.len() {
        filled += read_some(source, &mut content[filled..])?;
    }
    Ok(content)
}

/// Hashes the content of the present entry piece by piece.
fn hash_content(source: &mut dyn Source, size: u64, hasher: &mut Hasher) -> Result<(), BundleError> {
    const PIECE: u64 = 1 << 16;
    let mut piece = Zeroizing::new(vec![0; usize::try_from(size.min(PIECE)).unwrap_or(0)]);
    let mut left = size;
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
        let count = read_some(source, &mut piece[..most])?;
        hasher.update(&piece[..count]);
        left -= count as u64;
    }
    Ok(())
}

fn read_some(source: &mut dyn Source, buffer: &mut [u8]) -> Result<usize, BundleError> {
    match source.read(buffer)? {
        0 => Err(BundleError::Damaged),
        count => Ok(count.min(buffer.len())),
    }
}

/// After an error: a damaged medium explains all others.
fn blame(source: &mut dyn Source, error: BundleError) -> BundleError {
    match error {
        BundleError::Io(_) | BundleError::NotABundle | BundleError::PackedTooLarge(_) | BundleError::Trailing => error,
        other if source.is_damaged() => {
            drop(other);
            BundleError::Damaged
        }
        other => other,
    }
}
