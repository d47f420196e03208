//! What a person should know of a site's facts: each contradiction with both sides of it.

use std::net::IpAddr;

use thiserror::Error;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// It should be looked at before a bundle is built.
    Warning,
    /// It was decided, and how.
    Note,
}

impl Level {
    /// The word for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
        }
    }
}

/// One finding.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Finding {
    /// The CA has ended.
    #[error("the CA ended {end}: etcd has no quorum to guard, and masters are renewed one after another all the same")]
    AuthorityEnded {
        /// When.
        end: String,
    },
    /// A node's clock is ahead of the workstation's.
    #[error("the clock of `{node}` is {by} ahead of this workstation's: it said {said}, and it is {now} here")]
    ClockAhead {
        /// The node.
        node: String,
        /// By how much.
        by: String,
        /// The node's time.
        said: String,
        /// The workstation's.
        now: String,
    },
    /// A node's clock is far from all others'.
    #[error(
        "`{node}` said {said}, which is {by} from the next, `{other}` at {other_said}: if the facts come from one walk, one of the clocks is wrong"
    )]
    ClockApart {
        /// The node.
        node: String,
        /// Its time.
        said: String,
        /// By how much.
        by: String,
        /// The node whose time is next.
        other: String,
        /// Its time.
        other_said: String,
    },
    /// Several facts of one node.
    #[error("`{kept}` and `{left}` are facts of the same node, `{node}`: the newer ones are taken, of {kept_time} instead of {left_time}")]
    Duplicate {
        /// The node.
        node: String,
        /// The file that is taken.
        kept: String,
        /// When it was made.
        kept_time: String,
        /// The file that is left.
        left: String,
        /// When it was made.
        left_time: String,
    },
    /// The product line is a guess.
    #[error("no node has flannel, which every TDH site has and no TDC site: `{taken}` is taken; if it is the other, give --edition")]
    EditionGuessed {
        /// What is taken.
        taken: &'static str,
    },
    /// The leaf is not the CA's.
    #[error("the leaf of {nodes} was not signed by the CA: {why}; `reseal build` will refuse them together")]
    LeafForeign {
        /// The nodes that have it.
        nodes: String,
        /// Why it does not verify.
        why: String,
    },
    /// A member of etcd without facts.
    #[error("etcd of `{node}` names the member {address}, and no facts are of a node with that address")]
    MemberMissing {
        /// Whose manifest names it.
        node: String,
        /// Its address.
        address: IpAddr,
    },
    /// A master that cannot be dialled.
    #[error("no address of `{0}` is known, and others must dial it: add `addresses` to the site file")]
    NoAddress(String),
    /// No node hands certificates out.
    #[error("no node has the role manager: without it, the Manager hands the old certificates out again at the next role restart")]
    NoManager,
    /// Nothing to seal to.
    #[error("`{0}` has no identity: its secrets cannot be sealed to it; run `reseal-node facts` there without --no-identity")]
    NoRecipient(String),
    /// A node without a part.
    #[error("no role was found on `{0}`: it is left out of the site file")]
    NoRole(String),
    /// A master that the leaf does not name.
    #[error("none of the names and addresses of `{node}` ({names}) is among the leaf's SANs: others would refuse it")]
    NotInSans {
        /// The node.
        node: String,
        /// Its names and addresses.
        names: String,
    },
    /// Another certificate of the same CA, or of another.
    #[error("the CA differs: {taken} on {taken_nodes} is taken, and {other} is on {other_nodes}{}", if *is_same_key { ", with the same key" } else { ", with another key: a bundle is refused there" })]
    OtherAuthority {
        /// The fingerprint that is taken.
        taken: String,
        /// The nodes that have it.
        taken_nodes: String,
        /// The other fingerprint.
        other: String,
        /// The nodes that have it.
        other_nodes: String,
        /// Whether it has the same key.
        is_same_key: bool,
    },
    /// Another leaf.
    #[error("the leaf differs: {taken} on {taken_nodes} is taken, and {other} is on {other_nodes}; names of both go into the new one")]
    OtherLeaf {
        /// The fingerprint that is taken.
        taken: String,
        /// The nodes that have it.
        taken_nodes: String,
        /// The other fingerprint.
        other: String,
        /// The nodes that have it.
        other_nodes: String,
    },
    /// Masters disagree about a port.
    #[error("the {what} port of etcd differs between masters ({found}): none is written")]
    Ports {
        /// Which port.
        what: &'static str,
        /// What there is.
        found: String,
    },
    /// Something that two nodes should not share.
    #[error("{nodes} share {what} `{value}`: {consequence}")]
    Same {
        /// What they share.
        what: &'static str,
        /// Its value.
        value: String,
        /// The nodes.
        nodes: String,
        /// What follows.
        consequence: &'static str,
    },
    /// A SAN that no facts explain.
    #[error("the leaf has the SAN {0}, and no facts are of a node with it: are the facts of a node missing?")]
    SanWithoutNode(String),
    /// A SAN that is taken for a service's.
    #[error("the leaf's SAN {0} is taken for the address of the service `kubernetes`")]
    ServiceAddress(IpAddr),
    /// What runs was not seen.
    #[error("the facts of `{0}` are of a folder tree: what runs there is not known")]
    Tree(String),
    /// No version is known, or several are.
    #[error("the version of TOS is not clear ({found}): none is written; give --tos-version VERSION")]
    VersionUnclear {
        /// What there is.
        found: String,
    },
    /// Several versions, one of which is taken.
    #[error("several versions of TOS were found ({found}): {taken} is taken, for {why}")]
    VersionsDiffer {
        /// What there is.
        found: String,
        /// What is taken.
        taken: String,
        /// Why.
        why: &'static str,
    },
    /// The Manager keeps no certificates in its database.
    #[error("the Manager's database on `{0}` keeps no certificates: it is left alone")]
    WithoutTable(String),
}

impl Finding {
    /// How much it matters.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::AuthorityEnded { .. } | Self::Duplicate { .. } | Self::ServiceAddress(_) | Self::Tree(_) | Self::WithoutTable(_) => {
                Level::Note
            }
            _ => Level::Warning,
        }
    }

    /// What kind it is, for programs; it does not change.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::AuthorityEnded { .. } => "authority-ended",
            Self::ClockAhead { .. } => "clock-ahead",
            Self::ClockApart { .. } => "clock-apart",
            Self::Duplicate { .. } => "duplicate",
            Self::EditionGuessed { .. } => "edition-guessed",
            Self::LeafForeign { .. } => "leaf-foreign",
            Self::MemberMissing { .. } => "member-missing",
            Self::NoAddress(_) => "no-address",
            Self::NoManager => "no-manager",
            Self::NoRecipient(_) => "no-recipient",
            Self::NoRole(_) => "no-role",
            Self::NotInSans { .. } => "not-in-sans",
            Self::OtherAuthority { .. } => "other-authority",
            Self::OtherLeaf { .. } => "other-leaf",
            Self::Ports { .. } => "ports",
            Self::Same { .. } => "same",
            Self::SanWithoutNode(_) => "san-without-node",
            Self::ServiceAddress(_) => "service-address",
            Self::Tree(_) => "tree",
            Self::VersionUnclear { .. } => "version-unclear",
            Self::VersionsDiffer { .. } => "versions-differ",
            Self::WithoutTable(_) => "without-table",
        }
    }
}
