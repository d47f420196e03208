//! What steps see on their way that a receipt tells of: when something was down, and how etcd was before a member was stopped.

use std::cell::RefCell;

use bundle_format::{
    name::Label,
    receipt::{Occasion, QuorumSight},
};
use time::OffsetDateTime;

use crate::{etcd::MemberSight, journal::Record};

/// What was seen since it was last written down.
#[derive(Debug, Default)]
pub struct Seen(RefCell<Sightings>);

#[derive(Debug, Default)]
struct Sightings {
    quorum: Vec<QuorumSight>,
    down: Option<(Option<OffsetDateTime>, Option<OffsetDateTime>)>,
}

impl Seen {
    /// What a step restarts is taken down; `at` is none where it is down already.
    pub fn goes_down(&self, at: Option<OffsetDateTime>) {
        self.0.borrow_mut().down = Some((at, None));
    }

    /// What a step restarts runs again.
    pub fn is_back(&self, at: OffsetDateTime) {
        if let Some((_, until)) = &mut self.0.borrow_mut().down {
            *until = Some(at);
        }
    }

    /// A cluster was looked at before this node's member is stopped.
    pub fn cluster(&self, at: OffsetDateTime, cluster: &Label, sights: &[MemberSight]) {
        self.0.borrow_mut().quorum.push(sight(at, Occasion::BeforeStop, cluster, sights, None));
    }

    /// The records of it, for a step; afterwards nothing was seen.
    pub fn records(&self, step: usize) -> Vec<Record> {
        let Sightings { quorum, down } = self.0.take();
        let down = down.map(|(from, until)| Record::Down { step, from, until });
        quorum.into_iter().map(|sight| Record::Quorum { sight }).chain(down).collect()
    }
}

/// What was seen of a cluster.
pub fn sight(at: OffsetDateTime, occasion: Occasion, cluster: &Label, sights: &[MemberSight], renewed: Option<usize>) -> QuorumSight {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let unhealthy: Vec<_> = sights.iter().filter(|sight| !sight.is_healthy()).map(|sight| sight.node.clone()).collect();
    QuorumSight {
        at,
        occasion,
        cluster: cluster.clone(),
        members: count(sights.len()),
        healthy: count(sights.len() - unhealthy.len()),
        renewed: renewed.map(count),
        unhealthy,
    }
}
