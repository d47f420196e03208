//! A live master on which things go wrong: a kubelet with quirks, programs that are missing, services that do not come back, signals.
//! Each ends in success or in a clear failure, and never with a manifest out of its folder.
//!
//! Needs root, namespaces and the packages that `tests/all` installs.
#![allow(clippy::expect_used, reason = "a scene that cannot be set is a failed test")]

use std::time::{Duration, Instant};

use end_to_end::{
    live::{
        Layout, Node, Quirk, Site,
        node::{BUNDLE, Background},
        site::FILES,
        until,
    },
    programs::{Ran, sh},
};

/// For pods to come back, on a machine that is busy.
const A_WHILE: Duration = Duration::from_secs(90);
/// Where a kubelet keeps the template of flannel's pod.
const FLANNEL: &str = "/etc/kubelet-stand-in/assigned/flannel.json";
/// What a run in the background says.
const LOG: &str = "/root/run.log";

/// A site of one master, with all that it is compared with.
struct Bed {
    site: Site,
    signer: String,
}

impl Bed {
    fn new() -> Self {
        Self::of(Layout::ending_soon())
    }

    fn of(layout: Layout) -> Self {
        let site = Site::start(Layout { masters: 1, ..layout.masters_only() });
        let signer = site.workshop.fingerprint();
        Self { site, signer }
    }

    /// Builds a bundle that waits so many seconds before pods come back, and at most so many for them to go or come.
    fn deliver(&self, serial: u32, settle: u32, patience: u32) {
        let restart = format!("[restart]\nsettle = {settle}\nstop-timeout = {patience}\nstart-timeout = {patience}\n");
        std::fs::write(self.site.workshop.path().join("site.toml"), restart).expect("a file can be written");
        let bundle = self.site.bundle(&["--site", "site.toml", "--serial", &serial.to_string()]);
        self.site.deliver(&bundle);
    }

    fn node(&self) -> &Node {
        self.site.node("tos1")
    }

    fn apply(&self) -> Ran {
        self.node().reseal_node(&self.applying())
    }

    fn applying(&self) -> [&str; 5] {
        ["apply", BUNDLE, "--signer", &self.signer, "--accept-outage"]
    }

    /// Starts `apply`, and waits until it says this.
    fn apply_until(&self, said: &str) -> Background {
        let node = self.node();
        let _ = node.sh(&format!(": >{LOG}"));
        let run = node.start_background(&[&["/root/reseal-node"], self.applying().as_slice()].concat(), LOG);
        until(&format!("`{said}`"), A_WHILE, || {
            let log = self.log();
            if log.contains(said) { Ok(()) } else { Err(log) }
        });
        run
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&self.node().read(LOG)).into_owned()
    }

    fn roll_back(&self) -> Ran {
        self.node().reseal_node(&["rollback", "--accept-outage"])
    }

    /// The containers that run, each another after a restart.
    fn running(&self) -> [Option<String>; 3] {
        let listed = self.node().docker(&["ps", "--format", "{{.ID}} {{.Names}}"]).expect_code(0).stdout;
        let running = |name: &str| listed.lines().find(|line| line.contains(&format!(" k8s_{name}_"))).map(str::to_owned);
        ["tos-etcd", "tos-apiserver", "flanneld"].map(running)
    }

    /// Waits until all three run and etcd is healthy.
    fn wait_until_well(&self) -> [Option<String>; 3] {
        let _ = self.site.etcd().wait_until_healthy(A_WHILE);
        until("all pods", A_WHILE, || {
            let running = self.running();
            if running.iter().all(Option::is_some) { Ok(running) } else { Err(format!("{running:?}")) }
        })
    }

    /// What holds whatever happened.
    fn assert_tidy(&self) {
        assert_eq!(self.node().manifests(), ["tos-apiserver.manifest", "tos-etcd.manifest"]);
        let left = self.node().sh("ls /opt/kubernetes; find /srv /opt -name '.reseal-*'");
        assert_eq!(left, "manifests-multi\n");
    }

    fn has_former_files(&self) -> bool {
        FILES.iter().all(|file| self.node().read(&format!("/srv/kubernetes/{file}")) == self.former(file))
    }

    fn former(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.site.workshop.path().join(file)).expect("the former file is there")
    }

    /// Checks that all is as before the run; gives the containers.
    fn assert_former(&self) -> [Option<String>; 3] {
        self.assert_tidy();
        assert!(self.has_former_files());
        let running = self.wait_until_well();
        let leaf = sh("openssl x509 -in etcd.pem -outform DER | sha256sum | cut -c 1-64", self.site.workshop.path());
        assert_eq!(self.site.etcd().served(self.node()).map(|served| served.fingerprint), Some(leaf.trim().to_owned()));
        self.assert_flannel_holds_what_is_on_disk();
        self.site.etcd().assert_seeded_keys(self.node());
        running
    }

    /// Checks that the node is renewed, and that a second run changes nothing; gives the containers.
    fn assert_renewed(&self) -> [Option<String>; 3] {
        self.assert_tidy();
        self.site.assert_renewed();
        let running = self.wait_until_well();
        let _ = self.apply().expect_code(0);
        assert_eq!(self.running(), running, "a second run restarts nothing");
        running
    }

    fn assert_flannel_holds_what_is_on_disk(&self) {
        let flannel = self.node().container("flanneld").expect("flannel runs");
        let held = self.node().docker(&["exec", &flannel, "cat", "/tmp/etcd.pem"]).expect_code(0).stdout;
        assert!(held.as_bytes() == self.node().read("/srv/kubernetes/etcd.pem"), "flannel's certificate");
    }

    /// Applies, and checks that it succeeds and that all pods are others; the same for the way back, after a change of faults.
    fn there_and_back(&self, between: impl Fn(&Node)) -> (Ran, Ran) {
        let before = self.assert_former();
        let applied = self.apply().expect_code(0);
        let renewed = self.assert_renewed();
        assert_all_differ(&before, &renewed);
        between(self.node());
        let rolled_back = self.roll_back().expect_code(0);
        assert_all_differ(&renewed, &self.assert_former());
        (applied, rolled_back)
    }
}

