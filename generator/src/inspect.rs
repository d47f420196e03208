//! What certificates there are, until when, and which of them signed which.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use bundle_format::{
    certificate::Certificate,
    facts::{self, CertificateFacts, FactsError, NodeFacts},
    limits::Limits,
    manifest::Manifest,
    name::EntryPath,
    reader::{BundleError, Tarball, Unverified, Visitor},
    rfc3339_seconds,
    slice::Slice,
    text, word,
};
use serde::Serialize;
use thiserror::Error;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::files::{self, FileError};

/// How deep folders are searched.
const MOST_DEPTH: usize = 16;
/// How many files are looked at.
const MOST_FILES: usize = 100_000;

/// Why nothing could be inspected.
#[derive(Debug, Error)]
pub enum InspectError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A bundle cannot be read.
    #[error("{}", text!("`{}`: {why}", "`{}`：{why}"; path.display()))]
    Bundle {
        /// The bundle.
        path: PathBuf,
        /// The reason.
        why: BundleError,
    },
    /// Facts cannot be read.
    #[error("{}", text!("`{}`: {why}", "`{}`：{why}"; path.display()))]
    Facts {
        /// The file.
        path: PathBuf,
        /// The reason.
        why: FactsError,
    },
    /// No certificate in a file that was named.
    #[error("{}", text!("`{}` cannot be read as a certificate: {why}", "`{}` 不能作为证书读取：{why}"; path.display()))]
    NoCertificate {
        /// The file.
        path: PathBuf,
        /// The reason.
        why: String,
    },
    /// A folder with nothing to see.
    #[error("{}", text!("there is no certificate in `{}`", "`{}` 中没有证书"; _0.display()))]
    EmptyFolder(PathBuf),
    /// A folder with more than anybody looks through.
    #[error("{}", text!("`{}` holds more than {MOST_FILES} files", "`{}` 中的文件超过 {MOST_FILES} 个"; _0.display()))]
    TooMany(PathBuf),
}

/// A certificate and where it was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The file, and within a bundle the entry.
    pub place: String,
    /// What kind of thing had it.
    pub origin: Origin,
    /// The certificate.
    pub certificate: Certificate,
}

/// What kind of thing had a certificate.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A bundle that is to bring it to nodes, of this manifest.
    Bundle(Arc<Manifest>),
    /// A file.
    File,
    /// A node, by the name that people use.
    Node(String),
}

/// What its dates say of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Its end has passed.
    Expired,
    /// Its end is near.
    Expiring,
    /// Its begin lies ahead.
    NotYet,
    /// Nothing to do.
    Ok,
}

impl Verdict {
    /// Judges at `now`, with an end within `within` days counting as near.
    #[must_use]
    pub fn of(certificate: &Certificate, now: OffsetDateTime, within: i64) -> Self {
        let left = certificate.not_after() - now;
        match () {
            () if left.is_negative() => Self::Expired,
            () if certificate.not_before() > now => Self::NotYet,
            () if left.whole_days() < within => Self::Expiring,
            () => Self::Ok,
        }
    }

    /// The word for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Expired => word!("expired", "已过期"),
            Self::Expiring => word!("expiring", "即将到期"),
            Self::NotYet => word!("not yet", "尚未生效"),
            Self::Ok => word!("ok", "正常"),
        }
    }
}

/// One row of the table, in the form that `--json` prints.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The file, and within a bundle the entry.
    pub place: String,
    /// The subject.
    pub subject: String,
    /// The issuer.
    pub issuer: String,
    /// The serial number, hexadecimal.
    pub serial: String,
    /// The subject alternative names.
    pub sans: Vec<String>,
    /// The kind of its key.
    pub key: String,
    /// SHA-256 of its DER form.
    pub fingerprint: String,
    /// The key's fingerprint.
    pub public_key: String,
    /// Whether it is a CA's.
    pub ca: bool,
    /// The start of its validity.
    #[serde(with = "rfc3339_seconds")]
    pub not_before: OffsetDateTime,
    /// The end of its validity.
    #[serde(with = "rfc3339_seconds")]
    pub not_after: OffsetDateTime,
    /// Whole days until then; negative afterwards.
    pub days_left: i64,
    /// What follows from the dates.
    pub verdict: Verdict,
    /// The places of the certificates here that it verifies under; its own for a self-signed one.
    pub signed_by: Vec<String>,
}

/// The certificates of a file, of a folder and those below it, or of a bundle.
///
/// # Errors
/// When `path` cannot be read or holds no certificate.
pub fn find(path: &Path) -> Result<Vec<Found>, InspectError> {
    if !path.is_dir() {
        return find_in_file(path);
    }
    let mut found = Vec::new();
    let mut files = 0;
    search(path, path, MOST_DEPTH, &mut files, &mut found)?;
    if found.is_empty() { Err(InspectError::EmptyFolder(path.to_owned())) } else { Ok(found) }
}

