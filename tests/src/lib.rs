//! What the end-to-end tests share.
#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this library is test code: it fails by panicking"
)]

pub mod faults;
pub mod guide;
pub mod live;
pub mod masks;
pub mod pki;
pub mod plug;
pub mod programs;
pub mod receipts;
pub mod secret;
pub mod tree;
pub mod workshop;
