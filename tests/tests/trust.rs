//! A stick that is not the right one gets nowhere: swapped, re-signed, replayed, of another site or node, of another format, or one
//! signature short. Each is refused with its own error, and nothing on the node changes. Forgeries are made with openssl and
//! coreutils, as whoever holds a stick could.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use end_to_end::{
    programs::{Ran, reseal, run, sh},
    workshop::Workshop,
};

/// A workshop with further signers, and a node of its site.
struct Scene {
    workshop: Workshop,
    root: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let workshop = Workshop::expired();
        for key in ["second.key", "stranger.key"] {
            let _ = workshop.reseal(&["keygen", "--out", key, "--no-passphrase"]).expect_code(0);
        }
        let root = workshop.node("tos1", false);
        Self { workshop, root }
    }

    /// Builds the bundle of this serial in the folder `<out>`, and gives its path.
    fn build(&self, serial: &str, further: &[&str]) -> PathBuf {
        let built = self.workshop.build(&[&["--serial", serial], further].concat()).expect_code(0);
        self.workshop.path().join(built.stdout.trim())
    }

    fn fingerprint(&self, key: &str) -> String {
        let digest =
            sh(&format!("openssl pkey -pubin -in {key}.pub -outform DER | openssl dgst -sha256 -binary | base64"), self.workshop.path());
        format!("SHA256:{}", digest.trim())
    }

    fn run(&self, command: &str, bundle: &Path, further: &[&str]) -> Ran {
        self.workshop.on_node(&self.root, &[&[command, bundle.to_str().unwrap(), "--json"], further].concat())
    }

    fn signers(&self, words: &[&str]) -> Ran {
        self.workshop.on_node(&self.root, &[&["signers", "--json"], words].concat())
    }

    /// Everything about the node's tree.
    fn tree(&self) -> String {
        sh("find . -printf '%p %y %U:%G %m %s %i %T@\\n' | sort; find . -type f -exec sha256sum {} + | sort", &self.root)
    }

    /// Unpacks a bundle into a new folder, changes it by a shell script, and signs it with `key` as the generator would.
    fn forged(&self, bundle: &Path, name: &str, change: &str, key: &str) -> PathBuf {
        let script = format!(
            "mkdir '{name}'; cd '{name}'; tar -xzf '{}' --strip-components 1; title=$(head -n 1 SHA256SUMS)
             {change}
             cp ../{key}.pub signer.pub
             (echo \"$title\"; find . -type f ! -path './SHA256SUMS*' ! -path './countersignatures/*' | cut -c 3- | LC_ALL=C sort | xargs sha256sum) >../list
             mv ../list SHA256SUMS; openssl dgst -sha256 -sign ../{key} -out SHA256SUMS.sig SHA256SUMS",
            bundle.display()
        );
        let _ = sh(&script, self.workshop.path());
        self.workshop.path().join(name)
    }

    /// Every command refuses the bundle with this code, says these words, and changes nothing.
    #[track_caller]
    fn assert_refused(&self, bundle: &Path, further: &[&str], code: &str, words: &[&str]) {
        let before = self.tree();
        for command in ["verify", "plan", "apply"] {
            // Whether a certificate authority is this node's is a question of `plan` and `apply`.
            if code == "other-site" && command == "verify" {
                continue;
            }
            let ran = self.run(command, bundle, further).expect_code(3);
            assert!(ran.stdout.contains(&format!("\"kind\":\"{code}\"")), "{command}: {}", ran.stdout);
            assert!(words.iter().all(|word| ran.stderr.contains(word)) && ran.stderr.contains("hint: "), "{words:?}: {}", ran.stderr);
        }
        assert_eq!(self.tree(), before);
    }
}

