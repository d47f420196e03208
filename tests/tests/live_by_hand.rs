//! A live site renewed by hand, as the vendor's article has it: it proves the harness, and is what a renewal by bundle is compared with.
//!
//! Needs root, namespaces and the packages that `tests/all` installs.
#![allow(clippy::print_stdout, reason = "measurements are printed")]

use std::time::Duration;

use end_to_end::{
    live::{
        Layout, Node, Site,
        by_hand::{self, Renewed},
        database::KEYS,
        until,
    },
    workshop::GENCERTS,
};

/// For a majority to find itself, and for a pod to come back, on a machine that is busy.
const A_WHILE: Duration = Duration::from_secs(60);

/// Checks what step 9 does, and that etcd serves and keeps what it should.
fn assert_renewed(site: &Site, renewed: &Renewed) {
    let _ = site.etcd().wait_until_healthy(A_WHILE);
    for (number, node) in site.masters().into_iter().enumerate() {
        let served = site.etcd().served(node).map(|served| served.fingerprint);
        assert_eq!(served, Some(renewed.leaf_fingerprint()), "the leaf that {} shows", node.name);
        site.etcd().assert_seeded_keys(node);
        let (key, value) = (format!("renewed/{number}"), "yes");
        assert_eq!(site.etcd().put(node, &key, value), Ok(()));
        for other in site.masters() {
            assert_eq!(site.etcd().get(other, &key), Ok(value.to_owned()), "{key} on {}", other.name);
        }
        assert_eq!(node.manifests(), ["tos-apiserver.manifest", "tos-etcd.manifest"]);
        until(&format!("the API server of {}", node.name), A_WHILE, || {
            let asked = node.run(&["curl", "-sS", "-m", "5", "http://127.0.0.1:8080/healthz"]);
            if asked.stdout == "ok" { Ok(()) } else { Err(asked.stdout + &asked.stderr) }
        });
    }
}

fn restart_flannel_everywhere(site: &Site) {
    for node in site.nodes().iter().filter(|node| node.has_flannel) {
        let former = node.container("flanneld");
        assert!(former.is_some(), "flannel runs on {}", node.name);
        by_hand::restart_flannel(node);
        until(&format!("flannel on {}", node.name), A_WHILE, || match node.container("flanneld") {
            Some(now) if Some(&now) != former.as_ref() => Ok(()),
            other => Err(format!("{former:?}, now {other:?}")),
        });
        assert!(node.pods_deleted_elsewhere().is_empty(), "{}", node.name);
    }
}

fn assert_manager_is_renewed(site: &Site, renewed: &Renewed) {
    let manager = site.manager();
    let metainfo = |file: &str| manager.read(&format!("/{GENCERTS}/{file}"));
    assert_eq!(metainfo("etcd-ca.pem"), renewed.file("etcd-ca.pem"));
    let config = String::from_utf8(metainfo("config.json")).expect("text");
    assert_eq!((config.matches("\"876000h\"").count(), config.matches("\"87600h\"").count()), (2, 0), "{config}");
    for key in KEYS {
        assert_eq!(site.database().value("manager_info", key), renewed.file(key).trim_ascii_end(), "{key}");
    }
    let unchanged = site.database().value("manager_info", "manager.version");
    assert_eq!(unchanged, b"7.0.1910a-final");
}

fn member_is_up(site: &Site, node: &Node) -> bool {
    site.etcd().healthy(node).is_ok()
}

#[test]
fn an_expired_site_heals_with_its_majority() {
    let site = Site::start(Layout::expired());
    let masters = site.masters();
    for node in &masters {
        assert!(node.container("tos-etcd").is_some(), "etcd's container is up on {}", node.name);
    }
    assert_eq!(site.etcd().served(masters[0]), None, "the handshake hangs");
    assert!(!member_is_up(&site, masters[2]));

    let renewed = Renewed::make(&site.workshop);
    site.nodes().iter().for_each(|node| renewed.copy_to(node));

    by_hand::restart_static_pods(masters[0], site.layout.settle);
    until("the first member's container", A_WHILE, || masters[0].container("tos-etcd").ok_or_else(String::new));
    std::thread::sleep(Duration::from_secs(2));
    assert!(!member_is_up(&site, masters[0]), "one of three is no majority");

    by_hand::restart_static_pods(masters[1], site.layout.settle);
    by_hand::wait_until_back(&site, masters[1]);
    by_hand::wait_until_back(&site, masters[0]);
    assert!(!member_is_up(&site, masters[2]), "the third still has the old CA");

    by_hand::restart_static_pods(masters[2], site.layout.settle);
    by_hand::wait_until_back(&site, masters[2]);
    restart_flannel_everywhere(&site);
    renewed.update_manager(&site);

    assert_renewed(&site, &renewed);
    assert_manager_is_renewed(&site, &renewed);
}

#[test]
fn a_site_that_ends_soon_loses_no_write() {
    let site = Site::start(Layout::ending_soon().masters_only());
    let renewed = Renewed::make(&site.workshop);
    let writer = site.start_writer();
    site.nodes().iter().for_each(|node| renewed.copy_to(node));
    for node in site.masters() {
        by_hand::restart_static_pods(node, site.layout.settle);
        by_hand::wait_until_back(&site, node);
        let _ = site.etcd().wait_until_healthy(A_WHILE);
    }
    let written = writer.stop();
    println!(
        "by hand, settling {:?}: longest interruption {:?}, {} writes acknowledged",
        site.layout.settle, written.longest_interruption, written.acknowledged
    );
    written.assert_nothing_lost();
    assert_renewed(&site, &renewed);
}
