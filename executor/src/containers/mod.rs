//! What runs on this node, whoever runs it: docker, a runtime that `crictl` speaks to, or, where neither answers, the process table.
//!
//! Everything here is one look or one action, with an end. Nothing waits for a container to come or go, and nothing decides what that
//! would mean. A runtime that does not answer is an error, never an empty list.
//!
//! What a hostile or broken runtime may answer, and what stops it: without end or never ([`Machine::run`]); lines, ids and times of
//! another shape ([`ContainerError::Malformed`], since a container that is not understood may be the one that is waited for); a name that
//! no kubelet gives (it is nobody's pod); an id that would be read as a flag (ids are hexadecimal, or refused).

mod crictl;
mod detect;
mod docker;
mod process_table;

use std::{fmt, time::Duration};

use bundle_format::{
    slice::{RestartPods, Workload},
    text,
};
use thiserror::Error;
use time::OffsetDateTime;

use crate::machine::{Ending, Machine, MachineError, Output, ProcessError};

pub use crictl::{all_in as crictl_all, running_in as crictl_containers};
pub use detect::Detection;
pub use docker::{all_in as docker_all, names_in as docker_names, starts_in as docker_starts};

/// How long a runtime may take to answer a question: a busy engine of these years takes seconds.
const ANSWER: Duration = Duration::from_secs(30);
/// How much longer than its grace a container may take to stop.
const BEYOND_GRACE: Duration = Duration::from_secs(30);
/// The longest grace that is passed on.
const LONGEST_GRACE: Duration = Duration::from_mins(10);
/// The container that only holds a pod's network. It may outlive the pod's work.
const PAUSE: &str = "POD";

/// Who can say what runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Runtime {
    /// A runtime that `crictl` speaks to.
    Crictl,
    /// Docker's engine, by its command line.
    Docker,
    /// Nobody: processes are looked for by the names of their programs.
    ProcessTable,
}

impl fmt::Display for Runtime {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Crictl => "crictl",
            Self::Docker => "docker",
            Self::ProcessTable => "the process table",
        })
    }
}

/// A container that runs. The process table knows neither pod nor namespace: both are empty there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Container {
    /// The runtime's id; `<pid>-<start>` of a process.
    pub id: String,
    /// Its name in the pod; of a process, the name that it was wanted by.
    pub container: String,
    /// The pod.
    pub pod: String,
    /// The pod's namespace.
    pub namespace: String,
    /// When it started (`crictl` only knows when it was created), to about a second.
    pub started: OffsetDateTime,
}

/// A container of a pod, whether it runs or has ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    /// Its name in the pod.
    pub container: String,
    /// The pod.
    pub pod: String,
    /// The pod's namespace.
    pub namespace: String,
    /// The image as it was named, where that is known.
    pub image: String,
}

/// Which containers are asked for.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// Those of the pods of a namespace whose name contains a word.
    Pods(&'a RestartPods),
    /// Those of any of these workloads.
    Workloads(&'a [Workload]),
}

impl Wanted<'_> {
    /// Whether it asks for this container.
    #[must_use]
    pub fn fits(&self, container: &str, pod: &str, namespace: &str) -> bool {
        match self {
            Self::Pods(pods) => namespace == pods.namespace && pod.contains(&pods.name_contains),
            Self::Workloads(workloads) => workloads.iter().any(|workload| is_of(container, workload)),
        }
    }
}

