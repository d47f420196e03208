//! Bundles that are rejected (exit 3), and that nothing of the tree is touched then.

use std::{fs, os::unix::fs::symlink, path::PathBuf, process::Command};

use crate::common::{BEGIN, CA, FixedSigner, META, NAMES, Node, Ran, Site, generations};

fn assert_untouched(node: &Node, act: impl Fn() -> Ran, exit: i32, code: &str) {
    let before = node.tree();
    let ran = act().refuses(exit, code);
    assert!(ran.said.contains("hint:"), "{}", ran.said);
    assert_eq!(node.tree(), before);
}

#[test]
fn a_bundle_of_no_trusted_signer_is_rejected() {
    let node = Node::of(&Site::new());
    let bundle = node.bundle();
    let bundle = bundle.to_str().unwrap();
    let signer = FixedSigner::new(2).fingerprint().to_string();
    for command in ["verify", "plan", "apply"] {
        assert_untouched(&node, || node.run(&[command, bundle, "--json"]), 3, "no-signer");
        assert_untouched(&node, || node.run(&[command, bundle, "--json", "--signer", &signer]), 3, "other-signer");
    }
    let hint = node.run(&["verify", bundle]).said;
    assert!(hint.contains(&format!("--signer {}", FixedSigner::new(1).fingerprint())), "{hint}");
}

#[test]
fn a_bundle_with_any_bit_flipped_is_rejected() {
    let node = Node::of(&Site::new());
    let whole = fs::read(node.bundle()).unwrap();
    let before = node.tree();
    for at in (0..whole.len()).step_by(whole.len() / 40 + 1) {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        fs::write(node.bundle(), &flipped).unwrap();
        node.apply().expect(3);
    }
    fs::write(node.bundle(), &whole[..whole.len() - 9]).unwrap();
    node.apply().expect(3);
    assert_eq!(node.tree(), before);
}

#[test]
fn a_bundle_for_another_site_is_rejected_before_the_node_is_looked_for() {
    let node = Node::of(&Site::new());
    node.put_bundle(&Site::new());
    node.write("etc/hostname", b"elsewhere\n", 0o644);
    assert_untouched(&node, || node.apply(), 3, "other-site");
}

#[test]
fn an_authority_of_another_site_at_any_home_is_enough() {
    let site = Site::new();
    let node = Node::of(&site);
    node.write(META, Site::new().old.ca.as_bytes(), 0o644);
    assert_untouched(&node, || node.apply(), 3, "other-site");
}

#[test]
fn the_authority_may_stand_among_others() {
    let site = Site::new();
    let node = Node::of(&site);
    node.write(CA, [Site::new().old.ca, site.old.ca.clone()].concat().as_bytes(), 0o644);
    node.apply().expect(0);
}

#[test]
fn a_bundle_that_contradicts_itself_is_rejected() {
    let (old, new) = generations(&NAMES, BEGIN);
    let mut site = Site::of(old, new);
    let master = site.slices[0].steps[0].clone();
    site.slices[0].steps.push(master);
    let node = Node::of(&site);
    assert_untouched(&node, || node.apply(), 3, "twice");
}

fn unpack(node: &Node) -> PathBuf {
    let folder = node.root().with_file_name("unpacked");
    fs::create_dir(&folder).unwrap();
    let tar = Command::new("tar").arg("xzf").arg(node.bundle()).arg("-C").arg(&folder).status().unwrap();
    assert!(tar.success());
    folder.join("site-7")
}

fn apply_folder(node: &Node, folder: &std::path::Path) -> Ran {
    let signer = FixedSigner::new(1).fingerprint().to_string();
    node.run(&["apply", folder.to_str().unwrap(), "--signer", &signer, "--json"])
}

#[test]
fn the_unpacked_folder_is_as_good_as_the_tarball() {
    let site = Site::new();
    let node = Node::of(&site);
    let folder = unpack(&node);
    let renamed = folder.with_file_name("any name");
    fs::rename(&folder, &renamed).unwrap();
    apply_folder(&node, &renamed).expect(0);
    node.assert_new(&site);
    assert_eq!(node.apply().expect(0).document["outcome"], "nothing-to-do");
}

#[test]
fn whatever_does_not_belong_into_the_folder_is_rejected() {
    let node = Node::of(&Site::new());
    let folder = unpack(&node);
    let entry = folder.join("certs/etcd.pem");
    let content = fs::read(&entry).unwrap();
    let before = node.tree();
    let expect_rejected = || drop(apply_folder(&node, &folder).expect(3));

    // The second could be an entry by its name; it is not listed.
    for strange in ["notes.txt", "certs/other.pem"] {
        fs::write(folder.join(strange), "x").unwrap();
        expect_rejected();
        fs::remove_file(folder.join(strange)).unwrap();
    }

    fs::write(&entry, [&content[..], b"\n"].concat()).unwrap();
    expect_rejected();
    fs::remove_file(&entry).unwrap();
    expect_rejected();
    fs::write(folder.with_file_name("elsewhere"), &content).unwrap();
    symlink(folder.with_file_name("elsewhere"), &entry).unwrap();
    expect_rejected();
    fs::remove_file(&entry).unwrap();
    assert!(Command::new("mkfifo").arg(&entry).status().unwrap().success());
    expect_rejected();
    assert_eq!(node.tree(), before);
}

#[test]
fn the_bundle_around_the_program_is_found() {
    let mut site = Site::new();
    let program = fs::read(env!("CARGO_BIN_EXE_reseal-node")).unwrap();
    site.extra.insert("executor/linux-x86_64/reseal-node".to_owned(), b"replaced below".to_vec());
    let node = Node::of(&site);
    let folder = unpack(&node);
    let inside = folder.join("executor/linux-x86_64/reseal-node");
    fs::write(&inside, &program).unwrap();
    let root = node.root();
    let run = |words: &[&str]| Ran::of(Command::new(&inside).arg("--root").arg(&root).args(words).output().unwrap());
    let signer = FixedSigner::new(1).fingerprint().to_string();
    // Found and read: what is wrong with it is the program that this test put into it.
    run(&["verify", "--json", "--signer", &signer]).refuses(3, "bundle");
    node.run(&["verify", "--json", "--signer", &signer]).refuses(2, "no-bundle");
}

#[test]
fn a_signer_may_be_a_file() {
    use bundle_format::writer::Signer as _;
    let node = Node::of(&Site::new());
    let key = node.root().with_file_name("signer.pub");
    fs::write(&key, FixedSigner::new(1).public_key_pem()).unwrap();
    let bundle = node.bundle();
    let run = |signer: &str| node.run(&["verify", bundle.to_str().unwrap(), "--json", "--signer", signer]);
    assert_eq!(run(key.to_str().unwrap()).expect(0).document["bundle"]["name"], "site-7");
    run("/nowhere").refuses(2, "signer");
    run("SHA256:short").refuses(2, "signer");
    run(bundle.to_str().unwrap()).refuses(2, "signer");
}
