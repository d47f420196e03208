//! The process table of this machine, and containers where there is no runtime but it.

use std::{
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    process::{Child, Command},
    thread,
    time::Duration,
};

use bundle_format::slice::{RestartPods, Workload};
use reseal_node::{
    containers::{Container, ContainerError, Runtime, Wanted},
    machine::Machine,
};
use time::OffsetDateTime;

/// A process that ends with its test.
struct Service(Child);

impl Service {
    fn start(name: &str) -> Self {
        let service = Self(Command::new("/bin/sleep").arg0(name).arg("60").spawn().unwrap());
        let named =
            || Machine::whole().processes().unwrap().iter().any(|process| process.pid == service.0.id() && process.words[0] == name);
        assert!(
            (0..200).any(|_| named() || {
                thread::sleep(Duration::from_millis(5));
                false
            }),
            "it never got its name"
        );
        service
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn workload(program: &str) -> [Workload; 1] {
    [Workload { container: "tos-etcd".to_owned(), programs: vec!["other".to_owned(), program.to_owned()] }]
}

fn running(program: &str) -> Vec<Container> {
    Runtime::ProcessTable.running(&Machine::whole(), &Wanted::Workloads(&workload(program))).unwrap()
}

#[test]
fn a_service_is_found_by_the_name_of_its_program_and_stopped() {
    let mut service = Service::start("/opt/reseal-test-etcd-a");
    let found = running("reseal-test-etcd-a");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].id.starts_with(&format!("{}-", service.0.id())), "{found:?}");
    assert_eq!((found[0].container.as_str(), found[0].pod.as_str()), ("tos-etcd", ""));
    let age = OffsetDateTime::now_utc() - found[0].started;
    assert!(age.abs() < time::Duration::seconds(2), "{age}");

    Runtime::ProcessTable.stop(&Machine::whole(), &found[0], Duration::ZERO).unwrap();
    assert_eq!(service.0.wait().unwrap().signal(), Some(15));
    assert!(running("reseal-test-etcd-a").is_empty());
    Runtime::ProcessTable.stop(&Machine::whole(), &found[0], Duration::ZERO).unwrap();
}

#[test]
fn an_ended_service_that_nobody_buried_does_not_run() {
    let mut service = Service::start("reseal-test-etcd-b");
    assert_eq!(running("reseal-test-etcd-b").len(), 1);
    service.0.kill().unwrap();
    assert!((0..200).any(|_| running("reseal-test-etcd-b").is_empty() || {
        thread::sleep(Duration::from_millis(5));
        false
    }));
}

#[test]
fn the_pid_alone_does_not_end_a_process() {
    let mut service = Service::start("reseal-test-etcd-c");
    let process = Machine::whole().processes().unwrap().into_iter().find(|process| process.pid == service.0.id()).unwrap();
    assert!(!Machine::whole().terminate(process.pid, process.start + 1).unwrap());
    assert!(service.0.try_wait().unwrap().is_none());
    assert!(Machine::whole().terminate(process.pid, process.start).unwrap());
    assert_eq!(service.0.wait().unwrap().signal(), Some(15));
    for pid in [0, 1, u32::MAX, i32::MAX as u32 + 1] {
        assert!(Machine::whole().terminate(pid, 0).is_err(), "{pid}");
    }
}

#[test]
fn only_processes_are_stopped_by_the_process_table() {
    for id in ["", "12", "-1-5", "1-", "38ca327d181e", "12-x"] {
        let container = Container {
            id: id.to_owned(),
            container: String::new(),
            pod: String::new(),
            namespace: String::new(),
            started: OffsetDateTime::UNIX_EPOCH,
        };
        for runtime in [Runtime::ProcessTable, Runtime::Docker, Runtime::Crictl] {
            if runtime != Runtime::ProcessTable && id == "38ca327d181e" {
                continue;
            }
            let error = runtime.stop(&Machine::whole(), &container, Duration::ZERO).unwrap_err();
            assert!(matches!(error, ContainerError::Foreign { .. }), "{runtime} {id}: {error}");
        }
    }
}

#[test]
fn the_processes_of_whole_pods_are_found_by_their_programs() {
    let service = Service::start("/opt/bin/reseal-test-flanneld");
    let pods = RestartPods { namespace: "n".into(), name_contains: "x".into(), programs: vec!["reseal-test-flanneld".into()], timeout: 1 };
    let found = Runtime::ProcessTable.running(&Machine::whole(), &Wanted::Pods(&pods)).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].id.starts_with(&service.0.id().to_string()));
}

#[test]
fn the_kernels_own_threads_are_left_out_and_this_process_is_not() {
    let processes = Machine::whole().processes().unwrap();
    assert!(processes.iter().all(|process| !process.words.is_empty() && process.pid > 0));
    assert_eq!(processes.iter().filter(|process| process.pid == std::process::id()).count(), 1);
}

#[test]
fn a_tree_has_no_processes() {
    let tree = tempfile::tempdir().unwrap();
    let machine = Machine::below(tree.path()).unwrap();
    assert!(machine.processes().is_err());
    assert!(machine.terminate(std::process::id(), 0).is_err());
}

#[test]
fn a_process_table_that_changes_all_the_time_is_read_without_an_error() {
    let churn = thread::spawn(|| {
        for _ in 0..100 {
            Command::new("/bin/true").status().unwrap();
        }
    });
    while !churn.is_finished() {
        assert!(!Machine::whole().processes().unwrap().is_empty());
    }
    churn.join().unwrap();
}
