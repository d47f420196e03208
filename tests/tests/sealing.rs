//! What a lost stick gives away: nothing, without a node's identity or the passphrase. And what both give.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use bundle_format::{
    forbidden::Forbidden,
    limits::Limits,
    name::{EntryPath, NodeName},
    reader::{Complete, Tarball, Unverified, Visitor},
    sealing::{self, Identity, Key, Passphrase, Place, UnsealError},
    slice::Slice,
    writer::{self, Entries},
};
use end_to_end::{
    programs::{Ran, reseal_node, sh},
    secret::Secret,
    workshop::Workshop,
};
use reseal::signer::SignerKey;
use zeroize::Zeroizing;

const NODES: [&str; 3] = ["tos1", "tos2", "tos3"];
const SQL: &str = "manager_info.update.sql";

/// Keeps every entry but the executor, which may be larger than what a reader keeps.
#[derive(Default)]
struct Everything(Entries, Vec<Slice>);

impl Visitor for Everything {
    fn slice(&mut self, slice: Slice) {
        self.1.push(slice);
    }
    fn wants(&mut self, path: &EntryPath) -> bool {
        !path.as_str().starts_with("executor/")
    }
    fn entry(&mut self, path: EntryPath, content: Zeroizing<Vec<u8>>) {
        self.0.insert(path, content);
    }
}

fn read(bundle: &Path) -> (Complete, Everything) {
    let mut everything = Everything::default();
    let source = Tarball::open(fs::File::open(bundle).unwrap()).unwrap();
    let unverified = Unverified::open(source, Limits { kept: u64::MAX, ..Limits::default() }).unwrap();
    let trusted = unverified.claimed_signers().unwrap().into_iter().collect();
    let complete = unverified.verify(&trusted).unwrap().read(&mut everything).unwrap();
    (complete, everything)
}

fn path(text: &str) -> EntryPath {
    text.parse().unwrap()
}

/// Gives a node's tree an identity, as `reseal-node facts` does.
fn give_identity(root: &Path, identity: &Identity) {
    fs::create_dir_all(root.join("var/lib/reseal")).unwrap();
    fs::write(root.join("var/lib/reseal/identity"), format!("# a comment\n{}\n", identity.to_line().as_str())).unwrap();
    let _ = sh("chmod 700 var/lib/reseal; chmod 600 var/lib/reseal/identity", root);
}

fn identities() -> BTreeMap<&'static str, Identity> {
    NODES.iter().map(|name| (*name, Identity::generate())).collect()
}

fn flags(identities: &BTreeMap<&str, Identity>) -> Vec<String> {
    let flag = |(name, identity): (&&str, &Identity)| ["--node-recipient".to_owned(), format!("{name}={}", identity.recipient())];
    identities.iter().flat_map(flag).collect()
}

fn bundle(workshop: &Workshop, sealing: &[String], serial: &str) -> PathBuf {
    let sealing: Vec<&str> = sealing.iter().map(String::as_str).chain(["--serial", serial]).collect();
    workshop.path().join(workshop.build(&sealing).expect_code(0).stdout.trim())
}

fn node(workshop: &Workshop, root: &Path, words: &[&str], bundle: &Path) -> Ran {
    let signer = workshop.fingerprint();
    workshop.on_node(root, &[&words[..1], &[bundle.to_str().unwrap(), "--signer", &signer], &words[1..]].concat())
}

fn unpacked(bundle: &Path) -> Vec<u8> {
    let output = std::process::Command::new("gzip").arg("-dc").arg(bundle).output().unwrap();
    assert!(output.status.success());
    output.stdout
}

