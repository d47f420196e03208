//! What an operator carries back: each call leaves a receipt, linked to the one before; one that was cut off is told later; nothing in it
//! is secret; and where no stick may leave, a few lines tell the same.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use bundle_format::receipt::{
    Command as Call, Content, Document, EventKind, Outcome, StepState, read_all,
    short::{self, Short},
    verify,
};
use end_to_end::{
    faults::{Fault, Point, STORING, points, strace},
    programs::{Ran, reseal_node, sh},
    secret::Secret,
    workshop::Workshop,
};

const RECEIPTS: &str = "var/lib/reseal/receipts";

/// A node that is the Manager too, and its bundle.
struct Scene {
    workshop: Workshop,
    root: PathBuf,
    signer: String,
}

impl Scene {
    fn new() -> Self {
        let workshop = Workshop::expired();
        let _ = workshop.bundle(&["--serial", "7"]);
        let root = workshop.node("tos3", true);
        let signer = workshop.fingerprint();
        Self { workshop, root, signer }
    }

    fn run(&self, words: &[&str]) -> Ran {
        let bundle = ["site-7.tar.gz", "--signer", &self.signer];
        let of_bundle: &[&str] = if words[0] == "apply" { &bundle } else { &[] };
        self.workshop.on_node(&self.root, &[words, of_bundle].concat())
    }

    /// Carries all receipts away, and reads them as the workstation does.
    fn carried(&self, file: &str) -> Vec<Document> {
        let _ = self.run(&["receipt", "--out", file]).expect_code(0);
        read_all(&fs::read(self.workshop.path().join(file)).unwrap()).unwrap().into_iter().map(Result::unwrap).collect()
    }

    fn names(&self) -> Vec<String> {
        sh(&format!("ls {RECEIPTS}"), &self.root).lines().map(str::to_owned).collect()
    }
}

fn by_hand(script: &str, folder: &Path) -> String {
    sh(&format!("{script} | sha256sum | cut -c 1-64"), folder).trim().to_owned()
}

#[test]
fn each_call_leaves_a_receipt_that_is_linked_to_all_that_it_tells_of() {
    let scene = Scene::new();
    let _ = scene.run(&["apply"]).expect_code(0);
    let _ = scene.run(&["apply"]).expect_code(0);
    assert_eq!(scene.names(), ["0001-0001-site-7.json"], "what changed nothing leaves none");
    let _ = scene.run(&["rollback"]).expect_code(0);
    assert_eq!(scene.names(), ["0001-0001-site-7.json", "0002-0001-site-7.json"]);
    assert_eq!(sh(&format!("stat -c %a {RECEIPTS} {RECEIPTS}/*"), &scene.root), "700\n600\n600\n");

    let carried = scene.carried("all.json");
    assert_eq!(verify(&carried), []);
    let (applied, back) = (&carried[0], &carried[1]);
    assert_eq!(back.receipt.former, Some(applied.digest));
    assert_eq!([applied.receipt.command, back.receipt.command], [Some(Call::Apply), Some(Call::Rollback)]);
    assert_eq!([applied.receipt.exit, back.receipt.exit], [Some(0), Some(0)]);
    assert_eq!([applied.receipt.outcome, back.receipt.outcome], [Outcome::Applied, Outcome::RolledBack]);
    assert!(back.receipt.steps.iter().all(|step| step.state == StepState::Undone));

    let _ = sh("tar -xzf site-7.tar.gz", scene.workshop.path());
    assert_eq!(applied.receipt.bundle.sha256.to_string(), by_hand("cat site-7/SHA256SUMS", scene.workshop.path()));
    let file = format!("{RECEIPTS}/0001-0001-site-7.json");
    assert_eq!(applied.digest.to_string(), by_hand(&format!("head -n -2 {file}"), &scene.root));
    for document in &carried {
        let journal = document.receipt.run.journal;
        let bytes = format!("head -c {} var/lib/reseal/runs/0001-site-7/journal", journal.bytes);
        assert_eq!(journal.sha256.to_string(), by_hand(&bytes, &scene.root));
    }
}

