//! Where runs are kept: `/var/lib/reseal/`, with `lock` and `runs/<number>-<site>-<serial>/` of journal, backups and `RESTORE.txt`.
//! It reads and appends; what a run should do next is not its business.

use bundle_format::{
    name::{BundleName, TargetPath},
    text,
};
use thiserror::Error;
use time::OffsetDateTime;

use super::restore_text;
use crate::{
    journal::{Begin, Contradiction, Entry, FileChange, History, JournalError, Record, RowChange, State},
    machine::{AppendFile, Dress, Lock, LockError, Machine, MachineError, Place, PlaceError},
};

/// The most runs of one node.
const MOST_RUNS: usize = 9999;

/// Why what is kept of earlier runs cannot be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A journal says nothing.
    #[error("{}", text!("the journal `{folder}/journal` cannot be used: {why}", "日志记录 `{folder}/journal` 不可用：{why}"))]
    Journal {
        /// The folder of its run.
        folder: String,
        /// The reason.
        why: JournalError,
    },
    /// Another run holds the lock.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A system call failed.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// The folder leads elsewhere.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// A record has no text form.
    #[error("{}", text!("a record cannot be written: {_0}", "记录无法写入：{_0}"))]
    Record(#[from] serde_json::Error),
}

/// The folder of a run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RunFolder {
    /// Its number, from 1.
    pub number: u32,
    /// `<number>-<site>-<serial>`.
    pub name: String,
    /// Where it is.
    pub place: Place,
}

impl RunFolder {
    /// The backup of a change.
    pub fn backup(&self, change: &FileChange) -> Place {
        let name = change.target.as_str().rsplit('/').next().unwrap_or_default();
        self.backups().join(&format!("{}-{name}", change.number))
    }

    /// The backup of a row.
    pub fn row_backup(&self, row: &RowChange) -> Place {
        self.backups().join(&format!("{}-row", row.number))
    }

    /// The folder of the backups.
    pub fn backups(&self) -> Place {
        self.place.join("backup")
    }

    /// The copy of a whole folder.
    pub fn folder_copy(&self, number: usize, folder: &TargetPath) -> Place {
        let name = folder.as_str().rsplit('/').next().unwrap_or_default();
        self.backups().join(&format!("folder-{number}-{name}"))
    }

    /// What a person needs to put things back by hand.
    pub fn restore_text(&self) -> Place {
        self.place.join("RESTORE.txt")
    }
}

/// A run and its journal.
pub struct Run {
    /// Its folder.
    pub folder: RunFolder,
    /// Its journal, as far as it was read and written.
    pub history: History,
    file: Option<AppendFile>,
}

impl Run {
    /// Where it stands.
    ///
    /// # Errors
    /// When its records contradict each other.
    pub fn state(&self) -> Result<State<'_>, StoreError> {
        self.history.state().map_err(|why: Contradiction| self.unusable(why.into()))
    }

    fn unusable(&self, why: JournalError) -> StoreError {
        StoreError::Journal { folder: self.folder.place.to_string(), why }
    }

    /// Appends a record; it is on disk when this returns.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn record(&mut self, machine: &Machine, record: Record) -> Result<(), StoreError> {
        let mut history = self.history.clone();
        let line = history.add(Entry { at: machine.now(), record })?;
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.open(machine)?,
        };
        // After a failed append the file is not kept: the next one opens it anew and cuts off what is torn.
        file.append(&line)?;
        self.file = Some(file);
        self.history = history;
        Ok(())
    }

    fn open(&self, machine: &Machine) -> Result<AppendFile, MachineError> {
        let file = machine.append_to(&self.folder.place.join("journal"), self.history.good_bytes)?;
        machine.sync_folder(&self.folder.place)?;
        Ok(file)
    }
}

/// All runs of a node.
pub struct Store<'a> {
    pub(super) machine: &'a Machine,
    state: Place,
}

impl<'a> Store<'a> {
    /// The store of a machine, which need not exist yet.
    ///
    /// # Errors
    /// When its folder leads out of the root.
    pub fn of(machine: &'a Machine) -> Result<Self, StoreError> {
        Ok(Self { machine, state: machine.state_folder()? })
    }

    /// Makes the folder, and takes the lock for as long as the result lives.
    ///
    /// # Errors
    /// When another run holds it.
    pub fn lock(&self) -> Result<Lock, StoreError> {
        self.machine.make_folder(&self.state)?;
        Ok(self.machine.lock(&self.state.join("lock"))?)
    }

    /// The folders of all runs, the oldest first.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn folders(&self) -> Result<Vec<RunFolder>, StoreError> {
        let runs = self.state.join("runs");
        let names = match self.machine.names(&runs, MOST_RUNS) {
            Err(error) if error.is_missing() => return Ok(Vec::new()),
            names => names?,
        };
        let folder = |name: String| {
            let number = name.split_once('-')?.0.parse().ok()?;
            Some(RunFolder { number, place: runs.join(&name), name })
        };
        let mut folders: Vec<RunFolder> = names.into_iter().filter_map(folder).collect();
        folders.sort_by_key(|folder| folder.number);
        Ok(folders)
    }

    /// All runs, the oldest first.
    ///
    /// # Errors
    /// When a journal cannot be used.
    pub fn runs(&self) -> Result<Vec<Run>, StoreError> {
        self.folders()?.into_iter().map(|folder| self.load(folder)).collect()
    }

    pub(super) fn load(&self, folder: RunFolder) -> Result<Run, StoreError> {
        let place = folder.place.join("journal");
        let bytes = match self.machine.read(&place) {
            Err(error) if error.is_missing() => zeroize::Zeroizing::default(),
            bytes => bytes?,
        };
        let history = History::read(&bytes).map_err(|why| StoreError::Journal { folder: folder.place.to_string(), why })?;
        let run = Run { folder, history, file: None };
        run.state()?;
        Ok(run)
    }

    /// Makes the folder of a new run.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn new_run(&self, bundle: &BundleName) -> Result<Run, StoreError> {
        let number = self.folders()?.last().map_or(1, |last| last.number.saturating_add(1));
        let name = format!("{number:04}-{bundle}");
        let runs = self.state.join("runs");
        self.machine.make_folder(&runs)?;
        let folder = RunFolder { number, place: runs.join(&name), name };
        self.machine.make_folder(&folder.place)?;
        self.machine.make_folder(&folder.backups())?;
        Ok(Run { folder, history: History::default(), file: None })
    }

    /// Writes what a person needs to put things back without this program.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write_restore_text(&self, folder: &RunFolder, begin: &Begin, at: OffsetDateTime) -> Result<(), StoreError> {
        let text = restore_text::of(self.machine, folder, begin, at);
        let place = folder.restore_text();
        self.machine.create(&place, text.as_bytes(), Dress::Private)?;
        Ok(self.machine.sync_folder(&folder.place)?)
    }
}
