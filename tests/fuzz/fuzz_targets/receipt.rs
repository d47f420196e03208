//! Receipts: a file of them as it comes, and with a digest that fits, as whoever changed it would make it; and the lines that are typed.
#![no_main]

use bundle_format::{
    digest::Digest,
    receipt::{
        self, is_receipt, read_all,
        short::{self, Short},
        verify,
    },
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = (read_all(bytes), is_receipt(bytes));
    if let Ok(text) = std::str::from_utf8(bytes) {
        for read in short::read_all(text).into_iter().flatten() {
            let written = read.write().expect("what is read can be written");
            assert_eq!(short::read_all(&written), [Ok(read)]);
        }
    }
    // All but the last two lines, which hold the digest.
    let body: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let body = body[..body.len().saturating_sub(2)].concat();
    let end = format!("  \"sha256\": \"{}\"\n}}\n", Digest::of(&body));
    let Ok(document) = receipt::read(&[body.as_slice(), end.as_bytes()].concat()) else { return };
    let (text, digest) = receipt::write(&document.receipt).expect("what is read can be written");
    let again = receipt::read(text.as_bytes()).expect("what is written can be read");
    assert_eq!((&again.receipt, again.digest), (&document.receipt, digest));
    let typed = Short::of(&document).write().expect("every receipt has a short form");
    assert_eq!(short::read_all(&typed), [Ok(Short::of(&document))]);
    let _ = verify(&[document, again]);
});
