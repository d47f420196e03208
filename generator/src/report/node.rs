//! The nodes of a report: which there should be, what was done on each, and how each stands.

use std::collections::BTreeMap;

use bundle_format::{
    facts::NodeFacts,
    name::{BundleName, Label, NodeName},
    receipt::{Document, Outcome, short::Short},
    word,
};

use super::{
    is_in_effect,
    quorum::Sight,
    source::{Bundle, Content, Identity, Source},
};

/// A node of the site.
pub struct Node {
    /// Its name.
    pub name: NodeName,
    /// What it does, in the profile's words; empty where no bundle tells.
    pub roles: Vec<Label>,
    /// Its addresses.
    pub addresses: Vec<String>,
    /// How it stands.
    pub state: State,
    /// What was done on it, in the order of its receipts.
    pub runs: Vec<Run>,
    /// What it said of itself, the earliest first.
    pub facts: Vec<NodeFacts>,
}

/// What one call did to a node.
#[derive(Clone)]
pub struct Run {
    /// What the short form tells.
    pub summary: Short,
    /// The whole receipt; none where only the short form came back.
    pub document: Option<Document>,
}

/// How a node stands, by its last receipt.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum State {
    /// The run failed.
    Failed,
    /// The run was cut off.
    Interrupted,
    /// It is as before.
    RolledBack,
    /// Nothing is known.
    NoReceipt,
    /// Services are not restarted yet.
    Paused,
    /// All is done here; etcd was not seen with its quorum since.
    Waiting,
    /// It is renewed.
    Renewed,
}

impl State {
    /// Every state, what needs attention first.
    pub const ALL: [Self; 7] =
        [Self::Failed, Self::Interrupted, Self::RolledBack, Self::NoReceipt, Self::Paused, Self::Waiting, Self::Renewed];

    /// The word for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::NoReceipt => "no-receipt",
            Self::Paused => "paused",
            Self::Renewed => "renewed",
            Self::RolledBack => "rolled-back",
            Self::Waiting => "waiting",
        }
    }

    /// For people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Failed => word!("failed", "失败"),
            Self::Interrupted => word!("interrupted", "中断"),
            Self::NoReceipt => word!("no receipt", "无回执"),
            Self::Paused => word!("paused", "已暂停"),
            Self::Renewed => word!("renewed", "已续签"),
            Self::RolledBack => word!("rolled back", "已回滚"),
            Self::Waiting => word!("waiting for etcd", "等待 etcd"),
        }
    }
}

impl Run {
    /// `<site>-<serial>` of its bundle.
    #[must_use]
    pub fn bundle(&self) -> BundleName {
        BundleName { site: self.summary.site.clone(), serial: self.summary.serial }
    }

    /// Why it is not applied, in the words of the node.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        self.document.as_ref()?.receipt.why.as_deref()
    }
}

impl Node {
    /// The last run that put something in place which is still there.
    #[must_use]
    pub fn in_effect(&self) -> Option<&Run> {
        self.runs.last().filter(|run| is_in_effect(run.summary.outcome))
    }

    /// A file in which facts that were gathered after the last run show what the run replaced.
    #[must_use]
    pub fn still_former(&self) -> Option<String> {
        let document = self.in_effect()?.document.as_ref()?;
        let facts = self.facts.last().filter(|facts| facts.gathered > document.receipt.run.last_record)?;
        let is_former = |file: &&bundle_format::receipt::FileReceipt| {
            let has = |certificates: &[bundle_format::receipt::CertificateReceipt]| {
                let mut here = facts.certificates.iter().filter(|found| found.path == file.target);
                here.any(|found| certificates.iter().any(|certificate| certificate.fingerprint == found.fingerprint))
            };
            file.former.as_ref().is_some_and(|former| has(former.certificates())) && !has(file.new.certificates())
        };
        document.receipt.files().find(is_former).map(|file| file.target.to_string())
    }
}

/// The nodes of the newest bundle in its order, then all others that anything is known of, by name.
pub fn nodes(bundles: &[&Bundle], runs: Vec<Run>, sources: &[Source], quorum: &[Sight]) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    if let Some(bundle) = bundles.last() {
        for record in &bundle.manifest.nodes {
            let addresses = bundle.identities.get(&record.name).map(|identity| &identity.addresses).into_iter().flatten();
            let addresses = addresses.map(ToString::to_string).collect();
            nodes.push(Node { roles: record.roles.clone(), addresses, ..Node::named(record.name.clone()) });
        }
    }
    let mut by_node: BTreeMap<NodeName, Vec<Run>> = BTreeMap::new();
    for run in runs {
        by_node.entry(run.summary.node.clone()).or_default().push(run);
    }
    for (name, mut runs) in by_node {
        runs.sort_by_key(|run| (run.summary.number, run.summary.begun, run.document.is_some()));
        let at = position(&mut nodes, &name);
        nodes[at].runs = runs;
    }
    let facts = sources.iter().filter_map(|source| if let Content::Facts(facts) = &source.content { Some(facts) } else { None });
    for facts in facts {
        let known = bundles.last().and_then(|bundle| bundle.identities.iter().find(|(name, identity)| fits(facts, name, identity)));
        let name = known.map(|(name, _)| name.clone()).or_else(|| facts.called().parse().ok());
        let Some(name) = name else { continue };
        let at = position(&mut nodes, &name);
        nodes[at].facts.push((**facts).clone());
    }
    for node in &mut nodes {
        node.facts.sort_by_key(|facts| facts.gathered);
        node.state = state(node, quorum);
    }
    nodes
}

impl Node {
    fn named(name: NodeName) -> Self {
        Self { name, roles: Vec::new(), addresses: Vec::new(), state: State::NoReceipt, runs: Vec::new(), facts: Vec::new() }
    }
}

/// Where the node is in the list, at whose end it is put where it is not there.
fn position(nodes: &mut Vec<Node>, name: &NodeName) -> usize {
    if let Some(at) = nodes.iter().position(|node| node.name == *name) {
        return at;
    }
    nodes.push(Node::named(name.clone()));
    nodes.len() - 1
}

/// Whether facts are of this node.
fn fits(facts: &NodeFacts, name: &NodeName, identity: &Identity) -> bool {
    let is_called =
        |host: &str| host.eq_ignore_ascii_case(name.as_str()) || identity.host_names.iter().any(|known| known.eq_ignore_ascii_case(host));
    let mut addresses = facts.host.addresses.iter().filter(|found| !found.address.is_loopback());
    facts.host.name.as_deref().is_some_and(is_called) || addresses.any(|found| identity.addresses.contains(&found.address))
}

fn state(node: &Node, quorum: &[Sight]) -> State {
    match node.runs.last().map(|run| run.summary.outcome) {
        None => State::NoReceipt,
        Some(Outcome::Applied) => State::Renewed,
        Some(Outcome::Failed) => State::Failed,
        Some(Outcome::Interrupted) => State::Interrupted,
        Some(Outcome::Paused) => State::Paused,
        Some(Outcome::RolledBack) => State::RolledBack,
        // What was waited for may have come with a later node.
        Some(Outcome::Waiting) => {
            let last = quorum.last().filter(|last| last.has_quorum() && !last.unhealthy.contains(&node.name));
            if last.is_some() { State::Renewed } else { State::Waiting }
        }
    }
}
