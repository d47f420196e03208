//! The doubles of the live site do what they say, and the site leaves nothing behind.
//!
//! Needs root, namespaces and the packages that `tests/all` installs.

use std::{fs, path::Path, process::Command, time::Duration};

use end_to_end::live::{Layout, Node, Quirk, Site, by_hand, database::SOCKET, layout::Manager, until};

const MANIFESTS: &str = "/opt/kubernetes/manifests-multi";
/// For the kubelet and docker to do something, on a machine that is busy.
const A_WHILE: Duration = Duration::from_mins(1);

fn one_master() -> Layout {
    Layout { masters: 1, ..Layout::ending_soon().masters_only() }
}

fn take_out(node: &Node) {
    let _ = node.sh(&format!("mv {MANIFESTS}/tos-etcd.manifest /opt/kubernetes/"));
}

fn put_back(node: &Node) {
    let _ = node.sh(&format!("mv /opt/kubernetes/tos-etcd.manifest {MANIFESTS}/"));
}

fn wait_until_gone(node: &Node) {
    until("the end of etcd's pod", A_WHILE, || {
        let left = node.running_containers("tos-etcd");
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    });
}

/// Waits until the container runs under another name than before; gives the name.
fn wait_for_another(node: &Node, container: &str, former: &str) -> String {
    until(&format!("another {container}"), A_WHILE, || match node.container(container) {
        Some(name) if name != former => Ok(name),
        now => Err(format!("{former}, now {now:?}")),
    })
}

fn running(node: &Node, container: &str) -> String {
    until(container, A_WHILE, || node.container(container).ok_or_else(|| "it does not run".to_owned()))
}

fn ended(node: &Node, word: &str) -> usize {
    let listed = node.docker(&["ps", "-a", "--filter", "status=exited", "--format", "{{.Names}}"]).expect_code(0).stdout;
    listed.lines().filter(|name| name.contains(word)).count()
}

#[test]
fn each_quirk_of_the_kubelet_does_what_it_says() {
    let site = Site::start(Layout { slow_stop: Duration::from_secs(10), ..one_master() });
    let node = site.node("tos1");

    node.set_quirk(Quirk::NoRemove, true);
    take_out(node);
    std::thread::sleep(Duration::from_secs(3));
    assert!(node.container("tos-etcd").is_some(), "no-remove: the pod stays");
    node.set_quirk(Quirk::NoRemove, false);
    wait_until_gone(node);
    assert_eq!(ended(node, "tos-etcd"), 0, "ended containers are removed");

    node.set_quirk(Quirk::NoStart, true);
    put_back(node);
    std::thread::sleep(Duration::from_secs(3));
    assert!(node.running_containers("tos-etcd").is_empty(), "no-start: nothing comes");
    node.set_quirk(Quirk::NoStart, false);
    let _ = running(node, "tos-etcd");

    node.set_quirk(Quirk::DeadLeft, true);
    take_out(node);
    wait_until_gone(node);
    assert_eq!(ended(node, "tos-etcd"), 2, "dead-left: the container and its pause container are left");
    put_back(node);
    assert!(running(node, "tos-etcd").ends_with("_1"), "the second attempt");
    node.set_quirk(Quirk::DeadLeft, false);

    node.set_quirk(Quirk::SlowStop, true);
    take_out(node);
    std::thread::sleep(Duration::from_secs(4));
    assert!(node.container("tos-etcd").is_some(), "slow-stop: the pod stays for a while");
    wait_until_gone(node);
    put_back(node);
    let _ = running(node, "tos-etcd");
    let _ = site.etcd().wait_until_healthy(A_WHILE);
    site.etcd().assert_seeded_keys(node);
}

