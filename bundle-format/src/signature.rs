//! Signers: who may build bundles for a node. ECDSA P-256 with SHA-256, as OpenSSL 1.0.2 can check it.
//!
//! A public key is looked into only after its fingerprint was found among the trusted ones: of a stranger's key nothing but the
//! PEM envelope is read.

use std::{collections::BTreeSet, fmt::Write as _};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use thiserror::Error;

use crate::{certificate::pem, digest::Fingerprint};

/// A DER `SubjectPublicKeyInfo` of an uncompressed P-256 point is this prefix and 65 bytes (RFC 5480, 2).
const SPKI_P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01,
    0x07, 0x03, 0x42, 0x00,
];

/// Why a signer's key or signature is refused.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum SignatureError {
    /// Not one PEM block `PUBLIC KEY`.
    #[error("the signer's public key is not a PEM block `PUBLIC KEY`")]
    NotPem,
    /// Another algorithm, curve or point form.
    #[error("the signer's public key is not an uncompressed P-256 key")]
    NotP256,
    /// No signer was named at all.
    #[error("no trusted signer was given; the bundle names {0}")]
    NoneTrusted(Fingerprint),
    /// A stranger signed.
    #[error("the bundle is signed by {found}, which is not trusted here; trusted: {}", list(.trusted))]
    Stranger {
        /// Who the bundle says signed it.
        found: Fingerprint,
        /// Who would have been accepted.
        trusted: Vec<Fingerprint>,
    },
    /// The signature does not belong to this list and this key.
    #[error("the signature does not fit SHA256SUMS and the key {0}")]
    Mismatch(Fingerprint),
}

fn list(fingerprints: &[Fingerprint]) -> String {
    fingerprints.iter().enumerate().fold(String::new(), |mut text, (index, fingerprint)| {
        let _ = write!(text, "{}{fingerprint}", if index == 0 { "" } else { ", " });
        text
    })
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

/// The signers that a reader accepts.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TrustedSigners(BTreeSet<Fingerprint>);

impl FromIterator<Fingerprint> for TrustedSigners {
    fn from_iter<I: IntoIterator<Item = Fingerprint>>(fingerprints: I) -> Self {
        Self(fingerprints.into_iter().collect())
    }
}

impl TrustedSigners {
    /// Checks that a trusted signer signed `message`.
    ///
    /// # Errors
    /// When `signer` is not among the trusted, or the signature is not its own.
    pub fn verify(&self, signer: &SignerPublicKey, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let found = signer.fingerprint();
        if self.0.is_empty() {
            return Err(SignatureError::NoneTrusted(found));
        }
        if !self.0.contains(&found) {
            return Err(SignatureError::Stranger { found, trusted: self.0.iter().copied().collect() });
        }
        signer.verify(message, signature)
    }
}
