//! What will be restarted and which rows will change, and why. Pure.

use bundle_format::{
    digest::Digest,
    name::TargetPath,
    slice::{DatabaseRow, RestartPods, RestartStaticPods, Slice, Step, UpdateDatabase},
    word,
};

use super::Rejection;
use crate::{
    bundle::Material,
    containers::Container,
    machine::database::Survey,
    services::Services,
    steps::{generation, manifests::Whereabouts},
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
    let Some(services) = services else { return Ok(PlannedService { step, todo: Todo::Nothing(tree()) }) };
    let todo = match step {
        Step::RestartPods(step) => restart_pods(number, step, services, renews),
        Step::RestartStaticPods(step) => restart_static_pods(number, step, services, renews),
        Step::UpdateDatabase(step) => rows(step, services, material)?,
        Step::AwaitContainers(_) | Step::AwaitEtcd(_) if restarts_static_pods(slice, services, renews) => Todo::Await,
        _ => Todo::Nothing(word!("nothing was restarted", "没有重启任何服务")),
    };
    Ok(PlannedService { step, todo })
}

fn tree() -> &'static str {
    word!("this is a tree of files: nothing of it runs", "这是一棵文件树：其中没有运行任何服务")
}

fn in_memory() -> &'static str {
    word!("they have the certificates in memory that are replaced", "它们内存中是即将被替换的证书")
}

fn before_last() -> &'static str {
    word!("they run since before their certificates were last replaced", "它们自上次替换证书之前一直在运行")
}

fn is_fresh() -> &'static str {
    word!("what runs was started with the certificates that are on disk", "正在运行的服务是用磁盘上现有的证书启动的")
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
        () if step.manifests.iter().any(|manifest| found(manifest) == Whereabouts::Held) => restart(word!(
            "a manifest was left out of the kubelet's folder, so its pod is down",
            "有清单文件被留在 kubelet 目录之外，其 Pod 处于停止状态"
        )),
        () if renews => restart(in_memory()),
        () if any_stale(running, services) => restart(before_last()),
        () => Todo::Nothing(is_fresh()),
    }
}

fn restart_pods(number: usize, _: &RestartPods, services: &Services, renews: bool) -> Todo {
    let Some(Ok(running)) = services.running.get(&number) else { return Todo::Unclear };
    match () {
        () if running.is_empty() => Todo::Nothing(word!("no such pod runs on this node", "本节点没有运行这样的 Pod")),
        () if renews => Todo::Restart { former: ids(running), why: in_memory() },
        () if any_stale(running, services) => Todo::Restart { former: ids(running), why: before_last() },
        () => Todo::Nothing(is_fresh()),
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
        None => {
            return Ok(Todo::Nothing(word!(
                "left to the by-hand SQL, as `--leave-database` says",
                "按 `--leave-database` 的要求，留给手工 SQL 处理"
            )));
        }
        Some(Err(_)) => return Ok(Todo::Unclear),
        Some(Ok(Survey::NoTable { .. })) => {
            return Ok(Todo::Nothing(word!(
                "this Manager keeps no certificates in its database: it has no such table",
                "该 Manager 的数据库中不保存证书：没有这张表"
            )));
        }
        Some(Ok(Survey::Table(table))) => table,
    };
    let mut rows = Vec::new();
    for row in &step.rows {
        let new = Digest::of(DatabaseRow::value(super::content(material, &row.entry)?));
        let found = table.rows.iter().find(|found| found.key == row.key);
        let Some(stored) = found.and_then(|found| found.stored) else { return Ok(Todo::Unclear) };
        rows.push((row.key.clone(), stored.digest, new));
    }
    if rows.iter().all(|(_, former, new)| former == new) {
        return Ok(Todo::Nothing(word!("the rows are so already", "这些行已是如此")));
    }
    Ok(Todo::Rows { schema: table.schema.clone(), rows })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bundle_format::slice::Workload;
    use std::collections::BTreeMap;
    use time::{Duration, OffsetDateTime, macros::datetime};

    const CHANGED: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

    fn step() -> RestartStaticPods {
        RestartStaticPods {
            manifests: vec!["/m/in/etcd.manifest".parse().unwrap()],
            holding: "/m".parse().unwrap(),
            workloads: vec![Workload { container: "etcd".to_owned(), programs: vec!["etcd".to_owned()] }],
            cluster: None,
            settle: 1,
            stop_timeout: 1,
            start_timeout: 1,
        }
    }

    fn services(found: Whereabouts, starts: &[OffsetDateTime]) -> Services {
        let container = |started: &OffsetDateTime| Container {
            id: "1".to_owned(),
            container: "etcd".to_owned(),
            pod: "etcd-n1".to_owned(),
            namespace: "kube-system".to_owned(),
            started: *started,
        };
        Services {
            changed: Some(CHANGED),
            clusters: BTreeMap::new(),
            database: None,
            holding: BTreeMap::new(),
            kubectl: None,
            manifests: BTreeMap::from([("/m/in/etcd.manifest".parse().unwrap(), found)]),
            runtime: None,
            running: BTreeMap::from([(0, Ok(starts.iter().map(container).collect()))]),
        }
    }

    fn restarts(found: Whereabouts, starts: &[OffsetDateTime], renews: bool) -> Option<usize> {
        match restart_static_pods(0, &step(), &services(found, starts), renews) {
            Todo::Restart { former, .. } => Some(former.len()),
            Todo::Nothing(_) => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_has_old_certificates_in_memory_is_restarted_and_nothing_else() {
        let (before, after) = (CHANGED - Duration::minutes(1), CHANGED + Duration::minutes(1));
        assert_eq!(restarts(Whereabouts::InPlace, &[after], false), None);
        assert_eq!(restarts(Whereabouts::InPlace, &[before], false), Some(1));
        assert_eq!(restarts(Whereabouts::InPlace, &[after], true), Some(1));
        assert_eq!(restarts(Whereabouts::InPlace, &[], false), None, "what does not run comes back with what is on disk");
        assert_eq!(restarts(Whereabouts::Held, &[], false), Some(0), "a pod that was left down is brought back");
    }

    #[test]
    fn a_manifest_that_is_nowhere_or_twice_is_not_planned_for() {
        for found in [Whereabouts::Missing, Whereabouts::Both, Whereabouts::Unclear] {
            assert_eq!(restart_static_pods(0, &step(), &services(found, &[CHANGED]), true), Todo::Unclear);
        }
    }

    #[test]
    fn a_tree_of_files_has_no_services() {
        let step = Step::RestartStaticPods(step());
        let slice = crate::plan::tests::bundle(Vec::new(), &[]).slice.unwrap();
        let planned = plan(0, &step, &slice, None, true, &Material::new()).unwrap();
        assert_eq!(planned.todo, Todo::Nothing(tree()));
    }
}
