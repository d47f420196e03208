//! A bundle as bytes, trusted by whatever key it claims: the gzip header, the outer digest, then whatever follows.
#![no_main]

use bundle_format::{
    limits::Limits,
    name::EntryPath,
    reader::{Tarball, Unverified, Visitor},
    slice::Slice,
};
use libfuzzer_sys::fuzz_target;
use zeroize::Zeroizing;

struct All;

impl Visitor for All {
    fn slice(&mut self, _: Slice) {}
    fn wants(&mut self, _: &EntryPath) -> bool {
        true
    }
    fn entry(&mut self, _: EntryPath, _: Zeroizing<Vec<u8>>) {}
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(unverified) = Tarball::open(bytes).and_then(|tarball| Unverified::open(tarball, Limits::default())) else { return };
    let Ok(claimed) = unverified.claimed_signers() else { return };
    let Ok(verified) = unverified.verify_unfinished(&claimed.into_iter().collect()) else { return };
    let _ = verified.read(&mut All);
});
