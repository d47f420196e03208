//! What a person should know of a site's facts: each contradiction with both sides of it.

use std::net::IpAddr;

use bundle_format::{text, word};
use thiserror::Error;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// It should be looked at before a bundle is built.
    Warning,
    /// It was decided, and how.
    Note,
}

impl Level {
    /// What stands before a finding, for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Note => word!("note: ", "说明："),
            Self::Warning => word!("warning: ", "警告："),
        }
    }

    /// The word for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
        }
    }
}

/// One finding.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Finding {
    /// The CA has ended.
    #[error("{}", text!(
        "the CA ended {end}: etcd has no quorum to guard, and masters are renewed one after another all the same",
        "CA 已于 {end} 过期：etcd 已无法定票数可保护，主节点仍逐个续签"
    ))]
    AuthorityEnded {
        /// When.
        end: String,
    },
    /// A node's clock is ahead of the workstation's.
    #[error("{}", text!(
        "the clock of `{node}` is {by} ahead of this workstation's: it said {said}, and it is {now} here",
        "`{node}` 的时钟比本工作站快 {by}：节点时间为 {said}，本机时间为 {now}"
    ))]
    ClockAhead {
        /// The node.
        node: String,
        /// By how much.
        by: String,
        /// The node's time.
        said: String,
        /// The workstation's.
        now: String,
    },
    /// A node's clock is far from all others'.
    #[error("{}", text!(
        "`{node}` said {said}, which is {by} from the next, `{other}` at {other_said}: if the facts come from one walk, one of the clocks is wrong",
        "`{node}` 的时间为 {said}，与最接近的 `{other}`（{other_said}）相差 {by}：如果是同一趟采集的，其中一个时钟不准"
    ))]
    ClockApart {
        /// The node.
        node: String,
        /// Its time.
        said: String,
        /// By how much.
        by: String,
        /// The node whose time is next.
        other: String,
        /// Its time.
        other_said: String,
    },
    /// Several facts of one node.
    #[error("{}", text!(
        "`{kept}` and `{left}` are facts of the same node, `{node}`: the newer ones are taken, of {kept_time} instead of {left_time}",
        "`{kept}` 与 `{left}` 是同一节点 `{node}` 的信息：采用较新的（{kept_time}），不用 {left_time} 的"
    ))]
    Duplicate {
        /// The node.
        node: String,
        /// The file that is taken.
        kept: String,
        /// When it was made.
        kept_time: String,
        /// The file that is left.
        left: String,
        /// When it was made.
        left_time: String,
    },
    /// The product line is a guess.
    #[error("{}", text!(
        "no node has flannel, which every TDH site has and no TDC site: `{taken}` is taken; if it is the other, give --edition",
        "没有节点运行 flannel，而 TDH 站点都有 flannel，TDC 站点都没有：按 `{taken}` 处理；如果是另一种，请用 --edition 指定"
    ))]
    EditionGuessed {
        /// What is taken.
        taken: &'static str,
    },
    /// The leaf is not the CA's.
    #[error("{}", text!(
        "the leaf of {nodes} was not signed by the CA: {why}; `reseal build` will refuse them together",
        "{nodes} 的叶子证书不是由该 CA 签发的：{why}；`reseal build` 不会接受这两者"
    ))]
    LeafForeign {
        /// The nodes that have it.
        nodes: String,
        /// Why it does not verify.
        why: String,
    },
    /// A member of etcd without facts.
    #[error("{}", text!(
        "etcd of `{node}` names the member {address}, and no facts are of a node with that address",
        "`{node}` 的 etcd 配置中有成员 {address}，但没有哪个节点信息含有这个地址"
    ))]
    MemberMissing {
        /// Whose manifest names it.
        node: String,
        /// Its address.
        address: IpAddr,
    },
    /// A master that cannot be dialled.
    #[error("{}", text!(
        "no address of `{_0}` is known, and others must dial it: add `addresses` to the site file",
        "不知道 `{_0}` 的地址，而其他节点需要连接它：请在站点文件中补上 `addresses`"
    ))]
    NoAddress(String),
    /// No node hands certificates out.
    #[error("{}", text!(
        "no node has the role manager: without it, the Manager hands the old certificates out again at the next role restart",
        "没有节点具有 manager 角色：缺了它，下次重启角色时 Manager 会再次下发旧证书"
    ))]
    NoManager,
    /// Nothing to seal to.
    #[error("{}", text!(
        "`{_0}` has no identity: its secrets cannot be sealed to it; run `reseal-node facts` there without --no-identity",
        "`{_0}` 没有节点身份密钥：无法为它加密封存机密；请在该节点上运行 `reseal-node facts`，不带 --no-identity"
    ))]
    NoRecipient(String),
    /// A node without a part.
    #[error("{}", text!(
        "no role was found on `{_0}`: it is left out of the site file",
        "`{_0}` 上没有发现任何角色：站点文件中不包含它"
    ))]
    NoRole(String),
    /// A master that the leaf does not name.
    #[error("{}", text!(
        "none of the names and addresses of `{node}` ({names}) is among the leaf's SANs: others would refuse it",
        "`{node}` 的名称和地址（{names}）都不在叶子证书的 SAN 中：其他节点会拒绝它"
    ))]
    NotInSans {
        /// The node.
        node: String,
        /// Its names and addresses.
        names: String,
    },
    /// Another certificate of the same CA, or of another.
    #[error("{}", text!(
        "the CA differs: {taken} on {taken_nodes} is taken, and {other} is on {other_nodes}, {}",
        "CA 不一致：采用 {taken_nodes} 上的 {taken}，而 {other_nodes} 上的是 {other}，{}";
        if *is_same_key {
            word!("with the same key", "密钥相同")
        } else {
            word!("with another key: a bundle is refused there", "密钥不同：那里不会接受证书包")
        }
    ))]
    OtherAuthority {
        /// The fingerprint that is taken.
        taken: String,
        /// The nodes that have it.
        taken_nodes: String,
        /// The other fingerprint.
        other: String,
        /// The nodes that have it.
        other_nodes: String,
        /// Whether it has the same key.
        is_same_key: bool,
    },
    /// Another leaf.
    #[error("{}", text!(
        "the leaf differs: {taken} on {taken_nodes} is taken, and {other} is on {other_nodes}; names of both go into the new one",
        "叶子证书不一致：采用 {taken_nodes} 上的 {taken}，而 {other_nodes} 上的是 {other}；两者的名称都会写入新证书"
    ))]
    OtherLeaf {
        /// The fingerprint that is taken.
        taken: String,
        /// The nodes that have it.
        taken_nodes: String,
        /// The other fingerprint.
        other: String,
        /// The nodes that have it.
        other_nodes: String,
    },
    /// Masters disagree about a port.
    #[error("{}", text!(
        "the {what} port of etcd differs between masters ({found}): none is written",
        "各主节点的 etcd 端口（{what}）不一致（{found}）：不写入站点文件"
    ))]
    Ports {
        /// Which port.
        what: &'static str,
        /// What there is.
        found: String,
    },
    /// Something that two nodes should not share.
    #[error("{}", text!("{nodes} share {what} `{value}`: {consequence}", "{nodes} 重复：{what} `{value}`，{consequence}"))]
    Same {
        /// What they share.
        what: &'static str,
        /// Its value.
        value: String,
        /// The nodes.
        nodes: String,
        /// What follows.
        consequence: &'static str,
    },
    /// A SAN that no facts explain.
    #[error("{}", text!(
        "the leaf has the SAN {_0}, and no facts are of a node with it: are the facts of a node missing?",
        "叶子证书有 SAN {_0}，但没有哪个节点信息与之对应：是否缺少某个节点的信息？"
    ))]
    SanWithoutNode(String),
    /// A SAN that is taken for a service's.
    #[error("{}", text!(
        "the leaf's SAN {_0} is taken for the address of the service `kubernetes`",
        "叶子证书的 SAN {_0} 视为服务 `kubernetes` 的地址"
    ))]
    ServiceAddress(IpAddr),
    /// What runs was not seen.
    #[error("{}", text!(
        "the facts of `{_0}` are of a folder tree: what runs there is not known",
        "`{_0}` 的信息来自目录树：无法得知上面运行着什么"
    ))]
    Tree(String),
    /// No version is known, or several are.
    #[error("{}", text!(
        "the version of TOS is not clear ({found}): none is written; give --tos-version VERSION",
        "TOS 版本不明确（{found}）：不写入站点文件；请用 --tos-version VERSION 指定"
    ))]
    VersionUnclear {
        /// What there is.
        found: String,
    },
    /// Several versions, one of which is taken.
    #[error("{}", text!(
        "several versions of TOS were found ({found}): {taken} is taken, for {why}",
        "发现多个 TOS 版本（{found}）：采用 {taken}，原因：{why}"
    ))]
    VersionsDiffer {
        /// What there is.
        found: String,
        /// What is taken.
        taken: String,
        /// Why.
        why: &'static str,
    },
    /// The Manager keeps no certificates in its database.
    #[error("{}", text!(
        "the Manager's database on `{_0}` keeps no certificates: it is left alone",
        "`{_0}` 上的 Manager 数据库不保存证书：不改动它"
    ))]
    WithoutTable(String),
}

