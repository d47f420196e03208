//! Preflight (exit 4): each refusal has its code, all of them come at once, and nothing is touched.

use std::{fs, os::unix::fs::symlink, process::Command};

use crate::common::{BEGIN, CA, JSON, KEY, LEAF, META, NAMES, Node, Ran, Site, generations, slice};
use bundle_format::slice::Step;
use time::macros::datetime;

#[track_caller]
fn assert_refused(node: &Node, kinds: &[&str]) -> Ran {
    let before = node.tree();
    let planned = node.with_bundle(&["plan"]).expect(4);
    assert_eq!(planned.kinds(), kinds, "{}", planned.said);
    let ran = node.apply().expect(4);
    assert_eq!(ran.kinds(), kinds, "{}", ran.said);
    assert!(ran.said.contains("hint:"), "{}", ran.said);
    assert_eq!(node.tree(), before);
    ran
}

#[test]
fn a_host_that_is_no_node() {
    let node = Node::of(&Site::new());
    node.write("etc/hostname", b"n3.tos\n", 0o644);
    let ran = assert_refused(&node, &["node-unknown"]);
    assert!(ran.said.contains("--node") && ran.said.contains("n2.tos") && ran.said.contains("10.0.0.2"), "{}", ran.said);
    node.with_bundle(&["apply", "--node", "n3"]).refuses(4, "node-not-there");
    let ran = node.with_bundle(&["apply", "--node", "n2"]).expect(0);
    assert_eq!(ran.document["node"]["name"], "n2");
}

#[test]
fn a_host_that_is_several_nodes() {
    let mut site = Site::new();
    site.slices[1].identity.machine_id = Some("0123456789abcdef0123456789abcdef".to_owned());
    let node = Node::of(&site);
    node.write("etc/machine-id", b"0123456789abcdef0123456789abcdef\n", 0o444);
    assert_refused(&node, &["node-ambiguous"]);
}

#[test]
fn a_clock_before_the_new_certificate() {
    let (old, new) = generations(&NAMES, datetime!(2101-01-01 0:00 UTC));
    assert_refused(&Node::of(&Site::of(old, new)), &["clock"]);
}

#[test]
fn names_that_would_be_lost() {
    let (old, new) = generations(&["N1.tos", "10.0.0.1"], BEGIN);
    let ran = assert_refused(&Node::of(&Site::of(old, new)), &["san-loss"]);
    assert!(ran.said.contains("`DNS:n2.tos`, `IP:127.0.0.1`"), "{}", ran.said);
}

#[test]
fn targets_that_are_no_files() {
    let site = Site::new();
    let node = Node::of(&site);
    let remake = |path: &str, make: &dyn Fn(&std::path::Path)| {
        fs::remove_file(node.path(path)).unwrap();
        make(&node.path(path));
    };
    remake(KEY, &|path| symlink("/etc/shadow", path).unwrap());
    remake(LEAF, &|path| fs::create_dir(path).unwrap());
    remake(META, &|path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success()));
    assert_refused(&node, &["not-a-file", "not-a-file", "not-a-file"]);
}

#[test]
fn a_folder_that_is_missing() {
    let node = Node::of(&Site::new());
    fs::remove_dir_all(node.path("srv")).unwrap();
    assert_refused(&node, &["no-place", "no-place", "no-place"]);
}

#[test]
fn a_folder_that_leads_out_of_the_root() {
    let node = Node::of(&Site::new());
    fs::rename(node.path("srv"), node.root().with_file_name("outside")).unwrap();
    symlink("../outside", node.path("srv")).unwrap();
    let ran = assert_refused(&node, &["no-place", "no-place", "no-place"]);
    assert!(ran.said.contains("outside of the root"), "{}", ran.said);
}

#[test]
fn a_folder_link_within_the_root_is_followed() {
    let site = Site::new();
    let node = Node::of(&site);
    fs::rename(node.path("srv"), node.path("data")).unwrap();
    symlink("data", node.path("srv")).unwrap();
    node.apply().expect(0);
    node.assert_new(&site);
    node.rollback().expect(0);
}

#[test]
fn a_wildcard_that_fits_nothing_or_too_much() {
    let node = Node::of(&Site::new());
    fs::create_dir_all(node.path("var/lib/meta/tos-2.2/gencerts")).unwrap();
    let ran = assert_refused(&node, &["several-folders", "several-folders"]);
    assert!(ran.said.contains("tos-2.2") && ran.said.contains("tos-2.1"), "{}", ran.said);
    fs::remove_dir_all(node.path("var/lib/meta")).unwrap();
    assert_refused(&node, &["no-folder", "no-folder"]);
}

