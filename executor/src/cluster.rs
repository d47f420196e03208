//! An etcd cluster as this node's own certificate lets it be seen.

use std::time::Duration;

use bundle_format::{
    digest::Digest,
    name::TargetPath,
    slice::{EtcdCluster, EtcdMember},
    text,
};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    etcd::{EtcdError, MemberSight, Prober},
    machine::Machine,
    quorum,
};

/// How long one member may take for all of its answers together: a handshake that hangs is one whose CA has ended in memory.
const PATIENCE: Duration = Duration::from_secs(3);

/// Why nobody can be asked.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// A file that a client needs is not there.
    #[error("{}", text!("etcd cannot be asked without `{_0}`, and it cannot be read", "询问 etcd 需要 `{_0}`，但该文件无法读取"))]
    File(TargetPath),
    /// The files are of no use to a client.
    #[error("{}", text!("etcd cannot be asked: {_0}", "无法询问 etcd：{_0}"))]
    Etcd(#[from] EtcdError),
}

/// Asks all members.
///
/// # Errors
/// When this node has no certificate to ask with. A member that does not answer is no error: its sight says so.
pub fn look(machine: &Machine, cluster: &EtcdCluster) -> Result<Vec<MemberSight>, ClusterError> {
    let read = |target: &TargetPath| {
        let sight = machine.look(target);
        sight.file().map(|seen| Zeroizing::new(seen.content.to_vec())).ok_or_else(|| ClusterError::File(target.clone()))
    };
    let prober = Prober::new(&read(&cluster.authority)?, &read(&cluster.certificate)?, &read(&cluster.key)?)?;
    Ok(prober.probe_all(machine, &cluster.members, PATIENCE))
}

/// How many members run with the renewed CA and one of these leaves, by fingerprint.
///
/// It is the peer port that tells: without a quorum etcd accepts connections at its client port and never answers the handshake,
/// while peers are served from the start. A member that still has the expired CA in memory refuses this node's certificate there.
/// Where a firewall hides that port, too few are counted, and nothing but the count is wrong.
pub fn renewed(machine: &Machine, cluster: &EtcdCluster, leaves: &[Digest]) -> usize {
    peers(machine, cluster).iter().filter(|sight| is_renewed(sight, leaves)).count()
}

/// Looks at all members through their peer ports; at none when this node has no certificate to ask with.
pub fn peers(machine: &Machine, cluster: &EtcdCluster) -> Vec<MemberSight> {
    let members = cluster.members.iter().map(|member| EtcdMember { port: member.peer_port, ..member.clone() }).collect();
    look(machine, &EtcdCluster { members, ..cluster.clone() }).unwrap_or_default()
}

/// Whether a member, seen through its peer port, runs with the renewed CA and one of these leaves.
pub fn is_renewed(sight: &MemberSight, leaves: &[Digest]) -> bool {
    sight.completed_handshake() && sight.served.is_some_and(|leaf| leaves.contains(&leaf.fingerprint))
}

/// Whether every cluster has its quorum, as far as can be seen from here.
pub fn all_have_quorum(machine: &Machine, clusters: &[EtcdCluster]) -> bool {
    clusters.iter().all(|cluster| look(machine, cluster).is_ok_and(|sights| has_quorum(&sights)))
}

/// Whether enough members are healthy.
pub fn has_quorum(sights: &[MemberSight]) -> bool {
    sights.iter().filter(|sight| sight.is_healthy()).count() >= quorum::quorum(sights.len())
}
