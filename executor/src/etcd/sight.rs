//! How a member looks from here, for programs and for people. Pure.

use std::{fmt, net::SocketAddr};

use bundle_format::{digest::Digest, name::NodeName, rfc3339_seconds, text, word};
use serde::Serialize;
use time::OffsetDateTime;

use crate::machine::{AskError, Stage};

/// A member, as one probe found it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct MemberSight {
    /// Its node.
    pub node: NodeName,
    /// The address that was dialled.
    pub address: SocketAddr,
    /// How far the probe came.
    pub reached: Reached,
    /// The certificate that it serves, where it showed one.
    pub served: Option<Served>,
    /// How it is.
    #[serde(flatten)]
    pub state: MemberState,
}

impl MemberSight {
    /// Whether something accepts connections at its address.
    #[must_use]
    pub fn listens(&self) -> bool {
        self.reached >= Reached::Port
    }

    /// Whether the TLS handshake was completed.
    #[must_use]
    pub fn completed_handshake(&self) -> bool {
        self.reached >= Reached::Handshake
    }

    /// Whether it counts towards a quorum. Whatever could not be judged does not.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        matches!(self.state, MemberState::Healthy { .. })
    }
}

/// How far a probe came.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reached {
    /// Nothing accepted the connection.
    Nothing,
    /// The port accepts connections.
    Port,
    /// The TLS handshake was completed, and nothing that followed puts that in doubt: in TLS 1.3 the client is through before the
    /// server has looked at its certificate.
    Handshake,
    /// A question was answered.
    Answer,
}

/// The certificate that a member serves.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Served {
    /// The SHA-256 of its DER.
    pub fingerprint: Digest,
    /// The last moment of its validity.
    #[serde(with = "rfc3339_seconds")]
    pub not_after: OffsetDateTime,
    /// Whether the key of the site's authority signed it.
    pub is_signed_by_authority: bool,
}

/// How a member is.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum MemberState {
    /// Its certificate is signed by another key than the site's authority has.
    Foreign {
        /// The authority's key.
        expected: String,
        /// The key that signed.
        found: String,
    },
    /// It is well, and it has a leader.
    Healthy {
        /// Its version, where it tells.
        version: Option<String>,
        /// Whether it leads, where it tells.
        leads: Option<bool>,
    },
    /// It refuses this client by an alert of TLS.
    Refuses {
        /// The alert.
        alert: String,
    },
    /// Something accepts connections, and then nothing comes in time.
    Silent {
        /// What did not come.
        stage: Stage,
        /// How long the probe might take in all.
        milliseconds: u64,
    },
    /// It answers, and not as a member of etcd does.
    Strange {
        /// What is strange.
        why: String,
    },
    /// It says that it is not well.
    Unhealthy {
        /// Why, in its own words where it has any.
        reason: String,
        /// Its version, where it tells.
        version: Option<String>,
    },
    /// Nothing accepts connections at its address.
    Unreachable {
        /// The reason.
        why: String,
    },
}

impl MemberState {
    /// The state of a member that gave no answer.
    pub(super) fn without_answer(error: &AskError) -> Self {
        let why = error.to_string();
        match error {
            AskError::Alert { alert, .. } => Self::Refuses { alert: alert.clone() },
            AskError::TimedOut { stage, patience, .. } if *stage > Stage::Connecting => {
                Self::Silent { stage: *stage, milliseconds: u64::try_from(patience.as_millis()).unwrap_or(u64::MAX) }
            }
            AskError::Path { .. } | AskError::Refused { .. } | AskError::TimedOut { .. } | AskError::Unreachable { .. } => {
                Self::Unreachable { why }
            }
            AskError::Broken { .. }
            | AskError::NotHttp { .. }
            | AskError::NotTls { .. }
            | AskError::Tls { .. }
            | AskError::TooLarge { .. } => Self::Strange { why },
        }
    }
}

impl Reached {
    /// How far a question came that has no answer.
    pub(super) fn without_answer(error: &AskError) -> Self {
        match (error, error.stage()) {
            (_, Stage::Connecting) => Self::Nothing,
            (_, Stage::Handshake) | (AskError::Alert { .. } | AskError::Broken { .. }, Stage::Answer) => Self::Port,
            (_, Stage::Answer) => Self::Handshake,
        }
    }
}

impl fmt::Display for MemberSight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.node, self.state)
    }
}

impl fmt::Display for MemberState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign { expected, found } => f.write_str(&text!(
                "serves a certificate signed by another authority: the key here is {expected}, it was signed by {found}",
                "其证书由另一个 CA 签发：本机 CA 的密钥是 {expected}，签发它的密钥是 {found}"
            )),
            Self::Healthy { version, leads } => {
                f.write_str(word!("healthy", "健康"))?;
                let role = |leads| if leads { word!(", leads", "，是 leader") } else { word!(", follows", "，是 follower") };
                f.write_str(leads.map_or("", role))?;
                version.as_ref().map_or(Ok(()), |version| f.write_str(&text!(", etcd {version}", "，etcd {version}")))
            }
            Self::Refuses { alert } => f.write_str(&refuses(alert)),
            Self::Silent { stage, milliseconds } => f.write_str(&silent(*stage, *milliseconds)),
            Self::Strange { why } => f.write_str(&text!("does not answer as etcd does: {why}", "应答不像 etcd：{why}")),
            Self::Unhealthy { reason, version: None } => f.write_str(&text!("unhealthy: {reason}", "不健康：{reason}")),
            Self::Unhealthy { reason, version: Some(version) } => {
                f.write_str(&text!("unhealthy: {reason}; etcd {version}", "不健康：{reason}；etcd {version}"))
            }
            Self::Unreachable { why } => f.write_str(&text!("unreachable: {why}", "无法连接：{why}")),
        }
    }
}