#[test]
fn a_wrong_stick_is_refused_with_its_own_error() {
    let scene = Scene::new();
    let (older, applied, next) = (scene.build("6", &[]), scene.build("7", &[]), scene.build("8", &[]));
    let own = scene.workshop.fingerprint();
    // Before anything is known here, the operator has to say whose bundle it is.
    scene.assert_refused(&applied, &[], "no-signer", &[&own]);
    let _ = scene.run("apply", &applied, &["--signer", &own]).expect_code(0);

    // Swapped: a bundle of another workshop, whose signer the operator may even have been talked into.
    let other = Workshop::expired();
    let swapped = other.path().join(other.build(&["--serial", "8"]).expect_code(0).stdout.trim());
    scene.assert_refused(&swapped, &[], "other-signer", &[&own, &other.fingerprint()]);
    scene.assert_refused(&swapped, &["--signer", &other.fingerprint()], "other-site", &[]);

    // Re-signed by a stranger, with and without another content.
    let stranger = scene.fingerprint("stranger.key");
    let re_signed = scene.forged(&next, "re-signed", "", "stranger.key");
    scene.assert_refused(&re_signed, &[], "other-signer", &[&own, &stranger]);
    scene.assert_refused(&re_signed, &["--signer", &own], "other-signer", &[&own, &stranger]);
    let grafted = scene.forged(&next, "grafted", "", "stranger.key");
    let _ = sh("cp re-signed/SHA256SUMS.sig grafted/; cp signer.key.pub grafted/signer.pub", scene.workshop.path());
    scene.assert_refused(&grafted, &[], "signature", &[]);

    // Replayed, and a serial that is used again.
    scene.assert_refused(&older, &[], "older-serial", &["serial 6", "7 was applied"]);
    let again = scene.build("7", &["--out", "nodes"]);
    scene.assert_refused(&again, &[], "serial-reused", &["serial 7"]);
    scene.assert_refused(&again, &["--allow-older"], "serial-reused", &[]);

    // Of another site, whose CA has the same key.
    let rename = "sed -i 's/\"site\": \"site\"/\"site\": \"elsewhere\"/' bundle.json nodes/*.json; title='# reseal bundle v1 elsewhere-8'";
    scene.assert_refused(&scene.forged(&next, "cross-site", rename, "signer.key"), &[], "wrong-site", &["`elsewhere`", "`site`"]);

    // Of another node: its slice under this one's name, signed by a stranger and by the right signer.
    let swap = "mv nodes/tos1.json x; mv nodes/tos2.json nodes/tos1.json; mv x nodes/tos2.json";
    scene.assert_refused(&scene.forged(&next, "node-stranger", swap, "stranger.key"), &[], "other-signer", &[]);
    scene.assert_refused(&scene.forged(&next, "node-signer", swap, "signer.key"), &[], "contradiction", &["nodes/tos1.json", "tos2"]);

    // Of another format, and for a later executor.
    for (name, change, code) in [
        ("title", "title=$(echo \"$title\" | sed 's/bundle v1/bundle v0/')", "format"),
        ("manifest", "sed -i 's/\"format\": 1/\"format\": 0/' bundle.json", "format"),
        ("slice", "sed -i 's/\"format\": 1/\"format\": 2/' nodes/tos1.json", "format"),
        ("later", "sed -i 's/\"needs_executor\": \"[^\"]*\"/\"needs_executor\": \"9.0.0\"/' bundle.json", "executor-too-old"),
    ] {
        scene.assert_refused(&scene.forged(&next, name, change, "signer.key"), &[], code, &[]);
        scene.assert_refused(&scene.forged(&next, &format!("{name}-stranger"), change, "stranger.key"), &[], "other-signer", &[]);
    }

    // One signature short, and the same signature twice.
    let short = scene.build("9", &["--require-signatures", "2"]);
    scene.assert_refused(&short, &[], "too-few-signers", &["2 trusted signers", &own]);
    let twice = scene.forged(&short, "twice", "", "signer.key");
    let _ = sh("mkdir countersignatures; cp signer.pub countersignatures/1.pub; cp SHA256SUMS.sig countersignatures/1.sig", &twice);
    scene.assert_refused(&twice, &[], "too-few-signers", &[]);
    let with_stranger = scene.workshop.reseal(&["sign", short.to_str().unwrap(), "--signer", "stranger.key"]).expect_code(0).stdout;
    scene.assert_refused(&scene.workshop.path().join(with_stranger.trim()), &[], "too-few-signers", &[]);

    // The forger's tools work: unchanged and signed by the right one, the same bundle is taken.
    let genuine = scene.forged(&next, "genuine", "", "signer.key");
    let _ = scene.run("apply", &genuine, &[]).expect_code(0);
}

