//! What members of etcd answer, of 3.1 to 3.5. Pure.
//!
//! | | 3.1, 3.2 | 3.3, 3.4 | 3.5 |
//! | --- | --- | --- | --- |
//! | `/health` | `{"health": "true"}` | `{"health":"true"}` | adds `reason` |
//! | `/version` | `{"etcdserver":…,"etcdcluster":…}` | same | same |
//! | `…/maintenance/status` | `v3alpha` | `v3alpha`, `v3beta`, `v3` | `v3` |
//!
//! Hostile answers and what stops them: size ([`MOST_BYTES`]), nesting (what is not asked for is passed over without recursion, and
//! what is asked for has no nesting of its own but the one header), a member that stands twice, anything that is not JSON or not of the kind
//! expected ([`AnswerError`]), text without an end ([`MOST_REASON`], [`MOST_VERSION`]).

use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;

/// The largest answer, in bytes.
pub const MOST_BYTES: usize = 64 * 1024;
/// The longest reason that is kept, in characters.
pub const MOST_REASON: usize = 200;
/// The longest version, in bytes.
pub const MOST_VERSION: usize = 64;

/// Why an answer says nothing.
#[derive(Debug, Error)]
pub enum AnswerError {
    /// The status and the body contradict each other.
    #[error("the HTTP status is {status}, and the answer says that it is healthy")]
    Contradiction {
        /// The status code.
        status: u16,
    },
    /// A value is of another kind than expected.
    #[error("`{member}` of the answer is `{value}`, not {expected}")]
    Kind {
        /// The member of the document.
        member: &'static str,
        /// The beginning of what stands there.
        value: String,
        /// What should.
        expected: &'static str,
    },
    /// Not the document expected.
    #[error("the HTTP status is {status}, and the answer is not what etcd answers: {source}")]
    Malformed {
        /// The status code.
        status: u16,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// Without it, the document is not what etcd answers.
    #[error("the answer has no `{member}`")]
    Missing {
        /// The member of the document.
        member: &'static str,
    },
    /// Too large.
    #[error("the answer has {size} bytes, at most {most} are read")]
    Size {
        /// How large it is.
        size: usize,
        /// The bound.
        most: usize,
    },
    /// The question was not answered.
    #[error("the HTTP status is {status}")]
    Status {
        /// The status code.
        status: u16,
    },
}

/// What `/health` says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Health {
    /// It is well: it has a leader, and the leader commits.
    Well,
    /// It is not, and from 3.5 on why not.
    Unwell(Option<String>),
}

/// What `…/maintenance/status` says (`StatusResponse` of etcd's `rpc.proto`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Status {
    /// The identifier of this member.
    pub member: u64,
    /// The identifier of the leader; none where there is no leader.
    pub leader: Option<u64>,
    /// The version of this member.
    pub version: Option<String>,
    /// Whether it only learns, which is a member without a vote (3.4 and later).
    pub is_learner: bool,
}

impl Status {
    /// Whether this member leads.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.leader == Some(self.member)
    }
}

#[derive(Deserialize)]
struct HealthBody<'a> {
    #[serde(borrow)]
    health: &'a RawValue,
    #[serde(borrow)]
    reason: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct VersionBody<'a> {
    #[serde(borrow)]
    etcdserver: &'a RawValue,
}

#[derive(Deserialize)]
struct StatusBody<'a> {
    #[serde(borrow)]
    header: Option<Header<'a>>,
    #[serde(borrow)]
    leader: Option<&'a RawValue>,
    #[serde(borrow)]
    version: Option<&'a RawValue>,
    #[serde(borrow, rename = "isLearner")]
    is_learner: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    member_id: Option<&'a RawValue>,
}

/// Reads the answer to `GET /health`. A member without a quorum answers with 503 and `false`.
///
/// # Errors
/// When it says neither that it is well nor that it is not. A status of failure contradicts `true`.
pub fn health(status: u16, body: &[u8]) -> Result<Health, AnswerError> {
    let document: HealthBody<'_> = document(status, body)?;
    if flag("health", document.health)? {
        return if status == 200 { Ok(Health::Well) } else { Err(AnswerError::Contradiction { status }) };
    }
    let reason = document.reason.and_then(|reason| serde_json::from_str::<String>(reason.get()).ok());
    Ok(Health::Unwell(reason.filter(|reason| !reason.is_empty()).map(|reason| reason.chars().take(MOST_REASON).collect())))
}

/// Reads the answer to `GET /version`: the version of the server.
///
/// # Errors
/// When it is not what etcd answers.
pub fn version(status: u16, body: &[u8]) -> Result<String, AnswerError> {
    let document: VersionBody<'_> = succeeded(status, body)?;
    version_text("etcdserver", document.etcdserver)
}

