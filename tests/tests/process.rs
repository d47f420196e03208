//! What other processes can see of the two programs while they hold secrets: by their memory, their command lines, their environment,
//! and the files that they make.
//!
//! Needs root, `strace` and `setpriv`.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "test code fails by panicking")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use end_to_end::{
    programs::{reseal, reseal_node, sh},
    secret::Secret,
    workshop::Workshop,
};

/// A user without any rights.
const NOBODY: &str = "65534";
/// Runs a program as that user.
const AS_NOBODY: [&str; 6] = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"];

/// A program that stands still in the middle of its work. Dropped, it is killed.
struct Stopped {
    tracer: Child,
    pid: u32,
}

impl Stopped {
    /// Starts a program, and stops it at its first system call of this name.
    fn at(call: &str, user: &[&str], program: &[&str], folder: &Path) -> Self {
        Self::with(&[], call, user, program, folder)
    }

    /// The same, with further options of strace.
    fn with(options: &[&str], call: &str, user: &[&str], program: &[&str], folder: &Path) -> Self {
        let inject = format!("inject={call}:signal=SIGSTOP:when=1");
        let mut strace = Command::new("strace");
        let log = tempfile::NamedTempFile::new().unwrap();
        strace.args(["-qq", "-e", &format!("trace={call},prlimit64"), "-e", &inject]).args(options).arg("-o").arg(log.path());
        strace.args(user).args(program).current_dir(folder).env("RESEAL_LEDGER", "");
        let tracer = strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("strace starts");
        let mut stopped = Self { tracer, pid: 0 };
        let deadline = Instant::now() + Duration::from_secs(30);
        while !fs::read_to_string(log.path()).unwrap().contains("stopped by SIGSTOP") {
            assert!(Instant::now() < deadline, "{program:?} did not come to its first {call}");
            thread::sleep(Duration::from_millis(5));
        }
        let tracer = stopped.tracer.id();
        let children = fs::read_to_string(format!("/proc/{tracer}/task/{tracer}/children")).unwrap();
        stopped.pid = children.trim().parse().expect("the tracer has one child");
        stopped
    }

    fn proc(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.pid)).unwrap_or_default()
    }

    /// Whether another process of the same user can look into it.
    fn can_be_looked_into(&self) -> bool {
        let mut look = Command::new("setpriv");
        look.args(&AS_NOBODY[1..]).args(["cat", &format!("/proc/{}/environ", self.pid)]);
        look.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("setpriv starts").success()
    }

    fn assert_closed(&self) {
        assert!(!self.can_be_looked_into(), "a process of the same user can look into it");
        let limits = self.proc("limits");
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("the kernel has this limit");
        assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        if self.pid != 0 {
            let _ = Command::new("kill").args(["-KILL", &self.pid.to_string()]).status();
        }
        let _ = self.tracer.kill();
        let _ = self.tracer.wait();
    }
}

