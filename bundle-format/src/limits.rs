//! Every bound on what comes from outside, in one place.

use crate::name::EntryPath;

/// The bounds that a reader enforces. Sizes in bytes. The default fits 10,000 nodes with room to spare.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Entries in one bundle.
    pub entries: usize,
    /// The whole bundle, unpacked.
    pub total: u64,
    /// The whole bundle, packed, after its gzip header. A tarball keeps to the default.
    pub packed: u64,
    /// What is kept of it in memory, of all entries together.
    pub kept: u64,
    /// `SHA256SUMS`.
    pub sums: u64,
    /// Each signature and each signer's public key.
    pub signature: u64,
    /// `bundle.json`.
    pub manifest: u64,
    /// One executor.
    pub executor: u64,
    /// Any other entry: a slice, a certificate, a secret, a readme.
    pub document: u64,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1 << 20;
        Self {
            entries: 65_536,
            total: 1024 * MIB,
            packed: 256 * MIB,
            kept: 8 * MIB,
            sums: 8 * MIB,
            signature: 4096,
            manifest: 4 * MIB,
            executor: 64 * MIB,
            document: MIB,
        }
    }
}

impl Limits {
    /// The most that the entry at `path` may hold.
    #[must_use]
    pub fn for_entry(&self, path: &EntryPath) -> u64 {
        match path.canonical_order().0 {
            0 => self.sums,
            1..=3 => self.signature,
            4 => self.manifest,
            8 => self.executor,
            _ => self.document,
        }
    }
}
