//! Whether what is sealed is what the manifest says is sealed. Opens nothing.

use std::collections::BTreeSet;

use super::BundleError;
use crate::{
    manifest::Manifest,
    name::{EntryPath, NodeName},
    slice::Slice,
    sums::Sums,
    word,
};

/// Every secret is sealed for a node of the bundle, or none is; the site's identity is there if and only if it has a recipient.
pub(super) fn check_manifest(manifest: &Manifest, sums: &Sums) -> Result<(), BundleError> {
    let (manifest_path, identity): (EntryPath, _) = ("bundle.json".parse()?, EntryPath::site_identity());
    let Some(sealing) = &manifest.sealing else {
        return match (sums.digests.keys().find(|path| path.is_sealed()), manifest.sealed_nodes().next()) {
            (Some(path), _) => Err(BundleError::Sealed(path.clone())),
            (None, Some((node, _))) => Err(BundleError::Contradiction {
                path: manifest_path,
                what: word!("a recipient of", "接收方所属节点"),
                found: node.to_string(),
                expected: word!("not sealed", "未加密封存").to_owned(),
            }),
            (None, None) => Ok(()),
        };
    };
    let nodes: BTreeSet<&NodeName> = manifest.nodes.iter().map(|node| &node.name).collect();
    let has_identity = sealing.site_recipient.is_some();
    if has_identity && !sums.digests.contains_key(&identity) {
        return Err(BundleError::Dangling { path: manifest_path, entry: identity });
    }
    let is_right = |path: &EntryPath| match path.sealed_node() {
        Some(node) => nodes.contains(&node),
        None => has_identity && *path == identity,
    };
    match sums.digests.keys().find(|path| path.is_secret() && !is_right(path)) {
        Some(path) => Err(BundleError::NotSealed(path.clone())),
        None => Ok(()),
    }
}

/// Where secrets are sealed, a slice names those of its own node only.
pub(super) fn check_slice(manifest: &Manifest, path: &EntryPath, slice: &Slice) -> Result<(), BundleError> {
    let is_foreign = |entry: &&EntryPath| entry.is_secret() && entry.sealed_node().as_ref() != Some(&slice.node);
    match slice.entries().find(is_foreign).filter(|_| manifest.sealing.is_some()) {
        Some(entry) => Err(BundleError::ForeignSecret { path: path.clone(), entry: entry.clone() }),
        None => Ok(()),
    }
}
