//! `bundle.json` and the slices: behind a signature that is right.

use super::{Bench, forge, forge::Forge};

const MANIFEST: &str = "bundle.json";
const SLICE: &str = "nodes/tos3.json";

/// A bundle in which a text of a document is another, once, and all is signed.
fn edited(path: &str, from: &str, to: &str) -> Vec<u8> {
    let mut forge = forge();
    let text = forge.text(path);
    assert!(text.contains(from), "`{from}` is not in {path}:\n{text}");
    forge.find(path).content = text.replacen(from, to, 1).into_bytes();
    forge.sign();
    forge.pack()
}

fn replaced(path: &str, content: &[u8]) -> Vec<u8> {
    let mut forge = forge();
    forge.find(path).content = content.to_vec();
    forge.sign();
    forge.pack()
}

fn changed(change: impl Fn(&mut Forge)) -> Vec<u8> {
    let mut forge = forge();
    change(&mut forge);
    forge.sign();
    forge.pack()
}

#[test]
fn manifests() {
    const HARD: &str = "`bundle.json` is malformed";
    let mut bench = Bench::new();
    for (name, from, to, error) in [
        ("another format", "\"format\": 1", "\"format\": 2", "format"),
        ("a format below", "\"format\": 1", "\"format\": 0", "format"),
        ("a format that is no number", "\"format\": 1", "\"format\": \"1\"", HARD),
        ("a huge format", "\"format\": 1", "\"format\": 99999999999999999999999999", HARD),
        ("a format with a fraction", "\"format\": 1", "\"format\": 1.0", HARD),
        ("an unknown field", "\"format\": 1", "\"format\": 1, \"run\": \"sh\"", HARD),
        ("a field twice", "\"format\": 1", "\"format\": 1, \"format\": 1", HARD),
        ("another site", "\"site\": \"site\"", "\"site\": \"other\"", "`bundle.json` says name `other-7`, but the bundle's is `site-7`"),
        ("another serial", "\"serial\": 7", "\"serial\": 8", "`bundle.json` says name `site-8`, but the bundle's is `site-7`"),
        ("a serial that is text", "\"serial\": 7", "\"serial\": \"07\"", HARD),
        ("a serial below 1", "\"serial\": 7", "\"serial\": -1", HARD),
        ("a serial past 10^18", "\"serial\": 7", "\"serial\": 1000000000000000000", HARD),
        ("a node's name that climbs", "\"name\": \"tos1\"", "\"name\": \"../tos1\"", HARD),
        ("a node twice", "\"name\": \"tos1\"", "\"name\": \"tos2\"", "`bundle.json` names the node `tos2` twice"),
        (
            "an authority that is the list",
            "\"certs/etcd-ca.pem\"",
            "\"SHA256SUMS\"",
            "which lies neither below `certs/` nor below `secrets/`",
        ),
        ("no version", "\"needs_executor\": \"0.1.0\"", "\"needs_executor\": \"newest\"", HARD),
        ("a version of four numbers", "\"needs_executor\": \"0.1.0\"", "\"needs_executor\": \"9.9.9.9\"", HARD),
        (
            "an entry that is not there",
            "\"certs/etcd.pem\"",
            "\"certs/none.pem\"",
            "names the entry `certs/none.pem`, which the bundle does not have",
        ),
        ("a time without a zone", "Z\"", "\"", HARD),
        ("a time with a fraction", "Z\"", ".5Z\"", HARD),
        ("a time with an offset", "Z\"", "+00:00\"", HARD),
        ("a time in lower case", "Z\"", "z\"", HARD),
    ] {
        let (from, to) = (from.to_owned(), to.to_owned());
        let (from, to) = if forge().text(MANIFEST).contains(&from) { (from, to) } else { (from.replace(": ", ":"), to.replace(": ", ":")) };
        bench.refuses(name, &edited(MANIFEST, &from, &to), error);
    }
    for (name, content) in [
        ("nothing", &b""[..]),
        ("half a document", b"{\"format\": 1"),
        ("two documents", b"{} {}"),
        ("a list", b"[]"),
        ("not UTF-8", b"{\"format\": \"\xff\"}"),
        ("a NUL", b"{\"format\": 1}\0"),
    ] {
        bench.refuses(name, &replaced(MANIFEST, content), HARD);
    }
}

