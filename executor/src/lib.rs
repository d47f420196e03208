//! The executor of reseal bundles.
