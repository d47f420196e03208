//! The key loader, with and without a passphrase. A key that was read can be written and read again, and is the same one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reseal::x509::key::{Passphrase, PrivateKey};

fn check(key: &PrivateKey) {
    let text = key.to_pem();
    let again = PrivateKey::load(text.as_bytes(), None).expect("what was written is read");
    assert_eq!((again.kind(), again.spki_der()), (key.kind(), key.spki_der()));
    assert_eq!(again.to_pem(), text, "one key has one text");
    assert!(key.secrets().len() >= 2, "what must be found in no bundle");
    assert_eq!(format!("{key:?}"), format!("PrivateKey({}, {})", key.kind(), key.public_key()), "nothing but what is public");
}

fuzz_target!(|bytes: &[u8]| {
    let open = PrivateKey::load(bytes, None);
    let with_passphrase = PrivateKey::load(bytes, Some(&Passphrase::from("right".to_owned())));
    if let Ok(key) = &open {
        check(key);
        assert_eq!(with_passphrase.as_ref().map(PrivateKey::spki_der).ok(), Some(key.spki_der()), "a needless passphrase is no obstacle");
    } else if let Ok(key) = &with_passphrase {
        check(key);
    }
});
