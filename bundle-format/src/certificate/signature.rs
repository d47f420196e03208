//! Signature algorithms of certificates, and the one check of a signature.

use std::fmt;

use aws_lc_rs::signature::{self as lc, VerificationAlgorithm};
use thiserror::Error;

use super::{
    der::{self, BIT_STRING, DerError, INTEGER, NULL, OID, Reader, SEQUENCE, context_constructed},
    oid,
};

use crate::text;

/// A digest that a signature is made over. In the order of strength.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Hash {
    /// SHA-1: verified, because old leaves have it; never made.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// An algorithm that this crate verifies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SignatureAlgorithm {
    /// ECDSA (RFC 5758, 3.2).
    Ecdsa(Hash),
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// RSASSA-PKCS1-v1_5 (RFC 8017, 8.2).
    RsaPkcs1(Hash),
    /// RSASSA-PSS with MGF1 over the same digest and a salt as long as that (RFC 4055, 3.1).
    RsaPss(Hash),
}

/// What is known of a public key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyKind {
    /// NIST P-256, P-384 or P-521: the number.
    Ec(u16),
    /// Ed25519.
    Ed25519,
    /// RSA for any padding: bits of the modulus.
    Rsa(usize),
    /// RSA that may sign with PSS only: bits of the modulus.
    RsaPss(usize),
    /// Anything else, by the OID of its algorithm or curve.
    Unknown(String),
}

/// Why a signature was not accepted.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum SignatureError {
    /// The key and the algorithm do not go together, or one is too weak or unknown to be checked.
    #[error("{}", text!(
        "a signature by {algorithm} with a key of type {key} cannot be checked",
        "无法验证：签名算法为 {algorithm}，密钥类型为 {key}"
    ))]
    Unsupported {
        /// The algorithm, or its OID.
        algorithm: String,
        /// The key.
        key: String,
    },
    /// The signature is not of this key over these bytes.
    #[error("{}", text!("the signature does not verify", "签名验证不通过"))]
    Wrong,
}

/// The algorithms without parameters to look into, and their OIDs.
const PLAIN: [(SignatureAlgorithm, &[u8]); 9] = [
    (SignatureAlgorithm::Ecdsa(Hash::Sha1), oid::ECDSA_SHA1),
    (SignatureAlgorithm::Ecdsa(Hash::Sha256), oid::ECDSA_SHA256),
    (SignatureAlgorithm::Ecdsa(Hash::Sha384), oid::ECDSA_SHA384),
    (SignatureAlgorithm::Ecdsa(Hash::Sha512), oid::ECDSA_SHA512),
    (SignatureAlgorithm::Ed25519, oid::ED25519),
    (SignatureAlgorithm::RsaPkcs1(Hash::Sha1), oid::RSA_SHA1),
    (SignatureAlgorithm::RsaPkcs1(Hash::Sha256), oid::RSA_SHA256),
    (SignatureAlgorithm::RsaPkcs1(Hash::Sha384), oid::RSA_SHA384),
    (SignatureAlgorithm::RsaPkcs1(Hash::Sha512), oid::RSA_SHA512),
];

impl Hash {
    fn length(self) -> u8 {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    fn from_oid(oid: &[u8]) -> Option<Self> {
        match oid {
            oid::SHA1 => Some(Self::Sha1),
            oid::SHA256 => Some(Self::Sha256),
            oid::SHA384 => Some(Self::Sha384),
            oid::SHA512 => Some(Self::Sha512),
            _ => None,
        }
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        })
    }
}

impl SignatureAlgorithm {
    /// The algorithm of a DER AlgorithmIdentifier, when it is one of these.
    #[must_use]
    pub fn from_der(identifier: &[u8]) -> Option<Self> {
        let mut fields = der::whole(identifier, SEQUENCE).ok()?.reader();
        let oid = fields.expect(OID).ok()?.content;
        if oid == oid::RSA_PSS {
            return pss_hash(fields.rest()).map(Self::RsaPss);
        }
        PLAIN.iter().find(|(_, known)| *known == oid).map(|(algorithm, _)| *algorithm)
    }

