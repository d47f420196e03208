//! Real members of etcd, each a process with a folder of its own.

use std::{
    fs::{self, File},
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use bundle_format::slice::EtcdMember;
use reseal_node::{
    etcd::{MemberSight, Prober},
    machine::Machine,
};
use tempfile::TempDir;

use crate::{
    PATIENCE, free_port, member,
    pki::{Authority, Leaf},
};

/// A cluster, the members of which run or not.
pub struct Cluster {
    folder: TempDir,
    peers: Vec<u16>,
    pub members: Vec<EtcdMember>,
    running: Vec<Option<Child>>,
}

impl Cluster {
    /// A cluster of `size` members, none of which runs yet.
    pub fn new(size: usize, authority: &Authority, leaf: &Leaf) -> Self {
        let folder = TempDir::new().unwrap();
        for (name, content) in [("ca.pem", &authority.pem), ("etcd.pem", &leaf.pem), ("etcd-key.pem", &leaf.key)] {
            fs::write(folder.path().join(name), content).unwrap();
        }
        let members = (1..=size).map(|number| member(&format!("tos{number}"), free_port())).collect();
        Self { folder, peers: (0..size).map(|_| free_port()).collect(), members, running: (0..size).map(|_| None).collect() }
    }

    /// A cluster all members of which were started.
    pub fn started(size: usize, authority: &Authority, leaf: &Leaf) -> Self {
        let mut cluster = Self::new(size, authority, leaf);
        (0..size).for_each(|index| cluster.start(index));
        cluster
    }

    pub fn start(&mut self, index: usize) {
        let url = |port: u16| format!("https://127.0.0.1:{port}");
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let (member, peer) = (&self.members[index], url(self.peers[index]));
        let client = url(member.port);
        let all: Vec<String> =
            self.members.iter().zip(&self.peers).map(|(member, peer)| format!("{}={}", member.node, url(*peer))).collect();
        let (name, all, data) = (member.node.to_string(), all.join(","), path(member.node.as_str()));
        let log = File::create(path(&format!("{name}.log"))).unwrap();
        let arguments = [
            ["--name", &name],
            ["--data-dir", &data],
            ["--listen-client-urls", &client],
            ["--advertise-client-urls", &client],
            ["--listen-peer-urls", &peer],
            ["--initial-advertise-peer-urls", &peer],
            ["--initial-cluster", &all],
            ["--cert-file", &path("etcd.pem")],
            ["--key-file", &path("etcd-key.pem")],
            ["--trusted-ca-file", &path("ca.pem")],
            ["--peer-cert-file", &path("etcd.pem")],
            ["--peer-key-file", &path("etcd-key.pem")],
            ["--peer-trusted-ca-file", &path("ca.pem")],
        ];
        let mut command = Command::new("etcd");
        command.args(arguments.iter().flatten()).args(["--client-cert-auth", "--peer-client-cert-auth"]);
        let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn();
        self.running[index] = Some(child.expect("`etcd` is needed: on Debian, package etcd-server"));
    }

    pub fn stop(&mut self, index: usize) {
        if let Some(mut child) = self.running[index].take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Looks at all members again and again until they are as expected.
    pub fn await_all(&self, prober: &Prober, expected: impl Fn(&[MemberSight]) -> bool) -> Vec<MemberSight> {
        let begun = Instant::now();
        loop {
            let sights = prober.probe_all(&Machine::whole(), &self.members, PATIENCE);
            if expected(&sights) {
                return sights;
            }
            assert!(begun.elapsed() < Duration::from_secs(40), "{sights:#?}\n{}", self.logs());
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn logs(&self) -> String {
        let log = |member: &EtcdMember| fs::read_to_string(self.folder.path().join(format!("{}.log", member.node))).unwrap_or_default();
        let tail = |text: String| text.lines().rev().take(15).collect::<Vec<_>>().join("\n");
        let logs: Vec<String> =
            self.members.iter().map(|member| format!("-- {}, the latest first\n{}", member.node, tail(log(member)))).collect();
        logs.join("\n")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        (0..self.running.len()).for_each(|index| self.stop(index));
    }
}