fn assert_all_differ(before: &[Option<String>; 3], after: &[Option<String>; 3]) {
    assert!(before.iter().zip(after).all(|(before, after)| before != after), "{before:?} {after:?}");
}

/// Checks that a run failed with this code and tells what to do.
fn assert_explained(ran: Ran, code: i32, said: &str) {
    let ran = ran.expect_code(code);
    assert!(ran.stderr.contains("error:") && ran.stderr.contains("hint:") && ran.stderr.contains(said), "{}", ran.stderr);
}

#[test]
fn a_slow_or_untidy_kubelet_and_missing_programs_are_no_obstacle() {
    let bed = Bed::new();
    bed.deliver(1, 1, 60);

    bed.node().set_quirk(Quirk::SlowStop, true);
    let (applied, _) = bed.there_and_back(|node| {
        node.set_quirk(Quirk::SlowStop, false);
        node.set_quirk(Quirk::DeadLeft, true);
    });
    assert!(applied.stderr.contains("still runs; 0 s of at most 60 s"), "{}", applied.stderr);

    // Ended containers are left from here on, and must not pass for running ones.
    bed.node().hide("kubectl");
    let (applied, _) = bed.there_and_back(|node| node.set_quirk(Quirk::DeadLeft, false));
    assert!(applied.stderr.contains("kubectl cannot be used here"), "{}", applied.stderr);
    bed.node().show("kubectl");

    without_docker(&bed);
}

/// The process table serves where there is no docker; a client that comes back meanwhile does no harm.
fn without_docker(bed: &Bed) {
    let before = bed.assert_former();
    bed.node().hide("docker");
    let plan = bed.node().reseal_node(&["plan", BUNDLE, "--signer", &bed.signer]);
    assert!(plan.stderr.contains("runtime   the process table"), "{}", plan.stderr);
    let applied = bed.apply().expect_code(0);
    assert!(applied.stderr.contains("does not show `tos-apiserver`"), "a script goes by its shell's name: {}", applied.stderr);
    bed.assert_tidy();
    bed.node().show("docker");
    let renewed = bed.assert_renewed();
    assert_all_differ(&before, &renewed);
    bed.node().hide("docker");
    let _ = bed.roll_back().expect_code(0);
    bed.node().show("docker");
    assert_all_differ(&renewed, &bed.assert_former());
}