    /// The OID of an algorithm that is written; none for those that are only read: PSS, and everything with SHA-1.
    #[must_use]
    pub fn oid(self) -> Option<&'static [u8]> {
        if self.hash() == Some(Hash::Sha1) {
            return None;
        }
        PLAIN.iter().find(|(known, _)| *known == self).map(|(_, oid)| *oid)
    }

    /// The digest, where the algorithm names one.
    #[must_use]
    pub fn hash(self) -> Option<Hash> {
        match self {
            Self::Ecdsa(hash) | Self::RsaPkcs1(hash) | Self::RsaPss(hash) => Some(hash),
            Self::Ed25519 => None,
        }
    }

    /// Checks `signature` over `message` with the key of a DER SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// When key and algorithm do not go together, or the signature is not of this key.
    pub fn verify(self, spki: &[u8], message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let unsupported = |key: String| SignatureError::Unsupported { algorithm: self.to_string(), key };
        let (kind, key) = public_key(spki).map_err(|_| unsupported("unknown".to_owned()))?;
        let verifier = verifier(self, &kind).ok_or_else(|| unsupported(kind.to_string()))?;
        lc::UnparsedPublicKey::new(verifier, key).verify(message, signature).map_err(|_| SignatureError::Wrong)
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ecdsa(hash) => write!(f, "ECDSA with {hash}"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::RsaPkcs1(hash) => write!(f, "RSA with {hash}"),
            Self::RsaPss(hash) => write!(f, "RSA-PSS with {hash}"),
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ec(bits) => write!(f, "P-{bits}"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Rsa(bits) => write!(f, "RSA-{bits}"),
            Self::RsaPss(bits) => write!(f, "RSA-{bits} for PSS only"),
            Self::Unknown(oid) => f.write_str(oid),
        }
    }
}

/// What a DER SubjectPublicKeyInfo holds: the kind of key, and its bits.
///
/// # Errors
/// When it is not the structure of RFC 5280, 4.1, or an RSA key without a modulus.
pub fn public_key(spki: &[u8]) -> Result<(KeyKind, &[u8]), DerError> {
    let mut fields = der::whole(spki, SEQUENCE)?.reader();
    let mut algorithm = fields.expect(SEQUENCE)?.reader();
    let key = der::whole_bytes(&fields.expect(BIT_STRING)?)?;
    fields.finish()?;
    let oid = algorithm.expect(OID)?.content;
    let kind = match oid {
        oid::RSA_ENCRYPTION => KeyKind::Rsa(modulus_bits(key)?),
        oid::RSA_PSS => KeyKind::RsaPss(modulus_bits(key)?),
        oid::EC_PUBLIC_KEY => curve(&mut algorithm),
        oid::ED25519 => KeyKind::Ed25519,
        _ => KeyKind::Unknown(der::dotted(oid)),
    };
    Ok((kind, key))
}

/// The curve of `id-ecPublicKey` parameters (RFC 5480, 2.1.1).
fn curve(parameters: &mut Reader<'_>) -> KeyKind {
    match parameters.expect(OID).map(|oid| oid.content) {
        Ok(oid::P256) => KeyKind::Ec(256),
        Ok(oid::P384) => KeyKind::Ec(384),
        Ok(oid::P521) => KeyKind::Ec(521),
        Ok(other) => KeyKind::Unknown(der::dotted(other)),
        Err(_) => KeyKind::Unknown("a curve without a name".to_owned()),
    }
}

fn modulus_bits(key: &[u8]) -> Result<usize, DerError> {
    let mut fields = der::whole(key, SEQUENCE)?.reader();
    let modulus = der::positive(&fields.expect(INTEGER)?)?;
    let unused = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    Ok(modulus.len() * 8 - unused)
}

