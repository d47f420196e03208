//! `reseal-node reveal`: one secret of this node, for work by hand. Changes nothing but the file that it is told to make.

use std::path::PathBuf;

use bundle_format::{name::EntryPath, text, word};
use serde_json::json;

use super::{
    Context, Outcome, examples,
    job::{self, BundleArgs, NodeArgs},
    unsealing::UnsealArgs,
};
use crate::{error::Failure, present::Tone};

#[derive(Debug, clap::Args)]
#[command(about = word!(
    "Open one entry of this node's slice, for work by hand",
    "解开本节点内容中的一个文件，供手工处理"
), after_help = examples(&["reveal manager_info.update.sql --out update.sql"]))]
pub struct Args {
    #[arg(value_name = "ENTRY", help = word!(
        "The entry, or the end of its name: `etcd-key.pem`, `manager_info.update.sql`",
        "文件的全名或末尾部分：`etcd-key.pem`、`manager_info.update.sql`"))]
    pub entry: String,
    #[command(flatten)]
    pub bundle: BundleArgs,
    #[command(flatten)]
    pub node: NodeArgs,
    #[command(flatten)]
    pub unseal: UnsealArgs,
    #[arg(long, value_name = "FILE", help = word!(
        "Write it to a new file, for its owner alone, instead of to stdout",
        "写入只有属主可读的新文件，而不是标准输出"))]
    pub out: Option<PathBuf>,
    #[arg(long, help = word!(
        "Write it to stdout although that is a terminal, which shows it and may keep it",
        "即使标准输出是终端也照样写出；终端会显示并可能留存内容"))]
    pub yes: bool,
}

impl Args {
    pub fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let Context { machine, screen } = context;
        if self.out.is_none() && screen.is_json() {
            return Err(flag(
                "--json",
                word!("the entry itself would stand on stdout; give --out FILE", "标准输出要用于该文件本身；请指定 --out FILE"),
            ));
        }
        if self.out.is_none() && machine.shows_output() && !self.yes {
            return Err(flag(
                "reveal",
                word!(
                    "stdout is a terminal; give --out FILE, or --yes to have the secret shown",
                    "标准输出是终端；请指定 --out FILE，或用 --yes 直接显示机密"
                ),
            ));
        }
        let bundle = self.unseal.open(context, &self.bundle, &self.node)?;
        let (slice, _) = job::own_slice(&bundle, &self.node, machine)?;
        let mut entries: Vec<&EntryPath> = slice.entries().collect();
        entries.sort();
        entries.dedup();
        let found = entries.iter().find(|entry| self.means(entry)).and_then(|entry| bundle.material.get_key_value(*entry));
        let Some((entry, opened)) = found else {
            let names: Vec<String> = entries.iter().map(|entry| format!("`{entry}`")).collect();
            return Err(flag(
                "ENTRY",
                &text!(
                    "the slice of `{}` names no entry `{}`; it names {}", "`{}` 的节点内容中没有条目 `{}`；有 {}";
                    slice.node, self.entry, names.join(word!(", ", "、"))
                ),
            ));
        };
        match &self.out {
            None => screen.give(opened),
            Some(path) => {
                machine.write_argument(path, opened, 0o600)?;
                let text = text!(" {entry} to `{}`; delete it when it has served", "{entry} 到 `{}`；用完请删除"; path.display());
                screen.toned(Tone::Good, word!("written:", "已写入："), &text);
            }
        }
        Ok(Outcome::of(json!({ "node": { "name": slice.node }, "entry": entry, "out": self.out })))
    }

    /// Whether the operator means this entry: its whole path, or its file name, sealed or not.
    fn means(&self, entry: &EntryPath) -> bool {
        let open = entry.unsealed();
        let name = |entry: &EntryPath| entry.as_str().rsplit('/').next().map(str::to_owned);
        let wanted = self.entry.trim_start_matches("./");
        [entry.as_str(), open.as_str()].contains(&wanted) || [name(entry), name(&open)].iter().flatten().any(|name| name == wanted)
    }
}

fn flag(flag: &'static str, why: &str) -> Failure {
    Failure::Flag { flag, why: why.to_owned() }
}
