//! The refusals of a preflight: one variant for each reason, with both sides of it and the command that helps.

use bundle_format::{
    certificate::{CertificateError, ChainError},
    name::{EntryPath, Label, NodeName, TargetPath},
    rfc3339_seconds, text, word,
};
use thiserror::Error;
use time::OffsetDateTime;

use crate::{
    guard::Risk,
    identity::NodeListing,
    machine::{self, Host, Kind, PlaceError, database::DatabaseError},
    steps::{manifests::Whereabouts, whereabouts},
};

/// Why nothing is changed.
#[derive(Debug, Error)]
pub enum Refusal {
    /// A home of an authority holds something else.
    #[error("{}", text!("`{target}` cannot be read as a certificate: {why}", "`{target}` 无法作为证书读取：{why}"))]
    NoCertificate {
        /// The file.
        target: TargetPath,
        /// The reason.
        why: CertificateError,
    },
    /// No home of an authority exists here.
    #[error("{}", text!(
        "this node has no certificate of the authority `{authority}`: there is nothing at {}",
        "本节点没有 CA `{authority}` 的证书：{} 处没有文件"; quoted(homes)
    ))]
    AuthorityAbsent {
        /// The authority.
        authority: Label,
        /// Where it would be.
        homes: Vec<TargetPath>,
    },
    /// Whether a quorum would be lost cannot be told.
    #[error("{}", text!("whether etcd keeps its quorum cannot be judged: {why}", "无法判断 etcd 是否保有法定票数：{why}"))]
    Blind {
        /// The reason.
        why: String,
    },
    /// Another run is in progress.
    #[error("{}", machine::busy(*.pid))]
    Busy {
        /// Its process, where known.
        pid: Option<u32>,
    },
    /// Someone changed targets of an unfinished run, or of one to be rolled back.
    #[error("{}", text!(
        "{} changed since the run `{run}`, by someone else: neither the former nor the new content is there",
        "{} 在执行 `{run}` 之后被他人改动：既不是原内容，也不是新内容"; quoted(targets)
    ))]
    ChangedSince {
        /// The run.
        run: String,
        /// The targets.
        targets: Vec<TargetPath>,
    },
    /// The clock is ahead.
    #[error("{}", text!(
        "this node's clock says {now}, by which `{target}` has ended ({ended}), and yet etcd on {} is healthy with it: this clock is ahead",
        "本节点的时钟为 {now}，按此 `{target}` 已过期（{ended}），但 {} 上的 etcd 使用它仍然健康：本节点时钟过快"; names(nodes)
    ))]
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
    #[error("{}", text!(
        "this node's clock says {now}, and the new certificate `{entry}` is valid from {not_before} on",
        "本节点的时钟为 {now}，而新证书 `{entry}` 从 {not_before} 起才有效"
    ))]
    ClockBefore {
        /// The certificate.
        entry: EntryPath,
        /// Its beginning.
        not_before: String,
        /// This node's time.
        now: String,
    },
    /// The database cannot be used.
    #[error("{}", text!("the Manager's database cannot be used: {_0}", "Manager 数据库不可用：{_0}"))]
    Database(DatabaseError),
    /// The certificate on disk would not verify under the new authority.
    #[error("{}", text!(
        "`{target}` does not verify under the new authority `{authority}`: {why}",
        "`{target}` 在新的 CA `{authority}` 下校验失败：{why}"
    ))]
    DiskLeaf {
        /// The certificate on disk.
        target: TargetPath,
        /// The authority.
        authority: Label,
        /// The reason.
        why: ChainError,
    },
    /// A document is not there.
    #[error("{}", text!("`{target}` does not exist, and it is to be edited", "`{target}` 需要编辑，但不存在"))]
    DocumentMissing {
        /// The document.
        target: TargetPath,
    },
    /// A document is none.
    #[error("{}", text!("`{target}` cannot be edited: {why}", "`{target}` 无法编辑：{why}"))]
    Document {
        /// The document.
        target: TargetPath,
        /// The reason.
        why: String,
    },
    /// A file system is too full.
    #[error("{}", text!(
        "the file system of `{folder}` has {free} bytes free, and {needed} are needed",
        "`{folder}` 所在文件系统可用 {free} 字节，需要 {needed} 字节"
    ))]
    Full {
        /// A folder on it.
        folder: String,
        /// What is needed, with a reserve.
        needed: u64,
        /// What is there.
        free: u64,
    },
    /// A file system can hold no more files.
    #[error("{}", text!(
        "the file system of `{folder}` can hold {free} more files, and {needed} are needed",
        "`{folder}` 所在文件系统还能容纳 {free} 个文件，需要 {needed} 个"
    ))]
    FullOfFiles {
        /// A folder on it.
        folder: String,
        /// What is needed, with a reserve.
        needed: u64,
        /// What is there.
        free: u64,
    },
    /// Manifests cannot be moved away.
    #[error("{}", text!("manifests cannot be moved to `{holding}`: {why}", "清单文件无法移到 `{holding}`：{why}"))]
    Holding {
        /// The folder.
        holding: TargetPath,
        /// The reason.
        why: String,
    },
    /// A manifest is not where it should be.
    #[error("{}", text!("the manifest `{manifest}` {}", "清单文件 `{manifest}` {}"; whereabouts(*found)))]
    Manifest {
        /// The manifest, where the kubelet reads it.
        manifest: TargetPath,
        /// Where it is.
        found: Whereabouts,
        /// Where the executor puts it meanwhile.
        holding: TargetPath,
    },
    /// Backups stay.
    #[error("{}", text!("the backups of the run `{run}` are not removed: {why}", "执行 `{run}` 的备份不予删除：{why}"))]
    Needed {
        /// The run.
        run: String,
        /// The reason.
        why: &'static str,
    },
    /// Two nodes or more fit.
    #[error("{}", text!("this host fits several nodes of the bundle: {}", "本机与证书包中的多个节点相符：{}"; names(nodes)))]
    NodeAmbiguous {
        /// The nodes.
        nodes: Vec<NodeName>,
    },
    /// No node fits.
    #[error("{}", text!(
        "this host is no node of the bundle: host name {}, addresses {}",
        "本机不是证书包中的节点：主机名 {}，地址 {}"; known(host.name.as_ref()), addresses(host)
    ))]
    NodeUnknown {
        /// What the host says of itself.
        host: Host,
        /// The nodes of the bundle.
        nodes: Vec<NodeListing>,
    },
    /// The named node is not in the bundle.
    #[error("{}", text!("the bundle has no node `{name}`", "证书包中没有节点 `{name}`"))]
    NodeNotThere {
        /// The name.
        name: NodeName,
        /// The nodes of the bundle.
        nodes: Vec<NodeListing>,
    },
    /// A target is something other than a file.
    #[error("{}", text!("`{target}` is a {}, and only regular files are replaced", "`{target}` 不是普通文件，而是{}；只替换普通文件"; kind.name()))]
    NotAFile {
        /// The target.
        target: TargetPath,
        /// What it is.
        kind: Kind,
    },
    /// Root's rights are missing.
    #[error("{}", text!("this needs root's rights", "需要 root 权限"))]
    NotRoot,
    /// The new leaf does not verify under an authority.
    #[error("{}", text!("the new certificate `{leaf}` does not verify under {authority}: {why}", "新证书 `{leaf}` 在 {authority} 下校验失败：{why}"))]
    NewLeaf {
        /// The new certificate.
        leaf: EntryPath,
        /// The authority, the new one or the one on disk.
        authority: String,
        /// The reason.
        why: ChainError,
    },
    /// A private key is not the one of its certificate.
    #[error("{}", text!("the private key `{key}` does not belong to the new certificate `{leaf}`", "私钥 `{key}` 与新证书 `{leaf}` 不匹配"))]
    OtherKey {
        /// The key.
        key: EntryPath,
        /// The certificate.
        leaf: EntryPath,
    },
    /// A target has no place here.
    #[error("{}", text!("`{target}` has no place on this node: {why}", "`{target}` 在本节点上没有位置：{why}"))]
    Place {
        /// The target.
        target: TargetPath,
        /// The reason.
        why: PlaceError,
    },
    /// A target cannot be written.
    #[error("{}", text!("`{target}` cannot be replaced: {why}", "`{target}` 无法替换：{why}"))]
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
    #[error("{}", text!("what runs on this node cannot be told: {why}", "无法得知本节点运行的容器：{why}"))]
    Runtime {
        /// The reason.
        why: String,
    },
    /// Someone changed rows of an unfinished run, or of one to be rolled back.
    #[error("{}", text!(
        "the database's rows {} changed since the run `{run}`, by someone else: they hold neither the former nor the new value",
        "数据库行 {} 在执行 `{run}` 之后被他人改动：既不是原值，也不是新值"; names(keys)
    ))]
    RowsChangedSince {
        /// The run.
        run: String,
        /// Their keys.
        keys: Vec<String>,
    },
    /// Names would be lost.
    #[error("{}", text!(
        "`{target}` is good for {}, and the new certificate `{leaf}` is not",
        "`{target}` 含有 {}，而新证书 `{leaf}` 没有"; names(lost)
    ))]
    SanLoss {
        /// The certificate on disk.
        target: TargetPath,
        /// The new one.
        leaf: EntryPath,
        /// The names that only the one on disk has.
        lost: Vec<String>,
    },
    /// The bundle is past its time.
    #[error("{}", text!(
        "the bundle was to be applied before {not_after}, and this node's clock says {now}",
        "证书包应在 {not_after} 之前执行，而本节点的时钟为 {now}"
    ))]
    Stale {
        /// Its end.
        not_after: String,
        /// This node's time.
        now: String,
    },
    /// The executor's own folder is unusable.
    #[error("{}", text!("the folder of backups and journals is unusable: {why}", "备份和日志记录的目录不可用：{why}"))]
    State {
        /// The reason.
        why: String,
    },
    /// A target is too large.
    #[error("{}", text!("`{target}` has {size} bytes, and at most {most} are taken", "`{target}` 有 {size} 字节，最多允许 {most} 字节"))]
    TooLarge {
        /// The target.
        target: TargetPath,
        /// Its size.
        size: u64,
        /// The bound.
        most: u64,
    },
    /// Nobody agreed.
    #[error("{}", text!("nothing was changed: nobody agreed to {what}: {why}", "没有更改任何内容：无人同意{what}：{why}"))]
    Unconfirmed {
        /// What to.
        what: String,
        /// Why not.
        why: &'static str,
    },
    /// An earlier run waits.
    #[error("{}", text!(
        "the run `{run}` of another bundle is unfinished, and only one run is open at a time",
        "另一证书包的执行 `{run}` 尚未完成，同一时间只能有一次未完成的执行"
    ))]
    Unfinished {
        /// The run.
        run: String,
    },
    /// Targets of an unfinished run, or of one to be rolled back, cannot be read.
    #[error("{}", text!(
        "{} cannot be read, so whether anybody changed them since the run `{run}` cannot be told",
        "{} 无法读取，因此无法得知在执行 `{run}` 之后是否被他人改动";
        quoted(targets)
    ))]
    UnreadableSince {
        /// The run.
        run: String,
        /// The targets.
        targets: Vec<TargetPath>,
    },
    /// A target cannot be read.
    #[error("{}", text!("`{target}` cannot be read: {why}", "`{target}` 无法读取：{why}"))]
    Unreadable {
        /// The target.
        target: TargetPath,
        /// The system's reason.
        why: String,
    },
    /// No folder fits a `*`.
    #[error("{}", text!("no folder of this node fits the `*` of `{target}`", "本节点没有与 `{target}` 中 `*` 相符的目录"))]
    WildcardNone {
        /// The target.
        target: TargetPath,
    },
    /// Several folders fit a `*`.
    #[error("{}", text!("several folders fit the `*` of `{target}`: {}", "有多个目录与 `{target}` 中的 `*` 相符：{}"; quoted(candidates)))]
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
    names.iter().map(|name| format!("`{}`", name.to_string())).collect::<Vec<_>>().join(word!(", ", "、"))
}

fn known(name: Option<&String>) -> String {
    name.map_or_else(|| text!("unknown", "未知"), |name| format!("`{name}`"))
}

fn addresses(host: &Host) -> String {
    if host.addresses.is_empty() { text!("unknown", "未知") } else { names(&host.addresses) }
}
