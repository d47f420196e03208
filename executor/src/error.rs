//! Every way in which a command can fail, and the exit codes. What it means for a person is `present::explain`'s to say.

use bundle_format::{
    digest::{Fingerprint, TypedFingerprint},
    facts::FactsError,
    name::SiteName,
    reader::BundleError,
    text, word,
};
use thiserror::Error;

use crate::{
    machine::{MachineError, MediumError},
    memory::{MemoryError, Mixup},
    node_identity::IdentityError,
    plan::Rejection,
    preflight::Refusal,
    run::{Ended, RunError, StoreError},
    unseal::Locked,
};

/// The exit codes; a failure's is that of its [`Code`](crate::code::Code).
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
    #[error("{}", text!("`{flag}`: {why}", "`{flag}`：{why}"))]
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
    #[error("{}", text!(
        "no bundle was named, and this program does not lie in an unpacked one",
        "没有指定证书包，本程序也不在已解压的证书包中"
    ))]
    NoBundle,
    /// A run that is not there.
    #[error("{}", text!("there is no run `{run}` here", "本节点没有执行 `{run}`"))]
    NoRun {
        /// As it was typed.
        run: String,
    },
    /// A site of which nothing is remembered.
    #[error("{}", text!("nothing is remembered of the site `{site}`; known here: {known}", "没有站点 `{site}` 的记录；已知站点：{known}"))]
    NoSite {
        /// The site.
        site: SiteName,
        /// The sites of which something is.
        known: String,
    },
    /// Nobody agreed to what lowers a guard.
    #[error("{}", text!("{consequence}; {why}", "{consequence}；{why}"))]
    NotAgreed {
        /// What would have followed.
        consequence: String,
        /// Who did not agree.
        why: String,
    },
    /// A signer who is not pinned.
    #[error("{}", text!("{signer} is not pinned here", "{signer} 未在本节点固定"))]
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
    #[error("{}", text!("refused before the first change", "在首次改动之前拒绝执行"))]
    Refused(Vec<Refusal>),
    /// The bundle contradicts itself, or is for another site.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// A run ended other than well.
    #[error(transparent)]
    Run(Ended),
    /// A `--signer` is neither a fingerprint nor a public key.
    #[error("{}", text!("`--signer {value}`: {why}", "`--signer {value}`：{why}"))]
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
            return text!(
                "no signer was named and none is pinned here; the bundle says that it is signed by {found}",
                "没有指定签名人，本节点也没有已固定的签名人；证书包声称由 {found} 签名"
            );
        }
        let given = self.given.iter().map(|given| text!("{given} by `--signer`", "{given}（由 `--signer` 指定）"));
        let pinned = self.pinned.iter().map(|pinned| text!("{pinned}, pinned here", "{pinned}（本节点已固定）"));
        let trusted = given.chain(pinned).collect::<Vec<_>>().join(word!("; ", "；"));
        text!("the bundle is signed by {found}, and trusted is {trusted}", "证书包由 {found} 签名，而受信任的是 {trusted}")
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
            RunError::Ended(ended) => Self::Run(ended),
            RunError::Refused(found) => Self::Refused(found),
            RunError::Store(error) => error.into(),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(vec![refusal])
    }
}
