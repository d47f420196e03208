//! What is kept of each run, whether it is whole, and what of it may go.
//!
//! Invariants: the backups of a run that is unfinished, of the run that the next `rollback` takes back, and of the newest run whose
//! backups are whole are never removed; nor is anything of a run whose journal cannot be read. A journal itself always stays: it is
//! how the node knows what was done to it.

use bundle_format::{digest::Digest, text, word};

use super::{Run, RunFolder, Store, StoreError};
use crate::{
    journal::{Phase, Record, State, StepRecord},
    machine::{Machine, Place},
};

/// How the backups of a run are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Backup {
    /// Some are missing or differ from what the journal says: which.
    Damaged(Vec<String>),
    /// There are none: they were removed, or the run never came so far.
    Gone,
    /// Nobody knows, since the journal does not say what they should be.
    Unknown,
    /// All are there, each with the digest that the journal has.
    Whole,
}

/// Why backups are never removed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Need {
    /// It is the newest whose backups are whole.
    LastGood,
    /// The next `rollback` takes it back.
    Rollback,
    /// It is unfinished.
    Unfinished,
    /// Its journal cannot be read.
    Unreadable,
}

impl Need {
    /// For programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::LastGood => "last-good",
            Self::Rollback => "rollback",
            Self::Unfinished => "unfinished",
            Self::Unreadable => "unreadable",
        }
    }

    /// For people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::LastGood => word!("it has the last good backup", "它有最近一份完好的备份"),
            Self::Rollback => word!("`rollback` needs it", "`rollback` 需要它"),
            Self::Unfinished => word!("it is unfinished", "它尚未完成"),
            Self::Unreadable => word!("its journal cannot be read", "它的日志记录无法读取"),
        }
    }
}

/// What is kept of a run.
pub struct Kept {
    /// Its folder.
    pub folder: RunFolder,
    /// Its journal, where that can be read.
    pub run: Result<Run, StoreError>,
    /// The bytes of its backups, and the number of files and folders.
    pub size: (u64, u64),
    /// How its backups are.
    pub backup: Backup,
}

impl Kept {
    /// Where the run stands, if its journal says so.
    #[must_use]
    pub fn state(&self) -> Option<State<'_>> {
        self.run.as_ref().ok()?.state().ok()
    }

    /// Whether there is anything to remove.
    #[must_use]
    pub fn has_backups(&self) -> bool {
        self.size.1 > 0 || self.state().is_some_and(|state| matches!(state.phase, Phase::Applied | Phase::RolledBack) && !state.is_pruned)
    }
}

/// Why the backups of each of these runs, the oldest first, are never removed; nothing where they may be. Pure.
#[must_use]
pub fn needs(kept: &[Kept]) -> Vec<Option<Need>> {
    let state = |one: &Kept| one.state().map(|state| (state.is_unfinished() || state.is_stillborn(), state.can_be_undone()));
    let to_undo = kept.iter().rposition(|one| state(one).is_some_and(|(_, can_be_undone)| can_be_undone));
    let good = kept.iter().rposition(|one| one.backup == Backup::Whole);
    let need = |(number, one): (usize, &Kept)| match state(one) {
        None => Some(Need::Unreadable),
        Some((true, _)) => Some(Need::Unfinished),
        _ if to_undo == Some(number) => Some(Need::Rollback),
        _ if good == Some(number) => Some(Need::LastGood),
        _ => None,
    };
    kept.iter().enumerate().map(need).collect()
}

impl Store<'_> {
    /// What is kept of all runs, the oldest first. A journal that cannot be used is no obstacle.
    ///
    /// # Errors
    /// When the runs cannot be listed.
    pub fn kept(&self) -> Result<Vec<Kept>, StoreError> {
        let kept = |folder: RunFolder| {
            let run = self.load(folder.clone());
            let size = self.machine.size_below(&folder.backups());
            let backup = run.as_ref().map_or(Backup::Unknown, |run| examine(run, self.machine));
            Kept { folder, run, size, backup }
        };
        Ok(self.folders()?.into_iter().map(kept).collect())
    }

    /// Removes the backups of a run, which is on record before.
    ///
    /// # Errors
    /// When the system refuses; the next call removes what is left.
    pub fn prune(&self, run: &mut Run) -> Result<(), StoreError> {
        if !run.state()?.is_pruned {
            run.record(self.machine, Record::Pruned)?;
        }
        self.machine.remove(&run.folder.restore_text())?;
        self.machine.remove_own_tree(&run.folder.backups())?;
        Ok(self.machine.sync_folder(&run.folder.place)?)
    }
}

fn examine(run: &Run, machine: &Machine) -> Backup {
    let Ok(state) = run.state() else { return Backup::Unknown };
    let is_over = matches!(state.phase, Phase::Abandoned | Phase::Empty | Phase::Preparing);
    let Some(begin) = state.begin.filter(|_| !state.is_pruned && !is_over) else { return Backup::Gone };
    let files = begin.steps.iter().flat_map(StepRecord::files);
    let files = files.filter_map(|file| Some((run.folder.backup(file), file.former.as_ref()?.sha256)));
    let rows = begin.steps.iter().flat_map(StepRecord::rows).map(|row| (run.folder.row_backup(row), row.former));
    let mut damaged: Vec<String> = files.chain(rows).filter_map(|(place, former)| damage(&place, former, machine)).collect();
    if !machine.look_at(&run.folder.restore_text()).is_file() {
        damaged.push(text!("`{}` is missing", "缺少 `{}`"; run.folder.restore_text()));
    }
    if damaged.is_empty() { Backup::Whole } else { Backup::Damaged(damaged) }
}

/// What is wrong with one backup.
fn damage(place: &Place, former: Digest, machine: &Machine) -> Option<String> {
    match machine.read(place) {
        Err(error) => Some(error.to_string()),
        Ok(content) if Digest::of(&content) != former => {
            Some(text!("`{place}` is not what was kept: its digest differs", "`{place}` 不是当时保存的内容：摘要不同"))
        }
        Ok(_) => None,
    }
}
