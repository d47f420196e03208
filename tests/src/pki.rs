//! Certificates, keys and outside judges for tests.
//!
//! Everything here stands apart from the code under test: certificates are written by [`der`] and signed by OpenSSL, or made by
//! cfssl and OpenSSL alone; they are judged by Go, OpenSSL and rustls-webpki. A fixture that cannot be made is a failed test.
#![allow(clippy::expect_used, clippy::missing_panics_doc, clippy::panic, clippy::unwrap_used, reason = "only tests call this")]

pub mod der;
pub mod judges;
pub mod tools;
pub mod zoo;
