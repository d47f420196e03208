//! Preflight of certificates and keys: the old and the new must go together while nodes are renewed one after the other. Pure.

use bundle_format::{
    certificate::Certificate,
    manifest::{AuthorityRecord, LeafRecord},
    name::EntryPath,
    slice::Slice,
    text, word,
};

use super::{Refusal, refusal::time};
use crate::{
    bundle::Bundle,
    facts::{Facts, Target},
    keys,
    machine::Sight,
    trust,
};

/// The clock must not be before any new certificate that this node gets.
pub fn clock(bundle: &Bundle, slice: &Slice, facts: &Facts) -> Vec<Refusal> {
    let authorities = &bundle.manifest().authorities;
    let entries = authorities
        .iter()
        .flat_map(|authority| std::iter::once(&authority.certificate).chain(authority.leaves.iter().map(|leaf| &leaf.certificate)));
    entries
        .filter(|entry| slice.installs().any(|file| file.entry == **entry))
        .filter_map(|entry| Some((entry, first(bundle, entry)?.not_before())))
        .filter(|(_, not_before)| facts.now < *not_before)
        .map(|(entry, not_before)| Refusal::ClockBefore { entry: entry.clone(), not_before: time(not_before), now: time(facts.now) })
        .collect()
}

/// What is on disk must go together with what will be.
pub fn at_home(bundle: &Bundle, slice: &Slice, facts: &Facts) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for authority in &bundle.manifest().authorities {
        let leaves: Vec<&LeafRecord> = authority.leaves.iter().filter(|leaf| concerns(slice, leaf)).collect();
        let is_installed = slice.installs().any(|file| file.entry == authority.certificate);
        if !is_installed && leaves.is_empty() {
            continue;
        }
        let here = authorities_here(authority, slice, facts, &mut refusals);
        let Some(renewed) = first(bundle, &authority.certificate) else { continue };
        for leaf in leaves {
            let Some(new) = first(bundle, &leaf.certificate) else { continue };
            refusals.extend(new_leaf(leaf, &new, word!("the new authority", "新的 CA"), &renewed));
            refusals.extend(here.iter().filter_map(|(path, old)| {
                new_leaf(leaf, &new, &text!("the authority `{path}` on this node", "本节点的 CA `{path}`"), old)
            }));
            refusals.extend(old_leaves(authority, leaf, &new, &renewed, slice, facts));
        }
    }
    refusals
}

/// Whether a slice installs this leaf.
fn concerns(slice: &Slice, leaf: &LeafRecord) -> bool {
    slice.installs().any(|file| file.entry == leaf.certificate || file.entry.unsealed() == leaf.key)
}

/// The authority's certificates on this node, with their paths.
fn authorities_here(authority: &AuthorityRecord, slice: &Slice, facts: &Facts, refusals: &mut Vec<Refusal>) -> Vec<(String, Certificate)> {
    let homes = trust::homes(authority, Some(slice));
    let targets: Vec<&Target> = homes.iter().filter_map(|home| facts.target(home)).collect();
    if targets.iter().all(|target| matches!(target.sight, Sight::Absent | Sight::NoPlace(_))) {
        refusals.push(Refusal::AuthorityAbsent { authority: authority.name.clone(), homes: homes.into_iter().cloned().collect() });
    }
    let mut found = Vec::new();
    for target in targets {
        let own = readable(target, refusals).into_iter().filter(|certificate| certificate.public_key() == authority.public_key);
        found.extend(own.map(|certificate| (target.path.to_string(), certificate)));
    }
    found
}

fn readable(target: &Target, refusals: &mut Vec<Refusal>) -> Vec<Certificate> {
    let Some(seen) = target.sight.file() else { return Vec::new() };
    Certificate::all_from_file(&seen.content).unwrap_or_else(|why| {
        refusals.push(Refusal::NoCertificate { target: target.path.clone(), why });
        Vec::new()
    })
}

fn new_leaf(leaf: &LeafRecord, new: &Certificate, authority: &str, certificate: &Certificate) -> Option<Refusal> {
    let why = new.verify_issued_by(certificate).err()?;
    Some(Refusal::NewLeaf { leaf: leaf.certificate.clone(), authority: authority.to_owned(), why })
}

/// The leaf on disk must verify under the new authority, and have no name that the new leaf lacks.
fn old_leaves(
    authority: &AuthorityRecord,
    leaf: &LeafRecord,
    new: &Certificate,
    renewed: &Certificate,
    slice: &Slice,
    facts: &Facts,
) -> Vec<Refusal> {
    let mut homes = vec![&leaf.installed];
    homes.extend(slice.installs().filter(|file| file.entry == leaf.certificate).map(|file| &file.target));
    homes.sort();
    homes.dedup();
    let mut refusals = Vec::new();
    for target in homes.into_iter().filter_map(|home| facts.target(home)) {
        let Some(old) = readable(target, &mut refusals).into_iter().next() else { continue };
        if let Err(why) = old.verify_issued_by(renewed) {
            refusals.push(Refusal::DiskLeaf { target: target.path.clone(), authority: authority.name.clone(), why });
        }
        let lost: Vec<String> = old.sans().iter().filter(|san| !new.sans().contains(san)).map(ToString::to_string).collect();
        if !lost.is_empty() {
            refusals.push(Refusal::SanLoss { target: target.path.clone(), leaf: leaf.certificate.clone(), lost });
        }
    }
    refusals
}

/// Each new key must belong to its new certificate.
pub fn keys(bundle: &Bundle, slice: &Slice) -> Vec<Refusal> {
    let leaves = bundle.manifest().authorities.iter().flat_map(|authority| &authority.leaves);
    let installed = leaves.filter_map(|leaf| Some((leaf, &slice.installs().find(|file| file.entry.unsealed() == leaf.key)?.entry)));
    installed
        .filter(|(leaf, entry)| {
            let key = bundle.material.get(entry);
            !matches!((first(bundle, &leaf.certificate), key), (Some(certificate), Some(key)) if keys::belongs(key, certificate.spki()))
        })
        .map(|(leaf, entry)| Refusal::OtherKey { key: entry.clone(), leaf: leaf.certificate.clone() })
        .collect()
}

/// The first certificate of an entry. That it can be read was checked when the plan was made.
fn first(bundle: &Bundle, entry: &EntryPath) -> Option<Certificate> {
    Certificate::all_from_file(bundle.material.get(entry)?).ok()?.into_iter().next()
}
