//! A live site renewed by bundle: real etcd in real containers, a real database, nothing carried to a node but the bundle.
//!
//! Needs root, namespaces and the packages that `tests/all` installs.
#![allow(clippy::print_stdout, reason = "measurements are printed")]
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use std::time::{Duration, Instant};

use bundle_format::receipt::{self, Outcome, Receipt, StepKind};
use end_to_end::{
    live::{
        Edition, EtcdVersion, Layout, Manager, Node, Site,
        by_hand::{self, Renewed},
        database::{DATABASE, KEYS},
        until,
    },
    programs::{Ran, sh},
    workshop::GENCERTS,
};
use serde_json::Value;

const A_WHILE: Duration = Duration::from_mins(1);
const BUNDLE: &str = "/root/bundle.tar.gz";
const FILES: [&str; 3] = ["etcd-ca.pem", "etcd.pem", "etcd-key.pem"];
/// What may not change while a run is refused, or has nothing to do: files with their inodes, and what runs.
const STATE: &str = "find /srv/kubernetes /opt/kubernetes -printf '%p %i %m %U:%G %s %T@\\n' | sort
    ls /var/lib/reseal/runs 2>/dev/null || :
    docker ps --no-trunc -q --filter name=k8s_tos-etcd --filter name=k8s_tos-apiserver --filter name=k8s_flanneld 2>/dev/null | sort";

/// A site with its bundle on every node.
struct Carried {
    site: Site,
    signer: String,
    /// The bundle unpacked, on the workstation.
    unpacked: std::path::PathBuf,
}

impl Carried {
    fn start(layout: Layout) -> Self {
        Self::with(layout, &[])
    }

    fn with(layout: Layout, further: &[&str]) -> Self {
        let site = Site::start(layout);
        let settle = site.layout.settle.as_secs().to_string();
        let bundle = site.bundle(&[&["--serial", "7", "--settle", &settle], further].concat());
        site.deliver(&bundle);
        let _ = sh("tar -xzf site-7.tar.gz", site.workshop.path());
        let unpacked = site.workshop.path().join("site-7");
        Self { signer: site.workshop.fingerprint(), unpacked, site }
    }

    fn run(&self, node: &Node, command: &str, further: &[&str]) -> Ran {
        let database: &[&str] = if node.is_manager { &["--db-name", DATABASE] } else { &[] };
        let start = Instant::now();
        let ran = node.reseal_node(&[&[command, BUNDLE, "--signer", &self.signer], database, further].concat());
        println!("{} {command} {further:?}: exit code {} after {:.1} s", node.name, ran.code, start.elapsed().as_secs_f32());
        ran
    }

    fn file(&self, name: &str) -> Vec<u8> {
        let folder = if name == "etcd-key.pem" { "secrets" } else { "certs" };
        std::fs::read(self.unpacked.join(folder).join(name)).unwrap()
    }

    fn leaf(&self) -> String {
        sh("openssl x509 -in certs/etcd.pem -outform DER | sha256sum | cut -c 1-64", &self.unpacked).trim().to_owned()
    }

    /// What every visit must leave behind: the files, the manifests, and pods that were started with them.
    fn assert_visited(&self, node: &Node, former: Option<&String>) {
        for name in FILES {
            assert_eq!(node.read(&format!("/srv/kubernetes/{name}")), self.file(name), "{name} on {}", node.name);
        }
        if node.is_master {
            assert_eq!(node.manifests(), ["tos-apiserver.manifest", "tos-etcd.manifest"]);
        }
        if node.has_flannel {
            let now = until("flannel", A_WHILE, || node.container("flanneld").ok_or_else(|| "it does not run".to_owned()));
            assert_ne!(Some(&now), former, "flannel on {} was recreated", node.name);
        }
        assert_eq!(node.sh("find /srv /opt/kubernetes -name '*reseal*'"), "", "nothing is left beside the files");
    }

