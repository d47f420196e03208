//! `reseal-node plan`: what would `apply` do here? Changes nothing.

use bundle_format::{language::counted, text, word};
use serde_json::json;

use super::{
    Context, Outcome, examples,
    job::{self, BundleArgs, Earlier, NodeArgs, WorkArgs},
    unsealing::UnsealArgs,
};
use crate::{
    error::Failure,
    journal::MOST_ATTEMPTS,
    present::{PlanView, Tone, bundle_view, forward, services_view, show_intents, show_plan},
    run::{Driver, Run, Store},
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
        let is_exhausted = earlier.to_finish.as_ref().map(Run::state).transpose()?.is_some_and(|state| state.is_exhausted());
        let continues = earlier.to_finish.map(|run| run.folder.name);
        show_plan(screen, &bundle, slice, evidence, &facts, &plan);
        screen.row(Tone::Bold, word!("then", "接下来"), &outlook(refusals.len(), &view, continues.as_deref(), is_exhausted));
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
            "continues": continues,
            "exhausted": is_exhausted,
            "apply_does": intents,
        });
        Ok(Outcome { warnings, refusals, ..Outcome::of(document) })
    }
}

fn outlook(refusals: usize, view: &PlanView, continues: Option<&str>, is_exhausted: bool) -> String {
    let work = [(view.changes, "file", "个文件"), (view.rows, "row", "行")].into_iter().filter(|(count, ..)| *count > 0);
    let work = work.map(|(count, english, chinese)| counted(count, english, chinese)).collect::<Vec<_>>().join(word!(" and ", "和 "));
    match (refusals, continues) {
        (0, Some(run)) if is_exhausted => {
            text!(
                "`apply` stops: the run `{run}` was tried {MOST_ATTEMPTS} times and came no further; with `--try-again` it goes on",
                "`apply` 会停止：执行 `{run}` 已尝试 {MOST_ATTEMPTS} 次，没有进展；加 `--try-again` 才继续"
            )
        }
        (0, Some(run)) => text!(
            "`apply` goes on with the interrupted run `{run}`, with its own backups; `rollback` takes it back",
            "`apply` 会用原有备份继续中断的执行 `{run}`；`rollback` 可撤回"
        ),
        (0, None) => match (work.is_empty(), view.restarts) {
            (true, 0) => text!("`apply` has nothing to do: this node is as the bundle wants it", "`apply` 无事可做：本节点已与证书包一致"),
            (true, _) => text!("`apply` restarts, and looks at the result", "`apply` 会重启服务，并检查结果"),
            (false, 0) => text!("`apply` backs up, changes {work}, and looks at the result", "`apply` 会先备份，再更改 {work}，并检查结果"),
            (false, _) => text!(
                "`apply` backs up, changes {work}, restarts, and looks at the result",
                "`apply` 会先备份，再更改 {work}，重启服务，并检查结果"
            ),
        },
        (refusals, _) => text!("`apply` is refused, for {}", "`apply` 会被拒绝执行，共 {}"; counted(refusals, "reason", "个原因")),
    }
}
