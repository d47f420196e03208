//! The built program on a node's tree, with bundles of the real writer.

#![allow(clippy::disallowed_methods, reason = "tests set the scene that the program then meets through its one door")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a scene that cannot be set is a failed test")]

mod apply;
mod backups;
mod cli;
mod common;
mod facts;
mod files;
mod interrupt;
mod lock;
mod properties;
mod refuse;
mod reject;
mod resume;
