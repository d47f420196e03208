//! What the operator carries back from a node: what it was, what it is, and what was done to it. `reseal-node` leaves a receipt for each
//! call that drove a run; `reseal report` reads them.
//!
//! Everything in it is public: of a private key it says which public key belongs to it, of a row only its key. Receipts of a node are
//! numbered and linked, each names the digest of the one before ([`chain`]), of its bundle and of the run's journal. [`document`] is the text
//! form, with its checksum; [`short`] a few lines that can be typed. `docs/RECEIPTS.md` says what each field means to people.

pub mod chain;
pub mod document;
pub mod short;
mod step;
mod words;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    bounded,
    digest::{Digest, Fingerprint},
    name::{BundleName, Label, NodeName, Serial, SiteName, TargetPath},
    rfc3339_seconds,
};

pub use chain::{Flaw, verify};
pub use document::{Document, MOST_BYTES, ReceiptError, is_receipt, read, read_all, write};
pub use step::{CertificateReceipt, Content, Down, FileReceipt, StepKind, StepReceipt, StepState, plain};

/// The number of this form of receipt.
pub const FORMAT: u32 = 1;
/// The most bytes of one text.
pub const MOST_TEXT: usize = 1024;

/// What one call did to one node.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The number of the form, [`FORMAT`].
    pub receipt: u32,
    /// The receipt's number on its node, from 1, without a gap.
    pub number: u32,
    /// The digest of the receipt before it on this node; none for the first.
    pub former: Option<Digest>,
    /// The node's clock when it was written.
    #[serde(with = "rfc3339_seconds")]
    pub written: OffsetDateTime,
    /// The version of the `reseal-node` that wrote it.
    pub made_by: String,
    /// The architecture that it is built for, as `uname -m` prints it.
    pub architecture: String,
    /// Whether this is a whole machine, with what runs on it, or only a tree of files.
    pub is_whole: bool,
    /// The node's host name.
    pub host: Option<String>,
    /// The site.
    pub site: SiteName,
    /// The node, as its bundle calls it.
    pub node: NodeName,
    /// The bundle.
    pub bundle: BundleLink,
    /// The run.
    pub run: RunLink,
    /// The call that the receipt is of; none where that was cut off, and a later one wrote it.
    pub command: Option<Command>,
    /// The exit code of that call, see `reseal-node --help`.
    pub exit: Option<u8>,
    /// Where the run stands.
    pub outcome: Outcome,
    /// Why it is not applied, in words.
    pub why: Option<String>,
    /// By how many seconds the node's clock was put back between records of the run; 0 where it was not.
    pub clock_went_back: u64,
    /// Whether a quorum was guarded.
    pub mode: Mode,
    /// What the operator overrode.
    #[serde(deserialize_with = "bounded::list::<_, _, 64>")]
    pub deviations: Vec<Override>,
    /// What happened to the run as a whole, in its order.
    #[serde(deserialize_with = "bounded::list::<_, _, 1024>")]
    pub events: Vec<Event>,
    /// What it changes and restarts, in its order.
    #[serde(deserialize_with = "bounded::list::<_, _, 256>")]
    pub steps: Vec<StepReceipt>,
    /// What was seen of etcd, in its order.
    #[serde(deserialize_with = "bounded::list::<_, _, 1024>")]
    pub quorum: Vec<QuorumSight>,
}

/// Which bundle.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BundleLink {
    /// Its serial.
    pub serial: Serial,
    /// The SHA-256 of its `SHA256SUMS`.
    pub sha256: Digest,
    /// Who signed it, of those whom the node trusted.
    #[serde(deserialize_with = "bounded::list::<_, _, 64>")]
    pub signers: Vec<Fingerprint>,
}

/// Which run.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RunLink {
    /// Its folder's name below `/var/lib/reseal/runs/`.
    pub name: String,
    /// The version of the `reseal-node` that began it.
    pub begun_by: String,
    /// When it began, by the node's clock.
    #[serde(with = "rfc3339_seconds")]
    pub begun: OffsetDateTime,
    /// Its last record, by the node's clock.
    #[serde(with = "rfc3339_seconds")]
    pub last_record: OffsetDateTime,
    /// Its journal, as far as it was written.
    pub journal: JournalLink,
}

/// The beginning of a journal. By hand: `head -c BYTES journal | sha256sum`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct JournalLink {
    /// How many records.
    pub records: u64,
    /// How many bytes.
    pub bytes: u64,
    /// Their SHA-256.
    pub sha256: Digest,
}

/// A command of `reseal-node` that drives runs.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// `apply`.
    Apply,
    /// `rollback`.
    Rollback,
}

