//! A live site renewed by hand, as the vendor's article has it: it proves the harness, and is what a renewal by bundle is compared with.
//!
//! Needs root, namespaces and the packages that `tests/all` installs.
#![allow(clippy::print_stdout, reason = "measurements are printed")]

use std::time::Duration;

use end_to_end::{
    guide::{blocks, on_workstation},
    live::{
        Edition, EtcdVersion, Layout, Manager, Node, Site,
        by_hand::{self, Renewed},
        until,
    },
    programs::sh,
};

/// For a majority to find itself, on a machine that is busy.
const A_WHILE: Duration = Duration::from_mins(1);

/// Renews a site that is not yet expired under a client that writes, and prints how long that was interrupted.
fn roll(layout: Layout) {
    let site = Site::start(layout);
    let renewed = Renewed::make(&site.workshop);
    let writer = site.start_writer();
    renewed.roll(&site);
    let written = writer.stop();
    println!(
        "by hand, {} masters, etcd {}, settling {:?}: longest interruption {:?}, {} writes acknowledged; {}",
        site.layout.masters,
        site.layout.etcd.number(),
        site.layout.settle,
        written.longest_interruption,
        written.acknowledged,
        written.report
    );
    written.assert_nothing_lost();
    by_hand::restart_flannel_everywhere(&site);
    if site.layout.manager != Manager::Nowhere {
        renewed.update_manager(&site);
    }
    site.assert_renewed();
}

/// The waits of real sites.
fn unhurried(layout: Layout) -> Layout {
    Layout { settle: Duration::from_secs(30), kubelet_period: Duration::from_secs(20), back_off_scale: 1.0, ..layout }
}

#[test]
fn the_page_for_recovery_by_hand_renews_an_expired_site() {
    let site = Site::start(Layout::expired());
    let folder = site.workshop.path();
    let _ = sh("mkdir stick", folder);
    let settle = format!("sleep {}", site.layout.settle.as_secs());
    for block in blocks("RECOVERY") {
        let script = block.script(&[("sleep 30", &settle)]);
        let type_at = |node: &Node| {
            let ran = node.run(&["sh", "-c", &script]);
            assert_eq!(ran.code, 0, "{}: {block:?}\n{}\n{}", node.name, ran.stdout, ran.stderr);
            ran.stdout
        };
        match block.places[0].as_str() {
            "workstation" => drop(on_workstation(&block, folder, &[]).expect_code(0)),
            "every-node" => site.nodes().iter().for_each(|node| {
                let _ = sh(&format!("cp -r stick '{}'", node.outside("/mnt/usb").display()), folder);
                let _ = type_at(node);
            }),
            "master" => site.masters().into_iter().for_each(|node| drop(type_at(node))),
            "last-master" => {
                let last = *site.masters().last().expect("a site has masters");
                by_hand::wait_until_back(&site, last);
                assert!(type_at(last).contains("\"true\""));
            }
            "flannel-node" => site.nodes().iter().filter(|node| node.has_flannel).for_each(|node| drop(type_at(node))),
            "manager" => drop(type_at(site.manager())),
            place => panic!("{place}"),
        }
    }
    site.assert_renewed();
}

#[test]
#[ignore = "the page for recovery is what CI types; this one proves the harness: tests/all --only live_long"]
fn an_expired_site_heals_with_its_majority() {
    let site = Site::start(Layout::expired());
    let masters = site.masters();
    let is_healthy = |number: usize| site.etcd().healthy(masters[number]).is_ok();
    for node in &masters {
        assert!(node.container("tos-etcd").is_some(), "etcd's container is up on {}", node.name);
    }
    assert_eq!(site.etcd().served(masters[0]), None, "the handshake hangs");
    assert!(!is_healthy(2));

    let renewed = Renewed::make(&site.workshop);
    site.nodes().iter().for_each(|node| renewed.copy_to(node));

    by_hand::restart_static_pods(masters[0], site.layout.settle);
    until("the first member's container", A_WHILE, || masters[0].container("tos-etcd").ok_or_else(String::new));
    std::thread::sleep(Duration::from_secs(2));
    assert!(!is_healthy(0), "one of three is no majority");

    by_hand::restart_static_pods(masters[1], site.layout.settle);
    by_hand::wait_until_back(&site, masters[1]);
    by_hand::wait_until_back(&site, masters[0]);
    assert!(!is_healthy(2), "the third still has the old CA");

    by_hand::restart_static_pods(masters[2], site.layout.settle);
    by_hand::wait_until_back(&site, masters[2]);
    by_hand::restart_flannel_everywhere(&site);
    renewed.update_manager(&site);
    site.assert_renewed();
}

#[test]
#[ignore = "what the long suite compares a renewal by bundle with"]
fn a_site_that_ends_soon_loses_no_write() {
    roll(Layout::ending_soon().masters_only());
}

#[test]
#[ignore = "by bundle it is renewed by default; by hand in tests/all --only live_long"]
fn a_tdc_site_with_etcd_3_5_whose_master_is_the_manager() {
    roll(Layout { edition: Edition::Tdc, etcd: EtcdVersion::V3_5, manager: Manager::OnMaster(2), ..Layout::ending_soon().masters_only() });
}

#[test]
#[ignore = "takes minutes: tests/all --only live_long"]
fn three_masters_with_the_waits_of_real_sites() {
    roll(unhurried(Layout::ending_soon()));
}

#[test]
#[ignore = "takes minutes: tests/all --only live_long"]
fn three_masters_with_etcd_3_5_and_the_waits_of_real_sites() {
    roll(unhurried(Layout { etcd: EtcdVersion::V3_5, ..Layout::ending_soon() }));
}

#[test]
#[ignore = "takes minutes: tests/all --only live_long"]
fn five_masters_with_the_waits_of_real_sites() {
    roll(unhurried(Layout { masters: 5, ..Layout::ending_soon().masters_only() }));
}

#[test]
#[ignore = "takes minutes: tests/all --only live_long"]
fn one_master_loses_no_write_but_is_interrupted() {
    roll(Layout { masters: 1, ..Layout::ending_soon().masters_only() });
}
