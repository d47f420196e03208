//! Private keys: read as people have them, held so that they leave no trace, and made for new leaves.

use std::fmt;

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA256_ASN1_SIGNING, ECDSA_P521_SHA384_ASN1_SIGNING,
        ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
        RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaEncoding,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bundle_format::{
    certificate::{
        Certificate,
        der::{DerError, INTEGER, NULL, OCTET_STRING, OID, Reader, SEQUENCE, Tlv, context_constructed, positive, whole},
        oid,
        pem::PemError,
        signature::{Hash, KeyKind, SignatureAlgorithm, public_key},
    },
    digest::Fingerprint,
};
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::der;

mod file;

use file::Form;

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
    pub(super) const fn randomness() -> Self {
        Self { what: "randomness" }
    }
}

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
        let refused = CryptoError { what: "making an RSA key" };
        let pkcs8: Pkcs8V1Der<'_> = RsaKeyPair::generate(size).and_then(|pair| pair.as_der()).map_err(|_| refused)?;
        Self::load(pkcs8.as_ref(), None).map_err(|_| refused)
    }

    /// A new key on P-256 or P-384.
    ///
    /// # Errors
    /// When the library cannot make one.
    pub fn generate_ec(curve: Curve) -> Result<Self, CryptoError> {
        let refused = CryptoError { what: "making an EC key" };
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
        let refused = |_| CryptoError { what: "signing" };
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
        let encoded = Zeroizing::new(STANDARD.encode(self.der.as_slice()));
        let mut text = Zeroizing::new(String::with_capacity(encoded.len() / 64 + encoded.len() + 80));
        text.push_str(&format!("-----BEGIN {label}-----\n"));
        let mut rest = encoded.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(64));
            text.push_str(line);
            text.push('\n');
            rest = after;
        }
        text.push_str(&format!("-----END {label}-----\n"));
        text
    }

    fn from_pkcs8(info: &Tlv<'_>) -> Result<Self, KeyError> {
        let mut fields = info.reader();
        fields.expect(INTEGER)?;
        let mut algorithm = fields.expect(SEQUENCE)?.reader();
        let inner = fields.expect(OCTET_STRING)?.content;
        match algorithm.expect(OID)?.content {
            oid::RSA_ENCRYPTION => Self::from_pkcs1(&whole(inner, SEQUENCE)?),
            oid::EC_PUBLIC_KEY => Self::from_sec1(&whole(inner, SEQUENCE)?, Some(Curve::read(&mut algorithm)?)),
            oid::ED25519 => Self::from_seed(whole(inner, OCTET_STRING)?.content),
            oid::RSA_PSS => Err(KeyError::PssOnly),
            other => Err(KeyError::UnsupportedKey { what: bundle_format::certificate::der::dotted(other) }),
        }
    }

    fn from_pkcs1(key: &Tlv<'_>) -> Result<Self, KeyError> {
        let mut fields = key.reader();
        fields.expect(INTEGER)?;
        let modulus = positive(&fields.expect(INTEGER)?)?;
        positive(&fields.expect(INTEGER)?)?;
        let mut secrets = Vec::with_capacity(7);
        for _ in ["d", "p", "q", "dP", "dQ", "qInv"] {
            secrets.push(Zeroizing::new(positive(&fields.expect(INTEGER)?)?.to_vec()));
        }
        let bits = modulus.len() * 8 - modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
        if !(Self::LEAST_RSA_BITS..=Self::MOST_RSA_BITS).contains(&bits) {
            return Err(KeyError::RsaSize { bits, least: Self::LEAST_RSA_BITS, most: Self::MOST_RSA_BITS });
        }
        let pair = RsaKeyPair::from_der(key.raw).map_err(|_| KeyError::Inconsistent { kind: "RSA" })?;
        let algorithm = der::sequence(&[&der::oid(oid::RSA_ENCRYPTION), &der::tlv(NULL, &[])]);
        let spki = der::sequence(&[&algorithm, &der::bit_string(pair.public_key().as_ref())]);
        let der = Zeroizing::new(key.raw.to_vec());
        Ok(Self { signer: Signer::Rsa(Box::new(pair)), kind: KeyKind::Rsa(bits), spki, der, secrets })
    }

    /// `ECPrivateKey`; its curve may be named around it, in it, or be told by the length of the scalar.
    fn from_sec1(key: &Tlv<'_>, around: Option<Curve>) -> Result<Self, KeyError> {
        let mut fields = key.reader();
        fields.expect(INTEGER)?;
        let stored = fields.expect(OCTET_STRING)?.content;
        let inside = fields.optional(context_constructed(0))?;
        let curve = match (around, inside) {
            (Some(curve), _) => curve,
            (None, Some(parameters)) => Curve::read(&mut parameters.reader())?,
            (None, None) => Curve::of_scalar(stored)?,
        };
        let significant = &stored[stored.iter().position(|&byte| byte != 0).unwrap_or(stored.len())..];
        let inconsistent = KeyError::Inconsistent { kind: "EC" };
        let padding = vec![0; curve.bytes().checked_sub(significant.len()).ok_or_else(|| inconsistent.clone())?];
        let scalar = Zeroizing::new(der::tlv(OCTET_STRING, &[&padding, significant]));
        let curve_oid = der::oid(curve.oid());
        let bare = Zeroizing::new(der::sequence(&[&[INTEGER, 1, 1], &scalar, &der::tlv(context_constructed(0), &[&curve_oid])]));
        let pair = EcdsaKeyPair::from_private_key_der(curve.signing(None).1, &bare).map_err(|_| inconsistent)?;

        let point = der::bit_string(pair.public_key().as_ref());
        let parts: [&[u8]; 4] =
            [&[INTEGER, 1, 1], &scalar, &der::tlv(context_constructed(0), &[&curve_oid]), &der::tlv(context_constructed(1), &[&point])];
        Ok(Self {
            kind: KeyKind::Ec(curve.bits()),
            spki: der::sequence(&[&der::sequence(&[&der::oid(oid::EC_PUBLIC_KEY), &curve_oid]), &point]),
            der: Zeroizing::new(der::sequence(&parts)),
            secrets: vec![Zeroizing::new(significant.to_vec())],
            signer: Signer::Ec(Box::new(pair), curve),
        })
    }

    fn from_seed(seed: &[u8]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyError::Inconsistent { kind: "Ed25519" })?;
        let algorithm = der::sequence(&[&der::oid(oid::ED25519)]);
        let inner = Zeroizing::new(der::tlv(OCTET_STRING, &[seed]));
        let wrapped = Zeroizing::new(der::tlv(OCTET_STRING, &[&inner]));
        let significant = &seed[seed.iter().position(|&byte| byte != 0).unwrap_or(seed.len())..];
        Ok(Self {
            kind: KeyKind::Ed25519,
            spki: der::sequence(&[&algorithm, &der::bit_string(pair.public_key().as_ref())]),
            der: Zeroizing::new(der::sequence(&[&[INTEGER, 1, 0], &algorithm, &wrapped])),
            secrets: vec![Zeroizing::new(significant.to_vec())],
            signer: Signer::Ed25519(Box::new(pair)),
        })
    }
}

