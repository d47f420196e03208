//! What a member of etcd, or whoever listens at its address, answers: first two bytes of status, then the body.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reseal_node::etcd::answers::{self, Health, MOST_BYTES, MOST_REASON, MOST_VERSION};
use serde_json::Value;

/// The member of the document, if the bytes are one.
fn member(body: &[u8], name: &str) -> Value {
    serde_json::from_slice::<Value>(body).map_or(Value::Null, |document| document[name].clone())
}

fuzz_target!(|input: &[u8]| {
    let Some((status, body)) = input.split_first_chunk::<2>() else { return };
    let status = u16::from_be_bytes(*status);
    match answers::health(status, body) {
        Ok(Health::Well) => {
            assert_eq!(status, 200, "a failure is never well");
            assert!(matches!(member(body, "health"), Value::Bool(true)) || member(body, "health") == "true");
        }
        Ok(Health::Unwell(reason)) => assert!(reason.is_none_or(|reason| (1..=MOST_REASON).contains(&reason.chars().count()))),
        Err(_) => {}
    }
    if let Ok(version) = answers::version(status, body) {
        assert!(status == 200 && version.len() <= MOST_VERSION && !version.contains(|c: char| c.is_control() || c == ' '));
        assert_eq!(member(body, "etcdserver"), version);
    }
    if let Ok(found) = answers::status(status, body) {
        assert!(status == 200 && body.len() <= MOST_BYTES && found.member != 0 && found.leader != Some(0));
        assert_eq!(found.leads(), found.leader == Some(found.member));
    }
});
