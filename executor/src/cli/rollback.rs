//! `reseal-node rollback`: back to the former bytes, owners, modes and attributes. Needs no bundle.

use bundle_format::{receipt::Command, text, word};
use serde_json::json;

use super::{
    Context, Outcome, examples, receipt,
    services::{DatabaseArgs, RestartArgs},
};
use crate::{
    error::{Exit, Failure},
    journal::StepRecord,
    machine::Machine,
    preflight::Refusal,
    present::{Ticker, Tone},
    run::{Driver, Options, Run, Store},
};

#[derive(Debug, clap::Args)]
#[command(about = word!(
    "Take the last run back that is not taken back yet",
    "回滚最近一次尚未回滚的执行"
), after_help = examples(&["rollback"]))]
pub struct Args {
    #[arg(long, help = word!("Overwrite what others changed since", "覆盖此后被他人改动过的内容"))]
    pub discard_changes: bool,
    #[arg(long, help = word!(
        "Go on although this was tried five times and came no further; recorded",
        "已尝试五次仍无进展时，继续执行；会被记录"))]
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
            let text = word!(" there is no run to take back", "没有可回滚的执行");
            screen.toned(Tone::Good, word!("nothing to do:", "无事可做："), text);
            return Ok(Outcome::of(json!({ "outcome": "nothing-to-do", "run": null })));
        }
        let _lock = store.lock()?;
        let mut warnings = receipt::settle(context, &store, None);
        let Some(run) = last(&store)? else { return Ok(Outcome::of(json!({ "outcome": "nothing-to-do", "run": null }))) };
        let name = run.folder.name.clone();
        screen.say(&text!("taking back the run `{name}`", "正在回滚执行 `{name}`"));
        let ticker = Ticker::new(screen, machine);
        let options = self.options(&run, machine)?;
        machine.heed_signals()?;
        let rolled = Driver { machine, store: &store, progress: &|event| ticker.tell(event), options }.roll_back(run, self.discard_changes);
        let rolled = rolled.map_err(Failure::from);
        warnings.extend(receipt::settle(context, &store, Some(&receipt::ended(Command::Rollback, &rolled, Exit::Done))));
        if let Err(failure) = rolled {
            for warning in &warnings {
                screen.warn(&warning.to_string());
            }
            return Err(failure);
        }
        let text = text!(" all that the run `{name}` changed is as it was before", "执行 `{name}` 更改的一切都已恢复原状");
        screen.toned(Tone::Good, word!("done:", "完成："), &text);
        Ok(Outcome { warnings, ..Outcome::of(json!({ "outcome": "rolled-back", "run": name })) })
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
