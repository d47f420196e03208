//! `reseal-node facts`: what is this node? For the workstation, before any bundle exists.

use std::path::PathBuf;

use bundle_format::{facts, slice::DatabaseConnection, word};
use serde_json::json;

use super::{Context, Outcome, services::DatabaseArgs};
use crate::{
    error::Failure,
    inventory::{self, Reach},
    node_identity,
    preflight::Refusal,
    present::{Tone, show_facts},
    shell::quoted,
};

/// Write down what this node is, for `reseal site init --facts`: names, addresses, roles, certificates; no secrets.
///
/// Makes the node's identity once, in `/var/lib/reseal/identity`, so that secrets can be sealed to this node alone; nothing else is
/// changed. Without `--out`, the facts go to stdout.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: `reseal-node --help` lists them.\n\nExample:\n  reseal-node facts --out /mnt/usb/$(hostname).facts.json"
)]
pub struct Args {
    /// Write the facts to this new file, which must not exist
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Make no identity: secrets cannot be sealed to this node then, unless it has one already
    #[arg(long)]
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
            None => screen.document(&text),
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
