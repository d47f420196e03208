//! Several signers: who counts, who does not, and that a signature changes nothing else.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

mod common;

use std::io::Read as _;

use bundle_format::{
    countersign::{CountersignError, countersign},
    digest::{Digest, Fingerprint},
    forbidden::Forbidden,
    limits::Limits,
    reader::{BundleError, Complete, Nothing, Source as _, Tarball, Unverified},
    signature::{SignatureError, SignerCount},
    sums::SumsError,
    version::Version,
    writer::{self, Entries, Signer as _, WriteError},
};
use common::{FixedSigner, entries, manifest, name, pack, path};
use zeroize::Zeroizing;

fn fingerprints(seeds: &[u8]) -> Vec<Fingerprint> {
    seeds.iter().map(|seed| FixedSigner::new(*seed).fingerprint()).collect()
}

fn read(bundle: &[u8], trusted: &[u8]) -> Result<Complete, BundleError> {
    let trusted = fingerprints(trusted).into_iter().collect();
    Unverified::open(Tarball::open(bundle)?, Limits::default())?.verify(&trusted)?.read(&mut Nothing)
}

fn needing(signers: u8) -> Entries {
    let mut manifest = manifest();
    manifest.needs_signers = signers.try_into().unwrap();
    let mut entries = entries();
    entries.insert(path("bundle.json"), Zeroizing::new(serde_json::to_vec(&manifest).unwrap()));
    entries
}

fn signed_by(seed: u8, bundle: &[u8]) -> Vec<u8> {
    countersign(bundle, &FixedSigner::new(seed), None, &mut Nothing).unwrap().0
}

/// All entries of a tarball.
fn unpacked(bundle: &[u8]) -> Entries {
    let mut source = Tarball::open(bundle).unwrap();
    let mut entries = Entries::new();
    while let Some((path, size)) = source.next().unwrap() {
        let mut content = Zeroizing::new(vec![0; usize::try_from(size).unwrap()]);
        let mut filled = 0;
        while filled < content.len() {
            filled += source.read(&mut content[filled..]).unwrap();
        }
        entries.insert(path, content);
    }
    entries
}

/// A tarball of these entries, whatever they are, whose outer digest fits.
fn packed(entries: &Entries) -> Vec<u8> {
    use std::io::Write as _;
    let extra = [b"RS\x20\0".as_slice(), &[0; 32]].concat();
    let mut gz = flate2::GzBuilder::new().operating_system(255).extra(extra).write(Vec::new(), flate2::Compression::default());
    let mut ordered: Vec<_> = entries.iter().collect();
    ordered.sort_by_key(|(path, _)| path.canonical_order());
    for (path, content) in ordered {
        let mut header = tar::Header::new_ustar();
        header.set_path(format!("site-7/{path}")).unwrap();
        header.set_mode(path.mode());
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(manifest().created.unix_timestamp().unsigned_abs());
        header.set_size(content.len() as u64);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        gz.write_all(header.as_bytes()).unwrap();
        gz.write_all(content).unwrap();
        gz.write_all(&vec![0; content.len().wrapping_neg() % 512]).unwrap();
    }
    gz.write_all(&[0; 1024]).unwrap();
    let mut bundle = gz.finish().unwrap();
    let digest = Digest::of(&bundle[48..]);
    bundle[16..48].copy_from_slice(digest.as_bytes());
    bundle
}

fn with(bundle: &[u8], at: &str, content: &[u8]) -> Vec<u8> {
    let mut entries = unpacked(bundle);
    entries.insert(path(at), Zeroizing::new(content.to_vec()));
    packed(&entries)
}

#[test]
fn as_many_distinct_trusted_signers_as_the_bundle_says() {
    let one = pack(needing(2));
    let two = signed_by(2, &one);
    assert_eq!(read(&two, &[1, 2]).unwrap().signers, fingerprints(&[1, 2]));
    assert_eq!(read(&two, &[2, 1, 3]).unwrap().signers, fingerprints(&[1, 2]));
    let too_few = |bundle: &[u8], trusted: &[u8], accepted: &[u8]| {
        let expected = SignatureError::TooFew { accepted: fingerprints(accepted), needed: SignerCount::try_from(2).unwrap() };
        assert!(matches!(read(bundle, trusted), Err(BundleError::Signature(error)) if error == expected), "{trusted:?}");
    };
    too_few(&one, &[1, 2], &[1]);
    too_few(&two, &[1], &[1]);
    too_few(&two, &[2, 3], &[2]);
    assert!(
        matches!(read(&two, &[3]), Err(BundleError::Signature(SignatureError::Stranger { found, .. })) if found == fingerprints(&[1, 2]))
    );
    // Whom nobody asked for counts for nothing and does no harm.
    assert_eq!(read(&signed_by(9, &two), &[1, 2]).unwrap().signers, fingerprints(&[1, 2]));
    let single = pack(entries());
    assert_eq!(read(&signed_by(2, &single), &[2]).unwrap().signers, fingerprints(&[2]));
}

