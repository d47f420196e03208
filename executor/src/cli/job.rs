//! What `verify`, `plan` and `apply` have in common: the bundle, its signers, this node, and what stands against the plan.

use std::{collections::BTreeSet, path::PathBuf};

use bundle_format::{
    digest::{DigestError, Fingerprint, TypedFingerprint},
    name::NodeName,
    reader::BundleError,
    signature::{SignatureError, SignerPublicKey},
    slice::Slice,
    text, word,
};

use super::{
    Context,
    services::{DatabaseArgs, RestartArgs, database_options},
};
use crate::{
    bundle::Bundle,
    error::{Failure, Untrusted},
    facts::Facts,
    identity::{Evidence, Wanted},
    journal::{Deviation, Phase},
    machine::Machine,
    memory::{Keeper, Memory},
    plan::Plan,
    preflight::{self, Refusal, Warning},
    run::{Direction, Driver, Options, Run},
    services::Wishes,
    shell::quoted,
    trust,
};

/// Which bundle, and whose.
#[derive(Clone, Debug, clap::Args)]
pub struct BundleArgs {
    #[arg(value_name = "BUNDLE", help = word!(
        "The bundle: the tarball, or the folder that it was unpacked to [default: the one that this program lies in]",
        "证书包：tar 包，或解开后的目录 [默认：本程序所在的证书包]"))]
    pub path: Option<PathBuf>,
    #[arg(long = "signer", value_name = "SIGNER", help = word!(
        "Who may have signed it: a fingerprint `SHA256:...`, its first 22 characters or more, or a file with the public key; repeatable \
         [default: the signers that are pinned here]",
        "可信的签名人：指纹 `SHA256:...`，或其前 22 个以上字符，或公钥文件；可重复 [默认：本节点已固定的签名人]"))]
    pub signers: Vec<String>,
}

/// Which node.
#[derive(Clone, Debug, clap::Args)]
pub struct NodeArgs {
    #[arg(long, value_name = "NAME", help = word!(
        "This node's name in the bundle [default: found by host name, address or machine-id]",
        "本节点在证书包中的名称 [默认：按主机名、地址或 machine-id 查找]"))]
    pub node: Option<NodeName>,
}

/// How services and the Manager's database are dealt with.
#[derive(Clone, Debug, clap::Args)]
pub struct WorkArgs {
    #[arg(long, help = word!(
        "Apply a bundle older than the last one that was applied here; recorded",
        "允许执行比上次更旧的证书包；会被记录"))]
    pub allow_older: bool,
    #[arg(long, help = word!("Apply a bundle that is past its time; recorded", "允许执行已过时限的证书包；会被记录"))]
    pub accept_stale: bool,
    #[command(flatten)]
    pub restart: RestartArgs,
    #[arg(long, help_heading = database_options(), help = word!(
        "Leave the Manager's database to the SQL in the bundle; recorded",
        "不更新 Manager 数据库，留待用证书包中的 SQL 手工更新；会被记录"))]
    pub leave_database: bool,
    #[command(flatten)]
    pub database: DatabaseArgs,
}

impl WorkArgs {
    /// The words as they were typed, to repeat them in a hint.
    pub fn words(&self) -> Vec<String> {
        let flags = [(self.allow_older, "--allow-older"), (self.accept_stale, "--accept-stale"), (self.leave_database, "--leave-database")];
        let flags = flags.into_iter().filter(|(is_given, _)| *is_given).map(|(_, flag)| flag.to_owned());
        self.restart.words().into_iter().chain(flags).chain(self.database.words()).collect()
    }

    /// What a run is driven with.
    ///
    /// # Errors
    /// When the database's password cannot be had.
    pub fn options(&self, bundle: &Bundle, slice: &Slice, machine: &Machine) -> Result<Options, Failure> {
        let database = if machine.is_whole() { self.database.of_slice(slice, machine)? } else { None };
        let mut allowed = self.restart.allowed();
        let Bundle { complete, memory, .. } = bundle;
        let taken = [
            (self.leave_database && database.is_some(), Deviation::DatabaseLeft),
            (self.allow_older && memory.is_older(complete), Deviation::OlderAllowed),
            (self.accept_stale && machine.now() > complete.manifest.not_after, Deviation::StaleAccepted),
            (!memory.strangers(complete).is_empty(), Deviation::SignerAdded),
        ];
        allowed.extend(taken.into_iter().filter(|(is_taken, _)| *is_taken).map(|(_, what)| what));
        Ok(Options { allowed, database, ..Options::default() })
    }