#[test]
fn each_node_reads_its_own_slice_and_the_stick_gives_nothing_away() {
    let (workshop, identities) = (Workshop::expired(), identities());
    let bundle = bundle(&workshop, &flags(&identities), "7");
    workshop.assert_free_of_the_ca_key(&bundle);
    let root = workshop.node("tos3", true);
    let refused = node(&workshop, &root, &["plan"], &bundle).expect_code(4);
    assert!(refused.stderr.contains("this node has no identity"), "{}", refused.stderr);
    for other in ["tos1", "tos2"] {
        give_identity(&root, &identities[other]);
        let refused = node(&workshop, &root, &["apply"], &bundle).expect_code(4).stderr;
        let both = [&identities[other], &identities["tos3"]].map(|identity| identity.recipient().to_string());
        assert!(both.iter().all(|recipient| refused.contains(recipient)), "{refused}");
    }
    assert_eq!(sh("cmp srv/kubernetes/etcd-key.pem ../../etcd-key.pem; ls var/lib/reseal", &root), "identity\n", "nothing was changed");
    give_identity(&root, &identities["tos3"]);
    let _ = node(&workshop, &root, &["verify"], &bundle).expect_code(0);
    let said = node(&workshop, &root, &["apply", "-v"], &bundle).expect_code(0).stderr;
    let key = Secret::of(&root.join("srv/kubernetes/etcd-key.pem"));
    assert_eq!(key.found_in(said.as_bytes()), None);
    let _ = sh(&format!("tar -xzf '{}'", bundle.display()), workshop.path());
    for file in sh("find site-7 -type f ! -path '*/executor/*'", workshop.path()).lines() {
        assert_eq!(key.found_in(&fs::read(workshop.path().join(file)).unwrap()), None, "{file}");
    }

    let (complete, Everything(entries, _)) = read(&bundle);
    let name = complete.manifest.name();
    let sealed: Vec<(&EntryPath, NodeName)> = entries.keys().filter_map(|entry| Some((entry, entry.sealed_node()?))).collect();
    assert_eq!(sealed.len(), 5, "a key for each node, and two scripts for the Manager");
    assert_eq!(entries.keys().filter(|entry| entry.is_secret()).count(), sealed.len());
    for (entry, node) in &sealed {
        let place = Place { bundle: &name, node: Some(node), entry };
        for (owner, identity) in &identities {
            let opened = sealing::open(place, &entries[*entry], Key::Identity(identity));
            if *owner == node.as_str() {
                assert!(!opened.unwrap().is_empty());
            } else {
                assert_eq!(opened, Err(UnsealError::OtherIdentity((*entry).clone())));
            }
        }
    }
    let _ = node(&workshop, &root, &["apply"], &bundle).expect_code(0);
    let _ = workshop.on_node(&root, &["status"]).expect_code(0);
    let _ = workshop.on_node(&root, &["rollback"]).expect_code(0);
    assert_eq!(sh("cmp srv/kubernetes/etcd-key.pem ../../etcd-key.pem", &root), "", "nothing needs to be opened to go back");
}

