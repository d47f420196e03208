use std::collections::BTreeMap;

use bundle_format::{
    digest::{Digest, Fingerprint},
    manifest::{Manifest, NodeRecord},
    receipt::{Command, Deviation},
    signature::SignerCount,
};
use proptest::prelude::*;
use time::{Duration, macros::datetime};

use super::*;

const NOW: OffsetDateTime = datetime!(2026-02-01 0:00 UTC);

fn source(content: Content) -> Source {
    Source { file: "file".to_owned(), sha256: Digest::of(b"file"), content }
}

fn bundle(site: &str, nodes: &[&str]) -> Source {
    let record = |name: &&str| NodeRecord { name: name.parse().unwrap(), roles: vec!["etcd".parse().unwrap()], recipient: None };
    let manifest = Manifest {
        format: 1,
        needs_executor: "0.1.0".parse().unwrap(),
        needs_signers: SignerCount::try_from(1).unwrap(),
        site: site.parse().unwrap(),
        serial: "7".parse().unwrap(),
        created: datetime!(2026-01-01 0:00 UTC),
        not_after: NOW,
        profile: "tos".parse().unwrap(),
        sealing: None,
        authorities: Vec::new(),
        nodes: nodes.iter().map(record).collect(),
    };
    source(Content::Bundle(Box::new(Bundle {
        manifest,
        identity: Digest::of(b"list"),
        signers: vec![Fingerprint::of_spki(b"signer")],
        is_trusted: true,
        identities: BTreeMap::new(),
        certificates: BTreeMap::new(),
    })))
}

fn short(node: &str, outcome: Outcome, quorum: Option<(u32, Option<u32>, u32)>) -> Short {
    let at = datetime!(2026-01-15 0:00 UTC) + Duration::minutes(i64::from(*node.as_bytes().last().unwrap()));
    Short {
        site: "site".parse().unwrap(),
        node: node.parse().unwrap(),
        number: 1,
        receipt: Digest::of(node.as_bytes()).into(),
        serial: "7".parse().unwrap(),
        bundle: Digest::of(b"list").into(),
        command: Some(Command::Apply),
        exit: Some(0),
        outcome,
        is_recovery: true,
        begun: at,
        last_record: at,
        clock_went_back: false,
        deviations: Vec::new(),
        events: Vec::new(),
        former_not_after: None,
        new_not_after: None,
        files: 3,
        rows: 0,
        restarts: 1,
        down: None,
        quorum,
    }
}

fn report(sources: Vec<Source>) -> Report {
    Report::of(sources, NOW).unwrap()
}

fn states(report: &Report) -> Vec<(&str, State)> {
    report.nodes.iter().map(|node| (node.name.as_str(), node.state)).collect()
}

#[test]
fn nodes_stand_in_visiting_order_and_strangers_last() {
    let shorts = vec![short("a", Outcome::Applied, None), short("n1", Outcome::Applied, None)];
    let report = report(vec![source(Content::Shorts(shorts)), bundle("site", &["n2", "n1"])]);
    assert_eq!(states(&report), [("n2", State::NoReceipt), ("n1", State::Renewed), ("a", State::Renewed)]);
    assert_eq!(report.verdict, Verdict::Incomplete);
    assert!(report.findings.iter().any(|finding| matches!(finding.matter, Matter::NotInBundle { .. })));
}

#[test]
fn what_waited_is_renewed_once_the_quorum_was_seen() {
    let waiting = short("n1", Outcome::Waiting, Some((0, Some(1), 3)));
    let all = |second| report(vec![bundle("site", &["n1", "n2"]), source(Content::Shorts(vec![waiting.clone(), second]))]);
    let open = all(short("n2", Outcome::Waiting, Some((1, Some(2), 3))));
    assert_eq!((states(&open)[0].1, open.verdict), (State::Waiting, Verdict::Incomplete));
    let closed = all(short("n2", Outcome::Applied, Some((2, Some(2), 3))));
    assert_eq!((states(&closed)[0].1, closed.renewed()), (State::Renewed, 2));
}

#[test]
fn what_was_overridden_deviates_and_what_failed_fails() {
    let overridden = Short { deviations: vec![Deviation::OlderAllowed], ..short("n1", Outcome::Applied, None) };
    let of = |short: Short| report(vec![bundle("site", &["n1"]), source(Content::Shorts(vec![short]))]).verdict;
    assert_eq!(of(overridden), Verdict::Deviating);
    for outcome in [Outcome::Failed, Outcome::Interrupted, Outcome::RolledBack] {
        assert_eq!(of(short("n1", outcome, None)), Verdict::Failed);
    }
    assert_eq!(of(short("n1", Outcome::Paused, None)), Verdict::Incomplete);
    assert_eq!(report(vec![bundle("site", &["n1"])]).verdict, Verdict::NotBegun);
}

#[test]
fn one_report_is_about_one_site() {
    let sources = vec![bundle("other", &["n1"]), source(Content::Shorts(vec![short("n1", Outcome::Applied, None)]))];
    assert!(Report::of(sources, NOW).is_err());
}

#[test]
fn what_matters_most_stands_first_and_is_said_once() {
    let shorts = vec![short("n1", Outcome::Failed, None), short("n2", Outcome::Failed, None)];
    let report = report(vec![bundle("site", &["n1", "n2"]), source(Content::Shorts(shorts))]);
    assert_eq!(report.findings[0].matter, Matter::Failed { why: None });
    assert_eq!(report.findings[0].nodes.len(), 2);
    assert!(report.findings.is_sorted_by_key(|finding| finding.matter.severity()));
}

proptest! {
    #[test]
    fn any_mix_of_outcomes_has_a_report(outcomes in prop::collection::vec(0_usize..6, 0..12)) {
        const ALL: [Outcome; 6] =
            [Outcome::Applied, Outcome::Failed, Outcome::Interrupted, Outcome::Paused, Outcome::RolledBack, Outcome::Waiting];
        let shorts: Vec<Short> = outcomes.iter().enumerate().map(|(at, one)| short(&format!("n{at}"), ALL[*one], None)).collect();
        let all_applied = outcomes.iter().all(|one| *one == 0);
        let report = report(vec![bundle("site", &["n0", "n1"]), source(Content::Shorts(shorts))]);
        prop_assert_eq!(report.nodes.len(), outcomes.len().max(2));
        if report.verdict == Verdict::Complete {
            prop_assert!(all_applied);
        }
        let json = json::write(&report);
        prop_assert_eq!(json["nodes"].as_array().unwrap().len(), report.nodes.len());
    }
}
