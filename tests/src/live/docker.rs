//! The docker engine of a node: the distribution's, in the node's namespaces.

use std::time::Duration;

use super::{Node, node::Background, wait::until};
use crate::programs::Ran;

/// Where a node keeps the engine's log.
pub const LOG: &str = "/var/log/dockerd.log";
/// No network but the node's own; the closed network needs no filters.
const DOCKERD: [&str; 9] = [
    "dockerd",
    "--bridge=none",
    "--iptables=false",
    "--ip6tables=false",
    "--ip-forward=false",
    "--storage-driver=overlay2",
    "--exec-opt=native.cgroupdriver=cgroupfs",
    "--log-level=warn",
    "--shutdown-timeout=5",
];

/// Starts the engine and waits until it answers.
///
/// # Panics
/// When it does not.
pub fn start(node: &Node) -> Background {
    let mut engine = node.start_background(&DOCKERD, LOG);
    until(&format!("the docker engine of {}", node.name), Duration::from_mins(1), || {
        assert!(engine.is_running(), "{}: dockerd has ended:\n{}", node.name, String::from_utf8_lossy(&node.read(LOG)));
        let asked = node.run(&["curl", "-sS", "-m", "5", "--unix-socket", "/run/docker.sock", "http://docker/_ping"]);
        if asked.stdout == "OK" { Ok(()) } else { Err(asked.stderr) }
    });
    engine
}

impl Node {
    /// Runs the docker client.
    pub fn docker(&self, arguments: &[&str]) -> Ran {
        self.run(&[&["docker"], arguments].concat())
    }

    /// The names of its running containers whose name contains a word, the pause containers among them.
    #[must_use]
    pub fn running_containers(&self, word: &str) -> Vec<String> {
        let listed = self.docker(&["ps", "--format", "{{.Names}}"]).expect_code(0).stdout;
        listed.lines().filter(|name| name.contains(word)).map(str::to_owned).collect()
    }

    /// The name of the running container of this name in its pod, if there is one; it differs after each start.
    #[must_use]
    pub fn container(&self, name: &str) -> Option<String> {
        self.running_containers(&format!("k8s_{name}_")).into_iter().next()
    }
}
