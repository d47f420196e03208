//! Who a member is: whether its certificate is signed by the key of the site's authority.
//!
//! Only that key counts. Time does not: a peer whose certificate has expired must still be asked how it is, or nobody could say so.
//! The authority's own dates and serial do not: old and new authority have the same key, and while nodes are visited one after the other each
//! may serve a leaf of either. Names do not: all members share one leaf, so that a name tells no member from another. What is left is
//! the proof that matters: the member holds a key that this authority vouches for.

use std::sync::{Mutex, PoisonError};

use bundle_format::certificate::Certificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error as TlsError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use super::sight::Served;
use crate::tls;

/// The certificates in the authority's file: mostly one. Any of their keys may have signed.
#[derive(Clone, Debug)]
pub struct Authority(Vec<Certificate>);

impl Authority {
    /// The authority of these certificates.
    pub fn new(certificates: Vec<Certificate>) -> Self {
        Self(certificates)
    }

    /// Whether one of its keys signed `leaf`.
    fn signed(&self, leaf: &Certificate) -> bool {
        self.0.iter().any(|own| leaf.verify_signed_by(own.spki()).is_ok())
    }

    /// Its keys, for people.
    pub fn keys(&self) -> String {
        let keys: Vec<String> = self.0.iter().map(|own| described(own.public_key().to_string(), own.subject_key_id())).collect();
        keys.join(" or ")
    }
}

/// A key by its fingerprint or name, and by its identifier in certificates.
fn described(key: String, identifier: Option<&[u8]>) -> String {
    match identifier {
        None => key,
        Some(identifier) => format!("{key} (key identifier {})", hex::encode(identifier)),
    }
}

/// The judge of one member's certificate, which keeps what it saw.
#[derive(Debug)]
pub struct Judge {
    authority: Authority,
    seen: Mutex<Option<Seen>>,
}

/// What a member served.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The leaf.
    pub served: Served,
    /// The key that signed it, for people, as far as the member shows it.
    pub signer: String,
}

impl Judge {
    /// A judge that has seen nothing yet.
    pub fn new(authority: Authority) -> Self {
        Self { authority, seen: Mutex::new(None) }
    }

    /// What was served last.
    pub fn seen(&self) -> Option<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn look(&self, leaf: &Certificate, others: &[CertificateDer<'_>]) -> bool {
        let is_signed = self.authority.signed(leaf);
        let served = Served { fingerprint: leaf.fingerprint(), not_after: leaf.not_after(), is_signed_by_authority: is_signed };
        let seen = Seen { served, signer: signer(leaf, others) };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        is_signed
    }
}

/// The key that signed a leaf: from the chain that came with it, or else as the leaf calls its issuer.
fn signer(leaf: &Certificate, others: &[CertificateDer<'_>]) -> String {
    let mut chain = others.iter().filter_map(|other| Certificate::from_der(other).ok());
    let name = match chain.find(|other| leaf.verify_signed_by(other.spki()).is_ok()) {
        Some(issuer) => issuer.public_key().to_string(),
        None => format!("`{}`", leaf.issuer()),
    };
    described(name, leaf.authority_key_id())
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let leaf = Certificate::from_der(leaf).map_err(|_| TlsError::InvalidCertificate(CertificateError::BadEncoding))?;
        if self.look(&leaf, others) {
            return Ok(ServerCertVerified::assertion());
        }
        Err(TlsError::InvalidCertificate(CertificateError::UnknownIssuer))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, leaf, signature, &tls::provider().signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, leaf, signature, &tls::provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        tls::provider().signature_verification_algorithms.supported_schemes()
    }
}
