//! What must hold before the first change. Pure: a plan and facts to a list of refusals, all of them at once.

mod certificates;
mod refusal;
pub mod services;
mod targets;

use std::collections::BTreeSet;

use bundle_format::{digest::Fingerprint, slice::Slice, text};
use thiserror::Error;

pub use refusal::Refusal;

use crate::{bundle::Bundle, facts::Facts, journal::Deviation, machine::LockError, plan::Plan};

/// What is worth saying and no reason to stop.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Warning {
    /// Signers were removed that this site needs.
    #[error("{}", text!(
        "{left} signers are pinned here, and bundles of this site need {needs}: the next one needs `--signer` too",
        "本节点固定了 {left} 个签名人，而该站点的证书包需要 {needs} 个：下次还需给出 `--signer`"
    ))]
    FewPinned {
        /// How many are left.
        left: usize,
        /// How many a bundle needs.
        needs: usize,
    },
    /// The bundle was applied, and this cannot be remembered.
    #[error("{}", text!(
        "the bundle's signer and serial could not be remembered, so the next bundle is judged without them: {_0}; `apply` once more remembers them",
        "未能记住证书包的签名人和序号，下一个证书包将无法据此判断：{_0}；再次执行 `apply` 即可记住"
    ))]
    Forgotten(String),
    /// The bundle is past its time.
    #[error("{}", text!(
        "the bundle was to be applied before {not_after}, and this node's clock says {now}",
        "证书包应在 {not_after} 之前执行，而本节点的时钟为 {now}"
    ))]
    Late {
        /// Its end.
        not_after: String,
        /// This node's time.
        now: String,
    },
    /// A signer is taken on the operator's word, where others are pinned.
    #[error("{}", text!(
        "{new} is a signer that is new here, taken because of `--signer`; pinned here: {pinned}",
        "{new} 是本节点新的签名人，因 `--signer` 而接受；已固定：{pinned}"
    ))]
    NewSigner {
        /// Who.
        new: Fingerprint,
        /// Who is pinned.
        pinned: String,
    },
    /// What was done has no receipt.
    #[error("{}", text!(
        "no receipt could be written: {_0}; the next `apply`, `rollback` or `receipt` writes it",
        "未能写入回执：{_0}；下次执行 `apply`、`rollback` 或 `receipt` 时会补写"
    ))]
    NoReceipt(String),
    /// A document has neither the value before nor the one after.
    #[error("{}", text!(
        "`{target}` has no member `{member}` of value `{from}`, so there is nothing to edit",
        "`{target}` 中没有值为 `{from}` 的成员 `{member}`，无需编辑"
    ))]
    NothingToEdit {
        /// The document.
        target: String,
        /// The member.
        member: String,
        /// The value.
        from: String,
    },
    /// A file has several names.
    #[error("{}", text!(
        "`{target}` has {links} names (hard links): this one is replaced, and the others keep the former content",
        "`{target}` 有 {links} 个名称（硬链接）：只替换这一个，其余保留原内容"
    ))]
    HardLinked {
        /// The file.
        target: String,
        /// How many names it has.
        links: u64,
    },
    /// Receipts are not as they were written.
    #[error("{0}")]
    Receipts(String),
    /// The journal of an earlier run has a torn tail.
    #[error("{}", text!(
        "the journal of run `{_0}` ends in the middle of a record, as after a power cut; everything before it holds",
        "执行 `{_0}` 的日志记录在一条记录中间结束，可能因断电；之前的内容有效"
    ))]
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
