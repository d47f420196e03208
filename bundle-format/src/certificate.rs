//! The public facts of a certificate, and whether one verifies under another.
//!
//! A certificate is kept as the bytes it came in, and names are compared as bytes, as Go does. Reading is this crate's own
//! ([`der`], [`layout`]), because certificates in the field are older than the rules: spelled-out defaults, times with an offset,
//! negative serial numbers. Nothing here prints, opens a path, or holds a private key.
//!
//! Hostile input and what stops it: lengths and nesting, see [`der`]; size, [`CertificateError::Size`] and
//! [`CertificateError::Count`]; a second meaning, refused as trailing bytes or [`CertificateError::DuplicateExtension`]; text
//! that would steer a terminal, escaped wherever a name becomes text; a signature algorithm that differs inside and outside of
//! what is signed, [`ChainError::AlgorithmMismatch`].

use std::fmt;

use thiserror::Error;
use time::OffsetDateTime;

use crate::digest::{Digest, Fingerprint};

mod chain;
pub mod der;
mod extensions;
mod instant;
pub mod layout;
mod name;
pub mod oid;
pub mod pem;
mod san;
pub mod signature;

pub use chain::{ChainError, Party};
pub use san::San;

use der::DerError;
use extensions::Extensions;
use layout::Layout;
use pem::PemError;
use signature::{KeyKind, SignatureAlgorithm};

use crate::{text, word};

/// The largest certificate, in bytes of DER.
pub const MOST_BYTES: usize = 64 * 1024;
/// The most certificates in one PEM file.
pub const MOST_CERTIFICATES: usize = 256;

/// Why bytes are not a certificate.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum CertificateError {
    /// More certificates than one file may have.
    #[error("{}", text!("more than {most} certificates in one file", "一个文件中的证书超过 {most} 个"))]
    Count {
        /// The bound.
        most: usize,
    },
    /// An extension stands twice, so that two readers may see two certificates.
    #[error("{}", text!("certificate extension {oid} stands twice", "证书扩展 {oid} 出现两次"))]
    DuplicateExtension {
        /// Which one.
        oid: String,
    },
    /// A field is not what a certificate has there.
    #[error("{}", text!("not a certificate, {field}: {source}", "不是证书（{field}）：{source}"))]
    Field {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        source: DerError,
    },
    /// A PEM block is broken.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// The input has no `CERTIFICATE` block.
    #[error("{}", text!("no certificate in it", "其中没有证书"))]
    Missing,
    /// Too large.
    #[error("{}", text!("a certificate of {size} bytes, at most {most} are read", "证书大小为 {size} 字节，最多读取 {most} 字节"))]
    Size {
        /// How large it is.
        size: usize,
        /// The bound.
        most: usize,
    },
}

/// A certificate: its bytes, unchanged, and what they say.
#[derive(Clone)]
pub struct Certificate {
    der: Vec<u8>,
    layout: Layout,
    facts: Facts,
}

/// What was decoded once, so that the methods cannot fail.
#[derive(Clone)]
struct Facts {
    subject: String,
    issuer: String,
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
    key: KeyKind,
    extensions: Extensions,
}

