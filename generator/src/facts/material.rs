//! Which CA and which leaf a site has, where its nodes differ: the masters decide, by number; what others have is said.

use std::collections::BTreeMap;

use bundle_format::{
    certificate::{Certificate, San},
    digest::{Digest, Fingerprint},
    facts::{CertificateFacts, HomePart},
    word,
};
use time::OffsetDateTime;

use super::{DraftError, Finding, Told, called};
use crate::{present, profile::tos};

/// What was chosen.
pub struct Material {
    /// The CA.
    pub authority: Certificate,
    /// The leaf.
    pub leaf: Certificate,
    /// SANs that other leaves have beside it.
    pub sans: Vec<String>,
}

impl Material {
    /// The names of the leaf to be made, as far as facts tell.
    pub fn names(&self) -> impl Iterator<Item = &San> {
        self.leaf.sans().iter()
    }
}

/// A certificate and the nodes that have it.
struct Held<'a> {
    certificate: Certificate,
    by: Vec<&'a Told>,
}

impl Held<'_> {
    fn masters(&self) -> usize {
        self.by.iter().filter(|told| told.has_role(tos::ETCD)).count()
    }

    fn nodes(&self) -> String {
        called(self.by.iter().copied())
    }

    fn fingerprint(&self) -> String {
        self.certificate.fingerprint().to_string()[..16].to_owned()
    }
}

/// Chooses.
///
/// # Errors
/// When no node has a CA or a leaf, or the nodes are of two sites.
pub fn choose(told: &[Told], now: OffsetDateTime, findings: &mut Vec<Finding>) -> Result<Material, DraftError> {
    let missing = |what| DraftError::Nothing { what, nodes: called(told) };
    let authority = authority(&held(told, HomePart::Authority), findings, missing)?;
    if authority.not_after() < now {
        findings.push(Finding::AuthorityEnded { end: present::moment(authority.not_after()) });
    }
    let mut leaves = held(told, HomePart::Leaf);
    // Where one leaf is the CA's, another is not asked about.
    let is_own = |held: &Held<'_>| held.certificate.verify_issued_by(&authority).is_ok();
    leaves.sort_by_key(|held| (!is_own(held), std::cmp::Reverse((held.masters(), held.by.len(), held.certificate.not_before()))));
    let (first, others) = leaves.split_first().ok_or_else(|| missing(word!("a leaf of etcd", "etcd 的叶子证书")))?;
    if let Err(why) = first.certificate.verify_issued_by(&authority) {
        findings.push(Finding::LeafForeign { nodes: first.nodes(), why: why.to_string() });
    }
    let mut sans: Vec<&San> = Vec::new();
    for other in others {
        findings.push(Finding::OtherLeaf {
            taken: first.fingerprint(),
            taken_nodes: first.nodes(),
            other: other.fingerprint(),
            other_nodes: other.nodes(),
        });
        let more: Vec<&San> =
            other.certificate.sans().iter().filter(|san| !first.certificate.sans().contains(san) && !sans.contains(san)).collect();
        sans.extend(more);
    }
    let plain = |san: &San| match san {
        San::Dns(name) => Some(name.clone()),
        San::Ip(address) => Some(address.to_string()),
        San::Other { .. } => None,
    };
    let sans = sans.into_iter().filter_map(plain).collect();
    Ok(Material { authority, leaf: first.certificate.clone(), sans })
}

fn authority(
    held: &[Held<'_>],
    findings: &mut Vec<Finding>,
    missing: impl Fn(&'static str) -> DraftError,
) -> Result<Certificate, DraftError> {
    let mut keys: BTreeMap<String, (Fingerprint, Vec<&Held<'_>>)> = BTreeMap::new();
    for held in held {
        let key = held.certificate.public_key();
        keys.entry(key.to_string()).or_insert_with(|| (key, Vec::new())).1.push(held);
    }
    let weight =
        |held: &[&Held<'_>]| (held.iter().map(|held| held.masters()).sum::<usize>(), held.iter().map(|held| held.by.len()).sum::<usize>());
    let mut keys: Vec<(Fingerprint, Vec<&Held<'_>>)> = keys.into_values().collect();
    keys.sort_by_key(|(_, held)| std::cmp::Reverse(weight(held)));
    if let [(one_key, one), (other_key, other), ..] = keys.as_slice()
        && weight(one) == weight(other)
    {
        let nodes = |held: &[&Held<'_>]| held.iter().map(|held| held.nodes()).collect::<Vec<_>>().join(", ");
        return Err(DraftError::TwoSites {
            one: nodes(one),
            one_key: one_key.to_string(),
            other: nodes(other),
            other_key: other_key.to_string(),
        });
    }
    let (key, own) = keys.first().ok_or_else(|| missing(word!("the CA's certificate", "CA 证书")))?;
    let best = |held: &&&Held<'_>| (held.masters(), held.by.len(), held.certificate.not_after());
    let taken = own.iter().max_by_key(best).ok_or_else(|| missing(word!("the CA's certificate", "CA 证书")))?;
    for other in held.iter().filter(|held| held.certificate != taken.certificate) {
        findings.push(Finding::OtherAuthority {
            taken: taken.fingerprint(),
            taken_nodes: taken.nodes(),
            other: other.fingerprint(),
            other_nodes: other.nodes(),
            is_same_key: other.certificate.public_key() == *key,
        });
    }
    Ok(taken.certificate.clone())
}

/// The certificates of one part, each with the nodes that have it at home. A file with several has one that counts: of a CA's the first
/// that may sign, of a leaf's the first that may not.
fn held(told: &[Told], part: HomePart) -> Vec<Held<'_>> {
    let mut all: BTreeMap<Digest, Held<'_>> = BTreeMap::new();
    for told in told {
        let homes = told.cluster().into_iter().flat_map(|cluster| &cluster.homes);
        for home in homes.filter(|home| home.part == part && home.name.as_str() == tos::MATERIAL) {
            let mut here = told.facts.certificates.iter().filter(|facts| facts.path == home.path);
            let found = here.find(|facts| facts.ca == (part == HomePart::Authority)).and_then(CertificateFacts::certificate);
            let Some(certificate) = found else { continue };
            let held = all.entry(certificate.fingerprint()).or_insert_with(|| Held { certificate, by: Vec::new() });
            if !held.by.iter().any(|own| std::ptr::eq(*own, told)) {
                held.by.push(told);
            }
        }
    }
    all.into_values().collect()
}
