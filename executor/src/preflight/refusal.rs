//! The refusals of a preflight: one variant for each reason, with both sides of it and the command that helps.

use bundle_format::{
    certificate::{CertificateError, ChainError},
    name::{EntryPath, Label, NodeName, TargetPath},
    rfc3339_seconds,
};
use thiserror::Error;
use time::OffsetDateTime;

use crate::{
    guard::Risk,
    identity::NodeListing,
    machine::{Host, PlaceError, database::DatabaseError},
    steps::{manifests::Whereabouts, whereabouts},
};

/// Why nothing is changed.
#[derive(Debug, Error)]
pub enum Refusal {
    /// A home of an authority holds something else.
    #[error("`{target}` holds no certificate: {why}")]
    NoCertificate {
        /// The file.
        target: TargetPath,
        /// The reason.
        why: CertificateError,
    },
    /// No home of an authority exists here.
    #[error("this node has no certificate of the authority `{authority}`: there is nothing at {}", quoted(.homes))]
    AuthorityAbsent {
        /// The authority.
        authority: Label,
        /// Where it would be.
        homes: Vec<TargetPath>,
    },
    /// Whether a quorum would be lost cannot be told.
    #[error("whether etcd keeps its quorum cannot be judged: {why}")]
    Blind {
        /// The reason.
        why: String,
    },
    /// Another run is in progress.
    #[error("another run is in progress{}", .pid.map_or_else(String::new, |pid| format!(", process `{pid}`")))]
    Busy {
        /// Its process, where known.
        pid: Option<u32>,
    },
    /// Someone changed targets of an unfinished run, or of one to be rolled back.
    #[error("{} changed since the run `{run}`, by someone else: neither the former nor the new content is there", quoted(.targets))]
    ChangedSince {
        /// The run.
        run: String,
        /// The targets.
        targets: Vec<TargetPath>,
    },
    /// The clock is ahead.
    #[error(
        "this node's clock says {now}, by which `{target}` has ended ({ended}), and yet etcd on {} is healthy with it: this clock is ahead",
        names(.nodes)
    )]
    ClockAhead {
        /// This node's time.
        now: String,
        /// The certificate.
        target: TargetPath,
        /// Its end.
        ended: String,
        /// The nodes whose members are healthy.
        nodes: Vec<NodeName>,
    },
    /// The clock is too early.
    #[error("this node's clock says {now}, and the new certificate `{entry}` is valid from {not_before} on")]
    ClockBefore {
        /// The certificate.
        entry: EntryPath,
        /// Its beginning.
        not_before: String,
        /// This node's time.
        now: String,
    },
    /// The database cannot be used.
    #[error("the Manager's database cannot be used: {0}")]
    Database(DatabaseError),
    /// The certificate on disk would not verify under the new authority.
    #[error("`{target}` does not verify under the new authority `{authority}`: {why}")]
    DiskLeaf {
        /// The certificate on disk.
        target: TargetPath,
        /// The authority.
        authority: Label,
        /// The reason.
        why: ChainError,
    },
    /// A document is not there.
    #[error("`{target}` does not exist, and it is to be edited")]
    DocumentMissing {
        /// The document.
        target: TargetPath,
    },
    /// A document is none.
    #[error("`{target}` cannot be edited: {why}")]
    Document {
        /// The document.
        target: TargetPath,
        /// The reason.
        why: String,
    },
    /// A file system is too full.
    #[error("the file system of `{folder}` has {free} bytes free, and {needed} are needed")]
    Full {
        /// A folder on it.
        folder: String,
        /// What is needed, with a reserve.
        needed: u64,
        /// What is there.
        free: u64,
    },
    /// A file system can hold no more files.
    #[error("the file system of `{folder}` can hold {free} more files, and {needed} are needed")]
    FullOfFiles {
        /// A folder on it.
        folder: String,
        /// What is needed, with a reserve.
        needed: u64,
        /// What is there.
        free: u64,
    },
    /// Manifests cannot be moved away.
    #[error("manifests cannot be moved to `{holding}`: {why}")]
    Holding {
        /// The folder.
        holding: TargetPath,
        /// The reason.
        why: String,
    },
    /// A manifest is not where it should be.
    #[error("the manifest `{manifest}` {}", whereabouts(*.found))]
    Manifest {
        /// The manifest, where the kubelet reads it.
        manifest: TargetPath,
        /// Where it is.
        found: Whereabouts,
        /// Where the executor puts it meanwhile.
        holding: TargetPath,
    },
    /// Backups stay.
    #[error("the backups of the run `{run}` are not removed: {why}")]
    Needed {
        /// The run.
        run: String,
        /// The reason.
        why: &'static str,
    },
    /// Two nodes or more fit.
    #[error("this host fits several nodes of the bundle: {}", names(.nodes))]
    NodeAmbiguous {
        /// The nodes.
        nodes: Vec<NodeName>,
    },
    /// No node fits.
    #[error("this host is no node of the bundle: host name {}, addresses {}", known(.host.name.as_ref()), addresses(.host))]
    NodeUnknown {
        /// What the host says of itself.
        host: Host,
        /// The nodes of the bundle.
        nodes: Vec<NodeListing>,
    },
    /// The named node is not in the bundle.
    #[error("the bundle has no node `{name}`")]
    NodeNotThere {
        /// The name.
        name: NodeName,
        /// The nodes of the bundle.
        nodes: Vec<NodeListing>,
    },
    /// A target is something other than a file.
    #[error("`{target}` is a {kind}, and only regular files are replaced")]
    NotAFile {
        /// The target.
        target: TargetPath,
        /// What it is.
        kind: &'static str,
    },
    /// Root's rights are missing.
    #[error("this needs root's rights")]
    NotRoot,
    /// The new leaf does not verify under an authority.
    #[error("the new certificate `{leaf}` does not verify under {authority}: {why}")]
    NewLeaf {
        /// The new certificate.
        leaf: EntryPath,
        /// The authority, the new one or the one on disk.
        authority: String,
        /// The reason.
        why: ChainError,
    },
    /// A private key is not the one of its certificate.
    #[error("the private key `{key}` does not belong to the new certificate `{leaf}`")]
    OtherKey {
        /// The key.
        key: EntryPath,
        /// The certificate.
        leaf: EntryPath,
    },
    /// A target has no place here.
    #[error("`{target}` has no place on this node: {why}")]
    Place {
        /// The target.
        target: TargetPath,
        /// The reason.
        why: PlaceError,
    },
    /// A target cannot be written.
    #[error("`{target}` cannot be replaced: {why}")]
    ReadOnly {
        /// The target.
        target: TargetPath,
        /// The reason.
        why: String,
    },
    /// A quorum would be lost.
    #[error(transparent)]
    Risk(Risk),
    /// Nobody says what runs.
    #[error("what runs on this node cannot be told: {why}")]
    Runtime {
        /// The reason.
        why: String,
    },
    /// Someone changed rows of an unfinished run, or of one to be rolled back.
    #[error("the database's rows {} changed since the run `{run}`, by someone else: they hold neither the former nor the new value", names(.keys))]
    RowsChangedSince {
        /// The run.
        run: String,
        /// Their keys.
        keys: Vec<String>,
    },
    /// Names would be lost.
    #[error("`{target}` is good for {}, and the new certificate `{leaf}` is not", names(.lost))]
    SanLoss {
        /// The certificate on disk.
        target: TargetPath,
        /// The new one.
        leaf: EntryPath,
        /// The names that only the one on disk has.
        lost: Vec<String>,
    },
    /// The bundle is past its time.
    #[error("the bundle was to be applied before {not_after}, and this node's clock says {now}")]
    Stale {
        /// Its end.
        not_after: String,
        /// This node's time.
        now: String,
    },
    /// The executor's own folder is unusable.
    #[error("the folder of backups and journals is unusable: {why}")]
    State {
        /// The reason.
        why: String,
    },
    /// A target is too large.
    #[error("`{target}` has {size} bytes, and at most {most} are taken")]
    TooLarge {
        /// The target.
        target: TargetPath,
        /// Its size.
        size: u64,
        /// The bound.
        most: u64,
    },
    /// Nobody agreed to a removal.
    #[error("nothing was removed: nobody agreed to remove the backups of {}", names(.runs))]
    Unconfirmed {
        /// The runs.
        runs: Vec<String>,
    },
    /// An earlier run waits.
    #[error("the run `{run}` of another bundle is unfinished, and only one run is open at a time")]
    Unfinished {
        /// The run.
        run: String,
    },
    /// A target cannot be read.
    #[error("`{target}` cannot be read: {why}")]
    Unreadable {
        /// The target.
        target: TargetPath,
        /// The system's reason.
        why: String,
    },
    /// No folder fits a `*`.
    #[error("no folder of this node fits the `*` of `{target}`")]
    WildcardNone {
        /// The target.
        target: TargetPath,
    },
    /// Several folders fit a `*`.
    #[error("several folders fit the `*` of `{target}`: {}", quoted(.candidates))]
    WildcardSeveral {
        /// The target.
        target: TargetPath,
        /// What it could mean.
        candidates: Vec<TargetPath>,
    },
}

/// A time as text.
pub(super) fn time(time: OffsetDateTime) -> String {
    rfc3339_seconds::format(time).unwrap_or_else(|_| time.to_string())
}

fn quoted(paths: &[TargetPath]) -> String {
    names(paths)
}

fn names<T: ToString>(names: &[T]) -> String {
    names.iter().map(|name| format!("`{}`", name.to_string())).collect::<Vec<_>>().join(", ")
}

fn known(name: Option<&String>) -> String {
    name.map_or_else(|| "unknown".to_owned(), |name| format!("`{name}`"))
}

fn addresses(host: &Host) -> String {
    if host.addresses.is_empty() { "unknown".to_owned() } else { names(&host.addresses) }
}
