//! Facts as text: JSON that a person can read, closed by the digest of all before it (`closing`). What facts lead to is checked by a person
//! before a bundle is built, and by each node before anything is changed.
//!
//! What a hostile file may try, and what stops it: size ([`MOST_BYTES`], before anything is parsed); another number ([`FORMAT`], told
//! before unknown fields are); lists and texts without an end ([`MOST_ITEMS`], [`MOST_TEXT`]); text that would steer a terminal (refused);
//! a certificate that is not what the fields beside it say ([`FactsError::Certificate`]); a private key carried along in a field
//! ([`FactsError::Private`]).

use serde::Deserialize;
use thiserror::Error;

use super::{CertificateFacts, ClusterFacts, FORMAT, MOST_ITEMS, MOST_TEXT, NodeFacts};
use crate::{
    certificate::{Certificate, CertificateError},
    closing::{self, Unclosed},
    digest::Digest,
    text,
};

/// The largest file of facts, in bytes.
pub const MOST_BYTES: usize = 1 << 20;

/// Why bytes are no facts.
#[derive(Debug, Error)]
pub enum FactsError {
    /// The bytes do not have the digest that they end with.
    #[error("{}", text!(
        "the facts were changed after they were made: they have SHA-256 {found}, and end with {expected}",
        "节点信息文件生成后被改动过：内容的 SHA-256 为 {found}，文件末尾记录为 {expected}"
    ))]
    Altered {
        /// What they end with.
        expected: Digest,
        /// What they have.
        found: Digest,
    },
    /// What is said of a certificate is not what it says.
    #[error("{}", text!(
        "the facts contradict themselves: what they say of certificate {number} of `{path}` is not what it says",
        "节点信息自相矛盾：对 `{path}` 中第 {number} 个证书的描述与证书本身不符"
    ))]
    Certificate {
        /// The file on the node.
        path: String,
        /// Which one of the file.
        number: usize,
    },
    /// A certificate is none.
    #[error("{}", text!("certificate {number} of `{path}` in the facts: {why}", "节点信息中 `{path}` 的第 {number} 个证书：{why}"))]
    CertificateForm {
        /// The file on the node.
        path: String,
        /// Which one of the file.
        number: usize,
        /// The reason.
        why: CertificateError,
    },
    /// The end is missing, or it is another file.
    #[error("{}", text!(
        "this is no whole file of facts: it does not end with the line `\"sha256\"` and `}}`",
        "节点信息文件不完整：末尾没有 `\"sha256\"` 一行和 `}}`"
    ))]
    Cut,
    /// Another form.
    #[error("{}", text!(
        "these facts have the form {found}, and this program knows {FORMAT}",
        "节点信息的格式版本为 {found}，本程序支持 {FORMAT}"
    ))]
    Format {
        /// Its number.
        found: u64,
    },
    /// It is not JSON of the known fields.
    #[error("{}", text!("the facts are not understood: {_0}", "无法解析节点信息：{_0}"))]
    Json(serde_json::Error),
    /// Something that no facts may hold.
    #[error("{}", text!(
        "the facts hold a private key in `{_0}`: `reseal-node facts` never writes one",
        "节点信息的 `{_0}` 中含有私钥：`reseal-node facts` 从不写入私钥"
    ))]
    Private(&'static str),
    /// Too large.
    #[error("{}", text!(
        "facts of {size} bytes, at most {MOST_BYTES} are read",
        "节点信息文件大小为 {size} 字节，最多读取 {MOST_BYTES} 字节"
    ))]
    Size {
        /// How large.
        size: usize,
    },
    /// A text is too long or holds what would disturb a terminal.
    #[error("{}", text!(
        "a text in `{_0}` is longer than {MOST_TEXT} bytes, or has control characters",
        "`{_0}` 中有文本超过 {MOST_TEXT} 字节，或含控制字符"
    ))]
    Text(&'static str),
    /// A list is too long.
    #[error("{}", text!(
        "`{what}` has {count} items, at most {MOST_ITEMS} are read",
        "`{what}` 有 {count} 项，最多读取 {MOST_ITEMS} 项"
    ))]
    TooMany {
        /// The list.
        what: &'static str,
        /// How many.
        count: usize,
    },
}

