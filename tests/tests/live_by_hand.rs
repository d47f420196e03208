//! A live site.
use end_to_end::live::{Layout, Site};
use std::time::{Duration, Instant};

#[test]
fn up() {
    let t = Instant::now();
    let site = Site::start(Layout::ending_soon());
    eprintln!("up in {:?}", t.elapsed());
    let status = site.etcd().wait_until_healthy(Duration::from_secs(5));
    eprintln!("{status:?}");
    for node in site.masters() {
        eprintln!("{:?}", site.etcd().served(node));
        site.etcd().assert_seeded_keys(node);
        eprintln!("{}", node.run(&["kubectl", "get", "pods", "-n", "kube-system", "-o", "wide"]).expect_code(0).stdout);
    }
    eprintln!("{}", site.database().everything("manager_info"));
    for n in site.nodes() {
        eprintln!("{}", site.logs(n));
    }
    let t = Instant::now();
    drop(site);
    eprintln!("down in {:?}", t.elapsed());
}
