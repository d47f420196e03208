//! What people read of the generator, in both languages, as snapshots: results, the site file, and each kind of error with what to do
//! about it. `INSTA_UPDATE=always cargo test --workspace --test snapshots_generator` rewrites them; read the difference first.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use std::fmt::Write as _;

use bundle_format::language::Language;
use end_to_end::{
    masks::masked,
    programs::{Ran, reseal, run, sh},
    workshop::Workshop,
};

#[test]
fn results() {
    let workshop = Workshop::expired();
    for language in Language::ALL {
        let tag = language.tag();
        let said = |arguments: &[&str]| stable(&in_language(&workshop, language, arguments), &workshop);
        let name = |what: &str| format!("{what}.{tag}");
        let [first, second] = if language == Language::English { ["7", "8"] } else { ["17", "18"] };
        let bundle = format!("site-{first}.tar.gz");
        let built = build(&workshop, language, &["--serial", first, "--san", "tos4"]).expect_code(0);
        insta::assert_snapshot!(name("build"), stable(&built, &workshop));
        insta::assert_snapshot!(name("show"), said(&["show", &bundle]));
        insta::assert_snapshot!(name("show-node"), said(&["show", &bundle, "--node", "tos3"]));
        insta::assert_snapshot!(name("verify"), said(&["verify", &bundle, "--signer", "signer.key.pub"]));
        insta::assert_snapshot!(name("keygen"), said(&["keygen", "--out", &format!("{tag}.key"), "--no-passphrase"]));
        let unfinished = build(&workshop, language, &["--serial", second, "--require-signatures", "2"]).expect_code(0);
        insta::assert_snapshot!(name("build-unfinished"), stable(&unfinished, &workshop));
        insta::assert_snapshot!(name("sign"), said(&["sign", &format!("site-{second}.tar.gz"), "--signer", &format!("{tag}.key")]));
        insta::assert_snapshot!(name("site-init"), said(&["site", "init", "--ca", "etcd-ca.pem", "--leaf", "etcd.pem"]));
        let inspected = said(&["inspect", "etcd-ca.pem", "etcd.pem"]);
        insta::assert_snapshot!(name("inspect"), without_days(&inspected));
    }
}

#[test]
fn a_site_of_facts() {
    let workshop = Workshop::expired();
    for (number, node) in ["tos1", "tos2", "tos3"].into_iter().enumerate() {
        let root = workshop.node(node, node == "tos3");
        let out = format!("{node}.facts.json");
        let address = format!("10.0.0.1{}", number + 1);
        let _ = sh(&format!("{}\necho '{address} {node}' > etc/hosts", MASTER.replace("ADDRESS", &address)), &root);
        let identity: &[&str] = if node == "tos2" { &["--no-identity"] } else { &[] };
        let _ = workshop.on_node(&root, &[&["facts", "--out", &out], identity].concat()).expect_code(0);
    }
    for language in Language::ALL {
        let tag = language.tag();
        let files = ["tos1.facts.json", "tos2.facts.json", "tos3.facts.json"];
        let out = format!("{tag}/site.toml");
        let _ = sh(&format!("mkdir {tag}"), workshop.path());
        let ran = in_language(&workshop, language, &[&["site", "init", "--out", &out, "--facts"], &files[..]].concat());
        insta::assert_snapshot!(format!("site-init-facts.{tag}"), stable(&ran, &workshop));
        let file = sh(&format!("cat {out}"), workshop.path());
        insta::assert_snapshot!(format!("site-toml.{tag}"), without_recipients(&file));
    }
}

/// Makes a tree that of a master.
const MASTER: &str = r#"mkdir -p opt/kubernetes/manifests-multi && cat > opt/kubernetes/manifests-multi/tos-etcd.manifest <<'END'
{"spec": {"containers": [{"image": "transwarp/etcd:tos-2.1", "command": ["/bin/etcd", "--initial-advertise-peer-urls=https://ADDRESS:2380"]}]}}
END
"#;

/// Each kind of error that can be provoked cheaply: what is typed, and what is said.
#[test]
fn errors() {
    let workshop = Workshop::expired();
    prepare(&workshop);
    for language in Language::ALL {
        let mut text = String::new();
        for arguments in mistakes() {
            let ran = in_language(&workshop, language, &arguments);
            assert!(ran.code != 0 && ran.stdout.is_empty(), "{arguments:?}: {ran:?}");
            let _ = writeln!(text, "$ reseal {}\n{}exit code {}\n", arguments.join(" "), ran.stderr, ran.code);
        }
        for further in wrong_builds() {
            let ran = build(&workshop, language, further);
            assert!(ran.code != 0 && ran.stdout.is_empty(), "{further:?}: {ran:?}");
            let _ = writeln!(text, "$ reseal build … {}\n{}exit code {}\n", further.join(" "), ran.stderr, ran.code);
        }
        insta::assert_snapshot!(format!("errors.{}", language.tag()), masked(&text, &workshop));
    }
}

