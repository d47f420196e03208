//! Every way in which a command can fail, and the exit code of each. What it means for a person is `present::explain`'s to say.

use bundle_format::{
    digest::{Fingerprint, TypedFingerprint},
    facts::FactsError,
    name::SiteName,
    reader::BundleError,
};
use thiserror::Error;

use crate::{
    machine::{MachineError, MediumError},
    memory::{MemoryError, Mixup},
    node_identity::IdentityError,
    plan::Rejection,
    preflight::Refusal,
    run::{RunError, StoreError},
    unseal::Locked,
};

/// The exit codes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed, and nothing was changed.
    Failed = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The bundle is rejected.
    Rejected = 3,
    /// Refused before the first change.
    Refused = 4,
    /// Failed, and everything was put back.
    RolledBack = 5,
    /// Failed, and a person is needed.
    Person = 6,
    /// Applied, and the quorum still waits for other nodes.
    Waiting = 7,
}

/// A command that failed.
#[derive(Debug, Error)]
pub enum Failure {
    /// The bundle is not from a trusted signer, or not whole.
    #[error(transparent)]
    Bundle(BundleError),
    /// The facts cannot be written.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// A flag's value is of no use.
    #[error("`{flag}`: {why}")]
    Flag {
        /// The flag.
        flag: &'static str,
        /// The reason.
        why: String,
    },
    /// The node's identity cannot be made or used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Secrets stay sealed.
    #[error(transparent)]
    Locked(#[from] Locked),
    /// A system call failed before the first change.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// What this node remembers of signers and serials cannot be used.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The bundle is whole and of a trusted signer, and not one for this node now.
    #[error(transparent)]
    Mixup(#[from] Mixup),
    /// No bundle was named, and this program lies in none.
    #[error("no bundle was named, and this program does not lie in an unpacked one")]
    NoBundle,
    /// A site of which nothing is remembered.
    #[error("nothing is remembered of the site `{site}`; known here: {known}")]
    NoSite {
        /// The site.
        site: SiteName,
        /// The sites of which something is.
        known: String,
    },
    /// A signer who is not pinned.
    #[error("{signer} is not pinned here")]
    NotPinned {
        /// As it was typed.
        signer: TypedFingerprint,
        /// Who is.
        pinned: Vec<Fingerprint>,
    },
    /// What was named cannot be opened.
    #[error(transparent)]
    Medium(MediumError),
    /// What was asked for cannot be written where the operator said.
    #[error(transparent)]
    Out(MachineError),
    /// The preflight refuses; each refusal is a problem of its own.
    #[error("refused before the first change")]
    Refused(Vec<Refusal>),
    /// The bundle contradicts itself, or is for another site.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// A run ended other than well.
    #[error(transparent)]
    Run(RunError),
    /// A `--signer` is neither a fingerprint nor a public key.
    #[error("`--signer {value}`: {why}")]
    Signer {
        /// As it was typed.
        value: String,
        /// The reason.
        why: String,
    },
    /// What is kept of earlier runs cannot be used.
    #[error(transparent)]
    Store(StoreError),
    /// Nobody who signed the bundle is trusted here.
    #[error(transparent)]
    Untrusted(Box<Untrusted>),
}

/// A bundle's signers, none of whom is trusted, and those who are.
#[derive(Debug, Error)]
#[error("{}", self.text())]
pub struct Untrusted {
    /// Who the bundle says signed it.
    pub found: Vec<Fingerprint>,
    /// Whom `--signer` names.
    pub given: Vec<TypedFingerprint>,
    /// Who is pinned here.
    pub pinned: Vec<Fingerprint>,
    /// Whether signers may be pinned here that only root can see.
    pub hides_pins: bool,
}

impl Untrusted {
    fn text(&self) -> String {
        let found = self.found.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        if self.given.is_empty() && self.pinned.is_empty() {
            return format!("no signer was named and none is pinned here; the bundle says that it is signed by {found}");
        }
        let given = self.given.iter().map(|given| format!("{given} by `--signer`"));
        let trusted = given.chain(self.pinned.iter().map(|pinned| format!("{pinned}, pinned here"))).collect::<Vec<_>>().join("; ");
        format!("the bundle is signed by {found}, and trusted is {trusted}")
    }
}

impl Failure {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Bundle(BundleError::Io(_))
            | Self::Facts(_)
            | Self::Identity(_)
            | Self::Machine(_)
            | Self::NoSite { .. }
            | Self::NotPinned { .. }
            | Self::Out(_)
            | Self::Run(RunError::Unchanged { .. }) => Exit::Failed,
            Self::Bundle(_) | Self::Mixup(_) | Self::Rejected(_) | Self::Medium(MediumError::Bundle(_)) | Self::Untrusted(_) => {
                Exit::Rejected
            }
            Self::Locked(locked) if locked.is_of_the_bundle() => Exit::Rejected,
            Self::Flag { .. } | Self::Medium(MediumError::Open { .. }) | Self::NoBundle | Self::Signer { .. } => Exit::Usage,
            Self::Locked(_)
            | Self::Memory(_)
            | Self::Refused(_)
            | Self::Run(RunError::Changed { .. } | RunError::Database(_) | RunError::Risk(_) | RunError::RowsChanged { .. }) => {
                Exit::Refused
            }
            Self::Store(error) | Self::Run(RunError::Store(error)) => store_exit(error),
            Self::Run(RunError::RolledBack { .. }) => Exit::RolledBack,
            Self::Run(RunError::Exhausted { .. } | RunError::Interrupted { .. } | RunError::Stuck { .. } | RunError::NotUndone { .. }) => {
                Exit::Person
            }
        }
    }
}

fn store_exit(error: &StoreError) -> Exit {
    match error {
        StoreError::Journal { .. } => Exit::Person,
        StoreError::Lock(crate::machine::LockError::Held(_)) => Exit::Refused,
        _ => Exit::Failed,
    }
}

impl From<BundleError> for Failure {
    fn from(error: BundleError) -> Self {
        Self::Bundle(error)
    }
}

impl From<MediumError> for Failure {
    fn from(error: MediumError) -> Self {
        match error {
            MediumError::Bundle(error) => Self::Bundle(error),
            error @ MediumError::Open { .. } => Self::Medium(error),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Lock(crate::machine::LockError::Held(pid)) => Self::Refused(vec![Refusal::Busy { pid }]),
            error => Self::Store(error),
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Changed { run, targets } => Self::Refused(vec![Refusal::ChangedSince { run, targets }]),
            RunError::Database(why) => Self::Refused(vec![Refusal::Database(why)]),
            RunError::RowsChanged { run, keys } => Self::Refused(vec![Refusal::RowsChangedSince { run, keys }]),
            RunError::Risk(risk) => Self::Refused(vec![Refusal::Risk(risk)]),
            RunError::Store(error) => error.into(),
            error => Self::Run(error),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(vec![refusal])
    }
}
