//! From the records of a run to where it stands. A pure function: what a next `apply` or `rollback` does follows from [`Phase`] alone.
//!
//! Invariants: before [`Record::BackedUp`] nothing is changed; in [`Phase::Applying`] the steps below `done` are done, the one after
//! them is in an unknown state if `started`, and none behind it has begun; in [`Phase::Undoing`] the first `undone` steps of
//! [`undo_order`] are as they were before the run. Both directions of a step can be repeated, so an unknown state needs no more
//! knowledge than that.

use std::collections::BTreeSet;

use bundle_format::text;
use thiserror::Error;

use super::{Begin, Deviation, Record, StepRecord};

/// Where a run stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Phase {
    /// Ended before its first change.
    Abandoned,
    /// Done.
    Applied,
    /// Cut off between steps, or within one.
    Applying {
        /// How many steps are done.
        done: usize,
        /// Whether the step after them has begun.
        started: bool,
    },
    /// Cut off before its first record.
    Empty,
    /// Cut off before its first change.
    Preparing,
    /// Undone.
    RolledBack,
    /// Cut off while it was undone.
    Undoing {
        /// How many steps may have had effects when the undoing began.
        reached: usize,
        /// How many of them are undone, in the order of [`undo_order`].
        undone: usize,
        /// Whether changes that others made since are overwritten.
        discard_changes: bool,
    },
}

/// Records that cannot follow each other.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
#[error("{}", text!("record {number}, {record}, cannot follow in the phase {phase:?}", "第 {number} 条记录 {record} 不可能出现在阶段 {phase:?}"))]
pub struct Contradiction {
    number: usize,
    record: String,
    phase: Phase,
}

/// A run, as its journal tells it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct State<'a> {
    /// What it changes, once that is recorded.
    pub begin: Option<&'a Begin>,
    /// Where it stands.
    pub phase: Phase,
    /// Whether it waits before its first restart because the operator asked for it.
    pub is_paused: bool,
    /// What the operator overrode.
    pub deviations: BTreeSet<Deviation>,
    /// The containers that must be gone when the restart that is being undone is through.
    pub leaving: Option<&'a [String]>,
    /// How many calls have tried to come further than where it stands, the one that came here among them.
    pub attempts: u32,
    /// Whether its backups are gone.
    pub is_pruned: bool,
}

/// After so many calls that came no further, only a person decides on another one.
pub const MOST_ATTEMPTS: u32 = 5;

impl<'a> State<'a> {
    pub(super) fn of(records: impl Iterator<Item = &'a Record>) -> Result<Self, Contradiction> {
        let mut state = Self::empty();
        for (number, record) in (1..).zip(records) {
            let steps = state.begin.map_or(&[][..], |begin| &begin.steps);
            let impossible = || Contradiction { number, record: name(record), phase: state.phase };
            let was_undoing = matches!(state.phase, Phase::Undoing { .. });
            state.phase = next(state.phase, record, steps).ok_or_else(impossible)?;
            state.is_paused = matches!(record, Record::Paused) || state.is_paused && matches!(record, Record::Deviation { .. });
            match record {
                Record::Begin(begin) => state.begin = Some(begin),
                Record::Deviation { what } => drop(state.deviations.insert(*what)),
                Record::UndoRestart { containers, .. } => state.leaving = Some(containers),
                Record::StepUndone { .. } => state.leaving = None,
                Record::Pruned => state.is_pruned = true,
                _ => {}
            }
            state.attempts = attempts(state.attempts, was_undoing, record);
        }
        Ok(state)
    }

    fn empty() -> Self {
        State {
            begin: None,
            phase: Phase::Empty,
            is_paused: false,
            deviations: BTreeSet::new(),
            leaving: None,
            attempts: 1,
            is_pruned: false,
        }
    }

