//! `reseal-node apply`: do what the plan says. A second one changes nothing; one that was cut off is finished.

use bundle_format::{
    digest::Fingerprint,
    language::counted,
    slice::{Slice, Step},
    text, word,
};
use serde_json::{Value, json};

use super::{
    Context, Outcome, examples,
    job::{self, BundleArgs, Earlier, NodeArgs, WorkArgs},
    unsealing::UnsealArgs,
};
use crate::{
    bundle::Bundle,
    cluster,
    error::Failure,
    facts::Facts,
    journal::{self, Begin, Deviation, DiskEnd, Phase, StepRecord},
    machine::Machine,
    memory::Keeper,
    plan::Plan,
    preflight::{Refusal, Warning, services::is_outage_alone},
    present::{Tone, bundle_view, show_plan},
    quorum::Progress,
    run::{self, Driver, Run, RunFolder, Store},
};

#[derive(Debug, clap::Args)]
#[command(about = word!("Renew the certificates of this node", "续签本节点的证书"), after_help = examples(&["apply site-7.tar.gz --signer SHA256:..."]))]
pub struct Args {
    #[command(flatten)]
    pub bundle: BundleArgs,
    #[command(flatten)]
    pub node: NodeArgs,
    #[arg(long, help = word!(
        "Stop before the first restart: files and rows now, services at the next `apply`",
        "在第一次重启之前停下：现在更换文件和数据库行，下次 `apply` 再重启服务"))]
    pub pause_before_restart: bool,
    #[arg(long, help = word!(
        "Go on although this was tried five times and came no further; recorded",
        "已尝试五次仍无进展时，继续执行；会被记录"))]
    pub try_again: bool,
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
        let progress = |text: &str| screen.say(text);
        let mut options = self.work.options(&bundle, slice, machine)?;
        options.pauses_before_restart = self.pause_before_restart;
        options.tries_again = self.try_again;
        let mut driver = Driver { machine, store: &store, progress: &progress, options };

        let show = |facts: &Facts, plan: &Plan<'_>| {
            show_plan(screen, &bundle, slice, evidence, facts, plan);
        };
        let mut look = self.look(&driver, &bundle, slice, false, show)?;
        if is_outage_alone(&look.refusals) && accepts_outage(context, slice, &look.refusals) {
            let _ = driver.options.allowed.insert(Deviation::OutageAccepted);
            look = self.look(&driver, &bundle, slice, false, |_, _| {})?;
        }
        if !look.refusals.is_empty() {
            return Ok(Outcome { refusals: look.refusals, warnings: look.warnings, ..Outcome::default() });
        }
        let has_work = look.earlier.to_finish.is_some() || !look.steps.is_empty();
        let mut work = Work::default();
        if has_work {
            // Until here a signal may end the program at once: nothing is begun.
            machine.heed_signals()?;
        }
        if has_work || !bundle.memory.learn(&bundle.complete, machine.now()).is_empty() {
            let _lock = store.lock()?;
            Keeper::of(machine)?.read()?.admit(&bundle.complete, self.work.allow_older)?;
            if has_work {
                work = self.work(&driver, &bundle, slice)?;
            }
            work.remember(machine, &bundle);
        }
        look.warnings.append(&mut work.warnings);
        Ok(conclude(context, &bundle, slice, &work, look.warnings))
    }

    fn look(
        &self,
        driver: &Driver<'_>,
        bundle: &Bundle,
        slice: &Slice,
        holds_lock: bool,
        show: impl Fn(&Facts, &Plan<'_>),
    ) -> Result<Look, Failure> {
        let facts = job::facts(bundle, slice, driver.machine, holds_lock, self.work.wishes(&driver.options))?;
        let mut earlier = Earlier::of(driver, bundle, slice)?;
        let plan = job::plan(bundle, slice, &facts, &earlier)?;
        show(&facts, &plan);
        let (refusals, warnings) = job::judge(bundle, slice, &plan, &facts, &mut earlier, &driver.options.allowed);
        Ok(Look { steps: plan.records(), first_end: plan.first_end, earlier, refusals, warnings })
    }

    /// What is done under the lock: everything is looked at again, since another run may have ended between.
    fn work(&self, driver: &Driver<'_>, bundle: &Bundle, slice: &Slice) -> Result<Work, Failure> {
        let mut work = Work::default();
        let mut look = refused(self.look(driver, bundle, slice, true, |_, _| {})?)?;
        for run in &mut look.earlier.stillborn {
            driver.abandon(run)?;
        }
        if let Some(run) = look.earlier.to_finish.take() {
            (driver.progress)(&text!("going on with the interrupted run `{}`", "继续中断的执行 `{}`"; run.folder.name));
            match run.state()?.phase {
                Phase::Undoing { .. } => drop(driver.roll_back(run, false)?),
                _ => work.take(driver.go_on(run, &bundle.material)?),
            }
            if work.paused.is_some() {
                return Ok(work);
            }
            look = refused(self.look(driver, bundle, slice, true, |_, _| {})?)?;
        }
        if !look.steps.is_empty() {
            let begin = begin(bundle, slice, look.steps, look.first_end);
            work.take(driver.start(&begin, &bundle.material)?);
        }
        Ok(work)
    }
}

