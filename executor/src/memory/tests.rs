use bundle_format::{FORMAT, manifest::Manifest, sums::Sums, version::Version};
use proptest::prelude::*;
use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

fn signer(seed: u8) -> Fingerprint {
    Fingerprint::of_spki(&[seed])
}

/// A bundle of the site `site`, of this serial and content, that asks for so many signers and has these.
fn bundle(serial: u64, content: &str, needs: u8, signers: &[u8]) -> Complete {
    let manifest = Manifest {
        sealing: None,
        format: FORMAT,
        needs_executor: Version::own(),
        needs_signers: needs.try_into().unwrap(),
        site: "site".parse().unwrap(),
        serial: serial.try_into().unwrap(),
        created: NOW,
        not_after: NOW,
        profile: "tos".parse().unwrap(),
        authorities: Vec::new(),
        nodes: Vec::new(),
    };
    let sums = Sums { name: manifest.name(), digests: std::collections::BTreeMap::new() };
    let signers = signers.iter().map(|seed| signer(*seed)).collect();
    Complete { signers, identity: Digest::of(format!("{serial}{content}").as_bytes()), sums, manifest }
}

fn after(memory: &Memory, complete: &Complete) -> Memory {
    let lesson = memory.learn(complete, NOW);
    let mut memory = memory.clone();
    for pin in lesson.pins {
        memory.pins.retain(|known| known.fingerprint != pin.fingerprint);
        memory.pins.push(pin);
    }
    if let Some(floor) = lesson.floor {
        memory.floors = vec![floor];
    }
    memory
}

#[test]
fn a_bundle_teaches_whose_it_is_and_how_far_the_site_has_come() {
    let first = bundle(7, "", 1, &[1]);
    let memory = after(&Memory::default(), &first);
    assert!(memory.has_pinned(&signer(1)) && !memory.has_pinned(&signer(2)));
    assert_eq!(memory.pins[0].by.as_deref(), Some("site-7"));
    assert!(memory.learn(&first, NOW + time::Duration::DAY).is_empty(), "the same bundle teaches nothing twice");
    let memory = after(&memory, &bundle(8, "", 1, &[1, 2]));
    let serials: Vec<Option<u64>> = memory.pins.iter().map(|pin| pin.last_serial.map(u64::from)).collect();
    assert_eq!((serials, memory.pins[0].by.as_deref()), (vec![Some(8), Some(8)], Some("site-7")));
}

#[test]
fn an_older_serial_a_reused_one_and_another_site_are_told_apart() {
    let memory = after(&Memory::default(), &bundle(7, "", 1, &[1]));
    assert_eq!(memory.admit(&bundle(7, "", 1, &[1]), false), Ok(()));
    assert_eq!(memory.admit(&bundle(8, "", 1, &[1]), false), Ok(()));
    let (found, applied) = (6.try_into().unwrap(), 7.try_into().unwrap());
    assert_eq!(memory.admit(&bundle(6, "", 1, &[1]), false), Err(Mixup::Older { found, applied }));
    assert_eq!(memory.admit(&bundle(6, "", 1, &[1]), true), Ok(()));
    for allows_older in [false, true] {
        assert!(matches!(memory.admit(&bundle(7, "other", 1, &[1]), allows_older), Err(Mixup::Reused { .. })));
        let mut foreign = bundle(9, "", 1, &[1]);
        foreign.manifest.site = "elsewhere".parse().unwrap();
        assert!(matches!(memory.admit(&foreign, allows_older), Err(Mixup::OtherSite { known, .. }) if known[0].as_str() == "site"));
    }
}

#[test]
fn an_older_bundle_that_was_wanted_does_not_lower_the_floor() {
    let (older, newer) = (bundle(6, "", 1, &[1]), bundle(7, "", 1, &[1]));
    let memory = after(&after(&Memory::default(), &newer), &older);
    assert_eq!(memory.floors[0].serial, newer.manifest.serial);
    assert_eq!(memory.admit(&older, false), Ok(()), "it was applied last, and may be again");
    assert_eq!(memory.admit(&newer, false), Ok(()));
    assert!(matches!(memory.admit(&bundle(5, "", 1, &[1]), false), Err(Mixup::Older { .. })));
    let memory = after(&memory, &newer);
    assert!(matches!(memory.admit(&older, false), Err(Mixup::Older { .. })));
}

#[test]
fn the_number_of_signers_never_falls() {
    let memory = after(&Memory::default(), &bundle(7, "", 2, &[1, 2]));
    assert!(matches!(memory.admit(&bundle(8, "", 1, &[1]), true), Err(Mixup::TooFewSigners { .. })));
    let memory = after(&memory, &bundle(8, "", 1, &[1, 3]));
    assert_eq!(memory.floors[0].needs_signers, 2.try_into().unwrap());
    assert!(matches!(memory.admit(&bundle(9, "", 1, &[3]), false), Err(Mixup::TooFewSigners { .. })));
    // A second signature that nobody asked for binds nobody.
    let memory = after(&Memory::default(), &bundle(7, "", 1, &[1, 2]));
    assert_eq!(memory.admit(&bundle(8, "", 1, &[1]), false), Ok(()));
}

#[test]
fn who_is_new_is_said_only_where_others_are_known() {
    let bundle_of = |signers: &[u8]| bundle(8, "", 1, signers);
    assert_eq!(Memory::default().strangers(&bundle_of(&[1, 2])), []);
    let memory = after(&Memory::default(), &bundle(7, "", 1, &[1]));
    assert_eq!(memory.strangers(&bundle_of(&[1])), []);
    assert_eq!(memory.strangers(&bundle_of(&[1, 2])), [signer(2)]);
}

proptest! {
    /// Whatever is admitted and learned in whatever order, serial and number of signers only rise.
    #[test]
    fn floors_only_rise(steps in prop::collection::vec((1u64..6, 0u8..2, 1u8..4, 1usize..4, any::<bool>()), 0..20)) {
        let mut memory = Memory::default();
        for (serial, content, needs, signers, allows_older) in steps {
            let complete = bundle(serial, &content.to_string(), needs, &[1, 2, 3][..signers]);
            if memory.admit(&complete, allows_older).is_err() {
                continue;
            }
            let next = after(&memory, &complete);
            if let (Some(before), Some(then)) = (memory.floors.first(), next.floors.first()) {
                prop_assert!(then.serial >= before.serial && then.needs_signers >= before.needs_signers);
            }
            prop_assert_eq!(next.admit(&complete, false).is_ok(), signers >= next.floors[0].needs_signers.into());
            prop_assert!(next.learn(&complete, NOW + time::Duration::DAY).is_empty());
            memory = next;
        }
    }
}
