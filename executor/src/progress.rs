//! What a run tells of itself while it works. Whether anybody hears it changes nothing.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// One thing that is told.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event<'a> {
    /// Something about a step, or before one.
    Note {
        /// For people.
        text: String,
    },
    /// Time is let pass; told again and again.
    Pause {
        /// Why, for people.
        why: &'a str,
        /// How long already.
        #[serde(serialize_with = "seconds")]
        elapsed: Duration,
        /// How long in all, in seconds.
        limit: u32,
    },
    /// A step is begun.
    Step {
        /// Its number, from 1.
        number: usize,
        /// How many there are.
        of: usize,
        /// Whether it is undone.
        undoing: bool,
        /// What it does, for people.
        what: String,
    },
    /// Something is waited for; told again and again.
    Wait {
        /// What, for people.
        what: &'a str,
        /// What is still missing, for people.
        missing: &'a str,
        /// How long already.
        #[serde(serialize_with = "seconds")]
        elapsed: Duration,
        /// How long at most, in seconds.
        limit: u32,
    },
    /// A wait or a pause is over, well or not.
    Waited {
        /// What was waited for, for people; nothing where it was for time alone.
        what: Option<&'a str>,
        /// How long it took.
        #[serde(serialize_with = "seconds")]
        elapsed: Duration,
    },
}

/// Who is told.
pub type Listener<'a> = &'a dyn Fn(&Event<'_>);

fn seconds<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(duration.as_secs())
}
