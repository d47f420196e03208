//! What stands in a new leaf, as OpenSSL reads it.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a failure is a failed test")]

use std::net::IpAddr;

use bundle_format::certificate::{Certificate, San};
use end_to_end::pki::{
    der::{extension, name, seq, tlv},
    tools::{openssl, openssl_text},
    zoo::{Key, Parts, leaf_of, ordinary, spki},
};
use reseal::x509::{
    authority::renew,
    key::PrivateKey,
    leaf::{IssuedLeaf, LeafError, LeafMaterial, LeafRequest, issue},
    time::after_days,
    verify::{RenewalError, check_renewal},
};
use time::{Duration, OffsetDateTime, macros::datetime};

const NOW: OffsetDateTime = datetime!(2026-10-03 12:00 UTC);

/// An authority, renewed, with its key and a former leaf.
struct Site {
    key: PrivateKey,
    old_ca: Certificate,
    ca: Certificate,
    former: Certificate,
}

impl Site {
    fn of(kind: Key, change_ca: impl FnOnce(&mut Parts), change_leaf: impl FnOnce(&mut Parts), leaf_key: Key) -> Self {
        let mut parts = ordinary(kind);
        change_ca(&mut parts);
        let mut leaf = leaf_of(&parts, leaf_key.leaf(), None);
        change_leaf(&mut leaf);
        let key = PrivateKey::load(kind.authority().as_bytes(), None).unwrap();
        let old_ca = Certificate::from_der(&parts.sign(kind, kind.authority())).unwrap();
        let ca = renew(&old_ca, &key, after_days(NOW, 36_500).unwrap()).unwrap();
        Self { key, old_ca, ca, former: Certificate::from_der(&leaf.sign(kind, kind.authority())).unwrap() }
    }

    fn ordinary() -> Self {
        Self::of(Key::Rsa2048, |_| {}, |_| {}, Key::Rsa2048)
    }

    fn request<'a>(&'a self, added: &'a [San]) -> LeafRequest<'a> {
        let not_after = self.ca.not_after();
        LeafRequest { authority: &self.ca, authority_key: &self.key, former: &self.former, added, now: NOW, not_after }
    }

    fn issue(&self, added: &[San]) -> IssuedLeaf {
        issue(&self.request(added), &LeafMaterial::fresh(&self.former).unwrap()).unwrap()
    }
}

fn ip(text: &str) -> San {
    San::Ip(text.parse::<IpAddr>().unwrap())
}

fn dns(text: &str) -> San {
    San::Dns(text.to_owned())
}

