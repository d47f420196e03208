//! What an acceptance must not overlook: what went otherwise than planned, what is missing, what is not proven.

use bundle_format::{
    name::{BundleName, Label, NodeName},
    receipt::{Deviation, EventKind, Flaw},
    text,
};

/// Something that stands before everything else in a report, and the nodes that it is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// What.
    pub matter: Matter,
    /// The nodes; none where it is about the report as a whole.
    pub nodes: Vec<NodeName>,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// Something is not done, or cannot be told to be.
    Open,
    /// Something was done otherwise than planned, or is less than sure.
    Deviation,
    /// Worth knowing.
    Note,
}

/// What a finding is about.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the text of each says what it is")]
pub enum Matter {
    BundleNotHere { bundle: BundleName },
    Chain(Flaw),
    ClockAhead,
    ClockBehind,
    ClockWentBack,
    Event(EventKind),
    Failed { why: Option<String> },
    Interrupted,
    NoBundle,
    NoFacts,
    NoReceipt,
    NotInBundle { bundle: BundleName },
    NotSigned,
    OtherContent { bundle: BundleName },
    Overridden(Deviation),
    Paused,
    QuorumLost { cluster: Label },
    RolledBack,
    ShortOnly,
    SignerNotCompared { signers: String },
    StillFormer { path: String },
    TreeOnly,
    Unread { file: String, why: String },
    Waiting,
}

