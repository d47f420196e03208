//! What stands in the place of a sealed secret, whatever it is: opened by an identity and by a passphrase. Then the input as a secret: it
//! opens again in its own place, and not once it was changed.
#![no_main]

use std::sync::LazyLock;

use bundle_format::{
    name::{BundleName, EntryPath, NodeName},
    sealing::{self, Identity, Key, Lock, MOST_HEADER, MOST_STANZAS, Passphrase, Place},
};
use libfuzzer_sys::fuzz_target;

struct Scene {
    bundle: BundleName,
    node: NodeName,
    entry: EntryPath,
    identity: Identity,
    passphrase: Passphrase,
}

/// An identity of 32 bytes 7, so that inputs of the corpus open.
static SCENE: LazyLock<Scene> = LazyLock::new(|| Scene {
    bundle: "site-7".parse().expect("a name"),
    node: "tos1".parse().expect("a name"),
    entry: "secrets/tos1/key.age".parse().expect("a path"),
    identity: Identity::parse(b"AGE-SECRET-KEY-1QURSWPC8QURSWPC8QURSWPC8QURSWPC8QURSWPC8QURSWPC8QURSKMP32K").expect("an identity"),
    passphrase: Passphrase::new("correct horse battery").expect("a passphrase"),
});

/// What must hold of whatever opens: its header is within bounds, and it is shorter than it was sealed.
fn assert_bounded(sealed: &[u8], content: &[u8]) {
    let header = sealed.windows(4).position(|window| window == b"\n---").expect("a header");
    let stanzas = sealed[..header].windows(4).filter(|window| *window == b"\n-> ").count();
    assert!(header < MOST_HEADER && (1..=MOST_STANZAS).contains(&stanzas) && content.len() < sealed.len());
}

fuzz_target!(|input: &[u8]| {
    let Scene { bundle, node, entry, identity, passphrase } = &*SCENE;
    let place = Place { bundle, node: Some(node), entry };
    for key in [Key::Identity(identity), Key::Passphrase(passphrase)] {
        if let Ok(content) = sealing::open(place, input, key) {
            assert_bounded(input, &content);
        }
    }
    let recipient = identity.recipient();
    let mut sealed = sealing::seal(place, input, &Lock::Recipients(vec![&recipient])).expect("it can be sealed");
    let opened = sealing::open(place, &sealed, Key::Identity(identity)).expect("its own opens it");
    assert_eq!(opened.as_slice(), input);
    assert_bounded(&sealed, &opened);
    let elsewhere = Place { node: None, ..place };
    assert!(sealing::open(elsewhere, &sealed, Key::Identity(identity)).is_err());
    let at = input.iter().map(|byte| usize::from(*byte)).sum::<usize>() % sealed.len();
    sealed[at] ^= 1;
    assert!(sealing::open(place, &sealed, Key::Identity(identity)).is_err());
});
