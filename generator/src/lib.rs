//! The generator of reseal bundles.
pub mod x509;
