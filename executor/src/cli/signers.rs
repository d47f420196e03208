//! `reseal-node signers`: whose bundles this node takes, and how far its site has come. Lists, adds, removes and forgets.

use std::collections::BTreeSet;

use bundle_format::{
    digest::{Fingerprint, TypedFingerprint},
    name::SiteName,
    text, word,
};
use serde_json::json;

use super::{Context, Outcome, examples, job};
use crate::{
    error::Failure,
    memory::{Floor, Keeper, Lesson, Memory, Pin},
    preflight::{Refusal, Warning},
    present::{Tone, show_memory},
    run::Store,
    shell::quoted,
};

#[derive(Debug, clap::Args)]
#[command(about = word!(
    "Show and change whose bundles this node takes without `--signer`",
    "查看和更改本节点无需 `--signer` 即接受其证书包的签名人"
), long_about = word!(
    "The signers of a bundle are pinned once it was applied here.",
    "证书包在本节点执行成功后，其签名人即被固定（信任）。"
), after_help = examples(&["signers", "signers add SHA256:...", "signers remove SHA256:..."]))]
pub struct Args {
    #[command(subcommand)]
    pub change: Option<Change>,
}

/// What is changed.
#[derive(Debug, clap::Subcommand)]
pub enum Change {
    #[command(about = word!("Take the bundles of a signer from now on", "从现在起接受某签名人的证书包"))]
    Add {
        #[arg(value_name = "SIGNER", help = word!(
            "A whole fingerprint `SHA256:...`, or a file with the public key",
            "完整的指纹 `SHA256:...`，或公钥文件"))]
        signer: String,
    },
    #[command(about = word!(
        "Forget how far a site has come: its serial, and how many signers it needs",
        "忘记某站点的进度：其序号和所需的签名人数"
    ))]
    Forget {
        #[arg(value_name = "SITE", help = word!("The site", "站点"))]
        site: SiteName,
        #[arg(long, help = word!("Do not ask", "不再询问"))]
        yes: bool,
    },
    #[command(about = word!("Take the bundles of a signer no longer", "不再接受某签名人的证书包"))]
    Remove {
        #[arg(value_name = "SIGNER", help = word!(
            "A fingerprint `SHA256:...`, or its first 22 characters or more",
            "指纹 `SHA256:...`，或其前 22 个以上字符"))]
        signer: TypedFingerprint,
        #[arg(long, help = word!("Do not ask", "不再询问"))]
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
