//! The kinds of steps: for each one file that knows whether it is done, does it, and undoes it.
//!
//! Both directions may be repeated: after a cut they find some of it done and some not, and finish the rest. Neither writes the
//! journal; who calls them does.

mod await_containers;
mod await_etcd;
mod edit_json;
pub mod generation;
mod install_files;
pub mod manifests;
pub mod replace;
pub mod restart_pods;
pub mod restart_static_pods;
pub mod seen;
pub mod update_database;
mod wait;

use std::collections::BTreeSet;

use bundle_format::{
    digest::Digest,
    language::counted,
    name::{Label, NameError, TargetPath},
    text, word,
};
use thiserror::Error;

use restart_static_pods::names;

use crate::{
    bundle::Material,
    cluster::ClusterError,
    containers::ContainerError,
    guard::Risk,
    journal::{Begin, Deviation, StepRecord},
    json::JsonError,
    kubectl::KubectlError,
    machine::{
        Interrupted, Machine, MachineError, PlaceError,
        database::{Database, DatabaseError},
    },
    mode::Mode,
    progress::Listener,
    run::RunFolder,
};

/// Why a step was not done, or not undone.
#[derive(Debug, Error)]
pub enum StepError {
    /// A backup is not the file that was backed up.
    #[error("{}", text!(
        "the backup `{backup}` of `{target}` has the SHA-256 {found}, and {expected} was written",
        "`{target}` 的备份 `{backup}` 的 SHA-256 是 {found}，而写入时是 {expected}"
    ))]
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
    /// The cluster cannot be asked.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The runtime cannot be asked, or does not do what it is told.
    #[error(transparent)]
    Containers(#[from] ContainerError),
    /// The database refuses.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Someone else changed a file.
    #[error("{}", text!(
        "`{_0}` was changed by someone else: it has neither the former nor the new content",
        "`{_0}` 被他人改动：既不是原内容，也不是新内容"
    ))]
    Changed(TargetPath),
    /// The bundle does not have what the run was to install.
    #[error("{}", text!("the bundle has nothing of SHA-256 {new} for `{target}`", "证书包中没有 `{target}` 所需的 SHA-256 为 {new} 的内容"))]
    Content {
        /// The file.
        target: TargetPath,
        /// The digest in the journal.
        new: Digest,
    },
    /// A document is no longer one.
    #[error("{}", text!("`{target}` cannot be edited: {why}", "`{target}` 无法编辑：{why}"))]
    Document {
        /// The document.
        target: TargetPath,
        /// The reason.
        why: JsonError,
    },
    /// A signal came.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// kubectl does not do what it is told.
    #[error(transparent)]
    Kubectl(#[from] KubectlError),
    /// A system call failed.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// A manifest is not where it should be.
    #[error("{}", text!("the manifest `{manifest}` {}", "清单文件 `{manifest}` {}"; whereabouts(*found)))]
    Manifest {
        /// The manifest, where the kubelet reads it.
        manifest: TargetPath,
        /// Where it is.
        found: manifests::Whereabouts,
    },
    /// A path cannot be made.
    #[error(transparent)]
    Name(NameError),
    /// A step is about a database, and it is not said how to reach it.
    #[error("{}", text!("it is not said how the database is reached", "没有说明如何连接数据库"))]
    NoDatabase,
    /// A step names a cluster that the run does not know.
    #[error("{}", text!("there is no etcd cluster `{_0}` in this run", "本次执行中没有 etcd 集群 `{_0}`"))]
    NoCluster(Label),
    /// What is on disk afterwards is not what was written.
    #[error("{}", text!("`{target}` is not as it was written: {what} differs", "`{target}` 与写入时不同，不符的是：{what}"))]
    NotAsWritten {
        /// The file.
        target: TargetPath,
        /// What is not.
        what: &'static str,
    },
    /// A target lost its place.
    #[error("{}", text!("`{target}` has no place on this node: {why}", "`{target}` 在本节点上没有位置：{why}"))]
    Place {
        /// The target.
        target: TargetPath,
        /// The reason.
        why: PlaceError,
    },
    /// A quorum would be lost.
    #[error(transparent)]
    Risk(#[from] Risk),
    /// The backup of a row is not what was kept.
    #[error("{}", text!(
        "the backup `{backup}` of the row `{key}` has the SHA-256 {found}, and {expected} was kept",
        "行 `{key}` 的备份 `{backup}` 的 SHA-256 是 {found}，而保存时是 {expected}"
    ))]
    RowBackup {
        /// The backup.
        backup: String,
        /// The row.
        key: String,
        /// Its digest.
        found: Digest,
        /// The digest in the journal.
        expected: Digest,
    },
    /// The bundle does not have what the run was to write.
    #[error("{}", text!("the bundle has nothing of SHA-256 {new} for the row `{key}`", "证书包中没有行 `{key}` 所需的 SHA-256 为 {new} 的内容"))]
    RowContent {
        /// The row.
        key: String,
        /// The digest in the journal.
        new: Digest,
    },
    /// Something took too long.
    #[error("{}", text!("waited {limit} s for {what}: {missing}", "等待超时（{limit} 秒）：{what}：{missing}"))]
    TooLong {
        /// What was waited for.
        what: String,
        /// How long, in seconds.
        limit: u32,
        /// What was still missing.
        missing: String,
    },
    /// The system does not let a file be read.
    #[error("{}", text!("`{target}` cannot be read: {why}", "`{target}` 无法读取：{why}"))]
    Unreadable {
        /// The file.
        target: TargetPath,
        /// The reason.
        why: String,
    },
}

