//! Waiting for what takes a while, with an end to it.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

const BETWEEN_TRIES: Duration = Duration::from_millis(50);

/// Tries until there is an answer, at most for this long; else the test fails with the reason that the last try gave.
///
/// # Panics
/// When the time is over.
pub fn until<T>(what: &str, limit: Duration, mut attempt: impl FnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match attempt() {
            Ok(answer) => return answer,
            Err(reason) => assert!(start.elapsed() < limit, "{what}: not within {} s: {reason}", limit.as_secs_f32()),
        }
        sleep(BETWEEN_TRIES);
    }
}