/// The digest of PSS parameters in which all digests agree and the salt is as long as they are.
fn pss_hash(parameters: &[u8]) -> Option<Hash> {
    let mut fields = der::whole(parameters, SEQUENCE).ok()?.reader();
    let hash = Hash::from_oid(algorithm_oid(fields.optional(context_constructed(0)).ok()??.content)?.0)?;
    let (mask, mask_parameters) = algorithm_oid(fields.optional(context_constructed(1)).ok()??.content)?;
    let mask_hash = Hash::from_oid(algorithm_oid(mask_parameters)?.0)?;
    let salt = der::whole(fields.optional(context_constructed(2)).ok()??.content, INTEGER).ok()?;
    (mask == oid::MGF1 && mask_hash == hash && salt.content == [hash.length()]).then_some(hash)
}

/// The OID of an AlgorithmIdentifier, and its parameters; a `NULL` among them means none.
fn algorithm_oid(identifier: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut fields = der::whole(identifier, SEQUENCE).ok()?.reader();
    let oid = fields.expect(OID).ok()?.content;
    fields.optional(NULL).ok()?;
    Some((oid, fields.rest()))
}

fn verifier(algorithm: SignatureAlgorithm, key: &KeyKind) -> Option<&'static dyn VerificationAlgorithm> {
    match (algorithm, key) {
        (SignatureAlgorithm::RsaPkcs1(hash), KeyKind::Rsa(bits)) => Some(rsa_verifier(hash, *bits)),
        (SignatureAlgorithm::RsaPss(hash), KeyKind::Rsa(_) | KeyKind::RsaPss(_)) => pss_verifier(hash),
        (SignatureAlgorithm::Ecdsa(hash), KeyKind::Ec(bits)) => ecdsa_verifier(hash, *bits),
        (SignatureAlgorithm::Ed25519, KeyKind::Ed25519) => Some(&lc::ED25519),
        _ => None,
    }
}

/// Below 2048 bits the library has SHA-1, SHA-256 and SHA-512 only.
fn rsa_verifier(hash: Hash, bits: usize) -> &'static dyn VerificationAlgorithm {
    match hash {
        Hash::Sha1 => &lc::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 if bits < 2048 => &lc::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => &lc::RSA_PKCS1_2048_8192_SHA256,
        Hash::Sha384 => &lc::RSA_PKCS1_2048_8192_SHA384,
        Hash::Sha512 if bits < 2048 => &lc::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        Hash::Sha512 => &lc::RSA_PKCS1_2048_8192_SHA512,
    }
}

fn pss_verifier(hash: Hash) -> Option<&'static dyn VerificationAlgorithm> {
    match hash {
        Hash::Sha1 => None,
        Hash::Sha256 => Some(&lc::RSA_PSS_2048_8192_SHA256),
        Hash::Sha384 => Some(&lc::RSA_PSS_2048_8192_SHA384),
        Hash::Sha512 => Some(&lc::RSA_PSS_2048_8192_SHA512),
    }
}

fn ecdsa_verifier(hash: Hash, bits: u16) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (bits, hash) {
        (256, Hash::Sha1) => &lc::ECDSA_P256_SHA1_ASN1,
        (256, Hash::Sha256) => &lc::ECDSA_P256_SHA256_ASN1,
        (256, Hash::Sha384) => &lc::ECDSA_P256_SHA384_ASN1,
        (256, Hash::Sha512) => &lc::ECDSA_P256_SHA512_ASN1,
        (384, Hash::Sha256) => &lc::ECDSA_P384_SHA256_ASN1,
        (384, Hash::Sha384) => &lc::ECDSA_P384_SHA384_ASN1,
        (384, Hash::Sha512) => &lc::ECDSA_P384_SHA512_ASN1,
        (521, Hash::Sha1) => &lc::ECDSA_P521_SHA1_ASN1,
        (521, Hash::Sha256) => &lc::ECDSA_P521_SHA256_ASN1,
        (521, Hash::Sha384) => &lc::ECDSA_P521_SHA384_ASN1,
        (521, Hash::Sha512) => &lc::ECDSA_P521_SHA512_ASN1,
        _ => return None,
    })
}
