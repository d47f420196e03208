//! The kinds of steps: for each one file that knows whether it is done, does it, and undoes it.
//!
//! Both directions may be repeated: after a cut they find some files done and some not, and finish the rest. Neither writes the
//! journal; who calls them does.

mod edit_json;
mod install_files;
pub mod replace;

use bundle_format::{digest::Digest, name::TargetPath};
use thiserror::Error;

use crate::{
    bundle::Material,
    journal::StepRecord,
    json::JsonError,
    machine::{Machine, MachineError, PlaceError},
    run::RunFolder,
};

/// Why a step was not done, or not undone.
#[derive(Debug, Error)]
pub enum StepError {
    /// A backup is not the file that was backed up.
    #[error("the backup `{backup}` of `{target}` has the SHA-256 {found}, and {expected} was written")]
    Backup {
        /// The backup.
        backup: String,
        /// The file.
        target: TargetPath,
        /// Its digest.
        found: Digest,
        /// The digest in the journal.
        expected: Digest,
    },
    /// Someone else changed a file.
    #[error("`{0}` was changed by someone else: it has neither the former nor the new content")]
    Changed(TargetPath),
    /// The bundle does not have what the run was to install.
    #[error("the bundle has nothing of SHA-256 {new} for `{target}`")]
    Content {
        /// The file.
        target: TargetPath,
        /// The digest in the journal.
        new: Digest,
    },
    /// A document is no longer one.
    #[error("`{target}` cannot be edited: {why}")]
    Document {
        /// The document.
        target: TargetPath,
        /// The reason.
        why: JsonError,
    },
    /// A system call failed.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// What is on disk afterwards is not what was written.
    #[error("`{target}` is not as it was written: {what} differs")]
    NotAsWritten {
        /// The file.
        target: TargetPath,
        /// What is not.
        what: &'static str,
    },
    /// A target lost its place.
    #[error("`{target}` has no place on this node: {why}")]
    Place {
        /// The target.
        target: TargetPath,
        /// The reason.
        why: PlaceError,
    },
}

/// What steps work with.
pub struct Bench<'a> {
    /// The machine.
    pub machine: &'a Machine,
    /// The run, which has the backups.
    pub run: &'a RunFolder,
}

/// Does a step, or what is left of it.
///
/// # Errors
/// When it cannot be done; some of it may be.
pub fn apply(step: &StepRecord, bench: &Bench<'_>, material: &Material) -> Result<(), StepError> {
    match step {
        StepRecord::EditJson { file, member, from, to } => edit_json::apply(file, [member, from, to], bench),
        StepRecord::InstallFiles { files } => install_files::apply(files, bench, material),
    }
}

/// Checks that a step's effects are on disk.
///
/// # Errors
/// When they are not.
pub fn check(step: &StepRecord, bench: &Bench<'_>) -> Result<(), StepError> {
    step.files().iter().try_for_each(|file| replace::check(file, bench))
}

/// Undoes a step, or what there is of it.
///
/// # Errors
/// When it cannot be undone; some of it may be.
pub fn undo(step: &StepRecord, bench: &Bench<'_>, discard_changes: bool) -> Result<(), StepError> {
    match step {
        StepRecord::EditJson { file, .. } => edit_json::undo(file, bench, discard_changes),
        StepRecord::InstallFiles { files } => install_files::undo(files, bench, discard_changes),
    }
}
