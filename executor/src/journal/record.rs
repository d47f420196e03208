//! What a journal can say. Data only; what follows from it is `state`'s to know.

use bundle_format::{
    digest::{Digest, Fingerprint},
    manifest::AuthorityRecord,
    name::{NodeName, Serial, SiteName, TargetPath},
    receipt::{Content, QuorumSight},
    rfc3339_seconds,
    slice::{AwaitContainers, AwaitEtcd, EtcdCluster, RestartPods, RestartStaticPods, UpdateDatabase},
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

pub use bundle_format::receipt::Deviation;

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
    /// The operator overrode what would have stopped the run.
    Deviation {
        /// What.
        what: Deviation,
    },
    /// What a step restarts was down.
    Down {
        /// Its number, from 0.
        step: usize,
        /// When it was taken down; none where it was down before.
        #[serde(with = "rfc3339_seconds::option")]
        from: Option<OffsetDateTime>,
        /// When it ran again; none where it was not seen to.
        #[serde(with = "rfc3339_seconds::option")]
        until: Option<OffsetDateTime>,
    },
    /// The run waits, as the operator asked, before the first service is restarted.
    Paused,
    /// Its backups are about to be removed, as the operator asked. It can no longer be taken back.
    Pruned,
    /// What was seen of an etcd cluster.
    Quorum {
        /// What.
        sight: QuorumSight,
    },
    /// Another call goes on with the run, in the direction in which it was cut off.
    Resumed {
        /// Whether the operator asked for it although the run had been tried [`super::MOST_ATTEMPTS`] times.
        anew: bool,
    },
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
    /// A restart is about to be undone by another one: the containers that must be gone afterwards.
    UndoRestart {
        /// Its number, from 0.
        step: usize,
        /// The containers that run now, by the runtime's identifiers.
        containers: Vec<String>,
    },
    /// From here on, steps are undone in the order of [`super::undo_order`].
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
    /// Who signed it, of those whom this node trusts.
    pub signers: Vec<Fingerprint>,
    /// The node whose slice it is.
    pub node: NodeName,
    /// The authorities that the bundle renews, to tell old certificates from new ones.
    pub authorities: Vec<AuthorityRecord>,
    /// The etcd clusters of the site.
    pub etcd: Vec<EtcdCluster>,
    /// The end of the certificate on this node that ends first, before the run.
    pub first_end: Option<DiskEnd>,
    /// Folders of which a whole copy is kept, for a person.
    pub folders: Vec<TargetPath>,
    /// What the run changes. Steps of the slice that were done already are not among them.
    pub steps: Vec<StepRecord>,
}

/// When a certificate on disk ends.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DiskEnd {
    /// Where it is.
    pub target: TargetPath,
    /// Its end.
    #[serde(with = "rfc3339_seconds")]
    pub not_after: OffsetDateTime,
}

/// One step of a run.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum StepRecord {
    /// Containers that must be well.
    AwaitContainers(AwaitContainers),
    /// An etcd member that must be back.
    AwaitEtcd(AwaitEtcd),
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
    /// Pods to be recreated.
    RestartPods {
        /// Which.
        step: RestartPods,
        /// Their containers before the run, by the runtime's identifiers.
        former: Vec<String>,
    },
    /// Static pods to be taken down and up.
    RestartStaticPods {
        /// Which.
        step: RestartStaticPods,
        /// Their containers before the run, by the runtime's identifiers.
        former: Vec<String>,
    },
    /// Rows of a database.
    UpdateDatabase {
        /// Which.
        step: Box<UpdateDatabase>,
        /// The database (schema) that has the table.
        schema: String,
        /// The rows.
        rows: Vec<RowChange>,
    },
}

/// One row that a run changes.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RowChange {
    /// Its number in the run, which names its backup.
    pub number: u32,
    /// Its key.
    pub key: String,
    /// The SHA-256 of the value before.
    pub former: Digest,
    /// The SHA-256 of the value after.
    pub new: Digest,
}

impl StepRecord {
    /// Whether the step is about what runs, not about what is stored.
    #[must_use]
    pub fn is_service(&self) -> bool {
        matches!(self, Self::AwaitContainers(_) | Self::AwaitEtcd(_) | Self::RestartPods { .. } | Self::RestartStaticPods { .. })
    }

    /// The rows that the step changes.
    #[must_use]
    pub fn rows(&self) -> &[RowChange] {
        match self {
            Self::UpdateDatabase { rows, .. } => rows,
            _ => &[],
        }
    }

    /// The files that the step changes.
    #[must_use]
    pub fn files(&self) -> &[FileChange] {
        match self {
            Self::EditJson { file, .. } => std::slice::from_ref(&**file),
            Self::InstallFiles { files } => files,
            _ => &[],
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
    /// What is told of its content in a receipt; earlier versions did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contents: Option<Contents>,
}

/// What is told of a file's content before a run and after it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    /// What was there, if anything.
    pub former: Option<Content>,
    /// What the run puts there.
    pub new: Content,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn begin(steps: usize) -> Begin {
        let file = FileChange {
            number: 0,
            target: "/srv/x.pem".parse().unwrap(),
            former: None,
            new: Digest::of(b"x"),
            mode: 0o600,
            contents: None,
        };
        Begin {
            version: super::super::VERSION,
            executor: "0.1.0".to_owned(),
            bundle: Digest::of(b"list"),
            site: "site".parse().unwrap(),
            serial: "7".parse().unwrap(),
            signers: vec![Fingerprint::of_spki(b"key")],
            node: "n1".parse().unwrap(),
            authorities: Vec::new(),
            etcd: Vec::new(),
            first_end: None,
            folders: Vec::new(),
            steps: (0..steps).map(|_| StepRecord::InstallFiles { files: vec![file.clone()] }).collect(),
        }
    }
}
