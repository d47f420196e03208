//! The step `await-etcd`: this node's member is back. In recovery that means no more than that it listens: before a majority was
//! renewed it can neither be healthy nor answer a handshake.

use bundle_format::{
    name::Label,
    slice::{AwaitEtcd, EtcdCluster},
    text, word,
};

use super::{
    Bench, StepError,
    wait::{self, Look},
};
use crate::{cluster, etcd::MemberSight, quorum};

/// How long a cluster with a majority of renewed members may take to become healthy, in seconds: elections take one to three.
const ELECTION: u32 = 60;

/// Waits for the member.
///
/// # Errors
/// When it takes too long, or the cluster cannot be asked.
pub fn apply(step: &AwaitEtcd, bench: &Bench<'_>) -> Result<(), StepError> {
    let cluster = cluster_of(&step.cluster, bench)?;
    let is_recovery = bench.mode.is_recovery();
    let what = if is_recovery {
        word!("etcd on this node to listen", "本节点的 etcd 开始监听")
    } else {
        word!("etcd on this node to be healthy", "本节点的 etcd 恢复健康")
    };
    wait::until(bench, what, step.timeout, || {
        let sight = own(step, cluster, bench)?;
        let is_back = if is_recovery { sight.listens() } else { sight.is_healthy() };
        Ok(if is_back { Look::There(()) } else { Look::NotYet(sight.state.to_string()) })
    })?;
    if is_recovery { give_it_a_moment(cluster, bench) } else { Ok(()) }
}

/// After a rollback in a living cluster the member must be back too; with expired certificates there is nothing to wait for.
///
/// # Errors
/// As [`apply`].
pub fn undo(step: &AwaitEtcd, bench: &Bench<'_>) -> Result<(), StepError> {
    if bench.mode.is_recovery() { Ok(()) } else { apply(step, bench) }
}

/// Where a majority shows the new certificate, health is one election away.
fn give_it_a_moment(cluster: &EtcdCluster, bench: &Bench<'_>) -> Result<(), StepError> {
    let needed = quorum::quorum(cluster.members.len());
    let leaves = bench.begin.authorities.iter().flat_map(|authority| &authority.leaves).map(|leaf| leaf.renewed.fingerprint);
    if cluster::renewed(bench.machine, cluster, &leaves.collect::<Vec<_>>()) < needed {
        return Ok(());
    }
    let outcome = wait::until(bench, word!("etcd to find its quorum", " etcd 达到法定票数"), ELECTION, || {
        let sights = cluster::look(bench.machine, cluster)?;
        let count = sights.iter().filter(|sight| sight.is_healthy()).count();
        Ok(if count >= needed {
            Look::There(())
        } else {
            Look::NotYet(text!("{count} of {needed} members are healthy", "需要 {needed} 个健康成员，现有 {count} 个"))
        })
    });
    match outcome {
        Err(StepError::TooLong { .. }) => Ok(()), // `apply` tells how far the quorum is; going back would not bring it nearer.
        outcome => outcome,
    }
}

fn cluster_of<'a>(name: &Label, bench: &'a Bench<'_>) -> Result<&'a EtcdCluster, StepError> {
    bench.begin.etcd.iter().find(|cluster| cluster.name == *name).ok_or_else(|| StepError::NoCluster(name.clone()))
}

fn own(step: &AwaitEtcd, cluster: &EtcdCluster, bench: &Bench<'_>) -> Result<MemberSight, StepError> {
    let members: Vec<_> = cluster.members.iter().filter(|member| member.node == step.member).cloned().collect();
    let only = EtcdCluster { members, ..cluster.clone() };
    cluster::look(bench.machine, &only)?.pop().ok_or_else(|| StepError::NoCluster(step.cluster.clone()))
}