    /// What is looked at.
    pub fn wishes<'a>(&self, options: &'a Options) -> Wishes<'a> {
        Wishes { database: options.database.as_ref().filter(|_| !self.leave_database) }
    }
}

impl BundleArgs {
    /// The words as they were typed, to repeat them in a hint.
    pub fn words(&self) -> Vec<String> {
        let path = self.path.iter().map(|path| path.display().to_string());
        let signers = self.signers.iter().flat_map(|signer| ["--signer".to_owned(), signer.clone()]);
        path.chain(signers).map(|word| quoted(&word)).collect()
    }

    /// Verifies and reads the bundle. Trusted are the signers that were named and those that are pinned here; where some are named,
    /// one of them must have signed.
    pub fn read(&self, context: &Context, wanted: Wanted) -> Result<Bundle, Failure> {
        let machine = &context.machine;
        let given = self.signers.iter().map(|value| signer(value, machine)).collect::<Result<Vec<_>, _>>()?;
        let path = match &self.path {
            Some(path) => path.clone(),
            None => machine.around_executable().ok_or(Failure::NoBundle)?,
        };
        context.screen.detail(&text!("reading `{}`", "正在读取 `{}`"; path.display()));
        let memory = Keeper::of(machine)?.read()?;
        let trusted = given.iter().cloned().chain(memory.pins.iter().map(|pin| pin.fingerprint.into())).collect();
        let hides_pins = machine.lacks_root();
        let untrusted = |found: Vec<Fingerprint>, memory: &Memory| {
            let pinned = memory.pins.iter().map(|pin| pin.fingerprint).collect();
            Failure::Untrusted(Box::new(Untrusted { found, given: given.clone(), pinned, hides_pins }))
        };
        let bundle = match Bundle::read(machine.open_bundle(&path)?, &trusted, wanted, memory.clone()) {
            Err(BundleError::Signature(SignatureError::NoneTrusted(found) | SignatureError::Stranger { found, .. })) => {
                return Err(untrusted(found, &memory));
            }
            bundle => bundle?,
        };
        let is_named = |signer: &Fingerprint| given.iter().any(|given| given.fits(signer));
        if !given.is_empty() && !bundle.complete.signers.iter().any(is_named) {
            return Err(untrusted(bundle.complete.signers, &bundle.memory));
        }
        Ok(bundle)
    }
}

fn signer(value: &str, machine: &Machine) -> Result<TypedFingerprint, Failure> {
    if value.starts_with("SHA256:") {
        return value.parse().map_err(|why: DigestError| Failure::Signer { value: value.to_owned(), why: why.to_string() });
    }
    whole_signer(value, machine).map(TypedFingerprint::from)
}

/// A signer who is named by a whole fingerprint, or by a file with the public key.
pub fn whole_signer(value: &str, machine: &Machine) -> Result<Fingerprint, Failure> {
    let refuse = |why: String| Failure::Signer { value: value.to_owned(), why };
    if value.starts_with("SHA256:") {
        return value.parse().map_err(|why: DigestError| refuse(why.to_string()));
    }
    let pem = machine.read_argument(value.as_ref()).map_err(|why| refuse(why.to_string()))?;
    SignerPublicKey::from_pem(&pem).map(|key| key.fingerprint()).map_err(|why| refuse(why.to_string()))
}

impl NodeArgs {
    /// The words as they were typed, to repeat them in a hint.
    pub fn words(&self) -> Vec<String> {
        self.node.iter().flat_map(|node| ["--node".to_owned(), node.to_string()]).collect()
    }

    /// How the node is to be found.
    pub fn wanted(&self, machine: &Machine) -> Wanted {
        match &self.node {
            Some(name) => Wanted::Named(name.clone()),
            None => Wanted::Host(machine.host()),
        }
    }
}

/// The slice of this node, and by what it was found. That the bundle is for this site is checked before.
pub fn own_slice<'a>(bundle: &'a Bundle, args: &NodeArgs, machine: &Machine) -> Result<(&'a Slice, Evidence), Failure> {
    let facts = Facts::gather(machine, bundle.manifest(), None);
    trust::same_site(&bundle.manifest().authorities, None, &facts)?;
    match (&bundle.slice, &bundle.fitting[..], &args.node) {
        (Some(slice), [(_, evidence)], _) => Ok((slice, *evidence)),
        (_, [], Some(name)) => Err(Refusal::NodeNotThere { name: name.clone(), nodes: bundle.nodes.clone() }.into()),
        (_, [], None) => Err(Refusal::NodeUnknown { host: machine.host(), nodes: bundle.nodes.clone() }.into()),
        (_, fitting, _) => Err(Refusal::NodeAmbiguous { nodes: fitting.iter().map(|(node, _)| node.clone()).collect() }.into()),
    }
}