/// The programs where everybody can run them, and a folder where everybody can write.
fn open_house(workshop: &Workshop) -> (tempfile::TempDir, [PathBuf; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let programs = [reseal(), reseal_node()].map(|program| {
        let copy = folder.path().join(program.file_name().unwrap());
        let _ = fs::copy(program, &copy).unwrap();
        copy
    });
    let script = format!("cp -r '{}/nodes' .; chmod -R a+rwX .; find nodes -type f -exec chown {NOBODY} {{}} +", workshop.path().display());
    let _ = sh(&script, folder.path());
    (folder, programs)
}

#[test]
fn nobody_can_look_into_a_program_that_holds_secrets() {
    let workshop = Workshop::expired();
    let bundle = workshop.bundle(&["--serial", "7"]);
    let _ = workshop.node("tos1", false);
    let (folder, [reseal, reseal_node]) = open_house(&workshop);
    let here = folder.path();
    let _ = fs::copy(&bundle, here.join("bundle")).unwrap();
    let _ = sh("chmod 644 bundle", here);

    let sleeping = Stopped::at("clock_nanosleep", &AS_NOBODY, &["sleep", "60"], here);
    assert!(sleeping.can_be_looked_into(), "any other program can be looked into, so this test can fail");
    Stopped::at("fsync", &AS_NOBODY, &[reseal.to_str().unwrap(), "keygen", "--out", "key", "--no-passphrase"], here).assert_closed();
    let signer = workshop.fingerprint();
    let apply = [reseal_node.to_str().unwrap(), "apply", "--yes", "bundle", "--signer", &signer, "--root", "nodes/tos1", "--node", "tos1"];
    Stopped::at("fsync", &AS_NOBODY, &apply, here).assert_closed();
}

#[test]
fn memory_is_locked_where_that_is_allowed() {
    let workshop = Workshop::expired();
    let bundle = workshop.bundle(&["--serial", "7"]);
    let root = workshop.node("tos1", false);
    // CAP_IPC_LOCK, 14 in capabilities(7), of the machine itself: who has it may lock, whatever the limit is.
    let own = fs::read_to_string("/proc/self/status").unwrap();
    let rights = own.lines().find_map(|line| line.strip_prefix("CapEff:")).expect("the kernel tells").trim();
    let is_whole = fs::read_to_string("/proc/self/uid_map").unwrap().contains("4294967295");
    let may_lock = is_whole && u64::from_str_radix(rights, 16).unwrap() >> 14 & 1 == 1;
    // Where root may not raise limits, as in containers, the call is made to look as if: after two that libc asks about its stack.
    let may_raise = Command::new("sh").args(["-c", "ulimit -l unlimited"]).stderr(Stdio::null()).status().unwrap().success();
    let options: &[&str] = if may_raise { &[] } else { &["-e", "inject=prlimit64:retval=0:when=3+"] };
    let (program, bundle, signer, root) = (reseal_node(), bundle.display().to_string(), workshop.fingerprint(), root.display().to_string());
    let apply = [program.to_str().unwrap(), "apply", "--yes", &bundle, "--signer", &signer, "--root", &root];
    let status = Stopped::with(options, "fsync", &[], &apply, workshop.path()).proc("status");
    let locked = status.lines().find_map(|line| line.strip_prefix("VmLck:")).expect("the kernel tells").trim().to_owned();
    assert_eq!(locked != "0 kB", may_lock, "locked: {locked}");
}

/// All that strace saw of a program: what was started, with which arguments and environment, and which files were made.
struct Seen {
    log: Vec<u8>,
    made: BTreeSet<String>,
}

fn trace(program: &[&str], folder: &Path) -> Seen {
    let log = folder.join("trace");
    let mut strace = Command::new("strace");
    let calls = "trace=execve,execveat,open,openat,creat,memfd_create,mknod,mknodat";
    strace.args(["-f", "-qq", "-v", "-s", "100000", "-e", calls, "-o"]).arg(&log).args(program).current_dir(folder);
    let output = strace.envs([("RESEAL_TEST", "seen"), ("RESEAL_LEDGER", "")]).stdin(Stdio::null()).output().expect("strace starts");
    assert!(output.status.success(), "{program:?}: {}", String::from_utf8_lossy(&output.stderr));
    let log = fs::read(log).unwrap();
    let text = String::from_utf8_lossy(&log).into_owned();
    assert!(text.contains("RESEAL_TEST=seen"), "environments are seen");
    assert!(!text.contains("memfd_create(") && !text.contains("O_TMPFILE"), "files without a name in:\n{text}");
    let creates = |line: &&str| line.contains("O_CREAT") || line.contains("creat(") || line.contains("mknod");
    let path = |line: &str| line.split('"').nth(1).map(str::to_owned);
    let made = text.lines().filter(creates).filter_map(path).collect();
    Seen { log, made }
}

#[test]
fn no_secret_is_seen_in_arguments_environments_or_files_of_no_use() {
    let workshop = Workshop::expired();
    let folder = workshop.path();
    fs::write(folder.join("passphrase"), "correct horse battery staple\n").unwrap();
    let (reseal, reseal_node) = (reseal(), reseal_node());
    let (reseal, reseal_node) = (reseal.to_str().unwrap(), reseal_node.to_str().unwrap());
    let mut seen = vec![("keygen", trace(&[reseal, "keygen", "--out", "other.key", "--passphrase-file", "passphrase"], folder))];
    let material =
        "build --name site --edition tdh --tos-version tos-2.1 --ca etcd-ca.pem --ca-key etcd-ca-key.pem --leaf etcd.pem --serial 7";
    let here = ["--node", "tos1=10.0.0.11:etcd", "--signer", "other.key", "--signer-passphrase-file", "passphrase", "--unsealed"];
    let build: Vec<&str> = [reseal].into_iter().chain(material.split(' ')).chain(here).collect();
    seen.push(("build", trace(&build, folder)));
    let _ = sh("mkdir unpacked; tar -xzf site-7.tar.gz -C unpacked", folder);
    let root = workshop.node("tos1", false).display().to_string();
    for command in [
        &["plan", "site-7.tar.gz", "--signer", "other.key.pub"][..],
        &["apply", "--yes", "site-7.tar.gz", "--signer", "other.key.pub"],
        &["rollback"],
    ] {
        let all: Vec<&str> = [reseal_node].into_iter().chain(command.iter().copied()).chain(["--root", &root]).collect();
        seen.push((command[0], trace(&all, folder)));
    }
    let keys =
        ["etcd-ca-key.pem", "etcd-key.pem", "unpacked/site-7/secrets/etcd-key.pem"].map(|file| (file, Secret::of(&folder.join(file))));
    for (command, seen) in &seen {
        assert!(!seen.log.windows(13).any(|window| window == b"correct horse"), "the passphrase, by {command}");
        for (name, key) in &keys {
            assert_eq!(key.found_in(&seen.log), None, "{name}, by {command}");
        }
        let allowed = |path: &str| match *command {
            "keygen" | "build" => path.starts_with(folder.to_str().unwrap()) || !path.starts_with('/'),
            "plan" => false,
            _ => path.starts_with(&format!("{root}/var/lib/reseal/")) || path.contains("/.reseal-"),
        };
        let strange: Vec<&String> = seen.made.iter().filter(|path| !allowed(path)).collect();
        assert!(strange.is_empty(), "{command} makes {strange:?}");
    }
    assert!(seen.iter().any(|(command, seen)| *command == "apply" && seen.made.len() > 5), "files that are made are seen");
}
