//! The `reseal-node` command.

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    ExitCode::from(reseal_node::cli::main(env::args_os()))
}