#[test]
fn two_people_sign_and_a_site_that_needs_two_never_needs_fewer() {
    let scene = Scene::new();
    let one = scene.build("7", &["--require-signatures", "2"]);
    let (first, second) = (scene.workshop.fingerprint(), scene.fingerprint("second.key"));
    let both = ["--signer", &first, "--signer", &second];
    scene.assert_refused(&one, &both, "too-few-signers", &[&first]);
    let sign = |bundle: &Path, further: &[&str]| scene.workshop.reseal(&[&["sign", bundle.to_str().unwrap()], further].concat());
    assert!(sign(&one, &["--signer", "signer.key"]).expect_code(1).stderr.contains("already"));
    let ran = sign(&one, &["--signer", "second.key", "--made-by", "stranger.key.pub"]).expect_code(3);
    assert!(ran.stderr.contains(&first), "{}", ran.stderr);
    let two = scene.workshop.path().join(sign(&one, &["--signer", "second.key", "--made-by", &first]).expect_code(0).stdout.trim());
    assert_eq!(two.file_name().unwrap(), "site-7.signed-2.tar.gz");
    assert!(sign(&one, &["--signer", "second.key"]).expect_code(1).stderr.contains("never overwritten"));

    // By hand: openssl takes both, and nothing else differs.
    let by_hand = "mkdir a b; tar -xzf site-7.tar.gz -C a; tar -xzf site-7.signed-2.tar.gz -C b; cd b/site-7
        openssl dgst -sha256 -verify signer.pub -signature SHA256SUMS.sig SHA256SUMS
        openssl dgst -sha256 -verify countersignatures/1.pub -signature countersignatures/1.sig SHA256SUMS
        cmp countersignatures/1.pub ../../second.key.pub; sha256sum --quiet -c SHA256SUMS 2>&1; cd ../..; diff -r a/site-7 b/site-7 || true";
    assert_eq!(sh(by_hand, scene.workshop.path()), "Verified OK\nVerified OK\nOnly in b/site-7: countersignatures\n");
    let reader = format!("python3 '{}/support/second_reader.py'", env!("CARGO_MANIFEST_DIR"));
    let second_reader = |bundle: &str, signers: &str| sh(&format!("{reader} {bundle} {signers} 2>&1 | tail -n 1"), scene.workshop.path());
    assert_eq!(second_reader("site-7.signed-2.tar.gz", &format!("{first} {second}")), "README.zh-CN.txt\n");
    for (bundle, signers) in [("site-7.signed-2.tar.gz", &first), ("site-7.tar.gz", &first)] {
        assert!(second_reader(bundle, signers).contains("as many signers as bundle.json says"));
    }

    scene.assert_refused(&two, &["--signer", &second], "too-few-signers", &[]);
    let ran = scene.run("apply", &two, &both).expect_code(0);
    assert!(ran.stdout.contains(&format!("\"pinned\":[\"{first}\",\"{second}\"]")), "{}", ran.stdout);
    let _ = scene.run("verify", &two, &[]).expect_code(0);

    // The next bundle may ask for one; this node does not.
    let lowered = scene.build("8", &[]);
    scene.assert_refused(&lowered, &[], "too-few-signers", &["needed 2 signers before", "asks for 1"]);
    let before = fs::read(&lowered).unwrap();
    let _ = sign(&lowered, &["--signer", "second.key", "--in-place"]).expect_code(0);
    assert_ne!(fs::read(&lowered).unwrap(), before);
    assert_eq!(fs::metadata(&lowered).unwrap().permissions().mode() & 0o777, 0o600);
    let note = fs::read_to_string(scene.workshop.path().join("site-8.note.txt")).unwrap();
    assert!(note.contains(sh("sha256sum site-8.tar.gz", scene.workshop.path()).split(' ').next().unwrap()), "{note}");
    let _ = scene.run("apply", &lowered, &[]).expect_code(0);
    // Who lost the second key says so on each node.
    let _ = scene.signers(&["forget", "site"]).expect_code(2);
    let _ = scene.signers(&["forget", "site", "--yes"]).expect_code(0);
    let _ = scene.run("verify", &scene.build("9", &[]), &[]).expect_code(0);
}

