//! The arithmetic of a quorum: whether a member may be stopped, and how far a cluster is that has lost its quorum. Pure.

use std::fmt;

use bundle_format::text;
use serde::Serialize;

/// How many of `total` members are a quorum: more than half (Raft, 5.2; etcd counts its members so too).
#[must_use]
pub fn quorum(total: usize) -> usize {
    total / 2 + 1
}

/// Whether one member may be stopped while its cluster lives.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Guard {
    /// The others keep a quorum.
    Allowed {
        /// How many others are healthy.
        healthy_others: usize,
        /// How many make a quorum.
        needed: usize,
    },
    /// With one or two members, none can ever be stopped without an outage.
    NeverPossible {
        /// The members.
        total: usize,
    },
    /// Too few others are healthy now.
    Refused {
        /// How many others are healthy.
        healthy_others: usize,
        /// How many make a quorum.
        needed: usize,
    },
}

impl Guard {
    /// Judges a cluster of `total` members of which `healthy_others`, without the one that is to be stopped, are known to be healthy.
    /// What is not known to be healthy counts as unhealthy.
    #[must_use]
    pub fn judge(total: usize, healthy_others: usize) -> Self {
        let needed = quorum(total);
        let healthy_others = healthy_others.min(total.saturating_sub(1));
        if total.saturating_sub(1) < needed {
            Self::NeverPossible { total }
        } else if healthy_others < needed {
            Self::Refused { healthy_others, needed }
        } else {
            Self::Allowed { healthy_others, needed }
        }
    }

    /// Whether the member may be stopped without an outage.
    #[must_use]
    pub fn allows(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match self {
            Self::Allowed { healthy_others, needed } => {
                text!(
                    "{healthy_others} others are healthy, {needed} are a quorum",
                    "其他成员有 {healthy_others} 个健康，法定票数为 {needed}"
                )
            }
            Self::NeverPossible { total: 1 } => {
                text!("the only member: while it is stopped, the cluster is down", "唯一的成员：它停止期间，集群不可用")
            }
            Self::NeverPossible { total } => {
                text!("{total} members: while one is stopped, the cluster is down", "{total} 个成员：其中一个停止期间，集群不可用")
            }
            Self::Refused { healthy_others: 1, needed } => {
                text!("only 1 other is healthy, {needed} are a quorum", "其他成员只有 1 个健康，法定票数为 {needed}")
            }
            Self::Refused { healthy_others, needed } => {
                text!(
                    "only {healthy_others} others are healthy, {needed} are a quorum",
                    "其他成员只有 {healthy_others} 个健康，法定票数为 {needed}"
                )
            }
        })
    }
}

/// How far a cluster without a quorum is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Progress {
    /// The members that are renewed, this one included.
    pub renewed: usize,
    /// How many make a quorum.
    pub needed: usize,
    /// All members.
    pub total: usize,
}

impl Progress {
    /// `renewed` of `total` members; more than all cannot be.
    #[must_use]
    pub fn of(renewed: usize, total: usize) -> Self {
        Self { renewed: renewed.min(total), needed: quorum(total), total }
    }

    /// Whether the renewed members are a quorum.
    #[must_use]
    pub fn has_quorum(&self) -> bool {
        self.renewed >= self.needed
    }

    /// How many more it takes.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.needed.saturating_sub(self.renewed)
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { needed, total, renewed } = self;
        let ending = ordinal_ending(*renewed);
        f.write_str(&match renewed {
            0 => text!("{needed} of {total} needed, none is renewed yet", "共 {total} 个成员，需要 {needed} 个，尚未续签任何一个"),
            _ => text!(
                "{needed} of {total} needed, this is the {renewed}{ending}",
                "共 {total} 个成员，需要 {needed} 个，这是第 {renewed} 个"
            ),
        })
    }
}

/// What makes a number an ordinal one.
fn ordinal_ending(number: usize) -> &'static str {
    match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quorums_are_more_than_half() {
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 7].map(quorum), [1, 1, 2, 2, 3, 3, 4, 4]);
    }

    #[test]
    fn a_member_stops_only_when_the_others_are_a_quorum() {
        let allowed: Vec<(usize, usize)> = (0..8)
            .flat_map(|total| (0..8).map(move |others| (total, others)))
            .filter(|(t, o)| *o < *t && Guard::judge(*t, *o).allows())
            .collect();
        assert_eq!(allowed, [(3, 2), (4, 3), (5, 3), (5, 4), (6, 4), (6, 5), (7, 4), (7, 5), (7, 6)]);
        for total in 0..3 {
            assert_eq!(Guard::judge(total, 9), Guard::NeverPossible { total });
        }
        assert_eq!(Guard::judge(3, 1), Guard::Refused { healthy_others: 1, needed: 2 });
        assert_eq!(Guard::judge(3, usize::MAX), Guard::Allowed { healthy_others: 2, needed: 2 });
        let texts = [(3, 2), (1, 0), (2, 1), (3, 1), (5, 0)].map(|(total, others)| Guard::judge(total, others).to_string());
        assert_eq!(
            texts,
            [
                "2 others are healthy, 2 are a quorum",
                "the only member: while it is stopped, the cluster is down",
                "2 members: while one is stopped, the cluster is down",
                "only 1 other is healthy, 2 are a quorum",
                "only 0 others are healthy, 3 are a quorum",
            ]
        );
    }

    #[test]
    fn progress_is_told_in_words() {
        let texts = [(0, 3), (1, 3), (2, 3), (3, 5), (4, 5), (9, 5)].map(|(renewed, total)| Progress::of(renewed, total).to_string());
        assert_eq!(
            texts,
            [
                "2 of 3 needed, none is renewed yet",
                "2 of 3 needed, this is the 1st",
                "2 of 3 needed, this is the 2nd",
                "3 of 5 needed, this is the 3rd",
                "3 of 5 needed, this is the 4th",
                "3 of 5 needed, this is the 5th",
            ]
        );
        assert_eq!([11, 12, 13, 21, 22, 23, 111].map(ordinal_ending), ["th", "th", "th", "st", "nd", "rd", "th"]);
        assert_eq!((Progress::of(1, 3).missing(), Progress::of(1, 3).has_quorum()), (1, false));
        assert_eq!((Progress::of(2, 3).missing(), Progress::of(2, 3).has_quorum()), (0, true));
    }

    proptest! {
        #[test]
        fn what_is_allowed_keeps_a_quorum(total in any::<usize>(), others in any::<usize>()) {
            let guard = Guard::judge(total, others);
            prop_assert_eq!(guard.allows(), total > 0 && others.min(total - 1) >= quorum(total));
            // One more that is healthy never takes a permission away.
            prop_assert!(!guard.allows() || Guard::judge(total, others.saturating_add(1)).allows());
        }

        #[test]
        fn two_quorums_share_a_member(total in 1..1_000_000_usize) {
            prop_assert!(2 * quorum(total) > total && 2 * (quorum(total) - 1) <= total);
        }

        #[test]
        fn progress_ends_with_a_quorum(renewed in 0..20_usize, total in 1..20_usize) {
            let progress = Progress::of(renewed, total);
            prop_assert_eq!(progress.has_quorum(), progress.missing() == 0);
            prop_assert_eq!(Progress::of(renewed + progress.missing(), total).has_quorum(), true);
        }
    }
}
