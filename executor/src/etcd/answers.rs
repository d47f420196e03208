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

use bundle_format::{text, word};
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
    #[error("{}", text!("the HTTP status is {status}, and the answer says that it is healthy", "HTTP 状态为 {status}，而应答称其健康"))]
    Contradiction {
        /// The status code.
        status: u16,
    },
    /// A value is of another kind than expected.
    #[error("{}", text!("`{member}` of the answer is `{value}`, not {expected}", "应答中的 `{member}` 是 `{value}`，而不是 {expected}"))]
    Kind {
        /// The member of the document.
        member: &'static str,
        /// The beginning of what stands there.
        value: String,
        /// What should.
        expected: &'static str,
    },
    /// Not the document expected.
    #[error("{}", text!(
        "the HTTP status is {status}, and the answer is not what etcd answers: {source}",
        "HTTP 状态为 {status}，应答不是 etcd 的格式：{source}"
    ))]
    Malformed {
        /// The status code.
        status: u16,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// Without it, the document is not what etcd answers.
    #[error("{}", text!("the answer has no `{member}`", "应答中没有 `{member}`"))]
    Missing {
        /// The member of the document.
        member: &'static str,
    },
    /// Not UTF-8.
    #[error("{}", text!(
        "the HTTP status is {status}, and the answer is not UTF-8 from byte {at} on",
        "HTTP 状态为 {status}，应答从第 {at} 字节起不是 UTF-8"
    ))]
    NotText {
        /// The status code.
        status: u16,
        /// Where it is not.
        at: usize,
    },
    /// Too large.
    #[error("{}", text!("the answer has {size} bytes, at most {most} are read", "应答有 {size} 字节，最多读取 {most} 字节"))]
    Size {
        /// How large it is.
        size: usize,
        /// The bound.
        most: usize,
    },
    /// The question was not answered.
    #[error("{}", text!("the HTTP status is {status}", "HTTP 状态为 {status}"))]
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
    header: Option<&'a RawValue>,
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
    let header = document.header.map(|header| object::<Header<'_>>(status, header.get())).transpose()?;
    let member = identifier("member_id", header.and_then(|header| header.member_id))?;
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
    // Of what is passed over, the library looks at no byte as text.
    let text = std::str::from_utf8(body).map_err(|error| AnswerError::NotText { status, at: error.valid_up_to() })?;
    object(status, text)
}

/// Reads an object. A derived reader would take an array too, as the members in their order.
fn object<'a, T: Deserialize<'a>>(status: u16, text: &'a str) -> Result<T, AnswerError> {
    let malformed = |source| AnswerError::Malformed { status, source };
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(malformed);
    }
    Err(malformed(serde::de::Error::custom(word!("it is no object", "它不是对象"))))
}

/// A truth value, as JSON has them or as a string.
fn flag(member: &'static str, raw: &RawValue) -> Result<bool, AnswerError> {
    match raw.get() {
        "true" | "\"true\"" => Ok(true),
        "false" | "\"false\"" => Ok(false),
        other => Err(kind(member, other, word!("true or false", "true 或 false"))),
    }
}

/// A number of 64 bits, as JSON has them or as a string.
fn number(member: &'static str, raw: &RawValue) -> Result<u64, AnswerError> {
    let text = raw.get();
    let digits = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number).ok_or_else(|| kind(member, text, word!("a number of 64 bits", "64 位数字")))
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
mod tests;
