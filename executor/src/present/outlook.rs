//! What the next `apply` and the next `rollback` do with a run, step by step, from its journal and from what is really on disk.
//!
//! Rows are not looked at here: that needs the database's password, which `plan` is given and `status` is not.

use bundle_format::{text, word};
use serde::Serialize;

use super::Screen;
use crate::{
    journal::{Phase, StepRecord, undo_order},
    machine::Machine,
    run::Run,
    steps::{
        self,
        manifests::{self, Whereabouts},
        replace::{self, Condition},
    },
};

/// One thing that a command does, in its place.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Intent {
    /// The step's number, from 1; none where it is about all of them.
    pub step: Option<usize>,
    /// `keep`, `redo`, `finish`, `do`, `put-back`, `restart`, `wait`, `refuse`, `check` or `start-anew`.
    pub action: &'static str,
    /// For people.
    pub text: String,
}

impl Intent {
    fn whole(action: &'static str, text: String) -> Self {
        Self { step: None, action, text }
    }
}

/// What an `apply` of the run's own bundle does with it; nothing where the run is over.
pub fn forward(run: &Run, machine: &Machine) -> Vec<Intent> {
    let Some((phase, steps)) = standing(run) else { return Vec::new() };
    match phase {
        Phase::Applying { done, started } => {
            let mut intents = strangers(steps, 0..steps.len(), machine);
            if intents.is_empty() {
                intents.extend((0..steps.len()).map(|step| forwards(steps, step, done, started, machine)));
                intents.push(Intent::whole("check", text!("looks at the result of all steps", "检查所有步骤的结果")));
            }
            intents
        }
        Phase::Undoing { .. } => {
            let mut intents = back(run, machine);
            intents.push(Intent::whole("start-anew", text!("then begins a new run of the bundle", "然后重新开始执行该证书包")));
            intents
        }
        _ => Vec::new(),
    }
}

/// What a `rollback` of the run does, in the order in which it does it.
pub fn back(run: &Run, machine: &Machine) -> Vec<Intent> {
    let Some((phase, steps)) = standing(run) else { return Vec::new() };
    let (reached, undone, overwrites) = match phase {
        Phase::Applying { done, started } => (done + usize::from(started), 0, false),
        Phase::Applied => (steps.len(), 0, false),
        Phase::Undoing { reached, undone, discard_changes } => (reached, undone, discard_changes),
        _ => return Vec::new(),
    };
    let order = undo_order(steps, reached);
    let left = order.iter().skip(undone).copied();
    let strangers = if overwrites { Vec::new() } else { strangers(steps, left, machine) };
    if !strangers.is_empty() {
        return strangers;
    }
    if order.is_empty() {
        return vec![Intent::whole("keep", text!("closes the run: it has changed nothing yet", "结束本次执行：它尚未更改任何内容"))];
    }
    order.iter().enumerate().map(|(place, step)| backwards(steps, *step, place < undone)).collect()
}

/// Whether a manifest of the run is out of the kubelet's folder, and so its pod is down: where each of them is.
pub fn held(run: &Run, machine: &Machine) -> Vec<String> {
    let steps = standing(run).map(|(_, steps)| steps).unwrap_or_default();
    let restarts = steps.iter().filter_map(|step| match step {
        StepRecord::RestartStaticPods { step, .. } => Some(step),
        _ => None,
    });
    let out = restarts.flat_map(|step| {
        let is_held = |manifest: &&_| manifests::whereabouts(step, manifest, machine) == Whereabouts::Held;
        step.manifests
            .iter()
            .filter(is_held)
            .map(|manifest| text!("`{manifest}` is in `{}`", "`{manifest}` 在 `{}` 中"; step.holding))
            .collect::<Vec<_>>()
    });
    out.collect()
}

/// Shows what a command does.
pub fn show_intents(screen: &Screen, intents: &[Intent]) {
    for intent in intents {
        screen.say(&format!("            {}", intent.text));
    }
}

fn standing(run: &Run) -> Option<(Phase, &[StepRecord])> {
    let state = run.state().ok()?;
    Some((state.phase, &state.begin?.steps))
}

/// Files that someone else changed: with them, nothing is done.
fn strangers(steps: &[StepRecord], concerned: impl IntoIterator<Item = usize>, machine: &Machine) -> Vec<Intent> {
    let mut intents = Vec::new();
    for step in concerned {
        for file in steps[step].files() {
            let found = match replace::condition(file, machine) {
                Condition::Former | Condition::New => continue,
                Condition::Missing => word!("is gone", "已不存在"),
                Condition::Other => word!("was changed by someone else", "已被他人更改"),
                Condition::Unreadable => word!("cannot be read", "无法读取"),
            };
            let text = text!(
                "is refused: `{}` of step {} of {} {found}", "拒绝执行：第 {1} 步（共 {2} 步）的 `{0}` {found}";
                file.target, step + 1, steps.len()
            );
            intents.push(Intent { step: Some(step + 1), action: "refuse", text });
        }
    }
    intents
}

fn forwards(steps: &[StepRecord], step: usize, done: usize, started: bool, machine: &Machine) -> Intent {
    let files = || steps[step].files().iter();
    let former = files().find(|file| replace::condition(file, machine) == Condition::Former);
    let (action, does) = match former {
        Some(file) if step < done => {
            ("redo", text!("was done, and `{}` is as before: does it again", "已完成，但 `{}` 仍是原内容：重做"; file.target))
        }
        _ if step < done => ("keep", text!("is done", "已完成")),
        _ if step == done && started => ("finish", text!("was begun: does what is left of it", "已开始：完成其余部分")),
        _ => ("do", text!("does it", "执行")),
    };
    told(steps, step, action, &does)
}

fn backwards(steps: &[StepRecord], step: usize, is_undone: bool) -> Intent {
    let (action, does) = match &steps[step] {
        _ if is_undone => ("keep", word!("is undone", "已撤销")),
        StepRecord::AwaitContainers(_) | StepRecord::AwaitEtcd(_) => {
            ("wait", word!("waits once more, where something was restarted", "若有服务被重启，则再次等待"))
        }
        StepRecord::RestartPods { .. } | StepRecord::RestartStaticPods { .. } => {
            let does =
                word!("restarts once more what the run restarted, with what was put back", "用恢复后的内容再次重启本次执行重启过的服务");
            ("restart", does)
        }
        StepRecord::EditJson { .. } | StepRecord::InstallFiles { .. } => ("put-back", word!("puts back from the backup", "从备份恢复")),
        StepRecord::UpdateDatabase { .. } => ("put-back", word!("puts the rows back from the backup", "从备份恢复这些行")),
    };
    told(steps, step, action, does)
}

fn told(steps: &[StepRecord], step: usize, action: &'static str, does: &str) -> Intent {
    let text = text!(
        "step {} of {}, {}: {does}", "第 {} 步，共 {} 步，{}：{does}";
        step + 1, steps.len(), steps::describe(&steps[step])
    );
    Intent { step: Some(step + 1), action, text }
}
