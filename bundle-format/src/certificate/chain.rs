//! Whether one certificate verifies under another.
//!
//! It judges names, key identifiers, signature, CA rights and time: what a renewal can break. It is no path validation of
//! RFC 5280, 6: `nameConstraints`, `pathLenConstraint`, policies and unknown critical extensions, which a renewal keeps byte for
//! byte, are left to the programs that use the certificates.

use std::fmt;

use thiserror::Error;
use time::OffsetDateTime;

use super::{
    Certificate,
    signature::{self, SignatureAlgorithm, SignatureError},
};
use crate::{rfc3339_seconds, text, word};

/// One of two certificates in an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Party {
    /// The issuing one.
    Authority,
    /// The issued one.
    Leaf,
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authority => word!("authority", "CA 证书"),
            Self::Leaf => word!("certificate", "证书"),
        })
    }
}

/// Why a certificate does not verify under an authority.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum ChainError {
    /// The algorithm inside what is signed is not the one beside the signature.
    #[error("{}", text!(
        "the certificate names signature algorithm {inside} inside and {outside} outside of what is signed",
        "证书的签名算法前后不一：被签名部分内为 {inside}，外为 {outside}"
    ))]
    AlgorithmMismatch {
        /// The DER inside, in hexadecimal.
        inside: String,
        /// The DER outside, in hexadecimal.
        outside: String,
    },
    /// Too late.
    #[error("{}", text!("the {party} ended at {not_after}, the time is {at}", "{party}：已于 {not_after} 过期，当前时间为 {at}"))]
    Expired {
        /// Whose validity.
        party: Party,
        /// Its end.
        not_after: String,
        /// The time in question.
        at: String,
    },
    /// The certificate names the authority by the authority's own issuer, and that is another name, or the same in other bytes.
    #[error("{}", text!(
        "authority issuer `{certificate}` is not byte for byte the authority's issuer `{authority}`",
        "证书所指的 CA 颁发者 `{certificate}` 与 CA 的颁发者 `{authority}` 不是逐字节相同"
    ))]
    AuthorityIssuer {
        /// What the certificate names.
        certificate: String,
        /// The issuer of the authority.
        authority: String,
    },
    /// The issuer's name is another one, or the same in other bytes.
    #[error("{}", text!(
        "issuer `{issuer}` is not byte for byte the authority's subject `{subject}`",
        "颁发者 `{issuer}` 与 CA 的主题 `{subject}` 不是逐字节相同"
    ))]
    Issuer {
        /// The issuer of the certificate.
        issuer: String,
        /// The subject of the authority.
        subject: String,
    },
    /// The authority has no right to sign certificates.
    #[error("{}", text!("`{subject}` is not a certificate authority", "`{subject}` 不是 CA"))]
    NotAuthority {
        /// Its subject.
        subject: String,
    },
    /// The key identifiers differ.
    #[error("{}", text!(
        "authority key identifier {certificate} is not the authority's subject key identifier {authority}",
        "颁发机构密钥标识符 {certificate} 与 CA 的主题密钥标识符 {authority} 不一致"
    ))]
    KeyId {
        /// What the certificate names.
        certificate: String,
        /// What the authority has.
        authority: String,
    },
    /// Too early.
    #[error("{}", text!("the {party} begins at {not_before}, the time is {at}", "{party}：{not_before} 起才有效，当前时间为 {at}"))]
    NotYetValid {
        /// Whose validity.
        party: Party,
        /// Its begin.
        not_before: String,
        /// The time in question.
        at: String,
    },
    /// The certificate names the authority by an issuer and serial number that are not the authority's.
    #[error("{}", text!(
        "the certificate names its authority by serial number {certificate} of another issuer or number than the authority's {authority}",
        "证书所指的 CA 序列号为 {certificate}，与 CA 的序列号 {authority} 不一致，或颁发者不同"
    ))]
    Serial {
        /// The number that the certificate names.
        certificate: String,
        /// The number of the authority.
        authority: String,
    },
    /// The signature does not hold.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

impl Certificate {
    /// Whether `ca` issued this certificate: issuer and subject are the same bytes, the authority key identifier agrees as far as
    /// it says anything, and the signature verifies. Neither time nor CA rights are looked at.
    ///
    /// # Errors
    /// What does not hold, the first in this order.
    pub fn verify_issued_by(&self, ca: &Certificate) -> Result<(), ChainError> {
        if self.issuer_raw() != ca.subject_raw() {
            return Err(ChainError::Issuer { issuer: self.issuer(), subject: ca.subject() });
        }
        self.verify_authority_key(ca)?;
        self.verify_signed_by(ca.spki())
    }

    /// [`Certificate::verify_issued_by`], and `ca` may sign certificates, and both are valid at `at`.
    ///
    /// # Errors
    /// What does not hold, the first in this order.
    pub fn verify_chain(&self, ca: &Certificate, at: OffsetDateTime) -> Result<(), ChainError> {
        self.verify_issued_by(ca)?;
        if !ca.is_ca() {
            return Err(ChainError::NotAuthority { subject: ca.subject() });
        }
        ca.verify_time(Party::Authority, at)?;
        self.verify_time(Party::Leaf, at)
    }

    /// Whether the private key of the DER SubjectPublicKeyInfo `spki` signed this certificate. Nothing else is looked at: neither
    /// names, nor key identifiers, nor time.
    ///
    /// # Errors
    /// What does not hold.
    pub fn verify_signed_by(&self, spki: &[u8]) -> Result<(), ChainError> {
        let (der, layout) = (self.der(), self.layout());
        let (inside, outside) = (&der[layout.signature.clone()], &der[layout.algorithm.clone()]);
        if inside != outside {
            return Err(ChainError::AlgorithmMismatch { inside: hex::encode(inside), outside: hex::encode(outside) });
        }
        let algorithm = SignatureAlgorithm::from_der(outside).ok_or_else(|| SignatureError::Unsupported {
            algorithm: super::der::dotted(super::content(super::content(outside))),
            key: signature::public_key(spki).map_or_else(|_| word!("unknown", "未知").to_owned(), |(kind, _)| kind.to_string()),
        })?;
        Ok(algorithm.verify(spki, &der[layout.tbs.clone()], &der[layout.signature_value.clone()])?)
    }

    fn verify_authority_key(&self, ca: &Certificate) -> Result<(), ChainError> {
        if let (Some(named), Some(held)) = (self.authority_key_id(), ca.subject_key_id())
            && named != held
        {
            return Err(ChainError::KeyId { certificate: hex::encode(named), authority: hex::encode(held) });
        }
        let named = &self.facts.extensions.authority;
        if let Some(issuer) = &named.issuer
            && issuer != ca.issuer_raw()
        {
            let certificate = super::name::readable(issuer).unwrap_or_else(|_| hex::encode(issuer));
            return Err(ChainError::AuthorityIssuer { certificate, authority: ca.issuer() });
        }
        if let Some(serial) = &named.serial
            && serial != ca.serial_raw()
        {
            return Err(ChainError::Serial { certificate: hex::encode(serial), authority: hex::encode(ca.serial_raw()) });
        }
        Ok(())
    }

    fn verify_time(&self, party: Party, at: OffsetDateTime) -> Result<(), ChainError> {
        let text = |time| rfc3339_seconds::format(time).unwrap_or_default();
        if at < self.not_before() {
            return Err(ChainError::NotYetValid { party, not_before: text(self.not_before()), at: text(at) });
        }
        if at > self.not_after() {
            return Err(ChainError::Expired { party, not_after: text(self.not_after()), at: text(at) });
        }
        Ok(())
    }
}
