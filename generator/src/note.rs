//! The delivery note: what a person carries beside a bundle, on paper, in English and Chinese. It is made from the bundle as it
//! reads back, so it cannot say anything else. Nothing secret is in it.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    path::{Path, PathBuf},
};

use askama::Template;
use bundle_format::{
    digest::Digest,
    manifest::NodeRecord,
    name::{COUNTERSIGNATURES, EntryPath, NodeName},
    reader::{Complete, Visitor},
    slice::Slice,
};
use zeroize::Zeroizing;

/// How many nodes are listed one by one.
const NODES_LISTED: usize = 500;

/// What a delivery note is about.
pub struct Note {
    /// SHA-256 of the bundle's file.
    pub digest: Digest,
    /// The bundle, with those who signed it.
    pub complete: Complete,
    nodes: NoteNodes,
}

/// Takes the addresses of all nodes from the slices.
#[derive(Default)]
pub struct NoteNodes(BTreeMap<NodeName, Vec<IpAddr>>);

impl Visitor for NoteNodes {
    fn slice(&mut self, slice: Slice) {
        drop(self.0.insert(slice.node, slice.identity.addresses));
    }
    fn wants(&mut self, _: &EntryPath) -> bool {
        false
    }
    fn entry(&mut self, _: EntryPath, _: Zeroizing<Vec<u8>>) {}
}

impl Note {
    /// A note about a bundle of which all was read.
    #[must_use]
    pub fn new(digest: Digest, complete: Complete, nodes: NoteNodes) -> Self {
        Self { digest, complete, nodes }
    }

    /// The signatures that are still missing.
    #[must_use]
    pub fn missing(&self) -> usize {
        usize::from(self.complete.manifest.needs_signers).saturating_sub(self.complete.signers.len())
    }

    /// Where the notes of the bundle at `bundle` are, with what they say.
    ///
    /// # Errors
    /// When a template cannot be filled in.
    pub fn files(&self, bundle: &Path) -> Result<[(PathBuf, String); 2], askama::Error> {
        let file = bundle.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stem = file.strip_suffix(".tar.gz").unwrap_or(&file).to_owned();
        let [english, chinese] = ["txt", "zh-CN.txt"].map(|end| bundle.with_file_name(format!("{stem}.note.{end}")));
        let facts = self.facts(file);
        Ok([(english, English(&facts).render()?), (chinese, Chinese(&facts).render()?)])
    }

    fn facts(&self, file: String) -> Facts<'_> {
        let Complete { manifest, sums, signers, .. } = &self.complete;
        let executor = |(path, digest): (&EntryPath, &Digest)| {
            let architecture = path.as_str().strip_prefix("executor/linux-")?.strip_suffix("/reseal-node")?;
            Some((architecture.to_owned(), *digest))
        };
        let node = |record: &NodeRecord| {
            let addresses = self.nodes.0.get(&record.name).into_iter().flatten().map(ToString::to_string).collect::<Vec<_>>();
            let roles: Vec<&str> = record.roles.iter().map(bundle_format::name::Label::as_str).collect();
            NodeLine { name: record.name.to_string(), addresses: addresses.join(" "), roles: roles.join(" ") }
        };
        Facts {
            name: manifest.name().to_string(),
            site: manifest.site.to_string(),
            made: crate::present::moment(manifest.created),
            until: crate::present::moment(manifest.not_after),
            digest: self.digest,
            signers: signers.iter().map(ToString::to_string).collect(),
            needed: manifest.needs_signers.into(),
            missing: self.missing(),
            further: COUNTERSIGNATURES.iter().take(signers.len().saturating_sub(1)).copied().collect(),
            executors: sums.digests.iter().filter_map(executor).collect(),
            nodes: manifest.nodes.iter().take(NODES_LISTED).map(node).collect(),
            unlisted: manifest.nodes.len().saturating_sub(NODES_LISTED),
            file,
        }
    }
}

struct NodeLine {
    name: String,
    addresses: String,
    roles: String,
}

struct Facts<'a> {
    file: String,
    name: String,
    site: String,
    made: String,
    until: String,
    digest: Digest,
    signers: Vec<String>,
    needed: usize,
    missing: usize,
    further: Vec<[&'a str; 2]>,
    executors: Vec<(String, Digest)>,
    nodes: Vec<NodeLine>,
    unlisted: usize,
}

#[derive(Template)]
#[template(path = "note.txt", escape = "none")]
struct English<'a>(&'a Facts<'a>);

#[derive(Template)]
#[template(path = "note.zh-CN.txt", escape = "none")]
struct Chinese<'a>(&'a Facts<'a>);