#[test]
fn certificates_are_told_before_and_after_and_of_keys_what_belongs_to_them() {
    let scene = Scene::new();
    let _ = scene.run(&["apply"]).expect_code(0);
    let receipt = scene.carried("all.json").remove(0).receipt;
    let file = |name: &str| receipt.files().find(|file| file.target.as_str() == format!("/srv/kubernetes/{name}")).unwrap();
    let leaf = file("etcd.pem");
    let (former, new) = (&leaf.former.as_ref().unwrap().certificates()[0], &leaf.new.certificates()[0]);
    assert!(former.subject.contains("CN=kubernetes") && former.issuer.contains("CN=etcd-ca"), "{former:?}");
    assert!(former.not_after < receipt.run.begun && new.not_after > receipt.run.begun);
    assert_eq!(former.names, new.names);
    let key = file("etcd-key.pem");
    assert_eq!(key.former, Some(Content::PrivateKey { public_key: Some(former.public_key) }));
    assert_eq!(key.new, Content::PrivateKey { public_key: Some(new.public_key) });
    let ca = file("etcd-ca.pem");
    assert_eq!(ca.former.as_ref().unwrap().certificates()[0].public_key, ca.new.certificates()[0].public_key);
}

#[test]
fn no_secret_is_in_it() {
    let scene = Scene::new();
    let _ = scene.run(&["apply"]).expect_code(0);
    let _ = scene.run(&["rollback"]).expect_code(0);
    let _ = sh("tar -xzf site-7.tar.gz", scene.workshop.path());
    let key = |path: &str| Secret::of(&scene.workshop.path().join(path));
    let secrets = [key("etcd-key.pem"), key("site-7/secrets/etcd-key.pem"), key("etcd-ca-key.pem")];
    let _ = scene.run(&["receipt", "--out", "all.json"]).expect_code(0);
    let shown = [&["receipt", "--all"][..], &["receipt", "--all", "--short"], &["receipt", "--all", "--json"]].map(|words| {
        let ran = scene.run(words).expect_code(0);
        ran.stdout + &ran.stderr
    });
    let file = fs::read_to_string(scene.workshop.path().join("all.json")).unwrap();
    for text in shown.iter().chain([&file]) {
        assert!(!text.is_empty() && secrets.iter().all(|secret| secret.found_in(text.as_bytes()).is_none()));
    }
    // Not even a digest of a key file, by which a guess could be confirmed.
    for path in ["etcd-key.pem", "site-7/secrets/etcd-key.pem"] {
        assert!(!file.contains(&by_hand(&format!("cat {path}"), scene.workshop.path())));
    }
}

#[test]
fn a_call_that_was_killed_is_told_by_the_next_one() {
    let scene = Scene::new();
    let whole = scene.workshop.path().join("whole");
    let _ = sh(&format!("cp -a . '{}'", whole.display()), &scene.root);
    let log = scene.workshop.path().join("calls").display().to_string();
    let under = |around: Vec<String>, root: &Path| {
        let bundle = scene.workshop.path().join("site-7.tar.gz");
        let words = [bundle.to_str().unwrap(), "--signer", &scene.signer, "--root", root.to_str().unwrap()];
        Command::new(&around[0]).args(&around[1..]).arg(reseal_node()).args(["apply", "--yes"]).args(words).output().unwrap()
    };
    assert!(under(strace(STORING, &log, &[]), &whole).status.success());
    let is_target = |point: &&Point| point.paths().iter().any(|path| path.ends_with("srv/kubernetes/etcd.pem"));
    let all = points(&fs::read_to_string(&log).unwrap());
    let point = all.iter().rfind(is_target).unwrap();
    assert!(!under(point.inject(Fault::Kill, &log, &[]), &scene.root).status.success());

    let _ = scene.run(&["apply"]).expect_code(0);
    let carried = scene.carried("all.json");
    assert_eq!(verify(&carried), []);
    let [cut, whole] = &carried[..] else { panic!("{}", carried.len()) };
    assert_eq!((cut.receipt.outcome, cut.receipt.command, cut.receipt.exit), (Outcome::Interrupted, None, None));
    assert!(cut.receipt.steps.iter().any(|step| step.state == StepState::Begun));
    assert_eq!((whole.receipt.outcome, whole.receipt.exit), (Outcome::Applied, Some(0)));
    assert!(whole.receipt.events.iter().any(|event| event.what == EventKind::Resumed));
}