#[test]
fn files_in_the_manifest_folder_are_pods() {
    let site = Site::start(one_master());
    let node = site.node("tos1");
    let first = running(node, "tos-etcd");

    let _ = node.sh(&format!("cp {MANIFESTS}/tos-etcd.manifest {MANIFESTS}/.tos-etcd.manifest.new"));
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(running(node, "tos-etcd"), first, "a hidden file is none");
    let _ = node.sh(&format!("rm {MANIFESTS}/.tos-etcd.manifest.new; cp {MANIFESTS}/tos-etcd.manifest {MANIFESTS}/tos-etcd.manifest.bak"));
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(running(node, "tos-etcd"), first, "a copy is taken for the same pod");
    let started = |node: &Node| node.docker(&["inspect", "-f", "{{.State.StartedAt}}", &running(node, "tos-etcd")]).stdout;
    let before = started(node);
    let _ = node.sh(&format!("rm {MANIFESTS}/tos-etcd.manifest.bak"));
    until("a restart because the copy went", A_WHILE, || if started(node) == before { Err(before.clone()) } else { Ok(()) });

    let _ = node.sh(&format!("sed s/GracePeriod/GracePeriod/ {MANIFESTS}/tos-apiserver.manifest | tr -d ' ' >{MANIFESTS}/other.manifest"));
    until("a second pod from a file with other content", A_WHILE, || {
        let pods = node.running_containers("POD_tos-apiserver");
        if pods.len() == 2 { Ok(()) } else { Err(format!("{pods:?}")) }
    });
}

#[test]
fn containers_that_end_are_started_again_with_growing_waits() {
    let site = Site::start(one_master());
    let node = site.node("tos1");
    let first = running(node, "tos-apiserver");
    let _ = node.docker(&["kill", &first]).expect_code(0);
    let second = wait_for_another(node, "tos-apiserver", &first);
    assert!(second.ends_with("_1"), "{second}");
    let (killed, _) = (std::time::Instant::now(), node.docker(&["kill", &second]).expect_code(0));
    let third = wait_for_another(node, "tos-apiserver", &second);
    assert!(
        third.ends_with("_2") && killed.elapsed() >= Duration::from_secs_f32(9.0 * site.layout.back_off_scale),
        "{third} after {:?}",
        killed.elapsed()
    );
}

#[test]
fn flannel_comes_back_and_kubectl_needs_the_api_server() {
    let site = Site::start(one_master());
    let node = site.node("tos1");
    until("the API server", A_WHILE, || {
        let listed = node.run(&["kubectl", "get", "pods", "-n", "kube-system", "-o", "json"]);
        if listed.code == 0 && listed.stdout.contains("\"nodeName\": \"tos1\"") { Ok(()) } else { Err(listed.stderr) }
    });
    let pod = |node: &Node| running(node, "flanneld").split('_').nth(2).expect("the name of a pod").to_owned();

    let (container, name) = (running(node, "flanneld"), pod(node));
    let _ = node.docker(&["stop", &container]).expect_code(0);
    let _ = wait_for_another(node, "flanneld", &container);
    assert_eq!(pod(node), name, "the same pod with another container");

    let container = running(node, "flanneld");
    let deleted = node.run(&["kubectl", "delete", "pod", &name, "-n", "kube-system"]).expect_code(0).stdout;
    assert_eq!(deleted, format!("pod \"{name}\" deleted\n"));
    let _ = wait_for_another(node, "flanneld", &container);
    assert_ne!(pod(node), name, "another pod");
    assert_eq!(node.run(&["kubectl", "delete", "pod", &name, "-n", "kube-system"]).code, 1, "it is not there any more");

    let _ = node.sh(&format!("mv {MANIFESTS}/tos-apiserver.manifest /opt/kubernetes/"));
    until("a refusal without API server", A_WHILE, || {
        let listed = node.run(&["kubectl", "get", "pods", "-n", "kube-system"]);
        if listed.code == 1 && listed.stderr.contains("was refused") { Ok(()) } else { Err(listed.stdout) }
    });
}

