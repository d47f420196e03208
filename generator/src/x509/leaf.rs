//! Issuing a leaf in the place of a former one (RFC 5280, 4.2): its names, a fresh key, the renewed CA.

use ::time::{Duration, OffsetDateTime};
use std::fmt;

use aws_lc_rs::rand;
use bundle_format::{
    certificate::{
        Certificate, CertificateError, ChainError, San,
        signature::{KeyKind, public_key},
    },
    digest::{Digest, Fingerprint},
    text, word,
};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{
    authority::digest_of,
    der::{self, BOOLEAN, INTEGER, OCTET_STRING, context, context_constructed},
    key::{CryptoError, Curve, PrivateKey},
    splice,
    time::{self, TimeError},
};

/// How far before the present a leaf begins, so that a node whose clock is behind takes it.
const BACKDATED: Duration = Duration::hours(24);

/// Why a leaf is not issued.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum LeafError {
    /// The library did not sign or make a key.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// A host name that cannot stand in a certificate.
    #[error("{}", text!("`{}` cannot be a DNS name of a certificate", "`{}` 不能作为证书的 DNS 名称"; name.escape_debug()))]
    DnsName {
        /// The name.
        name: String,
    },
    /// The outcome does not verify.
    #[error("{}", text!("the new certificate does not verify under its authority: {_0}", "新证书未通过其 CA 的验证：{_0}"))]
    Chain(#[from] ChainError),
    /// The key is not that of the authority.
    #[error("{}", text!(
        "authority `{subject}` has the public key {certificate}, the private key belongs to {key}",
        "CA `{subject}` 的公钥是 {certificate}，而私钥对应的公钥是 {key}"
    ))]
    OtherKey {
        /// Its subject.
        subject: String,
        /// The key in the certificate.
        certificate: Fingerprint,
        /// The public half of the private key.
        key: Fingerprint,
    },
    /// The outcome is not a certificate: it was too large.
    #[error("{}", text!("the new certificate cannot be read back: {_0}", "新证书无法读回：{_0}"))]
    ReadBack(#[from] CertificateError),
    /// A serial number that would be negative or shorter.
    #[error("{}", text!(
        "a serial number whose first byte is {first:#04x}, not between 0x01 and 0x7f",
        "序列号的首字节为 {first:#04x}，应在 0x01 到 0x7f 之间"
    ))]
    Serial {
        /// The first byte.
        first: u8,
    },
    /// Nothing is left between begin and end.
    #[error("{}", text!(
        "the new certificate would begin at {not_before} and end at {not_after}",
        "新证书将从 {not_before} 生效，于 {not_after} 到期"
    ))]
    Span {
        /// Its begin.
        not_before: OffsetDateTime,
        /// Its end.
        not_after: OffsetDateTime,
    },
    /// A time cannot be written.
    #[error(transparent)]
    Time(#[from] TimeError),
}

/// What a leaf is made from.
#[derive(Clone, Copy)]
pub struct LeafRequest<'a> {
    /// The renewed CA.
    pub authority: &'a Certificate,
    /// Its key.
    pub authority_key: &'a PrivateKey,
    /// The leaf to replace. Its subject is taken over as it is, and its subject alternative names.
    pub former: &'a Certificate,
    /// Names that the site adds. Those that the former leaf has are not repeated.
    pub added: &'a [San],
    /// The present.
    pub now: OffsetDateTime,
    /// The end, cut to that of the CA.
    pub not_after: OffsetDateTime,
}

/// What is random in a leaf.
#[derive(Debug)]
pub struct LeafMaterial {
    /// Its key.
    pub key: PrivateKey,
    /// Its serial number; the first byte between 1 and 127, so that it is positive and has 20 bytes (RFC 5280, 4.1.2.2).
    pub serial: [u8; 20],
}

impl LeafMaterial {
    /// A new key of the kind that `former` has, RSA-2048 where it has another than RSA, P-256 or P-384, and a new serial number.
    ///
    /// # Errors
    /// When the library has no randomness or makes no key.
    pub fn fresh(former: &Certificate) -> Result<Self, CryptoError> {
        let key = match former.key_kind() {
            KeyKind::Ec(256) => PrivateKey::generate_ec(Curve::P256)?,
            KeyKind::Ec(384) => PrivateKey::generate_ec(Curve::P384)?,
            KeyKind::Rsa(bits) => PrivateKey::generate_rsa(*bits)?,
            _ => PrivateKey::generate_rsa(PrivateKey::LEAST_RSA_BITS)?,
        };
        let mut serial = [0; 20];
        rand::fill(&mut serial).map_err(|_| CryptoError::new(word!("randomness", "获取随机数")))?;
        serial[0] = serial[0] & 0x7f | 0x40;
        Ok(Self { key, serial })
    }
}

/// A leaf with its key.
pub struct IssuedLeaf {
    /// The certificate.
    pub certificate: Certificate,
    /// Its private key as PEM: PKCS#1 or SEC1.
    pub key_pem: Zeroizing<String>,
}

/// The certificate's fingerprint; nothing of the key.
impl fmt::Debug for IssuedLeaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuedLeaf({:?})", self.certificate)
    }
}

