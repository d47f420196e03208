//! May a member of an etcd cluster be stopped? While the cluster lives, only if the others keep a quorum without it.
//!
//! What cannot be judged, because it cannot be reached, refuses the handshake or does not answer in time, counts as unhealthy and
//! never as absent.

use std::collections::BTreeSet;

use bundle_format::{
    name::{Label, NodeName},
    text, word,
};
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
    #[error("{}", text!("whether etcd keeps its quorum cannot be judged: {_0}", "无法判断 etcd 是否保有法定票数：{_0}"))]
    Blind(#[from] ClusterError),
    /// One or two members never keep a quorum through a restart.
    #[error("{}", text!(
        "etcd has {total} member{}: it is down while this node restarts, and with it the API server",
        "etcd 成员数为 {total}{}：本节点重启期间它会中断，API 服务器也随之中断";
        if *total == 1 { "" } else { word!("s", "") }
    ))]
    Outage {
        /// How many there are.
        total: usize,
    },
    /// Too few others are healthy.
    #[error("{}", text!(
        "etcd would lose its quorum: {needed} healthy members are needed besides this one, and there {} {healthy}: {}",
        "etcd 会失去法定票数：除本成员外需要 {needed} 个健康成员，现有 {}{healthy} 个：{}";
        is_or_are(*healthy), list(unhealthy)
    ))]
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

fn is_or_are(number: usize) -> &'static str {
    if number == 1 { word!("is", "") } else { word!("are", "") }
}

fn list(unhealthy: &[Ailing]) -> String {
    unhealthy.iter().map(|member| format!("`{}` {}", member.node, member.why)).collect::<Vec<_>>().join(word!("; ", "；"))
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
    bench.seen.cluster(bench.machine.now(), &cluster.name, &sights);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        etcd::{MemberState, Reached},
        journal::DiskEnd,
    };
    use time::macros::datetime;

    fn sights(healthy: &[bool]) -> Vec<MemberSight> {
        let sight = |(number, is_healthy): (usize, &bool)| MemberSight {
            node: format!("n{number}").parse().unwrap(),
            address: "127.0.0.1:4001".parse().unwrap(),
            reached: Reached::Nothing,
            served: None,
            state: if *is_healthy {
                MemberState::Healthy { version: None, leads: None }
            } else {
                MemberState::Unreachable { why: "refused".to_owned() }
            },
        };
        healthy.iter().enumerate().map(sight).collect()
    }

    fn verdict(healthy: &[bool], mode: &Mode, allowed: &[Deviation]) -> String {
        match judge(&sights(healthy), &"n0".parse().unwrap(), mode, &allowed.iter().copied().collect()) {
            Ok(()) => "may".to_owned(),
            Err(Risk::Outage { total }) => format!("outage of {total}"),
            Err(Risk::Quorum { needed, healthy, unhealthy }) => format!("{healthy} of {needed}, {} ailing", unhealthy.len()),
            Err(Risk::Blind(why)) => why.to_string(),
        }
    }

    #[test]
    fn a_member_is_stopped_only_while_the_others_keep_a_quorum() {
        let rolling = Mode::Rolling { ends: None };
        assert_eq!(verdict(&[true, true, true], &rolling, &[]), "may");
        assert_eq!(verdict(&[false, true, true], &rolling, &[]), "may", "its own health does not count");
        assert_eq!(verdict(&[true, true, false], &rolling, &[]), "1 of 2, 1 ailing");
        assert_eq!(verdict(&[true, true, true, true, false], &rolling, &[]), "may");
        assert_eq!(verdict(&[true, true, true, false, false], &rolling, &[]), "2 of 3, 2 ailing");
        assert_eq!(verdict(&[true, true, false], &rolling, &[Deviation::OutageAccepted]), "1 of 2, 1 ailing");
        assert_eq!(verdict(&[true, true, false], &rolling, &[Deviation::QuorumLossForced]), "may");
    }

    #[test]
    fn one_or_two_members_need_consent_and_recovery_needs_none() {
        let rolling = Mode::Rolling { ends: None };
        assert_eq!(verdict(&[true], &rolling, &[]), "outage of 1");
        assert_eq!(verdict(&[true, true], &rolling, &[]), "outage of 2");
        assert_eq!(verdict(&[true, true], &rolling, &[Deviation::OutageAccepted]), "may");
        let recovery = Mode::Recovery { ended: DiskEnd { target: "/srv/ca".parse().unwrap(), not_after: datetime!(2023-01-01 0:00 UTC) } };
        assert_eq!(verdict(&[false, false, false], &recovery, &[]), "may");
    }
}
