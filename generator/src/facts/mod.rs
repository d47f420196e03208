//! From the facts of a site's nodes to a site file, and what contradicts among them. Pure but for [`load`].
//!
//! Facts are what nodes say of themselves, and anybody who had the stick may have changed them. What is made of them is shown to a person,
//! signed by nobody, and checked once more by each node: a bundle whose CA has not the key of the CA on the node is rejected there.

mod finding;
mod material;
mod names;
mod settings;

use std::path::Path;

use bundle_format::{
    certificate::Certificate,
    facts::{self, ClusterFacts, FactsError, NodeFacts},
    name::SiteName,
    text, word,
};
use thiserror::Error;
use time::OffsetDateTime;

pub use self::finding::{Finding, Level};
use crate::{
    files::{self, FileError},
    profile::tos::{self, Edition},
    site::{DatabaseSection, Node, RestartSection},
};

/// Facts, and the file that they came in.
#[derive(Clone, Debug)]
pub struct Told {
    /// The file, for people.
    pub file: String,
    /// What it says.
    pub facts: NodeFacts,
}

/// Why facts make no site.
#[derive(Debug, Error)]
pub enum DraftError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file holds no facts.
    #[error("{}", text!("`{file}`: {why}", "`{file}`：{why}"))]
    Facts {
        /// The file.
        file: String,
        /// The reason.
        why: FactsError,
    },
    /// No node has what a renewal begins with.
    #[error("{}", text!("no node has {what}; looked at: {nodes}", "所有节点都没有：{what}；已查看：{nodes}"))]
    Nothing {
        /// What is missing.
        what: &'static str,
        /// The nodes.
        nodes: String,
    },
    /// As many nodes for one CA as for another.
    #[error("{}", text!(
        "these are the facts of two sites: {one_key} is the key of the CA on {one}, and {other_key} that on {other}",
        "这些节点信息来自两个站点：{one} 上 CA 的密钥是 {one_key}，{other} 上的是 {other_key}"
    ))]
    TwoSites {
        /// The nodes of one.
        one: String,
        /// Its CA's key.
        one_key: String,
        /// The nodes of the other.
        other: String,
        /// Its CA's key.
        other_key: String,
    },
}

impl DraftError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Facts { why, .. } => return advice(why),
            Self::File(error) => return error.hint(),
            Self::Nothing { .. } => word!(
                "run `reseal-node facts` as root on the masters, and give those too",
                "请以 root 身份在各主节点上运行 `reseal-node facts`，并一并提供"
            ),
            Self::TwoSites { .. } => word!("give the facts of one site at a time", "每次只提供一个站点的节点信息"),
        };
        Some(text.to_owned())
    }
}

/// What to do about a file that holds no facts.
#[must_use]
pub fn advice(error: &FactsError) -> Option<String> {
    let text = match error {
        FactsError::Altered { .. } | FactsError::Cut => word!(
            "copy it from the node again; `head -n -2 FILE | sha256sum` must be what stands at its end",
            "请从节点上重新复制；`head -n -2 FILE | sha256sum` 的结果应与文件末尾一致"
        ),
        FactsError::Format { .. } => {
            word!("use a `reseal` as new as the `reseal-node` that wrote them", "请使用与生成该文件的 `reseal-node` 同样新的 `reseal`")
        }
        _ => word!("make it again on the node: reseal-node facts --out FILE", "请在节点上重新生成：reseal-node facts --out FILE"),
    };
    Some(text.to_owned())
}

/// Reads a file of facts.
///
/// # Errors
/// When it cannot be read, or holds none.
pub fn load(path: &Path) -> Result<Told, DraftError> {
    let content = files::read(path, files::MOST_INPUT)?;
    let file = path.display().to_string();
    let facts = facts::read(&content).map_err(|why| DraftError::Facts { file: file.clone(), why })?;
    Ok(Told { file, facts })
}

/// What the user says beside the facts.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// The site's name.
    pub name: Option<SiteName>,
    /// The product line.
    pub edition: Option<Edition>,
    /// The version.
    pub version: Option<String>,
}

/// A site file in the making.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The site's name.
    pub name: String,
    /// The product line.
    pub edition: Edition,
    /// The version, where the facts agree on one.
    pub version: Option<String>,
    /// The CA's present certificate.
    pub authority: Certificate,
    /// The leaf to replace.
    pub leaf: Certificate,
    /// SANs that other leaves have and this one lacks.
    pub sans: Vec<String>,
    /// The nodes, in visiting order.
    pub nodes: Vec<Node>,
    /// The ports of etcd.
    pub restart: RestartSection,
    /// The Manager's database.
    pub database: DatabaseSection,
    /// What a person should know.
    pub findings: Vec<Finding>,
}

impl Draft {
    /// Makes the draft. `now` is the workstation's time.
    ///
    /// # Errors
    /// When nothing sensible can be written.
    pub fn of(told: Vec<Told>, now: OffsetDateTime, wishes: &Wishes) -> Result<Self, DraftError> {
        let mut findings = Vec::new();
        let told = names::distinct(told, &mut findings);
        names::check_clocks(&told, now, &mut findings);
        let material = material::choose(&told, now, &mut findings)?;
        let nodes = names::nodes(&told, &material, &mut findings);
        if !nodes.iter().any(|node| node.has_role(tos::ETCD)) {
            return Err(DraftError::Nothing { what: word!("the role etcd", "角色 etcd"), nodes: called(&told) });
        }
        names::check_sans(&told, &nodes, &material, &mut findings);
        let edition = settings::edition(&told, wishes, &mut findings);
        let version = settings::version(&told, wishes, &mut findings);
        let (restart, database) = (settings::restart(&told, &mut findings), settings::database(&told, &mut findings));
        findings.sort_by_key(Finding::level);
        Ok(Self {
            name: wishes.name.as_ref().map_or_else(|| settings::site_name(&nodes), ToString::to_string),
            edition,
            version,
            authority: material.authority,
            leaf: material.leaf,
            sans: material.sans,
            nodes,
            restart,
            database,
            findings,
        })
    }
}

impl Told {
    /// What the node is in a cluster that this generator knows.
    fn cluster(&self) -> Option<&ClusterFacts> {
        self.facts.clusters.iter().find(|cluster| cluster.profile.as_str() == tos::NAME)
    }

    fn has_role(&self, role: &str) -> bool {
        self.cluster().is_some_and(|cluster| cluster.roles.iter().any(|found| found.role.as_str() == role))
    }
}

/// The nodes, for people.
fn called<'a>(told: impl IntoIterator<Item = &'a Told>) -> String {
    told.into_iter().map(|told| format!("`{}`", told.facts.called())).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
