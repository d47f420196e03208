//! A run from end to end: applied, applied again, looked at, taken back.

use std::fs;

use crate::common::{CA, JSON, KEY, LEAF, Node, Ran, Site};

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

#[test]
fn owner_and_acl_are_kept() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    // POSIX.1e draft 17, as Linux stores it: owner rw, user 1000 r, group r, mask r, others none.
    let entries: [(u16, u16, u32); 5] = [(1, 6, u32::MAX), (2, 4, 1000), (4, 4, u32::MAX), (16, 4, u32::MAX), (32, 0, u32::MAX)];
    let acl = entries.iter().fold(2u32.to_le_bytes().to_vec(), |acl, (tag, permissions, id)| {
        [acl, tag.to_le_bytes().to_vec(), permissions.to_le_bytes().to_vec(), id.to_le_bytes().to_vec()].concat()
    });
    let node = Node::of(&Site::new());
    if chown(node.path(LEAF), Some(1234), Some(4321)).is_err() || xattr::set(node.path(KEY), "system.posix_acl_access", &acl).is_err() {
        return;
    }
    let former = node.targets();
    node.apply().expect(0);
    let owner = fs::metadata(node.path(LEAF)).unwrap();
    assert_eq!((owner.uid(), owner.gid()), (1234, 4321));
    assert_eq!(xattr::get(node.path(KEY), "system.posix_acl_access").unwrap(), Some(acl));
    node.rollback().expect(0);
    assert_eq!(node.targets(), former);
}

#[test]
fn a_new_file_has_the_owner_of_its_folder_and_the_mode_of_the_slice() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let node = Node::of(&Site::new());
    fs::remove_file(node.path(KEY)).unwrap();
    let is_given_away = chown(node.path("srv/kubernetes"), Some(1234), Some(4321)).is_ok();
    node.apply().expect(0);
    let metadata = fs::metadata(node.path(KEY)).unwrap();
    assert_eq!(metadata.mode() & 0o7777, 0o600);
    assert!(!is_given_away || (metadata.uid(), metadata.gid()) == (1234, 4321));
}

#[test]
fn a_site_of_ten_thousand_nodes_needs_little_memory() {
    let mut site = Site::new();
    let template = site.slices[1].clone();
    site.slices.truncate(1);
    site.slices.extend((0..9_999).map(|number: u16| {
        let mut slice = template.clone();
        slice.node = format!("node-{number}").parse().unwrap();
        slice.identity.host_names = vec![format!("node-{number}.tos")];
        slice.identity.addresses = vec![std::net::Ipv4Addr::from(0x0a01_0000 + u32::from(number)).into()];
        slice
    }));
    let node = Node::of(&site);
    // The limit is on addresses, of which a program needs more than it has memory.
    let inner = node.bundle_command(&["apply", "--json"]);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -v 65536; exec \"$0\" \"$@\""]).arg(inner.get_program()).args(inner.get_args());
    Ran::of(command.output().unwrap()).expect(0);
    node.assert_new(&site);
}