/// The leaf that takes the place of `request.former`. With the same request and material, and an RSA or Ed25519 authority, the
/// same bytes.
///
/// It begins 24 hours ago, or with the CA if that is later, and ends with `request.not_after`, or with the CA if that is earlier.
///
/// # Errors
/// When the authority's key is another, a name, time or serial number cannot be written, or the outcome does not verify under the authority.
pub fn issue(request: &LeafRequest<'_>, material: &LeafMaterial) -> Result<IssuedLeaf, LeafError> {
    let LeafRequest { authority, authority_key, .. } = request;
    if !authority_key.matches(authority) {
        let (certificate, key) = (authority.public_key(), authority_key.public_key());
        return Err(LeafError::OtherKey { subject: authority.subject(), certificate, key });
    }
    if !(0x01..=0x7f).contains(&material.serial[0]) {
        return Err(LeafError::Serial { first: material.serial[0] });
    }
    let wanted = digest_of(authority);
    let algorithm = authority_key.algorithm_identifier(wanted);
    let tbs = tbs(request, material, &algorithm)?;
    let signature = authority_key.sign(wanted, &tbs)?;
    let certificate = Certificate::from_der(&splice::certificate(&tbs, &algorithm, &signature))?;
    certificate.verify_chain(authority, certificate.not_before())?;
    Ok(IssuedLeaf { certificate, key_pem: material.key.to_pem() })
}

fn tbs(request: &LeafRequest<'_>, material: &LeafMaterial, algorithm: &[u8]) -> Result<Vec<u8>, LeafError> {
    Ok(der::sequence(&[
        &der::tlv(context_constructed(0), &[&[INTEGER, 1, 2]]),
        &der::tlv(INTEGER, &[&material.serial]),
        algorithm,
        request.authority.subject_raw(),
        &validity(request)?,
        request.former.subject_raw(),
        material.key.spki_der(),
        &der::tlv(context_constructed(3), &[&extensions(request, &material.key)?]),
    ]))
}

fn validity(request: &LeafRequest<'_>) -> Result<Vec<u8>, LeafError> {
    let not_before = request.now.checked_sub(BACKDATED).unwrap_or(request.now).max(request.authority.not_before());
    let not_after = request.not_after.min(request.authority.not_after());
    if not_after <= not_before {
        return Err(LeafError::Span { not_before, not_after });
    }
    Ok(der::sequence(&[&time::encode(not_before)?, &time::encode(not_after)?]))
}

/// `id-ce` extensions by their last arc, and whether they are critical.
fn extensions(request: &LeafRequest<'_>, key: &PrivateKey) -> Result<Vec<u8>, LeafError> {
    // digitalSignature and keyEncipherment: bits 0 and 2, five bits unused.
    let usage = der::tlv(der::BIT_STRING, &[&[5, 0b1010_0000]]);
    let purposes = der::sequence(&[&der::oid(SERVER_AUTH), &der::oid(CLIENT_AUTH)]);
    let mut list = vec![
        extension(15, true, &usage),
        extension(37, false, &purposes),
        extension(19, true, &der::sequence(&[])),
        extension(14, false, &der::tlv(OCTET_STRING, &[&subject_key_id(key)])),
    ];
    if let Some(id) = request.authority.subject_key_id() {
        list.push(extension(35, false, &der::sequence(&[&der::tlv(context(0), &[id])])));
    }
    let names = names(request)?;
    if !names.is_empty() {
        list.push(extension(17, is_empty_name(request.former.subject_raw()), &der::sequence(&[&names])));
    }
    let parts: Vec<&[u8]> = list.iter().map(Vec::as_slice).collect();
    Ok(der::sequence(&parts))
}

/// `id-kp-serverAuth`.
const SERVER_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
/// `id-kp-clientAuth`.
const CLIENT_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

fn extension(number: u8, critical: bool, value: &[u8]) -> Vec<u8> {
    let flag: &[u8] = if critical { &[BOOLEAN, 1, 0xff] } else { &[] };
    der::sequence(&[&der::oid(&[0x55, 0x1d, number]), flag, &der::tlv(OCTET_STRING, &[value])])
}

/// The leftmost 160 bits of the SHA-256 of the key's bits (RFC 7093, 2, method 1).
fn subject_key_id(key: &PrivateKey) -> Vec<u8> {
    let bits = public_key(key.spki_der()).map_or(key.spki_der(), |(_, bits)| bits);
    Digest::of(bits).as_bytes()[..20].to_vec()
}

fn is_empty_name(name: &[u8]) -> bool {
    name.len() == 2
}

/// The former leaf's names byte for byte, then those that are added.
fn names(request: &LeafRequest<'_>) -> Result<Vec<u8>, LeafError> {
    let mut names = request.former.sans_raw().to_vec();
    let mut present = request.former.sans().to_vec();
    for name in request.added {
        if !present.contains(name) {
            names.extend(general_name(name)?);
            present.push(name.clone());
        }
    }
    Ok(names)
}

fn general_name(name: &San) -> Result<Vec<u8>, LeafError> {
    match name {
        San::Dns(name) if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err(LeafError::DnsName { name: name.clone() })
        }
        San::Dns(name) => Ok(der::tlv(context(2), &[name.as_bytes()])),
        San::Ip(std::net::IpAddr::V4(address)) => Ok(der::tlv(context(7), &[&address.octets()])),
        San::Ip(std::net::IpAddr::V6(address)) => Ok(der::tlv(context(7), &[&address.octets()])),
        San::Other { der, .. } => Ok(der.clone()),
    }
}