impl Certificate {
    /// The certificate that `der` consists of.
    ///
    /// # Errors
    /// When it is larger than [`MOST_BYTES`], cut short, followed by something, or not the structure of RFC 5280, 4.1.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MOST_BYTES {
            return Err(CertificateError::Size { size: der.len(), most: MOST_BYTES });
        }
        let field = |field| move |source| CertificateError::Field { field, source };
        let layout = Layout::of(der).map_err(field(word!("structure", "结构")))?;
        let time = |range: &std::ops::Range<usize>| der::Reader::new(&der[range.clone()]).any().and_then(|value| instant::read(&value));
        let facts = Facts {
            subject: name::readable(&der[layout.subject.clone()]).map_err(field(word!("subject", "主题")))?,
            issuer: name::readable(&der[layout.issuer.clone()]).map_err(field(word!("issuer", "颁发者")))?,
            not_before: time(&layout.not_before).map_err(field("notBefore"))?,
            not_after: time(&layout.not_after).map_err(field("notAfter"))?,
            key: signature::public_key(&der[layout.spki.clone()]).map_err(field(word!("public key", "公钥")))?.0,
            extensions: Extensions::read(layout.extensions.clone().map(|range| &der[range]))?,
        };
        Ok(Self { der: der.to_vec(), layout, facts })
    }

    /// The `CERTIFICATE` blocks of a PEM file, in their order; text around them and other blocks are passed over.
    ///
    /// # Errors
    /// When there is none, more than [`MOST_CERTIFICATES`], or one that is broken.
    pub fn all_from_pem(bytes: &[u8]) -> Result<Vec<Self>, CertificateError> {
        let mut found = Vec::new();
        for block in pem::blocks(bytes).filter(|block| matches!(block.label, "CERTIFICATE" | "X509 CERTIFICATE")) {
            if found.len() == MOST_CERTIFICATES {
                return Err(CertificateError::Count { most: MOST_CERTIFICATES });
            }
            found.push(Self::from_der(&block.decode()?)?);
        }
        if found.is_empty() { Err(CertificateError::Missing) } else { Ok(found) }
    }

    /// The certificates of a file that is PEM, or DER of one certificate.
    ///
    /// # Errors
    /// As [`Certificate::from_der`] and [`Certificate::all_from_pem`].
    pub fn all_from_file(bytes: &[u8]) -> Result<Vec<Self>, CertificateError> {
        if bytes.first() == Some(&der::SEQUENCE) && pem::blocks(bytes).next().is_none() {
            return Ok(vec![Self::from_der(bytes)?]);
        }
        Self::all_from_pem(bytes)
    }

    /// One PEM block: lines of 64 characters, each ended by LF (RFC 7468, 3).
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.der).to_string()
    }

    /// The bytes.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Where the fields stand in [`Certificate::der`].
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The SHA-256 of the DER.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        Digest::of(&self.der)
    }

    /// What the public key is known by.
    #[must_use]
    pub fn public_key(&self) -> Fingerprint {
        Fingerprint::of_spki(self.spki())
    }

    /// The DER SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.der[self.layout.spki.clone()]
    }

    /// The kind of public key.
    #[must_use]
    pub fn key_kind(&self) -> &KeyKind {
        &self.facts.key
    }

    /// The kind of public key for people: `RSA-2048`, `P-256`, `Ed25519`, an OID.
    #[must_use]
    pub fn key_description(&self) -> String {
        self.facts.key.to_string()
    }

    /// The DER of the subject's name.
    #[must_use]
    pub fn subject_raw(&self) -> &[u8] {
        &self.der[self.layout.subject.clone()]
    }

    /// The DER of the issuer's name.
    #[must_use]
    pub fn issuer_raw(&self) -> &[u8] {
        &self.der[self.layout.issuer.clone()]
    }

    /// The subject for people, in its stored order, escaped: `O=tos, OU=a, OU=b, CN=etcd`; `(empty)` where it has no part.
    #[must_use]
    pub fn subject(&self) -> String {
        self.facts.subject.clone()
    }

    /// The issuer for people, as [`Certificate::subject`].
    #[must_use]
    pub fn issuer(&self) -> String {
        self.facts.issuer.clone()
    }

    /// The content of the serial number as it is stored, which may be long or negative.
    #[must_use]
    pub fn serial_raw(&self) -> &[u8] {
        content(&self.der[self.layout.serial.clone()])
    }

    /// The bytes of the serial number in lower-case hexadecimal, two's complement, without a leading zero byte.
    #[must_use]
    pub fn serial_hex(&self) -> String {
        match self.serial_raw() {
            [0, rest @ ..] if !rest.is_empty() => hex::encode(rest),
            bytes => hex::encode(bytes),
        }
    }

    /// The first moment of validity, in UTC.
    #[must_use]
    pub fn not_before(&self) -> OffsetDateTime {
        self.facts.not_before
    }

    /// The last moment of validity, in UTC.
    #[must_use]
    pub fn not_after(&self) -> OffsetDateTime {
        self.facts.not_after
    }

    /// The subject alternative names, in their order.
    #[must_use]
    pub fn sans(&self) -> &[San] {
        &self.facts.extensions.sans
    }

    /// The subject alternative names as they are written: each `GeneralName`'s DER, one after the other.
    #[must_use]
    pub fn sans_raw(&self) -> &[u8] {
        &self.facts.extensions.sans_raw
    }

    /// Whether it may sign certificates. Version 3: `basicConstraints` says so and `keyUsage`, if present, has `keyCertSign`.
    /// Without extensions and before version 3, which had no way to say so: whether it is self-issued.
    #[must_use]
    pub fn is_ca(&self) -> bool {
        if self.layout.version < 3 && !self.has_extensions() {
            return self.is_self_issued();
        }
        self.ca_flag() == Some(true) && self.key_cert_sign() != Some(false)
    }

    /// Whether subject and issuer are the same bytes.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.subject_raw() == self.issuer_raw()
    }

    /// 1, 2 or 3.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.layout.version
    }

    /// Whether it has a list of extensions.
    #[must_use]
    pub fn has_extensions(&self) -> bool {
        self.layout.extensions.is_some()
    }

    /// What `basicConstraints` says, if present.
    #[must_use]
    pub fn ca_flag(&self) -> Option<bool> {
        self.facts.extensions.ca
    }

    /// Whether `keyUsage`, if present, has `keyCertSign`.
    #[must_use]
    pub fn key_cert_sign(&self) -> Option<bool> {
        self.facts.extensions.key_cert_sign
    }

    /// The subject key identifier, if present.
    #[must_use]
    pub fn subject_key_id(&self) -> Option<&[u8]> {
        self.facts.extensions.subject_key_id.as_deref()
    }

    /// The key identifier of the authority key identifier, if present.
    #[must_use]
    pub fn authority_key_id(&self) -> Option<&[u8]> {
        self.facts.extensions.authority.key_id.as_deref()
    }

    /// The algorithm of its signature, when it is one that can be checked.
    #[must_use]
    pub fn signature_algorithm(&self) -> Option<SignatureAlgorithm> {
        SignatureAlgorithm::from_der(&self.der[self.layout.algorithm.clone()])
    }
}

/// The content of one value that is known to be whole.
fn content(value: &[u8]) -> &[u8] {
    der::Reader::new(value).any().map_or(&[], |value| value.content)
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.fingerprint())
    }
}

#[cfg(test)]
mod tests;