#[test]
fn a_passphrase_opens_every_slice_for_one_scrypt() {
    let workshop = Workshop::expired();
    let bundle = bundle(&workshop, &["--new-passphrase-file".to_owned(), "pass".to_owned()], "7");
    let tar = unpacked(&bundle);
    assert_eq!(tar.windows(10).filter(|window| *window == b"-> scrypt ").count(), 1, "one scrypt for three nodes");
    let text = fs::read_to_string(workshop.path().join("pass")).unwrap();
    assert_eq!(sh("stat -c %a pass", workshop.path()), "600\n");
    Passphrase::new(text.trim()).unwrap().check_strength().unwrap();
    assert!(!tar.windows(14).any(|window| window == &text.as_bytes()[..14]), "the passphrase is not in the bundle");
    let built = workshop.build(&["--passphrase-file", "pass", "--serial", "8"]).expect_code(0);
    assert!(!built.stderr.contains(text.trim()) && !built.stdout.contains(text.trim()), "a given passphrase is not repeated");

    let (root, by_hand) = (workshop.node("tos1", false), workshop.node("tos2", false));
    let _ = sh("tr 0-9 1-90 < pass > wrong; sed s/-//g pass > joined; printf '' > empty", workshop.path());
    for (file, code, expected) in [("wrong", 4, "does not open"), ("empty", 4, "is empty"), ("missing", 4, "missing")] {
        let refused = node(&workshop, &root, &["apply", "--passphrase-file", file], &bundle).expect_code(code);
        assert!(refused.stderr.contains(expected) && !refused.stderr.contains(&text[..9]), "{}", refused.stderr);
    }
    let unattended = format!(
        "setsid '{}' plan '{}' --signer {} --root '{}' 2>&1 </dev/null || echo $?",
        reseal_node().display(),
        bundle.display(),
        workshop.fingerprint(),
        root.display()
    );
    let said = sh(&unattended, workshop.path());
    assert!(said.contains("there is nobody to ask") && said.contains("--passphrase-file FILE") && said.ends_with("4\n"), "{said}");
    give_identity(&root, &Identity::generate());
    let _ = node(&workshop, &root, &["apply", "--passphrase-file", "joined"], &bundle).expect_code(0);
    let descriptor = format!(
        "'{}' apply --yes '{}' --signer {} --root '{}' --passphrase-fd 3 3<pass 2>&1",
        reseal_node().display(),
        bundle.display(),
        workshop.fingerprint(),
        by_hand.display()
    );
    let said = sh(&descriptor, workshop.path());
    assert!(said.contains("done:"), "{said}");
    assert_eq!(sh("cmp tos1/srv/kubernetes/etcd-key.pem tos2/srv/kubernetes/etcd-key.pem", root.parent().unwrap()), "");
}

#[test]
fn both_ways_go_together_and_one_entry_is_opened_for_work_by_hand() {
    let (workshop, own) = (Workshop::expired(), Identity::generate());
    let both = [format!("--node-recipient=tos3={}", own.recipient()), "--new-passphrase-file".to_owned(), "pass".to_owned()];
    let bundle = bundle(&workshop, &both, "7");
    let show = |flags: &[&str]| workshop.reseal(&[&["show", bundle.to_str().unwrap()], flags].concat()).expect_code(0).stdout;
    assert!(show(&[]).contains("secrets: sealed, by a passphrase, and to the own recipients of 1 of 3 nodes"), "{}", show(&[]));
    let view: serde_json::Value = serde_json::from_str(&show(&["--json"])).unwrap();
    assert_eq!(view["sealing"], serde_json::json!({ "passphrase": true, "recipients": { "tos3": own.recipient() } }));
    let root = workshop.node("tos3", true);
    let verified = node(&workshop, &root, &["verify", "--json"], &bundle).expect_code(0);
    let verified: serde_json::Value = serde_json::from_str(&verified.stdout).unwrap();
    assert_eq!(verified["bundle"]["sealing"], view["sealing"]);

    let reveal = |entry: &str, flags: &[&str]| {
        let signer = workshop.fingerprint();
        let words = ["reveal", entry, bundle.to_str().unwrap(), "--signer", &signer];
        workshop.on_node(&root, &[&words, flags].concat())
    };
    let by_passphrase = reveal("etcd-key.pem", &["--passphrase-file", "pass"]).expect_code(0).stdout;
    give_identity(&root, &own);
    let by_identity = reveal("secrets/tos3/etcd-key.pem.age", &[]).expect_code(0).stdout;
    assert!(by_identity.starts_with("-----BEGIN") && by_identity == by_passphrase);
    let written = reveal(SQL, &["--out", "update.sql", "--json"]).expect_code(0).stdout;
    assert!(written.contains("secrets/tos3/manager_info.update.sql.age"), "{written}");
    let sql = fs::read_to_string(workshop.path().join("update.sql")).unwrap();
    assert!(sql.contains(&hex::encode(by_identity.trim_end())), "the script holds the key");
    assert_eq!(sh("stat -c %a update.sql", workshop.path()), "600\n");
    let again = reveal(SQL, &["--out", "update.sql"]).expect_code(1);
    assert!(again.stderr.contains("File exists"), "{}", again.stderr);
    assert!(reveal("other", &[]).expect_code(2).stderr.contains("names no entry `other`"));
    assert!(reveal("etcd-key.pem", &["--json"]).expect_code(2).stderr.contains("--out FILE"));
    let _ = node(&workshop, &root, &["apply"], &bundle).expect_code(0);
    assert_eq!(fs::read_to_string(root.join("srv/kubernetes/etcd-key.pem")).unwrap(), by_identity);
    let readme = sh(&format!("tar -xzOf '{}' site-7/README.txt", bundle.display()), workshop.path());
    assert!(readme.contains("./reseal-node reveal manager_info.update.sql --signer FINGERPRINT"), "{readme}");
}

