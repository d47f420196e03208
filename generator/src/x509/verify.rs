//! Whether a renewal holds: old and new verify under each other wherever a node that was renewed meets one that was not.

use ::time::OffsetDateTime;
use bundle_format::certificate::{Certificate, ChainError};
use bundle_format::text;
use thiserror::Error;

/// Which combination does not hold.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum RenewalError {
    /// A renewed node refuses the present leaf.
    #[error("{}", text!("the old certificate does not verify under the renewed authority: {_0}", "旧证书未通过续签后 CA 的验证：{_0}"))]
    OldUnderNew(#[source] ChainError),
    /// A renewed node refuses itself.
    #[error("{}", text!("the new certificate does not verify under the renewed authority: {_0}", "新证书未通过续签后 CA 的验证：{_0}"))]
    NewUnderNew(#[source] ChainError),
    /// A node that is not renewed yet refuses a renewed one.
    #[error("{}", text!("the new certificate does not verify under the old authority: {_0}", "新证书未通过旧 CA 的验证：{_0}"))]
    NewUnderOld(#[source] ChainError),
}

/// Checks old leaf under new CA, new leaf under new CA, new leaf under old CA.
///
/// New under new is checked at `now`. For the other two, the time is the one nearest to `now` at which both are valid: an old
/// leaf may have ended with its CA. Where no such time exists (the new leaf begins after the old CA has ended) no program
/// accepts the combination and no node depends on it; then names, key identifiers, signature and CA rights are checked, and time is not.
///
/// # Errors
/// The first combination that does not hold.
pub fn check_renewal(
    old_ca: &Certificate,
    new_ca: &Certificate,
    old_leaf: &Certificate,
    new_leaf: &Certificate,
    now: OffsetDateTime,
) -> Result<(), RenewalError> {
    verify_while_valid(old_leaf, new_ca, now).map_err(RenewalError::OldUnderNew)?;
    new_leaf.verify_chain(new_ca, now).map_err(RenewalError::NewUnderNew)?;
    verify_while_valid(new_leaf, old_ca, now).map_err(RenewalError::NewUnderOld)
}

fn verify_while_valid(leaf: &Certificate, ca: &Certificate, now: OffsetDateTime) -> Result<(), ChainError> {
    let first = leaf.not_before().max(ca.not_before());
    let last = leaf.not_after().min(ca.not_after());
    if first <= last {
        return leaf.verify_chain(ca, now.clamp(first, last));
    }
    leaf.verify_issued_by(ca)?;
    if ca.is_ca() { Ok(()) } else { Err(ChainError::NotAuthority { subject: ca.subject() }) }
}