#[test]
fn a_signer_is_pinned_by_the_first_success_and_changed_only_by_a_person() {
    let scene = Scene::new();
    let (seventh, eighth) = (scene.build("7", &[]), scene.build("8", &["--signer", "second.key"]));
    let (first, second) = (scene.workshop.fingerprint(), scene.fingerprint("second.key"));
    for command in ["verify", "plan"] {
        let _ = scene.run(command, &seventh, &["--signer", &first]).expect_code(0);
    }
    scene.assert_refused(&seventh, &[], "no-signer", &[]);
    // Typed in part: 22 characters are enough, 21 are not.
    let typed = |characters: usize| scene.run("verify", &seventh, &["--signer", &first[.."SHA256:".len() + characters]]);
    let _ = typed(22).expect_code(0);
    assert!(typed(21).expect_code(2).stderr.contains("21 characters"));
    let _ = scene.run("apply", &seventh, &["--signer", &first[..29]]).expect_code(0);
    assert_eq!(
        sh("cd var/lib/reseal; stat -c %a signers sites signers/* sites/*; ls sites", &scene.root),
        "700\n700\n600\n600\nsite.json\n"
    );

    // From now on without, and a second apply changes nothing.
    let before = scene.tree();
    assert!(scene.run("apply", &seventh, &[]).expect_code(0).stdout.contains("nothing-to-do"));
    assert_eq!(scene.tree(), before);

    // Another signer: refused, side by side; taken when the operator names it, and that is on record.
    scene.assert_refused(&eighth, &[], "other-signer", &[&format!("in the bundle {second}"), &format!("pinned here   {first}")]);
    scene.assert_refused(&seventh, &["--signer", &second], "other-signer", &[&format!("by --signer   {second}")]);
    let ran = scene.run("apply", &eighth, &["--signer", &second]).expect_code(0);
    assert!(ran.stderr.contains("is a signer that is new here") && ran.stderr.contains(&first), "{}", ran.stderr);
    assert!(scene.workshop.on_node(&scene.root, &["status", "--json"]).expect_code(0).stdout.contains("\"deviations\":[\"signer-added\"]"));

    // Listed, removed, added.
    let listed = scene.signers(&[]).expect_code(0).stdout;
    assert!([&first, &second, "\"last_serial\":8", "\"by\":\"site-7\""].iter().all(|word| listed.contains(*word)), "{listed}");
    let before = scene.tree();
    assert!(scene.signers(&["remove", &second]).expect_code(2).stderr.contains("--yes"));
    let _ = scene.signers(&["remove", &scene.fingerprint("stranger.key"), "--yes"]).expect_code(1);
    let _ = scene.signers(&["remove", &second[..28], "--yes"]).expect_code(2);
    let _ = scene.signers(&["add", &second[..29]]).expect_code(2);
    assert_eq!(
        scene.tree().lines().filter(|line| line.contains("/signers/")).count(),
        before.lines().filter(|line| line.contains("/signers/")).count()
    );
    let _ = scene.signers(&["remove", &second[..29], "--yes"]).expect_code(0);
    scene.assert_refused(&eighth, &[], "other-signer", &[&first, &second]);
    let _ = scene.signers(&["add", "second.key.pub"]).expect_code(0);
    let _ = scene.run("verify", &eighth, &[]).expect_code(0);
}

