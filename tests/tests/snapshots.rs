//! What people read, as snapshots: what the executor shows, and what a bundle says. `INSTA_UPDATE=always cargo test -p end-to-end --test snapshots`
//! rewrites them; read the difference before committing it.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use end_to_end::{
    programs::{reseal_node, sh},
    workshop::Workshop,
};

/// Replaces what differs from run to run: digests, fingerprints, folders, sizes in bytes.
fn stable(text: &str, workshop: &Workshop) -> String {
    let text = text
        .replace(&workshop.path().canonicalize().unwrap().display().to_string(), "[DIR]")
        .replace(&reseal_node().display().to_string(), "reseal-node")
        .replace(&workshop.fingerprint(), "[FINGERPRINT]");
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_hexdigit() {
            word.push(c);
            continue;
        }
        out.push_str(match word.len() {
            64 => "[SHA-256]",
            16 => "[SHORT]",
            _ => &word,
        });
        word.clear();
        out.push(c);
    }
    out.lines()
        .map(|line| {
            if line.ends_with(" bytes)") {
                line.rsplit_once('(').map_or(line, |(start, _)| start).to_owned() + "([SIZE] bytes)"
            } else {
                line.to_owned()
            }
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// Replaces the time and the size of what a run has kept.
fn stable_backups(text: &str) -> String {
    let line = |line: &str| {
        let line = line.split_once(", begun ").map_or(line.to_owned(), |(start, _)| format!("{start}, begun [TIME]"));
        let size = line.split_once(" bytes, each").and_then(|(start, end)| Some((start.rsplit_once(' ')?.0.to_owned(), end.to_owned())));
        size.map_or(line, |(start, end)| format!("{start} [SIZE] bytes, each{end}"))
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// A line without the present, where it stands in what a node remembers or says of its clock.
fn without_times(line: &str) -> String {
    // The time of day before what a run tells.
    let is_timed = line.as_bytes().get(8) == Some(&b'Z') && line.as_bytes().get(2) == Some(&b':');
    let line = if is_timed { &line.replacen(&line[..9], "[TIME]", 1) } else { line };
    let word = |word: &str| {
        if word.starts_with("20") && word.trim_end_matches([';', ',']).ends_with('Z') { "[TIME]".to_owned() } else { word.to_owned() }
    };
    let is_told = line.contains(" pinned ")
        || line.starts_with("site ")
        || line.contains("this node's clock says")
        || line.starts_with("hint: it is ");
    if is_told { line.split(' ').map(word).collect::<Vec<_>>().join(" ") } else { line.to_owned() }
}

#[test]
fn what_the_executor_shows() {
    let workshop = Workshop::expired();
    let _ = workshop.build(&["--serial", "7", "--created", "2026-01-02T03:04:05Z"]).expect_code(0);
    let root = workshop.node("tos3", true);
    let fingerprint = workshop.fingerprint();
    let bundle = ["site-7.tar.gz", "--signer", fingerprint.as_str()];
    let late = [&bundle[..], &["--accept-stale"]].concat();
    let text = |arguments: &[&str], code: i32| {
        let text = stable(&workshop.on_node(&root, arguments).expect_code(code).stderr, &workshop);
        // The times of the run itself, and that the bundle of a fixed date is too old for them.
        text.lines()
            .filter(|line| !line.starts_with("begun ") && !line.starts_with("warning: the bundle was to be applied before"))
            .map(without_times)
            .collect::<Vec<_>>()
            .join("\n")
    };
    insta::assert_snapshot!("node-verify", text(&[&["verify"], &bundle[..]].concat(), 0));
    insta::assert_snapshot!("node-status-before", text(&["status"], 0));
    insta::assert_snapshot!("node-plan", text(&[&["plan"], &late[..]].concat(), 0));
    insta::assert_snapshot!("node-plan-unsigned", text(&["plan", "site-7.tar.gz"], 3));
    insta::assert_snapshot!("node-plan-stale", text(&[&["plan", "-q"], &bundle[..]].concat(), 4));
    insta::assert_snapshot!("node-apply", text(&[&["apply"], &late[..]].concat(), 0));
    insta::assert_snapshot!("node-signers", text(&["signers"], 0));
    insta::assert_snapshot!("node-apply-again", text(&[&["apply"], &bundle[..]].concat(), 0));
    insta::assert_snapshot!("node-status", text(&["status"], 0));
    insta::assert_snapshot!("node-backups", stable_backups(&text(&["backups"], 0)));
    insta::assert_snapshot!("node-rollback", text(&["rollback"], 0));
    insta::assert_snapshot!("node-rollback-again", text(&["rollback"], 0));
    let _ = sh("rm srv/kubernetes/etcd.pem && ln -s etcd-ca.pem srv/kubernetes/etcd.pem && echo other > etc/hostname", &root);
    insta::assert_snapshot!("node-plan-elsewhere", text(&[&["plan"], &late[..]].concat(), 4));
    insta::assert_snapshot!("node-plan-refused", text(&[&["plan", "--node", "tos3"], &late[..]].concat(), 4));
}

#[test]
fn what_a_bundle_says() {
    let workshop = Workshop::expired();
    let _ = workshop.build(&["--serial", "7", "--created", "2026-01-02T03:04:05Z", "--san", "tos4"]).expect_code(0);
    let _ = sh("tar -xzf site-7.tar.gz", workshop.path());
    insta::assert_snapshot!(
        "bundle-json",
        stable(&sh("cat site-7/bundle.json", workshop.path()), &workshop)
            .lines()
            .map(|line| if line.contains("\"public_key\"") { "      \"public_key\": [FINGERPRINT]," } else { line })
            .collect::<Vec<_>>()
            .join("\n")
    );
    for readme in ["README.txt", "README.zh-CN.txt", "nodes/tos3.json"] {
        insta::assert_snapshot!(readme.replace('/', "-"), stable(&sh(&format!("cat site-7/{readme}"), workshop.path()), &workshop));
    }
}