/// Where a manifest is, for people.
pub fn whereabouts(found: manifests::Whereabouts) -> &'static str {
    use manifests::Whereabouts::{Both, Held, InPlace, Missing, Unclear};
    match found {
        Both => word!("is in the kubelet's folder and, once more, in the folder above it", "在 kubelet 目录中，在其上级目录中又有一份"),
        Held => word!("is out of the kubelet's folder", "不在 kubelet 目录中"),
        InPlace => word!("is in the kubelet's folder", "在 kubelet 目录中"),
        Missing => word!("is missing", "不存在"),
        Unclear => word!("is no regular file, or cannot be looked at", "不是普通文件，或无法查看"),
    }
}

/// What steps work with.
pub struct Bench<'a> {
    /// The database, where a step is about one.
    pub database: Option<&'a Database>,
    /// What the operator overrides in this call.
    pub allowed: &'a BTreeSet<Deviation>,
    /// What the run is about.
    pub begin: &'a Begin,
    /// Whether the way is back.
    pub is_undoing: bool,
    /// The machine.
    pub machine: &'a Machine,
    /// Whether a quorum is guarded.
    pub mode: Mode,
    /// Told of what is being waited for.
    pub progress: Listener<'a>,
    /// The run, which has the backups.
    pub run: &'a RunFolder,
    /// What steps see on their way.
    pub seen: seen::Seen,
}

/// Does a step, or what is left of it.
///
/// # Errors
/// When it cannot be done; some of it may be.
pub fn apply(step: &StepRecord, bench: &Bench<'_>, material: &Material) -> Result<(), StepError> {
    match step {
        StepRecord::AwaitContainers(step) => await_containers::apply(step, bench),
        StepRecord::AwaitEtcd(step) => await_etcd::apply(step, bench),
        StepRecord::EditJson { file, member, from, to } => edit_json::apply(file, [member, from, to], bench),
        StepRecord::InstallFiles { files } => install_files::apply(files, bench, material),
        StepRecord::RestartPods { step, former } => restart_pods::apply(step, former, bench),
        StepRecord::RestartStaticPods { step, former } => restart_static_pods::apply(step, former, bench),
        StepRecord::UpdateDatabase { step, rows, .. } => update_database::apply(step, rows, bench, material),
    }
}

/// Checks that a step's effects are on disk, in the database and running.
///
/// # Errors
/// When they are not.
pub fn check(step: &StepRecord, bench: &Bench<'_>) -> Result<(), StepError> {
    match step {
        StepRecord::RestartStaticPods { step, .. } => restart_static_pods::check(step, bench),
        StepRecord::UpdateDatabase { step, rows, .. } => update_database::check(step, rows, bench),
        _ => step.files().iter().try_for_each(|file| replace::check(file, bench)),
    }
}

/// The containers that a step is about and that run now; none for a step that restarts nothing.
///
/// # Errors
/// When the runtime does not say.
pub fn running(step: &StepRecord, bench: &Bench<'_>) -> Result<Option<Vec<String>>, StepError> {
    let containers = match step {
        StepRecord::RestartPods { step, .. } => restart_pods::running(step, bench)?,
        StepRecord::RestartStaticPods { step, .. } => restart_static_pods::running(step, bench)?,
        _ => return Ok(None),
    };
    Ok(Some(containers.into_iter().map(|container| container.id).collect()))
}

/// Undoes a step, or what there is of it. `leaving` are the containers that ran when this was begun.
///
/// # Errors
/// When it cannot be undone; some of it may be.
pub fn undo(step: &StepRecord, leaving: &[String], bench: &Bench<'_>, discard_changes: bool) -> Result<(), StepError> {
    match step {
        StepRecord::AwaitContainers(_) => Ok(()), // The restart before it has waited for them.
        StepRecord::AwaitEtcd(step) => await_etcd::undo(step, bench),
        StepRecord::EditJson { file, .. } => edit_json::undo(file, bench, discard_changes),
        StepRecord::InstallFiles { files } => install_files::undo(files, bench, discard_changes),
        StepRecord::RestartPods { step, former } => restart_pods::undo(step, former, leaving, bench),
        StepRecord::RestartStaticPods { step, former } => restart_static_pods::undo(step, former, leaving, bench),
        StepRecord::UpdateDatabase { step, rows, .. } => update_database::undo(step, rows, bench, discard_changes),
    }
}

/// A step in a few words, for people.
pub fn describe(step: &StepRecord) -> String {
    match step {
        StepRecord::AwaitContainers(step) => text!("wait for {}", "等待 {}"; names(&step.workloads)),
        StepRecord::AwaitEtcd(_) => text!("wait for etcd on this node", "等待本节点的 etcd"),
        StepRecord::EditJson { file, .. } => text!("edit `{}`", "编辑 `{}`"; file.target),
        StepRecord::InstallFiles { files } => text!("install {}", "安装 {}"; counted(files.len(), "file", "个文件")),
        StepRecord::RestartPods { step, .. } => text!("restart the pods `{}` of this node", "重启本节点的 Pod `{}`"; step.name_contains),
        StepRecord::RestartStaticPods { step, .. } => text!("restart {}", "重启 {}"; names(&step.workloads)),
        StepRecord::UpdateDatabase { rows, step, .. } => {
            text!("update {} of `{}`", "更新 `{1}` 的 {0}"; counted(rows.len(), "row", "行"), step.table)
        }
    }
}

/// Puts back whatever of a step must never stay away, when a run stops in the middle.
///
/// # Errors
/// When it cannot be put back.
pub fn make_safe(step: &StepRecord, machine: &Machine) -> Result<(), StepError> {
    match step {
        StepRecord::RestartStaticPods { step, .. } => manifests::put_back(step, machine),
        _ => Ok(()),
    }
}
