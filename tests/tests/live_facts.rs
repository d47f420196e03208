//! A live site renewed from its nodes' facts alone, by a bundle that is sealed to each node's own identity: nobody writes a site file,
//! names a node, or says where anything is.
//!
//! Needs root, namespaces and the packages that `tests/all` installs.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use std::fs;

use end_to_end::{
    live::{Layout, Manager, Node, Site, database, node::BUNDLE},
    programs::sh,
    secret::Secret,
};
use serde_json::Value;

const PASSWORD_FILE: &str = "/root/password";
const FACTS: &str = "/root/facts.json";

/// What `facts` is told on a node: as `apply` later, how the Manager's database lets it in.
fn access(node: &Node) -> &'static [&'static str] {
    if node.is_manager { &["--db-user", database::USER, "--db-password-file", PASSWORD_FILE] } else { &[] }
}

#[test]
#[ignore = "the first visit of live_guides.rs renews from facts too; what facts give away is looked at here: tests/all --only live_long"]
fn a_live_site_is_renewed_from_facts_alone() {
    let site = Site::start(Layout { manager: Manager::Own, ..Layout::expired() });
    site.manager().write(PASSWORD_FILE, format!("{}\n", database::PASSWORD));
    let folder = site.workshop.path();
    fs::create_dir(folder.join("stick")).unwrap();
    let key = Secret::of(&folder.join("etcd-key.pem"));
    for node in site.nodes() {
        let ran = node.reseal_node(&[&["facts", "--out", FACTS], access(node)].concat()).expect_code(0);
        let told = node.read(FACTS);
        let identity = node.read("/var/lib/reseal/identity");
        let said = [&told, ran.stderr.as_bytes(), ran.stdout.as_bytes()].concat();
        assert_eq!(key.found_in(&said), None, "the key in the facts of {}", node.name);
        for secret in [identity.trim_ascii(), database::PASSWORD.as_bytes()] {
            assert!(!said.windows(secret.len()).any(|window| window == secret), "a secret in the facts of {}", node.name);
        }
        assert_eq!(node.sh("stat -c %a /var/lib/reseal /var/lib/reseal/identity; ls -A /var/lib/reseal"), "700\n600\nidentity\n");
        fs::write(folder.join("stick").join(format!("{}.json", node.name)), told).unwrap();
    }

    let stick = sh("ls stick/*.json", folder);
    let files: Vec<&str> = stick.lines().collect();
    let made = site.workshop.reseal(&[&["site", "init", "--json", "--facts"], files.as_slice()].concat()).expect_code(0);
    let document: Value = serde_json::from_str(&made.stdout).unwrap();
    let found: Vec<(&str, Vec<&str>)> = document["nodes"].as_array().unwrap().iter().map(of_site_file).collect();
    let masters = || vec!["etcd", "flannel"];
    let expected =
        [("tos1", masters()), ("tos2", masters()), ("tos3", masters()), ("worker1", vec!["flannel"]), ("manager", vec!["manager"])];
    assert_eq!(found, expected, "{document:#}");
    for (node, listed) in site.nodes().iter().zip(document["nodes"].as_array().unwrap()) {
        assert_eq!(listed["addresses"][0], node.address, "{document:#}");
        assert!(listed["recipient"].as_str().is_some_and(|recipient| recipient.starts_with("age1")), "{document:#}");
    }
    let warnings = document["findings"].as_array().unwrap().iter().filter(|finding| finding["level"] == "warning").count();
    assert_eq!((warnings, &document["tos_version"], &document["edition"]), (0, &"tos-2.1".into(), &"tdh".into()), "{document:#}");

    let settle = site.layout.settle.as_secs().to_string();
    let arguments =
        ["build", "--site", "site.toml", "--ca-key", "etcd-ca-key.pem", "--signer", "signer.key", "--serial", "7", "--settle", &settle];
    let built = site.workshop.reseal(&arguments).expect_code(0);
    let bundle = folder.join(built.stdout.trim());
    site.workshop.assert_free_of_the_ca_key(&bundle);
    let secrets = sh(&format!("tar -tzf '{}' | grep /secrets/", bundle.display()), folder);
    assert!(
        secrets.lines().count() > site.nodes().len() && !secrets.lines().any(|entry| entry.strip_suffix(".age").is_none()),
        "{secrets}"
    );
    site.deliver(&bundle);
    let signer = site.workshop.fingerprint();
    for (node, code) in site.nodes().iter().zip([7, 0, 0, 0, 0]) {
        let _ = node.reseal_node(&[&["apply", BUNDLE, "--signer", &signer], access(node)].concat()).expect_code(code);
    }
    site.assert_renewed();
}

fn of_site_file(node: &Value) -> (&str, Vec<&str>) {
    (node["name"].as_str().unwrap(), node["roles"].as_array().unwrap().iter().map(|role| role.as_str().unwrap()).collect())
}
