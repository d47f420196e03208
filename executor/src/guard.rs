//! May a member of an etcd cluster be stopped? While the cluster lives, only if the others keep a quorum without it.
//!
//! What cannot be judged, because it cannot be reached, refuses the handshake or does not answer in time, counts as unhealthy and
//! never as absent.

use std::collections::BTreeSet;

use bundle_format::name::{Label, NodeName};
use serde::Serialize;
use thiserror::Error;

use crate::{
    cluster::{self, ClusterError},
    etcd::MemberSight,
    journal::Deviation,
    mode::Mode,
    quorum::Guard,
    steps::{Bench, StepError},
};

/// Why a member may not be stopped.
#[derive(Debug, Error)]
pub enum Risk {
    /// The others cannot be asked at all.
    #[error("whether etcd keeps its quorum cannot be judged: {0}")]
    Blind(#[from] ClusterError),
    /// One or two members never keep a quorum through a restart.
    #[error("etcd has {total} member{}: it is down while this node restarts, and with it the API server", if *.total == 1 { "" } else { "s" })]
    Outage {
        /// How many there are.
        total: usize,
    },
    /// Too few others are healthy.
    #[error(
        "etcd would lose its quorum: {needed} healthy members are needed besides this one, and there {}: {}",
        if *.healthy == 1 { "is 1".to_owned() } else { format!("are {healthy}") },
        list(.unhealthy)
    )]
    Quorum {
        /// How many others must be healthy.
        needed: usize,
        /// How many are.
        healthy: usize,
        /// Who is not, and why.
        unhealthy: Vec<Ailing>,
    },
}

/// A member that is not healthy.
#[derive(Clone, Debug, Serialize)]
pub struct Ailing {
    /// Its node.
    pub node: NodeName,
    /// Why.
    pub why: String,
}

fn list(unhealthy: &[Ailing]) -> String {
    unhealthy.iter().map(|member| format!("`{}` {}", member.node, member.why)).collect::<Vec<_>>().join("; ")
}

/// Judges, from what all members said.
///
/// # Errors
/// When the member of `own` may not be stopped.
pub fn judge(sights: &[MemberSight], own: &NodeName, mode: &Mode, allowed: &BTreeSet<Deviation>) -> Result<(), Risk> {
    if mode.is_recovery() || allowed.contains(&Deviation::QuorumLossForced) {
        return Ok(());
    }
    let others = || sights.iter().filter(|sight| sight.node != *own);
    let (needed, healthy) = match Guard::judge(sights.len(), others().filter(|sight| sight.is_healthy()).count()) {
        Guard::Allowed { .. } => return Ok(()),
        Guard::NeverPossible { .. } if allowed.contains(&Deviation::OutageAccepted) => return Ok(()),
        Guard::NeverPossible { total } => return Err(Risk::Outage { total }),
        Guard::Refused { healthy_others, needed } => (needed, healthy_others),
    };
    let ailing = |sight: &MemberSight| Ailing { node: sight.node.clone(), why: sight.state.to_string() };
    Err(Risk::Quorum { needed, healthy, unhealthy: others().filter(|sight| !sight.is_healthy()).map(ailing).collect() })
}

/// Asks and judges, right before this node's member is stopped. On the way back a member that is not healthy anyway may be stopped.
///
/// # Errors
/// When it may not.
pub fn may_stop_now(name: Option<&Label>, bench: &Bench<'_>) -> Result<(), StepError> {
    let Some(cluster) = name.and_then(|name| bench.begin.etcd.iter().find(|cluster| cluster.name == *name)) else { return Ok(()) };
    if bench.mode.is_recovery() || bench.allowed.contains(&Deviation::QuorumLossForced) {
        return Ok(());
    }
    let sights = cluster::look(bench.machine, cluster).map_err(Risk::from)?;
    let own = &bench.begin.node;
    if bench.is_undoing && !sights.iter().any(|sight| sight.node == *own && sight.is_healthy()) {
        return Ok(());
    }
    Ok(judge(&sights, own, &bench.mode, bench.allowed)?)
}

/// Asks and judges before an operator's rollback, which restarts a member whatever the mode: one that is healthy may be needed.
///
/// # Errors
/// When it may not be stopped.
pub fn may_go_back(name: Option<&Label>, bench: &Bench<'_>) -> Result<(), Risk> {
    let Some(cluster) = name.and_then(|name| bench.begin.etcd.iter().find(|cluster| cluster.name == *name)) else { return Ok(()) };
    if bench.allowed.contains(&Deviation::QuorumLossForced) {
        return Ok(());
    }
    let sights = cluster::look(bench.machine, cluster)?;
    let own = &bench.begin.node;
    if !sights.iter().any(|sight| sight.node == *own && sight.is_healthy()) {
        return Ok(());
    }
    judge(&sights, own, &Mode::Rolling { ends: None }, bench.allowed)
}
