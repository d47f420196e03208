//! The reader against its own writer and against everything that differs from it.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

mod common;

use std::{collections::BTreeMap, io::Read as _};

use bundle_format::{
    digest::Digest,
    forbidden::Forbidden,
    limits::Limits,
    manifest::{Manifest, Sealing},
    name::EntryPath,
    reader::{BundleError, Complete, Tarball, Unverified, Visitor},
    sealing::{Identity, Lock},
    signature::{SignatureError, TrustedSigners},
    slice::Slice,
    writer::{self, Entries, Secret, WriteError},
};
use common::{FixedSigner, entries, manifest, name, pack, path, slice};
use proptest::prelude::*;
use zeroize::Zeroizing;

#[derive(Default)]
struct Everything {
    slices: Vec<Slice>,
    entries: BTreeMap<EntryPath, Vec<u8>>,
}

impl Visitor for Everything {
    fn slice(&mut self, slice: Slice) {
        self.slices.push(slice);
    }
    fn wants(&mut self, _: &EntryPath) -> bool {
        true
    }
    fn entry(&mut self, path: EntryPath, content: Zeroizing<Vec<u8>>) {
        self.entries.insert(path, content.to_vec());
    }
}

fn read_trusting(bundle: &[u8], trusted: &TrustedSigners, everything: &mut Everything) -> Result<Complete, BundleError> {
    Unverified::open(Tarball::open(bundle)?, Limits::default())?.verify(trusted)?.read(everything)
}

fn read(bundle: &[u8]) -> Result<Complete, BundleError> {
    read_trusting(bundle, &FixedSigner::new(1).trusted(), &mut Everything::default())
}

/// Recompresses an unpacked tarball into a bundle whose outer digest fits.
fn compress(tar: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut gz = flate2::GzBuilder::new()
        .operating_system(255)
        .extra([b"RS\x20\0".as_slice(), &[0; 32]].concat())
        .write(Vec::new(), flate2::Compression::default());
    gz.write_all(tar).unwrap();
    let mut bundle = gz.finish().unwrap();
    let digest = Digest::of(&bundle[48..]);
    bundle[16..48].copy_from_slice(digest.as_bytes());
    bundle
}

fn decompress(bundle: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(bundle).read_to_end(&mut tar).unwrap();
    tar
}

#[test]
fn what_was_written_comes_back() {
    let mut everything = Everything::default();
    let complete = read_trusting(&pack(entries()), &FixedSigner::new(1).trusted(), &mut everything).unwrap();
    assert_eq!(complete.manifest, manifest());
    assert_eq!(complete.signers, [FixedSigner::new(1).fingerprint()]);
    assert_eq!(everything.slices, [slice("n1"), slice("n2")]);
    assert_eq!(everything.entries[&path("certs/etcd-ca.pem")], b"a certificate\n");
}

#[test]
fn same_inputs_give_the_same_bytes() {
    assert_eq!(pack(entries()), pack(entries()));
}

#[test]
fn a_flip_of_any_bit_is_refused() {
    let good = pack(entries());
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(
            matches!(read(&bad), Err(BundleError::Damaged | BundleError::NotABundle | BundleError::Trailing)),
            "bit {bit}: {:?}",
            read(&bad).err()
        );
    }
}

#[test]
fn a_flip_in_any_byte_below_the_compression_is_refused() {
    let tar = decompress(&pack(entries()));
    for byte in 0..tar.len() {
        let bit = byte * 8 + byte % 8;
        let mut bad = tar.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&compress(&bad)).is_err(), "bit {bit}");
    }
    assert!(read(&compress(&tar)).is_ok());
}

#[test]
fn every_truncation_is_refused() {
    let good = pack(entries());
    for length in 0..good.len() {
        assert!(read(&good[..length]).is_err(), "{length}");
    }
    let tar = decompress(&good);
    for length in (0..tar.len()).step_by(256) {
        assert!(read(&compress(&tar[..length])).is_err(), "{length}");
    }
}