    /// Whether the next `apply` of the same bundle has this run to finish, and that of another is refused.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        matches!(self.phase, Phase::Applying { .. } | Phase::Undoing { .. })
    }

    /// Whether `rollback` has something to do.
    #[must_use]
    pub fn can_be_undone(&self) -> bool {
        self.is_unfinished() || self.phase == Phase::Applied && !self.is_pruned
    }

    /// Whether another call would only go round: a person has to look, and to ask for it.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        self.is_unfinished() && self.attempts >= MOST_ATTEMPTS
    }

    /// Whether the run ended, or was cut off, before its first change, and is not closed yet.
    #[must_use]
    pub fn is_stillborn(&self) -> bool {
        matches!(self.phase, Phase::Empty | Phase::Preparing)
    }
}

/// The order in which the first `reached` steps are undone: what is stored, the last first; then what runs, the first first, so
/// that services come back with what was put back.
#[must_use]
pub fn undo_order(steps: &[StepRecord], reached: usize) -> Vec<usize> {
    let reached = reached.min(steps.len());
    let (services, stored): (Vec<usize>, Vec<usize>) = (0..reached).partition(|step| steps[*step].is_service());
    stored.into_iter().rev().chain(services).collect()
}

/// The transitions: every pair that is not here is a contradiction.
fn next(phase: Phase, record: &Record, steps: &[StepRecord]) -> Option<Phase> {
    Some(match (phase, record) {
        (Phase::Empty, Record::Begin(_)) => Phase::Preparing,
        (Phase::Empty | Phase::Preparing, Record::Abandoned) => Phase::Abandoned,
        (Phase::Preparing, Record::BackedUp) => Phase::Applying { done: 0, started: false },
        // A continued run announces the step at which it was cut off once more.
        (Phase::Applying { done, .. }, Record::StepStarted { step }) if *step == done && done < steps.len() => {
            Phase::Applying { done, started: true }
        }
        (Phase::Applying { done, started: true }, Record::StepDone { step }) if *step == done => {
            Phase::Applying { done: done + 1, started: false }
        }
        (Phase::Applying { started: false, .. }, Record::Paused)
        | (Phase::Applying { .. } | Phase::Undoing { .. }, Record::Resumed { .. })
        | (Phase::Abandoned | Phase::Applied | Phase::RolledBack, Record::Pruned)
        | (Phase::Applying { .. } | Phase::Applied | Phase::Undoing { .. }, Record::Deviation { .. })
        | (Phase::Applying { .. } | Phase::Undoing { .. }, Record::Down { .. })
        | (Phase::Applying { .. } | Phase::Applied | Phase::RolledBack | Phase::Undoing { .. }, Record::Quorum { .. }) => phase,
        (Phase::Applying { done, started: false }, Record::Applied) if done == steps.len() => Phase::Applied,
        (Phase::Applying { .. } | Phase::Applied | Phase::Undoing { .. }, Record::UndoStarted { discard_changes, .. }) => {
            undoing(phase, *discard_changes, steps.len())
        }
        (Phase::Undoing { reached, undone, .. }, Record::UndoRestart { step, .. })
            if next_undone(steps, reached, undone) == Some(*step) =>
        {
            phase
        }
        (Phase::Undoing { reached, undone, discard_changes }, Record::StepUndone { step })
            if next_undone(steps, reached, undone) == Some(*step) =>
        {
            Phase::Undoing { reached, undone: undone + 1, discard_changes }
        }
        (Phase::Undoing { reached, undone, .. }, Record::RolledBack) if undone == reached => Phase::RolledBack,
        _ => return None,
    })
}

/// A call that comes further begins a new count; so does one that turns back, and one that the operator insists on.
fn attempts(before: u32, was_undoing: bool, record: &Record) -> u32 {
    match record {
        Record::Resumed { anew: false } => before.saturating_add(1),
        Record::Resumed { anew: true } | Record::StepDone { .. } | Record::StepUndone { .. } | Record::Paused => 1,
        Record::UndoStarted { .. } if !was_undoing => 1,
        _ => before,
    }
}

