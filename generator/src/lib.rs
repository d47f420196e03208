//! The generator of reseal bundles, as a library for its own binary, tests and fuzz targets.
//!
//! From the outside in: [`cli`] parses and prints; [`site`] turns a site file and flags into a validated [`site::Site`];
//! [`issue`] renews and issues certificates with [`x509`]; a [`profile`] lays them out as slices, purely; [`assemble`]
//! makes the bundle, with what [`sql`] writes for people and sealed as [`seal`] says. [`facts`] makes a site file of what nodes say of themselves.
//! [`ledger`] remembers what was ever seen, for the [`calendar`]; [`report`] says what was done to a site.
//! Nothing TOS-specific stands outside `profile/tos`.

pub mod assemble;
pub mod calendar;
pub mod cli;
pub mod demo;
pub mod elf;
pub mod facts;
pub mod files;
pub mod inspect;
pub mod issue;
pub mod ledger;
pub mod manual;
pub mod note;
pub mod present;
pub mod profile;
pub mod report;
pub mod seal;
pub mod signer;
pub mod site;
pub mod sql;
pub mod x509;
