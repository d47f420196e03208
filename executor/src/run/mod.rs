//! Drives the steps of a run through its journal, forwards and back.
//!
//! Invariants: a record is on disk before the effect that it announces and after the one that it confirms; no target is touched
//! before every backup was compared with what it backs up; backups are made once, from former files, and never again.
//! What to do next follows from [`crate::journal::Phase`] alone, so a run that was cut off and one that was not go the same way.

mod backups;
mod before;
mod restore_text;
mod resume;
mod store;

use std::collections::BTreeSet;

use bundle_format::{digest::Digest, language::Language, text};
use thiserror::Error;

pub use backups::{Backup, Kept, Need, needs};
pub use store::{Run, RunFolder, Store, StoreError};

use crate::{
    bundle::Material,
    journal::{Begin, Deviation, FileChange, Phase, Record, StepRecord, undo_order},
    machine::{Dress, Machine, database::Database},
    mode::Mode,
    preflight::Refusal,
    progress::{Event, Listener},
    steps::{self, Bench, StepError, replace, seen::Seen, update_database},
};

/// Why a run did not end well.
#[derive(Debug, Error)]
pub enum RunError {
    /// It ended otherwise.
    #[error(transparent)]
    Ended(#[from] Ended),
    /// It was not gone on with: something speaks against it.
    #[error("{}", text!("refused before the first change", "在首次改动之前拒绝执行"))]
    Refused(Vec<Refusal>),
    /// What is kept of earlier runs cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Refusal> for RunError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(vec![refusal])
    }
}

/// How a run ended, other than well; and so how things are now.
#[derive(Debug, Error)]
pub enum Ended {
    /// Before anything: it was tried often enough.
    #[error("{}", text!(
        "the run `{run}` was tried {attempts} times and came no further than {place}: this is not done once more unasked",
        "执行 `{run}` 已尝试 {attempts} 次，始终停在 {place}：未经要求不再重试"
    ))]
    Exhausted {
        /// The run.
        run: String,
        /// How often.
        attempts: u32,
        /// Where it stands, in a few words.
        place: String,
        /// Whether it was on its way back.
        is_undoing: bool,
        /// The run's instructions for a person.
        restore_text: String,
    },
    /// In the middle, by a signal. Nothing is down, and it can go on either way.
    #[error("{}", text!(
        "the run `{run}` was stopped by a signal; every manifest is in its place",
        "执行 `{run}` 被信号中断；所有清单文件均在原位"
    ))]
    Interrupted {
        /// The run.
        run: String,
    },
    /// Before its first change.
    #[error("{}", text!("{why}; nothing was changed", "{why}；没有任何改动"))]
    Unchanged {
        /// The reason.
        why: Box<Fault>,
    },
    /// With everything as before.
    #[error("{}", text!("{why}; everything was put back", "{why}；已全部回滚"))]
    RolledBack {
        /// The reason.
        why: Box<Fault>,
    },
    /// In the middle.
    #[error("{}", text!("{why}; and it could not be put back: {undo}", "{why}；并且未能回滚：{undo}"))]
    Stuck {
        /// The reason.
        why: Box<Fault>,
        /// Why it was not undone.
        undo: Box<Fault>,
        /// The run's instructions for a person.
        restore_text: String,
    },
    /// In the middle of a rollback.
    #[error("{}", text!("the rollback of the run `{run}` stopped: {why}", "执行 `{run}` 的回滚中止：{why}"))]
    NotUndone {
        /// The run.
        run: String,
        /// The reason.
        why: Box<Fault>,
        /// The run's instructions for a person.
        restore_text: String,
    },
}

/// A failure within a run.
#[derive(Debug, Error)]
pub enum Fault {
    /// Of a step.
    #[error(transparent)]
    Step(#[from] StepError),
    /// Of the journal.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<crate::machine::MachineError> for Fault {
    fn from(error: crate::machine::MachineError) -> Self {
        Self::Step(error.into())
    }
}

/// Where a run is driven.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// Back to how things were.
    Back,
    /// To its end.
    Forward,
}

/// What runs are driven with.
pub struct Driver<'a> {
    /// The machine.
    pub machine: &'a Machine,
    /// Where runs are kept.
    pub store: &'a Store<'a>,
    /// Told of every step and every wait.
    pub progress: Listener<'a>,
    /// What the operator wants.
    pub options: Options,
}

