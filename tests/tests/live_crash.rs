//! What is live: the executor is killed at every call that it makes of a Manager's database, and at every call of a master's restart.
//! Rows are old or new as a whole and no manifest is missing after the next command; `apply` then ends at the new state, `rollback` at
//! the old one.
//!
//! By default a few points are visited; the ignored tests visit all. Needs root, namespaces, strace and the packages that `tests/all`
//! installs.
#![allow(clippy::expect_used, reason = "a scene that cannot be set is a failed test")]
#![allow(clippy::print_stderr, reason = "how many points there are")]

use std::time::Duration;

use end_to_end::{
    faults::{self, Fault, Point, SPEAKING, STORING, points, sample},
    live::{Layout, Manager, Node, Site, database::KEYS, node::BUNDLE, site::FILES, until},
    programs::{Ran, sh},
    workshop::GENCERTS,
};

/// Where a node keeps the record of a traced run.
const RECORD: &str = "/root/record";
/// For pods to come back, on a machine that is busy.
const A_WHILE: Duration = Duration::from_secs(90);

/// A site of one node.
struct Bed {
    site: Site,
    signer: String,
    /// The Manager's table at the start.
    rows: String,
}

impl Bed {
    /// A Manager whose masters are only on paper.
    fn manager() -> Self {
        let site = Site::start(Layout { masters: 0, flannel_node: false, manager: Manager::Own, ..Layout::ending_soon() });
        let bundle = site.bundle(&["--node", "tos1=10.199.0.11:etcd", "--san", "10.199.0.11", "--serial", "7"]);
        site.deliver(&bundle);
        let (signer, rows) = (site.workshop.fingerprint(), site.database().everything("manager_info"));
        Self { site, signer, rows }
    }

    /// A master alone, which waits for nothing but for its pods.
    fn master() -> Self {
        let site = Site::start(Layout { masters: 1, ..Layout::ending_soon().masters_only() });
        let bundle = site.bundle(&["--serial", "7", "--settle", "0"]);
        site.deliver(&bundle);
        let signer = site.workshop.fingerprint();
        Self { site, signer, rows: String::new() }
    }

    fn node(&self) -> &Node {
        &self.site.nodes()[0]
    }

    fn command(&self, command: &str) -> Vec<String> {
        let mut words = vec!["/root/reseal-node", command];
        if command != "status" {
            words.push("--accept-outage");
        }
        if command == "apply" {
            words.extend([BUNDLE, "--signer", &self.signer]);
        }
        words.into_iter().map(str::to_owned).collect()
    }

    fn run(&self, around: &[String], command: &str) -> Ran {
        let words = [around, &self.command(command)].concat();
        self.node().run(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn succeed(&self, command: &str) {
        let _ = self.run(&[], command).expect_code(0);
    }

    /// The calls of a command that ends well, from a list, about paths if there are any.
    fn points(&self, command: &str, calls: &[&str], paths: &[&str]) -> Vec<Point> {
        let _ = self.run(&faults::strace(calls, RECORD, paths), command).expect_code(0);
        points(&String::from_utf8_lossy(&self.node().read(RECORD)))
    }

    /// Kills a command at a point.
    fn kill(&self, command: &str, point: &Point, paths: &[&str]) {
        eprintln!("  {command} killed at {point}");
        let ran = self.run(&point.inject(Fault::Kill, RECORD, paths), command);
        let record = String::from_utf8_lossy(&self.node().read(RECORD)).into_owned();
        assert!(Point::was_met(Fault::Kill, &record), "{point} was not met: {}", ran.stderr);
    }

    /// Nothing is left beside targets.
    fn assert_tidy(&self) {
        let left = self.node().sh(&format!("ls /opt/kubernetes; find /srv /opt /{GENCERTS} -name '.reseal-*' 2>/dev/null || :"));
        assert_eq!(left, "manifests-multi\n");
    }

    fn former(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.site.workshop.path().join(file)).expect("the former file is there")
    }

    fn has_former_files(&self) -> bool {
        FILES.iter().all(|file| self.node().read(&format!("/srv/kubernetes/{file}")) == self.former(file))
    }

    /// Forgets the run that was taken back, so that the next one begins like the first.
    fn forget(&self) {
        if !self.rows.is_empty() {
            let _ = self.site.database().sql("drop table if exists manager_info_bak_7");
        }
        let _ = self.node().sh("rm -rf /var/lib/reseal");
    }
}

/// The Manager's slice.
impl Bed {
    /// All that a run may touch, and what it may leave beside it.
    fn manager_state(&self) -> String {
        let files = format!("find /srv/kubernetes /{GENCERTS} -type f");
        let seen = self.node().sh(&format!("{files} -printf '%p %m %U:%G\\n' | sort; {files} -exec sha256sum {{}} + | sort"));
        format!("{seen}{}", self.site.database().everything("manager_info"))
    }

