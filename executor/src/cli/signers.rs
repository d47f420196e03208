//! `reseal-node signers`: whose bundles this node takes, and how far its site has come. Lists, adds, removes and forgets.

use std::collections::BTreeSet;

use bundle_format::{
    digest::{Fingerprint, TypedFingerprint},
    name::SiteName,
    text, word,
};
use serde_json::json;

use super::{Context, Outcome, job};
use crate::{
    error::Failure,
    memory::{Floor, Keeper, Lesson, Memory, Pin},
    preflight::{Refusal, Warning},
    present::{Tone, show_memory},
    run::Store,
    shell::quoted,
};

/// Show and change whose bundles this node takes without `--signer`.
///
/// The signers of a bundle are pinned once it was applied here.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: `reseal-node --help` lists them.\n\nExamples:\n  reseal-node signers\n  reseal-node signers add SHA256:...\n  reseal-node signers remove SHA256:..."
)]
pub struct Args {
    #[command(subcommand)]
    pub change: Option<Change>,
}

/// What is changed.
#[derive(Debug, clap::Subcommand)]
pub enum Change {
    /// Take the bundles of a signer from now on
    Add {
        /// A whole fingerprint `SHA256:...`, or a file with the public key
        #[arg(value_name = "SIGNER")]
        signer: String,
    },
    /// Forget how far a site has come: its serial, and how many signers it needs
    Forget {
        /// The site
        #[arg(value_name = "SITE")]
        site: SiteName,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Take the bundles of a signer no longer
    Remove {
        /// A fingerprint `SHA256:...`, or its first 22 characters or more
        #[arg(value_name = "SIGNER")]
        signer: TypedFingerprint,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

impl Args {
    /// The words as they were typed, to repeat them in a hint.
    pub fn words(&self) -> Vec<String> {
        let (change, what) = match &self.change {
            None => return Vec::new(),
            Some(Change::Add { signer }) => ("add", quoted(signer)),
            Some(Change::Forget { site, .. }) => ("forget", site.to_string()),
            Some(Change::Remove { signer, .. }) => ("remove", signer.to_string()),
        };
        vec![change.to_owned(), what]
    }

    pub fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        if context.machine.lacks_root() {
            return Err(Refusal::NotRoot.into());
        }
        let keeper = Keeper::of(&context.machine)?;
        let mut warnings = Vec::new();
        if let Some(change) = &self.change {
            let _lock = Store::of(&context.machine)?.lock()?;
            warnings = change.make(context, &keeper)?;
        }
        let memory = keeper.read()?;
        show_memory(&context.screen, &memory);
        Ok(Outcome { warnings, ..Outcome::of(json!({ "signers": memory.pins, "sites": memory.floors })) })
    }
}

impl Change {
    fn make(&self, context: &Context, keeper: &Keeper<'_>) -> Result<Vec<Warning>, Failure> {
        let memory = keeper.read()?;
        match self {
            Self::Add { signer } => add(context, keeper, &memory, job::whole_signer(signer, &context.machine)?)?,
            Self::Forget { site, yes } => forget(context, keeper, &memory, site, *yes)?,
            Self::Remove { signer, yes } => return remove(context, keeper, &memory, signer, *yes),
        }
        Ok(Vec::new())
    }
}

fn add(context: &Context, keeper: &Keeper<'_>, memory: &Memory, signer: Fingerprint) -> Result<(), Failure> {
    if memory.has_pinned(&signer) {
        let text = text!(" {signer} is pinned already", "{signer} 已固定");
        context.screen.toned(Tone::Good, word!("nothing to do:", "无事可做："), &text);
        return Ok(());
    }
    keeper.write(&Lesson { pins: vec![Pin::by_hand(signer, context.machine.now())], floor: None })?;
    let text = text!(" bundles of {signer} are taken from now on", "从现在起接受 {signer} 的证书包");
    context.screen.toned(Tone::Good, word!("done:", "完成："), &text);
    Ok(())
}

fn remove(context: &Context, keeper: &Keeper<'_>, memory: &Memory, signer: &TypedFingerprint, yes: bool) -> Result<Vec<Warning>, Failure> {
    let Some(pin) = memory.pins.iter().find(|pin| signer.fits(&pin.fingerprint)) else {
        let pinned = memory.pins.iter().map(|pin| pin.fingerprint).collect();
        return Err(Failure::NotPinned { signer: signer.clone(), pinned });
    };
    agree(context, yes, &text!("bundles of {} will be refused here", "此处将不再接受 {} 的证书包"; pin.fingerprint))?;
    keeper.forget_signer(pin)?;
    let text = text!(" bundles of {} are refused from now on", "从现在起不再接受 {} 的证书包"; pin.fingerprint);
    context.screen.toned(Tone::Good, word!("done:", "完成："), &text);
    let left = memory.pins.len() - 1;
    let needs = memory.floors.iter().map(|floor| usize::from(floor.needs_signers)).max().unwrap_or(0);
    Ok(if left < needs { vec![Warning::FewPinned { left, needs }] } else { Vec::new() })
}

fn forget(context: &Context, keeper: &Keeper<'_>, memory: &Memory, site: &SiteName, yes: bool) -> Result<(), Failure> {
    let Some(floor) = memory.floors.iter().find(|floor| floor.site == *site) else {
        let known: BTreeSet<&str> = memory.floors.iter().map(|floor| floor.site.as_str()).collect();
        let known = if known.is_empty() { text!("none", "无") } else { known.into_iter().collect::<Vec<_>>().join(", ") };
        return Err(Failure::NoSite { site: site.clone(), known });
    };
    let Floor { serial, needs_signers, .. } = floor;
    agree(
        context,
        yes,
        &text!(
            "any serial of `{site}` will be taken here, not only above {serial}, with as many signers as the bundle says, not at least {needs_signers}",
            "此处将接受站点 `{site}` 的任何序号，不再要求大于 {serial}；签名人数以证书包为准，不再要求至少 {needs_signers} 个"
        ),
    )?;
    keeper.forget_site(floor)?;
    let text = text!(" the site `{site}` is forgotten", "已忘记站点 `{site}`");
    context.screen.toned(Tone::Good, word!("done:", "完成："), &text);
    Ok(())
}

/// A person's consent: by flag, or typed.
fn agree(context: &Context, yes: bool, consequence: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let refused = |why: String| Failure::NotAgreed { consequence: consequence.to_owned(), why };
    if !context.machine.has_person() {
        return Err(refused(text!("there is nobody at the console to ask", "没有人可询问")));
    }
    let answer =
        context.machine.ask_line(&text!("{consequence}. To go on, type yes: ", "{consequence}。输入 yes 以继续：")).unwrap_or_default();
    if answer == "yes" { Ok(()) } else { Err(refused(text!("nothing was changed", "没有任何改动"))) }
}
