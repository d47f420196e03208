//! Entries to a bundle: the same entries, signer and time give the same bytes.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use flate2::{Compression, GzBuilder};
use thiserror::Error;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::{
    digest::Digest,
    forbidden::Forbidden,
    limits::Limits,
    name::{BundleName, EntryPath, NameError, NodeName},
    sealing::{self, Lock, Place, SealError},
    sums::Sums,
    tarball, text,
};

/// The contents of a bundle by path, all but `SHA256SUMS`, its signature and the signer's public key.
pub type Entries = BTreeMap<EntryPath, Zeroizing<Vec<u8>>>;

/// A secret that the writer seals, once it has seen that it may be in a bundle.
#[derive(Debug)]
pub struct Secret<'a> {
    /// Its entry.
    pub entry: EntryPath,
    /// The node that it is for; none for what belongs to the site.
    pub node: Option<&'a NodeName>,
    /// What is sealed.
    pub content: &'a [u8],
    /// With what.
    pub lock: Lock<'a>,
}

/// Whoever signs a bundle.
pub trait Signer {
    /// The public key as a PEM block `PUBLIC KEY`.
    fn public_key_pem(&self) -> String;
    /// A DER-encoded ECDSA P-256 signature over the SHA-256 of `message`; the same for the same message.
    fn sign(&self, message: &[u8]) -> Vec<u8>;
}