/// P-256 gives a second signature for free: with s, n - s is good too.
#[test]
fn a_signer_counts_once() {
    let one = pack(needing(2));
    assert!(matches!(
        countersign(&one, &FixedSigner::new(1), None, &mut Nothing),
        Err(CountersignError::Signed(own)) if own == FixedSigner::new(1).fingerprint()
    ));
    let entries = unpacked(&one);
    let (key, signature) = (&entries[&path("signer.pub")], &entries[&path("SHA256SUMS.sig")]);
    let forged = with(&with(&one, "countersignatures/1.pub", key), "countersignatures/1.sig", signature);
    let other = p256::ecdsa::Signature::from_der(signature).unwrap();
    let other = p256::ecdsa::Signature::from_scalars(*other.r(), -*other.s()).unwrap().to_der();
    assert_ne!(other.as_bytes(), signature.as_slice());
    let flipped = with(&forged, "countersignatures/1.sig", other.as_bytes());
    for bundle in [forged, flipped] {
        assert!(
            matches!(read(&bundle, &[1, 2]), Err(BundleError::Signature(SignatureError::TooFew { accepted, .. })) if accepted == fingerprints(&[1]))
        );
    }
}

#[test]
fn a_signature_changes_no_other_entry() {
    let one = pack(entries());
    let two = signed_by(2, &one);
    let mut without = unpacked(&two);
    without.remove(&path("countersignatures/1.pub")).unwrap();
    without.remove(&path("countersignatures/1.sig")).unwrap();
    assert_eq!(without, unpacked(&one));
    assert_eq!(packed(&without), one);
    assert_eq!(packed(&unpacked(&two)), two, "one bundle has one form");
    assert_eq!(read(&two, &[1]).unwrap().identity, read(&one, &[1]).unwrap().identity);
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(two.as_slice()).read_to_end(&mut tar).unwrap();
    let order: Vec<&[u8]> = tar.chunks(512).filter(|block| block.starts_with(b"site-7/")).collect();
    let names = order.iter().map(|block| String::from_utf8_lossy(&block[7..35]).trim_end_matches('\0').to_owned());
    let first: Vec<String> = names.take(6).collect();
    assert_eq!(first, ["SHA256SUMS", "SHA256SUMS.sig", "signer.pub", "countersignatures/1.pub", "countersignatures/1.sig", "bundle.json"]);
}

#[test]
fn there_is_room_for_eight_signers() {
    let mut bundle = pack(needing(8));
    for seed in 2..=8 {
        assert!(read(&bundle, &[1, 2, 3, 4, 5, 6, 7, 8]).is_err());
        bundle = signed_by(seed, &bundle);
    }
    assert_eq!(read(&bundle, &[8, 7, 6, 5, 4, 3, 2, 1]).unwrap().signers, fingerprints(&[1, 2, 3, 4, 5, 6, 7, 8]));
    assert!(matches!(countersign(&bundle, &FixedSigner::new(9), None, &mut Nothing), Err(CountersignError::Full)));
    for number in [0, 9] {
        assert!(SignerCount::try_from(number).is_err());
    }
}

#[test]
fn only_what_is_whole_and_from_the_right_maker_is_signed() {
    let one = pack(needing(2));
    let sign =
        |bundle: &[u8], made_by: u8| countersign(bundle, &FixedSigner::new(2), Some(&FixedSigner::new(made_by).trusted()), &mut Nothing);
    assert_eq!(sign(&one, 1).unwrap().1.signers, fingerprints(&[1, 2]));
    assert!(matches!(sign(&one, 3), Err(CountersignError::Bundle(BundleError::Signature(SignatureError::Stranger { .. })))));
    let changed = with(&one, "certs/etcd-ca.pem", b"another certificate\n");
    assert!(matches!(sign(&changed, 1), Err(CountersignError::Bundle(BundleError::Mismatch { .. }))));
}