    /// The end: one leader, writes succeed, new leaves served, nothing from before lost.
    fn assert_renewed(&self) {
        let site = &self.site;
        let members = site.etcd().wait_until_healthy(A_WHILE);
        assert_eq!(members.iter().filter(|member| member.leads()).count(), 1);
        for (number, node) in site.masters().into_iter().enumerate() {
            assert_eq!(site.etcd().served(node).map(|served| served.fingerprint), Some(self.leaf()), "{}", node.name);
            site.etcd().assert_seeded_keys(node);
            assert_eq!(site.etcd().put(node, &format!("renewed/{number}"), "yes"), Ok(()));
            until(&format!("the API server of {}", node.name), A_WHILE, || {
                let asked = node.run(&["curl", "-sS", "-m", "5", "http://127.0.0.1:8080/healthz"]);
                if asked.stdout == "ok" { Ok(()) } else { Err(asked.stdout + &asked.stderr) }
            });
        }
    }

    fn assert_manager_is_renewed(&self) {
        let manager = self.site.manager();
        assert_eq!(manager.read(&format!("/{GENCERTS}/etcd-ca.pem")), self.file("etcd-ca.pem"));
        let config = String::from_utf8(manager.read(&format!("/{GENCERTS}/config.json"))).unwrap();
        assert_eq!((config.matches("\"876000h\"").count(), config.matches("\"87600h\"").count()), (2, 0), "{config}");
        for key in KEYS {
            assert_eq!(self.site.database().value("manager_info", key), self.file(key).trim_ascii_end(), "{key}");
        }
    }

    /// What `status --json` says of etcd: how many are still to visit, and how many are healthy.
    fn status(node: &Node) -> (Value, u64, u64) {
        let ran = node.reseal_node(&["status", "--json"]).expect_code(0);
        let status: Value = serde_json::from_str(&ran.stdout).unwrap();
        let number = |field: &str| status["etcd"][0][field].as_u64().unwrap_or(u64::MAX);
        let (left, healthy) = (number("to_visit"), number("healthy"));
        (status, left, healthy)
    }
}

/// Visits all nodes in order, with these exit codes, and once more.
fn visit_all(carried: &Carried, codes: &[i32]) {
    let nodes = carried.site.nodes();
    assert_eq!(nodes.len(), codes.len());
    for (node, code) in nodes.iter().zip(codes) {
        let former = if node.has_flannel { node.container("flanneld") } else { None };
        let ran = carried.run(node, "apply", &[]).expect_code(*code);
        if *code == 7 {
            assert!(ran.stderr.contains("needed, this is the"), "{}", ran.stderr);
        }
        carried.assert_visited(node, former.as_ref());
        let state = node.sh(STATE);
        let again = carried.run(node, "apply", &[]).expect_code(*code);
        assert!(again.stderr.contains("nothing to do: this node is as the bundle wants it"), "{}", again.stderr);
        assert_eq!(node.sh(STATE), state, "a second apply changes nothing on {}", node.name);
    }
}

#[test]
fn an_expired_site_is_renewed_node_by_node() {
    let carried = Carried::start(Layout::expired());
    let site = &carried.site;
    let first = &site.nodes()[0];
    let plan = carried.run(first, "plan", &[]).expect_code(0);
    for words in
        ["recovery: `/srv/kubernetes/etcd-ca.pem` ended 2023-03-10", "runtime   docker", "down      `tos-etcd` and `tos-apiserver`"]
    {
        assert!(plan.stderr.contains(words), "{words} in:\n{}", plan.stderr);
    }
    visit_all(&carried, &[7, 0, 0, 0, 0]);
    carried.assert_renewed();
    carried.assert_manager_is_renewed();
    for node in [first, site.manager()] {
        let (status, left, healthy) = Carried::status(node);
        assert_eq!((left, healthy), (0, 3), "{status:#}");
    }
    let backup = first.sh(
        "cmp /var/lib/reseal/runs/0001-site-7/backup/folder-0-kubernetes/etcd-ca.pem /var/lib/reseal/runs/0001-site-7/backup/0-etcd-ca.pem",
    );
    assert_eq!(backup, "", "all of /srv/kubernetes is kept");
    let receipts = |node: &Node| -> Vec<Receipt> {
        let text = node.sh("rm -f /root/r.json; /root/reseal-node receipt --out /root/r.json 2>/dev/null; cat /root/r.json");
        receipt::read_all(text.as_bytes()).unwrap().into_iter().map(|document| document.unwrap().receipt).collect()
    };
    for (node, outcome, healthy, renewed) in [(first, Outcome::Waiting, 0, 1), (&site.nodes()[1], Outcome::Applied, 2, 2)] {
        let [receipt] = &receipts(node)[..] else { panic!("one receipt of {}", node.name) };
        let end = receipt.quorum.last().unwrap();
        assert_eq!((receipt.outcome, end.members, end.renewed), (outcome, 3, Some(renewed)), "{receipt:#?}");
        assert_eq!(end.healthy >= 2, healthy >= 2, "{end:?}");
        assert!(matches!(receipt.mode, receipt::Mode::Recovery { .. }));
        let restart = receipt.steps.iter().find(|step| step.kind == StepKind::RestartStaticPods).unwrap();
        assert!(
            restart.down.iter().all(|down| down.until.is_some_and(|until| until >= down.from)) && restart.down.len() == 1,
            "{restart:#?}"
        );
    }
}

