//! The database of a step `update-database`, on a real `MariaDB`, by both ways.

#![allow(clippy::disallowed_methods, reason = "tests set the scene that the code under test then meets through its one door")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a scene that cannot be set is a failed test")]

mod change;
mod common;
mod crash;
mod reach;
mod refuse;
mod server;