    /// All three rows are new, or none; nothing else of the table has changed.
    fn assert_rows_whole(&self) {
        let now = self.site.database().everything("manager_info");
        let differ = now.lines().zip(self.rows.lines()).filter(|(now, before)| now != before).count();
        assert!(now.lines().count() == self.rows.lines().count() && [0, KEYS.len()].contains(&differ), "{differ} rows are new");
    }

    /// Both states of a Manager, and the points of both commands from the first call that stores something.
    fn film(&self) -> Film {
        let calls = [STORING, SPEAKING].concat();
        let of = |command: &str| {
            let points = self.points(command, &calls, &[]);
            let first = points.iter().position(|point| STORING.contains(&point.call.as_str())).expect("it stores something");
            points[first..].to_vec()
        };
        let old = self.manager_state();
        let apply = of("apply");
        self.site.assert_renewed();
        let new = self.manager_state();
        let rollback = of("rollback");
        assert_eq!(self.manager_state(), old);
        self.forget();
        Film { old, new, apply, rollback }
    }

    /// Kills `command`, and checks where `next` ends.
    fn cut(&self, film: &Film, command: &str, point: &Point, next: &str) {
        self.kill(command, point, &[]);
        self.assert_rows_whole();
        self.succeed(next);
        assert_eq!(self.manager_state(), if next == "apply" { &*film.new } else { &*film.old }, "{command} killed at {point}, then {next}");
    }

    /// Kills both commands at points of theirs, and goes either way from there.
    fn cut_both(&self, film: &Film, there: &Point, back: &Point) {
        self.cut(film, "apply", there, "apply");
        self.cut(film, "rollback", back, "apply");
        self.cut(film, "rollback", back, "rollback");
        // The first run of a node makes more folders than later ones.
        self.forget();
        self.cut(film, "apply", there, "rollback");
        self.forget();
    }
}

/// What is known of a Manager's run.
struct Film {
    old: String,
    new: String,
    apply: Vec<Point>,
    rollback: Vec<Point>,
}

#[test]
fn a_manager_whose_run_is_killed_has_old_rows_or_new_ones() {
    let bed = Bed::manager();
    let film = bed.film();
    // What is said to the database once files are replaced: the transaction is among it, and what comes before and after.
    let said = |points: &[Point]| {
        let changing = points.iter().skip_while(|point| point.call != "rename");
        changing.filter(|point| point.shown.contains("<socket:")).cloned().collect::<Vec<_>>()
    };
    let (apply, rollback) = (said(&film.apply), film.rollback.iter().filter(|point| point.shown.contains("<socket:")).cloned());
    let rollback: Vec<Point> = rollback.collect();
    assert!(apply.len() > 10 && rollback.len() > 10, "{apply:?}");
    for (there, back) in sample(&apply, apply.len() / 3).iter().zip(&sample(&rollback, rollback.len() / 3)) {
        bed.cut_both(&film, there, back);
    }
}

#[test]
#[ignore = "every call of both commands on a Manager"]
fn every_call_on_a_manager_killed() {
    let bed = Bed::manager();
    let film = bed.film();
    eprintln!("apply: killed at {} points; rollback: at {}", film.apply.len(), film.rollback.len());
    assert!(film.apply.len() >= film.rollback.len());
    for (there, back) in film.apply.iter().zip(film.rollback.iter().cycle()) {
        bed.cut_both(&film, there, back);
    }
}

/// The master's slice.
impl Bed {
    /// What a restart writes to, for the latest run.
    fn paths(&self) -> Vec<String> {
        let run = self.node().sh("ls /var/lib/reseal/runs 2>/dev/null | tail -n 1");
        let run = if run.is_empty() { "0001-site-7".to_owned() } else { run.trim().to_owned() };
        paths_of(&run)
    }

