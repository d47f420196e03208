//! `reseal-node apply`: do what the plan says. A second one changes nothing; one that was cut off is finished.

use bundle_format::{
    digest::Fingerprint,
    language::counted,
    name::Label,
    receipt::{Command, Occasion, QuorumSight},
    slice::{Slice, Step},
    text, word,
};
use serde_json::{Value, json};

use super::{
    Context, Outcome, consent, examples,
    job::{self, BundleArgs, Earlier, NodeArgs, WorkArgs},
    receipt,
    unsealing::UnsealArgs,
};
use crate::{
    bundle::Bundle,
    cluster,
    error::{Exit, Failure},
    etcd::MemberSight,
    facts::Facts,
    journal::{self, Begin, Deviation, DiskEnd, Phase, Record, StepRecord},
    machine::Machine,
    memory::Keeper,
    plan::Plan,
    preflight::{Refusal, Warning, services::is_outage_alone},
    present::{PlanView, Screen, Ticker, Tone, bundle_view, show_outlook, show_plan},
    progress::Event,
    quorum::Progress,
    run::{self, Driver, Run, RunFolder, Store},
    steps::seen,
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
    #[arg(long, help = word!("Do not ask before the first change; for scripts", "首次更改之前不询问，用于脚本"))]
    pub yes: bool,
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
        let ticker = Ticker::new(screen, machine);
        let progress = |event: &Event<'_>| ticker.tell(event);
        let mut options = self.work.options(&bundle, slice, machine)?;
        options.pauses_before_restart = self.pause_before_restart;
        options.tries_again = self.try_again;
        let mut driver = Driver { machine, store: &store, progress: &progress, options };

        let asks_for_outage = |refusals: &[Refusal]| is_outage_alone(refusals) && machine.has_person();
        let show = |facts: &Facts, plan: &Plan<'_>, earlier: &Earlier, refusals: &[Refusal]| {
            show_plan(screen, &bundle, slice, evidence, facts, plan);
            let refusals = if asks_for_outage(refusals) { 0 } else { refusals.len() };
            let view = PlanView::of(plan, bundle.manifest(), slice);
            show_outlook(screen, refusals, &view, earlier.continues(), earlier.is_exhausted() && !self.try_again);
        };
        let mut look = self.look(&driver, &bundle, slice, false, show)?;
        let is_outage = asks_for_outage(&look.refusals);
        if !look.refusals.is_empty() && !is_outage {
            return Ok(Outcome { refusals: look.refusals, warnings: look.warnings, ..Outcome::default() });
        }
        let has_work = look.earlier.to_finish.is_some() || !look.steps.is_empty();
        let mut work = Work::default();
        if has_work {
            // What was tried often enough ends before its next change, unless the operator insists.
            if self.try_again || !look.earlier.is_exhausted() {
                match self.ask(context, &bundle, slice, &look) {
                    Err(_) if is_outage => return Ok(Outcome { refusals: look.refusals, warnings: look.warnings, ..Outcome::default() }),
                    asked => asked?,
                }
                driver.options.allowed.extend(is_outage.then_some(Deviation::OutageAccepted));
            }
            // Until here a signal may end the program at once: nothing is begun.
            machine.heed_signals()?;
        }
        if has_work || !bundle.memory.learn(&bundle.complete, machine.now()).is_empty() || receipt::is_owed(context, &store) {
            let _lock = store.lock()?;
            Keeper::of(machine)?.read()?.admit(&bundle.complete, self.work.allow_older)?;
            look.warnings.extend(receipt::settle(context, &store, None));
            if has_work {
                work = self.work_and_tell(context, &driver, &bundle, slice)?;
            }
            work.remember(machine, &bundle);
        }
        look.warnings.append(&mut work.warnings);
        Ok(conclude(context, &bundle, slice, work, look.warnings))
    }

    fn look(
        &self,
        driver: &Driver<'_>,
        bundle: &Bundle,
        slice: &Slice,
        holds_lock: bool,
        show: impl Fn(&Facts, &Plan<'_>, &Earlier, &[Refusal]),
    ) -> Result<Look, Failure> {
        let facts = job::facts(bundle, slice, driver.machine, holds_lock, self.work.wishes(&driver.options))?;
        let mut earlier = Earlier::of(driver, bundle, slice)?;
        let plan = job::plan(bundle, slice, &facts, &earlier)?;
        let (refusals, warnings) = job::judge(bundle, slice, &plan, &facts, &mut earlier, &driver.options.allowed);
        show(&facts, &plan, &earlier, &refusals);
        Ok(Look { steps: plan.records(), first_end: plan.first_end, earlier, refusals, warnings })
    }

    /// Asks once before the first change: whoever types the node's name has read which node this is. An outage is asked about even of
    /// those who said `--yes`, and not `--accept-outage`. What is warned about is said before, for it is agreed to as well.
    fn ask(&self, context: &Context, bundle: &Bundle, slice: &Slice, look: &Look) -> Result<(), Failure> {
        let outage = &look.refusals;
        let warnings = look.warnings.iter().filter(|_| !self.yes).map(Warning::to_string);
        for warning in outage.iter().map(Refusal::to_string).chain(warnings) {
            context.screen.warn(&warning);
        }
        let (node, bundle) = (&slice.node, bundle.manifest().name());
        let question = text!("type the name of this node, {node}, to go on: ", "输入本节点的名称 {node} 以继续：");
        let what = text!("apply {bundle} to `{node}`", "在 `{node}` 上执行 {bundle}");
        consent::agree(context, self.yes && outage.is_empty(), &question, node.as_str(), &what)
    }

    /// Works, and leaves a receipt of it, however it ends.
    fn work_and_tell(&self, context: &Context, driver: &Driver<'_>, bundle: &Bundle, slice: &Slice) -> Result<Work, Failure> {
        let mut worked = self.work(driver, bundle, slice);
        if let Ok(work) = &mut worked {
            work.look_at_quorums(&context.machine, bundle, slice);
        }
        let success = if worked.as_ref().is_ok_and(Work::waits_for_others) { Exit::Waiting } else { Exit::Done };
        let untold = receipt::settle(context, driver.store, Some(&receipt::ended(Command::Apply, &worked, success)));
        match &mut worked {
            Ok(work) => work.warnings.extend(untold),
            Err(_) => {
                for warning in untold {
                    context.screen.warn(&warning.to_string());
                }
            }
        }
        worked
    }

    /// What is done under the lock: everything is looked at again, since another run may have ended between.
    fn work(&self, driver: &Driver<'_>, bundle: &Bundle, slice: &Slice) -> Result<Work, Failure> {
        let mut work = Work::default();
        let mut look = refused(self.look(driver, bundle, slice, true, |_, _, _, _| {})?)?;
        for run in &mut look.earlier.stillborn {
            driver.abandon(run)?;
        }
        if let Some(run) = look.earlier.to_finish.take() {
            (driver.progress)(&Event::Note {
                text: text!("going on with the interrupted run `{}`", "继续中断的执行 `{}`"; run.folder.name),
            });
            match run.state()?.phase {
                Phase::Undoing { .. } => drop(driver.roll_back(run, false)?),
                _ => work.take(driver.go_on(run, &bundle.material)?),
            }
            if work.paused.is_some() {
                return Ok(work);
            }
            look = refused(self.look(driver, bundle, slice, true, |_, _, _, _| {})?)?;
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
    quorums: Option<Vec<Quorum>>,
    warnings: Vec<Warning>,
}

impl Work {
    fn take(&mut self, outcome: run::Outcome) {
        match outcome {
            run::Outcome::Applied(run) => self.done.push(run),
            run::Outcome::Paused(run) => self.paused = Some(run),
        }
    }

    /// How etcd is at the end of a run that does not wait, on record with it.
    fn look_at_quorums(&mut self, machine: &Machine, bundle: &Bundle, slice: &Slice) {
        let (None, Some(run)) = (&self.paused, self.done.last_mut()) else { return };
        let quorums = quorums(machine, bundle, slice);
        for quorum in &quorums {
            if let Err(why) = run.record(machine, Record::Quorum { sight: quorum.sight(machine) }) {
                self.warnings.push(Warning::NoReceipt(why.to_string()));
            }
        }
        self.quorums = Some(quorums);
    }

    fn waits_for_others(&self) -> bool {
        self.quorums.iter().flatten().any(|quorum| !quorum.is_there())
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

fn conclude(context: &Context, bundle: &Bundle, slice: &Slice, work: Work, warnings: Vec<Warning>) -> Outcome {
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
                "下一次 `apply` 会重启服务；`reseal-node rollback` 可回滚"
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
            screen.say(word!("`reseal-node rollback` takes it back", "`reseal-node rollback` 可回滚"));
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
    let looks = work.paused.is_none();
    let quorums = work.quorums.unwrap_or_else(|| if looks { quorums(&context.machine, bundle, slice) } else { Vec::new() });
    for quorum in &quorums {
        quorum.show(screen);
    }
    let waits_for_others = quorums.iter().any(|quorum| !quorum.is_there());
    let document = json!({
        "bundle": bundle_view(&bundle.complete),
        "node": { "name": slice.node },
        "outcome": outcome,
        "run": run.map(|run| &run.name),
        "changed": targets,
        "pinned": work.pinned,
        "rows": rows,
        "restarts": if looks { restarts } else { 0 },
        "quorum": quorums.iter().map(Quorum::view).collect::<Vec<_>>(),
    });
    Outcome { warnings, waits_for_others, ..Outcome::of(document) }
}

/// How far the quorum of a cluster is that has a member on this node.
struct Quorum {
    cluster: Label,
    sights: Vec<MemberSight>,
    progress: Progress,
}

impl Quorum {
    fn is_there(&self) -> bool {
        !self.sights.is_empty() && cluster::has_quorum(&self.sights)
    }

    fn healthy(&self) -> usize {
        self.sights.iter().filter(|sight| sight.is_healthy()).count()
    }

    /// For a receipt.
    fn sight(&self, machine: &Machine) -> QuorumSight {
        let sight = seen::sight(machine.now(), Occasion::End, &self.cluster, &self.sights, Some(self.progress.renewed));
        QuorumSight { members: u32::try_from(self.progress.total).unwrap_or(u32::MAX), ..sight }
    }

    fn show(&self, screen: &Screen) {
        let (head, progress) = (word!("etcd:", "etcd："), &self.progress);
        if self.is_there() {
            screen.toned(Tone::Good, head, word!(" has its quorum", "已达到法定票数"));
        } else if progress.has_quorum() {
            let healthy = self.healthy();
            let text = text!(
                " has no quorum yet: {} of {} members are renewed, and {healthy} healthy; see `status`",
                "尚未达到法定票数：{1} 个成员中已续签 {0} 个，{healthy} 个健康；请查看 `status`";
                progress.renewed, progress.total
            );
            screen.toned(Tone::Warn, head, &text);
        } else {
            let text = text!(" has no quorum yet: {progress}; go on with the next node", "尚未达到法定票数：{progress}；请继续下一个节点");
            screen.toned(Tone::Warn, head, &text);
        }
    }

    fn view(&self) -> Value {
        json!({ "cluster": self.cluster, "has_quorum": self.is_there(), "progress": self.progress, "members": self.sights })
    }
}

fn quorums(machine: &Machine, bundle: &Bundle, slice: &Slice) -> Vec<Quorum> {
    let own = slice.steps.iter().filter_map(|step| match step {
        Step::AwaitEtcd(step) if machine.is_whole() => slice.cluster(&step.cluster),
        _ => None,
    });
    let leaves: Vec<_> =
        bundle.manifest().authorities.iter().flat_map(|authority| &authority.leaves).map(|leaf| leaf.renewed.fingerprint).collect();
    own.map(|cluster| Quorum {
        cluster: cluster.name.clone(),
        sights: cluster::look(machine, cluster).unwrap_or_default(),
        progress: Progress::of(cluster::renewed(machine, cluster, &leaves), cluster.members.len()),
    })
    .collect()
}