fn undoing(phase: Phase, discard_changes: bool, steps: usize) -> Phase {
    let (reached, undone) = match phase {
        Phase::Applying { done, started } => (done + usize::from(started), 0),
        Phase::Undoing { reached, undone, .. } => (reached, undone),
        _ => (steps, 0),
    };
    Phase::Undoing { reached, undone, discard_changes }
}

fn next_undone(steps: &[StepRecord], reached: usize, undone: usize) -> Option<usize> {
    undo_order(steps, reached).get(undone).copied()
}

fn name(record: &Record) -> String {
    let text = format!("{record:?}");
    text.split(['(', ' ']).next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{super::record::tests::begin, *};

    fn phase(records: &[Record]) -> Option<Phase> {
        let all = [&[Record::Begin(Box::new(begin(2)))], records].concat();
        State::of(all.iter()).ok().map(|state| state.phase)
    }

    fn undo(discard_changes: bool) -> Record {
        Record::UndoStarted { why: "test".to_owned(), discard_changes }
    }

    #[test]
    fn a_run_goes_through_its_phases() {
        let started = |step| Record::StepStarted { step };
        let done = |step| Record::StepDone { step };
        let undone = |step| Record::StepUndone { step };
        let applying = |done, started| Phase::Applying { done, started };
        let undoing = |undone| Phase::Undoing { reached: 2, undone, discard_changes: false };
        let walk = [
            (Record::BackedUp, applying(0, false)),
            (started(0), applying(0, true)),
            (started(0), applying(0, true)),
            (done(0), applying(1, false)),
            (started(1), applying(1, true)),
            (done(1), applying(2, false)),
            (Record::Applied, Phase::Applied),
            (undo(false), undoing(0)),
            (undone(1), undoing(1)),
            (undo(false), undoing(1)),
            (undone(0), undoing(2)),
            (Record::RolledBack, Phase::RolledBack),
        ];
        for length in 0..walk.len() {
            let records: Vec<Record> = walk[..=length].iter().map(|(record, _)| record.clone()).collect();
            assert_eq!(phase(&records), Some(walk[length].1), "{records:?}");
        }
    }

    #[test]
    fn an_undo_covers_the_step_that_was_cut_off() {
        let left = |records: &[Record]| match phase(records) {
            Some(Phase::Undoing { reached, undone: 0, .. }) => reached,
            other => panic!("{other:?}"),
        };
        assert_eq!(left(&[Record::BackedUp, undo(true)]), 0);
        assert_eq!(left(&[Record::BackedUp, Record::StepStarted { step: 0 }, undo(true)]), 1);
    }

    #[test]
    fn what_is_stored_is_undone_backwards_and_then_services_forwards() {
        let file = begin(1).steps.remove(0);
        let wait =
            StepRecord::AwaitContainers(bundle_format::slice::AwaitContainers { workloads: Vec::new(), health: Vec::new(), timeout: 1 });
        let steps = [file.clone(), wait.clone(), file, wait];
        assert_eq!(undo_order(&steps, 4), [2, 0, 1, 3]);
        assert_eq!(undo_order(&steps, 2), [0, 1]);
        assert_eq!(undo_order(&steps, 0), [0_usize; 0]);
        assert_eq!(undo_order(&steps, 9), [2, 0, 1, 3], "a journal cannot reach further than its steps");
    }

    #[test]
    fn a_pause_lasts_until_the_next_step_and_deviations_stay() {
        let of = |records: &[Record]| {
            let all = [&[Record::Begin(Box::new(begin(2))), Record::BackedUp], records].concat();
            State::of(all.iter()).map(|state| (state.is_paused, state.deviations.len())).ok()
        };
        let forced = Record::Deviation { what: Deviation::QuorumLossForced };
        assert_eq!(of(&[Record::Paused]), Some((true, 0)));
        assert_eq!(of(&[Record::Paused, forced.clone()]), Some((true, 1)));
        assert_eq!(of(&[Record::Paused, forced.clone(), Record::StepStarted { step: 0 }]), Some((false, 1)));
        assert_eq!(of(&[Record::StepStarted { step: 0 }, Record::Paused]), None, "a pause is between steps");
    }

    #[test]
    fn calls_that_come_no_further_are_counted() {
        let of = |records: &[Record]| {
            let all = [&[Record::Begin(Box::new(begin(2))), Record::BackedUp], records].concat();
            State::of(all.iter()).map(|state| (state.attempts, state.is_exhausted())).unwrap()
        };
        let (started, resumed) = (Record::StepStarted { step: 0 }, Record::Resumed { anew: false });
        let round = [resumed.clone(), started.clone()];
        assert_eq!(of(std::slice::from_ref(&started)), (1, false));
        let tried = [&[started.clone()][..], &round, &round, &round, &round].concat();
        assert_eq!(of(&tried), (MOST_ATTEMPTS, true));
        let with = |more: &[Record]| of(&[&tried, more].concat());
        assert_eq!(with(&[Record::StepDone { step: 0 }]), (1, false), "it came further");
        assert_eq!(with(&[Record::Resumed { anew: true }]), (1, false), "the operator insists");
        assert_eq!(with(&[undo(false)]), (1, false), "it turned back");
        let back = [undo(false), resumed.clone(), undo(false), resumed.clone(), undo(false)];
        assert_eq!(with(&back), (3, false));
        assert_eq!(with(&[&back[..], &[Record::StepUndone { step: 0 }]].concat()), (1, false));
    }

    #[test]
    fn a_run_without_backups_is_not_taken_back() {
        let run = |last: &[Record]| {
            let step = |step| [Record::StepStarted { step }, Record::StepDone { step }];
            let all = [&[Record::Begin(Box::new(begin(1))), Record::BackedUp], &step(0)[..], last].concat();
            State::of(all.iter()).map(|state| state.can_be_undone()).ok()
        };
        assert_eq!(run(&[Record::Applied]), Some(true));
        assert_eq!(run(&[Record::Applied, Record::Pruned]), Some(false));
        assert_eq!(run(&[Record::Pruned]), None, "an unfinished run needs its backups");
    }

    #[test]
    fn the_containers_that_leave_are_known_until_their_step_is_undone() {
        let leaving = Record::UndoRestart { step: 1, containers: vec!["a".to_owned()] };
        let records = [
            Record::Begin(Box::new(begin(2))),
            Record::BackedUp,
            Record::StepStarted { step: 0 },
            Record::StepDone { step: 0 },
            Record::StepStarted { step: 1 },
            undo(false),
            leaving,
        ];
        assert_eq!(State::of(records.iter()).unwrap().leaving, Some(&["a".to_owned()][..]));
        let undone = [&records[..], &[Record::StepUndone { step: 1 }]].concat();
        assert_eq!(State::of(undone.iter()).unwrap().leaving, None);
    }

    #[test]
    fn what_cannot_follow_is_refused() {
        let impossible: [&[Record]; 9] = [
            &[Record::Applied],
            &[Record::StepStarted { step: 0 }],
            &[undo(false)],
            &[Record::BackedUp, Record::StepStarted { step: 1 }],
            &[Record::BackedUp, Record::StepDone { step: 0 }],
            &[Record::BackedUp, Record::Applied],
            &[Record::BackedUp, Record::Abandoned],
            &[Record::BackedUp, Record::RolledBack],
            &[Record::BackedUp, undo(false), Record::RolledBack, undo(false)],
        ];
        for records in impossible {
            assert_eq!(phase(records), None, "{records:?}");
        }
        assert!(State::of([Record::BackedUp].iter()).is_err());
    }

    #[test]
    fn before_the_first_change_there_is_nothing_to_finish_or_undo() {
        for records in [&[][..], &[Record::Abandoned]] {
            let all = [&[Record::Begin(Box::new(begin(1)))], records].concat();
            let state = State::of(all.iter()).unwrap();
            assert!(!state.is_unfinished() && !state.can_be_undone());
        }
    }
}