#[test]
fn a_leaf_has_what_etcd_needs() {
    let site = Site::ordinary();
    let leaf = site.issue(&[]);
    let text = openssl_text(leaf.certificate.der());
    for part in [
        "Version: 3 (0x2)",
        "Signature Algorithm: sha256WithRSAEncryption",
        "Issuer: C = CN, O = tos, CN = etcd\n",
        "Subject: O = tos, CN = etcd leaf\n",
        "Public-Key: (2048 bit)",
        "X509v3 Key Usage: critical\n                Digital Signature, Key Encipherment\n",
        "X509v3 Extended Key Usage: \n                TLS Web Server Authentication, TLS Web Client Authentication\n",
        "X509v3 Basic Constraints: critical\n                CA:FALSE\n",
        "X509v3 Subject Key Identifier: \n",
        "X509v3 Authority Key Identifier: \n                5A:5A:5A:5A:5A:5A:5A:5A:5A:5A:5A:5A:5A:5A:5A:5A:5A:5A:5A:5A\n",
        "X509v3 Subject Alternative Name: \n                DNS:tos-etcd-1, DNS:kubernetes, IP Address:127.0.0.1, IP Address:10.10.10.1\n",
        "Not Before: Oct  2 12:00:00 2026 GMT",
        "Not After : Sep  9 12:00:00 2126 GMT",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert_eq!(leaf.certificate.serial_hex().len(), 40);
    assert_ne!(leaf.certificate.public_key(), site.former.public_key());
    assert_eq!(spki(&leaf.key_pem), leaf.certificate.spki(), "the key belongs to it");
    assert!(leaf.key_pem.starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
    let check = openssl("rsa -check -noout", leaf.key_pem.as_bytes());
    assert!(String::from_utf8_lossy(&check).contains("RSA key ok"));
    assert!(!format!("{leaf:?}").contains("PRIVATE"));
}

#[test]
fn names_are_those_of_the_former_leaf_and_then_those_added() {
    let uri = tlv(0x86, b"spiffe://x");
    let former = [tlv(0x82, b"Node-1"), uri.clone(), tlv(0x87, &[10, 0, 0, 1]), tlv(0x82, b"node-2")];
    let site = Site::of(Key::Rsa2048, |_| {}, |leaf| leaf.extensions[3] = extension("2.5.29.17", None, &seq(&former)), Key::Rsa2048);
    let added = [dns("node-1"), dns("node-3"), ip("10.0.0.1"), ip("10.0.0.2"), ip("2001:db8::1"), dns("NODE-3")];
    let leaf = site.issue(&added).certificate;
    let expected = [
        &former[..],
        &[tlv(0x82, b"node-3"), tlv(0x87, &[10, 0, 0, 2]), tlv(0x87, &"2001:db8::1".parse::<std::net::Ipv6Addr>().unwrap().octets())],
    ];
    assert_eq!(leaf.sans_raw(), expected.concat().concat());
    assert!(
        openssl_text(leaf.der()).contains("DNS:Node-1, URI:spiffe://x, IP Address:10.0.0.1, DNS:node-2, DNS:node-3, IP Address:10.0.0.2")
    );
    let refused = issue(&site.request(&[dns("a b")]), &LeafMaterial::fresh(&site.former).unwrap());
    assert_eq!(refused.unwrap_err(), LeafError::DnsName { name: "a b".to_owned() });
}

#[test]
fn an_empty_subject_makes_the_names_critical() {
    let site = Site::of(Key::Rsa2048, |_| {}, |leaf| leaf.subject = seq(&[]), Key::Rsa2048);
    assert!(openssl_text(site.issue(&[]).certificate.der()).contains("X509v3 Subject Alternative Name: critical"));
}

#[test]
fn subject_and_issuer_are_taken_over_as_bytes() {
    let odd = name(&[("11", 0x14, b"a\xfc"), ("11", 0x13, b"b_"), ("3", 0x1e, b"\x4e\x2d")]);
    let site = Site::of(Key::Rsa2048, |ca| ca.subject.clone_from(&odd), |leaf| leaf.subject.clone_from(&odd), Key::Rsa2048);
    let leaf = site.issue(&[]).certificate;
    assert_eq!((leaf.issuer_raw(), leaf.subject_raw()), (odd.as_slice(), odd.as_slice()));
    let of_another = Site::of(Key::Rsa2048, |_| {}, |leaf| leaf.issuer = Some(odd.clone()), Key::Rsa2048);
    assert_eq!(of_another.issue(&[]).certificate.issuer_raw(), of_another.old_ca.subject_raw());
}

#[test]
fn an_authority_without_key_identifier_gives_none() {
    let site = Site::of(Key::Rsa2048, |ca| ca.extensions.truncate(2), |_| {}, Key::Rsa2048);
    assert_eq!(site.issue(&[]).certificate.authority_key_id(), None);
}

#[test]
fn the_key_is_of_the_kind_that_the_former_leaf_has() {
    for (former, expected, label) in [
        (Key::Rsa2048, "RSA-2048", "RSA"),
        (Key::Rsa4096, "RSA-4096", "RSA"),
        (Key::P256, "P-256", "EC"),
        (Key::P384, "P-384", "EC"),
        (Key::P521, "RSA-2048", "RSA"),
        (Key::Ed25519, "RSA-2048", "RSA"),
    ] {
        let leaf = Site::of(Key::P256, |_| {}, |_| {}, former).issue(&[]);
        assert_eq!(leaf.certificate.key_description(), expected);
        assert!(leaf.key_pem.starts_with(&format!("-----BEGIN {label} PRIVATE KEY-----\n")));
        assert_eq!(spki(&leaf.key_pem), leaf.certificate.spki());
    }
}

#[test]
fn the_same_key_serial_and_time_give_the_same_bytes() {
    let site = Site::ordinary();
    let material = LeafMaterial { key: PrivateKey::load(Key::P256.leaf().as_bytes(), None).unwrap(), serial: [0x11; 20] };
    let (one, two) = (issue(&site.request(&[]), &material).unwrap(), issue(&site.request(&[]), &material).unwrap());
    assert_eq!(one.certificate, two.certificate);
    assert_eq!(one.certificate.serial_hex(), "11".repeat(20));
    for first in [0, 0x80] {
        let mut material = LeafMaterial { key: PrivateKey::load(Key::P256.leaf().as_bytes(), None).unwrap(), serial: [0x11; 20] };
        material.serial[0] = first;
        assert_eq!(issue(&site.request(&[]), &material).unwrap_err(), LeafError::Serial { first });
    }
    let serials: Vec<_> =
        (0..20).map(|_| LeafMaterial::fresh(&Site::of(Key::P256, |_| {}, |_| {}, Key::P256).former).unwrap().serial).collect();
    assert!(serials.iter().all(|serial| (1..0x80).contains(&serial[0])));
    assert!((1..20).all(|at| serials[at] != serials[at - 1]));
}

#[test]
fn a_leaf_lives_within_its_authority() {
    let site = Site::ordinary();
    let material = LeafMaterial::fresh(&site.former).unwrap();
    let until = |not_after| issue(&LeafRequest { not_after, ..site.request(&[]) }, &material);
    let later = until(site.ca.not_after() + Duration::days(1)).unwrap().certificate;
    assert_eq!(later.not_after(), site.ca.not_after());
    let sooner = until(NOW + Duration::days(1)).unwrap().certificate;
    assert_eq!(sooner.not_after(), NOW + Duration::days(1));
    assert!(matches!(until(NOW - Duration::days(2)), Err(LeafError::Span { .. })));

    let begin = site.ca.not_before() + Duration::hours(3);
    let first_day = issue(&LeafRequest { now: begin, ..site.request(&[]) }, &material).unwrap().certificate;
    assert_eq!(first_day.not_before(), site.ca.not_before());
    // UTCTime ends with 2049.
    let edge =
        |year: &str| until(OffsetDateTime::parse(year, &time::format_description::well_known::Rfc3339).unwrap()).unwrap().certificate;
    let end = |leaf: Certificate| leaf.der()[leaf.layout().not_after.clone()].to_vec();
    assert_eq!(end(edge("2049-12-31T23:59:59Z")), tlv(0x17, b"491231235959Z"));
    assert_eq!(end(edge("2050-01-01T00:00:00Z")), tlv(0x18, b"20500101000000Z"));
    assert_eq!(end(later), tlv(0x18, b"21260909120000Z"));
}

#[test]
fn another_key_than_that_of_the_authority_issues_nothing() {
    let site = Site::ordinary();
    let other = PrivateKey::load(Key::Rsa2048.leaf().as_bytes(), None).unwrap();
    let request = LeafRequest { authority_key: &other, ..site.request(&[]) };
    assert!(matches!(issue(&request, &LeafMaterial::fresh(&site.former).unwrap()), Err(LeafError::OtherKey { .. })));
}

#[test]
fn a_renewal_that_breaks_a_combination_is_noticed() {
    let (site, stranger) = (Site::ordinary(), Site::of(Key::P256, |_| {}, |_| {}, Key::P256));
    let (leaf, strange) = (site.issue(&[]).certificate, stranger.issue(&[]).certificate);
    assert_eq!(check_renewal(&site.old_ca, &site.ca, &site.former, &leaf, NOW), Ok(()));
    let check = |old_ca, new_ca, old_leaf, new_leaf| check_renewal(old_ca, new_ca, old_leaf, new_leaf, NOW).unwrap_err();
    assert!(matches!(check(&site.old_ca, &site.ca, &stranger.former, &leaf), RenewalError::OldUnderNew(_)));
    assert!(matches!(check(&site.old_ca, &site.ca, &site.former, &strange), RenewalError::NewUnderNew(_)));
    assert!(matches!(check(&stranger.old_ca, &site.ca, &site.former, &leaf), RenewalError::NewUnderOld(_)));
    let late = check_renewal(&site.old_ca, &site.ca, &site.former, &leaf, site.ca.not_after() + Duration::days(1));
    assert!(matches!(late, Err(RenewalError::NewUnderNew(_))));
}