#[test]
fn what_a_node_remembers_is_not_believed_when_it_is_odd() {
    let scene = Scene::new();
    let bundle = scene.build("7", &[]);
    let own = scene.workshop.fingerprint();
    let _ = scene.run("apply", &bundle, &["--signer", &own]).expect_code(0);
    let folder = scene.root.join("var/lib/reseal");
    let pin = fs::read_dir(folder.join("signers")).unwrap().next().unwrap().unwrap().path();
    let good = fs::read(&pin).unwrap();
    let refused = |what: &str| {
        let before = scene.tree();
        for further in [&[][..], &["--signer", &own]] {
            for command in ["verify", "plan", "apply"] {
                let ran = scene.run(command, &bundle, further).expect_code(4);
                assert!(ran.stdout.contains("\"kind\":\"memory\"") && ran.stderr.contains("hint: "), "{what}: {}", ran.stderr);
            }
        }
        assert_eq!(scene.tree(), before, "{what}");
    };
    for (what, content) in [
        ("empty", Vec::new()),
        ("cut off", good[..good.len() / 2].to_vec()),
        ("large", [good.clone(), vec![b' '; 5000]].concat()),
        ("another version", String::from_utf8(good.clone()).unwrap().replace("\"version\": 1", "\"version\": 2").into_bytes()),
        (
            "an unknown field",
            String::from_utf8(good.clone()).unwrap().replace("\"version\": 1", "\"version\": 1, \"all\": true").into_bytes(),
        ),
        ("another's name", String::from_utf8(good.clone()).unwrap().replace(&own, &scene.fingerprint("stranger.key")).into_bytes()),
    ] {
        fs::write(&pin, content).unwrap();
        refused(what);
    }
    fs::write(&pin, &good).unwrap();
    fs::set_permissions(&pin, fs::Permissions::from_mode(0o666)).unwrap();
    refused("writable by others");
    fs::set_permissions(&pin, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(&pin, folder.join("elsewhere")).unwrap();
    symlink(folder.join("elsewhere"), &pin).unwrap();
    refused("a link");
    fs::remove_file(&pin).unwrap();
    fs::rename(folder.join("signers"), folder.join("elsewhere-too")).unwrap();
    symlink(folder.join("elsewhere-too"), folder.join("signers")).unwrap();
    refused("a link to a folder");
    fs::remove_file(folder.join("signers")).unwrap();
    fs::rename(folder.join("elsewhere-too"), folder.join("signers")).unwrap();
    fs::rename(folder.join("elsewhere"), &pin).unwrap();
    // What a cut in the power leaves of a write is no harm, and the next write removes it.
    fs::write(folder.join("signers/.new"), "half").unwrap();
    let _ = scene.run("verify", &bundle, &[]).expect_code(0);
    let _ = scene.signers(&["add", "second.key.pub"]).expect_code(0);
    assert!(!folder.join("signers/.new").exists());
}

#[test]
fn an_older_bundle_is_applied_only_when_the_operator_says_so() {
    let scene = Scene::new();
    let (older, newer) = (scene.build("6", &[]), scene.build("7", &[]));
    let own = scene.workshop.fingerprint();
    let _ = scene.run("apply", &newer, &["--signer", &own]).expect_code(0);
    // A rollback is no replay, and forgets nothing.
    let _ = scene.workshop.on_node(&scene.root, &["rollback"]).expect_code(0);
    scene.assert_refused(&older, &[], "older-serial", &["--allow-older"]);
    let _ = scene.run("apply", &newer, &[]).expect_code(0);
    let _ = scene.run("apply", &older, &["--allow-older"]).expect_code(0);
    let status = scene.workshop.on_node(&scene.root, &["status", "--json"]).expect_code(0).stdout;
    assert!(status.contains("\"deviations\":[\"older-allowed\"]"), "{status}");
    assert!(scene.run("apply", &older, &[]).expect_code(0).stdout.contains("nothing-to-do"));
    assert!(scene.signers(&[]).expect_code(0).stdout.contains("\"serial\":7"));
    let _ = scene.run("apply", &newer, &[]).expect_code(0);
    scene.assert_refused(&older, &[], "older-serial", &[]);
}

#[test]
fn a_bundle_comes_with_its_delivery_note_or_not_at_all() {
    let scene = Scene::new();
    let folder = scene.workshop.path();
    fs::write(folder.join("site-7.note.zh-CN.txt"), "someone else's").unwrap();
    assert!(scene.workshop.build(&["--serial", "7"]).expect_code(1).stderr.contains("never overwritten"));
    assert_eq!(sh("ls -A | grep site-7", folder), "site-7.note.zh-CN.txt\n");
    fs::remove_file(folder.join("site-7.note.zh-CN.txt")).unwrap();
    let _ = scene.build("7", &["--require-signatures", "2"]);
    let _ = scene.workshop.reseal(&["sign", "site-7.tar.gz", "--signer", "second.key", "--out", "ready.tar.gz"]).expect_code(0);
    let (own, second) = (scene.workshop.fingerprint(), scene.fingerprint("second.key"));
    let _ = sh("tar -xzf ready.tar.gz", folder);
    let executor = sh("sha256sum site-7/executor/linux-*/reseal-node | cut -c 1-64", folder);
    for (bundle, is_ready) in [("site-7", false), ("ready", true)] {
        let digest = sh(&format!("sha256sum {bundle}.tar.gz | cut -c 1-64"), folder);
        for (language, not_ready) in [("txt", "NOT READY"), ("zh-CN.txt", "尚未就绪")] {
            let note = fs::read_to_string(folder.join(format!("{bundle}.note.{language}"))).unwrap();
            assert_eq!(note.contains(not_ready), !is_ready, "{note}");
            assert!([digest.trim(), executor.trim(), &own, "tos1 10.0.0.11"].iter().all(|word| note.contains(word)), "{note}");
            assert_eq!(note.contains(&second), is_ready, "{note}");
            let nodes: Vec<usize> = ["1. tos1", "2. tos2", "3. tos3"].iter().map(|node| note.find(node).unwrap()).collect();
            assert!(nodes.is_sorted(), "{note}");
            assert!(!note.contains("PRIVATE"));
        }
    }
    // The commands are there to be typed.
    let note = fs::read_to_string(folder.join("ready.note.txt")).unwrap();
    let commands =
        note.lines().skip_while(|line| !line.starts_with("Before the first run")).take_while(|line| !line.starts_with("On each node"));
    let commands: Vec<&str> = commands.filter_map(|line| line.strip_prefix("  ")).collect();
    let script = commands.join("\n").replace("/root", "typed");
    let typed = sh(&format!("mkdir typed; {script}"), folder);
    assert_eq!(typed.lines().filter(|line| *line == "Verified OK").count(), 2, "{typed}");
    let bare = |fingerprint: &str| fingerprint.strip_prefix("SHA256:").unwrap().to_owned();
    assert!([bare(&own), bare(&second)].iter().all(|fingerprint| typed.lines().any(|line| line == fingerprint)), "{typed}");
    assert!(typed.lines().filter(|line| line.ends_with(": OK")).count() > 10, "{typed}");
    let apply = note.lines().find_map(|line| line.trim().strip_prefix("./reseal-node apply ")).unwrap();
    let words: Vec<&str> = apply.split(' ').collect();
    let _ = scene.run("apply", &folder.join("typed/site-7"), &words).expect_code(0);
}

/// A terminal, on which these answers are typed at prompts; gives the exit code and what was shown.
const TERMINAL: &str = r#"
import os, pty, sys
program, out, *answers = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.execv(program, [program, "keygen", "--out", out])
shown = b""
while True:
    try:
        shown += os.read(terminal, 1024)
    except OSError:
        break
    if answers and shown.endswith(b": "):
        shown += b"\n"
        os.write(terminal, answers.pop(0).encode() + b"\n")
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode().replace("\r\n", "|"))
"#;

