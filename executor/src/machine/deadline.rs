//! The moment until which something may take. One deadline is shared by everything that a question consists of.

use std::time::{Duration, Instant};

use super::Machine;

/// Longer than anything here waits; without it a hostile duration could pass the end of the clock.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// A moment on the clock that nobody can set.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    begun: Instant,
    patience: Duration,
}

impl Machine {
    /// The moment that is `patience` from now, at most a year.
    pub fn deadline(&self, patience: Duration) -> Deadline {
        Deadline::after(patience)
    }
}

impl Deadline {
    pub(super) fn after(patience: Duration) -> Self {
        Self { begun: Instant::now(), patience: patience.min(LONGEST) }
    }

    /// What is left until then; nothing when it has passed.
    pub fn left(&self) -> Duration {
        self.patience.saturating_sub(self.begun.elapsed())
    }

    /// How long the whole of it is.
    pub fn patience(&self) -> Duration {
        self.patience
    }
}
