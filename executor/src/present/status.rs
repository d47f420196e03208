//! Where the last run stands, for programs and for people.

use std::collections::BTreeSet;

use bundle_format::name::TargetPath;
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
        let targets: Vec<TargetView> =
            files.map(|file| TargetView { target: file.target.clone(), condition: word(replace::condition(file, machine)) }).collect();
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
        screen.say("nothing was ever applied here");
        return;
    };
    screen.toned(Tone::Bold, "run", &format!("       {}, {}", run.name, run.phase));
    let unknown = || "unknown".to_owned();
    screen.say(&format!(
        "begun     {}, last record {}",
        run.begun.clone().unwrap_or_else(unknown),
        run.last_record.clone().unwrap_or_else(unknown)
    ));
    if run.torn {
        screen.warn("the journal ends in the middle of a record, as after a power cut; everything before it holds");
    }
    for step in &view.steps {
        screen.say(&format!("step      {}: {}", step.what, step.state));
    }
    for deviation in &view.deviations {
        screen.warn(&format!("the operator overrode: {}", deviation.text()));
    }
    for target in &view.targets {
        screen.say(&format!("  {}  {}", target.target, target.condition));
    }
    for manifest in &view.held {
        screen.warn(&format!("the manifest {manifest}, so its pod is down; `apply` and `rollback` both put it back"));
    }
    if run.exhausted {
        screen.warn(&format!("this was tried {} times and came no further; `--try-again` tries once more", run.attempts));
        screen.warn(&format!("how to put things back by hand: `less {}`", run.restore_text));
    }
    screen.say(&format!("apply     {}", apply_text(view.apply)));
    show_intents(screen, &view.apply_does);
    let rollback = view.rollback.as_ref().map_or_else(|| "has nothing to take back".to_owned(), |run| format!("takes back the run {run}"));
    screen.say(&format!("rollback  {rollback}"));
    show_intents(screen, &view.rollback_does);
}

fn apply_text(word: &str) -> &'static str {
    match word {
        "continue" => "of the same bundle finishes this run; that of another is refused",
        "nothing" => "of the same bundle has nothing to do",
        "undo-then-start" => "of the same bundle first finishes the rollback, then starts anew; that of another is refused",
        _ => "starts a new run",
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

fn word(condition: Condition) -> &'static str {
    match condition {
        Condition::Former => "former",
        Condition::Missing => "missing",
        Condition::New => "new",
        Condition::Other => "other",
        Condition::Unreadable => "unreadable",
    }
}