#[test]
fn a_rolling_renewal_loses_no_write() {
    let carried = Carried::start(Layout::ending_soon().masters_only());
    let site = &carried.site;
    let plan = carried.run(&site.nodes()[0], "plan", &[]).expect_code(0);
    assert!(plan.stderr.contains("rolling: `/srv/kubernetes/etcd"), "{}", plan.stderr);
    let writer = site.start_writer();
    for node in site.masters() {
        let _ = carried.run(node, "apply", &[]).expect_code(0);
    }
    let written = writer.stop();
    println!(
        "by bundle, settling {:?}: longest interruption {:?}, {} writes acknowledged",
        site.layout.settle, written.longest_interruption, written.acknowledged
    );
    written.assert_nothing_lost();
    carried.assert_renewed();

    // And back, one after another, under the same guard.
    for node in site.masters() {
        let _ = node.reseal_node(&["rollback"]).expect_code(0);
        assert_eq!(node.manifests(), ["tos-apiserver.manifest", "tos-etcd.manifest"]);
    }
    let _ = site.etcd().wait_until_healthy(A_WHILE);
    let former = sh("openssl x509 -in etcd.pem -outform DER | sha256sum | cut -c 1-64", site.workshop.path()).trim().to_owned();
    for node in site.masters() {
        assert_eq!(site.etcd().served(node).map(|served| served.fingerprint), Some(former.clone()), "{}", node.name);
    }
}

#[test]
fn a_quorum_is_guarded() {
    let carried = Carried::start(Layout::ending_soon().masters_only());
    let site = &carried.site;
    let [first, second, third] = site.masters()[..] else { panic!("three masters") };

    // In two visits: files now, services later.
    let running = |node: &Node| node.sh("docker ps -q --no-trunc --filter name=k8s_tos-etcd");
    let former = running(first);
    let paused = carried.run(first, "apply", &["--pause-before-restart"]).expect_code(0);
    assert!(paused.stderr.contains("paused:"), "{}", paused.stderr);
    assert_eq!((running(first), first.read("/srv/kubernetes/etcd.pem")), (former.clone(), carried.file("etcd.pem")));
    let (status, ..) = Carried::status(first);
    assert_eq!(status["run"]["phase"], "paused", "{status:#}");
    let _ = carried.run(first, "apply", &[]).expect_code(0);
    assert_ne!(running(first), former);
    carried.assert_visited(first, None);

    // One master is down: a second one must not be stopped.
    let _ = site.etcd().wait_until_healthy(A_WHILE);
    site.power_cut(third);
    let state = second.sh(STATE);
    let refused = carried.run(second, "apply", &[]).expect_code(4);
    for words in ["etcd would lose its quorum", "`tos3` unreachable", "--force-quorum-loss"] {
        assert!(refused.stderr.contains(words), "{words} in:\n{}", refused.stderr);
    }
    assert_eq!(second.sh(STATE), state, "nothing was changed");
    let refused = first.reseal_node(&["rollback"]).expect_code(4);
    assert!(refused.stderr.contains("etcd would lose its quorum"), "{}", refused.stderr);
    let _ = carried.run(second, "apply", &["--force-quorum-loss"]).expect_code(0);
    carried.assert_visited(second, None);
    let (status, ..) = Carried::status(second);
    assert_eq!(status["deviations"], serde_json::json!(["quorum-loss-forced"]), "{status:#}");

    site.boot(third);
    let _ = site.etcd().wait_until_healthy(A_WHILE);
    let _ = carried.run(third, "apply", &[]).expect_code(0);
    carried.assert_renewed();
}

