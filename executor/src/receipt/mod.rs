//! From a run's journal to the receipt of it. Pure but for [`keep`], which reads and writes them.
//!
//! The journal alone says what was done, so a receipt can be written by a later call for one that was cut off. What only the call knows,
//! its exit code and its reason, is told where there is one.

mod keep;

use bundle_format::{
    digest::Digest,
    receipt::{
        BundleLink, Command, Content, Down, Event, EventKind, FORMAT, FileReceipt, JournalLink, Mode, Occasion, Outcome, Override,
        QuorumSight, Receipt, RunLink, StepKind, StepReceipt, StepState, plain,
    },
};
use time::{Duration, OffsetDateTime};

pub use keep::{KeepError, Kept, Receipts};

use crate::{
    error::Exit,
    journal::{Begin, Entry, FileChange, History, Phase, Record, State, StepRecord, undo_order},
    mode, quorum,
};

/// What a call knows of itself at its end.
#[derive(Clone, Debug)]
pub struct Call {
    /// Which command.
    pub command: Command,
    /// Its exit code.
    pub exit: Exit,
    /// Whether a signal ended it.
    pub is_interrupted: bool,
    /// Why it failed.
    pub why: Option<String>,
}

/// What a receipt says of itself and of the machine.
pub struct Head {
    /// Its number.
    pub number: u32,
    /// The digest of the one before.
    pub former: Option<Digest>,
    /// The node's clock.
    pub written: OffsetDateTime,
    /// Whether this is a whole machine.
    pub is_whole: bool,
    /// Its host name.
    pub host: Option<String>,
}

/// How many records of a journal are about the run itself, not about what is kept of it.
pub fn significant(history: &History) -> u64 {
    history.entries.iter().filter(|entry| entry.record != Record::Pruned).count() as u64
}

/// The receipt of a run; none for one that was cut off before its first record. `call` is the one that ends now.
pub fn of(head: &Head, run: &str, history: &History, journal: JournalLink, call: Option<&Call>) -> Option<Receipt> {
    let state = history.state().ok()?;
    let (begin, first, last) = (state.begin?, history.entries.first()?, history.entries.last()?);
    let story = Story { entries: &history.entries, begin, phase: state.phase };
    let quorum = story.quorum();
    Some(Receipt {
        receipt: FORMAT,
        number: head.number,
        former: head.former,
        written: head.written,
        made_by: env!("CARGO_PKG_VERSION").to_owned(),
        architecture: std::env::consts::ARCH.to_owned(),
        is_whole: head.is_whole,
        host: head.host.as_deref().map(plain),
        site: begin.site.clone(),
        node: begin.node.clone(),
        bundle: BundleLink { serial: begin.serial, sha256: begin.bundle, signers: begin.signers.clone() },
        run: RunLink { name: plain(run), begun_by: plain(&begin.executor), begun: first.at, last_record: last.at, journal },
        command: call.map(|call| call.command),
        exit: call.map(|call| call.exit as u8),
        outcome: outcome(&state, call, &quorum),
        why: call.and_then(|call| call.why.as_deref()).or_else(|| story.why()).map(plain),
        clock_went_back: story.clock_went_back(),
        mode: mode_of(begin, first.at),
        deviations: story.deviations(),
        events: story.events(),
        steps: (0..begin.steps.len()).map(|step| story.step(step)).collect(),
        quorum,
    })
}

fn outcome(state: &State<'_>, call: Option<&Call>, quorum: &[QuorumSight]) -> Outcome {
    let needed = |sight: &QuorumSight| u32::try_from(quorum::quorum(sight.members as usize)).unwrap_or(u32::MAX);
    let lacks_quorum = |sight: &QuorumSight| sight.occasion == Occasion::End && sight.healthy < needed(sight);
    match (state.phase, call) {
        (Phase::Applied, _) if quorum.last().is_some_and(lacks_quorum) => Outcome::Waiting,
        (Phase::Applied, _) => Outcome::Applied,
        (Phase::Abandoned, _) => Outcome::Failed,
        (Phase::RolledBack, Some(call)) if call.exit == Exit::Failed => Outcome::Failed,
        (Phase::RolledBack, _) => Outcome::RolledBack,
        _ if state.is_paused => Outcome::Paused,
        (_, Some(call)) if !call.is_interrupted => Outcome::Failed,
        _ => Outcome::Interrupted,
    }
}

fn mode_of(begin: &Begin, at: OffsetDateTime) -> Mode {
    match mode::Mode::at(at, begin.first_end.as_ref()) {
        mode::Mode::Recovery { ended } => Mode::Recovery { target: ended.target, ended: ended.not_after },
        mode::Mode::Rolling { .. } => Mode::Rolling,
    }
}

/// A journal as it is told.
struct Story<'a> {
    entries: &'a [Entry],
    begin: &'a Begin,
    phase: Phase,
}

