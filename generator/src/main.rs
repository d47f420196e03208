//! The `reseal` command: parse, dispatch, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    reseal::cli::guard();
    reseal::cli::main()
}
