//! What nodes saw of etcd while they were renewed.

use bundle_format::{
    name::{Label, NodeName},
    receipt::Occasion,
};
use time::OffsetDateTime;

use super::{Run, finding::Matter, is_recovery};

/// One look at an etcd cluster.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sight {
    /// When, by the clock of the node that looked.
    pub at: OffsetDateTime,
    /// The node that looked.
    pub node: NodeName,
    /// On what occasion.
    pub occasion: Occasion,
    /// The cluster; none where only the short form tells.
    pub cluster: Option<Label>,
    /// How many members it has.
    pub members: u32,
    /// How many were healthy.
    pub healthy: u32,
    /// How many ran with a renewed certificate, where that was looked at.
    pub renewed: Option<u32>,
    /// The nodes whose members were not healthy.
    pub unhealthy: Vec<NodeName>,
    /// Whether there was no quorum to guard.
    pub is_recovery: bool,
}

impl Sight {
    /// How many healthy members are a quorum.
    #[must_use]
    pub fn needed(&self) -> u32 {
        self.members / 2 + 1
    }

    /// Whether there was a quorum.
    #[must_use]
    pub fn has_quorum(&self) -> bool {
        self.healthy >= self.needed()
    }
}

/// Every look, in the order of time.
pub fn sights(runs: &[Run]) -> Vec<Sight> {
    let mut sights: Vec<Sight> = runs.iter().flat_map(of_run).collect();
    sights.sort_by(|a, b| (a.at, &a.cluster, &a.node).cmp(&(b.at, &b.cluster, &b.node)));
    // Several receipts of one run tell of the same looks.
    sights.dedup();
    sights
}

fn of_run(run: &Run) -> Vec<Sight> {
    let (node, is_recovery_told) = (&run.summary.node, run.summary.is_recovery);
    let Some(document) = &run.document else {
        let sight = run.summary.quorum.map(|(healthy, renewed, members)| Sight {
            at: run.summary.last_record,
            node: node.clone(),
            occasion: Occasion::End,
            cluster: None,
            members,
            healthy,
            renewed,
            unhealthy: Vec::new(),
            is_recovery: is_recovery_told,
        });
        return sight.into_iter().collect();
    };
    let sight = |sight: &bundle_format::receipt::QuorumSight| Sight {
        at: sight.at,
        node: node.clone(),
        occasion: sight.occasion,
        cluster: Some(sight.cluster.clone()),
        members: sight.members,
        healthy: sight.healthy,
        renewed: sight.renewed,
        unhealthy: sight.unhealthy.clone(),
        is_recovery: is_recovery(document),
    };
    document.receipt.quorum.iter().map(sight).collect()
}

/// Where a quorum was lost although one was guarded.
pub fn losses(sights: &[Sight]) -> Vec<(Matter, Option<NodeName>)> {
    let lost = sights.iter().filter(|sight| !sight.is_recovery && !sight.has_quorum());
    lost.filter_map(|sight| Some((Matter::QuorumLost { cluster: sight.cluster.clone()? }, Some(sight.node.clone())))).collect()
}
