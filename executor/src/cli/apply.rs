//! `reseal-node apply`: do what the plan says. A second one changes nothing; one that was cut off is finished.

use serde_json::json;

use super::{
    Context, Outcome,
    job::{self, BundleArgs, Earlier, NodeArgs},
};
use crate::{
    bundle::Bundle,
    error::Failure,
    journal::{self, Begin, Phase, StepRecord},
    plan::Plan,
    preflight::{Refusal, Warning},
    present::{Tone, bundle_view, show_plan},
    run::{Driver, Run, RunFolder, Store},
};
use bundle_format::slice::Slice;

/// Renew the certificates of this node.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: `reseal-node --help` lists them.\n\nExample:\n  reseal-node apply site-7.tar.gz --signer SHA256:...")]
pub struct Args {
    #[command(flatten)]
    pub bundle: BundleArgs,
    #[command(flatten)]
    pub node: NodeArgs,
}

impl Args {
    pub fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let Context { machine, screen } = context;
        let bundle = self.bundle.read(context, self.node.wanted(machine))?;
        let (slice, evidence) = job::own_slice(&bundle, &self.node, machine)?;
        let store = Store::of(machine)?;
        let progress = |text: &str| screen.say(text);
        let driver = Driver { machine, store: &store, progress: &progress };

        let look = look(&driver, &bundle, slice, false, |plan| show_plan(screen, &bundle, slice.node.as_str(), evidence, plan))?;
        if !look.refusals.is_empty() {
            return Ok(Outcome { refusals: look.refusals, warnings: look.warnings, ..Outcome::default() });
        }
        let mut done = Vec::new();
        if look.earlier.to_finish.is_some() || !look.steps.is_empty() {
            let _lock = store.lock()?;
            done = work(&driver, &bundle, slice)?;
        }
        Ok(conclude(context, &bundle, slice, &done, look.warnings))
    }
}

/// The machine as one look finds it.
struct Look {
    steps: Vec<StepRecord>,
    earlier: Earlier,
    refusals: Vec<Refusal>,
    warnings: Vec<Warning>,
}

fn look(driver: &Driver<'_>, bundle: &Bundle, slice: &Slice, holds_lock: bool, show: impl Fn(&Plan<'_>)) -> Result<Look, Failure> {
    let facts = job::facts(bundle, slice, driver.machine, holds_lock)?;
    let mut earlier = Earlier::of(driver, bundle, slice)?;
    let plan = Plan::of(bundle, slice, &facts)?;
    show(&plan);
    let (refusals, warnings) = job::judge(bundle, slice, &plan, &facts, &mut earlier);
    Ok(Look { steps: plan.records(), earlier, refusals, warnings })
}

/// What is done under the lock: everything is looked at again, since another run may have ended between.
fn work(driver: &Driver<'_>, bundle: &Bundle, slice: &Slice) -> Result<Vec<Run>, Failure> {
    let mut done = Vec::new();
    let first = refused(look(driver, bundle, slice, true, |_| {})?)?;
    for mut run in first.earlier.stillborn {
        driver.abandon(&mut run)?;
    }
    let mut steps = first.steps;
    if let Some(run) = first.earlier.to_finish {
        (driver.progress)(&format!("going on with the interrupted run `{}`", run.folder.name));
        match run.state()?.phase {
            Phase::Undoing { .. } => drop(driver.roll_back(run, false)?),
            _ => done.push(driver.finish(run, &bundle.material)?),
        }
        steps = refused(look(driver, bundle, slice, true, |_| {})?)?.steps;
    }
    if !steps.is_empty() {
        done.push(driver.start(&begin(bundle, slice, steps), &bundle.material)?);
    }
    Ok(done)
}

fn refused(look: Look) -> Result<Look, Failure> {
    if look.refusals.is_empty() { Ok(look) } else { Err(Failure::Refused(look.refusals)) }
}

fn begin(bundle: &Bundle, slice: &Slice, steps: Vec<StepRecord>) -> Begin {
    Begin {
        version: journal::VERSION,
        executor: env!("CARGO_PKG_VERSION").to_owned(),
        bundle: bundle.complete.identity,
        site: slice.site.clone(),
        serial: slice.serial,
        signer: bundle.complete.signer,
        node: slice.node.clone(),
        steps,
    }
}

fn conclude(context: &Context, bundle: &Bundle, slice: &Slice, done: &[Run], warnings: Vec<Warning>) -> Outcome {
    let steps = done.iter().filter_map(|run| run.state().ok()?.begin).flat_map(|begin| &begin.steps);
    let targets: Vec<String> = steps.flat_map(StepRecord::files).map(|file| file.target.to_string()).collect();
    let run = done.last().map(|run| &run.folder);
    match run {
        Some(RunFolder { name, .. }) => {
            context.screen.toned(
                Tone::Good,
                "done:",
                &format!(" {} found on disk as the bundle has them; run `{name}`", count(targets.len())),
            );
            context.screen.say("`reseal-node rollback` takes it back");
        }
        None => context.screen.toned(Tone::Good, "nothing to do:", " this node is as the bundle wants it"),
    }
    let document = json!({
        "bundle": bundle_view(&bundle.complete),
        "node": { "name": slice.node },
        "outcome": if run.is_some() { "applied" } else { "nothing-to-do" },
        "run": run.map(|run| &run.name),
        "changed": targets,
    });
    Outcome { warnings, ..Outcome::of(document) }
}

fn count(files: usize) -> String {
    format!("{files} file{}", if files == 1 { "" } else { "s" })
}
