//! What is stored, on a folder tree: the executor is killed at every call that changes something, and each of these calls fails in
//! turn. Whatever happened, the next `apply` ends at the exact new state and `rollback` at the exact old one.
//!
//! By default every so many points are visited, others each time; the ignored tests visit all. Needs strace.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use end_to_end::{
    faults::{self, Fault, Point, STORING, for_each, points, sample},
    programs::{reseal_node, sh},
    secret::Secret,
    tree::{State, difference},
    workshop::{GENCERTS, Workshop},
};

/// The targets that hold a private key, before or after.
const KEY: &str = "srv/kubernetes/etcd-key.pem";
/// Where the executor keeps what is its own.
const STATE: &str = "var/lib/reseal";
/// Where staging files and backups have names of their own.
const STAGING: &str = ".reseal-";

/// A node before a run and after it, and what a run of its bundle needs.
struct Scene {
    workshop: Workshop,
    bundle: String,
    signer: String,
    former: PathBuf,
    applied: PathBuf,
    old: State,
    new: State,
    secrets: [Secret; 2],
    /// Where the trees are that are worked on, if not here.
    disk: Option<SmallDisk>,
}

/// What a run did.
struct Ended {
    /// None when it was killed.
    code: Option<i32>,
    said: String,
    record: String,
}

/// Whether all was done, and only the bundle's signer and serial, or the receipt, could not be written down, which is said.
fn is_forgotten(ran: &Ended) -> bool {
    let is_said = |what: &str, remedy: &str| ran.said.contains(what) && ran.said.contains(remedy);
    let is_untold = is_said("no receipt could be written", "the next `apply`, `rollback` or `receipt` writes it");
    ran.code == Some(0) && (is_untold || is_said("could not be remembered", "`apply` once more"))
}

impl Scene {
    /// A master that is the Manager too: five files, one of which is not there yet, with owners, modes and attributes to keep.
    fn new() -> Self {
        Self::with(
            "setfattr -n user.origin -v installer srv/kubernetes/etcd.pem; setfattr -n user.secret -v yes srv/kubernetes/etcd-key.pem",
        )
    }

