//! Hostile bundles: each rule of `docs/BUNDLE_FORMAT.md` is broken by a bundle of its own, made by code, and the real executor refuses
//! it with that rule's own error, says what to do, writes nothing, and stays below 64 MB and 10 s.
//!
//! [`forge`] makes what the project's writer would not. Behind the signature, bundles are signed by a signer that the executor is told
//! to trust: the rules hold for it too. Flips of single bits, of which there are many, go through the reader in this process.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code fails by panicking")]

mod bombs;
mod documents;
mod flips;
mod folders;
mod forge;
mod framing;
mod list;
mod tarball;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use end_to_end::{
    programs::{another_executor, built_executor, reseal_node, sh},
    workshop::Workshop,
};
use forge::Forge;

/// The memory that the executor may map in all, program and stack included, in KiB: an upper bound of what it uses.
const MOST_MEMORY: u32 = 64 << 10;
/// How long it may take, in seconds.
const MOST_TIME: u32 = 10;

/// A workshop and the bundle that it built.
fn scene() -> &'static (Workshop, Vec<u8>) {
    static SCENE: OnceLock<(Workshop, Vec<u8>)> = OnceLock::new();
    SCENE.get_or_init(|| {
        let workshop = Workshop::expired();
        let bundle = fs::read(workshop.bundle(&["--serial", "7", "--executor", built_executor().to_str().unwrap()])).unwrap();
        (workshop, bundle)
    })
}

/// The real bundle, signed anew.
fn forge() -> Forge {
    static FORGE: OnceLock<Forge> = OnceLock::new();
    FORGE.get_or_init(|| Forge::of(&scene().1, 4096)).clone()
}

/// A node to which bundles are brought.
struct Bench {
    folder: tempfile::TempDir,
    root: PathBuf,
    /// The tree as it was before.
    before: String,
    signer: String,
    refused: usize,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("node");
        let _ = sh(&format!("cp -a '{}' node; echo tos3 >node/etc/hostname", node().display()), folder.path());
        Self { folder, before: everything(&root), root, signer: forge().fingerprint(), refused: 0 }
    }

    /// Writes a bundle down.
    fn bring(&self, bundle: &[u8]) -> PathBuf {
        let path = self.folder.path().join("bundle");
        fs::write(&path, bundle).unwrap();
        path
    }

    /// Checks that a bundle is refused by `verify`, with this in its error; the first of a bench also by `apply`, which reads no
    /// other way.
    fn refuses(&mut self, name: &str, bundle: &[u8], error: &str) {
        let path = self.bring(bundle);
        let commands: &[&str] = if self.refused == 0 { &["apply", "verify"] } else { &["verify"] };
        self.refuses_at(name, &path, commands, error);
    }

    fn refuses_at(&mut self, name: &str, path: &Path, commands: &[&str], error: &str) {
        for command in commands {
            let (code, said) = self.run(command, path);
            assert_eq!(code, Some(3), "{name}, {command}:\n{said}");
            let problem = said.lines().find(|line| line.starts_with("error:")).unwrap_or_default();
            assert!(problem.contains(error), "{name}, {command}: `{error}` is not in:\n{said}");
            assert!(said.contains("hint:"), "{name}, {command}:\n{said}");
            assert!(said.len() < 4096 && said.bytes().all(|byte| byte == b'\n' || byte >= b' '), "{name}, {command}:\n{said}");
        }
        assert_eq!(everything(&self.root), self.before, "{name}: something was written");
        self.refused += 1;
    }

    fn run(&self, command: &str, path: &Path) -> (Option<i32>, String) {
        // An emulator maps more than what it emulates, and takes its time.
        let limits = match another_executor() {
            Some(_) => format!("exec timeout -s KILL {} \"$@\"", MOST_TIME * 20),
            None => format!("ulimit -v {MOST_MEMORY}; exec timeout -s KILL {MOST_TIME} \"$@\""),
        };
        let mut executor = Command::new("sh");
        executor.args(["-c", &limits, "sh"]).arg(reseal_node()).arg(command).arg(path);
        let output = executor.args(["--signer", &self.signer, "--color", "never", "--root"]).arg(&self.root).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// A tree of a node that is a master and the Manager.
fn node() -> &'static Path {
    static NODE: OnceLock<PathBuf> = OnceLock::new();
    NODE.get_or_init(|| scene().0.node("tos3", true))
}

/// Everything about a tree.
fn everything(root: &Path) -> String {
    sh("find . -printf '%p %y %U:%G %m %s %i %T@ %C@\\n' | sort", root)
}

#[test]
fn what_the_forge_makes_is_accepted() {
    let bench = Bench::new();
    let path = bench.bring(&forge().pack());
    assert_eq!(bench.run("verify", &path).0, Some(0), "{}", bench.run("verify", &path).1);
    assert_eq!(bench.run("plan", &path).0, Some(0), "{}", bench.run("plan", &path).1);
}

#[test]
fn more_memory_than_is_allowed_cannot_be_had() {
    let script = format!("ulimit -v {MOST_MEMORY}; exec python3 -c 'x = bytearray({MOST_MEMORY} << 10)'");
    assert!(!Command::new("sh").args(["-c", &script]).output().unwrap().status.success(), "the limit holds, so it can be met");
}