    fn running(&self) -> [Option<String>; 3] {
        let listed = self.node().docker(&["ps", "--format", "{{.ID}} {{.Names}}"]).expect_code(0).stdout;
        ["tos-etcd", "tos-apiserver", "flanneld"]
            .map(|name| listed.lines().find(|line| line.contains(&format!(" k8s_{name}_"))).map(str::to_owned))
    }

    /// What holds after any command that came to its end.
    fn assert_pods_run(&self) {
        self.assert_tidy();
        assert_eq!(self.node().manifests(), ["tos-apiserver.manifest", "tos-etcd.manifest"]);
        let _ = self.site.etcd().wait_until_healthy(A_WHILE);
        let running = || if self.running().iter().all(Option::is_some) { Ok(()) } else { Err(format!("{:?}", self.running())) };
        until("all pods", A_WHILE, running);
    }

    fn assert_master_former(&self) {
        self.assert_pods_run();
        assert!(self.has_former_files());
        let leaf = sh("openssl x509 -in etcd.pem -outform DER | sha256sum | cut -c 1-64", self.site.workshop.path());
        assert_eq!(self.site.etcd().served(self.node()).map(|served| served.fingerprint), Some(leaf.trim().to_owned()));
    }

    fn assert_master_renewed(&self) {
        self.assert_pods_run();
        self.site.assert_renewed();
    }

    /// Kills `command` at a point of its latest or its first run, and goes on with `next`.
    fn kill_and_go(&self, command: &str, point: &Point, next: &str) {
        let first = command == "apply" && self.has_former_files();
        let paths = if first { paths_of("0001-site-7") } else { self.paths() };
        self.kill(command, point, &paths.iter().map(String::as_str).collect::<Vec<_>>());
        self.succeed(next);
        if next == "apply" {
            self.assert_master_renewed();
        } else {
            self.assert_master_former();
            self.forget();
        }
    }

    /// Lets an `apply` meet an error in its restart: it goes back to where it began, and says why.
    fn fail(&self, point: &Point, fault: Fault) {
        eprintln!("  apply, {fault:?} at {point}");
        let paths = paths_of("0001-site-7");
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let ran = self.run(&point.inject(fault, RECORD, &paths), "apply");
        let record = String::from_utf8_lossy(&self.node().read(RECORD)).into_owned();
        assert!(Point::was_met(fault, &record), "{point} was not met: {}", ran.stderr);
        if ran.code == 0 {
            // All was done, and what failed is the record of the receipt, which the next command writes.
            assert!(ran.stderr.contains("no receipt could be written: "), "{}", ran.stderr);
            self.assert_master_renewed();
            self.succeed("rollback");
            assert_eq!(self.node().sh("ls /var/lib/reseal/receipts"), "0001-0001-site-7.json\n0002-0001-site-7.json\n");
            self.assert_master_former();
            self.forget();
            return;
        }
        let ran = ran.expect_code(5);
        let names_a_path = points(&record).iter().any(|point| point.paths().iter().any(|path| ran.stderr.contains(path)));
        let reason = fault.reason().unwrap_or_default();
        assert!(names_a_path && ran.stderr.contains(reason) && ran.stderr.contains("hint:"), "{}", ran.stderr);
        self.assert_master_former();
        self.forget();
    }