/// What an earlier run means for this bundle.
pub struct Earlier {
    /// A run of this bundle that is to be finished first.
    pub to_finish: Option<Run>,
    /// Runs that ended before their first change and are not closed.
    pub stillborn: Vec<Run>,
    /// What stands against going on.
    pub refusals: Vec<Refusal>,
    /// What is worth saying.
    pub warnings: Vec<Warning>,
}

impl Earlier {
    /// Whether the run that is to be finished is not tried once more, unless the operator insists.
    pub fn is_exhausted(&self) -> bool {
        self.to_finish.as_ref().is_some_and(|run| run.state().is_ok_and(|state| state.is_exhausted()))
    }

    /// The name of the run that is to be finished first.
    pub fn continues(&self) -> Option<&str> {
        self.to_finish.as_ref().map(|run| run.folder.name.as_str())
    }

    /// Looks at all runs.
    pub fn of(driver: &Driver<'_>, bundle: &Bundle, slice: &Slice) -> Result<Self, Failure> {
        let mut earlier = Self { to_finish: None, stillborn: Vec::new(), refusals: Vec::new(), warnings: Vec::new() };
        if driver.machine.lacks_root() {
            return Ok(earlier); // What root did is closed to others, and they are refused anyway.
        }
        for run in driver.store.runs()? {
            let state = run.state()?;
            let is_same = state.begin.is_some_and(|begin| begin.bundle == bundle.complete.identity && begin.node == slice.node);
            let name = || run.folder.name.clone();
            if run.history.is_torn {
                earlier.warnings.push(Warning::TornJournal(name()));
            }
            if state.is_stillborn() {
                earlier.stillborn.push(run);
            } else if state.is_unfinished() && !is_same {
                earlier.refusals.push(Refusal::Unfinished { run: name() });
            } else if state.is_unfinished() {
                let overwrites = matches!(state.phase, Phase::Undoing { discard_changes: true, .. });
                let changed = driver.changed_since(&run, Direction::Forward)?;
                if !overwrites {
                    earlier.refusals.extend(changed);
                }
                // Where the database does not answer, the preflight refuses for that.
                let keys = driver.rows_changed_since(&run, Direction::Forward).unwrap_or_default();
                if !keys.is_empty() && !overwrites {
                    earlier.refusals.push(Refusal::RowsChangedSince { run: name(), keys });
                }
                earlier.to_finish = Some(run);
            }
        }
        Ok(earlier)
    }
}

/// Looks at the machine for a slice, once it is clear that the bundle is for this site.
pub fn facts(bundle: &Bundle, slice: &Slice, machine: &Machine, holds_lock: bool, wishes: Wishes<'_>) -> Result<Facts, Failure> {
    let mut facts = Facts::gather(machine, bundle.manifest(), Some(slice));
    if holds_lock {
        facts.other_run = None;
    }
    trust::same_site(&bundle.manifest().authorities, Some(slice), &facts)?;
    Ok(facts.with_services(machine, slice, wishes))
}

/// The plan for a slice; where an interrupted run of it is to be finished, in the mode in which that began.
pub fn plan<'a>(bundle: &'a Bundle, slice: &'a Slice, facts: &'a Facts, earlier: &Earlier) -> Result<Plan<'a>, Failure> {
    let plan = Plan::of(bundle, slice, facts)?;
    let begin = earlier.to_finish.as_ref().map(Run::state).transpose()?.and_then(|state| state.begin);
    Ok(match begin {
        Some(begin) => plan.going_on_from(facts, begin.first_end.clone()),
        None => plan,
    })
}

/// Everything that stands against a plan and everything worth saying about it.
pub fn judge(
    bundle: &Bundle,
    slice: &Slice,
    plan: &Plan<'_>,
    facts: &Facts,
    earlier: &mut Earlier,
    allowed: &BTreeSet<Deviation>,
) -> (Vec<Refusal>, Vec<Warning>) {
    let mut refusals = preflight::refusals(bundle, slice, plan, facts, allowed);
    refusals.append(&mut earlier.refusals);
    let mut warnings = preflight::warnings(bundle, plan, facts);
    if earlier.to_finish.is_none()
        && let Some(stale) = preflight::stale(bundle, plan, facts, allowed)
    {
        refusals.push(stale);
        warnings.retain(|warning| !matches!(warning, Warning::Late { .. }));
    }
    warnings.append(&mut earlier.warnings);
    (refusals, warnings)
}