/// Why a bundle was not written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// An entry holds a secret that must never leave the workstation.
    #[error("{}", text!(
        "the entry `{_0}` holds the CA's private key; nothing was written",
        "条目 `{_0}` 含有 CA 的私钥；没有写入任何内容"
    ))]
    Forbidden(EntryPath),
    /// An entry has no place in a bundle.
    #[error("{}", text!("the entry `{_0}` has no place in a bundle", "条目 `{_0}` 不属于证书包"))]
    NoPlace(EntryPath),
    /// An entry is larger than any reader takes.
    #[error("{}", text!(
        "the entry `{path}` has {size} bytes, and a reader takes at most {limit}",
        "条目 `{path}` 有 {size} 字节，读取方最多接受 {limit} 字节"
    ))]
    TooLarge {
        /// The entry.
        path: EntryPath,
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// An entry is also the folder of another, so that nobody could unpack both.
    #[error("{}", text!("the entry `{_0}` is also the folder of `{_1}`", "条目 `{_0}` 同时又是 `{_1}` 所在的目录"))]
    FileAndFolder(EntryPath, EntryPath),
    /// A secret was not sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The bundle is larger than any reader takes.
    #[error("{}", text!("the bundle has {_0} bytes, and a reader takes at most {_1}", "证书包有 {_0} 字节，读取方最多接受 {_1} 字节"))]
    PackedTooLarge(usize, u64),
    /// There are more entries than any reader takes.
    #[error("{}", text!("there are {_0} entries, and a reader takes at most {_1}", "有 {_0} 个条目，读取方最多接受 {_1} 个"))]
    TooMany(usize, usize),
    /// The time of making lies before 1970.
    #[error("{}", text!("the time of making lies before 1970", "制作时间早于 1970 年"))]
    Time,
    /// A name is not one.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Compression or a header failed.
    #[error("{}", text!("the bundle cannot be packed: {_0}", "无法打包证书包：{_0}"))]
    Pack(#[from] io::Error),
}

/// Seals secrets, adds them to the entries, and packs and signs a bundle. What is forbidden is looked for in what is yet unsealed.
///
/// # Errors
/// When a secret or an entry holds a forbidden secret, has no place, is past a limit, or cannot be sealed.
pub fn write_sealed(
    name: &BundleName,
    created: OffsetDateTime,
    mut entries: Entries,
    secrets: &[Secret<'_>],
    signer: &dyn Signer,
    forbidden: &Forbidden,
) -> Result<Vec<u8>, WriteError> {
    // Many nodes have the same secret: it is searched once.
    let mut distinct: Vec<&Secret<'_>> = secrets.iter().collect();
    distinct.sort_by_key(|secret| (secret.content.as_ptr(), secret.content.len()));
    distinct.dedup_by_key(|secret| (secret.content.as_ptr(), secret.content.len()));
    if let Some(path) = forbidden.found_in(distinct.iter().map(|secret| (&secret.entry, secret.content))) {
        return Err(WriteError::Forbidden(path.clone()));
    }
    for secret in secrets {
        let place = Place { bundle: name, node: secret.node, entry: &secret.entry };
        let sealed = sealing::seal(place, secret.content, &secret.lock)?;
        drop(entries.insert(secret.entry.clone(), Zeroizing::new(sealed)));
    }
    write(name, created, entries, signer, forbidden)
}

/// Packs and signs a bundle, in memory.
///
/// # Errors
/// When an entry holds a forbidden secret, has no place or is past a limit.
pub fn write(
    name: &BundleName,
    created: OffsetDateTime,
    mut entries: Entries,
    signer: &dyn Signer,
    forbidden: &Forbidden,
) -> Result<Vec<u8>, WriteError> {
    entries.insert("signer.pub".parse()?, Zeroizing::new(signer.public_key_pem().into_bytes()));
    let digests = entries.iter().map(|(path, content)| (path.clone(), Digest::of(content))).collect();
    let sums = Sums { name: name.clone(), digests }.to_bytes();
    entries.insert("SHA256SUMS.sig".parse()?, Zeroizing::new(signer.sign(&sums)));
    entries.insert("SHA256SUMS".parse()?, Zeroizing::new(sums));
    check(&entries, forbidden)?;
    let mtime = u64::try_from(created.unix_timestamp()).map_err(|_| WriteError::Time)?;
    pack(&name.to_string(), mtime, &entries)
}

fn check(entries: &Entries, forbidden: &Forbidden) -> Result<(), WriteError> {
    let limits = Limits::default();
    if entries.len() > limits.entries {
        return Err(WriteError::TooMany(entries.len(), limits.entries));
    }
    for (path, content) in entries {
        let (size, limit) = (content.len() as u64, limits.for_entry(path));
        if path.canonical_order().0 == u8::MAX || path.is_countersignature() {
            return Err(WriteError::NoPlace(path.clone()));
        }
        if size > limit {
            return Err(WriteError::TooLarge { path: path.clone(), size, limit });
        }
    }
    for path in entries.keys() {
        if let Some(folder) = path.folders().find(|folder| entries.contains_key(folder)) {
            return Err(WriteError::FileAndFolder(folder, path.clone()));
        }
    }
    match forbidden.found_in(entries.iter().map(|(path, content)| (path, content.as_slice()))) {
        Some(path) => Err(WriteError::Forbidden(path.clone())),
        None => Ok(()),
    }
}

/// The one form of these entries below `folder`. `mtime` in seconds since 1970.
pub(crate) fn pack(folder: &str, mtime: u64, entries: &Entries) -> Result<Vec<u8>, WriteError> {
    let extra = [&tarball::GZIP_HEADER[12..], &[0; 32]].concat();
    let mut out = GzBuilder::new().operating_system(255).extra(extra).write(Vec::new(), Compression::default());
    let mut ordered: Vec<(&EntryPath, &Zeroizing<Vec<u8>>)> = entries.iter().collect();
    ordered.sort_by_key(|(path, _)| path.canonical_order());
    for (path, content) in ordered {
        let size = content.len() as u64;
        out.write_all(tarball::header(folder, path, size, mtime)?.as_bytes())?;
        out.write_all(content)?;
        io::copy(&mut io::Read::take(io::repeat(0), tarball::padding(size)), &mut out)?;
    }
    out.write_all(&[0; 2 * tarball::BLOCK])?;
    let mut bundle = out.finish()?;
    let limit = Limits::default().packed;
    if bundle.len() as u64 > limit {
        return Err(WriteError::PackedTooLarge(bundle.len(), limit));
    }
    let digest = Digest::of(&bundle[tarball::GZIP_DATA..]);
    bundle[tarball::GZIP_HEADER.len()..tarball::GZIP_DATA].copy_from_slice(digest.as_bytes());
    Ok(bundle)
}
