//! A live node is killed whole, all its processes at once, in the middle of a renewal; started again, it is continued to a healthy site.
//!
//! The disk keeps here what was written to it, synced or not; what a cut does to that is `power_loss`'s subject.
//! Needs root, namespaces and the packages that `tests/all` installs.
#![allow(clippy::print_stdout, reason = "measurements are printed")]

use std::time::{Duration, Instant};

use end_to_end::{
    live::{Layout, Node, Site, node::BUNDLE, site::FILES, until},
    programs::Ran,
};

/// For pods to come back, on a machine that is busy.
const A_WHILE: Duration = Duration::from_secs(90);
const LOG: &str = "/root/run.log";
/// What a run says at the moments of the cuts, from before its first change to after its last restart.
const MOMENTS: [&str; 8] = ["step 1 of", "step 2 of", "taking `", "waiting 1 s", "bringing `", "step 4 of", "deleting the pod", "done:"];

struct Bed {
    site: Site,
    signer: String,
}

impl Bed {
    fn new(masters: usize) -> Self {
        let site = Site::start(Layout { masters, ..Layout::ending_soon().masters_only() });
        let bundle = site.bundle(&["--serial", "7", "--settle", "1"]);
        site.deliver(&bundle);
        let signer = site.workshop.fingerprint();
        Self { site, signer }
    }

    fn arguments(&self, command: &'static str) -> Vec<&str> {
        let consent = if self.site.masters().len() < 3 { vec!["--accept-outage"] } else { vec![] };
        let bundle = if command == "apply" { vec![BUNDLE, "--signer", &self.signer] } else { vec![] };
        [vec![command], bundle, consent].concat()
    }

    fn run(&self, node: &Node, command: &'static str) -> Ran {
        node.reseal_node(&self.arguments(command))
    }

    /// Starts a command, pulls the node's plug when it says this, and starts the node again.
    fn cut_off(&self, node: &Node, command: &'static str, said: &str) {
        node.write(LOG, "");
        let argv = [vec!["/root/reseal-node"], self.arguments(command)].concat();
        let run = node.start_background(&argv, LOG);
        until(&format!("`{said}`"), A_WHILE, || {
            let log = String::from_utf8_lossy(&node.read(LOG)).into_owned();
            if log.contains(said) { Ok(()) } else { Err(log) }
        });
        self.site.power_cut(node);
        drop(run);
        self.site.boot(node);
    }

    /// What a node looks like whenever nothing works on it.
    fn assert_tidy(node: &Node, when: &str) {
        assert_eq!(node.manifests(), ["tos-apiserver.manifest", "tos-etcd.manifest"], "{when}");
        assert_eq!(node.sh("ls /opt/kubernetes; find /srv /opt -name '.reseal-*'"), "manifests-multi\n", "{when}");
    }

    /// Cuts an `apply` off, looks, and has the next `apply` finish it.
    fn cut_off_and_go_on(&self, node: &Node, command: &'static str, said: &str) {
        let start = Instant::now();
        let when = format!("{} {command} `{said}`", node.name);
        self.cut_off(node, command, said);
        let status = node.reseal_node(&["status"]);
        assert_eq!(status.code, 0, "{when}: {}", status.stderr);
        let ran = self.run(node, "apply");
        assert_eq!(ran.code, 0, "{when}: {}", ran.stderr);
        Self::assert_tidy(node, &when);
        println!("{when}: cut off, started and continued in {:?}", start.elapsed());
    }

    fn take_back(&self, node: &Node, when: &str) {
        let _ = self.run(node, "rollback").expect_code(0);
        Self::assert_tidy(node, when);
        for file in FILES {
            let former = std::fs::read(self.site.workshop.path().join(file)).unwrap_or_default();
            assert!(node.read(&format!("/srv/kubernetes/{file}")) == former, "{when}: {file} is the former one");
        }
        let _ = self.site.etcd().wait_until_healthy(A_WHILE);
    }
}

#[test]
fn a_node_that_dies_in_a_renewal_or_on_the_way_back_is_continued() {
    let bed = Bed::new(1);
    let node = bed.site.node("tos1");
    bed.cut_off_and_go_on(node, "apply", "waiting 1 s");
    bed.site.assert_renewed();
    bed.cut_off_and_go_on(node, "rollback", "bringing `");
    bed.site.assert_renewed();
}

#[test]
#[ignore = "ten times the start of a node"]
fn a_node_that_dies_at_any_moment_is_continued() {
    let bed = Bed::new(1);
    let node = bed.site.node("tos1");
    for said in MOMENTS {
        bed.cut_off_and_go_on(node, "apply", said);
        bed.site.assert_renewed();
        bed.take_back(node, said);
    }
    for said in ["taking `", "step 1 of"] {
        let _ = bed.run(node, "apply").expect_code(0);
        bed.cut_off(node, "rollback", said);
        bed.take_back(node, said);
    }
}

#[test]
#[ignore = "ten times the start of a node"]
fn a_master_that_dies_in_a_rolling_renewal_costs_no_write() {
    let bed = Bed::new(3);
    let writer = bed.site.start_writer();
    let [first, second, third] = bed.site.masters()[..] else { unreachable!("three masters") };
    for (node, said) in [(first, "bringing `"), (second, "waiting 1 s"), (third, "step 3 of")] {
        let _ = bed.site.etcd().wait_until_healthy(A_WHILE);
        bed.cut_off_and_go_on(node, "apply", said);
    }
    let written = writer.stop();
    println!("{} writes, longest interruption {:?}", written.acknowledged, written.longest_interruption);
    written.assert_nothing_lost();
    bed.site.assert_renewed();
}
