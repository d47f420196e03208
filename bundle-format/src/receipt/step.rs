//! What a run changes and restarts: its steps, their files, and what is known of certificates and keys before and after.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    bounded,
    certificate::{Certificate, pem},
    digest::{Digest, Fingerprint},
    facts::is_plain,
    name::TargetPath,
    rfc3339_seconds,
};

use super::MOST_TEXT;

/// The most certificates of one file that are told.
const MOST_CERTIFICATES: usize = 16;
/// The most names of one certificate that are told.
const MOST_NAMES: usize = 256;

/// One step of a run.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StepReceipt {
    /// What kind.
    pub kind: StepKind,
    /// How far it came.
    pub state: StepState,
    /// When it began first.
    #[serde(with = "rfc3339_seconds::option")]
    pub started: Option<OffsetDateTime>,
    /// When it was done.
    #[serde(with = "rfc3339_seconds::option")]
    pub done: Option<OffsetDateTime>,
    /// When it was undone.
    #[serde(with = "rfc3339_seconds::option")]
    pub undone: Option<OffsetDateTime>,
    /// The files that it changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "bounded::list::<_, _, 1024>")]
    pub files: Vec<FileReceipt>,
    /// The keys of the rows that it changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "bounded::list::<_, _, 1024>")]
    pub rows: Vec<String>,
    /// What it restarts or waits for: containers, a word in the names of pods, an etcd cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "bounded::list::<_, _, 64>")]
    pub services: Vec<String>,
    /// When they were down.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "bounded::list::<_, _, 64>")]
    pub down: Vec<Down>,
}

/// The kinds of steps.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// Waits for containers.
    AwaitContainers,
    /// Waits for this node's member of etcd.
    AwaitEtcd,
    /// Edits values of a JSON document.
    EditJson,
    /// Replaces files.
    InstallFiles,
    /// Has pods recreated.
    RestartPods,
    /// Takes static pods down and up.
    RestartStaticPods,
    /// Changes rows of a database.
    UpdateDatabase,
}

/// How far a step came.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// It began, and nobody knows how much of it is done.
    Begun,
    /// Done.
    Done,
    /// Not begun.
    ToDo,
    /// It is to be undone, and is not yet.
    ToUndo,
    /// Undone.
    Undone,
}

/// A time during which something was down.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Down {
    /// When it was taken down, or before.
    #[serde(with = "rfc3339_seconds")]
    pub from: OffsetDateTime,
    /// When it was seen running again; none where that is not known.
    #[serde(with = "rfc3339_seconds::option")]
    pub until: Option<OffsetDateTime>,
}

/// One file that a run changes.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FileReceipt {
    /// Where.
    pub target: TargetPath,
    /// What was there; none where nothing was.
    pub former: Option<Content>,
    /// What the run puts there.
    pub new: Content,
}

/// What is told of a file's content.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "content", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Content {
    /// Certificates.
    Certificates {
        /// The SHA-256 of the file.
        sha256: Digest,
        /// They themselves, the first ones of many.
        #[serde(deserialize_with = "bounded::list::<_, _, MOST_CERTIFICATES>")]
        certificates: Vec<CertificateReceipt>,
    },
    /// Anything else that is no secret.
    Other {
        /// The SHA-256 of the file.
        sha256: Digest,
    },
    /// A private key.
    PrivateKey {
        /// The public key that belongs to it, where it could be told: a certificate of the same public key matches.
        public_key: Option<Fingerprint>,
    },
    /// The run was begun by a version that did not record it.
    Unknown,
}

/// What is told of a certificate.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateReceipt {
    /// The subject, for people.
    pub subject: String,
    /// The issuer, for people.
    pub issuer: String,
    /// The serial number, hexadecimal.
    pub serial: String,
    /// The start of its validity.
    #[serde(with = "rfc3339_seconds")]
    pub not_before: OffsetDateTime,
    /// The end of its validity.
    #[serde(with = "rfc3339_seconds")]
    pub not_after: OffsetDateTime,
    /// Whether it is a CA's.
    pub ca: bool,
    /// The subject alternative names, the first ones of very many.
    #[serde(deserialize_with = "bounded::list::<_, _, MOST_NAMES>")]
    pub names: Vec<String>,
    /// The SHA-256 of its DER form.
    pub fingerprint: Digest,
    /// What its key is known by.
    pub public_key: Fingerprint,
}

impl StepKind {
    /// Whether it takes something down.
    #[must_use]
    pub fn is_restart(self) -> bool {
        matches!(self, Self::RestartPods | Self::RestartStaticPods)
    }
}

impl Content {
    /// What is told of these bytes. `public_key` finds what public key belongs to a private one; whoever knows that they are secret
    /// says so, and nothing else is told of them.
    #[must_use]
    pub fn of(bytes: &[u8], is_secret: bool, public_key: impl FnOnce(&[u8]) -> Option<Fingerprint>) -> Self {
        if is_secret || pem::blocks(bytes).any(|block| block.label.ends_with("PRIVATE KEY")) {
            return Self::PrivateKey { public_key: public_key(bytes) };
        }
        let sha256 = Digest::of(bytes);
        match Certificate::all_from_file(bytes) {
            Ok(found) => {
                Self::Certificates { sha256, certificates: found.iter().take(MOST_CERTIFICATES).map(CertificateReceipt::of).collect() }
            }
            Err(_) => Self::Other { sha256 },
        }
    }

    /// The certificates, where it is any.
    #[must_use]
    pub fn certificates(&self) -> &[CertificateReceipt] {
        match self {
            Self::Certificates { certificates, .. } => certificates,
            _ => &[],
        }
    }
}

impl CertificateReceipt {
    /// What is told of this one.
    #[must_use]
    pub fn of(certificate: &Certificate) -> Self {
        Self {
            subject: plain(&certificate.subject()),
            issuer: plain(&certificate.issuer()),
            serial: plain(&certificate.serial_hex()),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            ca: certificate.is_ca(),
            names: certificate.sans().iter().take(MOST_NAMES).map(|name| plain(&name.to_string())).collect(),
            fingerprint: certificate.fingerprint(),
            public_key: certificate.public_key(),
        }
    }
}

/// A text as a receipt takes it: on one line, and no longer than [`MOST_TEXT`].
#[must_use]
pub fn plain(text: &str) -> String {
    let mut cut = String::new();
    for c in text.chars().map(|c| if is_plain(c) { c } else { ' ' }) {
        if cut.len() + c.len_utf8() > MOST_TEXT - '…'.len_utf8() {
            cut.push('…');
            break;
        }
        cut.push(c);
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_private_key_nothing_but_its_public_one_is_told() {
        let key = pem::encode("RSA PRIVATE KEY", b"secret");
        let fingerprint = Fingerprint::of_spki(b"public");
        let of = |bytes: &[u8], is_secret| Content::of(bytes, is_secret, |_| Some(fingerprint));
        let told = Content::PrivateKey { public_key: Some(fingerprint) };
        assert_eq!([of(key.as_bytes(), false), of(b"junk", true)], [told.clone(), told]);
        assert_eq!(of(b"junk", false), Content::Other { sha256: Digest::of(b"junk") });
    }

    #[test]
    fn a_text_is_one_line_and_short() {
        assert_eq!(plain("a\nb\u{202e}c"), "a b c");
        let long = plain(&"证".repeat(MOST_TEXT));
        assert!(long.len() <= MOST_TEXT && long.ends_with('…'));
    }
}
