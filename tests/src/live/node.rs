//! A simulated node: network, mounts, host name, processes and control groups of its own, its root an overlay on this machine's.

use std::{
    fs,
    io::Write as _,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use super::{
    control_group::ControlGroup,
    network::{Network, wait_for_ready},
    support,
    wait::until,
};
use crate::programs::{Ran, agreed, reseal_node};

/// Programs come from the distribution's packages, not from what else a machine may have.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";
/// Where the bundle is on a node, once [`super::Site::deliver`] has put it there.
pub const BUNDLE: &str = "/root/bundle.tar.gz";
/// What this machine may have, and a node of a site does not.
const NOT_THERE: [&str; 2] = ["crictl", "kubectl"];
/// The longest that [`Node::run`] waits.
const LONGEST_RUN: Duration = Duration::from_mins(15);

/// A node. It stays, and its disk too, when its power is cut.
pub struct Node {
    /// Its host name.
    pub name: String,
    /// Its address.
    pub address: String,
    /// Whether it runs etcd and an API server.
    pub is_master: bool,
    /// Whether it runs flannel.
    pub has_flannel: bool,
    /// Whether it is the Manager node.
    pub is_manager: bool,
    network: Arc<Network>,
    running: Mutex<Option<Running>>,
}

struct Running {
    supervisor: Child,
    first_process: u32,
    group: ControlGroup,
}

/// A process that was started in a node and goes on.
pub struct Background {
    supervisor: Child,
}

impl Node {
    pub(super) fn new(network: &Arc<Network>, name: String, address: String) -> Self {
        let (is_master, has_flannel, is_manager) = (false, false, false);
        Self { name, address, is_master, has_flannel, is_manager, network: Arc::clone(network), running: Mutex::new(None) }
    }

    /// Starts it, with the disk that it had; its services are [`super::Site::boot`]'s.
    ///
    /// # Panics
    /// When it runs already or cannot start.
    pub fn power_on(&self) {
        let mut state = self.state();
        assert!(state.is_none(), "{} runs already", self.name);
        let group = ControlGroup::new(&format!("{}-{}", self.network.holder(), self.name));
        let script = format!(
            "{}exec nsenter --mount=/proc/{}/ns/mnt -- unshare --net --mount --uts --ipc --pid --cgroup --propagation private --fork --kill-child -- bash \"$0\"",
            group.joining(),
            self.network.holder(),
        );
        let mut supervisor = Command::new("sh")
            .args(["-euc", &script])
            .arg(support("node_init.sh"))
            .env("NODE", &self.name)
            .env("DISK", self.network.disk(&self.name))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh runs");
        wait_for_ready(&mut supervisor, &self.name);
        let first_process = only_child(supervisor.id()).expect("the node has a first process");
        self.network.connect(&self.name, &self.address, first_process);
        *state = Some(Running { supervisor, first_process, group });
    }

    /// What is done once, to a disk that is new.
    pub(super) fn settle_in(&self) {
        for program in NOT_THERE {
            self.hide(program);
        }
        self.write("/etc/hostname", format!("{}\n", self.name));
        self.write("/etc/machine-id", format!("{:0>32}\n", self.address.replace('.', "")));
        fs::copy(reseal_node(), self.outside("/root/reseal-node")).expect("the executor can be copied");
    }

    /// Ends everything that runs on it at once, as when the plug is pulled.
    pub fn power_cut(&self) {
        let Some(Running { mut supervisor, first_process, group }) = self.state().take() else { return };
        let _ = supervisor.kill();
        let _ = supervisor.wait();
        until(&format!("the end of {}", self.name), Duration::from_secs(20), || {
            if Path::new(&format!("/proc/{first_process}/ns")).exists() {
                Err("its first process is still there".to_owned())
            } else {
                Ok(())
            }
        });
        drop(group);
    }

    /// Whether it is on.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.state().is_some()
    }

    /// Its root, as seen from outside. Absolute symbolic links in it lead out of it.
    ///
    /// # Panics
    /// When it is off.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root", self.first_process()))
    }

    /// The process id of its first process, on this machine.
    ///
    /// # Panics
    /// When it is off.
    #[must_use]
    pub fn first_process(&self) -> u32 {
        self.state().as_ref().unwrap_or_else(|| panic!("{} is off", self.name)).first_process
    }

    /// A path on it, as seen from outside.
    #[must_use]
    pub fn outside(&self, path: &str) -> PathBuf {
        self.root().join(path.trim_start_matches('/'))
    }

    /// Writes a file, and its folders, with the owner and mode that the former file had.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let outside = self.outside(path);
        fs::create_dir_all(outside.parent().expect("a file has a folder")).expect("a folder can be made");
        fs::write(outside, content).unwrap_or_else(|error| panic!("{}: {path}: {error}", self.name));
    }

    /// Reads a file.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.outside(path)).unwrap_or_else(|error| panic!("{}: {path}: {error}", self.name))
    }

    /// Whether there is a file.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.outside(path).symlink_metadata().is_ok()
    }

    /// A command that will run in it, the executor's `apply` agreed to, with a root user's plain environment; more can be given by `env NAME=VALUE program`.
    #[must_use]
    pub fn command(&self, argv: &[&str]) -> Command {
        let state = self.state();
        let Running { first_process, group, .. } = state.as_ref().unwrap_or_else(|| panic!("{} is off", self.name));
        let script = format!(
            "{}exec nsenter --target {first_process} --mount --uts --ipc --net --pid --cgroup --root --wd -- env -i PATH={PATH} HOME=/root LANG=C.UTF-8 \"$@\"",
            group.joining()
        );
        let mut command = Command::new("sh");
        command.args(["-euc", &script, "enter"]).args(agreed(argv));
        command
    }

    /// Runs a program in it, waits for its end, and gives what it did; 128 and the number of the signal when one ended it.
    ///
    /// # Panics
    /// When it cannot be started or takes longer than 15 minutes.
    pub fn run(&self, argv: &[&str]) -> Ran {
        self.run_with_input(argv, "")
    }

    /// The same for a program that reads this from its standard input.
    ///
    /// # Panics
    /// When it cannot be started or takes longer than 15 minutes.
    pub fn run_with_input(&self, argv: &[&str], input: &str) -> Ran {
        let limit = LONGEST_RUN.as_secs().to_string();
        let mut command = self.command(&[&["timeout", "--foreground", "-s", "KILL", &limit], argv].concat());
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = started.unwrap_or_else(|error| panic!("{}: {argv:?}: {error}", self.name));
        let mut its_input = child.stdin.take().expect("its input is piped");
        thread::scope(|scope| {
            // Whoever does not read all of it has its reasons.
            scope.spawn(move || its_input.write_all(input.as_bytes()));
            ran(child.wait_with_output().unwrap_or_else(|error| panic!("{}: {argv:?}: {error}", self.name)))
        })
    }

    /// Runs a shell script with `set -eu` and gives what it printed.
    ///
    /// # Panics
    /// When it fails.
    pub fn sh(&self, script: &str) -> String {
        self.run(&["sh", "-euc", script]).expect_code(0).stdout
    }

    /// Starts a program that goes on in a session of its own, its output appended to a file of the node.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start_background(&self, argv: &[&str], log: &str) -> Background {
        // Whoever runs the tests may ignore signals, and what is ignored is inherited.
        let script = format!("exec env --default-signal=HUP,INT \"$@\" >>{log} 2>&1");
        let argv = [&["setsid", "sh", "-euc", &script, "background"], argv].concat();
        let supervisor = self.command(&argv).stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("sh runs");
        Background { supervisor }
    }

    /// Takes programs away, wherever they are, until [`Node::show`] brings them back.
    pub fn hide(&self, program: &str) {
        let _ = self.sh(&format!("for folder in $(echo $PATH | tr : ' '); do [ ! -e $folder/{program} ] || mv -T $folder/{program} $folder/{program}.hidden; done"));
    }

    /// Brings back what [`Node::hide`] took away.
    pub fn show(&self, program: &str) {
        let _ = self.sh(&format!("for folder in $(echo $PATH | tr : ' '); do [ ! -e $folder/{program}.hidden ] || mv -T $folder/{program}.hidden $folder/{program}; done"));
    }

    /// Runs the executor.
    pub fn reseal_node(&self, arguments: &[&str]) -> Ran {
        self.run(&[&["/root/reseal-node"], arguments].concat())
    }

    fn state(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.power_cut();
    }
}

impl Background {
    /// Its process id on this machine, once the program runs.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn pid(&self) -> u32 {
        until("a process in the background", Duration::from_secs(10), || {
            only_child(self.supervisor.id()).ok_or_else(|| "it has ended".to_owned())
        })
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.supervisor.try_wait(), Ok(None))
    }

    /// Sends it a signal, such as `TERM`.
    ///
    /// # Panics
    /// When it has ended.
    pub fn signal(&self, name: &str) {
        let _ = Command::new("kill").args(["-s", name, &self.pid().to_string()]).status();
    }

    /// Waits for its end, and gives its exit code; 128 and the number of the signal when one ended it.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn wait(&mut self, limit: Duration) -> i32 {
        until("the end of a process in the background", limit, || match self.supervisor.try_wait() {
            Ok(Some(status)) => Ok(status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(-1)),
            _ => Err("it still runs".to_owned()),
        })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // What it supervises ends with its node, or goes on; only the waiting for it is over.
        let _ = self.supervisor.try_wait();
    }
}

fn only_child(pid: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

fn ran(output: Output) -> Ran {
    let Output { status, stdout, stderr } = output;
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let code = status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(-1);
    Ran { code, stdout: text(&stdout), stderr: text(&stderr) }
}
