//! From the structures of key files (RFC 8017, 5208, 5915, 8410) to keys that sign.

use aws_lc_rs::{
    rsa::KeyPair as RsaKeyPair,
    signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use bundle_format::certificate::{
    der::{INTEGER, NULL, OCTET_STRING, OID, SEQUENCE, Tlv, context_constructed, dotted, positive, whole},
    oid,
    signature::KeyKind,
};
use zeroize::Zeroizing;

use super::{Curve, KeyError, PrivateKey, Signer};
use crate::x509::der;

impl PrivateKey {
    pub(super) fn from_pkcs8(info: &Tlv<'_>) -> Result<Self, KeyError> {
        let mut fields = info.reader();
        fields.expect(INTEGER)?;
        let mut algorithm = fields.expect(SEQUENCE)?.reader();
        let inner = fields.expect(OCTET_STRING)?.content;
        match algorithm.expect(OID)?.content {
            oid::RSA_ENCRYPTION => Self::from_pkcs1(&whole(inner, SEQUENCE)?),
            oid::EC_PUBLIC_KEY => Self::from_sec1(&whole(inner, SEQUENCE)?, Some(Curve::read(&mut algorithm)?)),
            oid::ED25519 => Self::from_seed(whole(inner, OCTET_STRING)?.content),
            oid::RSA_PSS => Err(KeyError::PssOnly),
            other => Err(KeyError::UnsupportedKey { what: dotted(other) }),
        }
    }

    pub(super) fn from_pkcs1(key: &Tlv<'_>) -> Result<Self, KeyError> {
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
    pub(super) fn from_sec1(key: &Tlv<'_>, around: Option<Curve>) -> Result<Self, KeyError> {
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

    pub(super) fn from_seed(seed: &[u8]) -> Result<Self, KeyError> {
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
