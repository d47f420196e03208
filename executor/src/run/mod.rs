//! Drives the steps of a run through its journal, forwards and back.
//!
//! Invariants: a record is on disk before the effect that it announces and after the one that it confirms; no target is touched
//! before every backup was compared with what it backs up; backups are made once, from former files, and never again.
//! What to do next follows from [`crate::journal::Phase`] alone, so a run that was cut off and one that was not go the same way.

mod store;

use bundle_format::{digest::Digest, name::TargetPath};
use thiserror::Error;

pub use store::{Run, RunFolder, Store, StoreError};

use crate::{
    bundle::Material,
    journal::{Begin, FileChange, Phase, Record, StepRecord},
    machine::{Dress, Machine},
    steps::{self, Bench, StepError, replace},
};

/// How a run ended, other than well.
#[derive(Debug, Error)]
pub enum RunError {
    /// Before its first change.
    #[error("{why}; nothing was changed")]
    Unchanged {
        /// The reason.
        why: Box<Fault>,
    },
    /// With everything as before.
    #[error("{why}; everything was put back")]
    RolledBack {
        /// The reason.
        why: Box<Fault>,
    },
    /// In the middle.
    #[error("{why}; and it could not be put back: {undo}")]
    Stuck {
        /// The reason.
        why: Box<Fault>,
        /// Why it was not undone.
        undo: Box<Fault>,
        /// The run's instructions for a person.
        restore_text: String,
    },
    /// In the middle of a rollback.
    #[error("the rollback of the run `{run}` stopped: {why}")]
    NotUndone {
        /// The run.
        run: String,
        /// The reason.
        why: Box<Fault>,
        /// The run's instructions for a person.
        restore_text: String,
    },
    /// Before anything, since someone else changed targets.
    #[error("targets of the run `{run}` were changed by someone else")]
    Changed {
        /// The run.
        run: String,
        /// The targets.
        targets: Vec<TargetPath>,
    },
    /// What is kept of earlier runs cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
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
    /// Told of every step, for people.
    pub progress: &'a dyn Fn(&str),
}

