//! The two programs under test, and how tests run them.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

/// Where the build put the programs. What is released is built with more care and checked by `tests/all --only release`.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--workspace", "--bins"]).current_dir(&workspace);
        // What cargo tells this test about its own package makes build scripts run again that look at it, and all that hangs on them.
        let is_own = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST") || name.starts_with("CARGO_BIN");
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_own)) {
            let _ = build.env_remove(name);
        }
        let build = build.status();
        assert!(build.is_ok_and(|status| status.success()), "the programs cannot be built");
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
        let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        target.join(triple).join("debug").canonicalize().expect("the build has an output folder")
    })
}

/// The path of `reseal`.
#[must_use]
pub fn reseal() -> PathBuf {
    folder().join("reseal")
}

/// The path of `reseal-node`.
#[must_use]
pub fn reseal_node() -> PathBuf {
    another_executor().unwrap_or_else(built_executor)
}

/// The `reseal-node` that was built, which `reseal` packs by itself, whichever is run.
#[must_use]
pub fn built_executor() -> PathBuf {
    folder().join("reseal-node")
}

/// The executor that `RESEAL_NODE` names in place of the one that was built: a released one, or a script that emulates it.
#[must_use]
pub fn another_executor() -> Option<PathBuf> {
    std::env::var_os("RESEAL_NODE").map(PathBuf::from)
}

/// What a program did.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code.
    pub code: i32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Ran {
    /// Itself, when the exit code is this one; else the test fails and shows all output.
    ///
    /// # Panics
    /// When it is another.
    #[must_use]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

/// The words of a command, with consent where it runs the executor's `apply`, which would ask for it at the console.
#[must_use]
pub fn agreed<S: AsRef<OsStr>>(words: &[S]) -> Vec<OsString> {
    let is_apply = |at: usize| at > 0 && words[at].as_ref() == "apply" && Path::new(&words[at - 1]).ends_with("reseal-node");
    let with_consent = |(at, word): (usize, &S)| {
        let consent = is_apply(at).then(|| OsString::from("--yes"));
        std::iter::once(word.as_ref().to_owned()).chain(consent).collect::<Vec<_>>()
    };
    words.iter().enumerate().flat_map(with_consent).collect()
}

/// Runs a program with arguments in a folder; the executor's `apply` is agreed to.
///
/// # Panics
/// When it cannot be started or is killed.
pub fn run<S: AsRef<OsStr>>(program: impl AsRef<OsStr>, arguments: &[S], folder: &Path) -> Ran {
    let program = program.as_ref();
    // What tests inspect and build is nothing to remember.
    let environment = [("LC_ALL", "C.UTF-8"), ("RESEAL_LEDGER", "")];
    let words: Vec<&OsStr> = std::iter::once(program).chain(arguments.iter().map(AsRef::as_ref)).collect();
    let mut command = Command::new(program);
    let output = command.args(&agreed(&words)[1..]).current_dir(folder).env_remove("NO_COLOR").envs(environment).output();
    let Output { status, stdout, stderr } = output.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: status.code().unwrap_or_else(|| panic!("{}: {status}", program.display())), stdout: text(&stdout), stderr: text(&stderr) }
}

/// Runs a shell script with `set -eu`, and gives what it printed.
///
/// # Panics
/// When it fails.
#[must_use]
pub fn sh(script: &str, folder: &Path) -> String {
    run("sh", &["-euc", script], folder).expect_code(0).stdout
}
