//! Waiting for something, with a limit, and an ear for signals. How it goes is told on every look; who listens chooses what to show.

use std::time::{Duration, Instant};

use super::{Bench, StepError};
use crate::progress::Event;

/// How often is looked.
const BEAT: Duration = Duration::from_millis(250);

/// What a look found.
pub enum Look<T> {
    /// What was waited for.
    There(T),
    /// What is still missing.
    NotYet(String),
}

/// Waits until a look finds what is waited for, at most `limit` seconds.
///
/// # Errors
/// When it takes longer, a signal comes, or the look fails.
pub fn until<T>(bench: &Bench<'_>, what: &str, limit: u32, mut look: impl FnMut() -> Result<Look<T>, StepError>) -> Result<T, StepError> {
    told(bench, Some(what), |begun| {
        bench.machine.check_signals()?;
        let missing = match look()? {
            Look::There(found) => return Ok(Some(found)),
            Look::NotYet(missing) => missing,
        };
        let elapsed = bench.machine.moment().saturating_duration_since(begun);
        if elapsed >= Duration::from_secs(limit.into()) {
            return Err(StepError::TooLong { what: what.to_owned(), limit, missing });
        }
        (bench.progress)(&Event::Wait { what, missing: &missing, elapsed, limit });
        bench.machine.pause(BEAT)?;
        Ok(None)
    })
}

/// Lets `seconds` pass, and tells why.
///
/// # Errors
/// When a signal comes.
pub fn settle(bench: &Bench<'_>, seconds: u32, why: &str) -> Result<(), StepError> {
    let whole = Duration::from_secs(seconds.into());
    told(bench, None, |begun| {
        let elapsed = bench.machine.moment().saturating_duration_since(begun);
        let left = whole.saturating_sub(elapsed);
        if left.is_zero() {
            return Ok(Some(()));
        }
        (bench.progress)(&Event::Pause { why, elapsed, limit: seconds });
        bench.machine.pause(left.min(BEAT))?;
        Ok(None)
    })
}

/// Takes turns until one gives something or fails, then tells that it is over.
fn told<T>(bench: &Bench<'_>, what: Option<&str>, mut turn: impl FnMut(Instant) -> Result<Option<T>, StepError>) -> Result<T, StepError> {
    let begun = bench.machine.moment();
    let outcome = loop {
        if let Some(outcome) = turn(begun).transpose() {
            break outcome;
        }
    };
    (bench.progress)(&Event::Waited { what, elapsed: bench.machine.moment().saturating_duration_since(begun) });
    outcome
}