impl Driver<'_> {
    /// Begins a run and drives it to its end.
    ///
    /// # Errors
    /// When it ends otherwise; the error says how things are then.
    pub fn start(&self, begin: &Begin, material: &Material) -> Result<Run, RunError> {
        let name = bundle_format::name::BundleName { site: begin.site.clone(), serial: begin.serial };
        let mut run = self.store.new_run(&name)?;
        match self.prepare(&mut run, begin) {
            Ok(()) => self.finish(run, material),
            Err(why) => {
                let _ = self.abandon(&mut run);
                Err(RunError::Unchanged { why: Box::new(why) })
            }
        }
    }

    /// Everything up to the first change.
    fn prepare(&self, run: &mut Run, begin: &Begin) -> Result<(), Fault> {
        run.record(self.machine, Record::Begin(Box::new(begin.clone())))?;
        for change in begin.steps.iter().flat_map(StepRecord::files) {
            self.back_up(&run.folder, change)?;
        }
        self.machine.sync_folder(&run.folder.backups())?;
        self.store.write_restore_text(&run.folder, begin, self.machine.now())?;
        Ok(run.record(self.machine, Record::BackedUp)?)
    }

    /// A backup has all that the file has, so that `cp -a` alone puts it back; its folder is closed to all but root.
    fn back_up(&self, folder: &RunFolder, change: &FileChange) -> Result<(), Fault> {
        let Some(former) = &change.former else { return Ok(()) };
        let sight = self.machine.look(&change.target);
        let Some(seen) = sight.file().filter(|seen| seen.snapshot == *former) else {
            return Err(StepError::Changed(change.target.clone()).into());
        };
        let place = folder.backup(change);
        self.machine.create(&place, &seen.content, Dress::Exactly(&former.metadata))?;
        let (found, expected) = (Digest::of(&self.machine.read(&place)?), former.sha256);
        if found == expected {
            return Ok(());
        }
        Err(StepError::Backup { backup: place.to_string(), target: change.target.clone(), found, expected }.into())
    }

    /// Closes a run that changed nothing. Its backups may hold keys and are of no use.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn abandon(&self, run: &mut Run) -> Result<(), StoreError> {
        match self.machine.names(&run.folder.backups(), 4096) {
            Err(error) if !error.is_missing() => return Err(error.into()),
            names => {
                for name in names.unwrap_or_default() {
                    self.machine.remove(&run.folder.backups().join(&name))?;
                }
            }
        }
        self.machine.remove(&run.folder.restore_text())?;
        run.record(self.machine, Record::Abandoned)
    }

    /// Does the steps that are not done, and looks at all of them. What fails is undone.
    ///
    /// # Errors
    /// When it did not come to its end.
    pub fn finish(&self, mut run: Run, material: &Material) -> Result<Run, RunError> {
        let why = match self.go_forward(&mut run, material) {
            Ok(()) => return Ok(run),
            Err(why) => why,
        };
        let unchanged = steps_of(&run)?.iter().flat_map(StepRecord::files).all(|file| !self.is_new(file));
        let reason = why.to_string();
        match self.go_back(&mut run, &reason, false) {
            _ if unchanged => Err(RunError::Unchanged { why: Box::new(why) }),
            Ok(()) => Err(RunError::RolledBack { why: Box::new(why) }),
            Err(undo) => {
                let restore_text = run.folder.restore_text().to_string();
                Err(RunError::Stuck { why: Box::new(why), undo: Box::new(undo), restore_text })
            }
        }
    }

    fn is_new(&self, change: &FileChange) -> bool {
        replace::condition(change, self.machine) == replace::Condition::New
    }

    fn go_forward(&self, run: &mut Run, material: &Material) -> Result<(), Fault> {
        let steps = steps_of(run)?;
        let Phase::Applying { done, .. } = run.state()?.phase else { return Ok(()) };
        let folder = run.folder.clone();
        let bench = Bench { machine: self.machine, run: &folder };
        for (step, record) in steps.iter().enumerate().skip(done) {
            (self.progress)(&format!("step {} of {}: {}", step + 1, steps.len(), describe(record)));
            run.record(self.machine, Record::StepStarted { step })?;
            steps::apply(record, &bench, material)?;
            run.record(self.machine, Record::StepDone { step })?;
        }
        steps.iter().try_for_each(|record| steps::check(record, &bench))?;
        Ok(run.record(self.machine, Record::Applied)?)
    }

    /// Takes a run back.
    ///
    /// # Errors
    /// When someone else changed a target since, or the system refuses.
    pub fn roll_back(&self, mut run: Run, discard_changes: bool) -> Result<Run, RunError> {
        let state = run.state()?;
        let discard = discard_changes || matches!(state.phase, Phase::Undoing { discard_changes: true, .. });
        let targets = self.changed_since(&run, Direction::Back)?;
        if !discard && !targets.is_empty() {
            return Err(RunError::Changed { run: run.folder.name, targets });
        }
        let restore_text = run.folder.restore_text().to_string();
        let not_undone = |run: &Run, why| RunError::NotUndone { run: run.folder.name.clone(), why: Box::new(why), restore_text };
        let backups = self.check_backups(&run).map_err(Fault::from);
        match backups.and_then(|()| self.go_back(&mut run, "the operator asked for it", discard)) {
            Ok(()) => Ok(run),
            Err(why) => Err(not_undone(&run, why)),
        }
    }

    /// The targets of a run that have neither their former nor their new content, as far as the run will touch them.
    ///
    /// # Errors
    /// When the journal cannot be used.
    pub fn changed_since(&self, run: &Run, direction: Direction) -> Result<Vec<TargetPath>, StoreError> {
        let steps = steps_of(run)?;
        let concerned = match (run.state()?.phase, direction) {
            (Phase::Undoing { left, .. }, _) => left,
            (Phase::Applying { done, started }, Direction::Back) => done + usize::from(started),
            _ => steps.len(),
        };
        let files = steps.iter().take(concerned).flat_map(StepRecord::files);
        let condition = |file: &&FileChange| replace::condition(file, self.machine);
        let changed = files.filter(|file| !matches!(condition(file), replace::Condition::Former | replace::Condition::New));
        Ok(changed.map(|file| file.target.clone()).collect())
    }

    /// A rollback that would stop half-way for want of a backup does not begin.
    fn check_backups(&self, run: &Run) -> Result<(), StepError> {
        let bench = Bench { machine: self.machine, run: &run.folder };
        let steps = steps_of(run).unwrap_or_default();
        let changed = steps.iter().flat_map(StepRecord::files).filter(|file| file.former.is_some());
        changed.into_iter().try_for_each(|file| replace::backup(file, &bench).map(drop))
    }

    fn go_back(&self, run: &mut Run, why: &str, discard_changes: bool) -> Result<(), Fault> {
        let steps = steps_of(run)?;
        run.record(self.machine, Record::UndoStarted { why: why.to_owned(), discard_changes })?;
        let Phase::Undoing { left, .. } = run.state()?.phase else { return Ok(()) };
        let folder = run.folder.clone();
        let bench = Bench { machine: self.machine, run: &folder };
        for (step, record) in steps.iter().enumerate().take(left).rev() {
            (self.progress)(&format!("undoing step {} of {}: {}", step + 1, steps.len(), describe(record)));
            steps::undo(record, &bench, discard_changes)?;
            run.record(self.machine, Record::StepUndone { step })?;
        }
        for change in steps.iter().flat_map(StepRecord::files) {
            replace::sweep(change, &bench)?;
        }
        Ok(run.record(self.machine, Record::RolledBack)?)
    }
}

fn steps_of(run: &Run) -> Result<Vec<StepRecord>, StoreError> {
    Ok(run.state()?.begin.map(|begin| begin.steps.clone()).unwrap_or_default())
}

fn describe(step: &StepRecord) -> String {
    match step {
        StepRecord::EditJson { file, .. } => format!("edit `{}`", file.target),
        StepRecord::InstallFiles { files } => format!("install {} file{}", files.len(), if files.len() == 1 { "" } else { "s" }),
    }
}
