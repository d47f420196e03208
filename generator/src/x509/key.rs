//! Private keys: read as people have them, held so that they leave no trace, and made for new leaves.

use std::fmt;

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaEncoding},
};
use bundle_format::{
    certificate::{
        Certificate,
        der::{INTEGER, NULL, SEQUENCE, positive, whole},
        pem,
        signature::{Hash, KeyKind, SignatureAlgorithm, public_key},
    },
    digest::Fingerprint,
    word,
};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::der;

mod curve;
mod error;
mod file;
mod structure;

pub use curve::Curve;
pub use error::{CryptoError, KeyError};

use file::Form;

/// A passphrase, wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Passphrase(Vec<u8>);

impl Passphrase {
    /// Takes over the bytes of a passphrase, without an end of line.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Whether it has no character.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<String> for Passphrase {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

/// A private key that signs certificates. Its numbers are wiped when dropped and never shown.
pub struct PrivateKey {
    signer: Signer,
    kind: KeyKind,
    spki: Vec<u8>,
    /// PKCS#1 for RSA, SEC1 for EC, PKCS#8 for Ed25519.
    der: Zeroizing<Vec<u8>>,
    secrets: Vec<Zeroizing<Vec<u8>>>,
}

enum Signer {
    Ec(Box<EcdsaKeyPair>, Curve),
    Ed25519(Box<Ed25519KeyPair>),
    Rsa(Box<RsaKeyPair>),
}

impl PrivateKey {
    /// The smallest RSA key, in bits of its modulus.
    pub const LEAST_RSA_BITS: usize = 2048;
    /// The largest.
    pub const MOST_RSA_BITS: usize = 8192;

    /// The first private key in a file: PKCS#1, PKCS#8, SEC1 or encrypted PKCS#8, as PEM or DER.
    ///
    /// # Errors
    /// When there is none, it is encrypted otherwise or with another passphrase, or it cannot sign certificates.
    pub fn load(bytes: &[u8], passphrase: Option<&Passphrase>) -> Result<Self, KeyError> {
        let (form, der) = file::open(bytes, passphrase)?;
        let value = whole(&der, SEQUENCE)?;
        let key = match form {
            Form::Pkcs1 => Self::from_pkcs1(&value),
            Form::Pkcs8 => Self::from_pkcs8(&value),
            Form::Sec1 => Self::from_sec1(&value, None),
        };
        key.map(|mut key| {
            key.secrets.push(der);
            key
        })
    }

    /// A new RSA key of 2048, 3072 or 4096 bits: the smallest of these that has at least `bits`, or the largest.
    ///
    /// # Errors
    /// When the library cannot make one.
    pub fn generate_rsa(bits: usize) -> Result<Self, CryptoError> {
        let size = match bits {
            0..=2048 => KeySize::Rsa2048,
            2049..=3072 => KeySize::Rsa3072,
            _ => KeySize::Rsa4096,
        };
        let refused = CryptoError::new(word!("making an RSA key", "生成 RSA 密钥"));
        let pkcs8: Pkcs8V1Der<'_> = RsaKeyPair::generate(size).and_then(|pair| pair.as_der()).map_err(|_| refused)?;
        Self::load(pkcs8.as_ref(), None).map_err(|_| refused)
    }

    /// A new key on P-256 or P-384.
    ///
    /// # Errors
    /// When the library cannot make one.
    pub fn generate_ec(curve: Curve) -> Result<Self, CryptoError> {
        let refused = CryptoError::new(word!("making an EC key", "生成 EC 密钥"));
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(curve.signing(None).1, &SystemRandom::new()).map_err(|_| refused)?;
        Self::load(pkcs8.as_ref(), None).map_err(|_| refused)
    }

    /// The kind of key.
    #[must_use]
    pub fn kind(&self) -> &KeyKind {
        &self.kind
    }

    /// The DER SubjectPublicKeyInfo of its public half.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// What its public half is known by.
    #[must_use]
    pub fn public_key(&self) -> Fingerprint {
        Fingerprint::of_spki(&self.spki)
    }

    /// Whether `certificate` carries the public half: the numbers are compared, not how they are written.
    #[must_use]
    pub fn matches(&self, certificate: &Certificate) -> bool {
        let (Ok((own_kind, own)), Ok((kind, other))) = (public_key(&self.spki), public_key(certificate.spki())) else { return false };
        match (own_kind, kind) {
            (KeyKind::Rsa(_), KeyKind::Rsa(_) | KeyKind::RsaPss(_)) => rsa_numbers(own).is_some_and(|own| Some(own) == rsa_numbers(other)),
            (KeyKind::Ec(own_bits), KeyKind::Ec(bits)) => own_bits == bits && same_point(own, other),
            (KeyKind::Ed25519, KeyKind::Ed25519) => own == other,
            _ => false,
        }
    }

    /// The algorithm that it signs certificates with: at least SHA-256, and `wanted` where that is stronger and the key can.
    /// P-256 and P-384 have one digest each.
    #[must_use]
    pub fn algorithm(&self, wanted: Option<Hash>) -> SignatureAlgorithm {
        match &self.signer {
            Signer::Ec(_, curve) => SignatureAlgorithm::Ecdsa(curve.signing(wanted).0),
            Signer::Ed25519(_) => SignatureAlgorithm::Ed25519,
            Signer::Rsa(_) => SignatureAlgorithm::RsaPkcs1(wanted.unwrap_or(Hash::Sha256).max(Hash::Sha256)),
        }
    }