impl Story<'_> {
    fn why(&self) -> Option<&str> {
        self.entries.iter().find_map(|entry| match &entry.record {
            Record::UndoStarted { why, .. } => Some(why.as_str()),
            _ => None,
        })
    }

    fn clock_went_back(&self) -> u64 {
        let steps = self.entries.windows(2).map(|pair| pair[0].at - pair[1].at);
        steps.filter(|step| step.is_positive()).sum::<Duration>().whole_seconds().unsigned_abs()
    }

    fn deviations(&self) -> Vec<Override> {
        let deviation = |entry: &Entry| match entry.record {
            Record::Deviation { what } => Some(Override { what, at: entry.at }),
            _ => None,
        };
        self.entries.iter().filter_map(deviation).collect()
    }

    fn quorum(&self) -> Vec<QuorumSight> {
        let sight = |entry: &Entry| match &entry.record {
            Record::Quorum { sight } => Some(sight.clone()),
            _ => None,
        };
        self.entries.iter().filter_map(sight).collect()
    }

    fn events(&self) -> Vec<Event> {
        self.entries.iter().flat_map(|entry| kinds(&entry.record).iter().map(|what| Event { what: *what, at: entry.at })).collect()
    }

    fn step(&self, number: usize) -> StepReceipt {
        let at = |fits: &dyn Fn(&Record) -> bool| self.entries.iter().find(|entry| fits(&entry.record)).map(|entry| entry.at);
        let started = at(&|record| matches!(record, Record::StepStarted { step } if *step == number));
        let done = at(&|record| matches!(record, Record::StepDone { step } if *step == number));
        let undone = at(&|record| matches!(record, Record::StepUndone { step } if *step == number));
        let record = &self.begin.steps[number];
        let (kind, services) = kind(record);
        StepReceipt {
            kind,
            state: step_state(self.phase, &self.begin.steps, number),
            started,
            done,
            undone,
            files: record.files().iter().map(file).collect(),
            rows: record.rows().iter().map(|row| plain(&row.key)).collect(),
            services: services.iter().map(|name| plain(name)).collect(),
            down: if kind.is_restart() { self.downs(number, started, done) } else { Vec::new() },
        }
    }

    /// When it was down. Where that was not recorded, since a call was cut off in between or an earlier version made it, it was down at
    /// most from the step's beginning to its end.
    fn downs(&self, number: usize, started: Option<OffsetDateTime>, done: Option<OffsetDateTime>) -> Vec<Down> {
        let down = |entry: &Entry| match entry.record {
            Record::Down { step, from, until } if step == number => Some(Down { from: from.or(started).unwrap_or(entry.at), until }),
            _ => None,
        };
        let downs: Vec<Down> = self.entries.iter().filter_map(down).collect();
        match started {
            Some(from) if downs.is_empty() => vec![Down { from, until: done }],
            _ => downs,
        }
    }
}

/// What a record says of the run as a whole.
fn kinds(record: &Record) -> &'static [EventKind] {
    match record {
        Record::Abandoned => &[EventKind::Abandoned],
        Record::Applied => &[EventKind::Applied],
        Record::BackedUp => &[EventKind::BackedUp],
        Record::Begin(_) => &[EventKind::Begun],
        Record::Paused => &[EventKind::Paused],
        Record::Pruned => &[EventKind::Pruned],
        Record::Resumed { anew: false } => &[EventKind::Resumed],
        Record::Resumed { anew: true } => &[EventKind::TriedAgain],
        Record::RolledBack => &[EventKind::RolledBack],
        Record::UndoStarted { discard_changes: false, .. } => &[EventKind::TurnedBack],
        Record::UndoStarted { discard_changes: true, .. } => &[EventKind::TurnedBack, EventKind::ChangesDiscarded],
        Record::Deviation { .. }
        | Record::Down { .. }
        | Record::Quorum { .. }
        | Record::StepDone { .. }
        | Record::StepStarted { .. }
        | Record::StepUndone { .. }
        | Record::UndoRestart { .. } => &[],
    }
}

fn step_state(phase: Phase, steps: &[StepRecord], number: usize) -> StepState {
    match phase {
        Phase::Applied => StepState::Done,
        Phase::Applying { done, .. } if number < done => StepState::Done,
        Phase::Applying { done, started: true } if number == done => StepState::Begun,
        Phase::RolledBack => StepState::Undone,
        Phase::Undoing { reached, undone, .. } => match undo_order(steps, reached).iter().position(|step| *step == number) {
            Some(place) if place < undone => StepState::Undone,
            Some(_) => StepState::ToUndo,
            None => StepState::ToDo,
        },
        _ => StepState::ToDo,
    }
}

fn kind(record: &StepRecord) -> (StepKind, Vec<String>) {
    let names = |workloads: &[bundle_format::slice::Workload]| workloads.iter().map(|workload| workload.container.clone()).collect();
    match record {
        StepRecord::AwaitContainers(step) => (StepKind::AwaitContainers, names(&step.workloads)),
        StepRecord::AwaitEtcd(step) => (StepKind::AwaitEtcd, vec![step.cluster.to_string()]),
        StepRecord::EditJson { .. } => (StepKind::EditJson, Vec::new()),
        StepRecord::InstallFiles { .. } => (StepKind::InstallFiles, Vec::new()),
        StepRecord::RestartPods { step, .. } => (StepKind::RestartPods, vec![step.name_contains.clone()]),
        StepRecord::RestartStaticPods { step, .. } => (StepKind::RestartStaticPods, names(&step.workloads)),
        StepRecord::UpdateDatabase { step, .. } => (StepKind::UpdateDatabase, vec![step.table.to_string()]),
    }
}

fn file(change: &FileChange) -> FileReceipt {
    let (former, new) = match &change.contents {
        Some(contents) => (contents.former.clone(), contents.new.clone()),
        None => (change.former.as_ref().map(|_| Content::Unknown), Content::Unknown),
    };
    FileReceipt { target: change.target.clone(), former, new }
}

#[cfg(test)]
mod tests;
