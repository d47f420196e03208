//! The step `restart-static-pods`: manifests out, containers gone, a while, manifests back, containers running.
//!
//! Whatever happens in between, a signal or a failure, the manifests are put back before it is reported.

use std::collections::BTreeSet;

use bundle_format::{
    slice::{RestartStaticPods, Workload},
    text, word,
};

use super::{
    Bench, StepError, generation, manifests,
    wait::{self, Look},
};
use crate::{
    containers::{self, Container, Runtime, Wanted},
    guard,
    progress::Event,
};

/// Restarts, unless what runs was started with what is on disk.
///
/// # Errors
/// When the restart would break a quorum, or something takes too long. The manifests are back then.
pub fn apply(step: &RestartStaticPods, former: &[String], bench: &Bench<'_>) -> Result<(), StepError> {
    if is_done(step, former, bench)? {
        return manifests::put_back(step, bench.machine);
    }
    restart(step, bench)
}

/// Restarts once more, so that the pods come back with what was put back; not if they never left.
///
/// # Errors
/// As [`apply`].
pub fn undo(step: &RestartStaticPods, former: &[String], leaving: &[String], bench: &Bench<'_>) -> Result<(), StepError> {
    if never_left(step, former, bench)? || is_done(step, leaving, bench)? {
        return manifests::put_back(step, bench.machine);
    }
    restart(step, bench)
}

/// Checks that the pods run, with their manifests in place.
///
/// # Errors
/// When they do not.
pub fn check(step: &RestartStaticPods, bench: &Bench<'_>) -> Result<(), StepError> {
    match step.manifests.iter().find(|manifest| manifests::whereabouts(step, manifest, bench.machine) != manifests::Whereabouts::InPlace) {
        None => Ok(()),
        Some(manifest) => {
            let found = manifests::whereabouts(step, manifest, bench.machine);
            Err(StepError::Manifest { manifest: manifest.clone(), found })
        }
    }
}

/// The containers of the step's pods that run now.
///
/// # Errors
/// When the runtime does not say.
pub fn running(step: &RestartStaticPods, bench: &Bench<'_>) -> Result<Vec<Container>, StepError> {
    Ok(Runtime::detect(bench.machine).runtime.running(bench.machine, &Wanted::Workloads(&step.workloads))?)
}

fn is_done(step: &RestartStaticPods, former: &[String], bench: &Bench<'_>) -> Result<bool, StepError> {
    if !manifests::all_in_place(step, bench.machine) {
        return Ok(false);
    }
    let changed = generation::changed(&bench.begin.etcd, bench.machine);
    let running = running(step, bench)?;
    Ok(first_missing(step.workloads.iter(), &running, |container| generation::is_fresh(container, former, changed)).is_none())
}

/// Whether exactly that runs which ran before the run. What was down then, as an API server that cannot reach etcd is, may be so now.
///
/// # Errors
/// When the runtime does not say.
pub fn never_left(step: &RestartStaticPods, former: &[String], bench: &Bench<'_>) -> Result<bool, StepError> {
    let now: BTreeSet<String> = running(step, bench)?.into_iter().map(|container| container.id).collect();
    Ok(manifests::all_in_place(step, bench.machine) && !former.is_empty() && now == former.iter().cloned().collect())
}

fn restart(step: &RestartStaticPods, bench: &Bench<'_>) -> Result<(), StepError> {
    let before = running(step, bench)?;
    let expected = expected(step, &before, bench);
    let leaving: Vec<String> = before.into_iter().map(|container| container.id).collect();
    let outcome = take_down(step, &leaving, bench);
    // Also after a failure, and above all then.
    let back = manifests::put_back(step, bench.machine);
    outcome.and(back)?;
    wait::until(bench, &text!("{} to run again", " {} 重新运行"; names(&step.workloads)), step.start_timeout, || {
        let now = running(step, bench)?;
        Ok(match first_missing(expected.iter().copied(), &now, |container| !leaving.contains(&container.id)) {
            None => Look::There(()),
            Some(missing) => Look::NotYet(text!("`{}` does not run yet", "`{}` 尚未运行"; missing.container)),
        })
    })?;
    bench.seen.is_back(bench.machine.now());
    Ok(())
}

fn take_down(step: &RestartStaticPods, leaving: &[String], bench: &Bench<'_>) -> Result<(), StepError> {
    if leaving.is_empty() {
        bench.seen.goes_down(None);
    }
    if leaving.is_empty() && manifests::all_in_place(step, bench.machine) {
        return Ok(()); // Nothing runs: the kubelet is about to start what is on disk.
    }
    if !leaving.is_empty() {
        guard::may_stop_now(step.cluster.as_ref(), bench)?;
        bench.seen.goes_down(Some(bench.machine.now()));
    }
    (bench.progress)(&Event::Note { text: text!("taking {} down", "停止 {}"; names(&step.workloads)) });
    manifests::take_out(step, bench.machine)?;
    wait::until(bench, &text!("{} to go", " {} 退出"; names(&step.workloads)), step.stop_timeout, || {
        Ok(match running(step, bench)?.as_slice() {
            [] => Look::There(()),
            left => Look::NotYet(text!("`{}` still runs", "`{}` 仍在运行"; left[0].container)),
        })
    })?;
    wait::settle(bench, step.settle, word!("before they come back, as the vendor's procedure has it", "按厂商流程，之后再恢复"))?;
    (bench.progress)(&Event::Note { text: text!("bringing {} back", "恢复 {}"; names(&step.workloads)) });
    Ok(())
}

/// Whose return is waited for. The process table knows programs by their names alone: one that it did not show before, because it
/// goes by another, it will not show afterwards.
fn expected<'a>(step: &'a RestartStaticPods, before: &[Container], bench: &Bench<'_>) -> Vec<&'a Workload> {
    let is_seen = |workload: &&Workload| before.iter().any(|container| containers::is_of(&container.container, workload));
    if before.is_empty() || Runtime::detect(bench.machine).runtime != Runtime::ProcessTable {
        return step.workloads.iter().collect();
    }
    for unseen in step.workloads.iter().filter(|workload| !is_seen(workload)) {
        (bench.progress)(&Event::Note {
            text: text!(
                "the process table does not show `{}`, so its return is not waited for", "进程表中看不到 `{}`，因此不等待它恢复";
                unseen.container
            ),
        });
    }
    step.workloads.iter().filter(is_seen).collect()
}

/// The first workload without a running container that fits.
fn first_missing<'a>(
    workloads: impl Iterator<Item = &'a Workload>,
    running: &[Container],
    fits: impl Fn(&Container) -> bool,
) -> Option<&'a Workload> {
    let is_there =
        |workload: &Workload| running.iter().any(|container| containers::is_of(&container.container, workload) && fits(container));
    workloads.into_iter().find(|workload| !is_there(workload))
}

/// For people.
pub fn names(workloads: &[Workload]) -> String {
    workloads.iter().map(|workload| format!("`{}`", workload.container)).collect::<Vec<_>>().join(word!(" and ", " 和 "))
}