    /// The DER AlgorithmIdentifier of [`PrivateKey::algorithm`]. RSA has `NULL` parameters (RFC 4055, 5), the others none.
    #[must_use]
    pub fn algorithm_identifier(&self, wanted: Option<Hash>) -> Vec<u8> {
        let oid = der::oid(self.algorithm(wanted).oid().unwrap_or_default());
        match self.signer {
            Signer::Rsa(_) => der::sequence(&[&oid, &der::tlv(NULL, &[])]),
            Signer::Ec(..) | Signer::Ed25519(_) => der::sequence(&[&oid]),
        }
    }

    /// Signs `message` by [`PrivateKey::algorithm`] of the same `wanted`. RSA and Ed25519 give the same signature every time.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn sign(&self, wanted: Option<Hash>, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let random = SystemRandom::new();
        let refused = |_| CryptoError::new(word!("signing", "签名"));
        match &self.signer {
            Signer::Ec(pair, curve) => {
                let other = EcdsaKeyPair::from_private_key_der(curve.signing(wanted).1, &self.der);
                let pair = other.as_ref().unwrap_or(pair);
                pair.sign(&random, message).map(|signature| signature.as_ref().to_vec()).map_err(refused)
            }
            Signer::Ed25519(pair) => pair.try_sign(message).map(|signature| signature.as_ref().to_vec()).map_err(refused),
            Signer::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(rsa_encoding(self.algorithm(wanted)), &random, message, &mut signature).map_err(refused)?;
                Ok(signature)
            }
        }
    }

    /// What must be found in no bundle: each secret number, big-endian without leading zeros (RSA: d, p, q, dP, dQ, qInv; EC: the
    /// scalar; Ed25519: the seed), and each DER form that the key was seen in.
    #[must_use]
    pub fn secrets(&self) -> Vec<Zeroizing<Vec<u8>>> {
        self.secrets.iter().chain([&self.der]).cloned().collect()
    }

    /// The key as PEM, unencrypted: `RSA PRIVATE KEY` (PKCS#1), `EC PRIVATE KEY` (SEC1), which programs of Kubernetes' first years
    /// read as well, or `PRIVATE KEY` (PKCS#8) for Ed25519. Lines of 64 characters and LF.
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        let label = match self.signer {
            Signer::Ec(..) => "EC PRIVATE KEY",
            Signer::Ed25519(_) => "PRIVATE KEY",
            Signer::Rsa(_) => "RSA PRIVATE KEY",
        };
        pem::encode(label, &self.der)
    }
}

/// The public key's fingerprint and kind; nothing of the private half.
impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({}, {})", self.kind, self.public_key())
    }
}

fn rsa_encoding(algorithm: SignatureAlgorithm) -> &'static dyn RsaEncoding {
    match algorithm.hash() {
        Some(Hash::Sha512) => &RSA_PKCS1_SHA512,
        Some(Hash::Sha384) => &RSA_PKCS1_SHA384,
        _ => &RSA_PKCS1_SHA256,
    }
}

/// Modulus and exponent of an `RSAPublicKey`.
fn rsa_numbers(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut fields = whole(key, SEQUENCE).ok()?.reader();
    Some((positive(&fields.expect(INTEGER).ok()?).ok()?, positive(&fields.expect(INTEGER).ok()?).ok()?))
}

/// Whether `other`, compressed or not, is the point `own`, which is not.
fn same_point(own: &[u8], other: &[u8]) -> bool {
    let half = own.len() / 2;
    match other.split_first() {
        Some((&sign @ (2 | 3), x)) => own.get(1..=half) == Some(x) && own.last().is_some_and(|last| last & 1 == sign & 1),
        _ => own == other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_secret_is_shown() {
        let key = PrivateKey::generate_ec(Curve::P256).unwrap();
        assert_eq!(format!("{key:?}"), format!("PrivateKey(P-256, {})", key.public_key()));
        assert_eq!(format!("{:?}", Passphrase::from("secret".to_owned())), "Passphrase(…)");
    }

    #[test]
    fn a_digest_is_never_weaker_than_sha_256() {
        let (p256, p384) = (PrivateKey::generate_ec(Curve::P256).unwrap(), PrivateKey::generate_ec(Curve::P384).unwrap());
        for wanted in [None, Some(Hash::Sha1), Some(Hash::Sha512)] {
            assert_eq!(p256.algorithm(wanted), SignatureAlgorithm::Ecdsa(Hash::Sha256));
            assert_eq!(p384.algorithm(wanted), SignatureAlgorithm::Ecdsa(Hash::Sha384));
        }
        let rsa = PrivateKey::generate_rsa(1024).unwrap();
        assert_eq!(rsa.kind(), &KeyKind::Rsa(2048));
        assert_eq!(rsa.algorithm(Some(Hash::Sha1)), SignatureAlgorithm::RsaPkcs1(Hash::Sha256));
        assert_eq!(rsa.algorithm(Some(Hash::Sha384)), SignatureAlgorithm::RsaPkcs1(Hash::Sha384));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = PrivateKey::load(&bytes, None);
            let _ = PrivateKey::load(&der::sequence(&[&bytes]), Some(&Passphrase::new(bytes.clone())));
        }

        #[test]
        fn a_damaged_key_never_panics(at in 0usize..1000, byte in any::<u8>(), cut in 0usize..1000) {
            let pem = PrivateKey::generate_ec(Curve::P384).unwrap().to_pem();
            let mut bytes = pem.as_bytes().to_vec();
            let (at, cut) = (at % bytes.len(), cut % bytes.len());
            bytes[at] = byte;
            let _ = PrivateKey::load(&bytes, None);
            prop_assert!(PrivateKey::load(&pem.as_bytes()[..cut], None).is_err() || cut + 1 == pem.len());
        }
    }
}
