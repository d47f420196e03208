//! What is said of a site: why it is refused, with what to do about it, and what a person should know of one that is not.

use std::{fmt, path::PathBuf};

use bundle_format::{
    digest::Fingerprint,
    name::{Label, NameError, NodeName},
    text, word,
};
use thiserror::Error;

use crate::profile::tos::{TosVersion, VersionError};

/// Why a site is not one.
#[derive(Debug, Error)]
pub enum SiteError {
    /// The site file is not TOML of the known fields.
    #[error("{}", text!("the site file is not understood: {_0}", "无法解析站点文件：{_0}"))]
    File(String),
    /// A name breaks its rule.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Something that must be given is not.
    #[error("{}", text!("{what} is not given", "未指定：{what}"))]
    Missing {
        /// What is missing.
        what: &'static str,
        /// The flag and the field of the site file that would give it.
        how: &'static str,
    },
    /// A node that others dial has no address.
    #[error("{}", text!(
        "node `{_0}` has the role etcd and no address: nodes are dialled by address, never by name",
        "节点 `{_0}` 有 etcd 角色但没有地址：节点之间只按地址连接，不按名称"
    ))]
    NoAddress(NodeName),
    /// No profile has this name.
    #[error("{}", text!("there is no profile `{_0}`; there is: tos", "没有名为 `{_0}` 的 profile；可用：tos"))]
    UnknownProfile(String),
    /// No edition has this name.
    #[error("{}", text!("there is no edition `{_0}`; there are: tdh, tdc", "没有名为 `{_0}` 的产品线；可用：tdh、tdc"))]
    UnknownEdition(String),
    /// The version cannot be read.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// The version's CA does not run out.
    #[error("{}", text!(
        "TOS {version} is not affected: the edition's range is {range}",
        "TOS {version} 不受影响：该产品线受影响的版本范围是 {range}"
    ))]
    NotAffected {
        /// The version.
        version: TosVersion,
        /// The range that is affected.
        range: &'static str,
    },
    /// The profile has no such certificate authority or leaf.
    #[error("{}", text!(
        "the profile has no certificate authority or leaf `{name}`; it has: {known}",
        "profile 中没有名为 `{name}` 的 CA 或叶子证书；可用：{known}"
    ))]
    UnknownMaterial {
        /// The name.
        name: Label,
        /// What there is.
        known: &'static str,
    },
    /// The profile has no such role.
    #[error("{}", text!(
        "node `{node}`: there is no role `{role}`; there are: {known}",
        "节点 `{node}`：没有角色 `{role}`；可用：{known}"
    ))]
    UnknownRole {
        /// The node.
        node: NodeName,
        /// The role.
        role: Label,
        /// What there is.
        known: &'static str,
    },
    /// The edition has no such role.
    #[error("{}", text!("node `{node}`: the edition {edition} has no {role}", "节点 `{node}`：产品线 {edition} 没有 {role}"))]
    RoleNotInEdition {
        /// The node.
        node: NodeName,
        /// The role.
        role: Label,
        /// The edition.
        edition: &'static str,
    },
    /// No node does what some node must.
    #[error("{}", text!("no node has the role `{_0}`", "没有节点具有角色 `{_0}`"))]
    NoNodeWithRole(&'static str),
    /// A recipient of a node that there is not.
    #[error("{}", text!("there is no node `{_0}` to have that recipient", "没有节点 `{_0}`，不能为它指定接收方"))]
    RecipientOfNobody(NodeName),
    /// `--node-recipient` cannot be read.
    #[error("{}", text!("a node's recipient is written NODE=age1…", "节点的接收方应写作 NODE=age1…"))]
    RecipientText,
    /// A node does nothing.
    #[error("{}", text!("node `{_0}` has no role", "节点 `{_0}` 没有角色"))]
    NoRole(NodeName),
    /// A node knows itself by nothing.
    #[error("{}", text!(
        "node `{_0}` has neither host name nor address: it could not know itself",
        "节点 `{_0}` 既没有主机名也没有地址：执行程序无法认出它"
    ))]
    NoIdentity(NodeName),
    /// Two nodes share what tells them apart.
    #[error("{}", text!(
        "nodes `{first}` and `{second}` share {what} `{value}`",
        "节点 `{first}` 与 `{second}` 重复：{what} `{value}`"
    ))]
    Shared {
        /// One node.
        first: NodeName,
        /// The other.
        second: NodeName,
        /// What is shared.
        what: &'static str,
        /// Its value.
        value: String,
    },
    /// `--node` cannot be read.
    #[error("{}", text!(
        "`{_0}` is no node; a node is NAME=ADDRESS[,ADDRESS…]:ROLE[+ROLE…]",
        "`{_0}` 不是节点的正确写法；应写作 NAME=ADDRESS[,ADDRESS…]:ROLE[+ROLE…]"
    ))]
    NodeText(String),
    /// A SAN cannot be read.
    #[error("{}", text!("`{_0}` is neither a DNS name nor an IP address", "`{_0}` 既不是 DNS 名称，也不是 IP 地址"))]
    San(String),
    /// A number of days that no certificate can have.
    #[error("{}", text!("{_0} days: at least 1 is needed", "{_0} 天：至少需要 1 天"))]
    Days(u32),
    /// Flags for one certificate authority, but the site file has several.
    #[error("{}", text!(
        "the site file has {_0} certificate authorities; --ca, --ca-key, --leaf, --san and --days are for a site with one",
        "站点文件中有 {_0} 个 CA；--ca、--ca-key、--leaf、--san 和 --days 只适用于只有一个 CA 的站点"
    ))]
    SeveralAuthorities(usize),
}

