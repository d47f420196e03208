//! What will be restarted and which rows will change, and why. Pure.

use bundle_format::{
    digest::Digest,
    name::TargetPath,
    slice::{RestartPods, RestartStaticPods, Slice, Step, UpdateDatabase},
};

use super::Rejection;
use crate::{
    bundle::Material,
    containers::Container,
    machine::database::Survey,
    services::Services,
    steps::{generation, manifests::Whereabouts, update_database},
};

/// One step that is about what runs, or about the database.
#[derive(Debug)]
pub struct PlannedService<'a> {
    /// What the slice says.
    pub step: &'a Step,
    /// What is to be done.
    pub todo: Todo,
}

/// What is to be done about a service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Todo {
    /// Wait for what a step before it has restarted.
    Await,
    /// Nothing, and why.
    Nothing(&'static str),
    /// A restart.
    Restart {
        /// The containers that run now.
        former: Vec<String>,
        /// Why.
        why: &'static str,
    },
    /// Rows to change.
    Rows {
        /// The database (schema).
        schema: String,
        /// The rows: key, digest before, digest after.
        rows: Vec<(String, Digest, Digest)>,
    },
    /// It cannot be said; the preflight refuses and says why.
    Unclear,
}

const TREE: &str = "this is a tree of files: nothing of it runs";

/// Plans a step about services. `renews` tells whether the files change that services read at their start.
///
/// # Errors
/// When an entry that a step needs was not kept.
pub fn plan<'a>(
    number: usize,
    step: &'a Step,
    slice: &Slice,
    services: Option<&Services>,
    renews: bool,
    material: &Material,
) -> Result<PlannedService<'a>, Rejection> {
    let Some(services) = services else { return Ok(PlannedService { step, todo: Todo::Nothing(TREE) }) };
    let todo = match step {
        Step::RestartPods(step) => restart_pods(number, step, services, renews),
        Step::RestartStaticPods(step) => restart_static_pods(number, step, services, renews),
        Step::UpdateDatabase(step) => rows(step, services, material)?,
        Step::AwaitContainers(_) | Step::AwaitEtcd(_) if restarts_static_pods(slice, services, renews) => Todo::Await,
        _ => Todo::Nothing("nothing was restarted"),
    };
    Ok(PlannedService { step, todo })
}

fn restarts_static_pods(slice: &Slice, services: &Services, renews: bool) -> bool {
    slice.steps.iter().enumerate().any(|(number, step)| match step {
        Step::RestartStaticPods(step) => matches!(restart_static_pods(number, step, services, renews), Todo::Restart { .. }),
        _ => false,
    })
}

fn restart_static_pods(number: usize, step: &RestartStaticPods, services: &Services, renews: bool) -> Todo {
    let Some(Ok(running)) = services.running.get(&number) else { return Todo::Unclear };
    let found = |manifest: &TargetPath| services.manifests.get(manifest).copied().unwrap_or(Whereabouts::Unclear);
    let restart = |why| Todo::Restart { former: ids(running), why };
    if step.manifests.iter().any(|manifest| !matches!(found(manifest), Whereabouts::Held | Whereabouts::InPlace)) {
        return Todo::Unclear;
    }
    match () {
        () if step.manifests.iter().any(|manifest| found(manifest) == Whereabouts::Held) => {
            restart("a manifest was left out of the kubelet's folder, so its pod is down")
        }
        () if renews => restart("they have the certificates in memory that are replaced"),
        () if any_stale(running, services) => restart("they run since before their certificates were last replaced"),
        () => Todo::Nothing("what runs was started with the certificates that are on disk"),
    }
}

fn restart_pods(number: usize, _: &RestartPods, services: &Services, renews: bool) -> Todo {
    let Some(Ok(running)) = services.running.get(&number) else { return Todo::Unclear };
    match () {
        () if running.is_empty() => Todo::Nothing("no such pod runs on this node"),
        () if renews => Todo::Restart { former: ids(running), why: "they have the certificates in memory that are replaced" },
        () if any_stale(running, services) => {
            Todo::Restart { former: ids(running), why: "they run since before their certificates were last replaced" }
        }
        () => Todo::Nothing("what runs was started with the certificates that are on disk"),
    }
}

fn any_stale(running: &[Container], services: &Services) -> bool {
    running.iter().any(|container| !generation::is_fresh(container, &[], services.changed))
}

fn ids(running: &[Container]) -> Vec<String> {
    running.iter().map(|container| container.id.clone()).collect()
}

fn rows(step: &UpdateDatabase, services: &Services, material: &Material) -> Result<Todo, Rejection> {
    let table = match &services.database {
        None => return Ok(Todo::Nothing("left to the by-hand SQL, as `--leave-database` says")),
        Some(Err(_)) => return Ok(Todo::Unclear),
        Some(Ok(Survey::NoTable { .. })) => {
            return Ok(Todo::Nothing("this Manager keeps no certificates in its database: it has no such table"));
        }
        Some(Ok(Survey::Table(table))) => table,
    };
    let mut rows = Vec::new();
    for row in &step.rows {
        let new = Digest::of(update_database::value(super::content(material, &row.entry)?));
        let found = table.rows.iter().find(|found| found.key == row.key);
        let Some(stored) = found.and_then(|found| found.stored) else { return Ok(Todo::Unclear) };
        rows.push((row.key.clone(), stored.digest, new));
    }
    if rows.iter().all(|(_, former, new)| former == new) {
        return Ok(Todo::Nothing("the rows are so already"));
    }
    Ok(Todo::Rows { schema: table.schema.clone(), rows })
}
