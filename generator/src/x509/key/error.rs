//! Why there is no key, and why a key does not sign.

use bundle_format::certificate::{der::DerError, pem::PemError};
use thiserror::Error;

/// Why a file gives no key that can sign. No byte of the file is in it.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum KeyError {
    /// A certificate instead of a key.
    #[error("a certificate, where a private key is needed")]
    Certificate,
    /// Encrypted, and no passphrase was given.
    #[error("the private key is encrypted, and there is no passphrase")]
    Encrypted,
    /// The numbers of the key contradict each other.
    #[error("the numbers of the {kind} private key do not belong together")]
    Inconsistent {
        /// The kind of key.
        kind: &'static str,
    },
    /// Encrypted as OpenSSL did before PKCS#8.
    #[error(
        "the private key has the legacy `Proc-Type` encryption; convert it: \
         openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out NEWFILE"
    )]
    LegacyEncryption,
    /// The structure of a key with something wrong inside.
    #[error("the private key is damaged: {source}")]
    Malformed {
        /// What is wrong.
        source: DerError,
    },
    /// Nothing that looks like a private key.
    #[error("no private key in it")]
    NotAKey,
    /// A PEM block is not base64.
    #[error(transparent)]
    Pem(PemError),
    /// An RSA key that its owner restricted to PSS.
    #[error("an RSA-PSS-only key cannot sign with PKCS#1 v1.5, which certificates of this cluster need")]
    PssOnly,
    /// An RSA key too small or too large.
    #[error("an RSA key of {bits} bits, between {least} and {most} are used")]
    RsaSize {
        /// Its modulus, in bits.
        bits: usize,
        /// The smallest.
        least: usize,
        /// The largest.
        most: usize,
    },
    /// Larger than a key file can be.
    #[error("a key file of {size} bytes, at most {most} are read")]
    Size {
        /// Its size.
        size: usize,
        /// The bound.
        most: usize,
    },
    /// The file ends within the key.
    #[error("the private key is cut short")]
    Truncated,
    /// A curve that certificates of this cluster do not use.
    #[error("the curve {curve} is not supported: P-256, P-384 and P-521 are")]
    UnsupportedCurve {
        /// Its OID.
        curve: String,
    },
    /// An encryption other than PBES2.
    #[error(
        "the private key is encrypted in an unsupported way ({what}); convert it: \
         openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out NEWFILE"
    )]
    UnsupportedEncryption {
        /// The OID of what is not supported.
        what: String,
    },
    /// A kind of key that cannot sign certificates here.
    #[error("a key of type {what} is not supported: RSA, EC and Ed25519 are")]
    UnsupportedKey {
        /// Its OID or PEM label.
        what: String,
    },
    /// Decrypting would take too long or too much memory.
    #[error("the encryption of the private key asks for work of {work}, at most {most} is done")]
    WorkFactor {
        /// Iterations, or bytes of memory, or block mixes.
        work: u64,
        /// The bound.
        most: u64,
    },
    /// The passphrase does not open it.
    #[error("the passphrase does not open the private key")]
    WrongPassphrase,
}

impl From<DerError> for KeyError {
    fn from(source: DerError) -> Self {
        if matches!(source, DerError::Truncated { .. }) { Self::Truncated } else { Self::Malformed { source } }
    }
}

impl From<PemError> for KeyError {
    fn from(error: PemError) -> Self {
        if matches!(error, PemError::Unterminated { .. }) { Self::Truncated } else { Self::Pem(error) }
    }
}

/// The cryptographic library refused to sign or to make a key.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the cryptographic library refused: {what}")]
pub struct CryptoError {
    what: &'static str,
}

impl CryptoError {
    pub(in crate::x509) const fn new(what: &'static str) -> Self {
        Self { what }
    }
}
