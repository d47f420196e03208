//! `reseal completions`: what completes this program's commands and options in a shell.

use bundle_format::word;

use super::DONE;
use crate::{
    manual::{self, Shell},
    present::Output,
};

#[derive(clap::Args, Debug)]
#[command(about = word!("Print what completes commands and options in a shell", "输出 shell 的命令和选项补全脚本"), after_help = word!(
    "Example:\n  reseal completions bash > /etc/bash_completion.d/reseal",
    "示例：\n  reseal completions bash > /etc/bash_completion.d/reseal"
))]
pub struct Args {
    #[arg(value_enum, value_name = "SHELL", help = word!("The shell", "使用的 shell"))]
    shell: Shell,
}

impl Args {
    pub fn run(&self, output: Output) -> u8 {
        output.give(&manual::completions(super::command(), self.shell));
        DONE
    }
}
