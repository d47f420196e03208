//! `reseal man`: this program's manual.

use std::path::PathBuf;

use bundle_format::{text, word};

use super::{DONE, Failure, Outcome};
use crate::{files, manual, present::Output};

#[derive(clap::Args, Debug)]
#[command(about = word!("Print the manual page, or write those of all commands", "输出手册页，或写出全部命令的手册页"), after_help = word!(
    "Examples:\n  reseal man | man -l -\n  reseal man --out /usr/local/share/man/man1\n  reseal man --lang zh-CN --out /usr/local/share/man/zh_CN/man1",
    "示例：\n  reseal man | man -l -\n  reseal man --out /usr/local/share/man/man1\n  reseal man --lang zh-CN --out /usr/local/share/man/zh_CN/man1"
))]
pub struct Args {
    #[arg(long, value_name = "DIR", help = word!(
        "Write the pages of the program and of all its commands to this folder; none of them may exist there",
        "把程序及其全部命令的手册页写入该目录；其中不得已有同名文件"
    ))]
    out: Option<PathBuf>,
}

impl Args {
    pub fn run(&self, output: Output) -> Outcome {
        let pages = manual::pages(super::command()).map_err(Failure::new)?;
        let Some(dir) = &self.out else {
            pages.first().into_iter().for_each(|page| output.give(&page.content));
            return Ok(DONE);
        };
        for page in &pages {
            files::write_new(&dir.join(&page.name), &page.content, 0o644)?;
        }
        output.say(&text!("{} pages in {}", "{} 页，位于 {}"; pages.len(), dir.display()));
        Ok(DONE)
    }
}