#[test]
fn trailing_data_is_refused() {
    let good = pack(entries());
    let after = |more: &[u8]| {
        let mut bundle = [&good, more].concat();
        let digest = Digest::of(&bundle[48..]);
        bundle[16..48].copy_from_slice(digest.as_bytes());
        bundle
    };
    assert!(matches!(read(&after(b"x")), Err(BundleError::Trailing)));
    assert!(matches!(read(&after(&good)), Err(BundleError::Trailing)));
    let tar = decompress(&good);
    assert!(matches!(read(&compress(&[&tar, &[0; 512][..]].concat())), Err(BundleError::Trailing)));
}

#[test]
fn only_a_trusted_signer_is_accepted() {
    let bundle = pack(entries());
    let error = |trusted: &TrustedSigners| read_trusting(&bundle, trusted, &mut Everything::default()).unwrap_err();
    assert!(matches!(error(&TrustedSigners::default()), BundleError::Signature(SignatureError::NoneTrusted(_))));
    assert!(matches!(error(&FixedSigner::new(2).trusted()), BundleError::Signature(SignatureError::Stranger { .. })));
}

/// A signature by a trusted key, but over another list.
#[test]
fn a_signature_over_another_list_is_refused() {
    let tar = decompress(&pack(entries()));
    let mut other = entries();
    other.insert(path("README.txt"), Zeroizing::new(b"more".to_vec()));
    let other = decompress(&pack(other));
    let sums = 512 + tar[512..].chunks(512).position(|block| block.starts_with(b"site-7/SHA256SUMS.sig\0")).unwrap() * 512;
    let other_sums = 512 + other[512..].chunks(512).position(|block| block.starts_with(b"site-7/SHA256SUMS.sig\0")).unwrap() * 512;
    let mixed = [&tar[..sums], &other[other_sums..other_sums + 1024], &tar[sums + 1024..]].concat();
    assert!(matches!(read(&compress(&mixed)), Err(BundleError::Signature(SignatureError::Mismatch(_)))));
}

#[test]
fn documents_that_contradict_the_manifest_are_refused() {
    let with = |at: &str, content: Vec<u8>| {
        let mut entries = entries();
        entries.insert(path(at), Zeroizing::new(content));
        read(&pack(entries)).unwrap_err()
    };
    let json = |slice: &Slice| serde_json::to_vec(slice).unwrap();
    assert!(matches!(with("nodes/n1.json", json(&slice("n2"))), BundleError::Contradiction { what: "node", .. }));
    assert!(matches!(with("nodes/n3.json", json(&slice("n3"))), BundleError::Contradiction { what: "node", .. }));
    let mut later = slice("n1");
    later.serial = "8".parse().unwrap();
    assert!(matches!(with("nodes/n1.json", json(&later)), BundleError::Contradiction { what: "serial", .. }));
    let text = String::from_utf8(json(&slice("n1"))).unwrap();
    assert!(matches!(with("nodes/n1.json", text.replace("certs/etcd-ca.pem", "certs/x").into_bytes()), BundleError::Dangling { .. }));
    for (from, to) in [
        ("install-files", "run-shell"),
        ("\"mode\"", "\"moed\""),
        ("\"0644\"", "\"4755\""),
        ("/srv/kubernetes", "/srv/../etc"),
        ("/srv/kubernetes", "/var/lib/reseal"),
    ] {
        let error = with("nodes/n1.json", text.replace(from, to).into_bytes());
        assert!(matches!(&error, BundleError::Malformed { .. }), "{from}: {error}");
    }
    let mut later = manifest();
    later.needs_executor = "99.0.0".parse().unwrap();
    let slices =
        [("nodes/n1.json", text.replace("install-files", "run-shell").into_bytes()), ("bundle.json", serde_json::to_vec(&later).unwrap())];
    let mut for_later = entries();
    for_later.extend(slices.map(|(at, content)| (path(at), Zeroizing::new(content))));
    let error = read(&pack(for_later)).unwrap_err();
    assert!(matches!(&error, BundleError::NeedsLater { needs, .. } if needs.to_string() == "99.0.0"), "{error}");
    let with_more = serde_json::to_string(&later).unwrap().replacen('{', "{\"more\":1,", 1);
    let error = with("bundle.json", with_more.into_bytes());
    assert!(matches!(&error, BundleError::NeedsLater { needs, .. } if needs.to_string() == "99.0.0"), "{error}");
}