#[test]
fn documents_that_cannot_be_edited() {
    let node = Node::of(&Site::new());
    node.write(JSON, b"{\"expiry\": \"87600h\"", 0o644);
    assert_refused(&node, &["document"]);
    fs::remove_file(node.path(JSON)).unwrap();
    assert_refused(&node, &["document-missing"]);
}

#[test]
fn a_node_without_the_authority() {
    let node = Node::of(&Site::new());
    fs::remove_file(node.path(CA)).unwrap();
    node.with_bundle(&["plan"]).expect(0);
    fs::remove_file(node.path(META)).unwrap();
    assert_refused(&node, &["authority-absent"]);
}

#[test]
fn files_that_are_no_certificates() {
    let node = Node::of(&Site::new());
    node.write(CA, b"not a certificate\n", 0o644);
    node.write(LEAF, b"", 0o644);
    assert_refused(&node, &["no-certificate", "no-certificate"]);
}

#[test]
fn certificates_that_do_not_go_together() {
    let site = Site::new();
    let node = Node::of(&site);
    node.write(LEAF, Site::new().old.leaf.as_bytes(), 0o644);
    assert_refused(&node, &["disk-leaf"]);

    let mut site = Site::new();
    let node = Node::of(&site);
    site.new.leaf = Site::new().new.leaf;
    node.put_bundle(&site);
    let ran = assert_refused(&node, &["new-leaf", "new-leaf", "new-leaf", "other-key"]);
    assert!(ran.said.contains("the new authority") && ran.said.contains("on this node"), "{}", ran.said);
}

#[test]
fn a_key_of_another_certificate() {
    let mut site = Site::new();
    site.new.key = site.old.key.clone();
    assert_refused(&Node::of(&site), &["other-key"]);
}

#[test]
fn a_run_in_progress() {
    let node = Node::of(&Site::new());
    fs::create_dir_all(node.path("var/lib/reseal")).unwrap();
    fs::write(node.path("var/lib/reseal/lock"), "4711\n").unwrap();
    let lock = fs::File::open(node.path("var/lib/reseal/lock")).unwrap();
    lock.lock().unwrap();
    let ran = assert_refused(&node, &["busy"]);
    assert!(ran.said.contains("4711"), "{}", ran.said);
}

#[test]
fn all_refusals_come_at_once() {
    let (old, new) = generations(&["n1.tos"], datetime!(2101-01-01 0:00 UTC));
    let mut site = Site::of(old, new);
    site.new.key = site.old.key.clone();
    let node = Node::of(&site);
    node.write(JSON, b"[", 0o644);
    assert_refused(&node, &["document", "clock", "san-loss", "other-key"]);
}

#[test]
fn warnings_do_not_refuse() {
    let mut site = Site::new();
    site.not_after = datetime!(2020-01-01 0:00 UTC);
    let node = Node::of(&site);
    node.write(JSON, b"{}", 0o644);
    let ran = node.with_bundle(&["apply", "--accept-stale"]).expect(0);
    assert_eq!(ran.document["warnings"].as_array().unwrap().len(), 2, "{}", ran.said);
    assert_eq!(node.read(JSON), "{}");
}

#[test]
fn a_bundle_past_its_time_is_refused_unless_it_is_accepted_or_was_begun() {
    let mut site = Site::new();
    site.not_after = datetime!(2020-01-01 0:00 UTC);
    let node = Node::of(&site);
    assert_refused(&node, &["stale"]);
    node.with_bundle(&["apply", "--accept-stale"]).expect(0);
    assert_eq!(node.status().document["deviations"], serde_json::json!(["stale-accepted"]));
    // There is nothing to do, so nothing stands against it.
    assert_eq!(node.apply().expect(0).document["outcome"], "nothing-to-do");
    let journal = node.run_folder().join("journal");
    let lines = std::fs::read_to_string(&journal).unwrap();
    let begun: Vec<&str> = lines.split_inclusive('\n').take(4).collect();
    std::fs::write(&journal, begun.concat()).unwrap();
    node.apply().expect(0);
    assert!(std::fs::read_to_string(&journal).unwrap().contains("applied"));
}

#[test]
fn a_slice_of_one_step_leaves_the_rest_alone() {
    let mut site = Site::new();
    site.slices = vec![slice("n1", "10.0.0.1")];
    site.slices[0].steps.retain(|step| matches!(step, Step::EditJson(_)));
    let node = Node::of(&site);
    node.apply().expect(0);
    assert_eq!(node.read(CA), site.old.ca);
    assert!(node.read(JSON).contains("876000h"));
}
