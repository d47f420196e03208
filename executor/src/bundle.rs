//! Reads a bundle once, whole, and keeps this node's part of it.
//!
//! Nothing is acted on before the last entry was checked. Of 10,000 slices at most one is kept, and of the others what tells them
//! apart, up to a limit; entries come after the slices, so the kept slice decides which of them are kept.

use std::collections::{BTreeMap, BTreeSet};

use bundle_format::{
    limits::Limits,
    manifest::{AuthorityRecord, Manifest},
    name::{EntryPath, NodeName},
    reader::{BundleError, Complete, Source, Unverified, Visitor},
    signature::TrustedSigners,
    slice::{Identity, Slice},
};
use zeroize::Zeroizing;

use crate::{
    identity::{Evidence, NodeListing, Wanted},
    memory::Memory,
};

/// The most bytes of host names and addresses that are kept of all slices: those of 10,000 nodes fit.
const MOST_LISTED: usize = 4 << 20;

/// The contents of entries, by path.
pub type Material = BTreeMap<EntryPath, Zeroizing<Vec<u8>>>;

/// A bundle that was read to its end and found whole.
pub struct Bundle {
    /// What is known of all of it.
    pub complete: Complete,
    /// The slices that fit, by name, and by what.
    pub fitting: Vec<(NodeName, Evidence)>,
    /// The slice, where exactly one fits.
    pub slice: Option<Slice>,
    /// The nodes, for a list: as many as fit into memory that is set aside for it.
    pub nodes: Vec<NodeListing>,
    /// What the slice and the manifest name, and is not sealed, or not any more.
    pub material: Material,
    /// What this node remembers of earlier bundles.
    pub memory: Memory,
    /// What the slice names, and the site's identity, as long as they are sealed.
    pub sealed: Material,
}

impl Bundle {
    /// Verifies and reads, for a node with this memory.
    ///
    /// # Errors
    /// When the bundle is not from a trusted signer, or not whole.
    pub fn read<S: Source>(source: S, trusted: &TrustedSigners, wanted: Wanted, memory: Memory) -> Result<Self, BundleError> {
        let verified = Unverified::open(source, Limits::default())?.verify(trusted)?;
        let authorities = verified.manifest().authorities.clone();
        let mut keep = Keep {
            wanted,
            authorities,
            fitting: Vec::new(),
            slice: None,
            nodes: Vec::new(),
            listed: 0,
            named: None,
            material: Material::new(),
            sealed: Material::new(),
        };
        let complete = verified.read(&mut keep)?;
        let Keep { fitting, slice, nodes, material, sealed, .. } = keep;
        Ok(Self { complete, fitting, slice, nodes, material, memory, sealed })
    }

    /// What the bundle says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.complete.manifest
    }
}

struct Keep {
    wanted: Wanted,
    authorities: Vec<AuthorityRecord>,
    fitting: Vec<(NodeName, Evidence)>,
    slice: Option<Slice>,
    nodes: Vec<NodeListing>,
    listed: usize,
    named: Option<BTreeSet<EntryPath>>,
    material: Material,
    sealed: Material,
}

impl Keep {
    fn list(&mut self, node: &NodeName, identity: &Identity) {
        let names = identity.host_names.iter().map(|name| size_of::<String>() + name.len());
        self.listed += size_of::<NodeListing>() + names.sum::<usize>() + size_of_val(identity.addresses.as_slice());
        if self.listed <= MOST_LISTED {
            let (host_names, addresses) = (identity.host_names.clone(), identity.addresses.clone());
            self.nodes.push(NodeListing { node: node.clone(), host_names, addresses });
        }
    }
}

impl Visitor for Keep {
    fn slice(&mut self, slice: Slice) {
        let Slice { node, identity, .. } = &slice;
        self.list(node, identity);
        if let Some(evidence) = self.wanted.evidence(node, identity) {
            self.fitting.push((node.clone(), evidence));
            self.slice = (self.fitting.len() == 1).then_some(slice);
        }
    }

    fn wants(&mut self, path: &EntryPath) -> bool {
        let named =
            self.named.get_or_insert_with(|| self.slice.as_ref().map(|slice| named_by(slice, &self.authorities)).unwrap_or_default());
        named.contains(path)
    }

    fn entry(&mut self, path: EntryPath, content: Zeroizing<Vec<u8>>) {
        let kept = if path.is_sealed() { &mut self.sealed } else { &mut self.material };
        drop(kept.insert(path, content));
    }
}

/// The entries that a node's work needs: those of its steps, the certificates that they are checked against, and what may open them.
fn named_by(slice: &Slice, authorities: &[AuthorityRecord]) -> BTreeSet<EntryPath> {
    let mut named: BTreeSet<EntryPath> = slice.entries().cloned().collect();
    named.extend(authorities.iter().map(|authority| authority.certificate.clone()));
    let leaves = authorities.iter().flat_map(|authority| &authority.leaves);
    let keys: BTreeSet<EntryPath> = named.iter().map(EntryPath::unsealed).collect();
    let used: Vec<EntryPath> =
        leaves.filter(|leaf| named.contains(&leaf.certificate) || keys.contains(&leaf.key)).map(|leaf| leaf.certificate.clone()).collect();
    named.extend(used);
    named.insert(EntryPath::site_identity());
    named
}
