//! The step `restart-pods`: has this node's pods of a name recreated, by kubectl where it works, else by stopping their containers.

use std::{collections::BTreeSet, time::Duration};

use bundle_format::{slice::RestartPods, text};

use super::{
    Bench, StepError, generation,
    wait::{self, Look},
};
use crate::{
    containers::{Container, Runtime, Wanted},
    kubectl::Kubectl,
    progress::Event,
};

/// How long a container may take to end by itself, as Kubernetes has it by default.
const GRACE: Duration = Duration::from_secs(30);

/// Restarts, unless what runs was started with what is on disk.
///
/// # Errors
/// When a container cannot be stopped, or they take too long to come back.
pub fn apply(step: &RestartPods, former: &[String], bench: &Bench<'_>) -> Result<(), StepError> {
    let changed = generation::changed(&bench.begin.etcd, bench.machine);
    let stale: Vec<Container> =
        running(step, bench)?.into_iter().filter(|container| !generation::is_fresh(container, former, changed)).collect();
    restart(step, &stale, bench)
}

/// Restarts once more what left; nothing if it never did.
///
/// # Errors
/// As [`apply`].
pub fn undo(step: &RestartPods, former: &[String], leaving: &[String], bench: &Bench<'_>) -> Result<(), StepError> {
    let stale: Vec<Container> =
        running(step, bench)?.into_iter().filter(|container| !former.contains(&container.id) && leaving.contains(&container.id)).collect();
    restart(step, &stale, bench)
}

/// The containers of the step's pods that run now.
///
/// # Errors
/// When the runtime does not say.
pub fn running(step: &RestartPods, bench: &Bench<'_>) -> Result<Vec<Container>, StepError> {
    Ok(Runtime::detect(bench.machine).runtime.running(bench.machine, &Wanted::Pods(step))?)
}

fn restart(step: &RestartPods, stale: &[Container], bench: &Bench<'_>) -> Result<(), StepError> {
    bench.seen.goes_down((!stale.is_empty()).then(|| bench.machine.now()));
    if !stale.is_empty() {
        let pods: BTreeSet<&str> = stale.iter().map(|container| container.pod.as_str()).collect();
        match Kubectl::detect(bench.machine, &bench.machine.host(), &step.namespace) {
            Ok(kubectl) => delete(&kubectl, step, bench)?,
            Err(why) => {
                (bench.progress)(&Event::Note {
                    text: text!(
                        "kubectl cannot be used here ({why}); stopping the containers of {} pods instead",
                        "此处无法使用 kubectl（{why}）；改为停止 {} 个 Pod 的容器"; pods.len()
                    ),
                });
                stop(stale, bench)?;
            }
        }
    }
    let gone: Vec<&str> = stale.iter().map(|container| container.id.as_str()).collect();
    let wanted = stale.iter().map(|container| &container.container).collect::<BTreeSet<_>>().len().max(1);
    wait::until(bench, &text!("the pods `{}` to run again", " Pod `{}` 重新运行"; step.name_contains), step.timeout, || {
        let now = running(step, bench)?;
        let old = now.iter().filter(|container| gone.contains(&container.id.as_str())).count();
        Ok(match now.len() - old {
            _ if old > 0 => Look::NotYet(text!("{old} containers still run from before", "还有 {old} 个旧容器在运行")),
            new if new < wanted => Look::NotYet(text!("{new} of {wanted} containers run", "已运行 {new} 个容器，共 {wanted} 个")),
            _ => Look::There(()),
        })
    })?;
    bench.seen.is_back(bench.machine.now());
    Ok(())
}

fn delete(kubectl: &Kubectl, step: &RestartPods, bench: &Bench<'_>) -> Result<(), StepError> {
    for pod in kubectl.pods(bench.machine, &step.namespace, &step.name_contains)? {
        (bench.progress)(&Event::Note {
            text: text!("deleting the pod `{}`, which its controller recreates", "删除 Pod `{}`，其控制器会重新创建它"; pod.name),
        });
        kubectl.delete(bench.machine, &step.namespace, &pod.name)?;
    }
    Ok(())
}

fn stop(containers: &[Container], bench: &Bench<'_>) -> Result<(), StepError> {
    let runtime = Runtime::detect(bench.machine).runtime;
    for container in containers {
        bench.machine.check_signals()?;
        runtime.stop(bench.machine, container, GRACE)?;
    }
    Ok(())
}
