//! Whether documents and the list agree: pure, and after the signature.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, de::DeserializeOwned};

use super::{BundleError, sealing};
use crate::{FORMAT, manifest::Manifest, name::EntryPath, sums::Sums, text, version::Version, word};

/// Checks what the manifest says against the list.
pub(super) fn check_manifest(manifest: &Manifest, sums: &Sums) -> Result<(), BundleError> {
    let path: EntryPath = "bundle.json".parse()?;
    agree(&path, word!("name", "名称"), &manifest.name(), &sums.name)?;
    let mut nodes = BTreeSet::new();
    if let Some(twice) = manifest.nodes.iter().find(|node| !nodes.insert(&node.name)) {
        return Err(BundleError::NodeTwice(twice.name.clone()));
    }
    sealing::check_manifest(manifest, sums)?;
    for authority in &manifest.authorities {
        // Of a sealed key every node has its own entry, which its slice names.
        let keys = authority.leaves.iter().map(|leaf| &leaf.key).filter(|_| manifest.sealing.is_none());
        let leaves = authority.leaves.iter().map(|leaf| &leaf.certificate).chain(keys);
        std::iter::once(&authority.certificate).chain(leaves).try_for_each(|entry| check_named(sums, &path, entry))?;
    }
    Ok(())
}

/// Checks an entry that a document names.
pub(super) fn check_named(sums: &Sums, path: &EntryPath, entry: &EntryPath) -> Result<(), BundleError> {
    if !entry.is_material() {
        return Err(BundleError::NoMaterial { path: path.clone(), entry: entry.clone() });
    }
    if !sums.digests.contains_key(entry) {
        return Err(BundleError::Dangling { path: path.clone(), entry: entry.clone() });
    }
    Ok(())
}

/// Checks that all names differ where upper and lower case are one, and that none is the folder of another. What is not listed is
/// refused anyway.
pub(super) fn check_names(sums: &Sums) -> Result<(), BundleError> {
    let mut folded = BTreeMap::new();
    for path in sums.digests.keys() {
        if let Some(other) = folded.insert(path.as_str().to_ascii_lowercase(), path) {
            return Err(BundleError::CaseCollision(other.clone(), path.clone()));
        }
    }
    for path in sums.digests.keys() {
        if let Some(file) = path.folders().find_map(|folder| folded.get(&folder.as_str().to_ascii_lowercase())) {
            return Err(BundleError::FileAndFolder((*file).clone(), path.clone()));
        }
    }
    Ok(())
}

/// What a document says of itself in every version of the format.
#[derive(Deserialize)]
struct Versions {
    format: Option<u32>,
    needs_executor: Option<Version>,
}

/// Refuses another format, and what is made for a later executor, before anything else of a document can be misunderstood.
pub(super) fn same_format(path: &EntryPath, content: &[u8]) -> Result<(), BundleError> {
    let Ok(versions) = serde_json::from_slice::<Versions>(content) else { return Ok(()) };
    if let Some(found) = versions.format.filter(|format| *format != FORMAT) {
        return Err(BundleError::Format { path: path.clone(), found });
    }
    let this = Version::own();
    match versions.needs_executor {
        Some(needs) if needs > this => Err(BundleError::NeedsLater { needs, this }),
        _ => Ok(()),
    }
}

/// Checks that a document says of the bundle what the bundle is.
pub(super) fn agree<T: PartialEq + ToString>(path: &EntryPath, what: &'static str, found: &T, expected: &T) -> Result<(), BundleError> {
    if found == expected {
        return Ok(());
    }
    Err(BundleError::Contradiction { path: path.clone(), what, found: found.to_string(), expected: expected.to_string() })
}

/// Parses a document.
pub(super) fn parse_json<T: DeserializeOwned>(path: &EntryPath, content: &[u8]) -> Result<T, BundleError> {
    serde_json::from_slice(content).map_err(|error| BundleError::Malformed { path: path.clone(), why: reason(&error) })
}

/// A parser's reason, cut and escaped: it may quote what it met.
fn reason(error: &serde_json::Error) -> String {
    const MOST: usize = 200;
    let whole = error.to_string();
    let cut: String = whole.chars().take(MOST).collect();
    let shown: String = cut.chars().flat_map(char::escape_debug).filter(|character| *character != '\\').collect();
    if cut.len() == whole.len() {
        return shown;
    }
    text!("{shown}… at line {} column {}", "{shown}…（第 {} 行第 {} 列）"; error.line(), error.column())
}
