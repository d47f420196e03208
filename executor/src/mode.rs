//! Whether there is a quorum to guard. Pure.
//!
//! *Recovery* is only what the disk proves: the CA or the leaf that this node had before the run has ended, so every etcd that still
//! holds it in memory refuses everybody, and stopping one more costs nothing. Everything else is *rolling*.

use std::fmt;

use bundle_format::{rfc3339_seconds, text, word};
use serde::Serialize;
use time::OffsetDateTime;

use crate::journal::DiskEnd;

/// The two ways to restart.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "mode", rename_all = "kebab-case")]
pub enum Mode {
    /// Nothing is guarded.
    Recovery {
        /// The certificate that proves it.
        ended: DiskEnd,
    },
    /// A quorum is guarded.
    Rolling {
        /// The certificate that ends first, where one was found.
        ends: Option<DiskEnd>,
    },
}

impl Mode {
    /// The mode at a time, by a clock that the preflight found sane.
    pub fn at(now: OffsetDateTime, first_end: Option<&DiskEnd>) -> Self {
        match first_end {
            Some(end) if end.not_after < now => Self::Recovery { ended: end.clone() },
            ends => Self::Rolling { ends: ends.cloned() },
        }
    }

    /// Whether nothing is guarded.
    pub fn is_recovery(&self) -> bool {
        matches!(self, Self::Recovery { .. })
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |end: &DiskEnd| (end.target.clone(), rfc3339_seconds::format(end.not_after).unwrap_or_default());
        match self {
            Self::Recovery { ended } => {
                let (target, time) = end(ended);
                f.write_str(&text!(
                    "recovery: `{target}` ended {time}, so there is no quorum to guard",
                    "恢复：`{target}` 已于 {time} 过期，没有法定票数需要保护"
                ))
            }
            Self::Rolling { ends: Some(ends) } => {
                let (target, time) = end(ends);
                f.write_str(&text!(
                    "rolling: `{target}` holds until {time}, so a quorum is guarded",
                    "滚动：`{target}` 有效期至 {time}，因此保护法定票数"
                ))
            }
            Self::Rolling { ends: None } => f.write_str(word!(
                "rolling: no certificate was found that has ended, so a quorum is guarded",
                "滚动：没有发现已过期的证书，因此保护法定票数"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn only_what_has_ended_is_recovery() {
        let end = DiskEnd { target: "/srv/ca".parse().unwrap(), not_after: datetime!(2023-03-10 10:30 UTC) };
        assert!(Mode::at(datetime!(2023-03-10 10:30:01 UTC), Some(&end)).is_recovery());
        assert!(!Mode::at(datetime!(2023-03-10 10:30:00 UTC), Some(&end)).is_recovery());
        assert!(!Mode::at(datetime!(2030-01-01 0:00 UTC), None).is_recovery());
    }
}