/// Whoever can sign may still not put one secret in another's place: what is sealed says where it belongs.
#[test]
fn a_secret_in_anothers_place_is_refused_though_it_is_signed() {
    let workshop = Workshop::expired();
    let sealing = ["--passphrase-file".to_owned(), "pass".to_owned()];
    fs::write(workshop.path().join("pass"), "correct horse battery\n").unwrap();
    let (former, present) = (bundle(&workshop, &sealing, "6"), bundle(&workshop, &sealing, "7"));
    let (complete, Everything(present, slices)) = read(&present);
    let (_, Everything(former, _)) = read(&former);
    let signer = SignerKey::load(&fs::read(workshop.path().join("signer.key")).unwrap(), None).unwrap();
    let sign = |change: &dyn Fn(&mut Entries)| {
        let mut entries = present.clone();
        let mut add = |path: EntryPath, content: Vec<u8>| drop(entries.insert(path, Zeroizing::new(content)));
        add(path("bundle.json"), serde_json::to_vec(&complete.manifest).unwrap());
        for slice in &slices {
            add(EntryPath::slice_of(&slice.node), serde_json::to_vec(slice).unwrap());
        }
        change(&mut entries);
        let bytes = writer::write(&complete.sums.name, complete.manifest.created, entries, &signer, &Forbidden::default()).unwrap();
        let bundle = workshop.path().join("changed.tar.gz");
        fs::write(&bundle, bytes).unwrap();
        bundle
    };
    let root = workshop.node("tos3", true);
    let (key, other, script) = ("secrets/tos3/etcd-key.pem.age", "secrets/tos2/etcd-key.pem.age", format!("secrets/tos3/{SQL}.age"));
    let swap = |entries: &mut Entries, a: &str, b: &str| {
        let (first, second) = (entries[&path(a)].clone(), entries[&path(b)].clone());
        entries.extend([(path(a), second), (path(b), first)]);
    };
    let refused = |change: &dyn Fn(&mut Entries), expected: &[&str]| {
        let bundle = sign(change);
        let refused = node(&workshop, &root, &["apply", "--passphrase-file", "pass"], &bundle).expect_code(3).stderr;
        assert!(expected.iter().all(|text| refused.contains(text)), "{expected:?} in {refused}");
    };
    refused(&|entries| swap(entries, key, other), &["sealed for the node `tos2`", "`tos3`"]);
    refused(&|entries| swap(entries, key, &script), &[key, &script]);
    refused(&|entries| drop(entries.insert(path(key), former[&path(key)].clone())), &["is not sealed to this identity"]);
    let identity = EntryPath::site_identity();
    let both =
        |entries: &mut Entries| [path(key), identity.clone()].map(|entry| drop(entries.insert(entry.clone(), former[&entry].clone())));
    refused(
        &|entries| {
            let _ = both(entries);
        },
        &["sealed for the bundle 6, but this is 7"],
    );
    refused(&|entries| drop(entries.remove(&identity)), &["bundle.json", identity.as_str()]);
    refused(&|entries| drop(entries.insert(path("secrets/etcd-key.pem"), Zeroizing::new(b"key".to_vec()))), &["is not sealed for a node"]);
    let foreign = |entries: &mut Entries| {
        let mut slice = slices.iter().find(|slice| slice.node.as_str() == "tos3").unwrap().clone();
        slice.entries_mut().filter(|entry| entry.as_str() == key).for_each(|entry| *entry = path(other));
        drop(entries.insert(path("nodes/tos3.json"), Zeroizing::new(serde_json::to_vec(&slice).unwrap())));
    };
    refused(&foreign, &["nodes/tos3.json", other, "not sealed for its node"]);
    assert_eq!(sh("cmp srv/kubernetes/etcd-key.pem ../../etcd-key.pem; test ! -e var/lib/reseal", &root), "", "nothing was changed");
    let _ = node(&workshop, &root, &["apply", "--passphrase-file", "pass"], &sign(&|_| {})).expect_code(0);
}