#[test]
fn documents_for_later_versions() {
    let mut bench = Bench::new();
    let later = |forge: &mut Forge, version: &str| {
        let text = forge.text(MANIFEST).replace("0.1.0", version);
        assert!(text.contains(version));
        forge.find(MANIFEST).content = text.into_bytes();
    };
    let unknown = |forge: &mut Forge| {
        let text = forge.text(SLICE).replace("\"install-files\"", "\"replace-kernel\"");
        forge.find(SLICE).content = text.into_bytes();
    };
    let kind = |version: &str| {
        changed(|forge| {
            later(forge, version);
            unknown(forge);
        })
    };
    bench.refuses("a kind of step of a later version", &kind("0.10.0"), "the bundle needs reseal-node 0.10.0 or later, and this is 0.1.0");
    bench.refuses(
        "which says its version",
        &kind("999999999.0.0"),
        "the bundle needs reseal-node 999999999.0.0 or later, and this is 0.1.0",
    );
    bench.refuses("a kind of step of no version", &kind("0.0.9"), "`nodes/tos3.json` is malformed: unknown variant `replace-kernel`");
    let field = changed(|forge| {
        later(forge, "0.2.0");
        forge.find(MANIFEST).content = forge.text(MANIFEST).replacen('{', "{\"more\": 1,", 1).into_bytes();
    });
    bench.refuses("a manifest of a later version", &field, "the bundle needs reseal-node 0.2.0 or later, and this is 0.1.0");
    let long = "x".repeat(900_000);
    for (name, bundle) in [
        ("a field of 900,000 bytes", edited(SLICE, "\"steps\"", &format!("\"{long}\": 1, \"steps\""))),
        ("a kind of 900,000 bytes", edited(SLICE, "\"install-files\"", &format!("\"{long}\""))),
        ("a version of 900,000 bytes", changed(|forge| later(forge, &long))),
        ("a field that moves the cursor", edited(SLICE, "\"steps\"", "\"\\u001b[2J\\n\": 1, \"steps\"")),
    ] {
        bench.refuses(name, &bundle, "is malformed");
    }
}

#[test]
fn slices() {
    const HARD: &str = "`nodes/tos3.json` is malformed";
    const NO_MATERIAL: &str = "which lies neither below `certs/` nor below `secrets/`";
    let mut bench = Bench::new();
    for (name, from, to, error) in [
        ("another node", "\"node\": \"tos3\"", "\"node\": \"tos1\"", "`nodes/tos3.json` says node `tos1`, but the bundle's is `tos3`"),
        ("another site", "\"site\": \"site\"", "\"site\": \"other\"", "`nodes/tos3.json` says site `other`, but the bundle's is `site`"),
        ("another serial", "\"serial\": 7", "\"serial\": 6", "`nodes/tos3.json` says serial `6`, but the bundle's is `7`"),
        ("another format", "\"format\": 1", "\"format\": 2", "format"),
        ("an unknown kind", "\"install-files\"", "\"run-shell\"", HARD),
        ("a kind in other case", "\"install-files\"", "\"Install-Files\"", HARD),
        ("an unknown field of a step", "\"mode\":", "\"owner\": \"root\", \"mode\":", HARD),
        ("a field of a step twice", "\"mode\":", "\"mode\": \"0644\", \"mode\":", HARD),
        ("an unknown field", "\"steps\"", "\"also\": [], \"steps\"", HARD),
        ("no steps", "\"steps\"", "\"stepz\"", HARD),
        ("a set-user-id file", "\"0644\"", "\"4755\"", HARD),
        ("a mode that is a number", "\"0644\"", "420", HARD),
        ("a host name for an address", "\"10.0.0.11\"", "\"tos1\"", HARD),
        ("a port past all ports", "\"port\": 4001", "\"port\": 70000", HARD),
        ("a time that runs backwards", "\"settle\": 30", "\"settle\": -30", HARD),
        ("a time past all times", "\"settle\": 30", "\"settle\": 4294967296", HARD),
        ("a table that is a statement", "\"table\": \"manager_info\"", "\"table\": \"x; drop table y\"", HARD),
        (
            "an entry that is not there",
            "\"entry\": \"certs/etcd.pem\"",
            "\"entry\": \"certs/none.pem\"",
            "names the entry `certs/none.pem`",
        ),
        ("the executor's own entry", "\"entry\": \"certs/etcd.pem\"", "\"entry\": \"executor/linux-x86_64/reseal-node\"", NO_MATERIAL),
        ("a slice as a certificate", "\"entry\": \"certs/etcd.pem\"", "\"entry\": \"nodes/tos1.json\"", NO_MATERIAL),
        ("the signature as a certificate", "\"entry\": \"certs/etcd.pem\"", "\"entry\": \"SHA256SUMS.sig\"", NO_MATERIAL),
        ("an entry that climbs", "\"entry\": \"certs/etcd.pem\"", "\"entry\": \"../etcd.pem\"", HARD),
    ] {
        let (from, to) = (from.to_owned(), to.to_owned());
        let (from, to) = if forge().text(SLICE).contains(&from) { (from, to) } else { (from.replace(": ", ":"), to.replace(": ", ":")) };
        bench.refuses(name, &edited(SLICE, &from, &to), error);
    }
    bench.refuses(
        "a slice that no manifest names",
        &changed(|forge| forge.insert(Some("nodes/tos1.json"), "nodes/tos0.json", b"{}")),
        "nodes/tos0.json",
    );
    bench.refuses(
        "a node without its slice",
        &changed(|forge| drop(forge.remove("nodes/tos2.json"))),
        "`nodes/tos2.json` is in SHA256SUMS but not",
    );
    let other = |forge: &mut Forge| {
        let slice = forge.find("nodes/tos1.json").content.clone();
        forge.find(SLICE).content = slice;
    };
    bench.refuses(
        "another node's slice under this name",
        &changed(other),
        "`nodes/tos3.json` says node `tos1`, but the bundle's is `tos3`",
    );
}

