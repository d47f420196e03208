//! The curves of ECDSA keys.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA256_ASN1_SIGNING, ECDSA_P521_SHA384_ASN1_SIGNING,
    ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaSigningAlgorithm,
};
use bundle_format::certificate::{
    der::{OID, Reader, dotted},
    oid,
    signature::Hash,
};
use bundle_format::{text, word};

use super::KeyError;

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

    pub(super) fn read(parameters: &mut Reader<'_>) -> Result<Self, KeyError> {
        let Some(name) = parameters.optional(OID)? else {
            return Err(KeyError::UnsupportedCurve { curve: word!("without a name", "（未命名）").to_owned() });
        };
        let known = Self::ALL.into_iter().find(|curve| curve.oid() == name.content);
        known.ok_or_else(|| KeyError::UnsupportedCurve { curve: dotted(name.content) })
    }

    pub(super) fn of_scalar(scalar: &[u8]) -> Result<Self, KeyError> {
        let known = Self::ALL.into_iter().find(|curve| curve.bytes() == scalar.len());
        known.ok_or_else(|| KeyError::UnsupportedCurve { curve: text!("of {} bytes", "（{} 字节）"; scalar.len()) })
    }

    pub(super) const fn bits(self) -> u16 {
        match self {
            Self::P256 => 256,
            Self::P384 => 384,
            Self::P521 => 521,
        }
    }

    pub(super) fn bytes(self) -> usize {
        usize::from(self.bits()).div_ceil(8)
    }

    pub(super) const fn oid(self) -> &'static [u8] {
        match self {
            Self::P256 => oid::P256,
            Self::P384 => oid::P384,
            Self::P521 => oid::P521,
        }
    }

    /// The digest, and the library's name for signing with it: `wanted` where the library can, else the curve's own.
    pub(super) fn signing(self, wanted: Option<Hash>) -> (Hash, &'static EcdsaSigningAlgorithm) {
        match (self, wanted) {
            (Self::P256, _) => (Hash::Sha256, &ECDSA_P256_SHA256_ASN1_SIGNING),
            (Self::P384, _) => (Hash::Sha384, &ECDSA_P384_SHA384_ASN1_SIGNING),
            (Self::P521, Some(Hash::Sha256)) => (Hash::Sha256, &ECDSA_P521_SHA256_ASN1_SIGNING),
            (Self::P521, Some(Hash::Sha384)) => (Hash::Sha384, &ECDSA_P521_SHA384_ASN1_SIGNING),
            (Self::P521, None | Some(Hash::Sha1 | Hash::Sha512)) => (Hash::Sha512, &ECDSA_P521_SHA512_ASN1_SIGNING),
        }
    }
}