#[test]
fn what_does_not_go_or_does_not_come_back_is_undone() {
    let bed = Bed::new();
    bed.deliver(1, 1, 5);
    let node = bed.node();

    let before = bed.assert_former();
    node.set_quirk(Quirk::NoRemove, true);
    assert_explained(bed.apply(), 5, "to go");
    node.set_quirk(Quirk::NoRemove, false);
    assert_eq!(bed.assert_former(), before, "nothing went");

    node.set_quirk(Quirk::NoStart, true);
    assert_explained(bed.apply(), 6, "does not run yet");
    bed.assert_tidy();
    assert!(bed.has_former_files());
    node.set_quirk(Quirk::NoStart, false);
    let _ = bed.roll_back().expect_code(0);
    let before = bed.assert_former();

    // Flannel's pod is deleted, and the new one cannot start.
    let template = node.read(FLANNEL);
    node.write(FLANNEL, String::from_utf8_lossy(&template).replace("\"image\": \"", "\"image\": \"not-there/"));
    assert_explained(bed.apply(), 6, "`flannel` to run again");
    bed.assert_tidy();
    assert!(bed.has_former_files());
    node.write(FLANNEL, &template);
    let _ = bed.roll_back().expect_code(0);
    assert_all_differ(&before, &bed.assert_former());

    without_an_engine(&bed);
}

/// An engine that was killed: its containers go on, and neither docker nor the kubelet can do anything about them.
fn without_an_engine(bed: &Bed) {
    let node = bed.node();
    let _ = node.sh("kill -KILL $(pidof dockerd)");
    assert_explained(bed.apply(), 5, "to go");
    bed.assert_tidy();
    assert!(bed.has_former_files());
    bed.site.power_cut(node);
    bed.site.boot(node);
    let _ = bed.assert_former();
    let _ = bed.apply().expect_code(0);
    let _ = bed.assert_renewed();
}

#[test]
fn a_signal_leaves_every_manifest_in_its_place() {
    let bed = Bed::new();
    bed.deliver(1, 10, 60);
    let stop = |said: &str, signal: &str| {
        let mut run = bed.apply_until(said);
        let sent = Instant::now();
        // Whoever presses Ctrl-C again does not make it stop at a less safe point.
        let pid = run.pid();
        let _ =
            sh(&format!("kill -s {signal} {pid}; sleep 0.01; kill -s INT {pid} || :; kill -s INT {pid} || :"), std::path::Path::new("/"));
        assert_eq!(run.wait(A_WHILE), 6, "{signal} {}", bed.log());
        assert!(sent.elapsed() < Duration::from_secs(5), "{signal}: {:?}", sent.elapsed());
        assert!(bed.log().contains("stopped by a signal") && bed.log().contains("hint:"), "{}", bed.log());
        assert_eq!(bed.node().manifests(), ["tos-apiserver.manifest", "tos-etcd.manifest"], "{signal}");
        bed.assert_tidy();
    };

    // While pods are waited for that do not go: nothing went, so nothing restarts on the way back.
    let before = bed.assert_former();
    bed.node().set_quirk(Quirk::NoRemove, true);
    stop("still runs", "TERM");
    bed.node().set_quirk(Quirk::NoRemove, false);
    let _ = bed.roll_back().expect_code(0);
    assert_eq!(bed.assert_former(), before);

    // While nothing runs.
    stop("waiting 10 s", "HUP");
    let _ = bed.roll_back().expect_code(0);
    let before = bed.assert_former();

    stop("waiting 10 s", "INT");
    let status = bed.node().reseal_node(&["status"]).expect_code(0);
    assert!(status.stderr.contains("was begun: does what is left of it"), "{}", status.stderr);
    let went_on = bed.apply().expect_code(0);
    assert!(went_on.stderr.contains("going on with the interrupted run"), "{}", went_on.stderr);
    assert_all_differ(&before, &bed.assert_renewed());
}