#[test]
fn steps_that_point_elsewhere() {
    const HARD: &str = "`nodes/tos3.json` is malformed";
    let mut bench = Bench::new();
    for target in [
        "/srv/../etc/shadow",
        "/srv/kubernetes/../../etc/shadow",
        "/srv/./kubernetes/etcd.pem",
        "/srv//kubernetes/etcd.pem",
        "srv/kubernetes/etcd.pem",
        "../etc/shadow",
        "/var/lib/reseal",
        "/var/lib/reseal/lock",
        "/var/lib/reseal/runs/0001-site-7/journal",
        "/proc/sysrq-trigger",
        "/sys/power/state",
        "/dev/sda",
        "/run/docker.sock",
        "/srv/kubernetes/",
        "/",
        "",
        "/srv/kubernetes/et\\\\cd.pem",
        "/srv/kubernetes/etcd.pem\\u0000",
        "/srv/kubernetes/etcd.pem\\n",
        "/srv/*/*/etcd.pem",
        "/*/kubernetes/etcd.pem",
        "/srv/kubernetes/*",
    ] {
        bench.refuses(&format!("the target {target}"), &edited(SLICE, "\"/srv/kubernetes/etcd.pem\"", &format!("\"{target}\"")), HARD);
    }
    let long = format!("\"/srv/{}/etcd.pem\"", "k".repeat(256));
    bench.refuses("a component of 256 bytes", &edited(SLICE, "\"/srv/kubernetes/etcd.pem\"", &long), HARD);
    let long = format!("\"/srv{}/etcd.pem\"", "/k".repeat(512));
    bench.refuses("a path of more than 1024 bytes", &edited(SLICE, "\"/srv/kubernetes/etcd.pem\"", &long), HARD);
    let file = edited(SLICE, "\"/opt/kubernetes/manifests-multi/tos-etcd.manifest\"", "\"/var/lib/reseal/tos-etcd.manifest\"");
    bench.refuses("a manifest in the executor's folder", &file, HARD);
}

#[test]
fn a_file_that_two_entries_are_for() {
    let mut bench = Bench::new();
    let twice = changed(|forge| {
        let text = forge.text(SLICE);
        let (before, steps) = text.split_once("\"steps\"").unwrap();
        let steps = steps.replace("\"/srv/kubernetes/etcd-ca.pem\"", "\"/srv/kubernetes/etcd.pem\"");
        forge.find(SLICE).content = format!("{before}\"steps\"{steps}").into_bytes();
    });
    let path = bench.bring(&twice);
    bench.refuses_at("two entries for one file", &path, &["plan", "apply"], "/srv/kubernetes/etcd.pem");
}
