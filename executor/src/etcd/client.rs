//! Who the executor is to a member: the certificate and key that the site's nodes share.
//!
//! Whether that certificate is still valid is for the member to judge; it is shown as it is. The key's bytes are only borrowed here:
//! what is kept of it is inside the cryptographic library, which wipes it.

use std::sync::Arc;

use bundle_format::certificate::{Certificate, pem};
use rustls::{
    SignatureScheme,
    client::ResolvesClientCert,
    crypto::aws_lc_rs::sign::any_supported_type,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer},
    sign::{CertifiedKey, SigningKey},
};

use super::EtcdError;

/// The client's certificate and key. Shown to every member that asks, whatever authorities it names: its own may be older.
#[derive(Debug)]
pub struct Client(Arc<CertifiedKey>);

impl Client {
    /// The first certificate of `certificates`, the others as its chain, and its key from the PEM file `key`.
    ///
    /// # Errors
    /// When no key in the file can be used, or none is the certificate's.
    pub fn new(certificates: &[Certificate], key: &[u8]) -> Result<Self, EtcdError> {
        let leaf = certificates.first().ok_or(EtcdError::Certificate(bundle_format::certificate::CertificateError::Missing))?;
        let keys = signing_keys(key);
        if keys.is_empty() {
            return Err(EtcdError::NoKey);
        }
        let own = keys.into_iter().find(|key| key.public_key().is_some_and(|public| public.as_ref() == leaf.spki()));
        let own = own.ok_or_else(|| EtcdError::OtherKey { certificate: leaf.fingerprint(), key: leaf.public_key() })?;
        let chain = certificates.iter().map(|certificate| CertificateDer::from(certificate.der().to_vec())).collect();
        Ok(Self(Arc::new(CertifiedKey::new(chain, own))))
    }
}

/// The private keys of a PEM file. What a block is called is not trusted to say in which of the three forms it is.
fn signing_keys(file: &[u8]) -> Vec<Arc<dyn SigningKey>> {
    let blocks = pem::blocks(file).filter(|block| block.label.ends_with("PRIVATE KEY") && !block.has_headers());
    blocks.filter_map(|block| block.decode().ok()).filter_map(|der| signing_key(&der)).collect()
}

fn signing_key(der: &[u8]) -> Option<Arc<dyn SigningKey>> {
    let forms = [
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der)),
        PrivateKeyDer::Pkcs1(PrivatePkcs1KeyDer::from(der)),
        PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(der)),
    ];
    forms.iter().find_map(|form| any_supported_type(form).ok())
}

impl ResolvesClientCert for Client {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.key.choose_scheme(schemes).is_some().then(|| self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}
