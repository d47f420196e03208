//! Preflight of what runs: manifests, runtime, quorum, database. Pure.

use std::collections::BTreeSet;

use bundle_format::{
    digest::Digest,
    slice::{DatabaseRow, RestartStaticPods, Slice, Step, UpdateDatabase},
    text,
};

use super::Refusal;
use crate::{
    bundle::Bundle,
    facts::Facts,
    guard::{self, Risk},
    journal::Deviation,
    machine::database::{DatabaseError, Survey, Table},
    plan::{
        Plan,
        services::{PlannedService, Todo},
    },
    services::Services,
    steps::manifests::Whereabouts,
};

/// All that stands against restarts and against the database.
pub fn refusals(bundle: &Bundle, slice: &Slice, plan: &Plan<'_>, facts: &Facts, allowed: &BTreeSet<Deviation>) -> Vec<Refusal> {
    let Some(services) = &facts.services else { return Vec::new() };
    let mut refusals = Vec::new();
    for running in services.running.values() {
        refusals.extend(running.as_ref().err().map(|why| Refusal::Runtime { why: why.to_string() }));
    }
    for planned in plan.services() {
        match planned.step {
            Step::RestartStaticPods(step) => {
                refusals.extend(manifests(step, services));
                refusals.extend(quorum(step, planned, slice, plan, services, allowed));
            }
            Step::UpdateDatabase(step) => refusals.extend(database(step, services, bundle)),
            _ => {}
        }
    }
    refusals.extend(clock(bundle, plan, services, facts));
    refusals
}

fn manifests(step: &RestartStaticPods, services: &Services) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for manifest in &step.manifests {
        let found = services.manifests.get(manifest).copied().unwrap_or(Whereabouts::Unclear);
        if !matches!(found, Whereabouts::Held | Whereabouts::InPlace) {
            refusals.push(Refusal::Manifest { manifest: manifest.clone(), found, holding: step.holding.clone() });
        }
    }
    let volume = |path| services.holding.get(path).and_then(Option::as_ref);
    match (step.manifests.first().and_then(volume), volume(&step.holding)) {
        (Some(folder), Some(holding)) if folder.device != holding.device => {
            refusals.push(Refusal::Holding {
                holding: step.holding.clone(),
                why: text!("it lies on another file system than the manifests", "它与清单文件不在同一文件系统"),
            });
        }
        (_, Some(holding)) => refusals.extend(holding.closed.clone().map(|why| Refusal::Holding { holding: step.holding.clone(), why })),
        (_, None) => refusals.push(Refusal::Holding { holding: step.holding.clone(), why: text!("it does not exist", "它不存在") }),
    }
    refusals
}

fn quorum(
    step: &RestartStaticPods,
    planned: &PlannedService<'_>,
    slice: &Slice,
    plan: &Plan<'_>,
    services: &Services,
    allowed: &BTreeSet<Deviation>,
) -> Option<Refusal> {
    // Nothing that runs is stopped where nothing runs.
    let stops = matches!(&planned.todo, Todo::Restart { former, .. } if !former.is_empty());
    let sights = services.clusters.get(step.cluster.as_ref().filter(|_| stops)?)?;
    match sights {
        Ok(sights) => guard::judge(sights, &slice.node, &plan.mode, allowed).err().map(Refusal::Risk),
        Err(_) if plan.mode.is_recovery() || allowed.contains(&Deviation::QuorumLossForced) => None,
        Err(why) => Some(Refusal::Blind { why: why.to_string() }),
    }
}

/// By this node's clock a certificate has ended, and yet members that have nothing newer are healthy: then the clock is ahead.
fn clock(bundle: &Bundle, plan: &Plan<'_>, services: &Services, facts: &Facts) -> Option<Refusal> {
    let crate::mode::Mode::Recovery { ended } = &plan.mode else { return None };
    let leaves = bundle.manifest().authorities.iter().flat_map(|authority| &authority.leaves);
    let former: Vec<Digest> = leaves.map(|leaf| leaf.former.fingerprint).collect();
    let sights = services.clusters.values().filter_map(|sights| sights.as_ref().ok()).flatten();
    let alive = sights.filter(|sight| sight.is_healthy() && sight.served.is_some_and(|leaf| former.contains(&leaf.fingerprint)));
    let nodes: Vec<_> = alive.map(|sight| sight.node.clone()).collect();
    (!nodes.is_empty()).then(|| Refusal::ClockAhead {
        now: super::refusal::time(facts.now),
        target: ended.target.clone(),
        ended: super::refusal::time(ended.not_after),
        nodes,
    })
}

fn database(step: &UpdateDatabase, services: &Services, bundle: &Bundle) -> Vec<Refusal> {
    match &services.database {
        Some(Err(why)) => vec![Refusal::Database(why.clone())],
        Some(Ok(Survey::Table(table))) => table_refusals(step, table, bundle),
        _ => Vec::new(),
    }
}

/// Rows that are as wanted need no room and no rights.
fn table_refusals(step: &UpdateDatabase, table: &Table, bundle: &Bundle) -> Vec<Refusal> {
    let wanted: Vec<(&str, &[u8])> =
        step.rows.iter().filter_map(|row| Some((row.key.as_str(), DatabaseRow::value(bundle.material.get(&row.entry)?)))).collect();
    let stored = |key: &str| table.rows.iter().find(|row| row.key == key).and_then(|row| row.stored);
    if wanted.iter().all(|(key, value)| stored(key).is_some_and(|stored| stored.digest == Digest::of(value))) {
        return Vec::new();
    }
    let sizes: Vec<(&str, u64)> = wanted.iter().map(|(key, value)| (*key, value.len() as u64)).collect();
    let former: Vec<(&str, Digest)> = wanted.iter().filter_map(|(key, _)| Some((*key, stored(key)?.digest))).collect();
    let mut objections = table.objections(step, &sizes);
    if former.len() == wanted.len() && !table.copy_serves(&former) {
        objections.push(DatabaseError::CopyDiffers { table: step.backup_table.to_string() });
    }
    objections.into_iter().map(Refusal::Database).collect()
}

/// Whether nothing stands against a plan but an outage that a person may accept.
pub fn is_outage_alone(refusals: &[Refusal]) -> bool {
    matches!(refusals, [Refusal::Risk(Risk::Outage { .. })])
}