/// Whether a container of this name is of a workload: its name, or one that goes on with `-`. The pause container never is.
#[must_use]
pub fn is_of(container: &str, workload: &Workload) -> bool {
    container != PAUSE && container.strip_prefix(&workload.container).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Why it is not known what runs, or a container was not stopped.
#[derive(Debug, Error)]
pub enum ContainerError {
    /// An id that this runtime does not give.
    #[error("{}", text!("`{id}` is not a container that {runtime} knows", "{runtime} 中没有容器 `{id}`"))]
    Foreign {
        /// The id.
        id: String,
        /// The runtime.
        runtime: Runtime,
    },
    /// The process table cannot be read, or a process not be signalled.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// The runtime answered, but not in the form that is known.
    #[error("{}", text!("the answer of `{program}` is not understood: {what}", "无法理解 `{program}` 的应答：{what}"))]
    Malformed {
        /// The program.
        program: &'static str,
        /// What stood where.
        what: String,
    },
    /// The runtime's program did not answer.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

impl Runtime {
    /// The containers that are asked for and run now: never exited ones, never pause containers. One that goes while it is looked at is left out.
    ///
    /// # Errors
    /// When the runtime does not answer in time, or what it answers is not understood.
    pub fn running(self, machine: &Machine, wanted: &Wanted<'_>) -> Result<Vec<Container>, ContainerError> {
        match self {
            Self::Crictl => crictl::running(machine, wanted),
            Self::Docker => docker::running(machine, wanted),
            Self::ProcessTable => process_table::running(machine, wanted),
        }
    }

    /// All containers of pods, ended ones too; none where there is only the process table, which knows no pods.
    ///
    /// # Errors
    /// As [`Runtime::running`].
    pub fn all(self, machine: &Machine) -> Result<Vec<Listed>, ContainerError> {
        match self {
            Self::Crictl => crictl::all(machine),
            Self::Docker => docker::all(machine),
            Self::ProcessTable => Ok(Vec::new()),
        }
    }

    /// Stops a container: asks it to end, and kills it after `grace`, in whole seconds. A process is only asked, and not waited for. One that is
    /// gone already is stopped.
    ///
    /// # Errors
    /// When the runtime does not do it in time, or the container is not one of its.
    pub fn stop(self, machine: &Machine, container: &Container, grace: Duration) -> Result<(), ContainerError> {
        let grace = Duration::from_secs(grace.min(LONGEST_GRACE).as_millis().div_ceil(1000).try_into().unwrap_or(0));
        match self {
            Self::Crictl => crictl::stop(machine, known(self, container)?, grace),
            Self::Docker => docker::stop(machine, known(self, container)?, grace),
            Self::ProcessTable => process_table::stop(machine, container),
        }
    }
}

fn known(runtime: Runtime, container: &Container) -> Result<&str, ContainerError> {
    if is_id(&container.id) { Ok(&container.id) } else { Err(ContainerError::Foreign { id: excerpt(&container.id), runtime }) }
}

/// Whether this is a runtime's id: 12 to 128 hexadecimal digits.
fn is_id(id: &str) -> bool {
    (12..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a runtime says of one of these containers that it is not there any more.
fn says_gone(output: &Output, ids: &[&str]) -> bool {
    let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    matches!(output.ending, Ending::Exit(_)) && says(ids) && says(&["no such container", "no such object", "notfound", "not found"])
}

/// The beginning of something from outside, fit for an error message.
fn excerpt(text: &str) -> String {
    text.chars().take(80).map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(name: &str) -> Workload {
        Workload { container: name.to_owned(), programs: Vec::new() }
    }

    #[test]
    fn a_workload_is_its_name_or_one_that_goes_on_with_a_dash() {
        for (name, fits) in [("tos-etcd", true), ("tos-etcd-tos", true), ("tos-etcdx", false), ("tos", false), ("POD", false), ("", false)]
        {
            assert_eq!(is_of(name, &workload("tos-etcd")), fits, "{name}");
        }
        assert!(!is_of("POD", &workload("POD")));
    }

    #[test]
    fn pods_are_wanted_by_namespace_and_word() {
        let pods = RestartPods { namespace: "kube-system".into(), name_contains: "flannel".into(), programs: Vec::new(), timeout: 1 };
        let wanted = Wanted::Pods(&pods);
        assert!(wanted.fits("flanneld", "flanneld-flannel-kg54q", "kube-system"));
        assert!(!wanted.fits("flanneld", "flanneld-flannel-kg54q", "default"));
        assert!(!wanted.fits("flannel", "kube-proxy", "kube-system"));
    }

    #[test]
    fn only_hexadecimal_ids_reach_a_command_line() {
        for id in ["--all", "", "38ca327d181", "38ca327d181e -f", "38ca327d181g", &"a".repeat(129)] {
            assert!(!is_id(id), "{id}");
        }
        assert!(is_id("38ca327d181e") && is_id(&"0f".repeat(32)));
    }
}
