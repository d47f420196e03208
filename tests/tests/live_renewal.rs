//! A live site renewed by bundle: real etcd in real containers, a real database, nothing carried to a node but the bundle.
//!
//! Needs root, namespaces and the packages that `tests/all` installs.
#![allow(clippy::print_stdout, reason = "measurements are printed")]

use std::time::Duration;

use end_to_end::live::{Layout, Site};

const A_WHILE: Duration = Duration::from_mins(1);

#[test]
fn first() {
    let site = Site::start(Layout { manager: end_to_end::live::Manager::Nowhere, ..Layout::expired() });
    let bundle = site.bundle(&["--serial", "7", "--settle", "1"]);
    site.deliver(&bundle);
    let signer = site.workshop.fingerprint();
    for (node, code) in site.nodes().iter().zip([7, 0, 0, 0]) {
        let plan = node.reseal_node(&["plan", "/root/bundle.tar.gz", "--signer", &signer]);
        println!("{}{}", plan.stdout, plan.stderr);
        let start = std::time::Instant::now();
        let ran = node.reseal_node(&["apply", "/root/bundle.tar.gz", "--signer", &signer]);
        println!("{}: {:?} {}\n{}{}", node.name, start.elapsed(), ran.code, ran.stdout, ran.stderr);
        let status = node.reseal_node(&["status"]);
        println!("{}{}", status.stdout, status.stderr);
        let again = node.reseal_node(&["apply", "/root/bundle.tar.gz", "--signer", &signer]);
        println!("again {}: {}\n{}{}", node.name, again.code, again.stdout, again.stderr);
        assert_eq!(ran.code, code);
        assert_eq!(again.code, code);
    }
    let _ = site.etcd().wait_until_healthy(A_WHILE);
}