#[test]
#[ignore = "two more restarts, each with its waits; the signals themselves are tested above"]
fn a_console_that_is_gone_ends_a_run_safely_unless_nohup_says_otherwise() {
    let bed = Bed::new();
    bed.deliver(1, 5, 60);
    let before = bed.assert_former();
    when_the_console_is_gone(&bed);
    let _ = bed.roll_back().expect_code(0);
    let _ = bed.assert_former();
    when_it_is_to_outlive_its_console(&bed);
    assert_all_differ(&before, &bed.assert_renewed());
}

/// The terminal is closed in the middle: the kernel sends HUP, and no word can be written any more.
fn when_the_console_is_gone(bed: &Bed) {
    let script = "import os, pty, sys\n\
                  pid, terminal = pty.fork()\n\
                  if pid == 0: os.execv(sys.argv[1], sys.argv[1:])\n\
                  said = b''\n\
                  while b'waiting 5 s' not in said: said += os.read(terminal, 4096)\n\
                  os.close(terminal)\n\
                  sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))";
    let _ = bed
        .node()
        .run(&[&["env", "--default-signal=HUP", "python3", "-c", script, "/root/reseal-node"], bed.applying().as_slice()].concat())
        .expect_code(6);
    bed.assert_tidy();
    assert!(bed.node().reseal_node(&["status"]).expect_code(0).stderr.contains("interrupted"));
}

/// `nohup` says so.
fn when_it_is_to_outlive_its_console(bed: &Bed) {
    let node = bed.node();
    let _ = node.sh(&format!(": >{LOG}"));
    let mut run = node.start_background(&[&["nohup", "/root/reseal-node"], bed.applying().as_slice()].concat(), LOG);
    until("the wait", A_WHILE, || if bed.log().contains("waiting 5 s") { Ok(()) } else { Err(bed.log()) });
    run.signal("HUP");
    assert_eq!(run.wait(A_WHILE), 0, "{}", bed.log());
}

/// With expired certificates etcd hangs and the API server comes and goes: neither keeps a fault from being undone, or a run from going on.
#[test]
fn an_expired_master_is_no_worse_off_after_a_fault() {
    let bed = Bed::of(Layout::expired());
    let node = bed.node();
    bed.deliver(1, 5, 10);
    let assert_in_place = || {
        bed.assert_tidy();
        assert!(bed.has_former_files());
        let _ = until("etcd's container", A_WHILE, || node.container("tos-etcd").ok_or_else(|| "it does not run".to_owned()));
    };

    node.set_quirk(Quirk::NoRemove, true);
    let failed = bed.apply();
    assert!([5, 6].contains(&failed.code) && failed.stderr.contains("hint:"), "{}", failed.stderr);
    assert_in_place();
    node.set_quirk(Quirk::NoRemove, false);
    let _ = bed.roll_back().expect_code(0);
    assert_in_place();

    let mut run = bed.apply_until("waiting 5 s");
    run.signal("TERM");
    assert_eq!(run.wait(A_WHILE), 6, "{}", bed.log());
    bed.assert_tidy();
    let _ = bed.apply().expect_code(0);
    let _ = bed.assert_renewed();

    let _ = bed.roll_back().expect_code(0);
    assert_in_place();
    let _ = bed.apply().expect_code(0);
    let _ = bed.assert_renewed();
}

/// Nothing can be taken down while the engine is stopped, and every question to it takes as long as is waited for an answer.
#[test]
#[ignore = "each of a dozen looks waits 20 s for an engine that does not answer"]
fn an_engine_that_hangs_keeps_nobody_waiting_for_ever() {
    let bed = Bed::new();
    bed.deliver(1, 1, 5);
    let before = bed.assert_former();
    let _ = bed.node().sh("kill -STOP $(pidof dockerd)");
    let begun = Instant::now();
    let failed = bed.apply();
    let _ = bed.node().sh("kill -CONT $(pidof dockerd)");
    // What brought it into the node stopped with it, and is this test's child.
    let _ = std::process::Command::new("pkill").args(["-CONT", "-P", &std::process::id().to_string()]).status();
    assert_explained(failed, 5, "to go");
    assert!(begun.elapsed() < Duration::from_mins(6), "{:?}", begun.elapsed());
    assert_eq!(bed.assert_former(), before);
    let _ = bed.apply();
    let _ = bed.assert_renewed();
}
