//! `reseal-node plan`: what would `apply` do here? Changes nothing.

use bundle_format::word;
use serde_json::json;

use super::{
    Context, Outcome, examples,
    job::{self, BundleArgs, Earlier, NodeArgs, WorkArgs},
    unsealing::UnsealArgs,
};
use crate::{
    error::Failure,
    present::{PlanView, bundle_view, forward, services_view, show_intents, show_outlook, show_plan},
    run::{Driver, Store},
};

#[derive(Debug, clap::Args)]
#[command(about = word!(
    "Show what `apply` would do on this node, and what stands against it",
    "显示 `apply` 将在本节点做什么，以及有什么妨碍"
), after_help = examples(&["plan site-7.tar.gz --signer SHA256:..."]))]
pub struct Args {
    #[command(flatten)]
    pub bundle: BundleArgs,
    #[command(flatten)]
    pub node: NodeArgs,
    #[command(flatten)]
    pub unseal: UnsealArgs,
    #[command(flatten)]
    pub work: WorkArgs,
}

impl Args {
    pub fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let Context { machine, screen } = context;
        let bundle = self.unseal.open(context, &self.bundle, &self.node)?;
        bundle.memory.admit(&bundle.complete, self.work.allow_older)?;
        let (slice, evidence) = job::own_slice(&bundle, &self.node, machine)?;
        let store = Store::of(machine)?;
        let driver = Driver { machine, store: &store, progress: &|_| {}, options: self.work.options(&bundle, slice, machine)? };
        let facts = job::facts(&bundle, slice, machine, false, self.work.wishes(&driver.options))?;
        let mut earlier = Earlier::of(&driver, &bundle, slice)?;
        let plan = job::plan(&bundle, slice, &facts, &earlier)?;
        let (refusals, warnings) = job::judge(&bundle, slice, &plan, &facts, &mut earlier, &driver.options.allowed);
        let view = PlanView::of(&plan, bundle.manifest(), slice);
        let intents = earlier.to_finish.as_ref().map_or_else(Vec::new, |run| forward(run, machine));
        show_plan(screen, &bundle, slice, evidence, &facts, &plan);
        show_outlook(screen, refusals.len(), &view, earlier.continues(), earlier.is_exhausted());
        show_intents(screen, &intents);
        let document = json!({
            "bundle": bundle_view(&bundle.complete),
            "node": { "name": slice.node, "known_by": evidence },
            "mode": plan.mode,
            "steps": view.steps,
            "changes": view.changes,
            "restarts": view.restarts,
            "rows": view.rows,
            "down": view.down,
            "services": services_view(&facts),
            "continues": earlier.continues(),
            "exhausted": earlier.is_exhausted(),
            "apply_does": intents,
        });
        Ok(Outcome { warnings, refusals, ..Outcome::of(document) })
    }
}
