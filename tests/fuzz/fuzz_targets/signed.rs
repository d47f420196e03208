//! A bundle that a trusted signer signed, whatever is in it: the input is its entries, each a line with its path, then content up to a
//! zero byte. What its writer takes and its reader takes is the same on both sides.
#![no_main]

use std::{collections::BTreeMap, sync::LazyLock};

use bundle_format::{
    forbidden::Forbidden,
    limits::Limits,
    manifest::Manifest,
    name::EntryPath,
    reader::{Tarball, Unverified, Visitor},
    slice::Slice,
    writer::{self, Entries, Signer as _},
};
use libfuzzer_sys::fuzz_target;
use reseal::signer::SignerKey;
use zeroize::Zeroizing;

static SIGNER: LazyLock<SignerKey> = LazyLock::new(|| SignerKey::generate().expect("a key can be made"));

#[derive(Default)]
struct Taken {
    slices: Vec<Slice>,
    entries: BTreeMap<EntryPath, Zeroizing<Vec<u8>>>,
}

impl Visitor for Taken {
    fn slice(&mut self, slice: Slice) {
        self.slices.push(slice);
    }
    fn wants(&mut self, _: &EntryPath) -> bool {
        true
    }
    fn entry(&mut self, path: EntryPath, content: Zeroizing<Vec<u8>>) {
        assert!(self.entries.insert(path, content).is_none(), "an entry comes once");
    }
}

fn entries(input: &[u8]) -> Entries {
    let entry = |bytes: &[u8]| {
        let at = bytes.iter().position(|byte| *byte == b'\n')?;
        let path = std::str::from_utf8(&bytes[..at]).ok()?.parse().ok()?;
        Some((path, Zeroizing::new(bytes[at + 1..].to_vec())))
    };
    input.split(|byte| *byte == 0).filter_map(entry).collect()
}

fuzz_target!(|input: &[u8]| {
    let entries = entries(input);
    let Some(Ok(manifest)) =
        entries.iter().find(|(path, _)| path.as_str() == "bundle.json").map(|(_, content)| serde_json::from_slice::<Manifest>(content))
    else {
        return;
    };
    let written = writer::write(&manifest.name(), manifest.created, entries.clone(), &*SIGNER, &Forbidden::default());
    let Ok(bytes) = written else { return };
    let open = || Tarball::open(bytes.as_slice()).and_then(|tarball| Unverified::open(tarball, Limits::default()));
    let unverified = open().expect("a head that was written is read");
    let signers = unverified.claimed_signers().expect("it names its signers");
    let Ok(verified) = unverified.verify(&signers.into_iter().collect()) else { return };
    assert!(*verified.manifest() == manifest);
    let mut taken = Taken::default();
    if verified.read(&mut taken).is_err() {
        return;
    }
    assert_eq!(taken.slices.len(), manifest.nodes.len());
    for slice in taken.slices {
        let path = EntryPath::slice_of(&slice.node);
        let written = serde_json::from_slice::<Slice>(&entries[&path]).expect("it was read before");
        assert!(written == slice);
    }
    for (path, content) in &taken.entries {
        assert!(*path.as_str() == *"signer.pub" && **content == *SIGNER.public_key_pem().as_bytes() || entries[path] == *content);
    }
    let handed_on = |path: &EntryPath| taken.entries.contains_key(path) || path.as_slice_of().is_some();
    assert!(
        entries
            .keys()
            .filter(|path| !matches!(path.as_str(), "bundle.json" | "signer.pub" | "SHA256SUMS" | "SHA256SUMS.sig"))
            .filter(|path| !path.is_countersignature())
            .all(handed_on)
    );
});
