//! What a member of etcd, or whoever listens at its address, answers: first two bytes of status, then the body.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reseal_node::etcd::answers::{self, Health, MOST_BYTES, MOST_REASON, MOST_VERSION};
use serde_json::Value;

/// The member of the document as another reader finds it. That reader also looks into what is passed over here: what it finds wrong
/// there (depth, a number out of range, half a surrogate pair) is no difference.
fn check(body: &[u8], name: &str, is_right: impl Fn(&Value) -> bool) {
    if let Ok(document) = serde_json::from_slice::<Value>(body) {
        assert!(is_right(&document[name]), "{document}");
    }
}

fn text_number(value: &Value) -> Option<u64> {
    value.as_str()?.parse().ok()
}

fuzz_target!(|input: &[u8]| {
    let Some((status, body)) = input.split_first_chunk::<2>() else { return };
    let status = u16::from_be_bytes(*status);
    match answers::health(status, body) {
        Ok(Health::Well) => {
            assert_eq!(status, 200, "a failure is never well");
            check(body, "health", |health| *health == true || *health == "true");
        }
        Ok(Health::Unwell(reason)) => assert!(reason.is_none_or(|reason| (1..=MOST_REASON).contains(&reason.chars().count()))),
        Err(_) => {}
    }
    if let Ok(version) = answers::version(status, body) {
        assert!(status == 200 && version.len() <= MOST_VERSION && !version.contains(|c: char| c.is_control() || c == ' '));
        check(body, "etcdserver", |found| *found == *version);
    }
    if let Ok(found) = answers::status(status, body) {
        assert!(status == 200 && body.len() <= MOST_BYTES && found.member != 0 && found.leader != Some(0));
        check(body, "header", |header| [header["member_id"].as_u64(), text_number(&header["member_id"])].contains(&Some(found.member)));
    }
});
