//! `facts` on trees: what is found, what is not, and that no secret is in it whatever lies around.

use std::{fs, os::unix::fs::PermissionsExt as _};

use bundle_format::facts::{self, NodeFacts, VersionSource};

use crate::common::{CA, KEY, LEAF, Node, Ran, Site};

const IDENTITY: &str = "var/lib/reseal/identity";
const MANIFESTS: &str = "opt/kubernetes/manifests-multi";
const TEMPLATES: &str = "var/lib/transwarp-manager/master/content/meta/services/TOS/tos-2.1/templates/gencerts/etcd-ca.pem";
const ETCD: &str = r#"{"spec":{"containers":[{"name":"tos-etcd","image":"transwarp/etcd:tos-2.1","command":["/bin/etcd",
    "--initial-advertise-peer-urls=https://10.0.0.1:2380","--advertise-client-urls=https://10.0.0.1:4001",
    "--initial-cluster=n1=https://10.0.0.1:2380,n2=https://10.0.0.2:2380"]}]}}"#;

/// The facts that `facts` writes, checked as `reseal` checks them.
fn gather(node: &Node, further: &[&str]) -> (NodeFacts, String) {
    let out = node.path("../facts.json");
    let _ = fs::remove_file(&out);
    let out = out.display().to_string();
    let ran = node.run(&[&["facts", "--json", "--out", &out], further].concat());
    assert_eq!(ran.exit, 0, "{}", ran.said);
    let text = fs::read_to_string(&out).unwrap();
    (facts::read(text.as_bytes()).unwrap(), text)
}

fn roles(facts: &NodeFacts) -> Vec<&str> {
    facts.clusters.iter().flat_map(|cluster| &cluster.roles).map(|found| found.role.as_str()).collect()
}

fn refused(node: &Node, words: &[&str], exit: i32, code: &str) -> Ran {
    let ran = node.run(&[&["facts", "--json"], words].concat());
    assert_eq!(ran.exit, exit, "{}", ran.said);
    assert_eq!(ran.document["problems"][0]["kind"], code, "{}", ran.document);
    ran
}

#[test]
fn a_master_is_known_by_its_manifest() {
    let site = Site::new();
    let node = Node::of(&site);
    node.write(&format!("{MANIFESTS}/tos-etcd.manifest"), ETCD.as_bytes(), 0o644);
    node.write(&format!("{MANIFESTS}/tos-apiserver.manifest"), b"- --service-cluster-ip-range=10.10.10.0/24\n", 0o644);
    node.write("etc/machine-id", b"0123456789abcdef0123456789abcdef\n", 0o644);
    node.write("usr/lib/os-release", b"ID=centos\nVERSION_ID=\"7\"\nPRETTY_NAME=\"CentOS Linux 7 (Core)\"\n", 0o644);
    std::os::unix::fs::symlink("../usr/lib/os-release", node.path("etc/os-release")).unwrap();
    let (facts, text) = gather(&node, &[]);
    assert_eq!(roles(&facts), ["etcd"]);
    assert_eq!((facts.host.name.as_deref(), facts.host.machine_id.as_deref()), (Some("N1.tos"), Some("0123456789abcdef0123456789abcdef")));
    assert_eq!((facts.system.name.as_deref(), facts.system.id.as_deref()), (Some("CentOS Linux 7 (Core)"), Some("centos 7")));
    assert_eq!(facts.host.addresses[0].address.to_string(), "10.0.0.1");
    let cluster = &facts.clusters[0];
    let etcd = cluster.etcd.as_ref().unwrap();
    assert_eq!((etcd.client_port, etcd.peer_port, etcd.members.len()), (Some(4001), Some(2380), 2));
    assert_eq!(cluster.service_addresses[0].address.to_string(), "10.10.10.1");
    assert_eq!((cluster.versions[0].text.as_str(), cluster.versions[0].source), ("tos-2.1", VersionSource::Manifest));
    let ends: Vec<(&str, bool)> = facts.certificates.iter().map(|found| (found.path.as_str(), found.ca)).collect();
    assert_eq!(ends, [("/srv/kubernetes/etcd-ca.pem", true), ("/srv/kubernetes/etcd.pem", false)]);
    assert_eq!(facts.certificates[1].signed_by, [format!("/{CA}").parse().unwrap()], "who signed what");
    assert_eq!(facts.certificates[1].pem, site.old.leaf);
    assert!(text.contains("\n  \"sha256\": \""), "a person can read it");
    // While a master is restarted, its manifests are held elsewhere.
    fs::rename(node.path(&format!("{MANIFESTS}/tos-etcd.manifest")), node.path("opt/kubernetes/tos-etcd.manifest")).unwrap();
    assert_eq!(roles(&gather(&node, &[]).0), ["etcd"]);
}

