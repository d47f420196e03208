//! What must hold before the first change. Pure: a plan and facts to a list of refusals, all of them at once.

mod certificates;
mod refusal;
pub mod services;
mod targets;

use std::collections::BTreeSet;

use bundle_format::slice::Slice;
use thiserror::Error;

pub use refusal::Refusal;

use crate::{bundle::Bundle, facts::Facts, journal::Deviation, machine::LockError, plan::Plan};

/// What is worth saying and no reason to stop.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Warning {
    /// The bundle is past its time.
    #[error("the bundle was to be applied before {not_after}, and this node's clock says {now}")]
    Late {
        /// Its end.
        not_after: String,
        /// This node's time.
        now: String,
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

/// All that is worth saying about a plan.
pub fn warnings(bundle: &Bundle, plan: &Plan<'_>, facts: &Facts) -> Vec<Warning> {
    let mut warnings = targets::nothing_to_edit(plan);
    warnings.extend(targets::hard_linked(plan));
    let not_after = bundle.manifest().not_after;
    if facts.now > not_after {
        warnings.push(Warning::Late { not_after: refusal::time(not_after), now: refusal::time(facts.now) });
    }
    warnings
}
