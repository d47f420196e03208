//! What stands in a verified bundle: list, manifest, slice; and the site file on the workstation.
#![no_main]

use std::path::Path;

use bundle_format::{manifest::Manifest, slice::Slice, sums::Sums};
use libfuzzer_sys::fuzz_target;
use reseal::site::{Making, Site, SiteFile};
use time::OffsetDateTime;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(sums) = Sums::parse(bytes) {
        assert_eq!(sums.to_bytes(), bytes, "one list has one form");
    }
    if let Ok(manifest) = serde_json::from_slice::<Manifest>(bytes)
        && let Ok(text) = serde_json::to_vec(&manifest)
    {
        assert_eq!(serde_json::from_slice::<Manifest>(&text).ok(), Some(manifest));
    }
    if let Ok(slice) = serde_json::from_slice::<Slice>(bytes) {
        let text = serde_json::to_vec(&slice).expect("a slice can be written");
        assert_eq!(serde_json::from_slice::<Slice>(&text).ok(), Some(slice));
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(file) = SiteFile::parse(text, Path::new("/site"))
    {
        let _ = Site::new(file, Making { serial: None, created: OffsetDateTime::UNIX_EPOCH, force_version: true });
    }
});
