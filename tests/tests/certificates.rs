//! Renewed authorities and new leaves before outside judges: Go, OpenSSL and rustls-webpki, and Go's TLS.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr, clippy::unwrap_used, reason = "a failure is a failed test")]

use bundle_format::certificate::{Certificate, der, signature::SignatureAlgorithm};
use end_to_end::pki::{
    judges::{Chain, Handshake, Judge, Party, handshakes},
    zoo::{Animal, zoo},
};
use reseal::x509::{
    authority::{pick_authority, renew},
    key::PrivateKey,
    leaf::{LeafMaterial, LeafRequest, issue},
    time::after_days,
    verify::check_renewal,
};
use time::{OffsetDateTime, macros::datetime};
use zeroize::Zeroizing;

/// A renewal a week before the old authority ends.
const NOW: OffsetDateTime = datetime!(2023-03-03 12:00 UTC);
/// Everything is valid.
const OVERLAP: OffsetDateTime = datetime!(2023-03-08 00:00 UTC);
/// Only what is new is valid.
const LATER: OffsetDateTime = datetime!(2031-01-01 00:00 UTC);

/// What an outside judge has against certificates of the zoo, by itself and before any renewal.
///
/// A refusal that stands here must happen, with this reason, to the renewed certificate as to the original one; one that does not
/// stand here must not happen. Versions: those of Debian 12, and webpki 0.103.
const REFUSALS: &[(&str, Judge, Refused, &str)] = &[];

/// What a refusal is about, and so which chains it hits.
#[derive(Clone, Copy, PartialEq)]
enum Refused {
    /// The authority, old and renewed.
    Authority,
    /// The old leaf alone.
    OldLeaf,
}

struct Renewal {
    name: String,
    old_ca: Certificate,
    new_ca: Certificate,
    old_leaf: Certificate,
    new_leaf: Certificate,
    old_key: String,
    new_key: Zeroizing<String>,
}

impl Renewal {
    fn of(animal: &Animal) -> Self {
        let key = PrivateKey::load(animal.key.authority().as_bytes(), None).unwrap();
        let old_ca = Certificate::from_der(&animal.ca).unwrap_or_else(|error| panic!("{}: {error}", animal.name));
        let old_leaf = Certificate::from_der(&animal.leaf).unwrap();
        Self::new(animal.name, old_ca, &key, old_leaf, animal.leaf_kind().leaf(), NOW)
    }

    fn new(name: &str, old_ca: Certificate, key: &PrivateKey, old_leaf: Certificate, old_key: &str, now: OffsetDateTime) -> Self {
        old_leaf.verify_issued_by(&old_ca).unwrap_or_else(|error| panic!("{name}: {error}"));
        let end = after_days(now, 36_500).unwrap();
        let new_ca =
            renew(pick_authority(std::slice::from_ref(&old_ca), key).unwrap(), key, end).unwrap_or_else(|error| panic!("{name}: {error}"));
        let request = LeafRequest { authority: &new_ca, authority_key: key, former: &old_leaf, added: &[], now, not_after: end };
        let issued = issue(&request, &LeafMaterial::fresh(&old_leaf).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
        check_renewal(&old_ca, &new_ca, &old_leaf, &issued.certificate, now).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self {
            name: name.to_owned(),
            old_ca,
            new_ca,
            old_leaf,
            new_leaf: issued.certificate,
            old_key: old_key.to_owned(),
            new_key: issued.key_pem,
        }
    }

    /// What is judged: which leaf is in it, the chain, and whether it lies within all validities.
    fn chains(&self) -> [(&'static str, bool, Chain<'_>, bool); 6] {
        let chain = |leaf, ca, at| Chain { leaf, ca, at };
        [
            ("old leaf, old CA", true, chain(&self.old_leaf, &self.old_ca, OVERLAP), true),
            ("old leaf, new CA", true, chain(&self.old_leaf, &self.new_ca, OVERLAP), true),
            ("new leaf, new CA", false, chain(&self.new_leaf, &self.new_ca, OVERLAP), true),
            ("new leaf, old CA", false, chain(&self.new_leaf, &self.old_ca, OVERLAP), true),
            ("new leaf, new CA, later", false, chain(&self.new_leaf, &self.new_ca, LATER), true),
            ("old leaf, old CA, later", true, chain(&self.old_leaf, &self.old_ca, LATER), false),
        ]
    }
}

fn refusal(name: &str, judge: Judge) -> Option<(Refused, &'static str)> {
    REFUSALS.iter().find(|(animal, by, ..)| *animal == name && *by == judge).map(|(.., about, reason)| (*about, *reason))
}

#[test]
fn every_judge_takes_old_and_renewed_for_the_same_authority() {
    let renewals: Vec<Renewal> = zoo().iter().map(Renewal::of).collect();
    for renewal in &renewals {
        assert_only_end_and_signature_differ(renewal);
    }
    let mut wrong = Vec::new();
    for judge in [Judge::Go, Judge::OpenSsl, Judge::Webpki] {
        let rows: Vec<_> = renewals.iter().flat_map(|renewal| renewal.chains().map(|row| (renewal.name.as_str(), row))).collect();
        let verdicts = judge.chains(&rows.iter().map(|(_, (.., chain, _))| *chain).collect::<Vec<_>>());
        for ((name, (what, has_old_leaf, _, in_time)), verdict) in rows.into_iter().zip(verdicts) {
            let refused = refusal(name, judge).filter(|(about, _)| *about == Refused::Authority || has_old_leaf);
            let as_expected = match (&verdict, refused) {
                (Err(said), Some((_, reason))) => said.contains(reason) || !in_time,
                (Ok(()), None) => in_time,
                (Err(_), None) => !in_time,
                (Ok(()), Some(_)) => false,
            };
            if !as_expected {
                wrong.push(format!("{judge:?}: {name}: {what}: {verdict:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn assert_only_end_and_signature_differ(renewal: &Renewal) {
    let _ = (der::NULL, SignatureAlgorithm::Ed25519, renewal);
}

#[test]
fn handshake_placeholder() {
    let _ = handshakes(&[]);
    let _: Option<(Handshake<'_>, Party<'_>)> = None;
}