/// Files that something is wrong with.
fn prepare(workshop: &Workshop) {
    let _ = build(workshop, Language::English, &["--serial", "7"]).expect_code(0);
    let script = "
        head -c 1000 site-7.tar.gz > cut.tar.gz; echo text > text.txt; mkdir empty; : > empty.pem
        openssl genrsa -out other.key 2048 2>&1; openssl genrsa -aes128 -passout pass:secret -out sealed.key 2048 2>&1
        openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out p384.key 2>&1
        openssl req -x509 -new -key other.key -subj /CN=other -days 10 -out other.pem
        printf 'short\\n' > short; printf 'name = 5\\n' > wrong.toml; printf 'nodes = []\\n' > unknown.toml
        printf '[[ca]]\\n[[ca]]\\n' > two.toml; printf '{\"facts\": 1}\\n' > cut.facts.json
        printf '#!/bin/sh\\n' > script; cp /bin/sh dynamic";
    let _ = sh(script, workshop.path());
    let root = workshop.node("tos1", false);
    let _ = workshop.on_node(&root, &["facts", "--out", "tos1.facts.json"]).expect_code(0);
    let _ = sh("sed 's/tos1/tos9/' tos1.facts.json > altered.facts.json", workshop.path());
}

fn mistakes() -> Vec<Vec<&'static str>> {
    [
        "inspect nothing.pem",
        "inspect text.txt",
        "inspect empty",
        "inspect altered.facts.json",
        "inspect cut.tar.gz",
        "show cut.tar.gz",
        "show text.txt",
        "show empty",
        "show nothing.tar.gz",
        "show site-7.tar.gz --node tos8",
        "verify site-7.tar.gz --signer SHA256:abc",
        "verify site-7.tar.gz --signer SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "verify site-7.tar.gz --signer text.txt",
        "sign site-7.tar.gz --signer signer.key",
        "sign site-7.tar.gz --signer other.key",
        "sign site-7.tar.gz --signer signer.key.pub",
        "keygen --out signer.key --no-passphrase",
        "keygen --out nowhere/signer.key --no-passphrase",
        "keygen --out fresh.key --passphrase-file empty.pem",
        "site init --facts text.txt",
        "site init --facts altered.facts.json",
        "site init --ca text.txt --leaf etcd.pem",
        "build",
        "build --site wrong.toml",
        "build --site unknown.toml",
        "build --site two.toml --days 5",
        "demo --dir empty",
    ]
    .into_iter()
    .map(|line| line.split(' ').collect())
    .collect()
}

/// What is added to a build that would do.
fn wrong_builds() -> Vec<&'static [&'static str]> {
    vec![
        &["--serial", "7"],
        &["--ca-key", "other.key"],
        &["--ca-key", "etcd.pem"],
        &["--ca-key", "text.txt"],
        &["--ca-key", "sealed.key"],
        &["--ca", "etcd.pem"],
        &["--ca", "text.txt"],
        &["--leaf", "other.pem"],
        &["--ca", "other.pem", "--ca-key", "other.key"],
        &["--signer", "p384.key"],
        &["--tos-version", "tos-9.9"],
        &["--tos-version", "latest"],
        &["--node", "tos1=10.0.0.99:etcd", "--node", "tos9=10.0.0.98:etcd"],
        &["--node", "tos1=10.0.0.11:etcd", "--node", "tos1=10.0.0.12:etcd"],
        &["--node", "tos1:etcd"],
        &["--node", "tos1=10.0.0.11:flannel"],
        &["--node", "tos1=10.0.0.11:calico"],
        &["--san", "10.0.0.256"],
        &["--days", "0"],
        &["--days", "3000000"],
        &["--node-recipient", "tos1"],
        &["--node-recipient", "tos9=age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"],
        &["--passphrase-file", "short"],
        &["--executor", "script"],
        &["--executor", "dynamic"],
        &["--out", "nowhere", "--serial", "8"],
    ]
}

/// Runs `reseal` as somebody with this locale does.
fn in_language(workshop: &Workshop, language: Language, arguments: &[&str]) -> Ran {
    run(reseal(), &[arguments, &["--lang", language.tag()]].concat(), workshop.path())
}

fn build(workshop: &Workshop, language: Language, further: &[&str]) -> Ran {
    workshop.build(&[&["--created", "2026-01-02T03:04:05Z", "--lang", language.tag()], further].concat())
}

/// Both streams of a run that went well.
fn stable(ran: &Ran, workshop: &Workshop) -> String {
    assert_eq!(ran.code, 0, "{ran:?}");
    masked(&format!("{}---\n{}", ran.stderr, ran.stdout), workshop)
}

/// The days that are left, which pass.
fn without_days(text: &str) -> String {
    let days = |word: &str| {
        if word.starts_with('-') && word.len() > 3 && word[1..].bytes().all(|byte| byte.is_ascii_digit()) { "[DAYS]" } else { word }
            .to_owned()
    };
    text.split_inclusive(' ').map(|word| days(word.trim_end()) + &word[word.trim_end().len()..]).collect()
}

fn without_recipients(text: &str) -> String {
    text.lines().map(|line| if line.starts_with("recipient = ") { "recipient = \"age1[…]\"" } else { line }).collect::<Vec<_>>().join("\n")
}
