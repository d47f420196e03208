//! Byte-exact editing of a JSON document: what is a document before is one afterwards, with the same values but for the edited ones.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reseal_node::json::edit;
use serde_json::Value;

fn edited(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(edited),
        Value::Object(members) => members.iter_mut().for_each(|(name, value)| match value {
            Value::String(text) if name == "expiry" && text == "87600h" => *text = "876000h".to_owned(),
            other => edited(other),
        }),
        _ => {}
    }
}

fuzz_target!(|document: &[u8]| {
    let Ok(outcome) = edit(document, "expiry", "87600h", "876000h") else { return };
    if outcome.changed == 0 {
        assert_eq!(outcome.content, document);
    }
    let strip = |bytes: &[u8]| bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).to_vec();
    let Ok(mut before) = serde_json::from_slice::<Value>(&strip(document)) else { return };
    edited(&mut before);
    assert_eq!(serde_json::from_slice::<Value>(&strip(&outcome.content)).ok(), Some(before));
    let again = edit(&outcome.content, "expiry", "87600h", "876000h").expect("an edited document can be edited");
    assert_eq!((again.changed, again.content), (0, outcome.content));
});