impl SiteError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Days(_) => word!("leave it out for 36500 days, or give a number", "不指定则为 36500 天，或给出一个天数"),
            Self::File(_) => word!(
                "`reseal site init --ca CA --leaf LEAF` writes a commented site file to start from",
                "`reseal site init --ca CA --leaf LEAF` 可生成带注释的站点文件作为起点"
            ),
            Self::Missing { how, .. } => return Some(text!("give {how}", "请指定 {how}")),
            Self::Name(_) => word!("correct it in the site file, or on the command line", "请在站点文件或命令行中改正"),
            Self::NoAddress(node) => {
                return Some(text!(
                    "give it one: --node '{node}=ADDRESS:etcd', or `addresses` in the site file",
                    "请指定地址：--node '{node}=ADDRESS:etcd'，或站点文件中的 `addresses`"
                ));
            }
            Self::NoIdentity(_) => {
                word!("add its `host-names` or `addresses` to the site file", "请在站点文件中补上它的 `host-names` 或 `addresses`")
            }
            Self::NoNodeWithRole(_) | Self::NoRole(_) | Self::RoleNotInEdition { .. } | Self::UnknownRole { .. } => word!(
                "correct `roles` of the nodes in the site file, or --node NAME=ADDRESS:ROLE",
                "请修改站点文件中节点的 `roles`，或用 --node NAME=ADDRESS:ROLE 指定"
            ),
            Self::NodeText(_) => word!("for example --node 'tos1=10.0.0.11:etcd+flannel'", "例如 --node 'tos1=10.0.0.11:etcd+flannel'"),
            Self::NotAffected { .. } => word!(
                "compare with `kubectl version`; if the CA does run out, add --force-version",
                "请与 `kubectl version` 核对；如果 CA 确实会过期，请加 --force-version"
            ),
            Self::RecipientOfNobody(_) => {
                word!("name a node of the site file, or of --node, as it stands there", "请使用站点文件或 --node 中的节点名称")
            }
            Self::RecipientText => word!(
                "for example --node-recipient tos1=age1…, as `reseal-node facts` shows it there",
                "例如 --node-recipient tos1=age1…，接收方由该节点上的 `reseal-node facts` 显示"
            ),
            Self::San(_) => word!("for example --san tos4 or --san 10.0.0.14", "例如 --san tos4 或 --san 10.0.0.14"),
            Self::SeveralAuthorities(_) => {
                word!("say it in the site file, under [[ca]] or [[ca.leaf]]", "请写在站点文件的 [[ca]] 或 [[ca.leaf]] 之下")
            }
            Self::Shared { .. } => word!(
                "a node must know its slice without doubt: give each its own names, addresses and recipient",
                "节点必须能准确认出自己的内容：请为每个节点指定各自的名称、地址和接收方"
            ),
            Self::UnknownEdition(_) => word!("give --edition tdh or --edition tdc", "请用 --edition tdh 或 --edition tdc"),
            Self::UnknownMaterial { .. } => {
                word!("correct `name` under [[ca]] or [[ca.leaf]] of the site file", "请修改站点文件 [[ca]] 或 [[ca.leaf]] 下的 `name`")
            }
            Self::UnknownProfile(_) => word!("give --profile tos, or leave it out", "请用 --profile tos，或不指定"),
            Self::Version(_) => word!(
                "`kubectl version` on a master shows it, and so does the tag of the registry's image",
                "在主节点上运行 `kubectl version` 可看到，registry 的镜像标签中也有"
            ),
        };
        Some(text.to_owned())
    }
}