#[test]
fn a_missing_slice_is_refused() {
    let mut entries = entries();
    entries.remove(&path("nodes/n2.json"));
    assert!(matches!(read(&pack(entries)), Err(BundleError::Missing(missing)) if missing == path("nodes/n2.json")));
}

/// Rewrites the tarball entry by entry, keeping the signed list as it is.
fn rearranged(change: impl Fn(&mut Vec<Vec<u8>>)) -> Vec<u8> {
    let tar = decompress(&pack(entries()));
    let mut parts = Vec::new();
    let mut at = 0;
    while tar[at] != 0 {
        let size = usize::from_str_radix(std::str::from_utf8(&tar[at + 124..at + 135]).unwrap(), 8).unwrap();
        let end = at + 512 + size.div_ceil(512) * 512;
        parts.push(tar[at..end].to_vec());
        at = end;
    }
    change(&mut parts);
    compress(&[parts.concat(), tar[at..].to_vec()].concat())
}

#[test]
fn entries_must_match_the_list_one_to_one_and_in_order() {
    assert!(read(&rearranged(|_| {})).is_ok());
    for gone in [5, 6, 7] {
        assert!(matches!(read(&rearranged(|parts| drop(parts.remove(gone)))), Err(BundleError::Missing(_))), "{gone}");
    }
    let unlisted = rearranged(|parts| {
        let mut header = tar::Header::new_old();
        header.as_mut_bytes().copy_from_slice(&parts[6][..512]);
        header.set_path("site-7/certs/etcd-cb.pem").unwrap();
        header.set_cksum();
        parts.insert(7, [header.as_bytes(), &parts[6][512..]].concat());
    });
    assert!(matches!(read(&unlisted), Err(BundleError::Unlisted(at)) if at == path("certs/etcd-cb.pem")));
    assert!(matches!(read(&rearranged(|parts| parts.insert(5, parts[4].clone()))), Err(BundleError::Duplicate(_))));
    assert!(matches!(read(&rearranged(|parts| parts.swap(4, 5))), Err(BundleError::Order { .. })));
    assert!(matches!(read(&rearranged(|parts| parts.swap(0, 1))), Err(BundleError::Expected { .. })));
    assert!(matches!(read(&rearranged(|parts| parts.swap(3, 4))), Err(BundleError::Expected { .. })));
}

