//! Where the last run stands, for programs and for people.

use std::collections::BTreeSet;

use bundle_format::{name::TargetPath, text, word};
use serde::Serialize;

use super::{
    Screen, Tone,
    outlook::{self, Intent, show_intents},
};
use crate::{
    journal::{Deviation, Phase, State, StepRecord, undo_order},
    machine::Machine,
    run::Run,
    steps::{
        self,
        replace::{self, Condition},
    },
};

/// The status for programs.
#[derive(Debug, Default, Serialize)]
pub struct StatusView {
    /// The last run, if there is one.
    pub run: Option<RunView>,
    /// Its steps.
    pub steps: Vec<StepView>,
    /// Its targets.
    pub targets: Vec<TargetView>,
    /// What the operator overrode.
    pub deviations: BTreeSet<Deviation>,
    /// What `apply` of the same bundle would do.
    pub apply: &'static str,
    /// The run that `rollback` would take back.
    pub rollback: Option<String>,
    /// What `apply` of the same bundle would do with an unfinished run, in order.
    pub apply_does: Vec<Intent>,
    /// What `rollback` would do, in order.
    pub rollback_does: Vec<Intent>,
    /// Manifests that are out of the kubelet's folder, and where they are.
    pub held: Vec<String>,
}

/// A run.
#[derive(Debug, Serialize)]
pub struct RunView {
    /// Its folder's name.
    pub name: String,
    /// Where it stands.
    pub phase: &'static str,
    /// When its first and its last record were made.
    pub begun: Option<String>,
    /// See above.
    pub last_record: Option<String>,
    /// `<site>-<serial>`.
    pub bundle: Option<String>,
    /// The node.
    pub node: Option<String>,
    /// Whether its journal ends within a record.
    pub torn: bool,
    /// How many calls have tried to come further than where it stands.
    pub attempts: u32,
    /// Whether it is not tried once more unless `--try-again` says so.
    pub exhausted: bool,
    /// What a person needs to put things back by hand.
    pub restore_text: String,
}

/// A step.
#[derive(Debug, Serialize)]
pub struct StepView {
    /// In a few words.
    pub what: String,
    /// `done`, `begun`, `to-do`, `to-undo` or `undone`.
    pub state: &'static str,
}

/// A target.
#[derive(Debug, Serialize)]
pub struct TargetView {
    /// Its path.
    pub target: TargetPath,
    /// `former`, `new`, `other`, `missing` or `unreadable`.
    pub condition: &'static str,
}

impl StatusView {
    /// The status of the run that is unfinished, or else of the last of `runs`.
    pub fn of(runs: &[Run], machine: &Machine) -> Self {
        let phase = |run: &Run| run.state().map_or(Phase::Empty, |state| state.phase);
        let to_undo = runs.iter().rev().find(|run| run.state().is_ok_and(|state| state.can_be_undone()));
        let rollback = to_undo.map(|run| run.folder.name.clone());
        let unfinished = runs.iter().rev().find(|run| run.state().is_ok_and(|state| state.is_unfinished()));
        let Some(run) = unfinished.or(runs.last()) else {
            return Self { apply: "start", rollback, ..Self::default() };
        };
        let begin = run.state().ok().and_then(|state| state.begin);
        let files = begin.iter().flat_map(|begin| begin.steps.iter().flat_map(StepRecord::files));
        let targets: Vec<TargetView> = files
            .map(|file| TargetView { target: file.target.clone(), condition: condition_word(replace::condition(file, machine)) })
            .collect();
        let time = |entry: Option<&crate::journal::Entry>| entry.and_then(|entry| bundle_format::rfc3339_seconds::format(entry.at).ok());
        let state = run.state().ok();
        let steps = begin.map_or_else(Vec::new, |begin| step_views(&begin.steps, phase(run)));
        let view = RunView {
            name: run.folder.name.clone(),
            phase: state.as_ref().map_or("unknown", phase_text),
            begun: time(run.history.entries.first()),
            last_record: time(run.history.entries.last()),
            bundle: begin.map(|begin| format!("{}-{}", begin.site, begin.serial)),
            node: begin.map(|begin| begin.node.to_string()),
            torn: run.history.is_torn,
            attempts: state.as_ref().map_or(0, |state| state.attempts),
            exhausted: state.as_ref().is_some_and(State::is_exhausted),
            restore_text: run.folder.restore_text().to_string(),
        };
        let apply = match phase(run) {
            Phase::Applying { .. } => "continue",
            Phase::Undoing { .. } => "undo-then-start",
            Phase::Applied if targets.iter().all(|target| target.condition == "new") => "nothing",
            _ => "start",
        };
        let deviations = state.map(|state| state.deviations).unwrap_or_default();
        let (apply_does, held) = (outlook::forward(run, machine), outlook::held(run, machine));
        let rollback_does = to_undo.map_or_else(Vec::new, |run| outlook::back(run, machine));
        Self { run: Some(view), steps, targets, deviations, apply, rollback, apply_does, rollback_does, held }
    }
}