#[test]
fn further_signatures_have_their_places_and_no_other() {
    let two = signed_by(2, &pack(needing(1)));
    let entries = unpacked(&two);
    let (key, signature) = (entries[&path("countersignatures/1.pub")].clone(), entries[&path("countersignatures/1.sig")].clone());
    let moved = |from: &[&str], to: &[(&str, &[u8])]| {
        let mut entries = entries.clone();
        for from in from {
            drop(entries.remove(&path(from)));
        }
        entries.extend(to.iter().map(|(to, content)| (path(to), Zeroizing::new(content.to_vec()))));
        read(&packed(&entries), &[1, 2])
    };
    let both = ["countersignatures/1.pub", "countersignatures/1.sig"];
    for to in [
        &[("countersignatures/2.pub", key.as_slice()), ("countersignatures/2.sig", signature.as_slice())][..],
        &[("countersignatures/8.pub", &key), ("countersignatures/8.sig", &signature)],
        &[("countersignatures/01.pub", &key), ("countersignatures/01.sig", &signature)],
        &[("countersignatures/1.sig", &signature)],
        &[("countersignatures/1.pub", &key)],
    ] {
        let error = moved(&both, to).unwrap_err();
        assert!(matches!(error, BundleError::Expected { .. } | BundleError::Unknown(_)), "{}: {error}", to[0].0);
    }
    assert!(matches!(moved(&[], &[("countersignatures/1.sig", &vec![0; 5000])]), Err(BundleError::TooLarge { .. })));
    assert!(matches!(moved(&[], &[("countersignatures/1.pub", b"no key")]), Err(BundleError::Signature(SignatureError::NotPem))));
    let bad = moved(&[], &[("countersignatures/1.sig", &entries[&path("SHA256SUMS.sig")])]);
    assert!(matches!(bad, Err(BundleError::Signature(SignatureError::Mismatch(whose))) if whose == FixedSigner::new(2).fingerprint()));

    let mut listed = common::entries();
    listed.insert(path("countersignatures/1.pub"), Zeroizing::new(key.to_vec()));
    let write = writer::write(&name(), manifest().created, listed, &FixedSigner::new(1), &Forbidden::default());
    assert!(matches!(write, Err(WriteError::NoPlace(at)) if at == path("countersignatures/1.pub")));
}

/// The list is replaced by one of these lines and signed anew by the right signer.
fn resigned(bundle: &[u8], change: impl Fn(&mut Entries)) -> Vec<u8> {
    let mut entries = unpacked(bundle);
    change(&mut entries);
    let signature = FixedSigner::new(1).sign(&entries[&path("SHA256SUMS")]);
    entries.insert(path("SHA256SUMS.sig"), Zeroizing::new(signature));
    packed(&entries)
}

#[test]
fn another_format_and_a_later_executor_have_their_own_errors() {
    let good = pack(entries());
    let title = |format: &str| {
        resigned(&good, |entries| {
            let list = String::from_utf8(entries[&path("SHA256SUMS")].to_vec()).unwrap();
            entries.insert(path("SHA256SUMS"), Zeroizing::new(list.replacen("bundle v1", format, 1).into_bytes()));
        })
    };
    assert!(read(&title("bundle v1"), &[1]).is_ok());
    for (format, number) in [("bundle v0", 0), ("bundle v2", 2)] {
        assert!(matches!(read(&title(format), &[1]), Err(BundleError::Sums(SumsError::Format { found })) if found == number));
    }
    let document = |at: &str, from: &str, to: &str| {
        let mut entries = entries();
        let text = String::from_utf8(entries[&path(at)].to_vec()).unwrap();
        assert!(text.contains(from), "{text}");
        entries.insert(path(at), Zeroizing::new(text.replacen(from, to, 1).into_bytes()));
        read(&pack(entries), &[1]).unwrap_err()
    };
    for at in ["bundle.json", "nodes/n2.json"] {
        for to in ["\"format\":0", "\"format\":2", "\"format\":2,\"novelty\":1"] {
            assert!(matches!(document(at, "\"format\":1", to), BundleError::Format { path: of, .. } if of == path(at)), "{at}");
        }
    }
    for to in ["\"0.1.1\"", "\"1.0.0\"", "\"1.0.0\",\"novelty\":1"] {
        let error = document("bundle.json", "\"0.1.0\"", to);
        assert!(matches!(error, BundleError::NeedsLater { needs, this } if needs > this && this == Version::own()), "{to}");
    }
    for (from, to) in
        [("\"0.1.0\"", "\"new\""), ("\"needs_signers\":1", "\"needs_signers\":0"), ("\"needs_signers\":1", "\"needs_signers\":9")]
    {
        assert!(matches!(document("bundle.json", from, to), BundleError::Malformed { .. }), "{to}");
    }
}