/// What a person should know, though the bundle can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The Manager's version does not tell that of TOS.
    VersionUnknown(TosVersion),
    /// The version is not affected, and the user insisted.
    VersionForced(TosVersion, &'static str),
    /// A node's name or address is not among the leaf's SANs.
    NotInSans {
        /// The node.
        node: NodeName,
        /// Its name or address.
        value: String,
    },
    /// A file with a secret can be read by others.
    Readable {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Other sites have the key of this CA too.
    SharedKey {
        /// The CA.
        authority: Label,
        /// Its key.
        key: Fingerprint,
    },
    /// Secrets are in the bundle as they are.
    Unsealed,
    /// An architecture that nodes may have is not in the bundle.
    NoExecutorFor(&'static str),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match self {
            Self::VersionUnknown(version) => text!(
                "`{version}` is a version of the Manager and does not tell that of TOS; compare `kubectl version` with the affected range",
                "`{version}` 是 Manager 的版本，看不出 TOS 的版本；请将 `kubectl version` 与受影响的范围核对"
            ),
            Self::VersionForced(version, range) => text!(
                "TOS {version} is outside the affected range {range}; made all the same, as --force-version says",
                "TOS {version} 不在受影响的范围 {range} 内；已按 --force-version 照常制作"
            ),
            Self::NotInSans { node, value } => text!(
                "node `{node}`: `{value}` is not among the leaf's SANs; if others reach it by that name, add --san {value}",
                "节点 `{node}`：`{value}` 不在叶子证书的 SAN 中；如果其他节点用它访问，请加 --san {value}"
            ),
            Self::Readable { path, mode } => {
                let path = path.display();
                text!(
                    "`{path}` holds a secret and can be read by others of this machine (mode {mode:04o}): chmod 600 '{path}'",
                    "`{path}` 含有机密，而本机其他用户可以读取（权限 {mode:04o}）：chmod 600 '{path}'"
                )
            }
            Self::SharedKey { authority, key } => text!(
                "other sites have the key {key} of the CA `{authority}` too: whoever holds it there can make certificates that this site \
                 trusts, before and after the renewal, and only a CA with a new key ends that",
                "其他站点也有 CA `{authority}` 的密钥 {key}：那里持有它的人，在续签前后都能签发本站点信任的证书，只有换用新密钥的 CA 才能消除"
            ),
            Self::Unsealed => word!(
                "the leaf's private key is in the bundle unsealed: whoever finds the stick has it",
                "叶子证书的私钥未加密封存就放进了证书包：捡到 U 盘的人就拿到了它"
            )
            .to_owned(),
            Self::NoExecutorFor(architecture) => text!(
                "there is no executor for {architecture} in the bundle; add --executor PATH if a node needs it",
                "证书包中没有 {architecture} 架构的执行程序；如有节点需要，请加 --executor PATH"
            ),
        })
    }
}
