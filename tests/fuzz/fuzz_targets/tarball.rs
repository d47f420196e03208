//! Tar blocks below a gzip layer that is always sound: the input is the archive itself, so that headers are reached.
#![no_main]

use std::io::Write as _;

use bundle_format::reader::{Source as _, Tarball};
use flate2::{Compression, GzBuilder};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|archive: &[u8]| {
    let extra = [&b"RS\x20\0"[..], &[0; 32]].concat();
    let mut gzip = GzBuilder::new().operating_system(255).extra(extra).write(Vec::new(), Compression::none());
    if gzip.write_all(archive).is_err() { return }
    let Ok(bytes) = gzip.finish() else { return };
    let Ok(mut source) = Tarball::open(bytes.as_slice()) else { return };
    let mut buffer = [0; 4096];
    let mut entries = 0;
    while let Ok(Some((_, size))) = source.next() {
        entries += 1;
        // Read some entries whole, skip others.
        if entries % 2 == 0 {
            let mut read = 0;
            while let Ok(count @ 1..) = source.read(&mut buffer) {
                read += count as u64;
            }
            assert!(read <= size);
        }
    }
    let _ = source.finish();
});