#[test]
fn headers_have_one_form_and_regular_files_only() {
    let with_header = |change: &dyn Fn(&mut tar::Header)| {
        rearranged(|parts| {
            let mut header = tar::Header::new_old();
            header.as_mut_bytes().copy_from_slice(&parts[4][..512]);
            change(&mut header);
            header.set_cksum();
            parts[4][..512].copy_from_slice(header.as_bytes());
        })
    };
    assert!(read(&with_header(&|_| {})).is_ok());
    for kind in [b'1', b'2', b'3', b'4', b'5', b'6', b'7', b'L', b'K', b'S', b'x', b'g', b'Z'] {
        assert!(
            matches!(read(&with_header(&|header| header.set_entry_type(tar::EntryType::new(kind)))), Err(BundleError::EntryType { .. })),
            "{kind}"
        );
    }
    assert!(matches!(read(&with_header(&|header| header.set_mode(0o4755))), Err(BundleError::Header(_))));
    assert!(matches!(read(&with_header(&|header| header.set_uid(1))), Err(BundleError::Header(_))));
    assert!(matches!(read(&with_header(&|header| header.set_mtime(1))), Err(BundleError::Header(_))));
    for size in [1 << 31, 1 << 32, 1 << 33, u64::MAX] {
        assert!(matches!(read(&with_header(&|header| header.set_size(size))), Err(BundleError::TooLarge { .. })), "{size}");
    }
    for size in [0, 1, 1023] {
        assert!(read(&with_header(&|header| header.set_size(size))).is_err(), "{size}");
    }
    let named = |name: &'static [u8]| {
        with_header(&move |header: &mut tar::Header| {
            header.as_mut_bytes()[..100].fill(0);
            header.as_mut_bytes()[..name.len()].copy_from_slice(name);
        })
    };
    assert!(matches!(read(&named(b"other-7/nodes/n1.json")), Err(BundleError::Outside { .. })));
    assert!(matches!(read(&named(b"n1.json")), Err(BundleError::Outside { .. })));
    for name in [&b"site-7/../n1.json"[..], b"site-7//etc/passwd", b"site-7/nodes\\n1.json", b"site-7/nodes/n1.json/"] {
        assert!(matches!(read(&named(name)), Err(BundleError::Name(_))), "{name:?}");
    }
    assert!(matches!(read(&named(b"site-7/nodes/\xff.json")), Err(BundleError::Header(_))));
    assert!(matches!(read(&named(b"site-7/NODES/n1.json")), Err(BundleError::Unknown(_))));
    assert!(matches!(read(&named(b"site-7/nodes/n3.json")), Err(BundleError::Unlisted(_))));
}

#[test]
fn limits_hold() {
    let bundle = pack(entries());
    let limited = |limits: Limits| {
        Unverified::open(Tarball::open(bundle.as_slice())?, limits)?
            .verify(&FixedSigner::new(1).trusted())?
            .read(&mut Everything::default())
    };
    let limits = Limits::default();
    assert!(matches!(limited(Limits { sums: 10, ..limits }), Err(BundleError::TooLarge { .. })));
    assert!(matches!(limited(Limits { signature: 10, ..limits }), Err(BundleError::TooLarge { .. })));
    assert!(matches!(limited(Limits { manifest: 10, ..limits }), Err(BundleError::TooLarge { .. })));
    assert!(matches!(limited(Limits { document: 10, ..limits }), Err(BundleError::TooLarge { .. })));
    assert!(matches!(limited(Limits { entries: 2, ..limits }), Err(BundleError::TooMany(2))));
    assert!(matches!(limited(Limits { total: 300, ..limits }), Err(BundleError::TotalTooLarge(300))));
    assert!(matches!(limited(Limits { kept: 13, ..limits }), Err(BundleError::KeptTooLarge(13))));
    assert!(limited(Limits { entries: 8, ..limits }).is_ok() && limited(Limits { entries: 7, ..limits }).is_err());
}

#[test]
fn the_writer_refuses_what_must_not_leave() {
    let secret = [7_u8; 64];
    let mut forbidden = Forbidden::default();
    forbidden.add(&secret);
    let write = |entries: Entries| writer::write(&name(), manifest().created, entries, &FixedSigner::new(1), &forbidden);
    assert!(write(entries()).is_ok());
    let mut leaking = entries();
    leaking.insert(path("README.txt"), Zeroizing::new([&b"text "[..], &secret].concat()));
    assert!(matches!(write(leaking), Err(WriteError::Forbidden(at)) if at == path("README.txt")));
    let mut odd = entries();
    odd.insert(path("odd"), Zeroizing::new(vec![]));
    assert!(matches!(write(odd), Err(WriteError::NoPlace(_))));
    let mut large = entries();
    large.insert(path("README.txt"), Zeroizing::new(vec![0; 1 << 21]));
    assert!(matches!(write(large), Err(WriteError::TooLarge { .. })));
}

