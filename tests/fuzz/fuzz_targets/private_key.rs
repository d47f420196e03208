//! The key loader, with and without a passphrase.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reseal::x509::key::{Passphrase, PrivateKey};

fuzz_target!(|bytes: &[u8]| {
    let _ = PrivateKey::load(bytes, None);
    let _ = PrivateKey::load(bytes, Some(&Passphrase::from("right".to_owned())));
});
