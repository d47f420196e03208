//! Cuts in the power at many moments of an `apply` and of a `rollback`, on a disk that hides no missing sync: no target is ever empty or
//! torn, `status` can tell, `apply` finishes, and `rollback` returns.
//!
//! Needs root, loop devices, `mkfs.ext4` and strace, which `tests/all` installs.
#![allow(clippy::print_stdout, reason = "measurements are printed")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "test code fails by panicking")]

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::Stdio,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use end_to_end::{
    plug::{Cut, Disk},
    programs::{Ran, reseal_node},
    workshop::{GENCERTS, Workshop},
};

/// Calls that change what is on the disk, or when.
const CHANGING: &str =
    "fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,write,ftruncate,fchmod,fchown,fsetxattr,utimensat,openat";
/// What belongs to a target, to compare: time and inode are not among it.
const LISTING: &str = "cd \"$0\" && find srv var/lib/transwarp-manager -printf '%p %y %U:%G %m %s\\n' | sort";

/// A Manager's tree on a disk, the bundle for it, and what its targets hold before and after.
struct Bed<'a> {
    material: &'a Material,
    disk: Disk,
    former: BTreeMap<String, Vec<u8>>,
    new: BTreeMap<String, Vec<u8>>,
    listing: String,
    /// What `apply` and `rollback` call, one after another: a call, and how often it was called before.
    calls: [Vec<(String, usize)>; 2],
    /// How long they take undisturbed.
    durations: [Duration; 2],
}

/// What beds are made from.
struct Material {
    workshop: Workshop,
    bundle: PathBuf,
    signer: String,
    tree: PathBuf,
}

impl Material {
    fn new() -> Self {
        let workshop = Workshop::expired();
        let (bundle, signer, tree) = (workshop.bundle(&["--serial", "7"]), workshop.fingerprint(), workshop.node("tos3", true));
        Self { workshop, bundle, signer, tree }
    }
}

/// When the plug is pulled.
#[derive(Clone, Debug)]
enum Moment {
    /// Right before a call, named and counted, by which the executor is killed.
    Call(String, usize),
    /// After so long, while it runs.
    Time(Duration),
}

impl<'a> Bed<'a> {
    fn new(material: &'a Material, has_second: bool) -> Self {
        let disk = Disk::with(&material.tree, has_second);
        let (former, new, listing, calls) = Default::default();
        let mut bed = Self { material, disk, former, new, listing, calls, durations: [Duration::ZERO; 2] };
        (bed.former, bed.listing) = (bed.targets(), bed.listing());
        for (index, command) in ["apply", "rollback"].into_iter().enumerate() {
            let start = Instant::now();
            let _ = bed.node(command).expect_code(0);
            bed.durations[index] = start.elapsed();
            if index == 0 {
                bed.new = bed.targets();
                bed.disk.remember("applied");
            }
        }
        assert_eq!((bed.new.len(), bed.former.len()), (5, 5));
        for (name, state) in [("begin", 0), ("applied", 1)] {
            bed.disk.rewind(name);
            bed.calls[state] = bed.calls_of(["apply", "rollback"][state]);
        }
        bed
    }

    fn arguments(&self, command: &str) -> Vec<String> {
        let mut arguments = vec![reseal_node().display().to_string(), command.to_owned()];
        if command == "apply" {
            let bundle = self.material.bundle.display().to_string();
            arguments.extend(["--yes".to_owned(), bundle, "--signer".to_owned(), self.material.signer.clone()]);
        }
        arguments.extend(["--root".to_owned(), self.disk.root().display().to_string()]);
        arguments
    }

    fn node(&self, command: &str) -> Ran {
        self.disk.run(&self.arguments(command))
    }

    /// Runs a command with strace doing something to its calls.
    fn traced(&self, command: &str, options: &[&str]) -> Ran {
        let options: Vec<String> = ["strace", "-f", "-qq"].iter().chain(options).map(|word| (*word).to_owned()).collect();
        self.disk.run(&[options, self.arguments(command)].concat())
    }

