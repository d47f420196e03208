//! Tar blocks below a gzip layer that is always sound: the input is the archive itself, so that headers are reached. What is taken for a
//! bundle's archive is read by another library as the same entries.
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

fuzz_target!(|archive: &[u8]| {
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
});
