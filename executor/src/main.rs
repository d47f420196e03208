//! The `reseal-node` command.

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    reseal_node::cli::guard();
    ExitCode::from(reseal_node::cli::main(env::args_os()))
}
