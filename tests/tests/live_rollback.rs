//! A renewed master of a living site is taken back: it costs no quorum and no acknowledged write, and is refused where it would.
//!
//! Needs root, namespaces and the packages that `tests/all` installs.
#![allow(clippy::expect_used, reason = "a scene that cannot be set is a failed test")]

use std::time::Duration;

use end_to_end::{
    live::{Layout, Node, Site, node::BUNDLE, site::FILES},
    programs::{Ran, sh},
};

/// For a majority to find itself, on a machine that is busy.
const A_WHILE: Duration = Duration::from_secs(90);

fn etcd_of(node: &Node) -> String {
    node.docker(&["ps", "--no-trunc", "--quiet", "--filter", "name=k8s_tos-etcd_"]).expect_code(0).stdout
}

fn serves_former_leaf(site: &Site, node: &Node) -> bool {
    let leaf = sh("openssl x509 -in etcd.pem -outform DER | sha256sum | cut -c 1-64", site.workshop.path());
    site.etcd().served(node).is_some_and(|served| served.fingerprint == leaf.trim())
}

fn has_former_files(site: &Site, node: &Node) -> bool {
    let former = |file: &str| std::fs::read(site.workshop.path().join(file)).expect("the former file is there");
    FILES.iter().all(|file| node.read(&format!("/srv/kubernetes/{file}")) == former(file))
}

#[test]
#[ignore = "live_renewal takes a site back too; this one under a client that writes"]
fn a_master_of_a_living_site_goes_back_under_a_client_that_writes() {
    let site = Site::start(Layout::ending_soon().masters_only());
    let bundle = site.bundle(&["--serial", "7", "--settle", "1"]);
    site.deliver(&bundle);
    let signer = site.workshop.fingerprint();
    let apply = |node: &Node| -> Ran { node.reseal_node(&["apply", BUNDLE, "--signer", &signer]) };
    let (first, other, third) = (site.node("tos1"), site.node("tos2"), site.node("tos3"));
    let (former, untouched) = (etcd_of(first), etcd_of(other));

    let writer = site.start_writer();
    let _ = apply(first).expect_code(0);
    let renewed = etcd_of(first);
    assert!(renewed != former && !has_former_files(&site, first) && !serves_former_leaf(&site, first));
    let _ = first.reseal_node(&["rollback"]).expect_code(0);
    writer.stop().assert_nothing_lost();
    assert!(etcd_of(first) != renewed && has_former_files(&site, first) && serves_former_leaf(&site, first));
    assert_eq!(etcd_of(other), untouched);
    let _ = site.etcd().wait_until_healthy(A_WHILE);

    // With one master down, neither way may stop another.
    let _ = apply(first).expect_code(0);
    let renewed = etcd_of(first);
    site.power_cut(third);
    for (node, ran) in [(other, apply(other)), (first, first.reseal_node(&["rollback"]))] {
        let ran = ran.expect_code(4);
        assert!(ran.stderr.contains("`tos3`") && ran.stderr.contains("--force-quorum-loss"), "{}", ran.stderr);
        assert_eq!(node.manifests(), ["tos-apiserver.manifest", "tos-etcd.manifest"]);
    }
    assert!(has_former_files(&site, other) && !has_former_files(&site, first));
    assert_eq!((etcd_of(first), etcd_of(other)), (renewed.clone(), untouched));

    let _ = first.reseal_node(&["rollback", "--force-quorum-loss"]).expect_code(0);
    assert!(etcd_of(first) != renewed && has_former_files(&site, first));
    let journals = first.sh("cat /var/lib/reseal/runs/*/journal");
    assert!(journals.contains("quorum-loss-forced"), "it is on record");
    site.boot(third);
    let _ = site.etcd().wait_until_healthy(A_WHILE);
    assert!(serves_former_leaf(&site, first));
    site.etcd().assert_seeded_keys(third);
}
