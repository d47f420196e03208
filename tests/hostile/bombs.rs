//! What is small on the stick and large in memory, or takes for ever.

use std::fmt::Write as _;

use super::{Bench, forge, forge::Forge};

fn signed(change: impl Fn(&mut Forge)) -> Vec<u8> {
    let mut forge = forge();
    change(&mut forge);
    forge.sign();
    forge.pack()
}

#[test]
fn compressed_a_thousand_to_one() {
    let mut bench = Bench::new();
    let gigabyte = signed(|forge| forge.find("README.txt").content = vec![0; 1 << 28]);
    assert!(gigabyte.len() < 1 << 19);
    bench.refuses("256 MiB of zeros for a readme", &gigabyte, "`README.txt` claims 268435456 bytes; at most 1048576 are taken");
    let mut executor = forge();
    executor.find("executor/linux-x86_64/reseal-node").content = vec![0; 64 << 20];
    bench.refuses("64 MiB of zeros that are not listed so", &executor.pack(), "`executor/linux-x86_64/reseal-node` has the SHA-256");
    let many = signed(|forge| {
        for number in (10..27).rev() {
            forge.insert(Some("reseal-node"), &format!("executor/linux-{}/reseal-node", 36 - number), &vec![0; 64 << 20]);
        }
        let executor = forge.remove("executor/linux-x86_64/reseal-node");
        let at = forge.entries.iter().position(|entry| entry.path == "reseal-node").unwrap();
        forge.entries.insert(at, executor);
    });
    bench.refuses("seventeen executors of 64 MiB", &many, "unpacked, the bundle is larger than 1073741824 bytes");
}

#[test]
fn a_million_entries() {
    let mut bench = Bench::new();
    let mut unlisted = forge();
    let at = unlisted.entries.iter().position(|entry| entry.path == "certs/etcd.pem").unwrap();
    let entry = |number: usize| super::forge::Entry { path: format!("certs/a{number:07}"), content: Vec::new(), header: None };
    unlisted.entries.splice(at..at, (0..1_000_000).map(entry));
    bench.refuses("a million entries that nobody listed", &unlisted.pack(), "`certs/a0000000` is not in SHA256SUMS");
    let many = |count: usize| {
        signed(|forge| {
            let at = forge.entries.iter().position(|entry| entry.path == "certs/etcd-ca.pem").unwrap();
            let _ = forge.entries.splice(at..at, (0..count).map(entry));
        })
    };
    bench.refuses("65,600 entries, all listed", &many(65_600), "there are more than 65536 entries");
    bench.refuses("300,000 entries, all listed", &many(300_000), "`SHA256SUMS` claims");
}

#[test]
fn documents_without_end() {
    const MANIFEST: &str = "`bundle.json` is not understood";
    const SLICE: &str = "`nodes/tos3.json` is not understood";
    let mut bench = Bench::new();
    let manifest = |content: Vec<u8>| signed(|forge| forge.find("bundle.json").content.clone_from(&content));
    let slice = |content: Vec<u8>| signed(|forge| forge.find("nodes/tos3.json").content.clone_from(&content));
    bench.refuses("a million brackets", &manifest(vec![b'['; 1_000_000]), MANIFEST);
    bench.refuses("a million braces", &manifest(b"{\"a\":".repeat(200_000)), MANIFEST);
    bench.refuses("a number of a million digits", &manifest([b"{\"format\":".to_vec(), vec![b'9'; 1_000_000]].concat()), MANIFEST);
    bench.refuses("an exponent of a million digits", &manifest([b"{\"format\":1e".to_vec(), vec![b'9'; 1_000_000]].concat()), MANIFEST);
    bench.refuses("a string of 4 MB", &manifest([b"{\"site\":\"".to_vec(), vec![b'a'; 4_000_000], b"\"}".to_vec()].concat()), MANIFEST);
    bench.refuses("a slice of brackets", &slice(vec![b'['; 1_000_000]), SLICE);
    bench.refuses("a slice of 2 MB", &slice(vec![b' '; 2_000_000]), "`nodes/tos3.json` claims 2000000 bytes; at most 1048576 are taken");
    let largest = manifest(vec![b' '; 1 << 25]);
    bench.refuses("a manifest of 32 MiB", &largest, "`bundle.json` claims 33554432 bytes");
    let mut nodes = String::new();
    for number in 0..200_000 {
        let _ = write!(nodes, "{}{{\"name\":\"n{number}\",\"roles\":[\"a\"]}}", if number == 0 { "" } else { "," });
    }
    let text = forge().text("bundle.json");
    let (before, after) = text.split_once("\"nodes\"").unwrap();
    let rest = &after[after.rfind(']').unwrap()..];
    bench.refuses("200,000 nodes", &manifest(format!("{before}\"nodes\":[{nodes}{rest}").into_bytes()), "bundle.json");
}