/// The public key's fingerprint and kind; nothing of the private half.
impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({}, {})", self.kind, self.public_key())
    }
}

/// A NIST curve.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Curve {
    /// secp256r1.
    P256,
    /// secp384r1.
    P384,
    /// secp521r1.
    P521,
}

impl Curve {
    const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    fn read(parameters: &mut Reader<'_>) -> Result<Self, KeyError> {
        let Some(name) = parameters.optional(OID)? else {
            return Err(KeyError::UnsupportedCurve { curve: "without a name".to_owned() });
        };
        let known = Self::ALL.into_iter().find(|curve| curve.oid() == name.content);
        known.ok_or_else(|| KeyError::UnsupportedCurve { curve: bundle_format::certificate::der::dotted(name.content) })
    }

    fn of_scalar(scalar: &[u8]) -> Result<Self, KeyError> {
        let known = Self::ALL.into_iter().find(|curve| curve.bytes() == scalar.len());
        known.ok_or_else(|| KeyError::UnsupportedCurve { curve: format!("of {} bytes", scalar.len()) })
    }

    const fn bits(self) -> u16 {
        match self {
            Self::P256 => 256,
            Self::P384 => 384,
            Self::P521 => 521,
        }
    }

    fn bytes(self) -> usize {
        usize::from(self.bits()).div_ceil(8)
    }

    const fn oid(self) -> &'static [u8] {
        match self {
            Self::P256 => oid::P256,
            Self::P384 => oid::P384,
            Self::P521 => oid::P521,
        }
    }

    fn signing(self, wanted: Option<Hash>) -> (Hash, &'static EcdsaSigningAlgorithm) {
        match (self, wanted) {
            (Self::P256, _) => (Hash::Sha256, &ECDSA_P256_SHA256_ASN1_SIGNING),
            (Self::P384, _) => (Hash::Sha384, &ECDSA_P384_SHA384_ASN1_SIGNING),
            (Self::P521, Some(Hash::Sha256)) => (Hash::Sha256, &ECDSA_P521_SHA256_ASN1_SIGNING),
            (Self::P521, Some(Hash::Sha384)) => (Hash::Sha384, &ECDSA_P521_SHA384_ASN1_SIGNING),
            (Self::P521, None | Some(Hash::Sha1 | Hash::Sha512)) => (Hash::Sha512, &ECDSA_P521_SHA512_ASN1_SIGNING),
        }
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