#[test]
fn a_new_signers_key_is_encrypted_by_default_and_its_passphrase_typed_twice() {
    let folder = tempfile::tempdir().unwrap();
    let keygen = |out: &str, answers: &[&str]| {
        let program = reseal().display().to_string();
        run("python3", &[&["-c", TERMINAL, program.as_str(), out], answers].concat(), folder.path()).expect_code(0).stdout
    };
    let said = keygen("one.key", &["correct horse", "correct house"]);
    assert!(said.starts_with("1 ") && said.contains("the two passphrases differ"), "{said}");
    let said = keygen("one.key", &["", ""]);
    assert!(said.starts_with("1 ") && said.contains("the passphrase is empty"), "{said}");
    assert_eq!(sh("ls -A", folder.path()), "", "nothing is written before the passphrase is agreed on");
    let said = keygen("one.key", &["correct horse", "correct horse"]);
    assert!(said.starts_with("0 ") && said.contains("once more: ") && said.contains("SHA256:"), "{said}");
    assert!(!said.contains("not encrypted"), "{said}");
    let by_hand = sh("head -n 1 one.key; openssl pkey -in one.key -passin pass:'correct horse' -noout && echo opens", folder.path());
    assert_eq!(by_hand, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nopens\n");
    // Where there is nobody to ask, nothing is written either.
    let ran = run("setsid", &[reseal().display().to_string().as_str(), "keygen", "--out", "two.key"], folder.path());
    assert!(ran.code == 1 && ran.stderr.contains("--passphrase-file"), "{ran:?}");
}
