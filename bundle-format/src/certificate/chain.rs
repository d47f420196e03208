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
use crate::rfc3339_seconds;

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
            Self::Authority => "authority",
            Self::Leaf => "certificate",
        })
    }
}

/// Why a certificate does not verify under an authority.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum ChainError {
    /// The algorithm inside what is signed is not the one beside the signature.
    #[error("the certificate names signature algorithm {inside} inside and {outside} outside of what is signed")]
    AlgorithmMismatch {
        /// The DER inside, in hexadecimal.
        inside: String,
        /// The DER outside, in hexadecimal.
        outside: String,
    },
    /// Too late.
    #[error("the {party} ended at {not_after}, the time is {at}")]
    Expired {
        /// Whose validity.
        party: Party,
        /// Its end.
        not_after: String,
        /// The time in question.
        at: String,
    },
    /// The certificate names the authority by the authority's own issuer, and that is another name, or the same in other bytes.
    #[error("authority issuer `{certificate}` is not byte for byte the authority's issuer `{authority}`")]
    AuthorityIssuer {
        /// What the certificate names.
        certificate: String,
        /// The issuer of the authority.
        authority: String,
    },
    /// The issuer's name is another one, or the same in other bytes.
    #[error("issuer `{issuer}` is not byte for byte the authority's subject `{subject}`")]
    Issuer {
        /// The issuer of the certificate.
        issuer: String,
        /// The subject of the authority.
        subject: String,
    },
    /// The authority has no right to sign certificates.
    #[error("`{subject}` is not a certificate authority")]
    NotAuthority {
        /// Its subject.
        subject: String,
    },
    /// The key identifiers differ.
    #[error("authority key identifier {certificate} is not the authority's subject key identifier {authority}")]
    KeyId {
        /// What the certificate names.
        certificate: String,
        /// What the authority has.
        authority: String,
    },
    /// Too early.
    #[error("the {party} begins at {not_before}, the time is {at}")]
    NotYetValid {
        /// Whose validity.
        party: Party,
        /// Its begin.
        not_before: String,
        /// The time in question.
        at: String,
    },
    /// The certificate names the authority by an issuer and serial number that are not the authority's.
    #[error(
        "the certificate names its authority by serial number {certificate} of another issuer or number than the authority's {authority}"
    )]
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
            key: signature::public_key(spki).map_or_else(|_| "unknown".to_owned(), |(kind, _)| kind.to_string()),
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