#[test]
fn what_must_not_leave_is_refused_before_it_is_sealed() {
    let secret = [7_u8; 64];
    let mut forbidden = Forbidden::default();
    forbidden.add(&secret);
    let leaking = [&b"text "[..], &secret].concat();
    let (identity, node) = (Identity::generate(), "n2".parse().unwrap());
    let recipient = identity.recipient();
    let write = |content: &[u8]| {
        let first = Secret { entry: path("secrets/n1/a.age"), node: None, content: b"harmless", lock: Lock::Recipients(vec![&recipient]) };
        let second = Secret { entry: path("secrets/n2/a.age"), node: Some(&node), content, lock: Lock::Recipients(vec![&recipient]) };
        writer::write_sealed(&name(), manifest().created, entries(), &[first, second], &FixedSigner::new(1), &forbidden)
    };
    assert!(matches!(write(&leaking), Err(WriteError::Forbidden(at)) if at == path("secrets/n2/a.age")));
    assert!(write(b"harmless too").is_ok());
}

#[test]
fn what_is_sealed_is_as_the_manifest_says() {
    let with = |sealing: Option<Sealing>, secrets: &[&str]| {
        let mut entries = entries();
        let mut add = |path: EntryPath, content: Vec<u8>| drop(entries.insert(path, Zeroizing::new(content)));
        add(path("bundle.json"), serde_json::to_vec(&Manifest { sealing, ..manifest() }).unwrap());
        for secret in secrets {
            add(path(secret), b"sealed".to_vec());
        }
        if !secrets.is_empty() {
            drop(entries.remove(&path("secrets/etcd-key.pem")));
        }
        read(&pack(entries))
    };
    let (nodes, site) = (Some(Sealing::default()), Some(Sealing { site_recipient: Some(Identity::generate().recipient()) }));
    let identity = "secrets/site-identity.age";
    assert!(with(None, &[]).is_ok() && with(nodes.clone(), &["secrets/n1/key.age"]).is_ok() && with(site.clone(), &[identity]).is_ok());
    assert!(matches!(with(None, &["secrets/n1/key.age"]), Err(BundleError::Sealed(_))));
    assert!(matches!(with(nodes.clone(), &[]), Err(BundleError::NotSealed(at)) if at == path("secrets/etcd-key.pem")));
    for odd in ["secrets/n3/key.age", "secrets/key.age", "secrets/n1/key", "secrets/n1/x/key.age", identity] {
        assert!(matches!(with(nodes.clone(), &[odd]), Err(BundleError::NotSealed(at)) if at == path(odd)), "{odd}");
    }
    assert!(matches!(with(site, &["secrets/n1/key.age"]), Err(BundleError::Dangling { entry, .. }) if entry == path(identity)));
    let own = "secrets/n1/key.age";
    let named_by = |node: &str| {
        let mut entries = entries();
        let mut named = slice(node);
        named.entries_mut().for_each(|entry| *entry = path(own));
        drop(entries.remove(&path("secrets/etcd-key.pem")));
        let manifest = Manifest { sealing: nodes.clone(), ..manifest() };
        let [manifest, named] = [serde_json::to_vec(&manifest).unwrap(), serde_json::to_vec(&named).unwrap()].map(Zeroizing::new);
        entries.extend([(path("bundle.json"), manifest), (EntryPath::slice_of(&node.parse().unwrap()), named)]);
        drop(entries.insert(path(own), Zeroizing::new(b"sealed".to_vec())));
        read(&pack(entries))
    };
    assert!(named_by("n1").is_ok());
    assert!(matches!(named_by("n2"), Err(BundleError::ForeignSecret { entry, .. }) if entry == path(own)));
    let mut both = entries();
    both.extend([path("certs/a"), path("certs/a/b")].map(|path| (path, Zeroizing::new(Vec::new()))));
    let refused = writer::write(&name(), manifest().created, both, &FixedSigner::new(1), &Forbidden::default());
    assert!(matches!(refused, Err(WriteError::FileAndFolder(file, _)) if file == path("certs/a")));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(read(&bytes).is_err());
        prop_assert!(read(&compress(&bytes)).is_err());
    }
}
