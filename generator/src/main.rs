//! The `reseal` command.
fn main() {}