#[test]
fn a_bundle_is_made_only_as_it_is_said() {
    let workshop = Workshop::expired();
    fs::write(workshop.path().join("short"), "elevencharz\n").unwrap();
    let [own, other] = [Identity::generate(), Identity::generate()];
    let (flag, line) = (format!("tos1={}", own.recipient()), other.to_line());
    let secret = format!("tos2={}", line.as_str());
    let refused = |flags: &[&str], code: i32, expected: &[&str]| {
        let refused = workshop.build(flags).expect_code(code).stderr;
        assert!(expected.iter().all(|text| refused.contains(text)), "{expected:?} in {refused}");
        refused
    };
    let _ = refused(&["--node-recipient", &flag], 1, &["`tos2`, `tos3` could not open", "--node-recipient tos2=age1…", "--new-passphrase"]);
    let _ = refused(&["--node-recipient", &flag.replace("tos1", "tos9")], 1, &["there is no node `tos9`"]);
    let said = refused(&["--node-recipient", &secret], 1, &["is a secret key"]);
    assert!(!said.to_uppercase().contains(&line[20..]), "a secret that was given by mistake is not repeated");
    let _ = refused(&["--passphrase-file", "short"], 1, &["11 characters; at least 12", "--new-passphrase"]);
    let _ = refused(&["--new-passphrase", "--unsealed"], 2, &["cannot be used together with"]);
    let _ = refused(&["--new-passphrase-file", "pass", "--days", "0"], 1, &["at least 1"]);
    assert_eq!(sh("ls | grep -c -e pass -e tar.gz || true", workshop.path()), "0\n", "nothing is left of what was refused");

    let shown = workshop.build(&["--new-passphrase", "--serial", "7", "--quiet", "--json"]).expect_code(0);
    let line = shown.stderr.lines().find(|line| line.starts_with("    ")).unwrap().trim();
    assert!(line.len() == 49 && !shown.stdout.contains(line), "{}", shown.stderr);
    fs::write(workshop.path().join("shown"), line).unwrap();
    let root = workshop.node("tos1", false);
    let _ = node(&workshop, &root, &["plan", "--passphrase-file", "shown"], &workshop.path().join("site-7.tar.gz")).expect_code(0);

    let spki = sh("openssl pkey -in etcd-ca-key.pem -pubout -outform DER | openssl dgst -sha256 -binary | base64", workshop.path());
    fs::write(workshop.path().join("site.toml"), format!("shared-keys = ['SHA256:{}']\n", spki.trim())).unwrap();
    let _ = sh("chmod 640 etcd-ca-key.pem; chmod 644 signer.key", workshop.path());
    let warned = workshop.build(&["--site", "site.toml", "--serial", "8"]).expect_code(0).stderr;
    for expected in ["other sites have the key", "`etcd-ca-key.pem` holds a secret", "mode 0640", "`signer.key` holds a secret"] {
        assert!(warned.contains(expected), "{expected} in {warned}");
    }
}
