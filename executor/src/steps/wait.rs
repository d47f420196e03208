//! Waiting for something, with a limit, a word now and then, and an ear for signals.

use std::time::{Duration, Instant};

use bundle_format::text;

use super::{Bench, StepError};

/// How often is looked.
const BEAT: Duration = Duration::from_millis(250);
/// How often is told.
const TOLD_EVERY: Duration = Duration::from_secs(10);

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
    let begun = bench.machine.moment();
    let mut told: Option<Instant> = None;
    loop {
        bench.machine.check_signals()?;
        let missing = match look()? {
            Look::There(found) => return Ok(found),
            Look::NotYet(missing) => missing,
        };
        let elapsed = bench.machine.moment().saturating_duration_since(begun);
        if elapsed >= Duration::from_secs(limit.into()) {
            return Err(StepError::TooLong { what: what.to_owned(), limit, missing });
        }
        if told.is_none_or(|told| bench.machine.moment().saturating_duration_since(told) >= TOLD_EVERY) {
            told = Some(bench.machine.moment());
            (bench.progress)(&text!(
                "  waiting for {what}: {missing}; {} s of at most {limit} s", "  正在等待{what}：{missing}；{} 秒，最多 {limit} 秒";
                elapsed.as_secs()
            ));
        }
        bench.machine.pause(BEAT)?;
    }
}

/// Lets `seconds` pass, and tells why.
///
/// # Errors
/// When a signal comes.
pub fn settle(bench: &Bench<'_>, seconds: u32, why: &str) -> Result<(), StepError> {
    if seconds > 0 {
        (bench.progress)(&text!("  waiting {seconds} s {why}", "  等待 {seconds} 秒：{why}"));
    }
    Ok(bench.machine.pause(Duration::from_secs(seconds.into()))?)
}