/// What the operator wants beyond what a run is about.
#[derive(Debug, Default)]
pub struct Options {
    /// What is overridden.
    pub allowed: BTreeSet<Deviation>,
    /// The database, where a run touches one.
    pub database: Option<Database>,
    /// Whether to stop before the first restart.
    pub pauses_before_restart: bool,
    /// Whether to go on with a run that was tried often enough.
    pub tries_again: bool,
}

/// How a run that did not fail stands.
pub enum Outcome {
    /// At its end.
    Applied(Run),
    /// Waiting, as the operator asked, before its first restart.
    Paused(Run),
}

impl Driver<'_> {
    /// Begins a run and drives it to its end.
    ///
    /// # Errors
    /// When it ends otherwise; the error says how things are then.
    pub fn start(&self, begin: &Begin, material: &Material) -> Result<Outcome, RunError> {
        let name = bundle_format::name::BundleName { site: begin.site.clone(), serial: begin.serial };
        let mut run = self.store.new_run(&name)?;
        match self.prepare(&mut run, begin) {
            Ok(()) => self.finish(run, material),
            Err(why) => {
                let _ = self.abandon(&mut run);
                Err(Ended::Unchanged { why: Box::new(why) }.into())
            }
        }
    }

    fn bench<'b>(&'b self, begin: &'b Begin, run: &'b RunFolder, is_undoing: bool) -> Bench<'b> {
        Bench {
            allowed: &self.options.allowed,
            begin,
            database: self.options.database.as_ref(),
            is_undoing,
            machine: self.machine,
            mode: Mode::at(self.machine.now(), begin.first_end.as_ref()),
            progress: self.progress,
            run,
            seen: Seen::default(),
        }
    }

    /// Everything up to the first change.
    fn prepare(&self, run: &mut Run, begin: &Begin) -> Result<(), Fault> {
        run.record(self.machine, Record::Begin(Box::new(begin.clone())))?;
        for change in begin.steps.iter().flat_map(StepRecord::files) {
            self.back_up(&run.folder, change)?;
        }
        let folder = run.folder.clone();
        self.back_up_folders(&folder, begin)?;
        let bench = self.bench(begin, &folder, false);
        for step in &begin.steps {
            if let StepRecord::UpdateDatabase { step, rows, .. } = step {
                update_database::back_up(step, rows, &bench)?;
            }
        }
        self.machine.sync_folder(&run.folder.backups())?;
        self.store.write_restore_text(&run.folder, begin, self.machine.now())?;
        self.machine.check_signals().map_err(StepError::from)?;
        Ok(run.record(self.machine, Record::BackedUp)?)
    }

    /// A backup has all that the file has, so that `cp -a` alone puts it back; its folder is closed to all but root.
    fn back_up(&self, folder: &RunFolder, change: &FileChange) -> Result<(), Fault> {
        let Some(former) = &change.former else { return Ok(()) };
        let sight = self.machine.look(&change.target);
        let Some(seen) = sight.file().filter(|seen| seen.snapshot == *former) else {
            return Err(replace::foreign(change, &sight).into());
        };
        let place = folder.backup(change);
        self.machine.create(&place, &seen.content, Dress::Exactly(&former.metadata))?;
        let (found, expected) = (Digest::of(&self.machine.read(&place)?), former.sha256);
        if found == expected {
            return Ok(());
        }
        Err(StepError::Backup { backup: place.to_string(), target: change.target.clone(), found, expected }.into())
    }

    /// Whole folders, for a person: `rollback` does not need them.
    fn back_up_folders(&self, folder: &RunFolder, begin: &Begin) -> Result<(), Fault> {
        if begin.steps.iter().all(|step| step.files().is_empty()) {
            return Ok(());
        }
        for (number, target) in begin.folders.iter().enumerate() {
            let copied = self.machine.copy_tree(target, &folder.folder_copy(number, target))?;
            for path in copied.left_out {
                (self.progress)(&Event::Note {
                    text: text!(
                        "not in the copy of `{target}`: `{path}`, a link, a device or too large",
                        "未复制到 `{target}` 的副本中：`{path}`，它是链接、设备或过大"
                    ),
                });
            }
        }
        Ok(())
    }

    /// Closes a run that changed nothing. Its backups may hold keys and are of no use.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn abandon(&self, run: &mut Run) -> Result<(), StoreError> {
        self.machine.remove_own_tree(&run.folder.backups())?;
        self.machine.remove(&run.folder.restore_text())?;
        run.record(self.machine, Record::Abandoned)
    }

    /// Does the steps that are not done, and looks at all of them. What fails is undone; what a signal stops is left for the next
    /// command.
    ///
    /// # Errors
    /// When it did not come to its end.
    pub fn finish(&self, mut run: Run, material: &Material) -> Result<Outcome, RunError> {
        let why = match self.go_forward(&mut run, material) {
            Ok(true) => return Ok(Outcome::Applied(run)),
            Ok(false) => return Ok(Outcome::Paused(run)),
            Err(Fault::Step(StepError::Interrupted(_))) => return Err(interrupted(&run)),
            Err(why) => why,
        };
        let unchanged = self.is_unchanged(&run)?;
        let reason = Language::English.says(|| why.to_string());
        match self.go_back(&mut run, &reason, false) {
            Ok(()) if unchanged => Err(Ended::Unchanged { why: Box::new(why) }.into()),
            Ok(()) => Err(Ended::RolledBack { why: Box::new(why) }.into()),
            // The journal alone could not be written.
            Err(_) if unchanged && self.has_left_nothing(&run)? => Err(Ended::Unchanged { why: Box::new(why) }.into()),
            Err(Fault::Step(StepError::Interrupted(_))) => Err(interrupted(&run)),
            Err(undo) => {
                let restore_text = run.folder.restore_text().to_string();
                Err(Ended::Stuck { why: Box::new(why), undo: Box::new(undo), restore_text }.into())
            }
        }
    }

    /// Whether a run that failed has changed nothing yet, as far as the disk shows: what cannot be read may be changed.
    fn is_unchanged(&self, run: &Run) -> Result<bool, StoreError> {
        let steps = steps_of(run)?;
        let touched = match run.state()?.phase {
            Phase::Applying { done, started } => done + usize::from(started),
            _ => steps.len(),
        };
        Ok(steps.iter().take(touched).all(|step| match step {
            StepRecord::EditJson { .. } | StepRecord::InstallFiles { .. } => step.files().iter().all(|file| !self.may_be_new(file)),
            _ => false,
        }))
    }

    fn may_be_new(&self, change: &FileChange) -> bool {
        matches!(replace::condition(change, self.machine), replace::Condition::New | replace::Condition::Unreadable)
    }

    /// Whether no staging file lies beside any target.
    fn has_left_nothing(&self, run: &Run) -> Result<bool, StoreError> {
        let Some(begin) = run.state()?.begin else { return Ok(true) };
        let bench = self.bench(begin, &run.folder, true);
        Ok(begin.steps.iter().flat_map(StepRecord::files).all(|file| replace::has_no_staging(file, &bench)))
    }

    /// Whether the end was reached; otherwise the run waits.
    fn go_forward(&self, run: &mut Run, material: &Material) -> Result<bool, Fault> {
        let Some(begin) = run.state()?.begin.cloned() else { return Ok(true) };
        let Phase::Applying { done, started } = run.state()?.phase else { return Ok(true) };
        let folder = run.folder.clone();
        let bench = self.bench(&begin, &folder, false);
        self.record_deviations(run, &bench)?;
        self.look_again(run, &begin, done, &bench, material)?;
        for (step, record) in begin.steps.iter().enumerate().skip(done) {
            let is_begun = started && step == done;
            if self.options.pauses_before_restart && record.is_service() && !is_begun {
                run.record(self.machine, Record::Paused)?;
                return Ok(false);
            }
            self.machine.check_signals().map_err(StepError::from)?;
            self.tell_step(step, false, begin.steps.len(), record);
            run.record(self.machine, Record::StepStarted { step })?;
            let outcome = steps::apply(record, &bench, material);
            let noted = self.note(run, step, &bench);
            outcome?;
            noted?;
            run.record(self.machine, Record::StepDone { step })?;
        }
        begin.steps.iter().try_for_each(|record| steps::check(record, &bench))?;
        run.record(self.machine, Record::Applied)?;
        Ok(true)
    }

    fn tell_step(&self, step: usize, undoing: bool, of: usize, record: &StepRecord) {
        (self.progress)(&Event::Step { number: step + 1, of, undoing, what: steps::describe(record) });
    }

    /// What the operator overrides is on record before it has effect.
    fn record_deviations(&self, run: &mut Run, bench: &Bench<'_>) -> Result<(), Fault> {
        let recorded = run.state()?.deviations;
        let is_guarded = (bench.is_undoing || !bench.mode.is_recovery())
            && bench.begin.steps.iter().any(|step| matches!(step, StepRecord::RestartStaticPods { .. }));
        for what in self.options.allowed.difference(&recorded).copied().collect::<Vec<_>>() {
            if is_guarded || !what.is_about_quorum() {
                run.record(self.machine, Record::Deviation { what })?;
            }
        }
        Ok(())
    }

    /// Takes a run back.
    ///
    /// # Errors
    /// When someone else changed a target since, or the system refuses.
    pub fn roll_back(&self, mut run: Run, discard_changes: bool) -> Result<Run, RunError> {
        let state = run.state()?;
        let discard = discard_changes || matches!(state.phase, Phase::Undoing { discard_changes: true, .. });
        let refusals = self.changed_since(&run, Direction::Back)?;
        if !discard && !refusals.is_empty() {
            return Err(RunError::Refused(refusals));
        }
        self.may_restart_back(&run)?;
        self.can_reach_rows(&run, discard)?;
        if matches!(run.state()?.phase, Phase::Undoing { .. }) {
            self.count(&mut run)?;
        }
        let restore_text = run.folder.restore_text().to_string();
        let not_undone = |run: &Run, why| Ended::NotUndone { run: run.folder.name.clone(), why: Box::new(why), restore_text };
        match self.check_backups(&run).and_then(|()| self.go_back(&mut run, "the operator asked for it", discard)) {
            Ok(()) => Ok(run),
            Err(Fault::Step(StepError::Interrupted(_))) => Err(interrupted(&run)),
            Err(why) => Err(not_undone(&run, why).into()),
        }
    }

    fn go_back(&self, run: &mut Run, why: &str, discard_changes: bool) -> Result<(), Fault> {
        let Some(begin) = run.state()?.begin.cloned() else { return Ok(()) };
        let outcome = self.undo_all(run, &begin, why, discard_changes);
        // A pod that was taken down comes back whatever else failed.
        let safe = begin.steps.iter().map(|step| steps::make_safe(step, self.machine)).collect::<Vec<_>>();
        outcome?;
        Ok(safe.into_iter().collect::<Result<(), StepError>>()?)
    }

    fn undo_all(&self, run: &mut Run, begin: &Begin, why: &str, discard_changes: bool) -> Result<(), Fault> {
        run.record(self.machine, Record::UndoStarted { why: why.to_owned(), discard_changes })?;
        let Phase::Undoing { reached, undone, .. } = run.state()?.phase else { return Ok(()) };
        let folder = run.folder.clone();
        let bench = self.bench(begin, &folder, true);
        self.record_deviations(run, &bench)?;
        let order = undo_order(&begin.steps, reached);
        self.look_back_again(begin, &order[..undone.min(order.len())], &bench)?;
        for step in order.into_iter().skip(undone) {
            self.machine.check_signals().map_err(StepError::from)?;
            let record = &begin.steps[step];
            self.tell_step(step, true, begin.steps.len(), record);
            let leaving = self.leaving(run, step, record, &bench)?;
            let outcome = steps::undo(record, &leaving, &bench, discard_changes);
            let noted = self.note(run, step, &bench);
            outcome?;
            noted?;
            run.record(self.machine, Record::StepUndone { step })?;
        }
        for change in begin.steps.iter().flat_map(StepRecord::files) {
            replace::sweep(change, &bench)?;
        }
        Ok(run.record(self.machine, Record::RolledBack)?)
    }

    /// What a step saw is on record whether it succeeded or not.
    pub(super) fn note(&self, run: &mut Run, step: usize, bench: &Bench<'_>) -> Result<(), StoreError> {
        bench.seen.records(step).into_iter().try_for_each(|record| run.record(self.machine, record))
    }

    /// The containers that run when the undoing of a restart is begun, on record before it has effect.
    fn leaving(&self, run: &mut Run, step: usize, record: &StepRecord, bench: &Bench<'_>) -> Result<Vec<String>, Fault> {
        if let Some(leaving) = run.state()?.leaving {
            return Ok(leaving.to_vec());
        }
        let Some(containers) = steps::running(record, bench)? else { return Ok(Vec::new()) };
        run.record(self.machine, Record::UndoRestart { step, containers: containers.clone() })?;
        Ok(containers)
    }
}

fn interrupted(run: &Run) -> RunError {
    Ended::Interrupted { run: run.folder.name.clone() }.into()
}

fn steps_of(run: &Run) -> Result<Vec<StepRecord>, StoreError> {
    Ok(run.state()?.begin.map(|begin| begin.steps.clone()).unwrap_or_default())
}
