//! The signer: the P-256 key pair of whoever builds bundles. Not the CA.
//!
//! Signatures are deterministic (RFC 6979), so that the same bundle has the same bytes.

use bundle_format::{digest::Fingerprint, text, writer::Signer};
use p256::{
    SecretKey,
    ecdsa::{Signature, SigningKey, signature::Signer as _},
    elliptic_curve::Generate as _,
};
use pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::x509::key::{KeyError, Passphrase, PrivateKey};

/// Why a signer's key was not made or read.
#[derive(Debug, Error)]
pub enum SignerError {
    /// Not a private key, or a passphrase that does not fit.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A private key of another kind.
    #[error("{}", text!("a signer's key is P-256, this one is {_0}", "签名人的密钥应为 P-256，这个是 {_0}"))]
    NotP256(String),
    /// The key cannot be written as PKCS#8.
    #[error("{}", text!("the key cannot be encoded: {_0}", "无法编码密钥：{_0}"))]
    Encode(String),
}

/// A signer's key pair. The secret part is wiped when dropped.
pub struct SignerKey {
    key: SigningKey,
    public_key_pem: String,
}

impl SignerKey {
    /// A new key from the system's random source.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn generate() -> Result<Self, SignerError> {
        Self::new(&SecretKey::generate())
    }

    /// Reads a PKCS#8 or SEC1 key, encrypted or not.
    ///
    /// # Errors
    /// When it is none, is of another kind, or the passphrase does not fit.
    pub fn load(content: &[u8], passphrase: Option<&Passphrase>) -> Result<Self, SignerError> {
        let key = PrivateKey::load(content, passphrase)?;
        let secret = SecretKey::from_sec1_pem(&key.to_pem()).map_err(|_| SignerError::NotP256(key.kind().to_string()))?;
        Self::new(&secret)
    }

    fn new(secret: &SecretKey) -> Result<Self, SignerError> {
        let public_key_pem =
            secret.public_key().to_public_key_pem(LineEnding::LF).map_err(|error| SignerError::Encode(error.to_string()))?;
        Ok(Self { key: secret.into(), public_key_pem })
    }

    /// The key as PKCS#8 PEM: encrypted (PBES2: scrypt and AES-256-CBC, RFC 8018 and RFC 7914) when a passphrase is given.
    ///
    /// # Errors
    /// When encoding or encryption fails.
    pub fn to_pem(&self, passphrase: Option<&Passphrase>) -> Result<Zeroizing<String>, SignerError> {
        let secret = SecretKey::from(&self.key);
        let pem = match passphrase {
            Some(passphrase) => secret.to_pkcs8_encrypted_pem(passphrase.as_bytes(), LineEnding::LF),
            None => secret.to_pkcs8_pem(LineEnding::LF),
        };
        pem.map_err(|error| SignerError::Encode(error.to_string()))
    }

    /// What the public key is known by.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let spki = p256::PublicKey::from(self.key.verifying_key()).to_public_key_der();
        Fingerprint::of_spki(spki.as_ref().map(pkcs8::Document::as_bytes).unwrap_or_default())
    }
}

impl Signer for SignerKey {
    fn public_key_pem(&self) -> String {
        self.public_key_pem.clone()
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: Signature = self.key.sign(message);
        signature.to_der().as_bytes().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bundle_format::signature::SignerPublicKey;

    #[test]
    fn a_key_survives_its_file() {
        let signer = SignerKey::generate().unwrap();
        let passphrase = Passphrase::from("正确 horse".to_owned());
        for passphrase in [None, Some(&passphrase)] {
            let pem = signer.to_pem(passphrase).unwrap();
            let again = SignerKey::load(pem.as_bytes(), passphrase).unwrap();
            assert_eq!(again.fingerprint(), signer.fingerprint());
            let public = SignerPublicKey::from_pem(again.public_key_pem().as_bytes()).unwrap();
            assert_eq!(public.fingerprint(), signer.fingerprint());
            public.verify(b"list", &signer.sign(b"list")).unwrap();
            assert_eq!(signer.sign(b"list"), again.sign(b"list"));
            assert!(public.verify(b"lisT", &signer.sign(b"list")).is_err());
        }
        let encrypted = signer.to_pem(Some(&passphrase)).unwrap();
        assert!(SignerKey::load(encrypted.as_bytes(), None).is_err());
        assert!(SignerKey::load(encrypted.as_bytes(), Some(&Passphrase::from("other".to_owned()))).is_err());
    }
}
