//! The `reseal-node` command.
fn main() {}
