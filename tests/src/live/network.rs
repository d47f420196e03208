//! What the nodes of a site share: a switch, and a file system in memory that holds their disks. Both live in the namespaces of one
//! process that ends with the test, and with them.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use super::target;
use crate::programs::{Ran, run};

/// The switch, and the disks.
pub struct Network {
    holder: Child,
    disks: PathBuf,
}

impl Network {
    /// Starts it; the switch has the address 10.199.0.1.
    ///
    /// # Panics
    /// When namespaces cannot be made.
    #[must_use]
    pub fn start() -> Self {
        let disks = target().join("live/disks");
        fs::create_dir_all(&disks).expect("a folder to mount on");
        let disks = disks.canonicalize().expect("an absolute path");
        let script = "mount -t tmpfs -o mode=755 disks \"$1\"
            ip link set lo up; ip link add switch type bridge; ip addr add 10.199.0.1/16 dev switch; ip link set switch up
            echo ready; exec cat";
        let mut holder = Command::new("unshare")
            .args(["--net", "--mount", "--propagation", "private", "--", "sh", "-euc", script, "holder"])
            .arg(&disks)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare runs");
        wait_for_ready(&mut holder, "the switch");
        Self { holder, disks }
    }

    /// The process in whose namespaces it all is.
    #[must_use]
    pub fn holder(&self) -> u32 {
        self.holder.id()
    }

    /// Where the disk of a node is, as seen by the holder.
    #[must_use]
    pub fn disk(&self, node: &str) -> PathBuf {
        self.disks.join(node)
    }

    /// Connects a node's first process to the switch.
    ///
    /// # Panics
    /// When `ip` fails.
    pub fn connect(&self, name: &str, address: &str, pid: u32) {
        let holder = self.holder();
        let script = format!(
            "ip link add eth0 netns {pid} type veth peer name {name} netns {holder}
             nsenter --net=/proc/{holder}/ns/net ip link set {name} master switch up
             printf 'link set lo up\\naddr add {address}/16 dev eth0\\nlink set eth0 up\\n' | nsenter --net=/proc/{pid}/ns/net ip -batch -"
        );
        let _ = run("sh", &["-euc", &script], Path::new("/")).expect_code(0);
    }

    /// A command on this machine's files, but on the site's network.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.holder())).args(["--", program]);
        command
    }

    /// Runs a command on this machine's files, but on the site's network.
    #[must_use]
    pub fn run(&self, argv: &[&str]) -> Ran {
        let namespace = format!("--net=/proc/{}/ns/net", self.holder());
        run("nsenter", &[&[namespace.as_str(), "--"], argv].concat(), Path::new("/"))
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// Waits for the line `ready` of a child.
///
/// # Panics
/// When its output ends, or begins, with anything else.
pub fn wait_for_ready(child: &mut Child, what: &str) {
    let mut line = String::new();
    let output = child.stdout.as_mut().expect("its output is piped");
    let _ = BufReader::new(output).read_line(&mut line);
    assert_eq!(line, "ready\n", "{what} does not start");
}