/// The machine as one look finds it.
struct Look {
    steps: Vec<StepRecord>,
    first_end: Option<DiskEnd>,
    earlier: Earlier,
    refusals: Vec<Refusal>,
    warnings: Vec<Warning>,
}

/// What a call has done.
#[derive(Default)]
struct Work {
    done: Vec<Run>,
    paused: Option<Run>,
    pinned: Vec<Fingerprint>,
    warnings: Vec<Warning>,
}

impl Work {
    fn take(&mut self, outcome: run::Outcome) {
        match outcome {
            run::Outcome::Applied(run) => self.done.push(run),
            run::Outcome::Paused(run) => self.paused = Some(run),
        }
    }

    /// Once all is done: whose bundle it was, of which site and serial. What is done is done, so a failure is a warning.
    fn remember(&mut self, machine: &Machine, bundle: &Bundle) {
        if self.paused.is_some() {
            return;
        }
        let remembered = Keeper::of(machine).and_then(|keeper| {
            let memory = keeper.read()?;
            let lesson = memory.learn(&bundle.complete, machine.now());
            keeper.write(&lesson)?;
            Ok(lesson.pins.into_iter().map(|pin| pin.fingerprint).filter(|signer| !memory.has_pinned(signer)).collect())
        });
        match remembered {
            Ok(pinned) => self.pinned = pinned,
            Err(why) => self.warnings.push(Warning::Forgotten(why.to_string())),
        }
    }
}

/// Whether a person at the console agrees, by typing the node's name, that etcd is down meanwhile.
fn accepts_outage(context: &Context, slice: &Slice, refusals: &[Refusal]) -> bool {
    if !context.machine.has_person() {
        return false;
    }
    for refusal in refusals {
        context.screen.warn(&refusal.to_string());
    }
    let question = text!("if that is agreed, type the name of this node, {}: ", "如果同意，请输入本节点的名称 {}："; slice.node);
    context.machine.ask_line(&question).is_ok_and(|answer| answer == slice.node.as_str())
}

fn refused(look: Look) -> Result<Look, Failure> {
    if look.refusals.is_empty() { Ok(look) } else { Err(Failure::Refused(look.refusals)) }
}

fn begin(bundle: &Bundle, slice: &Slice, steps: Vec<StepRecord>, first_end: Option<DiskEnd>) -> Begin {
    Begin {
        version: journal::VERSION,
        executor: env!("CARGO_PKG_VERSION").to_owned(),
        bundle: bundle.complete.identity,
        site: slice.site.clone(),
        serial: slice.serial,
        signers: bundle.complete.signers.clone(),
        node: slice.node.clone(),
        authorities: bundle.manifest().authorities.clone(),
        etcd: slice.etcd.clone(),
        first_end,
        steps,
        folders: slice.folders_to_back_up.clone(),
    }
}

