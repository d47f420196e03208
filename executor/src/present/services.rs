//! What runs and what will be restarted, for programs and for people.

use bundle_format::{digest::Digest, slice::Step};
use serde_json::{Value, json};

use super::{Screen, Tone};
use crate::{
    etcd::MemberSight,
    facts::Facts,
    machine::database::Survey,
    plan::{
        Plan,
        services::{PlannedService, Todo},
    },
    steps::restart_static_pods::names,
};

/// A step of a plan, for people.
pub fn show_service(screen: &Screen, head: &str, service: &PlannedService<'_>) {
    screen.toned(Tone::Bold, head, &format!("  {}", title(service.step)));
    match (service.step, &service.todo) {
        (_, Todo::Nothing(why)) => screen.say(&format!("  nothing to do: {why}")),
        (_, Todo::Unclear) => screen.say("  cannot be done, see below"),
        (Step::AwaitContainers(step), Todo::Await) => screen.say(&format!("  at most {} s", step.timeout)),
        (Step::AwaitEtcd(step), Todo::Await) => screen.say(&format!("  at most {} s", step.timeout)),
        (Step::RestartStaticPods(step), Todo::Restart { former, why }) => {
            for manifest in &step.manifests {
                screen.say(&format!("  {manifest}  moves to {} and back", step.holding));
            }
            screen.say(&format!("    now   {} container{} run", former.len(), if former.len() == 1 { "" } else { "s" }));
            screen.say(&format!("    why   {why}"));
        }
        (Step::RestartPods(_), Todo::Restart { former, why }) => {
            screen.say(&format!("    now   {} container{} run", former.len(), if former.len() == 1 { "" } else { "s" }));
            screen.say(&format!("    why   {why}"));
        }
        (Step::UpdateDatabase(step), Todo::Rows { schema, rows }) => {
            screen.say(&format!("  table `{schema}`.`{}`, copied to `{}` first", step.table, step.backup_table));
            for (key, former, new) in rows {
                let is_secret = step.rows.iter().any(|row| row.key == *key && row.entry.is_secret());
                if is_secret {
                    screen.say(&format!("    {key}  {}", if former == new { "private key, stays" } else { "private key, changes" }));
                    continue;
                }
                screen.say(&format!("    {key}  now   SHA-256 {former}"));
                screen.say(&format!("    {key}  then  SHA-256 {new}"));
            }
        }
        _ => {}
    }
}

fn title(step: &Step) -> String {
    match step {
        Step::AwaitContainers(step) => format!("wait until {} are well", names(&step.workloads)),
        Step::AwaitEtcd(step) => format!("wait until the etcd member `{}` is back", step.member),
        Step::RestartPods(step) => format!("restart this node's pods `{}` in `{}`", step.name_contains, step.namespace),
        Step::RestartStaticPods(step) => format!("restart {}", names(&step.workloads)),
        Step::UpdateDatabase(step) => format!("update {} rows of the Manager's database", step.rows.len()),
        Step::EditJson(_) | Step::InstallFiles(_) => String::new(),
    }
}

/// What is said of all services together: who is asked, how etcd is, and what will be down.
pub fn show_services(screen: &Screen, facts: &Facts, plan: &Plan<'_>) {
    let Some(services) = &facts.services else { return };
    if let Some(detection) = &services.runtime {
        screen.toned(Tone::Bold, "runtime", &format!(" {}", detection.runtime));
        for why in &detection.why {
            screen.say(&format!("  {why}"));
        }
    }
    match &services.kubectl {
        Some(Err(why)) => screen.say(&format!("  kubectl cannot be used: {why}; containers are stopped instead")),
        Some(Ok(())) => screen.say("  kubectl works here"),
        None => {}
    }
    if let Some(Ok(Survey::Table(table))) = &services.database {
        let engine =
            if table.is_transactional { "all rows in one transaction" } else { "it knows no transactions: row by row, each verified" };
        screen.toned(Tone::Bold, "database", &format!(" `{}` on {}, engine {}: {engine}", table.schema, table.server, table.engine));
    }
    for (name, sights) in &services.clusters {
        match sights {
            Ok(sights) => show_members(screen, name.as_str(), sights, |_| None),
            Err(why) => screen.warn(&why.to_string()),
        }
    }
    let restarts = || plan.services().filter(|service| matches!(service.todo, Todo::Restart { .. }));
    if restarts().next().is_some() {
        screen.toned(Tone::Bold, "mode", &format!("    {}", plan.mode));
    }
    for service in restarts() {
        show_downtime(screen, service, facts);
    }
}

fn show_downtime(screen: &Screen, service: &PlannedService<'_>, facts: &Facts) {
    match service.step {
        Step::RestartStaticPods(step) => {
            screen.toned(
                Tone::Bold,
                "down",
                &format!(
                    "    {} on this node, for {} s and the time that they take to stop and to start; at most {} s",
                    names(&step.workloads),
                    step.settle,
                    u64::from(step.settle) + u64::from(step.stop_timeout) + u64::from(step.start_timeout)
                ),
            );
            let members = step.cluster.as_ref().and_then(|cluster| facts.services.as_ref()?.clusters.get(cluster)?.as_ref().ok());
            if members.is_some_and(|members| members.len() <= 2) {
                screen.warn(
                    "etcd of one or two members has no quorum meanwhile: the whole cluster stands still; `apply` asks for your consent",
                );
            }
        }
        Step::RestartPods(step) => {
            screen.toned(Tone::Bold, "down", &format!("    this node's pods `{}`, for some seconds", step.name_contains));
        }
        _ => {}
    }
}

/// Members, one a line, each with the certificate that it has, where that is known.
pub fn show_members(screen: &Screen, cluster: &str, sights: &[MemberSight], certificate: impl Fn(&MemberSight) -> Option<&'static str>) {
    screen.toned(Tone::Bold, "etcd", &format!("    `{cluster}`, {} members", sights.len()));
    for sight in sights {
        let certificate = certificate(sight).map_or_else(String::new, |certificate| format!("{certificate} certificate, "));
        screen.say(&format!("  {}  {certificate}{}", sight.node, sight.state));
    }
}

/// Which leaf a member serves: `old`, `new` or `other`. `leaves` are the fingerprints of the former and the new one.
pub fn generation(sight: &MemberSight, leaves: &[(Digest, Digest)]) -> Option<&'static str> {
    let served = sight.served?.fingerprint;
    Some(match () {
        () if leaves.is_empty() => return None,
        () if leaves.iter().any(|(_, new)| *new == served) => "new",
        () if leaves.iter().any(|(former, _)| *former == served) => "old",
        () => "other",
    })
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
