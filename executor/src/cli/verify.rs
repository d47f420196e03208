//! `reseal-node verify`: is the bundle whole, and whose is it? Changes nothing and needs no root.

use super::{Context, Outcome, job::BundleArgs};
use crate::{
    error::Failure,
    identity::Wanted,
    present::{Tone, show_bundle, verify_view},
};

/// Check a bundle: who signed it, whether it is whole, what it holds.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: `reseal-node --help` lists them.\n\nExample:\n  reseal-node verify site-7.tar.gz --signer SHA256:...")]
pub struct Args {
    #[command(flatten)]
    pub bundle: BundleArgs,
}

impl Args {
    pub fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let bundle = self.bundle.read(context, Wanted::Nobody)?;
        show_bundle(&context.screen, &bundle.complete);
        context.screen.toned(Tone::Good, "verified", "");
        Ok(Outcome::of(verify_view(&bundle)))
    }
}