#[test]
fn a_single_master_that_is_the_manager_is_renewed_with_its_outage_accepted() {
    let carried = Carried::start(Layout { masters: 1, flannel_node: false, manager: Manager::OnMaster(1), ..Layout::ending_soon() });
    let master = carried.site.masters()[0];
    let state = master.sh(STATE);
    let refused = carried.run(master, "apply", &[]).expect_code(4);
    assert!(refused.stderr.contains("etcd has 1 member") && refused.stderr.contains("--accept-outage"), "{}", refused.stderr);
    assert_eq!(master.sh(STATE), state, "nothing was changed");
    let _ = carried.run(master, "apply", &["--accept-outage"]).expect_code(0);
    carried.assert_visited(master, None);
    carried.assert_renewed();
    carried.assert_manager_is_renewed();
    let (status, ..) = Carried::status(master);
    assert_eq!(status["deviations"], serde_json::json!(["outage-accepted"]), "{status:#}");
}

#[test]
fn etcd_3_5_of_a_tdc_site_is_renewed() {
    // A version that is no image tag leaves the metainfo folder open: the one that is there is taken.
    let layout = Layout { edition: Edition::Tdc, etcd: EtcdVersion::V3_5, manager: Manager::OnMaster(2), ..Layout::ending_soon() };
    let carried = Carried::with(layout, &["--tos-version", "v2.0.0-tos-final-build-20220805-tdc"]);
    for node in carried.site.nodes() {
        let _ = carried.run(node, "apply", &[]).expect_code(0);
        carried.assert_visited(node, None);
    }
    carried.assert_renewed();
    carried.assert_manager_is_renewed();
}

#[test]
#[ignore = "five engines on one machine take their time"]
fn five_masters_need_three() {
    let carried = Carried::start(Layout { masters: 5, ..Layout::expired().masters_only() });
    visit_all(&carried, &[7, 7, 0, 0, 0]);
    carried.assert_renewed();
}

/// The longest interruption of a rolling renewal by bundle beside that of one by hand, with the vendor's 30 seconds.
#[test]
#[ignore = "six restarts with the vendor's waits"]
fn the_longest_interruption_beside_that_by_hand() {
    let layout = || Layout { settle: Duration::from_secs(30), ..Layout::ending_soon().masters_only() };
    let by_hand = {
        let site = Site::start(layout());
        let renewed = Renewed::make(&site.workshop);
        let writer = site.start_writer();
        site.nodes().iter().for_each(|node| renewed.copy_to(node));
        for node in site.masters() {
            by_hand::restart_static_pods(node, site.layout.settle);
            by_hand::wait_until_back(&site, node);
            let _ = site.etcd().wait_until_healthy(A_WHILE);
        }
        writer.stop()
    };
    let carried = Carried::start(layout());
    let writer = carried.site.start_writer();
    for node in carried.site.masters() {
        let _ = carried.run(node, "apply", &[]).expect_code(0);
    }
    let by_bundle = writer.stop();
    by_hand.assert_nothing_lost();
    by_bundle.assert_nothing_lost();
    let (bundle, hand) = (by_bundle.longest_interruption.as_secs_f64(), by_hand.longest_interruption.as_secs_f64());
    println!("longest interruption: by bundle {bundle:.2} s, by hand {hand:.2} s, ratio {:.2}", bundle / hand);
}