fn step_views(steps: &[StepRecord], phase: Phase) -> Vec<StepView> {
    let undone: Vec<usize> = match phase {
        Phase::Undoing { reached, undone, .. } => undo_order(steps, reached).into_iter().take(undone).collect(),
        _ => Vec::new(),
    };
    let state = |number: usize| match phase {
        Phase::Applied => "done",
        Phase::Applying { done, .. } if number < done => "done",
        Phase::Applying { done, started: true } if number == done => "begun",
        Phase::RolledBack => "undone",
        Phase::Undoing { .. } if undone.contains(&number) => "undone",
        Phase::Undoing { reached, .. } if number < reached => "to-undo",
        _ => "to-do",
    };
    steps.iter().enumerate().map(|(number, step)| StepView { what: steps::describe(step), state: state(number) }).collect()
}

/// The status, for people.
pub fn show_status(screen: &Screen, view: &StatusView) {
    let Some(run) = &view.run else {
        screen.say(word!("nothing was ever applied here", "此处从未执行过"));
        return;
    };
    let phase = phase_said(run.phase);
    screen.row(Tone::Bold, word!("run", "执行"), &text!("{}, {phase}", "{}，{phase}"; run.name));
    let unknown = || text!("unknown", "未知");
    let (begun, last) = (run.begun.clone().unwrap_or_else(unknown), run.last_record.clone().unwrap_or_else(unknown));
    screen.row(Tone::Plain, word!("begun", "开始于"), &text!("{begun}, last record {last}", "{begun}，最后记录 {last}"));
    if run.torn {
        screen.warn(word!(
            "the journal ends in the middle of a record, as after a power cut; everything before it holds",
            "日志记录在一条记录中间结束，像是断电所致；之前的内容都有效"
        ));
    }
    for step in &view.steps {
        screen.row(Tone::Plain, word!("step", "步骤"), &text!("{}: {}", "{}：{}"; step.what, step_said(step.state)));
    }
    for deviation in &view.deviations {
        screen.warn(&text!("the operator overrode: {}", "操作员强制放行：{}"; deviation.text()));
    }
    for target in &view.targets {
        screen.say(&format!("  {}  {}", target.target, condition_said(target.condition)));
    }
    for manifest in &view.held {
        screen.warn(&text!(
            "the manifest {manifest}, so its pod is down; `apply` and `rollback` both put it back",
            "清单文件 {manifest}，因此其 Pod 处于停止状态；`apply` 和 `rollback` 都会把它放回"
        ));
    }
    if run.exhausted {
        screen.warn(&text!(
            "this was tried {} times and came no further; `--try-again` tries once more",
            "已尝试 {} 次，没有进展；加 `--try-again` 再试一次"; run.attempts
        ));
        screen.warn(&text!("how to put things back by hand: `less {}`", "手工恢复的方法：`less {}`"; run.restore_text));
    }
    screen.row(Tone::Plain, "apply", apply_text(view.apply));
    show_intents(screen, &view.apply_does);
    let rollback = match &view.rollback {
        Some(run) => text!("takes back the run {run}", "回滚执行 {run}"),
        None => text!("has nothing to take back", "没有可回滚的内容"),
    };
    screen.row(Tone::Plain, "rollback", &rollback);
    show_intents(screen, &view.rollback_does);
}

fn apply_text(word: &str) -> &'static str {
    match word {
        "continue" => {
            word!("of the same bundle finishes this run; that of another is refused", "同一证书包：完成本次执行；其他证书包：拒绝执行")
        }
        "nothing" => word!("of the same bundle has nothing to do", "同一证书包：没有需要做的事"),
        "undo-then-start" => word!(
            "of the same bundle first finishes the rollback, then starts anew; that of another is refused",
            "同一证书包：先完成回滚，再重新开始；其他证书包：拒绝执行"
        ),
        _ => word!("starts a new run", "开始一次新的执行"),
    }
}

/// Where a run stands, in a word.
pub(super) fn phase_text(state: &State<'_>) -> &'static str {
    if state.is_paused { "paused" } else { phase_word(state.phase) }
}

fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Abandoned => "abandoned",
        Phase::Applied => "applied",
        Phase::Applying { .. } => "interrupted",
        Phase::Empty | Phase::Preparing => "interrupted-before-first-change",
        Phase::RolledBack => "rolled-back",
        Phase::Undoing { .. } => "interrupted-rollback",
    }
}

/// A phase's word as it is said.
pub(super) fn phase_said(phase: &'static str) -> &'static str {
    let chinese = match phase {
        "abandoned" => "已放弃",
        "applied" => "已完成",
        "interrupted" => "中断",
        "interrupted-before-first-change" => "首次更改之前中断",
        "interrupted-rollback" => "回滚中断",
        "paused" => "已暂停",
        "rolled-back" => "已回滚",
        _ => phase,
    };
    word!(phase, chinese)
}

fn step_said(state: &'static str) -> &'static str {
    let chinese = match state {
        "begun" => "已开始",
        "done" => "已完成",
        "to-do" => "待执行",
        "to-undo" => "待撤销",
        "undone" => "已撤销",
        _ => state,
    };
    word!(state, chinese)
}

fn condition_said(condition: &'static str) -> &'static str {
    let chinese = match condition {
        "former" => "原内容",
        "missing" => "缺失",
        "new" => "新内容",
        "other" => "其他内容",
        "unreadable" => "无法读取",
        _ => condition,
    };
    word!(condition, chinese)
}

fn condition_word(condition: Condition) -> &'static str {
    match condition {
        Condition::Former => "former",
        Condition::Missing => "missing",
        Condition::New => "new",
        Condition::Other => "other",
        Condition::Unreadable => "unreadable",
    }
}
