//! Targets and file systems that are not as simple as a file in a folder: each is followed knowingly, or refused before the first change.

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixListener},
    process::Command,
};

use crate::common::{CA, JSON, KEY, LEAF, META, Node, Ran, Site};

/// Runs a command of the node in a mount namespace of its own, after `prepare`; nothing where this user may make none.
fn with_mounts(node: &Node, prepare: &str, inner: &Command) -> Option<Ran> {
    let probe = Command::new("unshare").args(["--mount", "true"]).status();
    if !probe.is_ok_and(|status| status.success()) {
        return None;
    }
    let script = format!("cd \"$0\"; {prepare}; exec \"$@\"");
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-euc", &script]).arg(node.root());
    let output = command.arg(inner.get_program()).args(inner.get_args()).output().unwrap();
    Some(Ran::of(output))
}

/// Checks that `plan` and `apply` refuse with these codes where things are mounted like this, and that no target is touched.
#[track_caller]
fn assert_refused(prepare: &str, kinds: &[&str], says: &str) {
    let node = Node::of(&Site::new());
    let before = node.tree();
    for word in ["plan", "apply"] {
        let Some(ran) = with_mounts(&node, prepare, &node.bundle_command(&[word, "--json"])) else { return };
        let ran = ran.expect(4);
        assert_eq!(ran.kinds(), kinds, "{prepare}: {}", ran.said);
        assert!(ran.said.contains(says) && ran.said.contains("hint:"), "{prepare}: {}", ran.said);
    }
    assert_eq!(node.tree(), before, "{prepare}");
}

/// Puts `srv/kubernetes` on a file system of its own.
fn on_own(options: &str, then: &str) -> String {
    format!("cp -a srv/kubernetes k; mount -t tmpfs -o {options} none srv/kubernetes; cp -a k/. srv/kubernetes; rm -r k; {then}")
}

#[test]
fn file_systems_that_cannot_be_written() {
    let read_only = "mount --bind srv/kubernetes srv/kubernetes; mount -o remount,bind,ro srv/kubernetes";
    assert_refused(read_only, &["read-only", "read-only", "read-only"], "mounted read-only");
    let state = "mkdir -p var/lib/reseal; mount -t tmpfs -o ro none var/lib/reseal";
    let node = Node::of(&Site::new());
    fs::create_dir_all(node.path("var/lib/reseal")).unwrap();
    let before = node.targets();
    for word in ["plan", "apply"] {
        let Some(ran) = with_mounts(&node, state, &node.bundle_command(&[word, "--json"])) else { return };
        let ran = ran.refuses(4, "state");
        assert!(ran.said.contains("mounted read-only"), "{}", ran.said);
    }
    assert_eq!(node.targets(), before);
    assert_refused("mount --bind srv/kubernetes/etcd.pem srv/kubernetes/etcd.pem", &["read-only"], "mount point of its own");
}

#[test]
fn file_systems_that_are_full() {
    // A tmpfs counts the folder itself among its inodes.
    assert_refused(&on_own("nr_inodes=5", "true"), &["full"], "can hold 1 more files");
    assert_refused(&on_own("size=64k", "true"), &["full"], "bytes free");
    let state = |options: &str| format!("mkdir -p var/lib/reseal; mount -t tmpfs -o {options} none var/lib/reseal");
    let node = Node::of(&Site::new());
    fs::create_dir_all(node.path("var/lib/reseal")).unwrap();
    let before = node.tree();
    for (options, says) in [("nr_inodes=4", "more files"), ("size=512k", "bytes free")] {
        let Some(ran) = with_mounts(&node, &state(options), &node.bundle_command(&["apply", "--json"])) else { return };
        let ran = ran.refuses(4, "full");
        assert!(ran.said.contains(says) && ran.said.contains("backups prune"), "{}", ran.said);
    }
    assert_eq!(node.tree(), before);
}

#[test]
fn what_is_marked_immutable() {
    let node = Node::of(&Site::new());
    let mark = |flag: &str, path: &str| Command::new("chattr").arg(flag).arg(node.path(path)).status().is_ok_and(|status| status.success());
    if !mark("+i", LEAF) {
        return;
    }
    let before = node.tree();
    let ran = node.apply();
    let _ = (mark("-i", LEAF), mark("+i", "srv/kubernetes"));
    let in_folder = node.apply();
    assert!(mark("-i", "srv/kubernetes"));
    let ran = ran.refuses(4, "read-only");
    assert!(ran.said.contains("marked immutable") && ran.said.contains("lsattr"), "{}", ran.said);
    assert_eq!(in_folder.refuses(4, "read-only").kinds(), ["read-only", "read-only", "read-only"]);
    assert_eq!(node.targets().len(), before.keys().filter(|path| path.starts_with("srv") || path.starts_with("var/lib/meta")).count());
}

#[test]
fn links_devices_and_sockets_are_named() {
    let node = Node::of(&Site::new());
    fs::rename(node.path(LEAF), node.path("srv/kubernetes/real.pem")).unwrap();
    symlink("real.pem", node.path(LEAF)).unwrap();
    fs::remove_file(node.path(KEY)).unwrap();
    let _socket = UnixListener::bind(node.path(KEY)).unwrap();
    fs::remove_file(node.path(META)).unwrap();
    let has_device = Command::new("mknod").arg(node.path(META)).args(["c", "1", "3"]).status().is_ok_and(|status| status.success());
    let before = node.tree();
    let ran = node.apply().refuses(4, "not-a-file");
    assert!(ran.said.contains("etcd.pem` is a symbolic link") && ran.said.contains("readlink -f"), "{}", ran.said);
    assert!(ran.said.contains("etcd-key.pem` is a socket"), "{}", ran.said);
    assert!(!has_device || ran.said.contains("gencerts/etcd-ca.pem` is a device"), "{}", ran.said);
    assert_eq!(node.tree(), before);
}

#[test]
fn links_on_the_way_to_a_target_are_followed_and_shown() {
    let site = Site::new();
    let node = Node::of(&site);
    fs::create_dir(node.path("data")).unwrap();
    fs::rename(node.path("srv/kubernetes"), node.path("data/k8s")).unwrap();
    symlink("../data/k8s", node.path("srv/kubernetes")).unwrap();
    let plan = node.with_bundle(&["plan"]).expect(0);
    assert!(plan.said.contains("/data/k8s/etcd.pem, by a link on the way there"), "{}", plan.said);
    let elsewhere = |file: &serde_json::Value| file["elsewhere"].as_str().is_some_and(|path| path.ends_with("/data/k8s/etcd-ca.pem"));
    assert!(elsewhere(&plan.document["steps"][0]["files"][0]), "{}", plan.document);
    assert!(plan.document["steps"][2]["elsewhere"].is_null());
    node.apply().expect(0);
    node.assert_new(&site);
    assert!(fs::symlink_metadata(node.path("srv/kubernetes")).unwrap().is_symlink());
}

#[test]
fn other_names_of_a_target_keep_what_they_had() {
    let site = Site::new();
    let node = Node::of(&site);
    fs::hard_link(node.path(CA), node.path("srv/other.pem")).unwrap();
    let ran = node.with_bundle(&["plan"]).expect(0);
    assert!(ran.said.contains("warning: `/srv/kubernetes/etcd-ca.pem` has 2 names"), "{}", ran.said);
    node.apply().expect(0);
    node.assert_new(&site);
    assert_eq!(node.read("srv/other.pem"), site.old.ca);
    node.rollback().expect(0);
    assert_eq!(node.read(CA), site.old.ca);
    assert!(node.read(JSON).contains("87600h"));
}
