//! Contradictions within a bundle that only its contents show. Pure.

use std::collections::BTreeSet;

use bundle_format::{
    certificate::{Certificate, CertificateError},
    digest::{Digest, Fingerprint},
    manifest::CertificateRecord,
    name::{EntryPath, Label, NodeName, TargetPath},
    slice::{Slice, Step},
    text,
};
use thiserror::Error;

use super::Plan;
use crate::{bundle::Bundle, facts::Found, machine::Place};

/// Why a bundle that is whole and trusted is rejected all the same.
#[derive(Debug, Error)]
pub enum Rejection {
    /// The site's authority has another key.
    #[error("{}", text!(
        "the bundle is for another site: `{path}` has the key {}, the bundle's authority `{authority}` has {expected}",
        "证书包属于其他站点：`{path}` 的密钥是 {}，而证书包中 CA `{authority}` 的密钥是 {expected}"; keys(found)
    ))]
    ForeignAuthority {
        /// The authority's name in the bundle.
        authority: Label,
        /// Where this node keeps it.
        path: TargetPath,
        /// The keys of the certificates there.
        found: Vec<Fingerprint>,
        /// The key in the bundle.
        expected: Fingerprint,
    },
    /// A certificate is not the one that the manifest lists.
    #[error("{}", text!(
        "`{entry}` has the fingerprint {found}, and bundle.json says {expected}",
        "`{entry}` 的指纹是 {found}，而 bundle.json 中是 {expected}"
    ))]
    Fingerprint {
        /// The entry.
        entry: EntryPath,
        /// The fingerprint of what it holds.
        found: Digest,
        /// The fingerprint in the manifest.
        expected: Digest,
    },
    /// An authority does not have the key that the manifest lists.
    #[error("{}", text!(
        "`{entry}` has the key {found}, and bundle.json says {expected}",
        "`{entry}` 的密钥是 {found}，而 bundle.json 中是 {expected}"
    ))]
    Key {
        /// The entry.
        entry: EntryPath,
        /// Its key.
        found: Fingerprint,
        /// The key in the manifest.
        expected: Fingerprint,
    },
    /// A step names an etcd cluster or a member that the slice does not have.
    #[error("{}", text!(
        "a step is about the etcd cluster `{cluster}` and the node `{node}`, and the slice has no such member",
        "某步骤涉及 etcd 集群 `{cluster}` 和节点 `{node}`，而本节点内容中没有该成员"
    ))]
    NoMember {
        /// The cluster.
        cluster: Label,
        /// The node.
        node: NodeName,
    },
    /// An entry that a step needs was not kept.
    #[error("{}", text!("the entry `{_0}`, which a step needs, is not in the bundle", "步骤所需的条目 `{_0}` 不在证书包中"))]
    NoEntry(EntryPath),
    /// An entry that should be a certificate is none.
    #[error("{}", text!("`{entry}` is no certificate: {why}", "`{entry}` 不是证书：{why}"))]
    NoCertificate {
        /// The entry.
        entry: EntryPath,
        /// The reason.
        why: CertificateError,
    },
    /// Two steps, or one step twice, would change one file.
    #[error("{}", text!(
        "`{first}` and `{second}` are one file on this node, and the bundle changes it twice",
        "`{first}` 和 `{second}` 在本节点上是同一个文件，而证书包改动它两次"
    ))]
    Twice {
        /// One path of it.
        first: TargetPath,
        /// The other.
        second: TargetPath,
    },
}

fn keys(found: &[Fingerprint]) -> String {
    found.iter().map(Fingerprint::to_string).collect::<Vec<_>>().join(", ")
}

/// No file is changed twice: each has one former and one new content.
pub(super) fn one_step_for_each_file(plan: &Plan<'_>) -> Result<(), Rejection> {
    let mut seen: Vec<(&TargetPath, &Option<Place>)> = Vec::new();
    for (path, found) in plan.found() {
        let Found::At(target) = found else { continue };
        let other = seen.iter().find(|(_, place)| target.place.is_some() && **place == target.place);
        if let Some((first, _)) = other {
            return Err(Rejection::Twice { first: (*first).clone(), second: path.clone() });
        }
        seen.push((path, &target.place));
    }
    let mut paths = BTreeSet::new();
    match plan.found().find(|(path, _)| !paths.insert(*path)) {
        Some((path, _)) => Err(Rejection::Twice { first: path.clone(), second: path.clone() }),
        None => Ok(()),
    }
}

/// Every cluster that a step names is there, with the member that the step is about.
pub(super) fn clusters(slice: &Slice) -> Result<(), Rejection> {
    let named = slice.steps.iter().filter_map(|step| match step {
        Step::AwaitEtcd(step) => Some((&step.cluster, &step.member)),
        Step::RestartStaticPods(step) => step.cluster.as_ref().map(|cluster| (cluster, &slice.node)),
        _ => None,
    });
    for (name, node) in named {
        if !slice.cluster(name).is_some_and(|cluster| cluster.members.iter().any(|member| member.node == *node)) {
            return Err(Rejection::NoMember { cluster: name.clone(), node: node.clone() });
        }
    }
    Ok(())
}

/// The certificates that were kept are those of the manifest.
pub(super) fn certificates_as_listed(bundle: &Bundle) -> Result<(), Rejection> {
    for authority in &bundle.manifest().authorities {
        if let Some(certificate) = listed(bundle, &authority.certificate, &authority.renewed)?
            && certificate.public_key() != authority.public_key
        {
            let (found, expected) = (certificate.public_key(), authority.public_key);
            return Err(Rejection::Key { entry: authority.certificate.clone(), found, expected });
        }
        for leaf in &authority.leaves {
            listed(bundle, &leaf.certificate, &leaf.renewed)?;
        }
    }
    Ok(())
}

fn listed(bundle: &Bundle, entry: &EntryPath, record: &CertificateRecord) -> Result<Option<Certificate>, Rejection> {
    let Some(certificate) = certificate(bundle, entry)? else { return Ok(None) };
    if certificate.fingerprint() == record.fingerprint {
        return Ok(Some(certificate));
    }
    Err(Rejection::Fingerprint { entry: entry.clone(), found: certificate.fingerprint(), expected: record.fingerprint })
}

/// The first certificate of an entry, where the entry was kept.
fn certificate(bundle: &Bundle, entry: &EntryPath) -> Result<Option<Certificate>, Rejection> {
    let Some(content) = bundle.material.get(entry) else { return Ok(None) };
    match Certificate::all_from_file(content) {
        Ok(certificates) => Ok(certificates.into_iter().next()),
        Err(why) => Err(Rejection::NoCertificate { entry: entry.clone(), why }),
    }
}
