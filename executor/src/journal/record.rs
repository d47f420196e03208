//! What a journal can say. Data only; what follows from it is `state`'s to know.

use bundle_format::{
    digest::{Digest, Fingerprint},
    name::{NodeName, Serial, SiteName, TargetPath},
};
use serde::{Deserialize, Serialize};

use crate::machine::Snapshot;

/// One record.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
pub enum Record {
    /// The run ends before its first change. Its backups are worth nothing and may be gone.
    Abandoned,
    /// All steps were done and found on disk.
    Applied,
    /// Every former file has its backup, compared by digest. Changes may follow.
    BackedUp,
    /// What the run is about to change. Nothing is changed yet.
    Begin(Box<Begin>),
    /// Every step was undone.
    RolledBack,
    /// A step's effects are on disk.
    StepDone {
        /// Its number, from 0.
        step: usize,
    },
    /// A step's effects may follow.
    StepStarted {
        /// Its number, from 0.
        step: usize,
    },
    /// A step's effects are undone on disk.
    StepUndone {
        /// Its number, from 0.
        step: usize,
    },
    /// From here on, steps are undone, the last first.
    UndoStarted {
        /// Why.
        why: String,
        /// Whether changes that others made since are to be overwritten.
        discard_changes: bool,
    },
}

/// The first record: all that is needed to finish a run or to take it back.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Begin {
    /// [`super::VERSION`].
    pub version: u32,
    /// The version of the program that made the run.
    pub executor: String,
    /// The bundle, by the digest of its signed list.
    pub bundle: Digest,
    /// Its site.
    pub site: SiteName,
    /// Its serial.
    pub serial: Serial,
    /// Who signed it.
    pub signer: Fingerprint,
    /// The node whose slice it is.
    pub node: NodeName,
    /// What the run changes. Steps of the slice that were done already are not among them.
    pub steps: Vec<StepRecord>,
}

/// One step of a run.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum StepRecord {
    /// Values of a JSON document.
    EditJson {
        /// The document.
        file: Box<FileChange>,
        /// The member.
        member: String,
        /// The value before.
        from: String,
        /// The value after.
        to: String,
    },
    /// Files, in the order of their renames.
    InstallFiles {
        /// Those that change.
        files: Vec<FileChange>,
    },
}

impl StepRecord {
    /// The files that the step changes.
    #[must_use]
    pub fn files(&self) -> &[FileChange] {
        match self {
            Self::EditJson { file, .. } => std::slice::from_ref(&**file),
            Self::InstallFiles { files } => files,
        }
    }
}

/// One file that a run changes.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FileChange {
    /// Its number in the run, which names its backup and its staging file.
    pub number: u32,
    /// Where it is.
    pub target: TargetPath,
    /// What was there, if anything.
    pub former: Option<Snapshot>,
    /// The SHA-256 of what the run puts there.
    pub new: Digest,
    /// The permission bits of a file that was not there.
    pub mode: u32,
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn begin(steps: usize) -> Begin {
        let file = FileChange { number: 0, target: "/srv/x.pem".parse().unwrap(), former: None, new: Digest::of(b"x"), mode: 0o600 };
        Begin {
            version: super::super::VERSION,
            executor: "0.1.0".to_owned(),
            bundle: Digest::of(b"list"),
            site: "site".parse().unwrap(),
            serial: "7".parse().unwrap(),
            signer: Fingerprint::of_spki(b"key"),
            node: "n1".parse().unwrap(),
            steps: (0..steps).map(|_| StepRecord::InstallFiles { files: vec![file.clone()] }).collect(),
        }
    }
}
