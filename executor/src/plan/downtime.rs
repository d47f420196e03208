//! What a plan takes down, and for how long. Pure.
//!
//! How long at most is the slice's to say: it bounds every wait, and what takes longer is taken back. How long it takes as a rule is
//! an estimate, from the custom of those who restart.

use bundle_format::slice::{RestartPods, RestartStaticPods, Slice, Step};
use serde::Serialize;

use super::{Plan, services::Todo};
use crate::quorum;

/// How often a kubelet looks into its folder of manifests, in seconds: `--file-check-frequency`, which is 20 s unless it is set.
const KUBELET_LOOKS_EVERY: u32 = 20;
/// How long a pod may take to end and to be made anew, in seconds: `terminationGracePeriodSeconds`, which is 30 s unless it is set.
const GRACE: u32 = 30;

/// Something that is down for a while.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Downtime {
    /// The containers, or of pods a part of their names.
    pub what: Vec<String>,
    /// Whether it is pods that `what` names.
    pub is_pods: bool,
    /// About how long, in seconds: an estimate.
    pub about: u32,
    /// How long at most, in seconds.
    pub at_most: u32,
    /// How its cluster fares meanwhile, where it has one.
    pub cluster: Option<Fate>,
}

/// How a cluster fares while one of its members is down.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "fate")]
pub enum Fate {
    /// The others keep its quorum.
    Lives,
    /// It has too few members for that.
    StandsStill,
    /// It is down already, until so many of its members are renewed.
    Waits {
        /// How many.
        needed: usize,
        /// Of how many.
        total: usize,
    },
}

impl Downtime {
    /// Everything that a plan takes down, in its order.
    #[must_use]
    pub fn of(plan: &Plan<'_>, slice: &Slice) -> Vec<Self> {
        let restarts = plan.services().filter(|service| matches!(service.todo, Todo::Restart { .. }));
        let down = restarts.filter_map(|service| match service.step {
            Step::RestartPods(step) => Some(Self::of_pods(step)),
            Step::RestartStaticPods(step) => Some(Self::of_static_pods(step, fate(step, slice, plan.mode.is_recovery()))),
            _ => None,
        });
        down.collect()
    }

    fn of_pods(step: &RestartPods) -> Self {
        Self { what: vec![step.name_contains.clone()], is_pods: true, about: GRACE.min(step.timeout), at_most: step.timeout, cluster: None }
    }

    /// The kubelet sees the manifests go, after the slice's pause it sees them come back.
    fn of_static_pods(step: &RestartStaticPods, cluster: Option<Fate>) -> Self {
        let going = KUBELET_LOOKS_EVERY.min(step.stop_timeout);
        let coming = KUBELET_LOOKS_EVERY.min(step.start_timeout);
        Self {
            what: step.workloads.iter().map(|workload| workload.container.clone()).collect(),
            is_pods: false,
            about: step.settle.saturating_add(going).saturating_add(coming),
            at_most: step.settle.saturating_add(step.stop_timeout).saturating_add(step.start_timeout),
            cluster,
        }
    }
}

fn fate(step: &RestartStaticPods, slice: &Slice, is_recovery: bool) -> Option<Fate> {
    let total = slice.cluster(step.cluster.as_ref()?)?.members.len();
    Some(match total {
        _ if is_recovery => Fate::Waits { needed: quorum::quorum(total), total },
        0..=2 => Fate::StandsStill,
        _ => Fate::Lives,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_bound_the_estimate() {
        let step = |settle, stop_timeout, start_timeout| RestartStaticPods {
            manifests: Vec::new(),
            holding: "/m".parse().unwrap(),
            workloads: Vec::new(),
            cluster: None,
            settle,
            stop_timeout,
            start_timeout,
        };
        let times = |step| {
            let Downtime { about, at_most, .. } = Downtime::of_static_pods(&step, None);
            (about, at_most)
        };
        assert_eq!(times(step(30, 600, 900)), (70, 1530));
        assert_eq!(times(step(0, 5, 7)), (12, 12));
        assert_eq!(times(step(u32::MAX, 1, 1)), (u32::MAX, u32::MAX));
    }
}
