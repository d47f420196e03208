//! A plan and what runs, for programs. Of a private key nothing is shown but whether it changes.

use bundle_format::{
    digest::Digest,
    manifest::Manifest,
    slice::{Slice, Step},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    bundle::time_text,
    plan::{certificate, shown_path, why},
    services::title,
};
use crate::{
    facts::{Facts, Found},
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
