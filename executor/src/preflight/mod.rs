//! What must hold before the first change. Pure: a plan and facts to a list of refusals, all of them at once.

mod certificates;
mod refusal;
pub mod services;
mod targets;

use std::collections::BTreeSet;

use bundle_format::{digest::Fingerprint, slice::Slice};
use thiserror::Error;

pub use refusal::Refusal;

use crate::{bundle::Bundle, facts::Facts, journal::Deviation, machine::LockError, plan::Plan};

/// What is worth saying and no reason to stop.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Warning {
    /// Signers were removed that this site needs.
    #[error("{left} signers are pinned here, and bundles of this site need {needs}: the next one needs `--signer` too")]
    FewPinned {
        /// How many are left.
        left: usize,
        /// How many a bundle needs.
        needs: usize,
    },
    /// The bundle was applied, and this cannot be remembered.
    #[error(
        "the bundle's signer and serial could not be remembered, so the next bundle is judged without them: {0}; `apply` once more remembers them"
    )]
    Forgotten(String),
    /// The bundle is past its time.
    #[error("the bundle was to be applied before {not_after}, and this node's clock says {now}")]
    Late {
        /// Its end.
        not_after: String,
        /// This node's time.
        now: String,
    },
    /// A signer is taken on the operator's word, where others are pinned.
    #[error("{new} is a signer that is new here, taken because of `--signer`; pinned here: {pinned}")]
    NewSigner {
        /// Who.
        new: Fingerprint,
        /// Who is pinned.
        pinned: String,
    },
    /// A document has neither the value before nor the one after.
    #[error("`{target}` has no member `{member}` of value `{from}`, so there is nothing to edit")]
    NothingToEdit {
        /// The document.
        target: String,
        /// The member.
        member: String,
        /// The value.
        from: String,
    },
    /// A file has several names.
    #[error("`{target}` has {links} names (hard links): this one is replaced, and the others keep the former content")]
    HardLinked {
        /// The file.
        target: String,
        /// How many names it has.
        links: u64,
    },
    /// The journal of an earlier run has a torn tail.
    #[error("the journal of run `{0}` ends in the middle of a record, as after a power cut; everything before it holds")]
    TornJournal(String),
}

/// All that stands against a plan.
pub fn refusals(bundle: &Bundle, slice: &Slice, plan: &Plan<'_>, facts: &Facts, allowed: &BTreeSet<Deviation>) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if facts.lacks_root {
        refusals.push(Refusal::NotRoot);
    }
    match &facts.other_run {
        Some(LockError::Held(pid)) => refusals.push(Refusal::Busy { pid: *pid }),
        Some(LockError::Machine(error)) => refusals.push(Refusal::State { why: error.to_string() }),
        None => {}
    }
    refusals.extend(targets::usable(plan));
    refusals.extend(targets::writable(plan));
    refusals.extend(targets::state(plan, facts));
    refusals.extend(targets::room(plan, facts));
    refusals.extend(certificates::clock(bundle, slice, facts));
    refusals.extend(certificates::at_home(bundle, slice, facts));
    refusals.extend(certificates::keys(bundle, slice));
    refusals.extend(services::refusals(bundle, slice, plan, facts, allowed));
    refusals
}

/// Why a bundle past its time is not begun with. One that was begun is finished.
pub fn stale(bundle: &Bundle, plan: &Plan<'_>, facts: &Facts, allowed: &BTreeSet<Deviation>) -> Option<Refusal> {
    let not_after = bundle.manifest().not_after;
    let is_stale = facts.now > not_after && !allowed.contains(&Deviation::StaleAccepted) && !plan.records().is_empty();
    is_stale.then(|| Refusal::Stale { not_after: refusal::time(not_after), now: refusal::time(facts.now) })
}

/// Who of a bundle's signers is new here, and who is not.
pub fn of_signers(bundle: &Bundle) -> Vec<Warning> {
    let pinned = bundle.memory.pins.iter().map(|pin| pin.fingerprint.to_string()).collect::<Vec<_>>().join(", ");
    let strangers = bundle.memory.strangers(&bundle.complete);
    strangers.into_iter().map(|new| Warning::NewSigner { new, pinned: pinned.clone() }).collect()
}

/// All that is worth saying about a plan.
pub fn warnings(bundle: &Bundle, plan: &Plan<'_>, facts: &Facts) -> Vec<Warning> {
    let mut warnings = targets::nothing_to_edit(plan);
    warnings.extend(targets::hard_linked(plan));
    warnings.extend(of_signers(bundle));
    let not_after = bundle.manifest().not_after;
    if facts.now > not_after {
        warnings.push(Warning::Late { not_after: refusal::time(not_after), now: refusal::time(facts.now) });
    }
    warnings
}