/// Reads the answer to a `POST` of `{}` to `/v3/maintenance/status`. Numbers of 64 bits are strings there (proto3's JSON), and what
/// is zero is left out: where there is no leader, `leader` is missing. The member's own identifier tells such a document from any
/// other.
///
/// # Errors
/// When it is not what etcd answers.
pub fn status(status: u16, body: &[u8]) -> Result<Status, AnswerError> {
    let document: StatusBody<'_> = succeeded(status, body)?;
    let member = identifier("member_id", document.header.and_then(|header| header.member_id))?;
    Ok(Status {
        member: member.ok_or(AnswerError::Missing { member: "member_id" })?,
        leader: identifier("leader", document.leader)?,
        version: document.version.map(|raw| version_text("version", raw)).transpose()?,
        is_learner: document.is_learner.map_or(Ok(false), |raw| flag("isLearner", raw))?,
    })
}

/// An identifier; zero stands for none.
fn identifier(member: &'static str, raw: Option<&RawValue>) -> Result<Option<u64>, AnswerError> {
    Ok(raw.map(|raw| number(member, raw)).transpose()?.filter(|number| *number != 0))
}

fn succeeded<'a, T: Deserialize<'a>>(status: u16, body: &'a [u8]) -> Result<T, AnswerError> {
    if status == 200 { document(status, body) } else { Err(AnswerError::Status { status }) }
}

fn document<'a, T: Deserialize<'a>>(status: u16, body: &'a [u8]) -> Result<T, AnswerError> {
    if body.len() > MOST_BYTES {
        return Err(AnswerError::Size { size: body.len(), most: MOST_BYTES });
    }
    serde_json::from_slice(body).map_err(|source| AnswerError::Malformed { status, source })
}

/// A truth value, as JSON has them or as a string.
fn flag(member: &'static str, raw: &RawValue) -> Result<bool, AnswerError> {
    match raw.get() {
        "true" | "\"true\"" => Ok(true),
        "false" | "\"false\"" => Ok(false),
        other => Err(kind(member, other, "true or false")),
    }
}

/// A number of 64 bits, as JSON has them or as a string.
fn number(member: &'static str, raw: &RawValue) -> Result<u64, AnswerError> {
    let text = raw.get();
    let digits = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number).ok_or_else(|| kind(member, text, "a number of 64 bits"))
}

fn version_text(member: &'static str, raw: &RawValue) -> Result<String, AnswerError> {
    let is_version = |text: &String| {
        (1..=MOST_VERSION).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+-_".contains(&byte))
    };
    let text = serde_json::from_str::<String>(raw.get()).ok().filter(is_version);
    text.ok_or_else(|| kind(member, raw.get(), "a version"))
}

