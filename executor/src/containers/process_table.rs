//! Where no runtime answers: processes, by the names of their programs. Pods and namespaces are not known here.

use super::{Container, ContainerError, Runtime, Wanted, excerpt};
use crate::machine::{Machine, Process};

pub(super) fn running(machine: &Machine, wanted: &Wanted<'_>) -> Result<Vec<Container>, ContainerError> {
    let processes = machine.processes()?;
    Ok(processes.iter().filter_map(|process| Some(container(process, name_of(&process.words, wanted)?))).collect())
}

pub(super) fn stop(machine: &Machine, container: &Container) -> Result<(), ContainerError> {
    let foreign = || ContainerError::Foreign { id: excerpt(&container.id), runtime: Runtime::ProcessTable };
    let (pid, start) = container.id.split_once('-').ok_or_else(foreign)?;
    let (pid, start) = (pid.parse().map_err(|_| foreign())?, start.parse().map_err(|_| foreign())?);
    machine.terminate(pid, start)?;
    Ok(())
}

fn container(process: &Process, name: &str) -> Container {
    Container {
        id: format!("{}-{}", process.pid, process.start),
        container: name.to_owned(),
        pod: String::new(),
        namespace: String::new(),
        started: process.started,
    }
}

/// The name by which a process is wanted, if it is: its workload's, or its program's where whole pods are wanted.
fn name_of<'a>(words: &[String], wanted: &Wanted<'a>) -> Option<&'a str> {
    let program_in =
        |programs: &'a [String]| programs.iter().find(|program| words.iter().take(2).any(|word| file_name(word) == program.as_str()));
    match *wanted {
        Wanted::Pods(pods) => program_in(&pods.programs).map(String::as_str),
        Wanted::Workloads(workloads) => {
            workloads.iter().find(|workload| program_in(&workload.programs).is_some()).map(|workload| workload.container.as_str())
        }
    }
}

/// What comes after the last `/`. A login shell's leading `-` is not taken away: services have none.
fn file_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use bundle_format::slice::{RestartPods, Workload};

    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn the_first_or_the_second_word_names_the_program() {
        let workloads = [
            Workload { container: "tos-etcd".into(), programs: words(&["etcd"]) },
            Workload { container: "tos-apiserver".into(), programs: words(&["kube-apiserver", "apiserver"]) },
        ];
        let wanted = Wanted::Workloads(&workloads);
        for (command, name) in [
            (words(&["/usr/local/bin/etcd", "--name", "a"]), Some("tos-etcd")),
            (words(&["etcd"]), Some("tos-etcd")),
            (words(&["hyperkube", "apiserver", "--x"]), Some("tos-apiserver")),
            (words(&["/hyperkube", "kube-apiserver"]), Some("tos-apiserver")),
            (words(&["etcdctl", "get"]), None),
            (words(&["/usr/bin/other", "--log", "etcd"]), None),
            (words(&["sh", "-c", "etcd"]), None),
            (words(&["etcd/"]), None),
            (words(&["", ""]), None),
            (Vec::new(), None),
        ] {
            assert_eq!(name_of(&command, &wanted), name, "{command:?}");
        }
    }

    #[test]
    fn pods_are_found_by_their_programs() {
        let pods =
            RestartPods { namespace: "kube-system".into(), name_contains: "flannel".into(), programs: words(&["flanneld"]), timeout: 1 };
        assert_eq!(name_of(&words(&["/opt/bin/flanneld", "--ip-masq"]), &Wanted::Pods(&pods)), Some("flanneld"));
        assert_eq!(name_of(&words(&["/opt/bin/flannel"]), &Wanted::Pods(&pods)), None);
    }
}
