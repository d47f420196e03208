//! The etcd cluster of a site, asked from outside with the certificates that lie on the member asked. Etcd's own client judges.

use std::{path::Path, time::Duration};

use serde_json::Value;

use super::{
    Node, Site,
    image::etcd_folder,
    layout::EtcdVersion,
    manifests::{CLUSTER_TOKEN, ETCD_DATA},
    network::Network,
    wait::until,
};
use crate::programs::{Ran, run};

/// How many keys `seeded/0`, `seeded/1`, … are in a site's etcd from the start, each with its number as value.
pub const SEEDED_KEYS: usize = 10;

/// How a member is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Status {
    /// Its id.
    pub member: String,
    /// The leader's id, as the member knows it.
    pub leader: String,
    /// Its version, such as `3.4.23`.
    pub version: String,
}

impl Status {
    /// Whether it is the leader.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.member == self.leader
    }
}

/// The leaf that a member shows in a handshake.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Served {
    /// SHA-256 over the certificate, hexadecimal.
    pub fingerprint: String,
    /// Its end, as openssl writes it.
    pub end: String,
}

/// The cluster of a site.
pub struct Etcd<'a> {
    site: &'a Site,
}

impl<'a> Etcd<'a> {
    pub(super) fn of(site: &'a Site) -> Self {
        Self { site }
    }

    /// Runs etcd's client against one member, with the files that lie on that member.
    pub fn client(&self, node: &Node, arguments: &[&str]) -> Ran {
        let program = etcd_folder(self.site.layout.etcd).join("etcdctl");
        let files = node.outside("/srv/kubernetes");
        let mut argv =
            vec!["env".to_owned(), "ETCDCTL_API=3".to_owned(), "timeout".to_owned(), "5".to_owned(), program.display().to_string()];
        argv.extend([
            format!("--endpoints=https://{}:4001", node.address),
            "--dial-timeout=2s".to_owned(),
            "--command-timeout=3s".to_owned(),
        ]);
        for (option, file) in [("cacert", "etcd-ca.pem"), ("cert", "etcd.pem"), ("key", "etcd-key.pem")] {
            argv.push(format!("--{option}={}", files.join(file).display()));
        }
        let argv: Vec<&str> = argv.iter().map(String::as_str).chain(arguments.iter().copied()).collect();
        self.site.network().run(&argv)
    }

    /// A member that commits proposals; otherwise why it does not.
    ///
    /// # Errors
    /// What etcd's client said.
    pub fn healthy(&self, node: &Node) -> Result<Status, String> {
        let health = self.client(node, &["endpoint", "health"]);
        if health.code != 0 {
            return Err(format!("{}: {}{}", node.name, health.stdout.trim(), health.stderr.trim()));
        }
        self.status(node)
    }

    /// What a member says of itself, with or without a quorum.
    ///
    /// # Errors
    /// What etcd's client said.
    pub fn status(&self, node: &Node) -> Result<Status, String> {
        let asked = self.client(node, &["endpoint", "status", "--write-out=json"]);
        let answer: Value = serde_json::from_str(&asked.stdout).unwrap_or_default();
        let status = &answer[0]["Status"];
        match (&status["header"]["member_id"], &status["leader"], status["version"].as_str()) {
            (Value::Null, ..) | (_, _, None) => Err(format!("{}: {}", node.name, asked.stderr.trim())),
            (member, leader, Some(version)) => {
                Ok(Status { member: member.to_string(), leader: leader.to_string(), version: version.to_owned() })
            }
        }
    }

    /// All members, when all are healthy and agree on one leader; otherwise what speaks against it.
    ///
    /// # Errors
    /// The first difference.
    pub fn all_healthy(&self) -> Result<Vec<Status>, String> {
        let members = self.site.masters().into_iter().map(|node| self.healthy(node)).collect::<Result<Vec<_>, _>>()?;
        let leaders = members.iter().filter(|member| member.leads()).count();
        let agreed = members.iter().all(|member| member.leader == members[0].leader);
        if leaders == 1 && agreed { Ok(members) } else { Err(format!("no single leader: {members:?}")) }
    }