fn kind(member: &'static str, value: &str, expected: &'static str) -> AnswerError {
    AnswerError::Kind { member, value: value.chars().take(40).collect(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STATUS_3_4: &[u8] = br#"{"header":{"cluster_id":"1158237450263211417","member_id":"10501334649042878790","revision":"1","raft_term":"2"},"version":"3.4.23","dbSize":"20480","leader":"10501334649042878790","raftIndex":"8","raftTerm":"2","raftAppliedIndex":"8","dbSizeInUse":"16384"}"#;

    #[test]
    fn health_of_every_version_is_read() {
        let well: [&[u8]; 5] = [
            b"{\"health\": \"true\"}",
            b"{\"health\":\"true\"}\n",
            b"{\"health\":\"true\",\"reason\":\"\"}",
            b"{\"health\":true}",
            b"\r\n{ \"later\": [{}], \"health\" : true }",
        ];
        for body in well {
            assert_eq!(health(200, body).unwrap(), Health::Well);
            assert!(matches!(health(503, body), Err(AnswerError::Contradiction { status: 503 })));
        }
        for status in [200, 503] {
            assert_eq!(health(status, b"{\"health\": \"false\"}").unwrap(), Health::Unwell(None));
            assert_eq!(health(status, b"{\"health\":false,\"reason\":\"\"}").unwrap(), Health::Unwell(None));
        }
        let reason = Health::Unwell(Some("RAFT NO LEADER".to_owned()));
        assert_eq!(health(503, b"{\"health\":\"false\",\"reason\":\"RAFT NO LEADER\"}").unwrap(), reason);
    }

    #[test]
    fn what_does_not_say_how_it_is_is_an_error() {
        for body in ["{\"health\":\"TRUE\"}", "{\"health\":1}", "{\"health\":null}", "{\"health\":\"\"}", "{\"health\":[true]}"] {
            assert!(matches!(health(200, body.as_bytes()), Err(AnswerError::Kind { member: "health", .. })), "{body}");
        }
        for body in ["", "{}", "true", "OK", "{\"health\":true,\"health\":false}", "{\"health\":true}x", "{\"Health\":true}", "<html>"] {
            assert!(matches!(health(200, body.as_bytes()), Err(AnswerError::Malformed { status: 200, .. })), "{body}");
        }
        let long = [b"{\"health\":true}".as_slice(), &vec![b' '; MOST_BYTES]].concat();
        assert!(matches!(health(200, &long), Err(AnswerError::Size { .. })));
        let reason = format!(
            "{{\"health\":false,\"reason\":\"{}\"}}",
            "\u{1b}".escape_unicode().to_string().replace("\\u{1b}", "\\u001b").repeat(300)
        );
        assert!(matches!(health(503, reason.as_bytes()), Ok(Health::Unwell(Some(text))) if text.chars().count() == MOST_REASON));
    }

    #[test]
    fn nesting_does_not_exhaust_the_stack() {
        let nested = |depth: usize| format!("{{\"x\":{}{},\"health\":true}}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(health(200, nested(100).as_bytes()).unwrap(), Health::Well);
        let _ = health(200, nested(MOST_BYTES / 2 - 20).as_bytes());
        let _ = health(200, "{\"health\":".repeat(6000).as_bytes());
    }

    #[test]
    fn versions_are_read() {
        assert_eq!(version(200, b"{\"etcdserver\":\"3.1.9\",\"etcdcluster\":\"3.1.0\"}").unwrap(), "3.1.9");
        assert_eq!(version(200, b"{\"etcdserver\":\"3.6.0-alpha.0+git\",\"etcdcluster\":\"not_decided\"}").unwrap(), "3.6.0-alpha.0+git");
        assert!(matches!(version(404, b"404 page not found\n"), Err(AnswerError::Status { status: 404 })));
        for value in ["\"\"", "3.4", "\"3.4 \"", "\"\\u001b[2J\"", "null", &format!("\"{}\"", "1".repeat(65))] {
            let body = format!("{{\"etcdserver\":{value}}}");
            assert!(matches!(version(200, body.as_bytes()), Err(AnswerError::Kind { .. })), "{value}");
        }
    }

    #[test]
    fn status_tells_who_leads() {
        let leader = status(200, STATUS_3_4).unwrap();
        let expected = Status {
            member: 10_501_334_649_042_878_790,
            leader: Some(10_501_334_649_042_878_790),
            version: Some("3.4.23".to_owned()),
            is_learner: false,
        };
        assert_eq!((leader.leads(), leader), (true, expected));
        let follower = status(200, b"{\"header\":{\"member_id\":\"2\"},\"leader\":\"1\",\"isLearner\":true}").unwrap();
        assert_eq!((follower.leads(), follower.is_learner), (false, true));
        for without in [
            "{\"header\":{\"member_id\":\"2\"}}",
            "{\"header\":{\"member_id\":\"2\"},\"leader\":\"0\"}",
            "{\"header\":{\"member_id\":2},\"leader\":0}",
        ] {
            let status = status(200, without.as_bytes()).unwrap();
            assert_eq!((status.member, status.leader, status.leads()), (2, None, false), "{without}");
        }
        for other in ["{}", "{\"health\":true}", "{\"leader\":\"1\"}", "{\"header\":{\"member_id\":\"0\"}}"] {
            assert!(matches!(status(200, other.as_bytes()), Err(AnswerError::Missing { member: "member_id" })), "{other}");
        }
        for leader in ["\"-1\"", "\"+1\"", "1.5", "\"\"", "\"18446744073709551616\"", "{}", "\"1"] {
            assert!(status(200, format!("{{\"header\":{{\"member_id\":\"2\"}},\"leader\":{leader}}}").as_bytes()).is_err(), "{leader}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_end(code in any::<u16>(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (health(code, &bytes), version(code, &bytes), status(code, &bytes));
        }

        #[test]
        fn health_is_never_well_but_by_200_and_true(code in any::<u16>(), value in "true|false|\"true\"|\"false\"|1|null|\"[a-z]{0,5}\"") {
            let is_well = matches!(health(code, format!("{{\"health\":{value}}}").as_bytes()), Ok(Health::Well));
            prop_assert_eq!(is_well, code == 200 && matches!(value.as_str(), "true" | "\"true\""));
        }

        #[test]
        fn identifiers_of_64_bits_are_exact(member in 1..u64::MAX, leader in any::<u64>()) {
            let body = format!("{{\"header\":{{\"member_id\":\"{member}\"}},\"leader\":\"{leader}\"}}");
            let read = status(200, body.as_bytes()).unwrap();
            prop_assert_eq!((read.member, read.leader), (member, Some(leader).filter(|leader| *leader != 0)));
            prop_assert_eq!(read.leads(), member == leader);
        }
    }
}
