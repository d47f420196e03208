//! Tar blocks below a gzip layer that is always sound: the input is the archive itself, as it is and with its checksums put right, so that
//! what is behind them is reached. What is taken for a bundle's archive is read by another library as the same entries.
#![no_main]

use std::io::{Read as _, Write as _};

use bundle_format::reader::{Source as _, Tarball};
use flate2::{Compression, GzBuilder};
use libfuzzer_sys::fuzz_target;

/// Path and content of each entry, read whole; nothing when there is anything to object to.
fn entries(bytes: &[u8]) -> Option<(String, Vec<(String, Vec<u8>)>)> {
    let mut source = Tarball::open(bytes).ok()?;
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    while let Some((path, size)) = source.next().ok()? {
        let mut content = Vec::new();
        while let count @ 1.. = source.read(&mut buffer).ok()? {
            content.extend_from_slice(&buffer[..count]);
        }
        assert_eq!(content.len() as u64, size);
        all.push((path.to_string(), content));
    }
    Some((source.folder().unwrap_or_default().to_owned(), all))
}

/// Skips some entries and reads of others only the beginning: the next header is found all the same.
fn paths(bytes: &[u8]) -> Vec<String> {
    let Ok(mut source) = Tarball::open(bytes) else { return Vec::new() };
    let mut all = Vec::new();
    while let Ok(Some((path, _))) = source.next() {
        all.push(path.to_string());
        if all.len() % 2 == 0 {
            let _ = source.read(&mut [0; 7]);
        }
    }
    let _ = source.finish();
    all
}

/// The archive with the checksum of each header put right (POSIX.1-1988, 10.1.1), as far as sizes lead from one to the next.
fn mended(archive: &[u8]) -> Vec<u8> {
    let mut bytes = archive.to_vec();
    let mut at = 0;
    while let Some(header) = bytes.get_mut(at..at + 512).filter(|header| header[0] != 0) {
        let mut whole = tar::Header::new_old();
        whole.as_mut_bytes().copy_from_slice(header);
        whole.set_cksum();
        header.copy_from_slice(whole.as_bytes());
        let Ok(size @ ..0x10_0000) = whole.entry_size() else { break };
        at += 512 + (size as usize).next_multiple_of(512);
    }
    bytes
}

fuzz_target!(|archive: &[u8]| {
    check(archive);
    check(&mended(archive));
});

fn check(archive: &[u8]) {
    let extra = [&b"RS\x20\0"[..], &[0; 32]].concat();
    let mut gzip = GzBuilder::new().operating_system(255).extra(extra).write(Vec::new(), Compression::none());
    if gzip.write_all(archive).is_err() {
        return;
    }
    let Ok(bytes) = gzip.finish() else { return };
    let skimmed = paths(&bytes);
    let Some((folder, entries)) = entries(&bytes) else { return };
    assert!(skimmed.iter().eq(entries.iter().map(|(path, _)| path)));
    let mut other = tar::Archive::new(archive);
    let mut found = Vec::new();
    for entry in other.entries().expect("a beginning") {
        let mut entry = entry.expect("the other reader takes it too");
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("all of it is there");
        found.push((String::from_utf8_lossy(&entry.path_bytes()).into_owned(), content));
    }
    let expected: Vec<_> = entries.into_iter().map(|(path, content)| (format!("{folder}/{path}"), content)).collect();
    assert!(found == expected, "two readers, two archives");
}
