//! Tests of what a journal tells.

use time::macros::datetime;

use super::*;
use crate::journal::{Deviation, DiskEnd, example};
use bundle_format::slice::RestartPods;

const BEGUN: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

/// A journal of these records, one a second, of a run that installs a file and restarts pods.
fn history(records: Vec<Record>) -> History {
    let mut begin = example(1);
    begin.steps.push(StepRecord::RestartPods {
        step: RestartPods { namespace: "kube-system".to_owned(), name_contains: "flannel".to_owned(), programs: Vec::new(), timeout: 1 },
        former: Vec::new(),
    });
    begin.first_end = Some(DiskEnd { target: "/srv/ca.pem".parse().unwrap(), not_after: datetime!(2025-01-01 0:00 UTC) });
    let records = [vec![Record::Begin(Box::new(begin)), Record::BackedUp], records].concat();
    let mut history = History::default();
    for (second, record) in (0..).zip(records) {
        history.add(Entry { at: BEGUN + Duration::seconds(second), record }).unwrap();
    }
    history
}

fn head(number: u32) -> Head {
    Head { number, former: None, written: BEGUN, is_whole: true, host: Some("tos1".to_owned()) }
}

fn receipt(records: Vec<Record>, call: Option<&Call>) -> Receipt {
    let history = history(records);
    let journal = JournalLink { records: 0, bytes: 0, sha256: Digest::of(b"") };
    let receipt = of(&head(1), "0001-site-7", &history, journal, call).unwrap();
    assert!(bundle_format::receipt::write(&receipt).is_ok());
    receipt
}

fn call(exit: Exit, is_interrupted: bool) -> Call {
    Call { command: Command::Apply, exit, is_interrupted, why: (exit as u8 > 0).then(|| "a disk\nis full".to_owned()) }
}

fn started(step: usize) -> Record {
    Record::StepStarted { step }
}

fn done(step: usize) -> Record {
    Record::StepDone { step }
}

fn turned_back() -> Record {
    Record::UndoStarted { why: "the operator asked for it".to_owned(), discard_changes: false }
}

fn applied() -> Vec<Record> {
    vec![started(0), done(0), started(1), done(1), Record::Applied]
}

fn seen(healthy: u32) -> Record {
    let sight = QuorumSight {
        at: BEGUN,
        occasion: Occasion::End,
        cluster: "etcd".parse().unwrap(),
        members: 3,
        healthy,
        renewed: Some(1),
        unhealthy: Vec::new(),
    };
    Record::Quorum { sight }
}

#[test]
fn the_outcome_is_what_the_journal_and_the_call_say() {
    let with = |more: &[Record]| [applied(), more.to_vec()].concat();
    let half = || vec![started(0)];
    let back = || with(&[turned_back(), Record::StepUndone { step: 0 }, Record::StepUndone { step: 1 }, Record::RolledBack]);
    for (records, call, expected) in [
        (applied(), Some(call(Exit::Done, false)), Outcome::Applied),
        (applied(), None, Outcome::Applied),
        (with(&[seen(1)]), Some(call(Exit::Waiting, false)), Outcome::Waiting),
        (with(&[seen(2)]), Some(call(Exit::Done, false)), Outcome::Applied),
        (half(), None, Outcome::Interrupted),
        (half(), Some(call(Exit::Person, true)), Outcome::Interrupted),
        (half(), Some(call(Exit::Person, false)), Outcome::Failed),
        (vec![Record::Paused], Some(call(Exit::Done, false)), Outcome::Paused),
        (back(), Some(call(Exit::Done, false)), Outcome::RolledBack),
        (back(), Some(call(Exit::RolledBack, false)), Outcome::RolledBack),
        (back(), Some(call(Exit::Failed, false)), Outcome::Failed),
        (with(&[turned_back()]), None, Outcome::Interrupted),
    ] {
        let receipt = receipt(records.clone(), call.as_ref());
        assert_eq!(receipt.outcome, expected, "{records:?}");
        assert_eq!(receipt.exit, call.map(|call| call.exit as u8));
    }
}

#[test]
fn steps_are_told_with_their_times() {
    let half = receipt(vec![Record::Deviation { what: Deviation::SignerAdded }, started(0), done(0), started(1)], None);
    let at = |second| BEGUN + Duration::seconds(second);
    assert_eq!(half.steps[0].done, Some(at(4)));
    assert_eq!((half.steps[1].state, half.steps[1].started), (StepState::Begun, Some(at(5))));
    assert_eq!(half.steps[1].down, [Down { from: at(5), until: None }], "at most from its beginning");
    assert_eq!(half.deviations, [Override { what: Deviation::SignerAdded, at: at(2) }]);
    assert_eq!(half.mode, Mode::Recovery { target: "/srv/ca.pem".parse().unwrap(), ended: datetime!(2025-01-01 0:00 UTC) });
    assert_eq!(half.steps[0].files[0].new, Content::Unknown, "of a journal that does not tell");

    let down = Record::Down { step: 1, from: Some(at(3)), until: Some(at(9)) };
    let whole = receipt(vec![started(0), done(0), started(1), down, done(1), Record::Applied], None);
    assert_eq!(whole.steps[1].down, [Down { from: at(3), until: Some(at(9)) }]);

    let back = receipt([applied(), vec![turned_back(), Record::StepUndone { step: 0 }]].concat(), None);
    assert_eq!([back.steps[0].state, back.steps[1].state], [StepState::Undone, StepState::ToUndo]);
    assert_eq!(back.why.as_deref(), Some("the operator asked for it"));
}

#[test]
fn a_reason_is_one_line() {
    let stuck = receipt(vec![started(0), turned_back()], Some(&call(Exit::Person, false)));
    assert_eq!(stuck.why.as_deref(), Some("a disk is full"));
}

#[test]
fn a_clock_that_went_back_is_told() {
    let mut history = history(applied());
    history.entries[3].at = BEGUN - Duration::hours(1);
    let journal = JournalLink { records: 0, bytes: 0, sha256: Digest::of(b"") };
    let told = of(&head(1), "0001-site-7", &history, journal, None).unwrap();
    assert_eq!(told.clock_went_back, 3602);
}

#[test]
fn what_was_pruned_owes_nothing_and_what_never_began_has_no_receipt() {
    let whole = history(applied());
    let mut pruned = whole.clone();
    pruned.add(Entry { at: BEGUN, record: Record::Pruned }).unwrap();
    assert_eq!(significant(&pruned), significant(&whole));
    let journal = JournalLink { records: 0, bytes: 0, sha256: Digest::of(b"") };
    assert!(of(&head(1), "0001-site-7", &History::default(), journal, None).is_none());
}
