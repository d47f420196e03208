//! A disk whose plug can be pulled: ext4 on an image, mounted in a way that hides no missing sync (`noauto_da_alloc`: a rename does not
//! write out what it renames). Needs root, loop devices, `mkfs.ext4` and python3.
//!
//! What the kernel holds in memory is lost with the plug, as it is when a machine loses its power; killing processes loses none of it.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use tempfile::TempDir;

use crate::programs::Ran;

/// The distribution's own programs start faster than what a machine may have before them.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";
/// Where the executor keeps its runs, below a node's root.
const STATE: &str = "var/lib/reseal";

/// A node's tree on such a disk, or on two. Mounts end with the test, in whatever way that ends.
pub struct Disk {
    folder: TempDir,
    holder: Child,
    /// Whether the executor's own folder is on a second file system.
    has_second: bool,
}

/// Which of the kernel's memory reaches the disk before the cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cut {
    /// Nothing more.
    Plain,
    /// The file system's journal, since another program synced a file of its own: renames are kept, and unsynced content is not.
    JournalForced,
}

impl Disk {
    /// Makes a disk that holds a copy of a tree, all of it written out.
    ///
    /// # Panics
    /// When it cannot be made or mounted.
    #[must_use]
    pub fn with(tree: &Path, has_second: bool) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let script = "echo ready; exec cat";
        let mut holder = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "--", "sh", "-euc", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare runs");
        let mut said = String::new();
        let _ = BufReader::new(holder.stdout.take().expect("its output is piped")).read_line(&mut said);
        assert_eq!(said, "ready\n", "mount namespaces can be made");
        let disk = Self { folder, holder, has_second };
        disk.sh("mkdir first second; for disk in first second; do truncate -s 16M $disk.image; mkfs.ext4 -q -m0 $disk.image; done");
        disk.mount();
        disk.sh(&format!("cp -a '{}' first/root; mkdir -p first/root/{STATE}; sync -f first", tree.display()));
        disk.unmount();
        disk.keep("begin");
        disk.mount();
        disk
    }

    /// The node's root, for programs that run on the disk.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("first/root")
    }

    /// The node's root as this process sees it.
    #[must_use]
    pub fn outside(&self) -> PathBuf {
        let root = self.root();
        PathBuf::from(format!("/proc/{}/root", self.holder.id())).join(root.strip_prefix("/").expect("an absolute path"))
    }

    /// A command that will run where the disk is mounted.
    #[must_use]
    pub fn command(&self, argv: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--mount=/proc/{}/ns/mnt", self.holder.id())).arg("--").args(argv);
        command.current_dir("/").env("PATH", PATH).env_remove("NO_COLOR");
        command
    }

    /// Runs a program there; 137 when it was killed.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn run(&self, argv: &[impl AsRef<OsStr>]) -> Ran {
        let Output { status, stdout, stderr } = self.command(argv).output().expect("nsenter runs");
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Ran { code: status.code().unwrap_or(137), stdout: text(&stdout), stderr: text(&stderr) }
    }

    /// Keeps the disk, which is not mounted, as it is now, under a name.
    fn keep(&self, name: &str) {
        self.sh(&format!("for disk in first second; do cp --sparse=always $disk.image $disk.{name}; done"));
    }

    /// Writes everything out and keeps it under a name.
    pub fn remember(&self, name: &str) {
        self.unmount();
        self.keep(name);
        self.mount();
    }

    /// Makes it again what it was when it was kept under this name; `begin` is how it began.
    pub fn rewind(&self, name: &str) {
        self.unmount();
        self.sh(&format!("for disk in first second; do cp --sparse=always $disk.{name} $disk.image; done"));
        self.mount();
    }

    /// Pulls the plug: from now on nothing is written any more, whatever runs.
    pub fn cut(&self, cut: Cut) {
        let force = match cut {
            Cut::JournalForced => "echo x >first/other; sync first/other;",
            Cut::Plain => "",
        };
        let plug = Path::new(env!("CARGO_MANIFEST_DIR")).join("support/pull_the_plug.py");
        let second = if self.has_second { format!("first/root/{STATE}") } else { String::new() };
        self.sh(&format!("{force} python3 -IS '{}' {second} first", plug.display()));
    }

    /// Starts again after a cut: the file systems' journals are replayed.
    pub fn start_again(&self) {
        self.unmount();
        self.mount();
    }

    fn mount(&self) {
        self.sh("mount -o loop,noauto_da_alloc first.image first");
        if self.has_second {
            self.sh(&format!("[ ! -d first/root ] || mount -o loop,noauto_da_alloc second.image first/root/{STATE}"));
        }
    }

    fn unmount(&self) {
        self.sh(&format!("! mountpoint -q first/root/{STATE} || umount first/root/{STATE}; umount first"));
    }

    fn sh(&self, script: &str) {
        let script = format!("cd '{}'; {script}", self.folder.path().display());
        let ran = self.run(&["sh", "-euc", &script]);
        assert_eq!(ran.code, 0, "{script}\n{}{}", ran.stdout, ran.stderr);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // With the last process in its namespace the mounts are gone, and the loop devices with them.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
        let _ = fs::remove_dir_all(self.folder.path());
    }
}
