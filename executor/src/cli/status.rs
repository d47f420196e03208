//! `reseal-node status`: what was done here, and what could be done next? Changes nothing and needs no bundle.

use serde_json::json;

use super::{Context, Outcome};
use crate::{
    error::Failure,
    present::{StatusView, show_status},
    run::Store,
};

/// Show the last run and where each of its files stands.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: `reseal-node --help` lists them.\n\nExample:\n  reseal-node status --json")]
pub struct Args {}

impl Args {
    #[allow(clippy::unused_self, reason = "all commands are run alike")]
    pub fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let runs = Store::of(&context.machine)?.runs()?;
        let view = StatusView::of(&runs, &context.machine);
        show_status(&context.screen, &view);
        Ok(Outcome::of(json!(view)))
    }
}
