//! `reseal-node verify`: is the bundle whole, and whose is it? Changes nothing and needs no root.

use bundle_format::word;

use super::{Context, Outcome, examples, job::BundleArgs};
use crate::{
    error::Failure,
    identity::Wanted,
    preflight,
    present::{Tone, show_bundle, verify_view},
};

#[derive(Debug, clap::Args)]
#[command(about = word!(
    "Check a bundle: who signed it, whether it is whole, what it holds",
    "校验证书包：由谁签名、是否完整、包含什么"
), after_help = examples(&["verify site-7.tar.gz --signer SHA256:..."]))]
pub struct Args {
    #[command(flatten)]
    pub bundle: BundleArgs,
    #[arg(long, help = word!(
        "Accept a bundle older than the last one that was applied here",
        "接受比上次执行的更旧的证书包"))]
    pub allow_older: bool,
}

impl Args {
    pub fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let bundle = self.bundle.read(context, Wanted::Nobody)?;
        bundle.memory.admit(&bundle.complete, self.allow_older)?;
        show_bundle(&context.screen, &bundle.complete);
        context.screen.toned(Tone::Good, word!("verified", "校验通过"), "");
        // No document is made for nobody: that of a large site takes memory.
        let outcome = if context.screen.is_json() { Outcome::of(verify_view(&bundle)) } else { Outcome::default() };
        Ok(Outcome { warnings: preflight::of_signers(&bundle), ..outcome })
    }
}
