//! What a client program of a database says, or whatever was named in its place: its standard output, a zero byte, its standard error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reseal_node::database::{Heard, masked};

fuzz_target!(|bytes: &[u8]| {
    let parting = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (output, complaint) = (&bytes[..parting], bytes.get(parting + 1..).unwrap_or_default());
    let heard = Heard::of(output, complaint);
    for answer in &heard.answers {
        assert!(answer.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-".contains(&byte)), "more than an answer has");
    }
    // Said once more, one on a line, they are the same.
    let answers = heard.answers.iter().map(|answer| answer.as_str());
    let said = answers.chain(std::iter::repeat_n("passed", heard.passed)).chain(heard.is_whole.then_some("end"));
    let again: String = said.map(|answer| format!("reseal[{answer}]\n")).collect();
    assert!(Heard::of(again.as_bytes(), b"") == Heard { error: None, ..heard.clone() });
    check_mask(&String::from_utf8_lossy(complaint));
    if let Some((code, text)) = heard.error {
        assert!(text.starts_with('('));
        check_mask(&text);
        let line = format!("ERROR {code} {text}\n");
        assert_eq!(Heard::of(b"", line.as_bytes()).error.map(|(code, _)| code), Some(code));
    }
});

/// What is shown is short, on one line, and has no run of characters that may be a part of a key.
fn check_mask(text: &str) {
    let shown = masked(text);
    assert!(shown.chars().count() <= 300 && !shown.contains(|c: char| c.is_control()));
    for run in shown.split(|c: char| !(c.is_ascii_alphanumeric() || "+/=".contains(c))) {
        assert!(run.len() < 16 || run.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'/'), "{run}");
    }
}
