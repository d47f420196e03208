//! `reseal-node plan`: what would `apply` do here? Changes nothing.

use serde_json::json;

use super::{
    Context, Outcome,
    job::{self, BundleArgs, Earlier, NodeArgs},
};
use crate::{
    error::Failure,
    plan::Plan,
    present::{PlanView, Tone, bundle_view, show_plan},
    run::{Driver, Store},
};

/// Show what `apply` would do on this node, and what stands against it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: `reseal-node --help` lists them.\n\nExample:\n  reseal-node plan site-7.tar.gz --signer SHA256:...")]
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
        let driver = Driver { machine, store: &store, progress: &|_| {} };
        let facts = job::facts(&bundle, slice, machine, false)?;
        let mut earlier = Earlier::of(&driver, &bundle, slice)?;
        let plan = Plan::of(&bundle, slice, &facts)?;
        let (refusals, warnings) = job::judge(&bundle, slice, &plan, &facts, &mut earlier);
        let view = PlanView::of(&plan, bundle.manifest());
        let continues = earlier.to_finish.map(|run| run.folder.name);
        show_plan(screen, &bundle, slice.node.as_str(), evidence, &plan);
        screen.toned(Tone::Bold, "then", &format!("    {}", outlook(refusals.len(), view.changes, continues.as_deref())));
        let document = json!({
            "bundle": bundle_view(&bundle.complete),
            "node": { "name": slice.node, "known_by": evidence },
            "steps": view.steps,
            "changes": view.changes,
            "continues": continues,
        });
        Ok(Outcome { warnings, refusals, ..Outcome::of(document) })
    }
}

fn outlook(refusals: usize, changes: usize, continues: Option<&str>) -> String {
    match (refusals, changes, continues) {
        (0, 0, None) => "`apply` has nothing to do: this node is as the bundle wants it".to_owned(),
        (0, _, Some(run)) => format!("`apply` finishes the interrupted run `{run}` with its own backups"),
        (0, changes, None) => {
            format!("`apply` backs up, changes {changes} file{}, and looks at the result", if changes == 1 { "" } else { "s" })
        }
        (refusals, _, _) => format!("`apply` is refused, for {refusals} reason{}", if refusals == 1 { "" } else { "s" }),
    }
}
