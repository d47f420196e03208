//! The facts of a node: as they come, and with a digest that fits, as whoever changed them would make it; then the site file of them.
#![no_main]

use bundle_format::{digest::Digest, facts};
use libfuzzer_sys::fuzz_target;
use reseal::facts::{Draft, Told, Wishes};
use time::OffsetDateTime;

fuzz_target!(|bytes: &[u8]| {
    let _ = (facts::read(bytes), facts::is_facts(bytes));
    // All but the last two lines, which hold the digest.
    let body: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let body = body[..body.len().saturating_sub(2)].concat();
    let end = format!("  \"sha256\": \"{}\"\n}}\n", Digest::of(&body));
    let Ok(read) = facts::read(&[body.as_slice(), end.as_bytes()].concat()) else { return };
    let text = facts::write(&read).expect("what is read can be written");
    assert_eq!(facts::read(text.as_bytes()).ok(), Some(read.clone()));
    let other = Told { file: "b.json".to_owned(), facts: read.clone() };
    let _ = Draft::of(vec![Told { file: "a.json".to_owned(), facts: read }, other], OffsetDateTime::UNIX_EPOCH, &Wishes::default());
});
