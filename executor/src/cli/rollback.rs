//! `reseal-node rollback`: back to the former bytes, owners, modes and attributes. Needs no bundle.

use serde_json::json;

use super::{Context, Outcome};
use crate::{
    error::Failure,
    preflight::Refusal,
    present::Tone,
    run::{Driver, Run, Store},
};

/// Take the last run back that is not taken back yet.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: `reseal-node --help` lists them.\n\nExample:\n  reseal-node rollback")]
pub struct Args {
    /// Overwrite what others changed since.
    #[arg(long)]
    pub discard_changes: bool,
}

impl Args {
    pub fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let Context { machine, screen } = context;
        let store = Store::of(machine)?;
        if machine.lacks_root() {
            return Err(Refusal::NotRoot.into());
        }
        if last(&store)?.is_none() {
            screen.toned(Tone::Good, "nothing to do:", " there is no run to take back");
            return Ok(Outcome::of(json!({ "outcome": "nothing-to-do", "run": null })));
        }
        let _lock = store.lock()?;
        let Some(run) = last(&store)? else { return Ok(Outcome::of(json!({ "outcome": "nothing-to-do", "run": null }))) };
        let name = run.folder.name.clone();
        screen.say(&format!("taking back the run `{name}`"));
        let progress = |text: &str| screen.say(text);
        Driver { machine, store: &store, progress: &progress }.roll_back(run, self.discard_changes)?;
        screen.toned(Tone::Good, "done:", &format!(" every file of the run `{name}` is as it was before"));
        Ok(Outcome::of(json!({ "outcome": "rolled-back", "run": name })))
    }
}

fn last(store: &Store<'_>) -> Result<Option<Run>, Failure> {
    let mut found = None;
    for run in store.runs()? {
        if run.state()?.can_be_undone() {
            found = Some(run);
        }
    }
    Ok(found)
}
