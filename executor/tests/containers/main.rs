//! Real programs and real processes, met through the executor's one door.

#![allow(clippy::disallowed_methods, reason = "tests set the scene that the executor then meets through its one door")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a scene that cannot be set is a failed test")]

mod processes;
mod programs;