#[test]
fn a_node_keeps_its_disk_when_its_power_is_cut() {
    let site = Site::start(Layout { manager: Manager::OnMaster(1), ..one_master() });
    let node = site.node("tos1");
    let rows = site.database().everything("manager_info");
    assert_eq!(rows.lines().count(), 6, "{rows}");
    assert_eq!(site.etcd().put(node, "before", "1"), Ok(()));
    let mut sleeping = node.start_background(&["sleep", "100"], "/run/sleep.log");
    sleeping.signal("TERM");
    assert_eq!(sleeping.wait(A_WHILE), 128 + 15, "it was ended by the signal");
    node.write("/root/kept", "1");
    node.write("/run/lost", "1");

    site.power_cut(node);
    assert!(!node.is_on());
    site.boot(node);
    assert!(node.has("/root/kept") && !node.has("/run/lost"));
    let _ = site.etcd().wait_until_healthy(A_WHILE);
    assert_eq!(site.etcd().get(node, "before"), Ok("1".to_owned()));
    assert_eq!(site.database().everything("manager_info"), rows);
    assert!(node.has(SOCKET));

    site.database().stop();
    assert_ne!(site.database().try_sql("select 1").code, 0, "the database is down");
    site.start_database(&["--sql-mode=ANSI_QUOTES".to_owned()]);
    assert!(site.database().sql("select @@sql_mode").contains("ANSI_QUOTES"));
    assert_eq!(site.database().everything("manager_info"), rows);
}

#[test]
fn the_writing_client_notices_what_is_lost_and_how_long_it_was_interrupted() {
    let site = Site::start(one_master());
    let node = site.node("tos1");
    let writer = site.start_writer();
    std::thread::sleep(Duration::from_secs(2));
    let etcd = running(node, "tos-etcd");
    let _ = node.docker(&["pause", &etcd]).expect_code(0);
    std::thread::sleep(Duration::from_secs(2));
    let _ = node.docker(&["unpause", &etcd]).expect_code(0);
    let _ = site.etcd().wait_until_healthy(A_WHILE);
    let _ = site.etcd().client(node, &["del", "written/00000001"]).expect_code(0);
    let written = writer.stop();
    assert_eq!((written.lost, written.misread), (1, 0), "{:#}", written.report);
    assert!(written.longest_interruption >= Duration::from_millis(1900), "{:#}", written.report);
}

#[test]
fn command_lines_and_environments_are_watched() {
    let watch = |needle: &str| end_to_end::live::watcher::Watcher::start(vec![needle.as_bytes().to_vec()]);
    let watcher = watch("a secret in an argument");
    let _ = Command::new("sh").args(["-c", "sleep 0.5; true 'a secret in an argument'"]).status().expect("sh runs");
    let seen = watcher.stop();
    assert!(seen.looks > 10 && !seen.findings.is_empty(), "{seen:?}");
    let watcher = watch("a secret in a variable");
    let _ = Command::new("sleep").arg("0.5").env("SECRET", "a secret in a variable").status().expect("sleep runs");
    assert!(!watcher.stop().findings.is_empty());
    let watcher = watch("a secret that nobody has");
    std::thread::sleep(Duration::from_millis(300));
    assert!(watcher.stop().findings.is_empty());
}

#[test]
fn nothing_is_left_of_a_site_whose_test_failed() {
    let mut first_process = 0;
    let mut holder = 0;
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let site = Site::start(one_master());
        by_hand::restart_flannel(site.node("tos1"));
        (first_process, holder) = (site.node("tos1").first_process(), site.network().holder());
        panic!("on purpose");
    }));
    assert!(failed.is_err() && first_process != 0);
    for pid in [first_process, holder] {
        assert!(!Path::new(&format!("/proc/{pid}/ns/net")).exists(), "process {pid}");
    }
    let mounts = fs::read_to_string("/proc/self/mounts").expect("there is /proc");
    assert!(!mounts.contains("/live/disks"), "{mounts}");
    let groups =
        Command::new("find").args(["/sys/fs/cgroup", "-name"]).arg(format!("reseal-test-{}-{holder}-*", std::process::id())).output();
    assert_eq!(String::from_utf8_lossy(&groups.expect("find runs").stdout), "");
}