    /// Runs a command that is killed right before a call.
    fn killed_at(&self, command: &str, name: &str, count: usize) -> Ran {
        let inject = format!("inject={name}:signal=KILL:when={count}");
        self.traced(command, &["-e", &format!("trace={name}"), "-e", &inject, "-o", "/dev/null"])
    }

    fn calls_of(&self, command: &str) -> Vec<(String, usize)> {
        let log = self.material.workshop.path().join("calls");
        let _ = self.traced(command, &["-e", &format!("trace={CHANGING}"), "-o", log.to_str().unwrap()]).expect_code(0);
        let mut counts = BTreeMap::new();
        let mut calls = Vec::new();
        for line in fs::read_to_string(log).unwrap().lines() {
            let Some((name, arguments)) = line.split_once(' ').and_then(|(_, call)| call.trim_start().split_once('(')) else { continue };
            let count: &mut usize = counts.entry(name.to_owned()).or_default();
            *count += 1;
            if name != "openat" || arguments.contains("O_CREAT") {
                calls.push((name.to_owned(), *count));
            }
        }
        calls
    }

    fn targets(&self) -> BTreeMap<String, Vec<u8>> {
        let kubernetes = ["etcd-ca.pem", "etcd.pem", "etcd-key.pem"].map(|file| format!("srv/kubernetes/{file}"));
        let metainfo = ["etcd-ca.pem", "config.json"].map(|file| format!("{GENCERTS}/{file}"));
        let read =
            |path: String| (path.clone(), fs::read(self.disk.outside().join(&path)).unwrap_or_else(|error| panic!("{path}: {error}")));
        kubernetes.into_iter().chain(metainfo).map(read).collect()
    }

    fn listing(&self) -> String {
        self.disk.run(&["sh", "-euc", LISTING, self.disk.root().to_str().unwrap()]).expect_code(0).stdout
    }

    /// The targets that hold neither what was there before nor what is there after.
    fn torn(&self) -> Vec<String> {
        let is_torn = |(path, content): &(String, Vec<u8>)| *content != self.former[path] && *content != self.new[path];
        self.targets().into_iter().filter(is_torn).map(|(path, content)| format!("{path}: {} bytes", content.len())).collect()
    }

    /// Runs `apply` (0) or `rollback` (1) up to a moment, pulls the plug and starts again.
    fn run_until(&self, direction: usize, moment: &Moment, cut: Cut) {
        let command = ["apply", "rollback"][direction];
        self.disk.rewind(["begin", "applied"][direction]);
        match moment {
            Moment::Call(name, count) => {
                let _ = self.killed_at(command, name, *count);
                self.disk.cut(cut);
            }
            Moment::Time(after) => {
                let mut child = self.disk.command(&self.arguments(command));
                let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
                thread::sleep(*after);
                self.disk.cut(cut);
                let _ = child.kill();
                let _ = child.wait();
            }
        }
        self.disk.start_again();
    }

    /// What holds after a cut, and what the next command makes of it.
    fn assert_recoverable(&self, next: &str, context: &str) {
        assert_eq!(self.torn(), Vec::<String>::new(), "{context}");
        let before = (self.targets(), self.listing());
        let status = self.node("status");
        assert_eq!(status.code, 0, "{context}: {}", status.stderr);
        assert!((self.targets(), self.listing()) == before, "{context}: status changes nothing");
        let ran = self.node(next);
        assert_eq!(ran.code, 0, "{context}: {}", ran.stderr);
        self.assert_is(next, context);
    }

    /// That all targets are as after this command, and that nothing is beside them.
    fn assert_is(&self, after: &str, context: &str) {
        let expected = if after == "apply" { &self.new } else { &self.former };
        assert!(self.targets() == *expected, "{context}: all is as after `{after}`");
        let without_sizes =
            |listing: &str| -> Vec<String> { listing.lines().map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect() };
        assert_eq!(without_sizes(&self.listing()), without_sizes(&self.listing), "{context}: owners, modes, and nothing left");
    }