fn find_in_file(path: &Path) -> Result<Vec<Found>, InspectError> {
    if is_bundle(path) {
        return find_in_bundle(path);
    }
    let content = files::read(path, files::MOST_INPUT)?;
    if facts::is_facts(&content) {
        let facts = facts::read(&content).map_err(|why| InspectError::Facts { path: path.to_owned(), why })?;
        return Ok(in_facts(path, &facts));
    }
    let certificates = Certificate::all_from_file(&content);
    let certificates = certificates.map_err(|why| InspectError::NoCertificate { path: path.to_owned(), why: why.to_string() })?;
    let found = |certificate| Found { place: path.display().to_string(), origin: Origin::File, certificate };
    Ok(certificates.into_iter().map(found).collect())
}

/// The facts of a node in a file, where it holds some.
#[must_use]
pub fn facts_in(path: &Path) -> Option<NodeFacts> {
    facts::read(&files::read(path, files::MOST_INPUT).ok()?).ok()
}

fn in_facts(path: &Path, facts: &NodeFacts) -> Vec<Found> {
    let found = |certificate: &CertificateFacts| {
        let place = format!("{}:{}", path.display(), certificate.path);
        Some(Found { place, origin: Origin::Node(facts.called()), certificate: certificate.certificate()? })
    };
    facts.certificates.iter().filter_map(found).collect()
}

fn is_bundle(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz")
}

/// Searches a folder in a fixed order. Files without a certificate are passed over.
fn search(top: &Path, folder: &Path, depth: usize, files: &mut usize, found: &mut Vec<Found>) -> Result<(), InspectError> {
    let failed = |why| FileError::Read { path: folder.to_owned(), why };
    let mut entries = fs::read_dir(folder).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        *files += 1;
        if *files > MOST_FILES {
            return Err(InspectError::TooMany(top.to_owned()));
        }
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() && depth > 0 {
            search(top, &entry.path(), depth - 1, files, found)?;
        } else if kind.is_file() && (is_bundle(&entry.path()) || entry.metadata().is_ok_and(|metadata| metadata.len() <= files::MOST_INPUT))
        {
            found.extend(find_in_file(&entry.path()).unwrap_or_default());
        }
    }
    Ok(())
}

/// The certificates of a bundle. Its signature is checked with the key that it brings itself: what is found is whole, but not trusted.
fn find_in_bundle(path: &Path) -> Result<Vec<Found>, InspectError> {
    let mut certificates = Certificates(Vec::new());
    let bundle = |why| InspectError::Bundle { path: path.to_owned(), why };
    let file = fs::File::open(path).map_err(|why| FileError::Read { path: path.to_owned(), why })?;
    let unverified = Tarball::open(file).and_then(|tarball| Unverified::open(tarball, Limits::default())).map_err(bundle)?;
    let claimed = unverified.claimed_signers().map_err(bundle)?.into_iter().collect();
    let complete = unverified.verify_unfinished(&claimed).and_then(|verified| verified.read(&mut certificates)).map_err(bundle)?;
    let manifest = Arc::new(complete.manifest);
    let found = |(entry, certificate)| Found {
        place: format!("{}:{entry}", path.display()),
        origin: Origin::Bundle(Arc::clone(&manifest)),
        certificate,
    };
    Ok(certificates.0.into_iter().map(found).collect())
}

/// Takes the certificates out of a bundle.
struct Certificates(Vec<(EntryPath, Certificate)>);

impl Visitor for Certificates {
    fn slice(&mut self, _: Slice) {}

    fn wants(&mut self, path: &EntryPath) -> bool {
        path.as_str().starts_with("certs/")
    }

    fn entry(&mut self, path: EntryPath, content: Zeroizing<Vec<u8>>) {
        let certificates = Certificate::all_from_file(&content).unwrap_or_default();
        self.0.extend(certificates.into_iter().map(|certificate| (path.clone(), certificate)));
    }
}

/// Describes and judges certificates, and finds out which of them signed which.
#[must_use]
pub fn describe(found: &[Found], now: OffsetDateTime, within: i64) -> Vec<Row> {
    let row = |Found { place, certificate, .. }: &Found| Row {
        place: place.clone(),
        subject: certificate.subject(),
        issuer: certificate.issuer(),
        serial: certificate.serial_hex(),
        sans: certificate.sans().iter().map(ToString::to_string).collect(),
        key: certificate.key_description(),
        fingerprint: certificate.fingerprint().to_string(),
        public_key: certificate.public_key().to_string(),
        ca: certificate.is_ca(),
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
        days_left: (certificate.not_after() - now).whole_days(),
        verdict: Verdict::of(certificate, now, within),
        signed_by: signers(found, certificate),
    };
    found.iter().map(row).collect()
}

fn signers(found: &[Found], certificate: &Certificate) -> Vec<String> {
    let itself = |candidate: &Found| candidate.certificate == *certificate;
    let is_signer = |candidate: &&Found| {
        let ca = &candidate.certificate;
        (ca.is_ca() || itself(candidate))
            && (itself(candidate) || certificate.spki() != ca.spki())
            && certificate.verify_issued_by(ca).is_ok()
    };
    let mut places: Vec<String> = found.iter().filter(is_signer).map(|signer| signer.place.clone()).collect();
    places.dedup();
    places
}
