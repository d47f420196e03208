//! What people read, as snapshots: what the executor shows, and what a bundle says. `INSTA_UPDATE=always cargo test --workspace --test snapshots`
//! rewrites them; read the difference before committing it.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use end_to_end::{masks::masked, programs::sh, workshop::Workshop};

#[test]
fn what_the_executor_shows_in_english() {
    what_the_executor_shows("en");
}

#[test]
fn what_the_executor_shows_in_chinese() {
    what_the_executor_shows("zh-CN");
}

fn what_the_executor_shows(language: &str) {
    let workshop = Workshop::expired();
    let _ = workshop.build(&["--serial", "7", "--created", "2026-01-02T03:04:05Z"]).expect_code(0);
    let root = workshop.node("tos3", true);
    let fingerprint = workshop.fingerprint();
    let bundle = ["site-7.tar.gz", "--signer", fingerprint.as_str()];
    let late = [&bundle[..], &["--accept-stale"]].concat();
    let shows = |what: &str, arguments: &[&str], code: i32| {
        let ran = workshop.on_node(&root, &[arguments, &["--lang", language]].concat()).expect_code(code);
        insta::assert_snapshot!(format!("{what}.{language}"), masked(&ran.stderr, &workshop));
    };
    shows("node-verify", &[&["verify"], &bundle[..]].concat(), 0);
    shows("node-status-before", &["status"], 0);
    shows("node-plan", &[&["plan"], &late[..]].concat(), 0);
    shows("node-plan-unsigned", &["plan", "site-7.tar.gz"], 3);
    shows("node-plan-stale", &[&["plan", "-q"], &bundle[..]].concat(), 4);
    shows("node-apply", &[&["apply"], &late[..]].concat(), 0);
    shows("node-signers", &["signers"], 0);
    shows("node-apply-again", &[&["apply"], &bundle[..]].concat(), 0);
    shows("node-status", &["status"], 0);
    shows("node-backups", &["backups"], 0);
    shows("node-receipt", &["receipt"], 0);
    shows("node-rollback", &["rollback"], 0);
    shows("node-rollback-again", &["rollback"], 0);
    let _ = sh("rm srv/kubernetes/etcd.pem && ln -s etcd-ca.pem srv/kubernetes/etcd.pem && echo other > etc/hostname", &root);
    shows("node-plan-elsewhere", &[&["plan"], &late[..]].concat(), 4);
    shows("node-plan-refused", &[&["plan", "--node", "tos3"], &late[..]].concat(), 4);
}

#[test]
fn what_a_bundle_says() {
    let workshop = Workshop::expired();
    let _ = workshop.build(&["--serial", "7", "--created", "2026-01-02T03:04:05Z", "--san", "tos4"]).expect_code(0);
    let _ = sh("tar -xzf site-7.tar.gz", workshop.path());
    let told = |file: &str| masked(&sh(&format!("cat site-7/{file}"), workshop.path()), &workshop);
    let document: String = told("bundle.json").lines().map(without_a_key).collect();
    insta::assert_snapshot!("bundle-json", document);
    for file in ["README.txt", "README.zh-CN.txt", "nodes/tos3.json"] {
        insta::assert_snapshot!(file.replace('/', "-"), told(file));
    }
}

fn without_a_key(line: &str) -> String {
    let line = if line.contains("\"public_key\"") { "      \"public_key\": [KEY]," } else { line };
    format!("{line}\n")
}
