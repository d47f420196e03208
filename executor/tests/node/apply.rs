//! A run from end to end: applied, applied again, looked at, taken back.

use std::fs;

use crate::common::{CA, JSON, KEY, LEAF, Node, Site};

#[test]
fn an_apply_replaces_the_files_and_keeps_what_they_are() {
    let site = Site::new();
    let node = Node::of(&site);
    xattr::set(node.path(KEY), "user.note", b"kept").unwrap();
    let ran = node.apply().expect(0);
    assert_eq!(ran.document["outcome"], "applied", "{}", ran.said);
    node.assert_new(&site);
    let modes = [CA, LEAF, KEY, JSON].map(|path| {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(node.path(path)).unwrap().permissions().mode() & 0o7777
    });
    assert_eq!(modes, [0o644, 0o640, 0o400, 0o644]);
    assert_eq!(xattr::get(node.path(KEY), "user.note").unwrap().as_deref(), Some(&b"kept"[..]));
}

#[test]
fn a_second_apply_changes_nothing() {
    let site = Site::new();
    let node = Node::of(&site);
    node.apply().expect(0);
    let (inodes, before) = (node.inodes(), node.tree());
    let ran = node.apply().expect(0);
    assert_eq!(ran.document["outcome"], "nothing-to-do");
    assert_eq!(node.inodes(), inodes);
    assert_eq!(node.tree(), before);
}

#[test]
fn a_rollback_is_exact() {
    let site = Site::new();
    let node = Node::of(&site);
    xattr::set(node.path(LEAF), "user.note", b"kept").unwrap();
    fs::remove_file(node.path(KEY)).unwrap();
    let before = node.targets();
    node.apply().expect(0);
    assert!(node.path(KEY).exists());
    node.rollback().expect(0);
    assert_eq!(node.targets(), before);
    let ran = node.rollback().expect(0);
    assert_eq!(ran.document["outcome"], "nothing-to-do");
    node.apply().expect(0);
    node.assert_new(&site);
}