    /// The same with what this script does to it.
    fn with(script: &str) -> Self {
        let workshop = Workshop::expired();
        let bundle = workshop.bundle(&["--serial", "7"]).display().to_string();
        let former = workshop.node("tos3", true);
        let _ = sh(
            &format!(
                "[ $(id -u) != 0 ] || chown 1234:2345 srv/kubernetes/etcd.pem; chmod 640 srv/kubernetes/etcd.pem; chmod 400 {KEY}
                 {script}
                 rm {GENCERTS}/etcd-ca.pem; touch -d 2020-02-02T02:02:02.123456789Z srv/kubernetes/*.pem {GENCERTS}/config.json"
            ),
            &former,
        );
        let applied = copy(&former, &workshop.path().join("applied"));
        let _ = sh("tar -xzf site-7.tar.gz", workshop.path());
        let key = |path: &str| Secret::of(&workshop.path().join(path));
        let secrets = [key("etcd-key.pem"), key("site-7/secrets/etcd-key.pem")];
        let (old, signer) = (State::of(&former, STATE), workshop.fingerprint());
        let mut scene = Self { workshop, bundle, signer, former, old, new: State::default(), applied, secrets, disk: None };
        let ran = scene.run(&[], "apply", &scene.applied);
        assert_eq!(ran.code, Some(0), "{}", ran.said);
        scene.new = State::of(&scene.applied, STATE);
        scene
    }

    /// A copy to work on, which goes with the scene.
    fn fresh(&self, from: &Path) -> tempfile::TempDir {
        let place = tempfile::tempdir_in(self.workshop.path()).unwrap();
        let _ = copy(from, &place.path().join("node"));
        place
    }

    fn command(&self, command: &str, root: &Path) -> Vec<String> {
        let mut words = vec![reseal_node().display().to_string(), command.to_owned()];
        if command == "apply" {
            words.extend(["--yes".to_owned(), self.bundle.clone(), "--signer".to_owned(), self.signer.clone()]);
        }
        words.extend(["--root".to_owned(), root.display().to_string()]);
        words
    }

    /// Runs a command on a tree, under `around`.
    fn run(&self, around: &[String], command: &str, root: &Path) -> Ended {
        let entering = self.disk.as_ref().map(SmallDisk::entering).unwrap_or_default();
        let words = [&entering, around, &self.command(command, root)].concat();
        let ran = Command::new(&words[0]).args(&words[1..]).current_dir("/").output().unwrap();
        let code = ran.status.code();
        assert!(code.is_some() || ran.status.signal() == Some(9), "{:?}", ran.status);
        Ended { code, said: String::from_utf8_lossy(&ran.stderr).into_owned(), record: String::new() }
    }

    /// The calls of a command that are not disturbed.
    fn points(&self, command: &str) -> Vec<Point> {
        let place = self.fresh(self.begin(command));
        let log = place.path().join("record").display().to_string();
        let ran = self.run(&faults::strace(STORING, &log, &[]), command, &place.path().join("node"));
        assert_eq!(ran.code, Some(0), "{}", ran.said);
        points(&fs::read_to_string(log).unwrap())
    }

    /// The tree on which a command begins.
    fn begin(&self, command: &str) -> &Path {
        if command == "apply" { &self.former } else { &self.applied }
    }

    /// Runs a command with a fault, on a fresh tree.
    fn disturb(&self, command: &str, point: &Point, fault: Fault) -> Result<(tempfile::TempDir, Ended), String> {
        let place = self.fresh(self.begin(command));
        let log = place.path().join("record").display().to_string();
        let mut ran = self.run(&point.inject(fault, &log, &[]), command, &place.path().join("node"));
        ran.record = fs::read_to_string(log).unwrap();
        if Point::was_met(fault, &ran.record) { Ok((place, ran)) } else { Err(format!("was not met:\n{}", ran.said)) }
    }

    /// A path of the trees that are worked on, as it is seen from here.
    fn seen(&self, root: &Path) -> PathBuf {
        self.disk.as_ref().map_or_else(|| root.to_owned(), |disk| disk.seen(root))
    }

    fn state(&self, root: &Path, left_out: &str) -> State {
        State::of(&self.seen(root), left_out)
    }

    /// Runs a command that must end well.
    fn succeed(&self, command: &str, root: &Path) -> Result<(), String> {
        let ran = self.run(&[], command, root);
        if ran.code == Some(0) { Ok(()) } else { Err(format!("then {command}: {:?}\n{}", ran.code, outcome(&ran.said))) }
    }

    /// Kills a command at a point; then one copy of what is left goes forward, another back.
    fn check_kill(&self, command: &str, point: &Point) -> Result<(), String> {
        let (place, _) = self.disturb(command, point, Fault::Kill)?;
        let (one, other) = (place.path().join("node"), place.path().join("other"));
        self.check_held(&one, true)?;
        let left = self.state(&one, "");
        self.succeed("status", &one)?;
        difference(&left, &self.state(&one, ""), true).map_err(|why| format!("status changed something: {why}"))?;
        let _ = copy(&one, &other);
        self.check_forward(&one)?;
        self.check_back(&other)
    }

    fn check_forward(&self, root: &Path) -> Result<(), String> {
        self.succeed("apply", root)?;
        self.check_held(root, false)?;
        difference(&self.new, &self.state(root, STATE), false).map_err(|why| format!("apply does not end at the new state: {why}"))
    }

    fn check_back(&self, root: &Path) -> Result<(), String> {
        self.succeed("rollback", root)?;
        self.check_held(root, false)?;
        self.check_old(root).map_err(|why| format!("rollback does not end at the old state: {why}"))
    }

    fn check_old(&self, root: &Path) -> Result<(), String> {
        difference(&self.old, &self.state(root, STATE), true)
    }

    /// Lets a command meet an error; then everything is as before, with a word about it, and commands without errors succeed.
    fn check_error(&self, command: &str, point: &Point, fault: Fault) -> Result<(), String> {
        let (place, ran) = self.disturb(command, point, fault)?;
        let injected = ran.record.lines().find(|line| line.ends_with("(INJECTED)")).unwrap_or_default();
        let paths = points(injected).first().map(Point::paths).unwrap_or_default();
        let told = self.check_told(&ran, fault.reason().unwrap_or_default(), &paths);
        let may_be_stuck = command == "rollback" || matches!(fault, Fault::Errors(_));
        let node = place.path().join("node");
        let left = told.and_then(|()| self.check_left(command, &ran, &node, may_be_stuck));
        left.map_err(|why| format!("{why}: exit {:?}\n{}", ran.code, outcome(&ran.said)))?;
        let other = copy(&node, &place.path().join("other"));
        self.check_forward(&node)?;
        self.check_back(&other)
    }

    /// What a command that failed has left behind.
    fn check_left(&self, command: &str, ran: &Ended, root: &Path, may_be_stuck: bool) -> Result<(), String> {
        self.check_held(root, ran.code == Some(6))?;
        match ran.code {
            Some(0) if is_forgotten(ran) && command == "rollback" => self.check_old(root),
            Some(0) if is_forgotten(ran) => difference(&self.new, &self.state(root, STATE), false),
            Some(1 | 4 | 5) if command == "apply" => self.check_old(root),
            Some(1 | 4) => difference(&self.new, &self.state(root, STATE), false),
            Some(6) if may_be_stuck => Ok(()),
            _ => Err("this exit code says something else".to_owned()),
        }
    }

    /// The message names what failed (one of these paths) and why, and a person learns what to do.
    fn check_told(&self, ran: &Ended, reason: &str, paths: &[String]) -> Result<(), String> {
        let has = |word: &str| ran.said.contains(word);
        let by_hand = ran.code != Some(6) || has("RESTORE.txt") && has("rollback");
        let missing = [
            (has(reason), "no reason is given".to_owned()),
            (paths.iter().any(|path| has(path)), format!("none of {paths:?} is named")),
            (has("hint:") || is_forgotten(ran), "there is no hint".to_owned()),
            (by_hand, "it is not said what to do by hand".to_owned()),
            (!self.holds_key(ran.said.as_bytes()), "a key is shown".to_owned()),
        ];
        missing.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, why)| Err(why))
    }

    /// Applies where no file may be longer than this.
    fn check_short(&self, limit: usize) -> Result<(), String> {
        let place = self.fresh(&self.former);
        let node = place.path().join("node");
        let script = format!("trap '' XFSZ; exec prlimit --fsize={limit} \"$0\" \"$@\"");
        let ran = self.run(&["sh", "-c", &script].map(str::to_owned), "apply", &node);
        if ran.code == Some(0) {
            return self.check_forward(&node);
        }
        let told = self.check_told(&ran, "File too large", &[node.display().to_string()]);
        let left = told.and_then(|()| self.check_left("apply", &ran, &node, true));
        left.map_err(|why| format!("{why}: exit {:?}\n{}", ran.code, outcome(&ran.said)))?;
        let other = copy(&node, &place.path().join("other"));
        self.check_forward(&node)?;
        self.check_back(&other)
    }

    /// Applies on a disk with so much room, and again once it has more.
    fn check_full(&mut self, options: &str) -> Result<(), String> {
        let folder = self.workshop.path().join("disk");
        fs::create_dir_all(&folder).unwrap();
        let disk = self.disk.insert(SmallDisk::mount(&folder, options));
        let (node, other) = (folder.join("node"), folder.join("other"));
        let _ = copy(&self.former, &disk.seen(&node));
        let ran = self.run(&[], "apply", &node);
        let left = if ran.code == Some(0) { Ok(()) } else { self.check_full_left(&ran, &node) };
        left.map_err(|why| format!("{why}: exit {:?}\n{}", ran.code, outcome(&ran.said)))?;
        self.disk.as_ref().unwrap().enlarge();
        let _ = copy(&self.seen(&node), &self.seen(&other));
        self.check_forward(&node)?;
        self.check_back(&other)
    }

    fn check_full_left(&self, ran: &Ended, node: &Path) -> Result<(), String> {
        let reason = match ran.code {
            Some(4) if ran.said.contains("more files") => " are needed",
            Some(4) => "bytes free",
            _ => "No space left on device",
        };
        self.check_told(ran, reason, &[node.display().to_string()])?;
        self.check_left("apply", ran, node, true)
    }

    /// Keys are where they belong and closed; nothing is left beside targets, unless a run was just cut off.
    fn check_held(&self, root: &Path, is_cut_off: bool) -> Result<(), String> {
        for (path, entry) in self.state(root, "").entries() {
            let is_own = Path::new(path).starts_with(STATE);
            // Backups keep the modes of files; the folder around them is closed.
            let is_backup = is_own && path.split('/').nth(5) == Some("backup") && !entry.is_folder;
            let is_staged = path.contains(STAGING);
            let widest = if entry.is_folder { 0o700 } else { 0o600 };
            if is_own && !is_backup && entry.mode & !widest != 0 {
                return Err(format!("`{path}` has the mode {:o}", entry.mode));
            }
            if is_staged && !is_cut_off {
                return Err(format!("`{path}` is left"));
            }
            let may_hold_key = is_backup || path == KEY || is_staged && entry.mode & !0o600 == 0;
            if !entry.is_folder && !may_hold_key && self.holds_key(&fs::read(self.seen(root).join(path)).unwrap()) {
                return Err(format!("`{path}`, with the mode {:o}, holds a key", entry.mode));
            }
        }
        Ok(())
    }

    fn holds_key(&self, content: &[u8]) -> bool {
        self.secrets.iter().any(|secret| secret.found_in(content).is_some())
    }
}

/// A file system of a few pages or names, in a mount namespace of its own. Its end takes it away.
struct SmallDisk {
    holder: Child,
    place: PathBuf,
}

impl SmallDisk {
    /// Mounts it at a folder, with options of `tmpfs`.
    fn mount(place: &Path, options: &str) -> Self {
        let script = format!("mount -t tmpfs -o {options} small '{}'; echo ready; read -r _ || :", place.display());
        let user = if is_root() { None } else { Some("--map-root-user") };
        let mut unshare = Command::new("unshare");
        let unshare = unshare.args(user).args(["--mount", "--propagation", "private", "sh", "-euc", &script]);
        let mut holder = unshare.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        let _ = BufReader::new(holder.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert_eq!(ready, "ready\n");
        Self { holder, place: place.to_owned() }
    }

    /// What to begin a command with that is to see it.
    fn entering(&self) -> Vec<String> {
        let user = if is_root() { &[][..] } else { &["--user", "--preserve-credentials"] };
        let target = self.holder.id().to_string();
        [&["nsenter", "--mount", "--target", &target], user, &["--"]].concat().into_iter().map(str::to_owned).collect()
    }

    fn seen(&self, path: &Path) -> PathBuf {
        Path::new(&format!("/proc/{}/root", self.holder.id())).join(path.strip_prefix("/").unwrap())
    }

    /// Gives it all the room that a command may want.
    fn enlarge(&self) {
        let entering = self.entering();
        let mut command = Command::new(&entering[0]);
        let options = "remount,size=64m,nr_inodes=100000";
        assert!(command.args(&entering[1..]).args(["mount", "-o", options]).arg(&self.place).status().unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

fn is_root() -> bool {
    sh("id -u", Path::new("/")) == "0\n"
}

/// Copies a tree with all that it has.
fn copy(from: &Path, to: &Path) -> PathBuf {
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
    to.to_owned()
}

/// The part of what a command said that is about its end.
fn outcome(said: &str) -> String {
    said.lines().filter(|line| line.starts_with("error:") || line.starts_with("hint:")).collect::<Vec<_>>().join("\n")
}

/// A point and what happens there.
struct Visit(Point, Fault);

impl std::fmt::Display for Visit {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "{:?} at {}", self.1, self.0)
    }
}

/// Kills `command` at these points.
fn kill(scene: &Scene, command: &str, points: &[Point]) {
    for_each(&format!("{command}, killed"), points, |point| scene.check_kill(command, point));
}

/// Has `command` meet each of these faults at these points. Where every write fails, nothing can be said either: not here, full disks
/// below are of that kind.
fn fail(scene: &Scene, command: &str, points: &[Point], faults: &[Fault]) {
    let visits = points.iter().flat_map(|point| faults.iter().map(|fault| Visit(point.clone(), *fault)));
    let visits: Vec<Visit> = visits.filter(|Visit(point, fault)| point.call != "write" || !matches!(fault, Fault::Errors(_))).collect();
    for_each(&format!("{command}, failing"), &visits, |Visit(point, fault)| scene.check_error(command, point, *fault));
}

#[test]
fn a_run_killed_at_a_call_is_finished_or_taken_back() {
    let scene = Scene::new();
    kill(&scene, "apply", &sample(&scene.points("apply"), 8));
    kill(&scene, "rollback", &sample(&scene.points("rollback"), 8));
}

#[test]
fn a_call_that_fails_leaves_everything_as_it_was() {
    let scene = Scene::new();
    let points = scene.points("apply");
    // A rename that does not last is a failure, whoever forgets to look.
    let syncs = points.iter().skip_while(|point| point.call != "rename").filter(|point| point.call == "fsync");
    fail(&scene, "apply", &syncs.cloned().collect::<Vec<_>>(), &[Fault::Error("EIO")]);
    fail(&scene, "apply", &sample(&points, 15), &[Fault::Error("EIO"), Fault::Errors("ENOSPC")]);
    fail(&scene, "rollback", &sample(&scene.points("rollback"), 15), &[Fault::Error("EROFS")]);
}

/// What cannot be looked at may have been changed, and what cannot be removed is left: neither is "nothing was changed".
#[test]
fn a_disk_that_gives_nothing_back_is_told_apart_from_one_that_was_not_touched() {
    let scene = Scene::new();
    let points = scene.points("apply");
    let opened = points.iter().skip_while(|point| point.call != "rename").find(|point| point.call == "openat");
    let removed = points.iter().filter(|point| point.call == "unlink").nth(1);
    let visits: Vec<Visit> = [opened, removed].map(|point| Visit(point.unwrap().clone(), Fault::Errors("EIO"))).into();
    for_each("a disk that gives nothing back", &visits, |Visit(point, fault)| {
        scene.check_error("apply", point, *fault)?;
        let (_, ran) = scene.disturb("apply", point, *fault)?;
        if ran.code == Some(6) { Ok(()) } else { Err(format!("exit {:?}", ran.code)) }
    });
}

/// No file can grow over so many bytes: the write that would go over it is short, and the next one fails.
#[test]
fn a_short_write_leaves_everything_as_it_was() {
    let scene = Scene::new();
    let most = 8192; // More than a journal has.
    let limits: Vec<usize> = (0..most).step_by(173).chain([most]).collect();
    for_each("files that cannot grow", &limits, |limit| scene.check_short(*limit));
}

/// Room for so many pages or files, from hardly enough for the node to enough for the run.
#[test]
fn a_disk_that_fills_up_leaves_everything_as_it_was() {
    // Before Linux 6.6, such a disk keeps no attributes of users.
    let mut scene = Scene::with("");
    let pages = [60, 600, 1100].map(|size| format!("size={size}k,nr_inodes=1000"));
    let names = (24..42).map(|names| format!("size=64m,nr_inodes={names}"));
    for options in pages.into_iter().chain(names) {
        scene.check_full(&options).unwrap_or_else(|why| panic!("{options}: {why}"));
    }
}

#[test]
#[ignore = "every call of both commands"]
#[allow(clippy::print_stderr, reason = "how many points there are")]
fn every_call_killed() {
    let scene = Scene::new();
    for command in ["apply", "rollback"] {
        let points = scene.points(command);
        eprintln!("{command}: killed at {} points", points.len());
        kill(&scene, command, &points);
    }
}

#[test]
#[ignore = "every call of both commands, with six faults each"]
#[allow(clippy::print_stderr, reason = "how many points there are")]
fn every_call_failing() {
    let scene = Scene::new();
    let faults = ["EIO", "ENOSPC", "EROFS"].map(|name| [Fault::Error(name), Fault::Errors(name)]).concat();
    for command in ["apply", "rollback"] {
        let points = scene.points(command);
        eprintln!("{command}: {} points, {} faults each", points.len(), faults.len());
        fail(&scene, command, &points, &faults);
    }
}