    /// As many moments as asked for, spread evenly over both commands, and random between.
    fn check_moments(&self, count: u32, seed: u64) {
        let mut random = Random(seed | 1);
        for round in 0..count {
            let direction = usize::from(round % 2 == 1);
            let moment = self.moment(direction, round / 2, count / 2, &mut random);
            let cut = if random.below(2) == 0 { Cut::Plain } else { Cut::JournalForced };
            let next = if random.below(2) == 0 { "apply" } else { "rollback" };
            let context = format!("round {round} of seed {seed}: {} {moment:?} {cut:?}, then {next}", ["apply", "rollback"][direction]);
            self.run_until(direction, &moment, cut);
            self.assert_recoverable(next, &context);
        }
    }

    /// A moment in one of as many equal parts of a command: by its calls, or by its time.
    fn moment(&self, direction: usize, part: u32, parts: u32, random: &mut Random) -> Moment {
        if part.is_multiple_of(2) {
            let calls = &self.calls[direction];
            let number = u32::try_from(calls.len()).unwrap();
            let (name, count) = calls[((part * number + random.below(number)) / parts) as usize].clone();
            Moment::Call(name, count)
        } else {
            Moment::Time(self.durations[direction] * (part * 1000 + random.below(1000)) / (parts * 1000))
        }
    }
}

/// Numbers that differ each time, and can be repeated by their seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from((self.0 >> 11) % u64::from(limit)).unwrap()
    }
}

fn seed() -> u64 {
    let given = std::env::var("POWER_LOSS_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos().into())
}

#[test]
fn a_cut_in_the_power_tears_nothing_and_what_was_done_lasts() {
    let material = Material::new();
    for has_second in [false, true] {
        let bed = Bed::new(&material, has_second);
        bed.check_moments(10, seed());
        if has_second {
            assert_a_missing_sync_is_noticed(&bed);
            assert_what_was_done_lasts(&bed);
        }
    }
}

#[test]
#[ignore = "300 moments"]
fn three_hundred_cuts_in_the_power_tear_nothing() {
    let material = Material::new();
    for has_second in [false, true] {
        let start = Instant::now();
        let bed = Bed::new(&material, has_second);
        println!("calls of apply and rollback: {}, {}; they take {:?}", bed.calls[0].len(), bed.calls[1].len(), bed.durations);
        bed.check_moments(150, seed());
        println!("150 cuts, state folder on another file system: {has_second}; {:?}", start.elapsed());
    }
}

/// Without the executor's syncs the same bed shows torn files: it would notice if one were missing.
fn assert_a_missing_sync_is_noticed(bed: &Bed<'_>) {
    bed.disk.rewind("begin");
    let without = ["-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:retval=0", "-o", "/dev/null"];
    let _ = bed.traced("apply", &without).expect_code(0);
    bed.disk.cut(Cut::JournalForced);
    bed.disk.start_again();
    assert!(bed.torn().iter().any(|torn| torn.ends_with(": 0 bytes")), "{:?}", bed.torn());
}

/// What a command has ended with is on the disk, also where an earlier one was killed between its renames and the sync that makes them
/// last.
fn assert_what_was_done_lasts(bed: &Bed<'_>) {
    for (direction, command) in ["apply", "rollback"].into_iter().enumerate() {
        let calls = &bed.calls[direction];
        let after_renames = calls.windows(2).filter(|pair| pair[0].0.starts_with("rename") && pair[1].0 == "fsync");
        for kill in after_renames.map(|pair| Some(pair[1].clone())).chain([None]) {
            bed.disk.rewind(["begin", "applied"][direction]);
            if let Some((name, count)) = &kill {
                assert_ne!(bed.killed_at(command, name, *count).code, 0);
            }
            let _ = bed.node(command).expect_code(0);
            bed.disk.cut(Cut::Plain);
            bed.disk.start_again();
            bed.assert_is(command, &format!("{command} killed at {kill:?}, continued to its end, and then cut off"));
        }
    }
}
