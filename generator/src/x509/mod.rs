//! X.509 work: renewing a CA byte-exactly, issuing leaves under it.
//!
//! * [`key`]: private keys as people have them, and what they sign.
//! * [`authority`]: an old CA certificate to the same with another validity.
//! * [`leaf`]: an old leaf to a new one with a fresh key.
//! * [`verify`]: whether old and new verify under each other, in every combination that a rolling renewal meets.
//! * [`splice`], [`der`] and [`time`]: the bytes below these.
//!
//! Pure: no file, no clock, no output. What is read comes in as bytes, and the time as a parameter.

pub mod authority;
pub mod der;
pub mod key;
pub mod leaf;
pub mod splice;
pub mod time;
pub mod verify;