/// Where a run stands when a receipt is written.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All is done and was found on disk.
    Applied,
    /// It failed. Whether something is changed, the steps say.
    Failed,
    /// It was cut off, by a signal or without a word.
    Interrupted,
    /// It waits before the first restart, as the operator asked.
    Paused,
    /// Everything is as before.
    RolledBack,
    /// All is done here, and etcd's quorum waits for other nodes.
    Waiting,
}

/// What an operator can override.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deviation {
    /// The Manager's database is left to the by-hand SQL: `--leave-database`.
    DatabaseLeft,
    /// The outage of a cluster of one or two members is accepted: `--accept-outage`, or typed.
    OutageAccepted,
    /// An older bundle than the last one is applied: `--allow-older`.
    OlderAllowed,
    /// A member is stopped although no quorum stays: `--force-quorum-loss`.
    QuorumLossForced,
    /// A signer who was not pinned here is taken beside or instead of those who were: `--signer`.
    SignerAdded,
    /// The bundle is past its time: `--accept-stale`.
    StaleAccepted,
}

/// Something that the operator overrode.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// What.
    pub what: Deviation,
    /// When it was recorded.
    #[serde(with = "rfc3339_seconds")]
    pub at: OffsetDateTime,
}

/// Something that happened to a run.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// What.
    pub what: EventKind,
    /// When it was recorded.
    #[serde(with = "rfc3339_seconds")]
    pub at: OffsetDateTime,
}

/// What can happen to a run.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// It ended before its first change.
    Abandoned,
    /// It ended well.
    Applied,
    /// Everything was backed up and compared.
    BackedUp,
    /// It began.
    Begun,
    /// Changes that others made since are overwritten on the way back: `--discard-changes`.
    ChangesDiscarded,
    /// It waits before the first restart: `--pause-before-restart`.
    Paused,
    /// Its backups were removed.
    Pruned,
    /// Another call went on with it.
    Resumed,
    /// Another call went on with it although it had been tried often enough: `--try-again`.
    TriedAgain,
    /// It turned back.
    TurnedBack,
    /// Everything is as before.
    RolledBack,
}

/// Whether a quorum was guarded.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "mode", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Mode {
    /// None was: a certificate on this node had ended before the run began.
    Recovery {
        /// Which.
        target: TargetPath,
        /// When.
        #[serde(with = "rfc3339_seconds")]
        ended: OffsetDateTime,
    },
    /// One was.
    Rolling,
}

/// What was seen of an etcd cluster from this node.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct QuorumSight {
    /// When.
    #[serde(with = "rfc3339_seconds")]
    pub at: OffsetDateTime,
    /// On what occasion.
    pub occasion: Occasion,
    /// The cluster.
    pub cluster: Label,
    /// How many members it has.
    pub members: u32,
    /// How many were healthy.
    pub healthy: u32,
    /// How many ran with a renewed certificate, where that was looked at.
    pub renewed: Option<u32>,
    /// The nodes whose members were not healthy.
    #[serde(deserialize_with = "bounded::list::<_, _, 256>")]
    pub unhealthy: Vec<NodeName>,
}

/// When etcd was looked at.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    /// Right before this node's member was stopped.
    BeforeStop,
    /// At the end of the call.
    End,
}

impl Receipt {
    /// `<site>-<serial>`.
    #[must_use]
    pub fn bundle_name(&self) -> BundleName {
        BundleName { site: self.site.clone(), serial: self.bundle.serial }
    }

    /// Whether the node is as the bundle has it. A run that waits before its restarts has its files in place.
    #[must_use]
    pub fn is_in_effect(&self) -> bool {
        matches!(self.outcome, Outcome::Applied | Outcome::Paused | Outcome::Waiting)
    }

    /// The files that the run changes.
    pub fn files(&self) -> impl Iterator<Item = &FileReceipt> {
        self.steps.iter().flat_map(|step| &step.files)
    }

    /// The end of the certificate that ends first, of those that the run puts in place.
    #[must_use]
    pub fn new_not_after(&self) -> Option<OffsetDateTime> {
        self.files().flat_map(|file| file.new.certificates()).map(|certificate| certificate.not_after).min()
    }

    /// The end of the certificate that ended first, of those that the run replaces.
    #[must_use]
    pub fn former_not_after(&self) -> Option<OffsetDateTime> {
        let former = self.files().filter_map(|file| file.former.as_ref());
        former.flat_map(Content::certificates).map(|certificate| certificate.not_after).min()
    }
}

impl Deviation {
    /// Every one, in the order of the short form's bits.
    pub const ALL: [Self; 6] =
        [Self::DatabaseLeft, Self::OutageAccepted, Self::OlderAllowed, Self::QuorumLossForced, Self::SignerAdded, Self::StaleAccepted];

    /// Whether it is about restarts alone, and nothing where none is guarded.
    #[must_use]
    pub fn is_about_quorum(self) -> bool {
        matches!(self, Self::OutageAccepted | Self::QuorumLossForced)
    }
}
