//! `reseal-node rollback`: back to the former bytes, owners, modes and attributes. Needs no bundle.

use serde_json::json;

use super::{
    Context, Outcome,
    services::{DatabaseArgs, RestartArgs},
};
use crate::{
    error::Failure,
    journal::StepRecord,
    machine::Machine,
    preflight::Refusal,
    present::Tone,
    run::{Driver, Options, Run, Store},
};

/// Take the last run back that is not taken back yet.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: `reseal-node --help` lists them.\n\nExample:\n  reseal-node rollback")]
pub struct Args {
    /// Overwrite what others changed since.
    #[arg(long)]
    pub discard_changes: bool,
    /// Go on although this was tried five times and came no further; recorded
    #[arg(long)]
    pub try_again: bool,
    #[command(flatten)]
    pub restart: RestartArgs,
    #[command(flatten)]
    pub database: DatabaseArgs,
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
        let options = self.options(&run, machine)?;
        machine.heed_signals()?;
        Driver { machine, store: &store, progress: &progress, options }.roll_back(run, self.discard_changes)?;
        screen.toned(Tone::Good, "done:", &format!(" all that the run `{name}` changed is as it was before"));
        Ok(Outcome::of(json!({ "outcome": "rolled-back", "run": name })))
    }
}

impl Args {
    /// The database is reached as the run's step knew it, unless flags say otherwise.
    fn options(&self, run: &Run, machine: &Machine) -> Result<Options, Failure> {
        let steps = run.state()?.begin.map(|begin| begin.steps.as_slice()).unwrap_or_default();
        let connection = steps.iter().find_map(|step| match step {
            StepRecord::UpdateDatabase { step, .. } => Some(&step.connection),
            _ => None,
        });
        let database = connection.map(|connection| self.database.reach(connection, machine)).transpose()?;
        Ok(Options { allowed: self.restart.allowed(), database, tries_again: self.try_again, ..Options::default() })
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