    /// The points of both commands that are about manifests and, from the first of them on, the journal.
    fn master_points(&self) -> [Vec<Point>; 2] {
        let of = |command: &str| {
            let paths = if command == "apply" { paths_of("0001-site-7") } else { self.paths() };
            let points = self.points(command, STORING, &paths.iter().map(String::as_str).collect::<Vec<_>>());
            let first = points.iter().position(|point| point.call == "rename").expect("a manifest is moved");
            // The record that announces the restart, and its sync.
            points[first - 2..].to_vec()
        };
        let apply = of("apply");
        self.assert_master_renewed();
        let rollback = of("rollback");
        self.assert_master_former();
        self.forget();
        [apply, rollback]
    }
}

/// What a restart writes to: the run's journal, the kubelet's folder and the one above it.
fn paths_of(run: &str) -> Vec<String> {
    let manifests = ["tos-etcd.manifest", "tos-apiserver.manifest"];
    let places = ["/opt/kubernetes/manifests-multi", "/opt/kubernetes"];
    let files = places.iter().flat_map(|place| manifests.map(|name| format!("{place}/{name}")));
    let own = [format!("/var/lib/reseal/runs/{run}/journal")];
    files.chain(places.map(str::to_owned)).chain(own).collect()
}

/// A call that is known from [`STORING`]'s record of a restart of two manifests: four renames, each with two folders synced.
fn known(call: &str, nth: usize) -> Point {
    Point { call: call.to_owned(), nth, shown: "of a manifest".to_owned() }
}

#[test]
fn a_master_whose_restart_is_killed_has_its_manifests_after_the_next_command() {
    let bed = Bed::master();
    // One manifest is out; both are, and nothing runs; one is back, on the way back; both are back, and nothing runs yet.
    bed.kill_and_go("apply", &known("rename", 2), "rollback");
    bed.kill_and_go("apply", &known("rename", 3), "apply");
    bed.kill_and_go("rollback", &known("rename", 4), "rollback");
    // A manifest that cannot be put back at once, for lack of a disk that works, is put back by the way back.
    bed.fail(&known("rename", 3), Fault::Error("EIO"));
    bed.kill_and_go("apply", &known("fsync", 8), "apply");
}

#[test]
#[ignore = "every call of a restart failing: ten minutes"]
fn every_call_of_a_restart_failing() {
    let bed = Bed::master();
    let [apply, _] = bed.master_points();
    eprintln!("apply: failing at {} points", apply.len());
    for (point, error) in apply.iter().zip(["EIO", "EROFS", "ENOSPC"].iter().cycle()) {
        bed.fail(point, Fault::Error(error));
    }
}

#[test]
#[ignore = "every call of both restarts, each with both ways to go on: half an hour"]
fn every_call_of_a_restart_killed() {
    let bed = Bed::master();
    let [apply, rollback] = bed.master_points();
    eprintln!("apply: killed at {} points; rollback: at {}", apply.len(), rollback.len());
    for (there, back) in apply.iter().zip(rollback.iter().cycle()) {
        bed.kill_and_go("apply", there, "apply");
        bed.kill_and_go("rollback", back, "apply");
        bed.kill_and_go("rollback", back, "rollback");
        bed.kill_and_go("apply", there, "rollback");
    }
}

/// How many programs are started depends on how long is waited, so the last one is found by not being met. Which call starts one is
/// the C library's choice.
#[test]
#[ignore = "every program that an apply starts: ten minutes"]
fn every_program_of_a_restart_killed() {
    let bed = Bed::master();
    let visited: usize = ["clone", "clone3", "vfork"].iter().map(|call| bed.kill_programs(call)).sum();
    eprintln!("killed at {visited} programs and threads");
    assert!(visited > 5);
}

impl Bed {
    /// Kills an `apply` at each call of this name, until one comes to its end; gives how many there were.
    fn kill_programs(&self, call: &str) -> usize {
        for nth in 1.. {
            let point = Point { call: call.to_owned(), nth, shown: "a program is started".to_owned() };
            eprintln!("  apply killed at {point}");
            let ran = self.run(&point.inject(Fault::Kill, RECORD, &[]), "apply");
            let was_met = Point::was_met(Fault::Kill, &String::from_utf8_lossy(&self.node().read(RECORD)));
            if !was_met || nth % 2 == 0 {
                let _ = if was_met { self.run(&[], "apply") } else { ran }.expect_code(0);
                self.assert_master_renewed();
            }
            self.succeed("rollback");
            self.assert_master_former();
            self.forget();
            if !was_met {
                return nth - 1;
            }
        }
        0
    }
}
