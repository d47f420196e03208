//! The certificates before and after, each pair once.

use std::collections::BTreeMap;

use bundle_format::{
    certificate::Certificate,
    digest::Digest,
    manifest::CertificateRecord,
    receipt::{CertificateReceipt, Content},
};
use time::OffsetDateTime;

use super::{Node, source::Bundle};

/// A certificate and what takes its place.
pub struct Renewal {
    /// Whether it is a CA's.
    pub is_ca: bool,
    /// The subject, for people.
    pub subject: String,
    /// The issuer, for people.
    pub issuer: String,
    /// What was replaced, where something was.
    pub former: Option<Validity>,
    /// What is there now.
    pub renewed: Validity,
    /// The serial number of what is there now, hexadecimal.
    pub serial: String,
    /// Its subject alternative names.
    pub names: Vec<String>,
    /// How many nodes have it in place.
    pub nodes: usize,
}

/// A certificate's dates and what it is known by.
#[derive(Clone, Copy)]
pub struct Validity {
    /// The start.
    pub not_before: OffsetDateTime,
    /// The end.
    pub not_after: OffsetDateTime,
    /// SHA-256 of its DER form.
    pub fingerprint: Digest,
}

/// Each renewal once, CAs first.
pub fn renewals(bundles: &[&Bundle], nodes: &[Node]) -> Vec<Renewal> {
    let mut all: BTreeMap<[u8; 32], Renewal> = BTreeMap::new();
    for bundle in bundles {
        for ca in &bundle.manifest.authorities {
            let leaves = ca.leaves.iter().map(|leaf| (&leaf.certificate, &leaf.former, &leaf.renewed));
            for (entry, former, renewed) in std::iter::once((&ca.certificate, &ca.former, &ca.renewed)).chain(leaves) {
                if let Some(certificate) = bundle.certificates.get(entry) {
                    drop(all.insert(*renewed.fingerprint.as_bytes(), Renewal::of_bundle(certificate, former.into(), renewed.into())));
                }
            }
        }
    }
    for node in nodes {
        let files = node.in_effect().and_then(|run| run.document.as_ref()).into_iter().flat_map(|document| document.receipt.files());
        let mut here: Vec<[u8; 32]> = Vec::new();
        for file in files {
            let former = file.former.as_ref().map_or(&[][..], Content::certificates);
            for (at, certificate) in file.new.certificates().iter().enumerate() {
                let key = *certificate.fingerprint.as_bytes();
                let _ = all.entry(key).or_insert_with(|| Renewal::of_receipt(certificate, former.get(at)));
                here.push(key);
            }
        }
        here.sort_unstable();
        here.dedup();
        for key in here {
            if let Some(renewal) = all.get_mut(&key) {
                renewal.nodes += 1;
            }
        }
    }
    let mut renewals: Vec<Renewal> = all.into_values().collect();
    renewals.sort_by(|a, b| (!a.is_ca, &a.subject, a.renewed.not_after).cmp(&(!b.is_ca, &b.subject, b.renewed.not_after)));
    renewals
}

impl Renewal {
    fn of_bundle(certificate: &Certificate, former: Validity, renewed: Validity) -> Self {
        Self {
            is_ca: certificate.is_ca(),
            subject: certificate.subject(),
            issuer: certificate.issuer(),
            former: Some(former),
            renewed,
            serial: certificate.serial_hex(),
            names: certificate.sans().iter().map(ToString::to_string).collect(),
            nodes: 0,
        }
    }

    fn of_receipt(certificate: &CertificateReceipt, former: Option<&CertificateReceipt>) -> Self {
        Self {
            is_ca: certificate.ca,
            subject: certificate.subject.clone(),
            issuer: certificate.issuer.clone(),
            former: former.map(Into::into),
            renewed: certificate.into(),
            serial: certificate.serial.clone(),
            names: certificate.names.clone(),
            nodes: 0,
        }
    }
}

impl From<&CertificateReceipt> for Validity {
    fn from(certificate: &CertificateReceipt) -> Self {
        Self { not_before: certificate.not_before, not_after: certificate.not_after, fingerprint: certificate.fingerprint }
    }
}

impl From<&CertificateRecord> for Validity {
    fn from(record: &CertificateRecord) -> Self {
        Self { not_before: record.not_before, not_after: record.not_after, fingerprint: record.fingerprint }
    }
}