impl Matter {
    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Chain(_)
            | Self::Failed { .. }
            | Self::Interrupted
            | Self::NoBundle
            | Self::NoReceipt
            | Self::NotInBundle { .. }
            | Self::OtherContent { .. }
            | Self::Paused
            | Self::QuorumLost { .. }
            | Self::RolledBack
            | Self::StillFormer { .. }
            | Self::Unread { .. }
            | Self::Waiting => Severity::Open,
            Self::BundleNotHere { .. }
            | Self::ClockAhead
            | Self::ClockBehind
            | Self::ClockWentBack
            | Self::Event(_)
            | Self::NoFacts
            | Self::Overridden(_)
            | Self::ShortOnly
            | Self::TreeOnly => Severity::Deviation,
            Self::NotSigned | Self::SignerNotCompared { .. } => Severity::Note,
        }
    }

    /// The word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::BundleNotHere { .. } => "bundle-not-here",
            Self::Chain(Flaw::Missing { .. }) => "receipts-missing",
            Self::Chain(_) => "chain-broken",
            Self::ClockAhead => "clock-ahead",
            Self::ClockBehind => "clock-behind",
            Self::ClockWentBack => "clock-went-back",
            Self::Event(EventKind::ChangesDiscarded) => "changes-discarded",
            Self::Event(EventKind::Resumed) => "resumed",
            Self::Event(_) => "tried-again",
            Self::Failed { .. } => "failed",
            Self::Interrupted => "interrupted",
            Self::NoBundle => "no-bundle",
            Self::NoFacts => "no-facts",
            Self::NoReceipt => "no-receipt",
            Self::NotInBundle { .. } => "not-in-bundle",
            Self::NotSigned => "not-signed",
            Self::OtherContent { .. } => "other-content",
            Self::Overridden(Deviation::DatabaseLeft) => "database-left",
            Self::Overridden(Deviation::OlderAllowed) => "older-allowed",
            Self::Overridden(Deviation::OutageAccepted) => "outage-accepted",
            Self::Overridden(Deviation::QuorumLossForced) => "quorum-loss-forced",
            Self::Overridden(Deviation::SignerAdded) => "signer-added",
            Self::Overridden(Deviation::StaleAccepted) => "stale-accepted",
            Self::Paused => "paused",
            Self::QuorumLost { .. } => "quorum-lost",
            Self::RolledBack => "rolled-back",
            Self::ShortOnly => "short-only",
            Self::SignerNotCompared { .. } => "signer-not-compared",
            Self::StillFormer { .. } => "still-former",
            Self::TreeOnly => "tree-only",
            Self::Unread { .. } => "unread",
            Self::Waiting => "waiting",
        }
    }

    /// What there is to say of it, in the spoken language.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::BundleNotHere { bundle } => {
                text!("receipts are of the bundle {bundle}, which is not among the files", "回执属于证书包 {bundle}，但文件中没有该证书包")
            }
            Self::Chain(flaw) => flaw.to_string(),
            Self::ClockAhead => {
                text!("the node's clock was ahead: it wrote at a time that has not come yet", "节点时钟偏快：回执时间晚于当前时间")
            }
            Self::ClockBehind => text!(
                "the node's clock was behind: the run began before its bundle was made",
                "节点时钟偏慢：执行开始时间早于证书包制作时间"
            ),
            Self::ClockWentBack => text!("the node's clock was put back during the run", "执行期间节点时钟被调回"),
            Self::Event(EventKind::Resumed) => {
                text!("the run was cut off, and a later call went on with it", "执行曾中断，之后继续执行")
            }
            Self::Event(event) => event.text().to_owned(),
            Self::Failed { why: None } => text!("the run failed", "执行失败"),
            Self::Failed { why: Some(why) } => text!("the run failed: {why}", "执行失败：{why}"),
            Self::Interrupted => text!("the run was cut off, and nothing went on with it", "执行中断，且之后未继续"),
            Self::NoBundle => {
                text!("no bundle is among the files: which nodes there should be is not known", "文件中没有证书包：无法确定应有哪些节点")
            }
            Self::NoFacts => text!("no facts of these nodes are among the files", "文件中没有这些节点的节点信息"),
            Self::NoReceipt => text!("no receipt: whether these nodes are renewed is not known", "没有回执：无法确定这些节点是否已续签"),
            Self::NotInBundle { bundle } => text!("not a node of the bundle {bundle}", "不属于证书包 {bundle} 的节点"),
            Self::NotSigned => text!(
                "receipts and facts carry checksums, and no signature: whoever carried them could have made them anew",
                "回执和节点信息只有校验和，没有签名：经手人有可能重新制作"
            ),
            Self::OtherContent { bundle } => text!(
                "the receipt is of a bundle {bundle} with other content than the file here",
                "回执所属的证书包 {bundle} 与此处文件内容不同"
            ),
            Self::Overridden(deviation) => deviation.text().to_owned(),
            Self::Paused => text!("files are in place, and services are not restarted yet", "文件已就位，服务尚未重启"),
            Self::QuorumLost { cluster } => text!(
                "the etcd cluster `{cluster}` was seen without its quorum while certificates held",
                "证书仍有效期间，etcd 集群 `{cluster}` 曾失去法定票数"
            ),
            Self::RolledBack => text!("rolled back: these nodes are as before", "已回滚：这些节点恢复原状"),
            Self::ShortOnly => text!(
                "known by the short form alone: no details, and nothing links it to earlier receipts",
                "只有短格式回执：没有明细，也无法与之前的回执相接"
            ),
            Self::SignerNotCompared { signers } => text!(
                "the bundle is whole and signed by {signers}, which was compared with nothing: `--signer` does that",
                "证书包完整，签名人为 {signers}，但未与任何已知指纹比对：用 `--signer` 比对"
            ),
            Self::StillFormer { path } => text!(
                "facts gathered after the run show the former certificate in `{path}`",
                "执行之后采集的节点信息显示 `{path}` 中仍是旧证书"
            ),
            Self::TreeOnly => text!("applied to a tree of files: nothing ran there", "在目录树上执行：没有运行中的服务"),
            Self::Unread { file, why } => text!("a receipt in `{file}` is not taken: {why}", "`{file}` 中的一份回执未采用：{why}"),
            Self::Waiting => text!("applied, and etcd was not seen with its quorum since", "已完成，但之后未看到 etcd 恢复法定票数"),
        }
    }
}

/// Brings findings together that say the same of several nodes; what matters most comes first.
#[must_use]
pub fn gathered(found: Vec<(Matter, Option<NodeName>)>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for (matter, node) in found {
        match findings.iter_mut().find(|finding| finding.matter == matter) {
            Some(finding) => finding.nodes.extend(node.filter(|node| !finding.nodes.contains(node))),
            None => findings.push(Finding { matter, nodes: node.into_iter().collect() }),
        }
    }
    findings.sort_by_key(|finding| finding.matter.severity());
    findings
}
