//! The executor of reseal bundles: verifies a bundle on an air-gapped node, plans and applies that node's slice, and takes it back.
//!
//! * [`machine`]: the one door to files, locks, clock, programs and sockets. Everything else is given what it looks at.
//! * [`containers`], [`kubectl`], [`etcd`], [`health`]: what runs here and how it is. Single questions: who waits, asks again.
//! * [`quorum`], `mode`, `guard`: whether a member of etcd may be stopped.
//! * `bundle`, `unseal`, `identity`, `trust`, `facts`, `plan`, `preflight`: from a bundle and a machine to what will be done, or why not.
//! * `memory`: what is remembered of bundles that were applied: their signers, the site, the last serial.
//! * `inventory`, `node_identity`: what this node is before any bundle exists, and whom secrets for it are sealed to.
//! * [`journal`] and `run`: what was begun, what is done, and what therefore comes next, after a power cut too.
//! * `receipt`: what a run's journal tells, to be carried back.
//! * `steps`: one file for each kind of step; `progress` is what they tell while they work.
//! * [`cli`] and `present`: arguments in, words out. [`code`]: the stable code of every problem.

mod bundle;
pub mod cli;
mod cluster;
pub mod code;
pub mod containers;
mod error;
pub mod etcd;
mod facts;
mod guard;
pub mod health;
mod identity;
mod inventory;
pub mod journal;
pub mod json;
mod keys;
pub mod kubectl;
pub mod machine;
mod memory;
mod mode;
mod node_identity;
pub use machine::database;
mod plan;
mod preflight;
mod present;
mod progress;
pub mod quorum;
mod receipt;
mod run;
mod services;
mod shell;
mod steps;
mod tls;
mod trust;
mod unseal;
