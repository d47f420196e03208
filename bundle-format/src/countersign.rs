//! A further signature on a finished bundle. Every other byte of its entries stays, so every earlier signature does too.
//!
//! A signature says that its signer stands for all of the bundle, so all of it is read and checked before one is made.

use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    digest::Fingerprint,
    limits::Limits,
    name::{COUNTERSIGNATURES, EntryPath},
    reader::{BundleError, Complete, Source, Tarball, Unverified, Visitor},
    signature::{SignatureError, SignerCount, SignerPublicKey, TrustedSigners},
    text,
    writer::{self, Entries, Signer, WriteError},
};

/// Why a signature was not added.
#[derive(Debug, Error)]
pub enum CountersignError {
    /// The bundle is not whole, or not from whom it should be.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The signer's own key is none.
    #[error(transparent)]
    Key(SignatureError),
    /// This signer's signature would count only once.
    #[error("{}", text!("the bundle has a signature of {_0} already", "证书包已有 {_0} 的签名"))]
    Signed(Fingerprint),
    /// There is no place for another signature.
    #[error("{}", text!(
        "the bundle has {} signatures already, and there is no place for more",
        "证书包已有 {} 个签名，不能再加"; SignerCount::MOST
    ))]
    Full,
    /// The bundle cannot be packed.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Gives `bundle` with a further signature by `signer`, and what it holds. `made_by` are the signers that it must come from; by
/// default whoever it names.
///
/// # Errors
/// When the bundle is not whole or not theirs, `signer` signed it before, or it has no place for more.
pub fn countersign(
    bundle: &[u8],
    signer: &dyn Signer,
    made_by: Option<&TrustedSigners>,
    visitor: &mut dyn Visitor,
) -> Result<(Vec<u8>, Complete), CountersignError> {
    let unverified = Unverified::open(Tarball::open(bundle)?, Limits::default())?;
    let claimed = unverified.claimed_signers()?;
    let key = signer.public_key_pem();
    let own = SignerPublicKey::from_pem(key.as_bytes()).map_err(CountersignError::Key)?.fingerprint();
    if claimed.contains(&own) {
        return Err(CountersignError::Signed(own));
    }
    let itself = claimed.iter().copied().collect();
    let mut complete = unverified.verify_unfinished(made_by.unwrap_or(&itself))?.read(visitor)?;
    let outcome = add(bundle, key.as_bytes(), &signer.sign(&complete.sums.to_bytes()))?;
    complete.signers.push(own);
    Ok((outcome, complete))
}

/// The tarball with two more entries. Its form follows from its entries, so none of the others changes.
fn add(bundle: &[u8], key: &[u8], signature: &[u8]) -> Result<Vec<u8>, CountersignError> {
    let mut source = Tarball::open(bundle)?;
    let mut entries = Entries::new();
    while let Some((path, size)) = source.next()? {
        drop(entries.insert(path, content(&mut source, size)?));
    }
    source.finish()?;
    let is_free = |[key, _]: &&[&str; 2]| !entries.keys().any(|path| path.as_str() == *key);
    let [key_path, signature_path] = COUNTERSIGNATURES.iter().find(is_free).ok_or(CountersignError::Full)?;
    let entry = |path: &str| path.parse::<EntryPath>().map_err(WriteError::Name);
    drop(entries.insert(entry(key_path)?, Zeroizing::new(key.to_vec())));
    drop(entries.insert(entry(signature_path)?, Zeroizing::new(signature.to_vec())));
    let (folder, mtime) = source.folder_and_time();
    Ok(writer::pack(folder, mtime, &entries)?)
}

/// The content of the present entry, whose size was found within its limit when the bundle was verified.
fn content(source: &mut dyn Source, size: u64) -> Result<Zeroizing<Vec<u8>>, BundleError> {
    let mut content = Zeroizing::new(vec![0; usize::try_from(size).map_err(|_| BundleError::Damaged)?]);
    let mut filled = 0;
    while filled < content.len() {
        match source.read(&mut content[filled..])? {
            0 => return Err(BundleError::Damaged),
            count => filled += count,
        }
    }
    Ok(content)
}
