//! A plan and what runs, for programs. Of a private key nothing is shown but whether it changes.

use bundle_format::{
    digest::Digest,
    language::counted,
    manifest::Manifest,
    slice::{Slice, Step},
    text, word,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Screen, Tone,
    bundle::time_text,
    plan::{certificate, shown_path, why},
    services::title,
};
use crate::{
    facts::{Facts, Found},
    journal::MOST_ATTEMPTS,
    plan::{
        Change, Plan, PlannedEdit, PlannedFile, PlannedStep,
        downtime::Downtime,
        services::{PlannedService, Todo},
    },
};

/// A plan for programs.
#[derive(Debug, Serialize)]
pub struct PlanView {
    /// Its steps.
    pub steps: Vec<Value>,
    /// How many files change.
    pub changes: usize,
    /// How many rows change.
    pub rows: usize,
    /// How many restarts there are.
    pub restarts: usize,
    /// What is down, and for how long.
    pub down: Vec<Downtime>,
}

impl PlanView {
    /// A plan for programs.
    pub fn of(plan: &Plan<'_>, manifest: &Manifest, slice: &Slice) -> Self {
        let steps = plan.steps.iter().map(|step| match step {
            PlannedStep::EditJson(edit) => edit_value(edit),
            PlannedStep::InstallFiles(files) => {
                let files: Vec<Value> = files.iter().map(|file| file_value(file, manifest)).collect();
                json!({ "kind": "install-files", "files": files })
            }
            PlannedStep::Service(service) => service_value(service),
        });
        let rows = plan.services().map(|service| match &service.todo {
            Todo::Rows { rows, .. } => rows.len(),
            _ => 0,
        });
        let restarts = plan.services().filter(|service| matches!(service.todo, Todo::Restart { .. })).count();
        Self { steps: steps.collect(), changes: plan.sizes().len(), rows: rows.sum(), restarts, down: Downtime::of(plan, slice) }
    }
}

/// Shows what `apply` does with a plan: nothing, some of it, going on with an earlier run if there is one, which may have been tried
/// often enough, or that it is refused.
pub fn show_outlook(screen: &Screen, refusals: usize, view: &PlanView, continues: Option<&str>, is_exhausted: bool) {
    screen.row(Tone::Bold, word!("then", "接下来"), &outlook(refusals, view, continues, is_exhausted));
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
            "`apply` 会用原有备份继续中断的执行 `{run}`；`rollback` 可将其回滚"
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

fn file_value(file: &PlannedFile<'_>, manifest: &Manifest) -> Value {
    let is_secret = file.file.entry.is_secret();
    let now = file.target().and_then(|target| target.sight.file()).filter(|_| !is_secret);
    json!({
        "target": shown_path(file),
        "entry": file.file.entry,
        "change": change_value(file.change()),
        "secret": is_secret,
        "elsewhere": file.target().and_then(|target| target.elsewhere.as_ref()),
        "now": now.map(|seen| public_value(&seen.content)),
        "then": (!is_secret).then(|| public_value(file.content)),
        "why": why(file, manifest),
    })
}

fn edit_value(edit: &PlannedEdit<'_>) -> Value {
    let edited = edit.edited.as_ref().and_then(|edited| edited.as_ref().ok());
    let path = match edit.found {
        Found::At(target) => &target.path,
        _ => &edit.step.target,
    };
    json!({
        "kind": "edit-json",
        "target": path,
        "change": change_value(edit.change()),
        "elsewhere": edit.target().and_then(|target| target.elsewhere.as_ref()),
        "member": edit.step.member,
        "from": edit.step.from,
        "to": edit.step.to,
        "values": edited.map(|edited| edited.changed),
        "already": edited.map(|edited| edited.already),
    })
}

fn change_value(change: Change) -> &'static str {
    match change {
        Change::Create => "create",
        Change::Keep => "keep",
        Change::Replace => "replace",
        Change::Unclear => "unclear",
    }
}

fn public_value(content: &[u8]) -> Value {
    match certificate(content) {
        Some(certificate) => json!({
            "fingerprint": certificate.fingerprint(),
            "subject": certificate.subject(),
            "not_before": time_text(certificate.not_before()),
            "not_after": time_text(certificate.not_after()),
            "sans": certificate.sans().iter().map(ToString::to_string).collect::<Vec<_>>(),
        }),
        None => json!({ "sha256": Digest::of(content), "size": content.len() }),
    }
}

/// A step of a plan, for programs.
pub fn service_value(service: &PlannedService<'_>) -> Value {
    let (change, why) = match &service.todo {
        Todo::Await => ("wait", None),
        Todo::Nothing(why) => ("keep", Some(*why)),
        Todo::Restart { why, .. } => ("restart", Some(*why)),
        Todo::Rows { .. } => ("replace", None),
        Todo::Unclear => ("unclear", None),
    };
    let kind = match service.step {
        Step::AwaitContainers(_) => "await-containers",
        Step::AwaitEtcd(_) => "await-etcd",
        Step::RestartPods(_) => "restart-pods",
        Step::RestartStaticPods(_) => "restart-static-pods",
        Step::UpdateDatabase(_) => "update-database",
        Step::EditJson(_) | Step::InstallFiles(_) => "",
    };
    let rows = match &service.todo {
        Todo::Rows { rows, .. } => {
            rows.iter().map(|(key, former, new)| json!({ "key": key, "now": { "sha256": former }, "then": { "sha256": new } })).collect()
        }
        _ => Vec::new(),
    };
    json!({ "kind": kind, "title": title(service.step), "change": change, "why": why, "rows": rows })
}

/// What runs, for programs.
pub fn services_view(facts: &Facts) -> Value {
    let Some(services) = &facts.services else { return Value::Null };
    let clusters = services.clusters.iter().map(|(name, sights)| match sights {
        Ok(sights) => json!({ "cluster": name, "members": sights }),
        Err(why) => json!({ "cluster": name, "error": why.to_string() }),
    });
    json!({
        "runtime": services.runtime.as_ref().map(|detection| json!({ "name": detection.runtime.to_string(), "why": detection.why })),
        "kubectl": services.kubectl.as_ref().map(|kubectl| kubectl.as_ref().err().map_or_else(|| "works".to_owned(), Clone::clone)),
        "etcd": clusters.collect::<Vec<_>>(),
    })
}
