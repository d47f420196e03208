//! From nodes' facts alone to a renewed site, on folder trees: `reseal-node facts`, `reseal site init`, `build`, `apply`.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use end_to_end::{
    programs::{Ran, sh},
    secret::Secret,
    workshop::{GENCERTS, Workshop},
};
use serde_json::Value;

/// A workstation, the trees of three masters and a Manager, and their facts on the stick.
struct Walk {
    workshop: Workshop,
    nodes: Vec<(&'static str, PathBuf)>,
}

impl Walk {
    fn new() -> Self {
        let workshop = Workshop::expired();
        let nodes = ["tos3", "tos1", "tos2", "manager"];
        let nodes: Vec<(&str, PathBuf)> = nodes.iter().map(|name| (*name, workshop.node(name, *name == "manager"))).collect();
        for (number, (name, root)) in nodes.iter().enumerate() {
            let address = name.strip_prefix("tos").map_or("10.0.0.20".to_owned(), |number| format!("10.0.0.1{number}"));
            write(root, "etc/hosts", &format!("127.0.0.1 localhost\n{address} {name}\n"));
            write(root, "etc/machine-id", &format!("{number:032}\n"));
            if *name != "manager" {
                write(root, "opt/kubernetes/manifests-multi/tos-etcd.manifest", &manifest(&address));
            }
        }
        write(&nodes[1].1, "etc/cni/net.d/10-flannel.conflist", "{}");
        fs::create_dir(workshop.path().join("stick")).unwrap();
        let walk = Self { workshop, nodes };
        for (name, root) in &walk.nodes {
            let _ = walk.facts(name, root).expect_code(0);
        }
        walk
    }

    fn facts(&self, name: &str, root: &Path) -> Ran {
        self.workshop.on_node(root, &["facts", "--out", &format!("stick/{name}.json")])
    }

    /// `reseal site init` with the facts of all nodes that were visited.
    fn init(&self, further: &[&str]) -> Ran {
        let mut files: Vec<String> =
            fs::read_dir(self.workshop.path().join("stick")).unwrap().map(|entry| entry.unwrap().path().display().to_string()).collect();
        files.sort();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        self.workshop.reseal(&[&["site", "init", "--facts"], files.as_slice(), further].concat())
    }

    fn stick(&self, file: &str) -> PathBuf {
        self.workshop.path().join("stick").join(file)
    }

