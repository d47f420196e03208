//! `reseal-node backups`: what is kept of each run? And `backups prune`: remove what nobody needs any more.

use bundle_format::{text, word};
use serde_json::{Value, json};

use super::{Context, Outcome, consent, examples};
use crate::{
    error::Failure,
    preflight::Refusal,
    present::{Tone, backup_view, show_backups},
    run::{Kept, Need, Store, needs},
};

/// How many runs keep their backups unless `--keep` says otherwise.
const KEEP: usize = 3;

#[derive(Debug, clap::Args)]
#[command(about = word!(
    "List what is kept of each run, and whether it is whole; `prune` removes what is old",
    "列出每次执行保留的备份及其是否完好；`prune` 清理旧备份"
), after_help = examples(&["backups", "backups prune --keep 2"]))]
pub struct Args {
    #[command(subcommand)]
    pub action: Option<Action>,
}

#[derive(Debug, clap::Subcommand)]
pub enum Action {
    Prune(Prune),
}

#[derive(Debug, clap::Args)]
#[command(about = word!(
    "Remove the backups of old runs: never of one that is unfinished, that `rollback` needs, or that is the last good one",
    "清理旧的执行记录的备份：未完成的、`rollback` 需要的、最后一份完好的备份都不会清理"
))]
pub struct Prune {
    #[arg(value_name = "RUN", conflicts_with = "keep", help = word!(
        "The run whose backups are removed [default: all but the newest]",
        "要清理备份的执行记录 [默认：除最新几次以外的全部]"))]
    pub run: Option<String>,
    #[arg(long, value_name = "N", default_value_t = KEEP, help = word!(
        "How many of the newest runs keep their backups", "保留最新几次执行的备份"))]
    pub keep: usize,
    #[arg(long, help = word!("Do not ask", "不再询问"))]
    pub yes: bool,
}

impl Args {
    /// The words as they were typed, to repeat them in a hint.
    pub fn words(&self) -> Vec<String> {
        let Some(Action::Prune(prune)) = &self.action else { return Vec::new() };
        let keep = (prune.keep != KEEP).then(|| ["--keep".to_owned(), prune.keep.to_string()]);
        let run = prune.run.iter().map(|run| crate::shell::quoted(run));
        std::iter::once("prune".to_owned()).chain(run).chain(keep.into_iter().flatten()).collect()
    }

    pub fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let store = Store::of(&context.machine)?;
        match &self.action {
            None => {
                let kept = store.kept()?;
                show_backups(&context.screen, &kept);
                Ok(Outcome::of(json!({ "runs": views(&kept) })))
            }
            Some(Action::Prune(prune)) => prune.run(context, &store),
        }
    }
}

impl Prune {
    fn run(&self, context: &Context, store: &Store<'_>) -> Result<Outcome, Failure> {
        if context.machine.lacks_root() {
            return Err(Refusal::NotRoot.into());
        }
        let chosen = self.chosen(&store.kept()?)?;
        if chosen.is_empty() {
            let text = word!(" no run has backups that nobody needs", "没有可以删除的备份");
            context.screen.toned(Tone::Good, word!("nothing to do:", "无事可做："), text);
            return Ok(Outcome::of(json!({ "outcome": "nothing-to-do", "removed": [], "runs": views(&store.kept()?) })));
        }
        self.confirm(context, &chosen)?;
        let _lock = store.lock()?;
        let mut removed = Vec::new();
        let (mut kept, asked) = (store.kept()?, chosen);
        // Another command may have worked meanwhile: what may go now and was agreed to goes.
        let may_go = self.chosen(&kept)?;
        for one in kept.iter_mut().filter(|one| asked.contains(&one.folder.name) && may_go.contains(&one.folder.name)) {
            if let Ok(run) = &mut one.run {
                store.prune(run)?;
                removed.push(one.folder.name.clone());
            }
        }
        let text = text!(
            " the backups of {} are removed; their journals stay", "{} 的备份已删除；日志记录保留";
            removed.join(word!(", ", "、"))
        );
        context.screen.toned(Tone::Good, word!("done:", "完成："), &text);
        Ok(Outcome::of(json!({ "outcome": "pruned", "removed": removed, "runs": views(&store.kept()?) })))
    }

    /// The names of the runs whose backups go.
    fn chosen(&self, kept: &[Kept]) -> Result<Vec<String>, Failure> {
        let needs = needs(kept);
        let listed: Vec<(&Kept, Option<Need>)> = kept.iter().zip(needs).filter(|(one, _)| one.has_backups()).collect();
        if let Some(name) = &self.run {
            if !kept.iter().any(|one| one.folder.name == *name) {
                return Err(Failure::NoRun { run: name.clone() });
            }
            return match listed.iter().find(|(one, _)| one.folder.name == *name) {
                Some((_, Some(need))) => Err(Refusal::Needed { run: name.clone(), why: need.text() }.into()),
                found => Ok(found.map(|_| name.clone()).into_iter().collect()),
            };
        }
        let old = listed.len().saturating_sub(self.keep);
        let may_go = listed.into_iter().take(old).filter(|(_, need)| need.is_none());
        Ok(may_go.map(|(one, _)| one.folder.name.clone()).collect())
    }

    /// Says what will be removed; then it is agreed to, or nothing is done.
    fn confirm(&self, context: &Context, chosen: &[String]) -> Result<(), Failure> {
        for name in chosen {
            context.screen.say(&text!(
                "to remove: the backups of `{name}`, which can then no longer be taken back",
                "将删除：`{name}` 的备份，之后无法再回滚该次执行"
            ));
        }
        let all = chosen.join(word!(", ", "、"));
        let question = text!("type `yes` to remove the backups of {all}: ", "输入 `yes` 以删除 {all} 的备份：");
        let what = text!("remove the backups of {all}", "删除 {all} 的备份");
        consent::agree(context, self.yes, &question, "yes", &what)
    }
}

fn views(kept: &[Kept]) -> Vec<Value> {
    kept.iter().zip(needs(kept)).map(|(one, need)| backup_view(one, need)).collect()
}