#[test]
fn a_receipt_that_cannot_be_written_stops_nothing_and_is_made_up_for() {
    let scene = Scene::new();
    fs::create_dir_all(scene.root.join("var/lib/reseal")).unwrap();
    let _ = sh("chmod 700 var/lib/reseal; echo x > var/lib/reseal/receipts", &scene.root);
    let ran = scene.run(&["apply"]).expect_code(0);
    assert!(ran.stderr.contains("warning: no receipt could be written: ") && ran.stderr.contains("receipts"), "{}", ran.stderr);
    fs::remove_file(scene.root.join(RECEIPTS)).unwrap();
    let carried = scene.carried("all.json");
    assert_eq!(carried.iter().map(|document| document.receipt.outcome).collect::<Vec<_>>(), [Outcome::Applied]);
}

#[test]
fn nothing_is_written_over_and_what_was_altered_is_named() {
    let scene = Scene::new();
    assert!(scene.run(&["receipt"]).expect_code(0).stderr.contains("nothing was ever done here"));
    let _ = scene.run(&["apply"]).expect_code(0);
    let _ = scene.run(&["rollback"]).expect_code(0);
    let _ = scene.run(&["receipt", "--out", "all.json"]).expect_code(0);
    let _ = scene.run(&["receipt", "--out", "all.json"]).expect_code(1);
    assert!(scene.run(&["receipt", "--run", "2"]).expect_code(2).stderr.contains("there is no run `2` here"));
    assert!(scene.run(&["receipt", "--run", "1"]).expect_code(0).stderr.contains("receipt   2 of tos3, site site: rolled back"));

    let warned = |ran: &Ran| ran.stderr.lines().filter(|line| line.starts_with("warning:")).map(str::to_owned).collect::<Vec<_>>();
    let _ = sh(&format!("sed -i 's/\"exit\": 0/\"exit\": 5/' {RECEIPTS}/0001-*"), &scene.root);
    let warnings = warned(&scene.run(&["receipt"]).expect_code(0));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("0001-0001-site-7.json") && warnings[0].contains("was changed after it was written"), "{warnings:?}");
    let _ = sh(&format!("rm {RECEIPTS}/0001-*"), &scene.root);
    assert_eq!(warned(&scene.run(&["receipt"]).expect_code(0)), ["warning: receipt 1 of `tos3` is missing"]);
}

#[test]
fn where_no_stick_may_leave_a_few_lines_tell_the_same() {
    let scene = Scene::new();
    let _ = scene.run(&["apply"]).expect_code(0);
    let carried = scene.carried("all.json");
    let shown = scene.run(&["receipt", "--short"]).expect_code(0).stdout;
    assert!(shown.starts_with("receipt 1 of tos3, site site: applied\n1/"), "{shown}");
    assert!(shown.lines().all(|line| line.is_ascii() && line.len() <= 60), "{shown}");
    let typed = shown.to_lowercase().replace('-', " ");
    assert_eq!(short::read_all(&typed), [Ok(Short::of(&carried[0]))]);
    let _ = scene.run(&["receipt", "--short", "--out", "short.txt"]).expect_code(0);
    assert_eq!(fs::read_to_string(scene.workshop.path().join("short.txt")).unwrap(), shown);
}