    /// Changes facts as their maker would have: with a digest that fits.
    fn change(&self, file: &str, from: &str, to: &str) {
        let path = self.stick(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from} in {text}");
        let lines: Vec<&str> = text.lines().collect();
        let body = (lines[..lines.len() - 2].join("\n") + "\n").replace(from, to);
        fs::write(&path, &body).unwrap();
        let digest = sh(&format!("sha256sum <'{}' | cut -c 1-64", path.display()), Path::new("/"));
        fs::write(&path, format!("{body}  \"sha256\": \"{}\"\n}}\n", digest.trim())).unwrap();
    }
}

fn write(root: &Path, path: &str, content: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn manifest(address: &str) -> String {
    format!(
        "{{\"spec\":{{\"containers\":[{{\"image\":\"transwarp/etcd:tos-2.1\",\"command\":[\"/bin/etcd\",\"--initial-advertise-peer-urls=https://{address}:2380\",\"--advertise-client-urls=https://{address}:4001\"]}}]}}}}"
    )
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap()
}

fn codes(document: &Value) -> Vec<&str> {
    document["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

#[test]
fn from_facts_to_a_renewed_site_without_a_word_by_hand() {
    let walk = Walk::new();
    let workshop = &walk.workshop;
    let keys = [Secret::of(&workshop.path().join("etcd-key.pem")), Secret::of(&workshop.path().join("etcd-ca-key.pem"))];
    fs::create_dir(workshop.path().join("office")).unwrap();
    let made = walk.init(&["--out", "office/site.toml", "--json"]).expect_code(0);
    let document = json(&made);
    assert_eq!(
        codes(&document).iter().filter(|code| !matches!(**code, "tree" | "authority-ended" | "service-address")).count(),
        0,
        "{document:#}"
    );
    let names: Vec<&str> = document["nodes"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["tos1", "tos2", "tos3", "manager"]);
    assert_eq!(
        (document["name"].as_str(), document["tos_version"].as_str(), document["edition"].as_str()),
        (Some("tos"), Some("tos-2.1"), Some("tdh"))
    );
    for (number, (name, root)) in walk.nodes.iter().enumerate() {
        let identity = fs::read_to_string(root.join("var/lib/reseal/identity")).unwrap();
        let told = fs::read(walk.stick(&format!("{name}.json"))).unwrap();
        let said =
            [&told, made.stdout.as_bytes(), made.stderr.as_bytes(), &fs::read(workshop.path().join("office/site.toml")).unwrap()].concat();
        assert!(!String::from_utf8_lossy(&said).contains(identity.trim()), "the identity of {name}");
        assert!(keys.iter().all(|key| key.found_in(&said).is_none()), "a key in the facts of {name}, or what was made of them");
        let by_hand = sh(&format!("head -n -2 stick/{name}.json | sha256sum | cut -c 1-64"), workshop.path());
        assert!(String::from_utf8_lossy(&told).contains(by_hand.trim()), "the digest of facts {number} can be checked by hand");
    }
    let _ = sh("cmp etcd-ca.pem office/etcd-ca.pem; cmp etcd.pem office/etcd.pem; ! grep -q PRIVATE office/*", workshop.path());
    let built = workshop.reseal(&[
        "build",
        "--site",
        "office/site.toml",
        "--ca-key",
        "etcd-ca-key.pem",
        "--signer",
        "signer.key",
        "--serial",
        "7",
        "--unsealed",
    ]);
    let built = built.expect_code(0);
    assert!(built.stderr.contains("SANs gained: none; lost: none"), "{}", built.stderr);
    workshop.assert_free_of_the_ca_key(&workshop.path().join("tos-7.tar.gz"));
    let _ = sh("tar -xzf tos-7.tar.gz", workshop.path());
    for (name, root) in &walk.nodes {
        let _ = workshop.on_node(root, &["apply", "tos-7.tar.gz", "--signer", &workshop.fingerprint()]).expect_code(0);
        let _ = sh(&format!("cmp srv/kubernetes/etcd.pem '{}/tos-7/certs/etcd.pem'", workshop.path().display()), root);
        assert!(root.join("var/lib/reseal/identity").exists(), "the identity of {name} stays");
    }
    assert!(fs::read_to_string(walk.nodes[3].1.join(GENCERTS).join("config.json")).unwrap().contains("876000h"));
    // Nothing is written over what is there; certificates that are the same may stay.
    let again = walk.init(&["--out", "office/site.toml"]).expect_code(1);
    assert!(again.stderr.contains("never overwritten"), "{}", again.stderr);
    fs::remove_file(workshop.path().join("office/site.toml")).unwrap();
    let _ = walk.init(&["--out", "office/site.toml"]).expect_code(0);
    fs::remove_file(workshop.path().join("office/site.toml")).unwrap();
    fs::write(workshop.path().join("office/etcd.pem"), "mine").unwrap();
    let other = walk.init(&["--out", "office/site.toml"]).expect_code(1);
    assert!(other.stderr.contains("etcd.pem") && !workshop.path().join("office/site.toml").exists(), "{}", other.stderr);
}

#[test]
fn contradictions_are_said_with_both_sides() {
    let walk = Walk::new();
    walk.change("tos1.json", "\"gathered\": \"2", "\"gathered\": \"3");
    walk.change("tos2.json", "tos-2.1", "tos-2.0");
    let older = fs::read(walk.stick("tos3.json")).unwrap();
    fs::write(walk.stick("tos3-older.json"), older).unwrap();
    walk.change("tos3-older.json", "\"gathered\": \"2", "\"gathered\": \"1");
    fs::remove_file(walk.stick("manager.json")).unwrap();
    let ran = walk.init(&["--json"]).expect_code(0);
    let document = json(&ran);
    for code in ["clock-ahead", "version-unclear", "duplicate", "no-manager"] {
        assert!(codes(&document).contains(&code), "{code} in {document:#}");
    }
    for words in ["`tos1` is", "tos-2.0 on `tos2`", "tos-2.1 on `tos3`", "tos3-older.json", "no node has the role manager"] {
        assert!(ran.stderr.contains(words), "{words} in {}", ran.stderr);
    }
    let site = fs::read_to_string(walk.workshop.path().join("site.toml")).unwrap();
    assert!(site.contains("\n# tos-version = ") && site.contains("#   warning: the clock of `tos1`"), "{site}");
    let refused = walk
        .workshop
        .reseal(&["build", "--site", "site.toml", "--ca-key", "etcd-ca-key.pem", "--signer", "signer.key", "--unsealed"])
        .expect_code(1);
    assert!(refused.stderr.contains("--tos-version"), "{}", refused.stderr);
    let told =
        ["build", "--site", "site.toml", "--tos-version", "tos-2.1", "--ca-key", "etcd-ca-key.pem", "--signer", "signer.key", "--unsealed"];
    let _ = walk.workshop.reseal(&told).expect_code(0);
}

#[test]
fn hostile_facts_are_refused_or_do_no_harm() {
    let walk = Walk::new();
    let inspect = walk.workshop.reseal(&["inspect", "stick/tos1.json"]).expect_code(0);
    for words in ["node      tos1", "roles     etcd", "recipient age1", "version   tos-2.1"] {
        assert!(inspect.stderr.contains(words), "{words} in {}", inspect.stderr);
    }
    assert!(inspect.stdout.contains("stick/tos1.json:/srv/kubernetes/etcd-ca.pem: signed by itself"), "{}", inspect.stdout);
    let path = walk.stick("tos1.json");
    let good = fs::read_to_string(&path).unwrap();
    let refused = |words: &str| {
        for arguments in [&["site", "init", "--facts", "stick/tos1.json"][..], &["inspect", "stick/tos1.json"]] {
            let ran = walk.workshop.reseal(arguments).expect_code(1);
            assert!(ran.stderr.contains(words) && ran.stderr.contains("tos1.json"), "{words} in {}", ran.stderr);
        }
        assert!(!walk.workshop.path().join("site.toml").exists());
    };
    fs::write(&path, &good[..good.len() / 2]).unwrap();
    refused("whole");
    fs::write(&path, good.replacen("tos1", "tos9", 1)).unwrap();
    refused("changed after they were made");
    fs::write(&path, &good).unwrap();
    walk.change("tos1.json", "\"facts\": 1", "\"facts\": 2");
    refused("form 2");
    fs::write(&path, &good).unwrap();
    walk.change("tos1.json", "\"name\": \"tos1\"", "\"name\": \"tos1\\u001b[2J\"");
    refused("control characters");
    fs::write(&path, good.clone() + &" ".repeat(1 << 20)).unwrap();
    refused("larger than");

    // Text that would be more than text in a site file.
    fs::write(&path, &good).unwrap();
    walk.change("tos1.json", "\"name\": \"tos1\"", "\"name\": \"x\\\"]\\\\n[[ca]]\"");
    let ran = walk.init(&[]).expect_code(0);
    let site = fs::read_to_string(walk.workshop.path().join("site.toml")).unwrap();
    assert!(site.contains("name = \"10.0.0.11\"") && site.matches("\n[[ca]]").count() == 1, "{site}\n{}", ran.stderr);
    let _ = walk
        .workshop
        .reseal(&["build", "--site", "site.toml", "--ca-key", "etcd-ca-key.pem", "--signer", "signer.key", "--unsealed"])
        .expect_code(0);
}