#[test]
fn a_node_with_flannel_alone_and_a_manager_are_known_too() {
    let node = Node::of(&Site::new());
    node.write("etc/cni/net.d/10-flannel.conf", b"{}", 0o644);
    node.write("etc/hosts", b"127.0.0.1 localhost n1.tos\n10.0.0.7 x N1.TOS # n1\n10.0.0.8 other # n1.tos\n", 0o644);
    let (facts, _) = gather(&node, &[]);
    assert_eq!(roles(&facts), ["flannel"]);
    assert_eq!(facts.host.addresses.iter().map(|found| found.address.to_string()).collect::<Vec<_>>(), ["10.0.0.7"]);
    node.write(TEMPLATES, node.read(CA).as_bytes(), 0o644);
    fs::remove_file(node.path("etc/cni/net.d/10-flannel.conf")).unwrap();
    let (facts, _) = gather(&node, &[]);
    assert_eq!(roles(&facts), ["manager"]);
    let cluster = &facts.clusters[0];
    assert_eq!((cluster.versions[0].text.as_str(), cluster.versions[0].source), ("tos-2.1", VersionSource::Folder));
    assert!(cluster.homes.iter().any(|home| home.path.as_str() == format!("/{TEMPLATES}")));
}

#[test]
fn an_empty_tree_has_facts_too() {
    let node = Node::of(&Site::new());
    for folder in ["etc", "srv", "var"] {
        fs::remove_dir_all(node.path(folder)).unwrap();
    }
    let (facts, _) = gather(&node, &["--no-identity"]);
    assert_eq!((facts.clusters.len(), facts.certificates.len(), facts.recipient, facts.host.name), (0, 0, None, None));
    assert_eq!(fs::read_dir(node.root()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn the_identity_is_made_once_and_is_private() {
    let node = Node::of(&Site::new());
    let former = node.tree();
    assert_eq!(gather(&node, &["--no-identity"]).0.recipient, None);
    assert_eq!(node.tree(), former, "without an identity, nothing is written");
    let first = gather(&node, &[]).0.recipient.unwrap();
    let mode = |path: &str| fs::metadata(node.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(IDENTITY), mode("var/lib/reseal")), (0o600, 0o700));
    let mut now = node.tree();
    let new: Vec<String> = now.keys().filter(|path| !former.contains_key(*path)).map(|path| path.display().to_string()).collect();
    assert_eq!(new, ["var/lib/reseal", IDENTITY]);
    let text = node.read(IDENTITY);
    assert!(text.starts_with("AGE-SECRET-KEY-1") && text.ends_with('\n') && text.lines().count() == 1);
    now.retain(|path, _| former.contains_key(path) && !path.ends_with("lib"));
    assert!(now.iter().all(|(path, what)| former[path] == *what), "and nothing else is changed");
    assert_eq!((gather(&node, &[]).0.recipient.unwrap(), node.read(IDENTITY)), (first.clone(), text));
    // As age-keygen writes it.
    node.write(IDENTITY, format!("# created: x\n# public key: {first}\n{}", node.read(IDENTITY)).as_bytes(), 0o600);
    assert_eq!(gather(&node, &["--no-identity"]).0.recipient.unwrap(), first);
}

#[test]
fn what_lies_in_the_identitys_place_is_neither_used_nor_lost() {
    let node = Node::of(&Site::new());
    for (content, mode, code) in [("", 0o600, "identity"), ("AGE-SECRET-KEY-1XYZ\n", 0o600, "identity"), ("a\nb\n", 0o600, "identity")] {
        node.write(IDENTITY, content.as_bytes(), mode);
        let ran = refused(&node, &[], 1, code);
        assert!(!ran.said.contains("SECRET-KEY-1X") && !ran.document.to_string().contains("SECRET-KEY-1X"), "{}", ran.said);
        assert_eq!(node.read(IDENTITY), content);
    }
    fs::remove_file(node.path(IDENTITY)).unwrap();
    let _ = gather(&node, &[]);
    fs::set_permissions(node.path(IDENTITY), fs::Permissions::from_mode(0o644)).unwrap();
    let _ = refused(&node, &[], 1, "identity-readable");
    fs::remove_file(node.path(IDENTITY)).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", node.path(IDENTITY)).unwrap();
    let _ = refused(&node, &[], 1, "identity");
    fs::remove_dir_all(node.path("var/lib/reseal")).unwrap();
    std::os::unix::fs::symlink("/tmp", node.path("var/lib/reseal")).unwrap();
    let ran = node.run(&["facts", "--json"]);
    assert_eq!(ran.exit, 1, "{}", ran.said);
}

#[test]
fn facts_are_written_to_a_new_file_or_to_stdout() {
    let node = Node::of(&Site::new());
    let output = node.command(&["facts"]).output().unwrap();
    assert!(facts::read(&output.stdout).is_ok());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("N1.tos") && said.contains("recipient age1"), "{said}");
    node.write("../taken.json", b"mine", 0o600);
    let taken = node.path("../taken.json");
    let _ = refused(&node, &["--out", taken.to_str().unwrap()], 1, "out");
    assert_eq!(node.read("../taken.json"), "mine");
    let (_, text) = gather(&node, &[]);
    assert!(!text.is_empty());
    assert_eq!(fs::metadata(node.path("../facts.json")).unwrap().permissions().mode() & 0o777, 0o644);
}

/// Whatever a hostile or careless hand put where facts are looked for, no part of a private key gets into them.
#[test]
fn no_key_gets_into_facts() {
    let site = Site::new();
    let node = Node::of(&site);
    let key = site.old.key.clone();
    let body: Vec<&str> = key.lines().filter(|line| !line.starts_with('-')).collect();
    // PKCS#8 of P-256: the scalar's 32 bytes stand from byte 36 on; what follows it is the public key.
    let secret = [&body[0][48..], &body[1][..24]];
    node.write(LEAF, format!("{key}{}{key}", site.old.leaf).as_bytes(), 0o644);
    node.write("srv/kubernetes/other.pem", format!("{}\n{key}", site.old.ca).as_bytes(), 0o644);
    node.write("srv/kubernetes/key.crt", key.as_bytes(), 0o644);
    node.write("etc/hostname", key.as_bytes(), 0o644);
    node.write("etc/machine-id", format!("{}\n", body[0]).as_bytes(), 0o644);
    node.write("etc/hosts", format!("10.0.0.1 {}\n", body[0]).as_bytes(), 0o644);
    node.write("etc/os-release", format!("ID={}\nPRETTY_NAME=-----BEGIN PRIVATE KEY-----\n", &body[0][..20]).as_bytes(), 0o644);
    node.write(&format!("{MANIFESTS}/tos-etcd.manifest"), format!("image: x:tos-{}\n--initial-cluster={key}", body[0]).as_bytes(), 0o644);
    node.write(TEMPLATES, key.as_bytes(), 0o644);
    let (facts, text) = gather(&node, &["-v"]);
    assert_eq!(facts.certificates.len(), 3, "{text}");
    let said = node.command(&["facts", "-v"]).output().unwrap();
    let identity = node.read(IDENTITY);
    for (what, content) in [
        ("facts", text),
        ("stdout", String::from_utf8_lossy(&said.stdout).into_owned()),
        ("stderr", String::from_utf8_lossy(&said.stderr).into_owned()),
    ] {
        assert!(!content.contains("PRIVATE") && !content.contains(identity.trim()), "{what}: {content}");
        assert!(!secret.iter().any(|piece| content.contains(piece)), "{what}: {content}");
    }
}

#[test]
fn hostile_files_are_passed_over_with_a_remark() {
    let site = Site::new();
    let node = Node::of(&site);
    let link = |to: &str, from: &str| std::os::unix::fs::symlink(to, node.path(from)).unwrap();
    link("/etc/passwd", "srv/kubernetes/link.pem");
    link("/proc/self/environ", "srv/kubernetes/environ.crt");
    assert!(std::process::Command::new("mkfifo").arg(node.path("srv/kubernetes/pipe.pem")).status().unwrap().success());
    fs::File::create(node.path("srv/kubernetes/huge.pem")).unwrap().set_len(1 << 40).unwrap();
    node.write("srv/kubernetes/broken.pem", b"-----BEGIN CERTIFICATE-----\nMIIB!\n-----END CERTIFICATE-----\n", 0o644);
    node.write("srv/kubernetes/cut.pem", &site.old.ca.as_bytes()[..200], 0o644);
    node.write("etc/hosts", &vec![b'1'; 1 << 20], 0o644);
    node.write(KEY, site.old.key.as_bytes(), 0o000);
    let (facts, _) = gather(&node, &[]);
    assert_eq!(facts.certificates.len(), 2);
    for name in ["link.pem", "environ.crt", "pipe.pem", "huge.pem", "broken.pem", "cut.pem", "/etc/hosts"] {
        assert!(facts.remarks.iter().any(|remark| remark.contains(name)), "{name} in {:?}", facts.remarks);
    }
    // A folder with more files than anybody looks through, and one that leads out of the tree.
    for number in 0..300 {
        node.write(&format!("srv/kubernetes/{number}.pem"), site.old.ca.as_bytes(), 0o644);
    }
    let (facts, text) = gather(&node, &[]);
    assert!(text.len() < facts::MOST_BYTES && facts.certificates.len() == 2, "{:?}", facts.remarks);
    fs::remove_dir_all(node.path("srv/kubernetes")).unwrap();
    link("/etc", "srv/kubernetes");
    assert_eq!(gather(&node, &[]).0.certificates.len(), 0);
}

#[test]
fn many_certificates_end_with_a_remark() {
    let site = Site::new();
    let node = Node::of(&site);
    node.write("srv/kubernetes/bundle.pem", site.old.ca.repeat(200).as_bytes(), 0o644);
    node.write("srv/kubernetes/more.pem", site.old.ca.repeat(200).as_bytes(), 0o644);
    let (facts, text) = gather(&node, &[]);
    assert!(facts.certificates.len() <= 256 && text.len() < facts::MOST_BYTES);
    assert!(facts.remarks.iter().any(|remark| remark.contains("too many")), "{:?}", facts.remarks);
}
