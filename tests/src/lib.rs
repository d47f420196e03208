//! What the end-to-end tests share.

pub mod pki;
pub mod programs;
pub mod workshop;
