//! Signers: who may build bundles for a node. ECDSA P-256 with SHA-256, as OpenSSL 1.0.2 can check it.
//!
//! A public key is looked into only after its fingerprint was found among the trusted ones: of a stranger's key nothing but the
//! PEM envelope is read. A bundle may have several signatures; those of strangers count for nothing and are not looked into.

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    certificate::pem,
    digest::{Fingerprint, TypedFingerprint},
    text,
};

/// A DER `SubjectPublicKeyInfo` of an uncompressed P-256 point is this prefix and 65 bytes (RFC 5480, 2).
const SPKI_P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01,
    0x07, 0x03, 0x42, 0x00,
];

/// Why a signer's key or signature is refused.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum SignatureError {
    /// Not one PEM block `PUBLIC KEY`.
    #[error("{}", text!("the signer's public key is not a PEM block `PUBLIC KEY`", "签名人的公钥不是 PEM 块 `PUBLIC KEY`"))]
    NotPem,
    /// Another algorithm, curve or point form.
    #[error("{}", text!("the signer's public key is not an uncompressed P-256 key", "签名人的公钥不是未压缩的 P-256 公钥"))]
    NotP256,
    /// No signer was named at all.
    #[error("{}", text!("no trusted signer was given; the bundle names {}", "没有指定可信签名人；证书包中的签名人是 {}"; list(_0)))]
    NoneTrusted(Vec<Fingerprint>),
    /// Strangers alone signed.
    #[error("{}", text!(
        "the bundle is signed by {}, not trusted here; trusted: {}",
        "证书包由 {} 签名，此处不信任；可信签名人：{}"; list(found), list(trusted)
    ))]
    Stranger {
        /// Who the bundle says signed it.
        found: Vec<Fingerprint>,
        /// Who would have been accepted.
        trusted: Vec<TypedFingerprint>,
    },
    /// Fewer trusted signers than the bundle asks for.
    #[error("{}", text!(
        "the bundle needs the signatures of {needed} trusted signers, and has those of {}: {}",
        "证书包需要 {needed} 个可信签名人的签名，现有 {} 个：{}"; accepted.len(), list(accepted)
    ))]
    TooFew {
        /// Who of the trusted signed.
        accepted: Vec<Fingerprint>,
        /// How many are needed.
        needed: SignerCount,
    },
    /// The signature does not belong to this list and this key.
    #[error("{}", text!("the signature does not fit SHA256SUMS and the key {_0}", "签名与 SHA256SUMS 和公钥 {_0} 不符"))]
    Mismatch(Fingerprint),
}

fn list<T: ToString>(fingerprints: &[T]) -> String {
    fingerprints.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// How many distinct signers a bundle needs: 1 to 8.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct SignerCount(u8);

/// A number that is no [`SignerCount`].
#[derive(Clone, Copy, Debug, Error, Eq, PartialEq)]
#[error("{}", text!("a bundle needs 1 to 8 signers, not {_0}", "证书包需要 1 到 8 个签名人，不能是 {_0} 个"))]
pub struct SignerCountError(u8);

impl SignerCount {
    /// One, as long as nothing else is said.
    pub const ONE: Self = Self(1);
    /// As many as a bundle has room for.
    pub const MOST: Self = Self(8);
}

impl TryFrom<u8> for SignerCount {
    type Error = SignerCountError;
    fn try_from(number: u8) -> Result<Self, SignerCountError> {
        if (Self::ONE.0..=Self::MOST.0).contains(&number) { Ok(Self(number)) } else { Err(SignerCountError(number)) }
    }
}

impl From<SignerCount> for u8 {
    fn from(count: SignerCount) -> Self {
        count.0
    }
}

impl From<SignerCount> for usize {
    fn from(count: SignerCount) -> Self {
        count.0.into()
    }
}

impl fmt::Display for SignerCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The public key of a signer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignerPublicKey {
    spki: Vec<u8>,
}

impl SignerPublicKey {
    /// Reads the content of `signer.pub`.
    ///
    /// # Errors
    /// When it is not a PEM block `PUBLIC KEY`. What is inside is looked at by [`SignerPublicKey::verify`] only.
    pub fn from_pem(pem: &[u8]) -> Result<Self, SignatureError> {
        let block = pem::blocks(pem).find(|block| block.label == "PUBLIC KEY").ok_or(SignatureError::NotPem)?;
        let spki = block.decode().map_err(|_| SignatureError::NotPem)?;
        Ok(Self { spki: spki.to_vec() })
    }

    /// What the key is known by.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_spki(&self.spki)
    }

    /// Checks a DER-encoded signature over `message`.
    ///
    /// # Errors
    /// When the key is no P-256 key or the signature is not its own.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let point = self.spki.strip_prefix(&SPKI_P256).filter(|point| point.len() == 65).ok_or(SignatureError::NotP256)?;
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point);
        key.verify(message, signature).map_err(|_| SignatureError::Mismatch(self.fingerprint()))
    }
}

/// A signature and the key that it claims to be made with. Nothing is known of either.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signed {
    /// The key.
    pub signer: SignerPublicKey,
    /// The signature, DER-encoded.
    pub signature: Vec<u8>,
}

/// The signers that a reader accepts.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TrustedSigners(Vec<TypedFingerprint>);

impl<T: Into<TypedFingerprint>> FromIterator<T> for TrustedSigners {
    fn from_iter<I: IntoIterator<Item = T>>(fingerprints: I) -> Self {
        Self(fingerprints.into_iter().map(Into::into).collect())
    }
}

impl TrustedSigners {
    /// Whether a signer is among them.
    #[must_use]
    pub fn fits(&self, signer: &Fingerprint) -> bool {
        self.0.iter().fold(false, |fits, trusted| fits | trusted.fits(signer))
    }

    /// Who of the trusted signed `message`, each once, in the order of the signatures. Strangers are passed over.
    ///
    /// # Errors
    /// When nobody of the trusted did, or a signature in the name of one of them is not its own.
    pub fn accept(&self, signatures: &[Signed], message: &[u8]) -> Result<Vec<Fingerprint>, SignatureError> {
        let found = distinct(signatures.iter().map(|signed| signed.signer.fingerprint()));
        if self.0.is_empty() {
            return Err(SignatureError::NoneTrusted(found));
        }
        let trusted = || signatures.iter().filter(|signed| self.fits(&signed.signer.fingerprint()));
        trusted().try_for_each(|signed| signed.signer.verify(message, &signed.signature))?;
        match distinct(trusted().map(|signed| signed.signer.fingerprint())) {
            accepted if accepted.is_empty() => Err(SignatureError::Stranger { found, trusted: self.0.clone() }),
            accepted => Ok(accepted),
        }
    }
}

/// Each once, in the order of their first places.
pub(crate) fn distinct(fingerprints: impl Iterator<Item = Fingerprint>) -> Vec<Fingerprint> {
    fingerprints.fold(Vec::new(), |mut distinct, fingerprint| {
        if !distinct.contains(&fingerprint) {
            distinct.push(fingerprint);
        }
        distinct
    })
}
