//! One executor at a time on a node: who comes second says who is first; who died holding the lock is no obstacle.

use std::{
    fs,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::common::{Node, Ran, Site};

/// How many are started at once.
const MANY: usize = 20;

/// Starts a command on the bundle.
fn start(node: &Node, command: &str) -> Child {
    node.bundle_command(&[command, "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &pid.to_string()]).status().unwrap().success());
}

/// Whoever the lock file names.
fn holder(node: &Node) -> Option<u32> {
    fs::read_to_string(node.path("var/lib/reseal/lock")).ok()?.trim().parse().ok()
}

/// Starts so many at once, and stops the one that takes the lock while it works. The first of them is the one that was stopped.
fn start_and_stop_the_first(node: &Node, count: usize) -> Vec<Child> {
    let mut children: Vec<Child> = (0..count).map(|_| start(node, "apply")).collect();
    let begun = Instant::now();
    let first = loop {
        let pid = holder(node).filter(|_| is_under_way(node));
        if let Some(first) = children.iter().position(|child| Some(child.id()) == pid) {
            signal(children[first].id(), "STOP");
            break first;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "nobody takes the lock");
        thread::sleep(Duration::from_micros(200));
    };
    children.swap(0, first);
    assert!(children[0].try_wait().unwrap().is_none(), "it was stopped before its end");
    children
}

fn is_under_way(node: &Node) -> bool {
    fs::read_to_string(node.path("var/lib/reseal/runs/0001-site-7/journal")).is_ok_and(|journal| journal.contains("step-done"))
}

/// A slice that takes long enough to be stopped in it.
fn long_site() -> Site {
    let mut site = Site::new();
    for number in 0..160 {
        let entry = format!("certs/more-{number}.pem");
        let install = crate::common::install(&format!("/srv/kubernetes/more-{number}.pem"), &entry);
        site.slices[0].steps.push(bundle_format::slice::Step::InstallFiles(bundle_format::slice::InstallFiles { files: vec![install] }));
        let _ = site.extra.insert(entry, b"more".to_vec());
    }
    site
}

#[test]
fn of_twenty_started_at_once_one_works_and_the_others_name_it() {
    let site = long_site();
    let node = Node::of(&site);
    let mut children = start_and_stop_the_first(&node, MANY);
    let first = children.remove(0);
    for other in children {
        let ran = Ran::of(other.wait_with_output().unwrap()).refuses(4, "busy");
        let named = format!("another run is in progress, process `{}`", first.id());
        assert!(ran.said.contains(&named), "{named}: {}", ran.said);
        assert!(ran.said.contains(&format!("hint: wait for it, or look at it: `ps -fp {}`", first.id())), "{}", ran.said);
    }

    // Meanwhile who only looks can, and who would change something is told.
    node.with_bundle(&["verify"]).expect(0);
    assert_eq!(node.status().expect(0).document["run"]["name"], "0001-site-7");
    let plan = node.with_bundle(&["plan"]).refuses(4, "busy");
    assert!(plan.said.contains("install 3 files: all is so already"), "{}", plan.said);
    node.rollback().refuses(4, "busy");
    assert_eq!(fs::read_dir(node.path("var/lib/reseal/runs")).unwrap().count(), 1, "nobody else began a run");

    signal(first.id(), "CONT");
    let _ = Ran::of(first.wait_with_output().unwrap()).expect(0);
    node.assert_new(&site);
    assert_eq!(node.apply().expect(0).document["outcome"], "nothing-to-do");
}

#[test]
fn a_dead_holder_is_no_obstacle() {
    let site = long_site();
    let node = Node::of(&site);
    let mut first = start_and_stop_the_first(&node, 1).remove(0);
    first.kill().unwrap();
    let _ = first.wait().unwrap();
    assert_eq!(holder(&node), Some(first.id()), "its name stays behind");
    assert_eq!(node.status().expect(0).document["run"]["name"], "0001-site-7");
    node.apply().expect(0);
    node.assert_new(&site);

    // The number of a process that died is some other program's by now.
    for left in [format!("{}\n", std::process::id()), "no number".to_owned(), "9".repeat(1000), String::new()] {
        fs::write(node.path("var/lib/reseal/lock"), left).unwrap();
        node.with_bundle(&["plan"]).expect(0);
        node.apply().expect(0);
    }
    fs::write(node.path("var/lib/reseal/lock"), "1\n").unwrap();
    node.rollback().expect(0);
}

/// A new holder has the lock an instant before its name is there.
#[test]
fn a_holder_is_named_as_soon_as_it_can_be() {
    let node = Node::of(&Site::new());
    fs::create_dir_all(node.path("var/lib/reseal")).unwrap();
    for left in ["", "4194399\n"] {
        let path = node.path("var/lib/reseal/lock");
        fs::write(&path, left).unwrap();
        let lock = fs::File::open(&path).unwrap();
        lock.lock().unwrap();
        let second = start(&node, "apply");
        thread::sleep(Duration::from_millis(70));
        fs::write(&path, format!("{}\n", std::process::id())).unwrap();
        let ran = Ran::of(second.wait_with_output().unwrap()).refuses(4, "busy");
        assert!(ran.said.contains(&format!("process `{}`", std::process::id())), "{}", ran.said);
    }
}
