//! `reseal-node facts`: what is this node? For the workstation, before any bundle exists.

use std::path::PathBuf;

use bundle_format::{facts, slice::DatabaseConnection, word};
use serde_json::json;

use super::{Context, Outcome, examples, services::DatabaseArgs};
use crate::{
    error::Failure,
    inventory::{self, Reach},
    node_identity,
    preflight::Refusal,
    present::{Tone, show_facts},
    shell::quoted,
};

#[derive(Debug, clap::Args)]
#[command(about = word!(
    "Write down what this node is, for `reseal site init --facts`: names, addresses, roles, certificates; no secrets",
    "写下本节点的情况，供 `reseal site init --facts` 使用：名称、地址、角色、证书；不含机密"
), long_about = word!(
    "Makes the node's identity once, in `/var/lib/reseal/identity`, so that secrets can be sealed to this node alone; nothing else is changed. \
     Without `--out`, the facts go to stdout.",
    "首次执行时在 `/var/lib/reseal/identity` 生成节点身份密钥，使机密可以只为本节点加密封存；不改动其他任何内容。未指定 `--out` 时，写到标准输出。"
), after_help = examples(&["facts --out /mnt/usb/$(hostname).facts.json"]))]
pub struct Args {
    #[arg(long, value_name = "FILE", help = word!("Write the facts to this new file, which must not exist", "写入这个新文件，文件不得已存在"))]
    pub out: Option<PathBuf>,
    #[arg(long, help = word!(
        "Make no identity: secrets cannot be sealed to this node then, unless it has one already",
        "不生成节点身份密钥：若本节点还没有，机密就不能为本节点加密封存"))]
    pub no_identity: bool,
    #[command(flatten)]
    pub database: DatabaseArgs,
}

impl Args {
    pub fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let Context { machine, screen } = context;
        if machine.lacks_root() {
            return Err(Refusal::NotRoot.into());
        }
        let reach = if machine.is_whole() { Some(self.reach(context)?) } else { None };
        let recipient = node_identity::recipient(machine, !self.no_identity)?;
        let facts = inventory::gather(machine, recipient, reach.as_ref());
        let text = facts::write(&facts)?;
        match &self.out {
            Some(path) => machine.write_argument(path, text.as_bytes(), 0o644).map_err(Failure::Out)?,
            None if screen.is_json() => {}
            None => screen.data(&text),
        }
        show_facts(screen, &facts);
        if let Some(path) = &self.out {
            screen.row(Tone::Plain, word!("written", "已写入"), &path.display().to_string());
        }
        Ok(Outcome::of(json!({ "facts": facts, "out": self.out })))
    }

    fn reach(&self, context: &Context) -> Result<Reach, Failure> {
        let place = self.database.place(&context.machine);
        let database = self.database.reach(&place, &context.machine)?;
        Ok(Reach {
            place: DatabaseConnection { user: self.database.user(), ..place },
            database,
            is_named: !self.database.words().is_empty(),
        })
    }

    /// The words as they were typed, to repeat them in a hint.
    pub fn words(&self) -> Vec<String> {
        let out = self.out.iter().flat_map(|path| ["--out".to_owned(), quoted(&path.display().to_string())]);
        let no_identity = self.no_identity.then(|| "--no-identity".to_owned());
        out.chain(no_identity).chain(self.database.words()).collect()
    }
}
