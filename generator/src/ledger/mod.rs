//! The ledger: every certificate that this workstation ever inspected or built, so that no end comes as a surprise.
//!
//! A file of lines, each a JSON object, that only ever grows; whoever wants to forget a site deletes its lines. Everything in it is
//! public: what certificates say of themselves, of which site, on which node or in which bundle they were seen.
//!
//! What a hostile file may try: size ([`MOST_BYTES`]), a line without an end, text that would steer a terminal. Lines that are not
//! understood are passed over, and counted.

mod file;

use bundle_format::{
    certificate::Certificate,
    digest::{Digest, Fingerprint},
    facts::{CertificateFacts, NodeFacts, is_plain},
    manifest::Manifest,
    name::SiteName,
    receipt::{CertificateReceipt, Content, Document},
    rfc3339_seconds,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

pub use file::{LedgerError, MOST_BYTES, Place, Read};

use crate::{
    inspect::{Found, Origin},
    issue::Issued,
    report::Report,
};

/// The number of this form of a line.
pub const FORMAT: u32 = 1;
/// The longest text in a line, in bytes.
const MOST_TEXT: usize = 4096;

/// One certificate, seen once.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Record {
    /// The number of the form, [`FORMAT`].
    pub ledger: u32,
    /// When it was seen.
    #[serde(with = "rfc3339_seconds")]
    pub seen: OffsetDateTime,
    /// The site, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<SiteName>,
    /// The node that said to have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The bundle that brings it; none where it was seen in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<String>,
    /// SHA-256 of the certificate that it replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Digest>,
    /// SHA-256 of its DER form.
    pub fingerprint: Digest,
    /// What its key is known by.
    pub public_key: Fingerprint,
    /// Whether it is a CA's.
    pub ca: bool,
    /// The subject, for people.
    pub subject: String,
    /// The issuer, for people.
    pub issuer: String,
    /// The serial number, hexadecimal.
    pub serial: String,
    /// The start of its validity.
    #[serde(with = "rfc3339_seconds")]
    pub not_before: OffsetDateTime,
    /// The end of its validity.
    #[serde(with = "rfc3339_seconds")]
    pub not_after: OffsetDateTime,
}

impl Record {
    /// A certificate seen in place at `seen`, of which no more is known.
    #[must_use]
    pub fn of(certificate: &Certificate, seen: OffsetDateTime) -> Self {
        Self {
            ledger: FORMAT,
            seen,
            site: None,
            node: None,
            bundle: None,
            replaces: None,
            fingerprint: certificate.fingerprint(),
            public_key: certificate.public_key(),
            ca: certificate.is_ca(),
            subject: certificate.subject(),
            issuer: certificate.issuer(),
            serial: certificate.serial_hex(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
        }
    }

    /// What was found by `reseal inspect`.
    #[must_use]
    pub fn of_found(found: &[Found], seen: OffsetDateTime) -> Vec<Self> {
        let record = |found: &Found| {
            let record = Self::of(&found.certificate, seen);
            match &found.origin {
                Origin::Bundle(manifest) => record.brought_by(manifest),
                Origin::File => record,
                Origin::Node(node) => Self { node: Some(node.clone()), ..record },
            }
        };
        found.iter().map(record).collect()
    }

    /// What a node has, which is of `site` where that is known.
    #[must_use]
    pub fn of_facts(facts: &NodeFacts, site: Option<&SiteName>, seen: OffsetDateTime) -> Vec<Self> {
        let certificates = facts.certificates.iter().filter_map(CertificateFacts::certificate);
        let record = |certificate: Certificate| Self { site: site.cloned(), node: Some(facts.called()), ..Self::of(&certificate, seen) };
        certificates.map(record).collect()
    }

    /// What a build replaces, and what it makes.
    #[must_use]
    pub fn of_build(issued: &Issued, manifest: &Manifest, seen: OffsetDateTime) -> Vec<Self> {
        let pairs = issued.authorities.iter().flat_map(|ca| {
            let leaves = ca.leaves.iter().map(|leaf| (&leaf.former, &leaf.renewed));
            std::iter::once((&ca.former, &ca.renewed)).chain(leaves)
        });
        let records = pairs.flat_map(|(former, renewed)| {
            let former = Self { site: Some(manifest.site.clone()), ..Self::of(former, seen) };
            [former, Self::of(renewed, seen).brought_by(manifest)]
        });
        records.collect()
    }

    /// What nodes have, by their receipts.
    #[must_use]
    pub fn of_report(report: &Report, seen: OffsetDateTime) -> Vec<Self> {
        let mut records = Vec::new();
        for node in &report.nodes {
            let Some(Document { receipt, .. }) = node.in_effect().and_then(|run| run.document.as_ref()) else { continue };
            for file in receipt.files() {
                let formers = file.former.as_ref().map_or(&[][..], Content::certificates);
                for (at, certificate) in file.new.certificates().iter().enumerate() {
                    let is_of_site = Self { site: Some(receipt.site.clone()), ..Self::of_receipt(certificate, seen) };
                    let replaces = formers.get(at).map(|former| former.fingerprint).filter(|former| *former != certificate.fingerprint);
                    let bundle = Some(receipt.bundle_name().to_string());
                    records.push(Self { bundle, replaces, ..is_of_site.clone() });
                    records.push(Self { node: Some(node.name.to_string()), ..is_of_site });
                }
            }
        }
        records
    }

    fn of_receipt(certificate: &CertificateReceipt, seen: OffsetDateTime) -> Self {
        Self {
            ledger: FORMAT,
            seen,
            site: None,
            node: None,
            bundle: None,
            replaces: None,
            fingerprint: certificate.fingerprint,
            public_key: certificate.public_key,
            ca: certificate.ca,
            subject: certificate.subject.clone(),
            issuer: certificate.issuer.clone(),
            serial: certificate.serial.clone(),
            not_before: certificate.not_before,
            not_after: certificate.not_after,
        }
    }

    fn brought_by(self, manifest: &Manifest) -> Self {
        let pairs = manifest.authorities.iter().flat_map(|ca| {
            let leaves = ca.leaves.iter().map(|leaf| (&leaf.former, &leaf.renewed));
            std::iter::once((&ca.former, &ca.renewed)).chain(leaves)
        });
        let mut formers = pairs.filter(|(_, renewed)| renewed.fingerprint == self.fingerprint).map(|(former, _)| former.fingerprint);
        Self { site: Some(manifest.site.clone()), bundle: Some(manifest.name().to_string()), replaces: formers.next(), ..self }
    }

    /// Whether it says what `other` says, at whatever time.
    fn says_the_same_as(&self, other: &Self) -> bool {
        Self { seen: other.seen, ..self.clone() } == *other
    }

    fn is_sound(&self) -> bool {
        let texts = [Some(&self.subject), Some(&self.issuer), Some(&self.serial), self.node.as_ref(), self.bundle.as_ref()];
        self.ledger == FORMAT && texts.into_iter().flatten().all(|text| text.len() <= MOST_TEXT && text.chars().all(is_plain))
    }
}

#[cfg(test)]
mod tests;
