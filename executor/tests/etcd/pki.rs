//! Authorities and leaves, with whatever dates a test needs.

use bundle_format::certificate::{Certificate, pem};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256,
    RsaKeySize, SanType,
};
use reseal_node::etcd::Prober;
use time::{Duration, OffsetDateTime};

/// A certificate authority.
pub struct Authority {
    key: KeyPair,
    params: CertificateParams,
    pub pem: String,
}

/// A certificate and its key, as files.
#[derive(Clone)]
pub struct Leaf {
    pub pem: String,
    pub key: String,
}

pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

impl Authority {
    /// One that is valid from yesterday to `end`. Its key is RSA, as those of the sites are.
    pub fn until(end: OffsetDateTime) -> Self {
        Self::of(KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap(), end)
    }

    pub fn new() -> Self {
        Self::until(now() + Duration::days(30))
    }

    /// The same key, with another end.
    pub fn renewed(&self, end: OffsetDateTime) -> Self {
        Self::of(KeyPair::from_pem(&self.key.serialize_pem()).unwrap(), end)
    }

    fn of(key: KeyPair, end: OffsetDateTime) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "etcd-ca");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        (params.not_before, params.not_after) = (now() - Duration::days(400), end);
        let pem = pem::encode("CERTIFICATE", params.self_signed(&key).unwrap().der()).to_string();
        Self { key, params, pem }
    }

    /// A leaf for all members of a cluster.
    pub fn leaf(&self) -> Leaf {
        self.leaf_until(now() + Duration::days(20))
    }

    pub fn leaf_until(&self, end: OffsetDateTime) -> Leaf {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names = vec![SanType::IpAddress([127, 0, 0, 1].into()), SanType::DnsName("localhost".try_into().unwrap())];
        params.distinguished_name.push(DnType::CommonName, "etcd");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = (now() - Duration::days(300), end);
        let certificate = params.signed_by(&key, &Issuer::from_params(&self.params, &self.key)).unwrap();
        Leaf { pem: pem::encode("CERTIFICATE", certificate.der()).to_string(), key: key.serialize_pem() }
    }

    pub fn certificate(&self) -> Certificate {
        Certificate::all_from_pem(self.pem.as_bytes()).unwrap().remove(0)
    }

    /// Asks as whoever has this authority's certificate and `leaf`.
    pub fn prober(&self, leaf: &Leaf) -> Prober {
        Prober::new(self.pem.as_bytes(), leaf.pem.as_bytes(), leaf.key.as_bytes()).unwrap()
    }
}

impl Leaf {
    pub fn certificate(&self) -> Certificate {
        Certificate::all_from_pem(self.pem.as_bytes()).unwrap().remove(0)
    }
}
