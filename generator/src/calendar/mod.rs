//! When what is in the ledger ends: for people, for calendars ([`ics`]) and for Prometheus ([`prometheus`]).
//!
//! A renewed certificate takes the place of the former one only once it was *seen* in place, on every node that was seen with the
//! former: a bundle that was built and never carried out renews nothing, and the old end stands until then.

pub mod ics;
pub mod prometheus;

use std::collections::{BTreeMap, BTreeSet};

use bundle_format::{
    digest::{Digest, Fingerprint},
    name::SiteName,
    rfc3339_seconds, word,
};
use serde::Serialize;
use time::OffsetDateTime;

use crate::ledger::Record;

/// A certificate whose end matters.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Entry {
    /// The end of its validity.
    #[serde(with = "rfc3339_seconds")]
    pub not_after: OffsetDateTime,
    /// The site, where that is known.
    pub site: Option<SiteName>,
    /// A CA or a leaf.
    pub kind: Kind,
    /// The subject, for people.
    pub subject: String,
    /// The issuer, for people.
    pub issuer: String,
    /// The serial number, hexadecimal.
    pub serial: String,
    /// SHA-256 of its DER form.
    pub fingerprint: Digest,
    /// What its key is known by.
    pub public_key: Fingerprint,
    /// Whether it is in place, and what is to come.
    pub state: State,
    /// The bundle that brings it, or the one that is to replace it.
    pub bundle: Option<String>,
    /// The nodes that were seen with it, and not yet with what replaces it.
    pub nodes: BTreeSet<String>,
}

/// What a certificate is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The certificate of a CA.
    Ca,
    /// A leaf.
    Leaf,
}

/// Where a certificate is on its way.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// A bundle has it, and it was not seen in place yet.
    Built,
    /// It was seen in place.
    InPlace,
    /// It was seen in place; a bundle that replaces it is built, and was not seen to have done so everywhere.
    RenewalBuilt,
}

impl Kind {
    /// The word for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Ca => "ca",
            Self::Leaf => "leaf",
        }
    }

    /// The word for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ca => "CA",
            Self::Leaf => word!("leaf", "叶子证书"),
        }
    }
}

impl State {
    /// The word for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Built => "built",
            Self::InPlace => "in-place",
            Self::RenewalBuilt => "renewal-built",
        }
    }
}

/// All that matters of one certificate, gathered from its records.
struct Certificate<'a> {
    record: &'a Record,
    site: Option<&'a SiteName>,
    nodes: BTreeSet<&'a str>,
    is_in_place: bool,
    /// The bundles that bring it and what it replaces there, in the order in which they were recorded.
    brought: Vec<(&'a str, Option<Digest>)>,
    /// Where in the ledger a bundle brought it last.
    last_brought: usize,
}

/// The certificates whose ends matter, the first to end first.
#[must_use]
pub fn entries(records: &[Record]) -> Vec<Entry> {
    let certificates = gather(records);
    let mut entries: Vec<Entry> = certificates.values().filter_map(|certificate| entry(certificate, &certificates)).collect();
    entries.sort_by(|a, b| {
        (a.not_after, &a.site, a.kind, a.fingerprint.as_bytes()).cmp(&(b.not_after, &b.site, b.kind, b.fingerprint.as_bytes()))
    });
    entries
}

fn gather(records: &[Record]) -> BTreeMap<[u8; 32], Certificate<'_>> {
    let mut certificates = BTreeMap::new();
    for (line, record) in records.iter().enumerate() {
        let fresh = || Certificate { record, site: None, nodes: BTreeSet::new(), is_in_place: false, brought: Vec::new(), last_brought: 0 };
        let certificate = certificates.entry(*record.fingerprint.as_bytes()).or_insert_with(fresh);
        certificate.site = record.site.as_ref().or(certificate.site);
        certificate.nodes.extend(record.node.as_deref());
        match &record.bundle {
            Some(bundle) => {
                certificate.brought.push((bundle, record.replaces));
                certificate.last_brought = line;
            }
            None => certificate.is_in_place = true,
        }
    }
    certificates
}

/// Nothing where it is replaced, or was only in a bundle that another has taken the place of.
fn entry(certificate: &Certificate<'_>, all: &BTreeMap<[u8; 32], Certificate<'_>>) -> Option<Entry> {
    let own = certificate.record.fingerprint;
    let replaces = |other: &&Certificate<'_>, former: Digest| other.brought.iter().any(|(_, replaced)| *replaced == Some(former));
    let successors: Vec<&Certificate<'_>> = all.values().filter(|other| replaces(other, own)).collect();
    let arrived: BTreeSet<&str> = successors.iter().flat_map(|successor| &successor.nodes).copied().collect();
    let waiting: BTreeSet<String> =
        certificate.nodes.iter().filter(|node| !arrived.contains(*node)).map(|node| (*node).to_owned()).collect();
    let has_arrived = successors.iter().any(|successor| successor.is_in_place);
    if has_arrived && waiting.is_empty() {
        return None;
    }
    let last_bundle = |certificate: &Certificate<'_>| certificate.brought.last().map(|(bundle, _)| (*bundle).to_owned());
    let (state, bundle) = if !certificate.is_in_place {
        let (_, former) = certificate.brought.last()?;
        let mut rivals = all.values().filter(|other| former.is_some_and(|former| replaces(other, former)));
        if rivals.any(|rival| rival.last_brought > certificate.last_brought) {
            return None;
        }
        (State::Built, last_bundle(certificate))
    } else if let Some(latest) = successors.iter().max_by_key(|successor| successor.last_brought) {
        (State::RenewalBuilt, last_bundle(latest))
    } else {
        (State::InPlace, last_bundle(certificate))
    };
    let site = certificate.site.or_else(|| successors.iter().find_map(|successor| successor.site));
    let record = certificate.record;
    Some(Entry {
        not_after: record.not_after,
        site: site.cloned(),
        kind: if record.ca { Kind::Ca } else { Kind::Leaf },
        subject: record.subject.clone(),
        issuer: record.issuer.clone(),
        serial: record.serial.clone(),
        fingerprint: own,
        public_key: record.public_key,
        state,
        bundle,
        nodes: waiting,
    })
}

#[cfg(test)]
pub(crate) mod tests;