/// Alerts by which a server says what it thinks of a client's certificate: the words that the names of those of RFC 8446, 6.2 have.
fn refuses(alert: &str) -> String {
    if ["certificate", "unknown ca", "access denied"].iter().any(|word| alert.contains(word)) {
        return text!(
            "refuses this node's certificate (`{alert}`): the authority in its memory has probably expired, or has another key",
            "拒绝本节点的证书（`{alert}`）：它内存中的 CA 很可能已过期，或密钥不同"
        );
    }
    text!("refuses TLS (`{alert}`)", "拒绝 TLS（`{alert}`）")
}

fn silent(stage: Stage, milliseconds: u64) -> String {
    let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
    let fraction = if rest == 0 { String::new() } else { format!(".{rest:03}") };
    match stage {
        Stage::Connecting | Stage::Handshake => text!(
            "does not answer: the TLS handshake took longer than {seconds}{fraction} s; it has no quorum yet, or its authority has expired",
            "没有应答：TLS 握手超过 {seconds}{fraction} 秒；它还没有法定票数，或其 CA 已过期"
        ),
        Stage::Answer => text!(
            "does not answer: the TLS handshake was completed, and no answer came within {seconds}{fraction} s",
            "没有应答：TLS 握手已完成，但 {seconds}{fraction} 秒内没有回答"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    fn sight(reached: Reached, served: Option<Served>, state: MemberState) -> MemberSight {
        MemberSight { node: "tos1".parse().unwrap(), address: "10.0.0.1:4001".parse().unwrap(), reached, served, state }
    }

    #[test]
    fn programs_read_a_flat_document() {
        let fingerprint = Digest::of(b"leaf");
        let served = Served { fingerprint, not_after: datetime!(2126-01-01 0:00 UTC), is_signed_by_authority: true };
        let healthy = MemberState::Healthy { version: Some("3.4.23".to_owned()), leads: None };
        assert_eq!(
            serde_json::to_value(sight(Reached::Answer, Some(served), healthy)).unwrap(),
            json!({
                "node": "tos1", "address": "10.0.0.1:4001", "reached": "answer",
                "served": {"fingerprint": fingerprint.to_string(), "not_after": "2126-01-01T00:00:00Z", "is_signed_by_authority": true},
                "state": "healthy", "version": "3.4.23", "leads": null,
            })
        );
        let silent = MemberState::Silent { stage: Stage::Handshake, milliseconds: 3000 };
        assert_eq!(
            serde_json::to_value(sight(Reached::Port, None, silent)).unwrap(),
            json!({
                "node": "tos1", "address": "10.0.0.1:4001", "reached": "port", "served": null,
                "state": "silent", "stage": "handshake", "milliseconds": 3000,
            })
        );
    }

    #[test]
    fn people_read_what_it_probably_means() {
        let refused = |alert: &str| MemberState::Refuses { alert: alert.to_owned() }.to_string();
        let meaning = ": the authority in its memory has probably expired, or has another key";
        assert_eq!(refused("bad certificate"), format!("refuses this node's certificate (`bad certificate`){meaning}"));
        assert_eq!(refused("protocol version"), "refuses TLS (`protocol version`)");
        let slow = MemberState::Silent { stage: Stage::Handshake, milliseconds: 2500 };
        let meaning = "it has no quorum yet, or its authority has expired";
        assert_eq!(slow.to_string(), format!("does not answer: the TLS handshake took longer than 2.500 s; {meaning}"));
        let healthy = |leads| MemberState::Healthy { version: Some("3.1.9".to_owned()), leads }.to_string();
        assert_eq!(
            [None, Some(true), Some(false)].map(healthy),
            ["healthy, etcd 3.1.9", "healthy, leads, etcd 3.1.9", "healthy, follows, etcd 3.1.9"]
        );
    }

    #[test]
    fn only_what_was_proven_counts_as_reached() {
        let to = "10.0.0.1:4001".parse().unwrap();
        let timed_out = |stage| AskError::TimedOut { to, stage, patience: Duration::from_secs(3) };
        let alert = AskError::Alert { to, stage: Stage::Answer, alert: "bad certificate".to_owned() };
        let broken = AskError::Broken { to, stage: Stage::Answer, why: "the connection ends".to_owned() };
        let cases = [
            (AskError::Refused { to }, Reached::Nothing),
            (timed_out(Stage::Connecting), Reached::Nothing),
            (timed_out(Stage::Handshake), Reached::Port),
            (timed_out(Stage::Answer), Reached::Handshake),
            (alert, Reached::Port),
            (broken, Reached::Port),
            (AskError::TooLarge { to, most: 1 }, Reached::Handshake),
        ];
        for (error, reached) in cases {
            let sight = sight(Reached::without_answer(&error), None, MemberState::without_answer(&error));
            assert_eq!((sight.reached, sight.is_healthy()), (reached, false), "{error}");
        }
    }
}