impl Finding {
    /// How much it matters.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::AuthorityEnded { .. } | Self::Duplicate { .. } | Self::ServiceAddress(_) | Self::Tree(_) | Self::WithoutTable(_) => {
                Level::Note
            }
            _ => Level::Warning,
        }
    }

    /// What kind it is, for programs; it does not change.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::AuthorityEnded { .. } => "authority-ended",
            Self::ClockAhead { .. } => "clock-ahead",
            Self::ClockApart { .. } => "clock-apart",
            Self::Duplicate { .. } => "duplicate",
            Self::EditionGuessed { .. } => "edition-guessed",
            Self::LeafForeign { .. } => "leaf-foreign",
            Self::MemberMissing { .. } => "member-missing",
            Self::NoAddress(_) => "no-address",
            Self::NoManager => "no-manager",
            Self::NoRecipient(_) => "no-recipient",
            Self::NoRole(_) => "no-role",
            Self::NotInSans { .. } => "not-in-sans",
            Self::OtherAuthority { .. } => "other-authority",
            Self::OtherLeaf { .. } => "other-leaf",
            Self::Ports { .. } => "ports",
            Self::Same { .. } => "same",
            Self::SanWithoutNode(_) => "san-without-node",
            Self::ServiceAddress(_) => "service-address",
            Self::Tree(_) => "tree",
            Self::VersionUnclear { .. } => "version-unclear",
            Self::VersionsDiffer { .. } => "versions-differ",
            Self::WithoutTable(_) => "without-table",
        }
    }
}