    /// Waits until all members are healthy and agree on one leader.
    ///
    /// # Panics
    /// When they do not within this time.
    #[allow(clippy::must_use_candidate, reason = "waiting is what it is for")]
    pub fn wait_until_healthy(&self, limit: Duration) -> Vec<Status> {
        until("a healthy etcd cluster", limit, || self.all_healthy())
    }

    /// The leaf that a member shows; nothing when there is no handshake within four seconds.
    #[must_use]
    pub fn served(&self, node: &Node) -> Option<Served> {
        let files = node.outside("/srv/kubernetes");
        let script = format!(
            "cd '{}'; timeout 4 openssl s_client -connect {}:4001 -cert etcd.pem -key etcd-key.pem </dev/null 2>/dev/null | openssl x509 -noout -enddate -fingerprint -sha256",
            files.display(),
            node.address
        );
        let asked = self.site.network().run(&["sh", "-c", &script]);
        let field = |name: &str| asked.stdout.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        let fingerprint =
            asked.stdout.lines().find_map(|line| line.split_once("Fingerprint=")).map(|(_, hex)| hex.replace(':', "").to_lowercase());
        Some(Served { fingerprint: fingerprint?, end: field("notAfter=")? })
    }

    /// Reads a key through a member.
    ///
    /// # Errors
    /// What etcd's client said.
    pub fn get(&self, node: &Node, key: &str) -> Result<String, String> {
        let asked = self.client(node, &["get", "--print-value-only", key]);
        if asked.code == 0 { Ok(asked.stdout.trim_end_matches('\n').to_owned()) } else { Err(asked.stderr) }
    }

    /// Writes a key through a member.
    ///
    /// # Errors
    /// What etcd's client said.
    pub fn put(&self, node: &Node, key: &str, value: &str) -> Result<(), String> {
        let asked = self.client(node, &["put", key, value]);
        if asked.code == 0 { Ok(()) } else { Err(asked.stderr) }
    }

    /// Checks that what was in etcd from the start is still there.
    ///
    /// # Panics
    /// When it is not.
    pub fn assert_seeded_keys(&self, node: &Node) {
        let listed = self.client(node, &["get", "--prefix", "--print-value-only", "seeded/"]).expect_code(0);
        let mut values: Vec<usize> = listed.stdout.split_whitespace().filter_map(|value| value.parse().ok()).collect();
        values.sort_unstable();
        assert_eq!(values, (0..SEEDED_KEYS).collect::<Vec<_>>(), "{}: keys from the start", node.name);
    }
}

/// Makes a snapshot of an etcd that has the seeded keys.
///
/// # Panics
/// When etcd fails.
pub fn make_snapshot(network: &Network, version: EtcdVersion, to: &Path) {
    let script = format!(
        "PATH={etcd}:$PATH; export ETCDCTL_API=3; url=http://127.0.0.1:2379; folder=$(mktemp -d); cd $folder
         etcd --data-dir data --listen-client-urls $url --advertise-client-urls $url --listen-peer-urls http://127.0.0.1:2380 >log 2>&1 &
         tries=0; until etcdctl --endpoints $url endpoint health >health 2>&1; do tries=$((tries+1)); [ $tries -lt 200 ] || {{ cat health log; exit 1; }}; sleep 0.05; done
         for key in $(seq 0 {last}); do etcdctl put seeded/$key $key >/dev/null; done
         etcdctl snapshot save '{to}' >/dev/null 2>&1; kill $!; wait $! || :; cd /; rm -r $folder",
        etcd = etcd_folder(version).display(),
        last = SEEDED_KEYS - 1,
        to = to.display(),
    );
    let _ = network.run(&["sh", "-euc", &script]).expect_code(0);
}

/// Gives a node the data of a member of the site's cluster.
///
/// # Panics
/// When etcd's client fails.
pub fn restore(node: &Node, version: EtcdVersion, snapshot: &Path, cluster: &str) {
    let data = node.outside(ETCD_DATA);
    let script = format!(
        "ETCDCTL_API=3 '{}/etcdctl' snapshot restore '{}' --name {} --initial-cluster {cluster} --initial-cluster-token {CLUSTER_TOKEN} \
         --initial-advertise-peer-urls https://{}:2380 --data-dir '{}'",
        etcd_folder(version).display(),
        snapshot.display(),
        node.name,
        node.address,
        data.display()
    );
    let _ = run("sh", &["-euc", &script], Path::new("/")).expect_code(0);
}