fn conclude(context: &Context, bundle: &Bundle, slice: &Slice, work: &Work, warnings: Vec<Warning>) -> Outcome {
    let screen = &context.screen;
    let steps = || work.done.iter().chain(&work.paused).filter_map(|run| run.state().ok()?.begin).flat_map(|begin| &begin.steps);
    let targets: Vec<String> = steps().flat_map(StepRecord::files).map(|file| file.target.to_string()).collect();
    let rows: Vec<&str> = steps().flat_map(StepRecord::rows).map(|row| row.key.as_str()).collect();
    let restarts = steps().filter(|step| matches!(step, StepRecord::RestartPods { .. } | StepRecord::RestartStaticPods { .. })).count();
    let run = work.paused.as_ref().or(work.done.last()).map(|run| &run.folder);
    let outcome = match (&work.paused, run) {
        (Some(run), _) => {
            let text = text!(
                " files are in place, and nothing was restarted; run `{}`", "文件已就位，尚未重启任何服务；执行记录 `{}`";
                run.folder.name
            );
            screen.toned(Tone::Warn, word!("paused:", "已暂停："), &text);
            screen.say(word!(
                "the next `apply` restarts; `reseal-node rollback` takes it back",
                "下一次 `apply` 会重启服务；`reseal-node rollback` 可撤回"
            ));
            "paused"
        }
        (None, Some(RunFolder { name, .. })) => {
            let parts = [(targets.len(), "file", "个文件"), (rows.len(), "row", "行"), (restarts, "restart", "次重启")];
            let parts = parts.into_iter().filter(|(count, ..)| *count > 0);
            let parts = parts.map(|(count, english, chinese)| counted(count, english, chinese));
            let parts = parts.collect::<Vec<_>>().join(word!(", ", "，"));
            let text =
                text!(" {parts}, and all is found as the bundle has it; run `{name}`", "{parts}，检查结果与证书包一致；执行记录 `{name}`");
            screen.toned(Tone::Good, word!("done:", "完成："), &text);
            screen.say(word!("`reseal-node rollback` takes it back", "`reseal-node rollback` 可撤回"));
            "applied"
        }
        (None, None) => {
            let text = word!(" this node is as the bundle wants it", "本节点已与证书包一致");
            screen.toned(Tone::Good, word!("nothing to do:", "无事可做："), text);
            "nothing-to-do"
        }
    };
    for signer in &work.pinned {
        screen.say(&text!(
            "pinned: bundles of {signer} are taken here without `--signer` from now on",
            "已固定：从现在起，{signer} 的证书包在此无需 `--signer`"
        ));
    }
    let quorum = if work.paused.is_some() { Vec::new() } else { quorums(context, bundle, slice) };
    let waits_for_others = quorum.iter().any(|(_, has_quorum)| !has_quorum);
    let document = json!({
        "bundle": bundle_view(&bundle.complete),
        "node": { "name": slice.node },
        "outcome": outcome,
        "run": run.map(|run| &run.name),
        "changed": targets,
        "pinned": work.pinned,
        "rows": rows,
        "restarts": if work.paused.is_some() { 0 } else { restarts },
        "quorum": quorum.into_iter().map(|(view, _)| view).collect::<Vec<_>>(),
    });
    Outcome { warnings, waits_for_others, ..Outcome::of(document) }
}

/// How far the quorum of each cluster is that has a member on this node, and whether it is there.
fn quorums(context: &Context, bundle: &Bundle, slice: &Slice) -> Vec<(Value, bool)> {
    let own = slice.steps.iter().filter_map(|step| match step {
        Step::AwaitEtcd(step) if context.machine.is_whole() => slice.cluster(&step.cluster),
        _ => None,
    });
    let leaves: Vec<_> =
        bundle.manifest().authorities.iter().flat_map(|authority| &authority.leaves).map(|leaf| leaf.renewed.fingerprint).collect();
    own.map(|cluster| {
        let sights = cluster::look(&context.machine, cluster).unwrap_or_default();
        let has_quorum = !sights.is_empty() && cluster::has_quorum(&sights);
        let progress = Progress::of(cluster::renewed(&context.machine, cluster, &leaves), cluster.members.len());
        if has_quorum {
            context.screen.toned(Tone::Good, word!("etcd:", "etcd："), word!(" has its quorum", "已达到法定票数"));
        } else if progress.has_quorum() {
            let healthy = sights.iter().filter(|sight| sight.is_healthy()).count();
            let text = text!(
                " has no quorum yet: {} of {} members are renewed, and {healthy} healthy; see `status`",
                "尚未达到法定票数：{1} 个成员中已续签 {0} 个，{healthy} 个健康；请查看 `status`";
                progress.renewed, progress.total
            );
            context.screen.toned(Tone::Warn, word!("etcd:", "etcd："), &text);
        } else {
            let text = text!(" has no quorum yet: {progress}; go on with the next node", "尚未达到法定票数：{progress}；请继续下一个节点");
            context.screen.toned(Tone::Warn, word!("etcd:", "etcd："), &text);
        }
        (json!({ "cluster": cluster.name, "has_quorum": has_quorum, "progress": progress, "members": sights }), has_quorum)
    })
    .collect()
}
