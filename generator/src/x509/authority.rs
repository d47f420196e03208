//! Renewing a CA: the same TBSCertificate with another end, signed again by the same key.

use ::time::OffsetDateTime;
use bundle_format::{
    certificate::{
        Certificate, CertificateError, ChainError,
        signature::{Hash, KeyKind},
    },
    digest::Fingerprint,
    text,
};
use thiserror::Error;

use super::{
    der,
    key::{CryptoError, PrivateKey},
    splice::{self, Splice},
    time::{self, TimeError},
};

/// Why a CA is not renewed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum RenewError {
    /// The library did not sign.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// Version 3 without `basicConstraints`: nothing says that it is an authority.
    #[error("{}", text!(
        "certificate `{subject}` has no basicConstraints, so it is not a certificate authority",
        "证书 `{subject}` 没有 basicConstraints，因此不是 CA"
    ))]
    NoBasicConstraints {
        /// Its subject.
        subject: String,
    },
    /// `keyUsage` without `keyCertSign`.
    #[error("{}", text!(
        "certificate `{subject}` may not sign certificates: its keyUsage lacks keyCertSign",
        "证书 `{subject}` 不能签发证书：其 keyUsage 中没有 keyCertSign"
    ))]
    NoCertSign {
        /// Its subject.
        subject: String,
    },
    /// `basicConstraints` says CA:FALSE.
    #[error("{}", text!(
        "certificate `{subject}` is not a certificate authority: its basicConstraints say CA:FALSE",
        "证书 `{subject}` 不是 CA：其 basicConstraints 为 CA:FALSE"
    ))]
    NotAuthority {
        /// Its subject.
        subject: String,
    },
    /// Issued by another authority.
    #[error("{}", text!(
        "certificate `{subject}` is an intermediate: it was issued by `{issuer}`, which has to renew it",
        "证书 `{subject}` 是中间 CA：它由 `{issuer}` 签发，须由其续签"
    ))]
    NotSelfIssued {
        /// Its subject.
        subject: String,
        /// Its issuer.
        issuer: String,
    },
    /// No certificate at all.
    #[error("{}", text!("there is no certificate to choose from", "没有可选的证书"))]
    NoCertificate,
    /// Another key.
    #[error("{}", text!(
        "certificate `{subject}` has the public key {certificate}, the private key belongs to {key}",
        "证书 `{subject}` 的公钥是 {certificate}，而私钥对应的公钥是 {key}"
    ))]
    OtherKey {
        /// Its subject.
        subject: String,
        /// The key in the certificate.
        certificate: Fingerprint,
        /// The public half of the private key.
        key: Fingerprint,
    },
    /// Of several certificates none has the key.
    #[error("{}", text!(
        "none of the {count} certificates has the public key {key} of the private key",
        "{count} 个证书的公钥都不是私钥所对应的 {key}"
    ))]
    OtherKeys {
        /// How many there are.
        count: usize,
        /// The public half of the private key.
        key: Fingerprint,
    },
    /// The certificate restricts its key to PSS.
    #[error("{}", text!(
        "certificate `{subject}` has an RSA-PSS-only key, which cannot sign with PKCS#1 v1.5",
        "证书 `{subject}` 的密钥只能用于 RSA-PSS，不能按 PKCS#1 v1.5 签名"
    ))]
    PssOnly {
        /// Its subject.
        subject: String,
    },
    /// The outcome is not a certificate: it was too large.
    #[error("{}", text!("the renewed certificate cannot be read back: {_0}", "续签后的证书无法读回：{_0}"))]
    ReadBack(#[from] CertificateError),
    /// The signature that was just made does not hold.
    #[error("{}", text!("the renewed certificate does not verify under itself: {_0}", "续签后的证书自签名验证不通过：{_0}"))]
    SelfSignature(#[source] ChainError),
    /// It would end before it begins.
    #[error("{}", text!(
        "the renewed certificate would end at {not_after}, before its begin at {not_before}",
        "续签后的证书将于 {not_after} 到期，早于其生效时间 {not_before}"
    ))]
    Span {
        /// Its begin.
        not_before: OffsetDateTime,
        /// Its end.
        not_after: OffsetDateTime,
    },
    /// The end cannot be written.
    #[error(transparent)]
    Time(#[from] TimeError),
}

/// The certificate that belongs to `key`, of several in one file; the first if several do.
///
/// # Errors
/// When none does.
pub fn pick_authority<'a>(certificates: &'a [Certificate], key: &PrivateKey) -> Result<&'a Certificate, RenewError> {
    if let Some(found) = certificates.iter().find(|certificate| key.matches(certificate)) {
        return Ok(found);
    }
    match certificates {
        [] => Err(RenewError::NoCertificate),
        [only] => Err(other_key(only, key)),
        several => Err(RenewError::OtherKeys { count: several.len(), key: key.public_key() }),
    }
}

/// `old` until `not_after` (cut to seconds): every byte of its TBSCertificate but the end of its validity and the signature
/// algorithm is kept, so that every leaf and every program goes on taking it for the same authority (RFC 5280, 4.1).
///
/// The digest is the old one, but at least SHA-256; P-256 and P-384 have one each.
///
/// # Errors
/// When `old` is not a self-issued CA, `key` is not its key or cannot sign for it, `not_after` is impossible, or the outcome does
/// not verify under itself.
pub fn renew(old: &Certificate, key: &PrivateKey, not_after: OffsetDateTime) -> Result<Certificate, RenewError> {
    check_authority(old, key)?;
    if not_after <= old.not_before() {
        return Err(RenewError::Span { not_before: old.not_before(), not_after });
    }
    let not_before = &old.der()[old.layout().not_before.clone()];
    let validity = der::sequence(&[not_before, &time::encode(not_after)?]);

    let wanted = digest_of(old);
    let algorithm = key.algorithm_identifier(wanted);
    let tbs = Splice { signature: Some(&algorithm), validity: Some(&validity) }.tbs(old);
    let signature = key.sign(wanted, &tbs)?;
    let new = Certificate::from_der(&splice::certificate(&tbs, &algorithm, &signature))?;
    new.verify_issued_by(&new).map_err(RenewError::SelfSignature)?;
    Ok(new)
}

/// The digest of the signature on `certificate`, which new signatures are at least as strong as.
pub(super) fn digest_of(certificate: &Certificate) -> Option<Hash> {
    certificate.signature_algorithm().and_then(bundle_format::certificate::signature::SignatureAlgorithm::hash)
}

/// Whether `old` is an authority that `key` signs for, and one that nobody else has to renew.
fn check_authority(old: &Certificate, key: &PrivateKey) -> Result<(), RenewError> {
    let subject = || old.subject();
    if !key.matches(old) {
        return Err(other_key(old, key));
    }
    if matches!(old.key_kind(), KeyKind::RsaPss(_)) {
        return Err(RenewError::PssOnly { subject: subject() });
    }
    if old.version() == 3 || old.has_extensions() {
        match old.ca_flag() {
            None => return Err(RenewError::NoBasicConstraints { subject: subject() }),
            Some(false) => return Err(RenewError::NotAuthority { subject: subject() }),
            Some(true) => {}
        }
        if old.key_cert_sign() == Some(false) {
            return Err(RenewError::NoCertSign { subject: subject() });
        }
    }
    if !old.is_self_issued() {
        return Err(RenewError::NotSelfIssued { subject: subject(), issuer: old.issuer() });
    }
    Ok(())
}

fn other_key(certificate: &Certificate, key: &PrivateKey) -> RenewError {
    RenewError::OtherKey { subject: certificate.subject(), certificate: certificate.public_key(), key: key.public_key() }
}
