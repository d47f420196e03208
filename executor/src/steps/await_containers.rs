//! The step `await-containers`: they run, and where they can be asked, they say that they are well.

use std::time::Duration;

use bundle_format::{
    slice::{AwaitContainers, Workload},
    text,
};

use super::{
    Bench, StepError,
    restart_static_pods::names,
    wait::{self, Look},
};
use crate::{
    cluster,
    containers::{self, Runtime, Wanted},
    health::{self, Health},
    progress::Event,
};

/// How long a service may take to open its ports before it counts as one that cannot be asked here.
const UNREACHABLE: Duration = Duration::from_secs(20);

/// Waits for them.
///
/// # Errors
/// When they take too long, or the runtime does not say.
pub fn apply(step: &AwaitContainers, bench: &Bench<'_>) -> Result<(), StepError> {
    if bench.mode.is_recovery() && !cluster::all_have_quorum(bench.machine, &bench.begin.etcd) {
        (bench.progress)(&Event::Note {
            text: text!(
                "{} cannot be well before etcd has its quorum; not waiting", "etcd 达到法定票数之前，{} 无法正常工作；不等待";
                names(&step.workloads)
            ),
        });
        return Ok(());
    }
    let begun = bench.machine.moment();
    wait::until(bench, &text!("{} to be well", " {} 恢复正常"; names(&step.workloads)), step.timeout, || {
        let runtime = Runtime::detect(bench.machine).runtime;
        let missing = missing(step, runtime, bench)?;
        // What the process table does not show may go by another name there.
        if let Some(missing) = missing.filter(|_| runtime != Runtime::ProcessTable || !is_well(step, bench)) {
            return Ok(Look::NotYet(text!("`{missing}` does not run", "`{missing}` 没有运行")));
        }
        let patient = bench.machine.moment().saturating_duration_since(begun) < UNREACHABLE;
        Ok(judge(step.health.iter().map(|endpoint| health::ask(bench.machine, endpoint)).collect(), patient))
    })
}

fn is_well(step: &AwaitContainers, bench: &Bench<'_>) -> bool {
    step.health.iter().any(|endpoint| matches!(health::ask(bench.machine, endpoint), Health::Well))
}

/// One that is well is enough; one that says it is not, is not; none that answers, after a while, says nothing.
fn judge(answers: Vec<Health>, patient: bool) -> Look<()> {
    let mut silent = None;
    for answer in answers {
        match answer {
            Health::Well => return Look::There(()),
            Health::Unwell(why) => return Look::NotYet(why),
            Health::Unreachable(why) => silent = Some(why),
        }
    }
    match silent {
        Some(why) if patient => Look::NotYet(why),
        _ => Look::There(()),
    }
}

fn missing<'a>(step: &'a AwaitContainers, runtime: Runtime, bench: &Bench<'_>) -> Result<Option<&'a str>, StepError> {
    let running = runtime.running(bench.machine, &Wanted::Workloads(&step.workloads))?;
    let is_there = |workload: &&Workload| running.iter().any(|container| containers::is_of(&container.container, workload));
    Ok(step.workloads.iter().find(|workload| !is_there(workload)).map(|workload| workload.container.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_there(answers: Vec<Health>, patient: bool) -> bool {
        matches!(judge(answers, patient), Look::There(()))
    }

    #[test]
    fn silence_is_no_answer_and_an_answer_counts() {
        let (well, unwell, silent) = (|| Health::Well, || Health::Unwell("etcd".to_owned()), || Health::Unreachable("refused".to_owned()));
        assert!(is_there(vec![silent(), well()], true));
        assert!(!is_there(vec![silent(), unwell()], false));
        assert!(!is_there(vec![silent(), silent()], true));
        assert!(is_there(vec![silent(), silent()], false));
        assert!(is_there(Vec::new(), true));
    }
}