/// Whether a text of facts may have this character: none that moves a cursor, rings a bell, or turns the direction of writing.
#[must_use]
pub fn is_plain(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The text of facts.
///
/// # Errors
/// When they would not be read again: too large, too many, or not whole.
pub fn write(facts: &NodeFacts) -> Result<String, FactsError> {
    check(facts)?;
    let (text, _) = closing::close(facts).map_err(FactsError::Json)?.ok_or(FactsError::Cut)?;
    if text.len() > MOST_BYTES { Err(FactsError::Size { size: text.len() }) } else { Ok(text) }
}

/// Whether these bytes look like facts, so that a person is told what is wrong with them as facts.
#[must_use]
pub fn is_facts(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().strip_prefix(b"{").is_some_and(|rest| rest.trim_ascii_start().starts_with(b"\"facts\""))
}

/// The facts of a file.
///
/// # Errors
/// As [`FactsError`] says; the digest is compared before anything is parsed.
pub fn read(bytes: &[u8]) -> Result<NodeFacts, FactsError> {
    if bytes.len() > MOST_BYTES {
        return Err(FactsError::Size { size: bytes.len() });
    }
    let (body, _) = closing::open(bytes)?;
    let number: Number = body.parse().map_err(FactsError::Json)?;
    if number.facts != u64::from(FORMAT) {
        return Err(FactsError::Format { found: number.facts });
    }
    let facts: NodeFacts = body.parse().map_err(FactsError::Json)?;
    check(&facts)?;
    Ok(facts)
}

/// The number alone: what follows may be of another form.
#[derive(Deserialize)]
struct Number {
    facts: u64,
}

impl From<Unclosed> for FactsError {
    fn from(why: Unclosed) -> Self {
        match why {
            Unclosed::Altered { expected, found } => Self::Altered { expected, found },
            Unclosed::Cut => Self::Cut,
        }
    }
}

/// Bounds, alphabets, and that each certificate is what is said of it.
fn check(facts: &NodeFacts) -> Result<(), FactsError> {
    let count = |what, count| if count > MOST_ITEMS { Err(FactsError::TooMany { what, count }) } else { Ok(()) };
    count("certificates", facts.certificates.len())?;
    count("addresses", facts.host.addresses.len())?;
    count("clusters", facts.clusters.len())?;
    for cluster in &facts.clusters {
        count("roles", cluster.roles.len() + cluster.homes.len())?;
        count("versions", cluster.versions.len())?;
        count("service_addresses", cluster.service_addresses.len())?;
        count("members", cluster.etcd.as_ref().map_or(0, |etcd| etcd.members.len()))?;
    }
    check_texts("host", facts.host.name.iter().chain(&facts.host.machine_id).chain(facts.host.addresses.iter().map(|found| &found.from)))?;
    let system = &facts.system;
    check_texts("system", system.name.iter().chain(&system.id).chain(&system.kernel).chain(&system.architecture).chain([&facts.made_by]))?;
    check_texts("remarks", &facts.remarks)?;
    check_texts("runtime", facts.runtime.iter().flat_map(|runtime| std::iter::once(&runtime.name).chain(&runtime.why)))?;
    facts.clusters.iter().try_for_each(check_cluster)?;
    facts.certificates.iter().try_for_each(check_certificate)
}

fn check_cluster(cluster: &ClusterFacts) -> Result<(), FactsError> {
    check_texts("roles", cluster.roles.iter().flat_map(|role| &role.because))?;
    check_texts("versions", cluster.versions.iter().map(|version| &version.from))?;
    check_texts("service_addresses", cluster.service_addresses.iter().map(|found| &found.from))?;
    check_texts(
        "database",
        cluster.database.iter().flat_map(|database| database.socket.iter().chain(&database.user).chain([&database.said])),
    )
}

fn check_texts<'a>(what: &'static str, texts: impl IntoIterator<Item = &'a String>) -> Result<(), FactsError> {
    let mut seen = 0;
    for text in texts {
        seen += 1;
        if text.len() > MOST_TEXT || !text.chars().all(is_plain) {
            return Err(FactsError::Text(what));
        }
        if text.contains("PRIVATE KEY") || text.to_ascii_uppercase().contains("AGE-SECRET-KEY") {
            return Err(FactsError::Private(what));
        }
    }
    if seen > MOST_ITEMS * 4 { Err(FactsError::TooMany { what, count: seen }) } else { Ok(()) }
}

/// The certificate is the one authority for what it says: all other fields are made from it and compared.
fn check_certificate(facts: &CertificateFacts) -> Result<(), FactsError> {
    let (path, number) = (facts.path.to_string(), facts.number);
    let found = Certificate::all_from_pem(facts.pem.as_bytes());
    let found = found.map_err(|why| FactsError::CertificateForm { path: path.clone(), number, why })?;
    let said = |certificate: &Certificate| CertificateFacts {
        signed_by: facts.signed_by.clone(),
        ..CertificateFacts::of(facts.path.clone(), number, certificate)
    };
    match found.as_slice() {
        [only] if said(only) == *facts => Ok(()),
        _ => Err(FactsError::Certificate { path, number }),
    }
}

#[cfg(test)]
mod tests;
