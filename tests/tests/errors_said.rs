//! What `reseal-node` says when something is wrong, in real situations: the same code in both languages, then what to do; and all of it as
//! snapshots. `INSTA_UPDATE=always cargo test --workspace --test errors_said` rewrites them; read the difference before committing it.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use std::{
    cell::RefCell,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use end_to_end::{
    masks::masked,
    programs::{Ran, reseal_node, run, sh},
    workshop::{GENCERTS, Workshop},
};

/// The languages, by their tags, and how errors and hints begin in them.
const LANGUAGES: [(&str, &str, &str); 2] = [("en", "error:", "hint:"), ("zh-CN", "错误：", "提示：")];

/// A site and a node of it.
struct Scene {
    workshop: Workshop,
    root: PathBuf,
    signer: String,
    /// All that was said, by language.
    said: RefCell<[String; 2]>,
}

impl Scene {
    fn new() -> Self {
        let workshop = Workshop::expired();
        let _ = workshop.reseal(&["keygen", "--out", "stranger.key", "--no-passphrase"]).expect_code(0);
        let (root, signer) = (workshop.node("tos3", true), workshop.fingerprint());
        Self { workshop, root, signer, said: RefCell::default() }
    }

    /// Builds a bundle of this serial, and gives its name.
    fn build(&self, serial: &str, further: &[&str]) -> String {
        let built = self.workshop.build(&[&["--serial", serial], further].concat());
        built.expect_code(0).stdout.trim().to_owned()
    }

    /// Unpacks a bundle into a new folder, changes it by a shell script, and signs it again with `key`.
    fn forged(&self, bundle: &str, name: &str, change: &str, key: &str) -> String {
        let script = format!(
            "mkdir {name}; cd {name}; tar -xzf ../{bundle} --strip-components 1; title=$(head -n 1 SHA256SUMS)
             {change}
             cp ../{key}.pub signer.pub
             (echo \"$title\"; find . -type f ! -path './SHA256SUMS*' | cut -c 3- | LC_ALL=C sort | xargs sha256sum) >../list
             mv ../list SHA256SUMS; openssl dgst -sha256 -sign ../{key} -out SHA256SUMS.sig SHA256SUMS"
        );
        let _ = sh(&script, self.workshop.path());
        name.to_owned()
    }

    fn shell(&self, script: &str) {
        let _ = sh(script, &self.root);
    }

    /// The command in each language, which must end like this and say the same codes.
    fn fails(&self, title: &str, code: i32, arguments: &[&str]) {
        self.ends(title, code, arguments, |scene, arguments| scene.workshop.on_node(&scene.root, arguments));
    }

    /// The same with the signer that is to be trusted.
    fn refused(&self, title: &str, code: i32, arguments: &[&str]) {
        let signer = self.signer.clone();
        self.fails(title, code, &[arguments, &["--signer", &signer]].concat());
    }

    fn ends(&self, title: &str, code: i32, arguments: &[&str], act: impl Fn(&Self, &[&str]) -> Ran) {
        let mut at = 0;
        let said = LANGUAGES.map(|(language, error, hint)| {
            let ran = act(self, &[arguments, &["--quiet", "--lang", language]].concat());
            let typed = arguments.join(" ");
            let _ = writeln!(self.said.borrow_mut()[at], "# {title}\n$ reseal-node {typed}\n{}exit code {}\n", ran.stderr, ran.code);
            at += 1;
            assert_eq!(ran.code, code, "{title}: {}", ran.stderr);
            assert!(ran.stderr.lines().any(|line| line.starts_with(hint)), "{title}: {}", ran.stderr);
            let codes = ran.stderr.lines().filter_map(|line| line.strip_prefix(error)?.trim_start().split(' ').next().map(str::to_owned));
            codes.collect::<Vec<_>>()
        });
        let [english, chinese] = said;
        assert!(english == chinese && !english.is_empty(), "{title}: {english:?}, {chinese:?}");
        assert!(english.iter().all(|said| said.starts_with(&format!("RS-{code}"))), "{title}: {english:?}");
    }

    /// Compares all that was said with its snapshots.
    fn assert_known(self, what: &str) {
        for ((language, ..), said) in LANGUAGES.iter().zip(self.said.into_inner()) {
            insta::assert_snapshot!(format!("{what}.{language}"), masked(&said, &self.workshop));
        }
    }
}

#[test]
fn command_lines() {
    let scene = Scene::new();
    let bundle = scene.build("7", &[]);
    scene.fails("an unknown flag", 2, &["status", "--unknown"]);
    scene.fails("no bundle", 2, &["plan"]);
    scene.fails("no file", 2, &["verify", "/nowhere/site-7.tar.gz"]);
    scene.fails("no fingerprint", 2, &["verify", &bundle, "--signer", "SHA256:short"]);
    scene.fails("no such run", 2, &["backups", "prune", "0009-site-9"]);
    scene.fails("no such site", 1, &["signers", "forget", "elsewhere", "--yes"]);
    let signer = scene.signer.clone();
    scene.fails("no such signer", 1, &["signers", "remove", &signer, "--yes"]);
    let _ = scene.workshop.on_node(&scene.root, &["signers", "add", &signer]).expect_code(0);
    scene.fails("nobody to agree", 2, &["signers", "remove", &signer]);
    scene.refused("no such entry", 2, &["reveal", "nothing.sql", &bundle]);
    scene.fails("no place for the facts", 1, &["facts", "--no-identity", "--out", "/nowhere/facts.json"]);
    scene.assert_known("command-lines");
}

#[test]
fn bundles() {
    let scene = Scene::new();
    let (older, applied, next) = (scene.build("6", &[]), scene.build("7", &[]), scene.build("8", &[]));
    scene.fails("nobody is trusted", 3, &["plan", &applied]);
    scene.fails("another signer", 3, &["plan", &applied, "--signer", "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"]);

    let _ = sh(
        "head -c 100000 site-8.tar.gz | head -c -9 >cut.tar.gz; echo no bundle >notes.txt; mkdir whole && tar -xzf site-8.tar.gz -C whole",
        scene.workshop.path(),
    );
    scene.refused("cut short", 3, &["verify", "cut.tar.gz"]);
    scene.refused("no bundle", 3, &["verify", "notes.txt"]);
    for (name, change) in [
        ("changed", "echo >>certs/etcd.pem"),
        ("incomplete", "rm certs/etcd.pem"),
        ("additional", "cp certs/etcd.pem certs/other.pem"),
        ("strange", "touch notes.txt"),
        ("linked", "ln -sf /etc/passwd certs/etcd.pem"),
        ("resigned", "sed -i 's/^[0-9a-f]/0/' SHA256SUMS"),
    ] {
        let _ = sh(&format!("cp -r whole/site-8 {name}; cd {name}; {change}"), scene.workshop.path());
        scene.refused(name, 3, &["verify", name]);
    }
    for (name, change) in [
        ("old-format", "title=$(echo \"$title\" | sed 's/bundle v1/bundle v0/')"),
        ("later", "sed -i 's/\"needs_executor\": \"[^\"]*\"/\"needs_executor\": \"9.0.0\"/' bundle.json"),
        ("malformed", "echo '{' >bundle.json"),
        ("swapped-nodes", "mv nodes/tos1.json x; mv nodes/tos2.json nodes/tos1.json; mv x nodes/tos2.json"),
    ] {
        let forged = scene.forged(&next, name, change, "signer.key");
        scene.refused(name, 3, &["verify", &forged]);
    }
    let short = scene.build("9", &["--require-signatures", "2"]);
    scene.refused("one signature short", 3, &["verify", &short]);

    let signer = scene.signer.clone();
    let _ = scene.workshop.on_node(&scene.root, &["apply", &applied, "--signer", &signer]).expect_code(0);
    scene.fails("an older serial", 3, &["plan", &older]);
    let again = scene.build("7", &["--out", "nodes"]);
    scene.fails("a serial once more", 3, &["plan", &again]);
    let rename = "sed -i 's/\"site\": \"site\"/\"site\": \"elsewhere\"/' bundle.json nodes/*.json; title='# reseal bundle v1 elsewhere-8'";
    let cross = scene.forged(&next, "elsewhere-8", rename, "signer.key");
    scene.fails("another site by name", 3, &["plan", &cross]);
    let foreign = scene.forged(&next, "foreign", "", "stranger.key");
    scene.fails("another signer than the pinned", 3, &["plan", &foreign]);
    fs::write(scene.root.join("var/lib/reseal/sites/site.json"), "{").unwrap();
    scene.fails("a memory that is not understood", 4, &["plan", &next]);
    let other = Scene::new();
    let swapped = other.build("10", &[]);
    let path = other.workshop.path().join(swapped).display().to_string();
    let _ = sh(&format!("cp '{path}' other-site.tar.gz; rm -r '{}'", scene.root.join("var/lib/reseal").display()), scene.workshop.path());
    scene.fails("another site by its CA", 3, &["plan", "other-site.tar.gz", "--signer", &other.signer]);
    scene.assert_known("bundles");
}

#[test]
fn secrets() {
    let scene = Scene::new();
    scene.shell("mkdir -p var/lib");
    let facts = |scene: &Scene, root: &Path| {
        let _ = scene.workshop.on_node(root, &["facts", "--out", "facts.json"]).expect_code(0);
        let recipient = sh("grep -o 'age1[0-9a-z]*' facts.json | head -n 1; rm facts.json", scene.workshop.path());
        recipient.trim().to_owned()
    };
    let own = facts(&scene, &scene.root);
    let identity = scene.root.join("var/lib/reseal/identity");
    let sealed = scene.build("7", &["--node-recipient", &format!("tos3={own}"), "--new-passphrase-file", "passphrase"]);
    fs::rename(&identity, scene.root.join("kept")).unwrap();
    scene.refused("nobody to ask for the passphrase", 4, &["plan", &sealed]);
    fs::write(scene.workshop.path().join("wrong"), "0000 0000 0000 0000\n").unwrap();
    scene.refused("another passphrase", 4, &["plan", &sealed, "--passphrase-file", "wrong"]);
    scene.refused("no file with a passphrase", 4, &["plan", &sealed, "--passphrase-file", "nowhere"]);
    let others = ["tos1", "tos2"].map(|name| format!("{name}={}", facts(&scene, &scene.workshop.node(name, false))));
    let recipients = others.iter().flat_map(|other| ["--node-recipient", other.as_str()]);
    let tos3 = format!("tos3={own}");
    let alone = scene.build("8", &recipients.chain(["--node-recipient", tos3.as_str()]).collect::<Vec<_>>());
    scene.refused("no identity", 4, &["plan", &alone]);
    let _ = facts(&scene, &scene.root);
    scene.refused("another identity", 4, &["plan", &alone]);
    scene.shell("chmod 644 var/lib/reseal/identity");
    scene.fails("an identity that others may read", 1, &["facts"]);
    scene.shell("chmod 600 var/lib/reseal/identity; echo nothing >var/lib/reseal/identity");
    scene.fails("something else for an identity", 1, &["facts"]);
    scene.assert_known("secrets");
}

#[test]
fn nodes() {
    let scene = Scene::new();
    let bundle = scene.build("7", &[]);
    let plan = ["plan", bundle.as_str()];
    let _ = sh(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout stranger-key.pem -subj /CN=stranger -days 9 -out stranger.pem 2>&1",
        scene.workshop.path(),
    );
    let former = |scene: &Scene| {
        let _ = sh("rm -rf nodes/tos3 && cp -a nodes/kept nodes/tos3", scene.workshop.path());
    };
    let _ = sh("cp -a nodes/tos3 nodes/kept", scene.workshop.path());
    scene.refused("no such node", 4, &["plan", &bundle, "--node", "tos9"]);
    let config = format!("{GENCERTS}/config.json");
    for (title, change) in [
        ("another host", "echo elsewhere >etc/hostname".to_owned()),
        ("no authority", format!("rm srv/kubernetes/etcd-ca.pem {GENCERTS}/etcd-ca.pem")),
        ("no certificate", "echo nothing >srv/kubernetes/etcd-ca.pem".to_owned()),
        ("a certificate of another authority", "cp ../../stranger.pem srv/kubernetes/etcd.pem".to_owned()),
        ("a link", "mv srv/kubernetes/etcd.pem srv/etcd.pem; ln -s ../etcd.pem srv/kubernetes/etcd.pem".to_owned()),
        ("a folder", "rm srv/kubernetes/etcd.pem; mkdir srv/kubernetes/etcd.pem".to_owned()),
        ("a file too large", "truncate -s 17M srv/kubernetes/etcd.pem".to_owned()),
        ("a folder that is missing", "rm -r srv".to_owned()),
        ("no Manager here", "rm -r var/lib/transwarp-manager".to_owned()),
        ("no document", format!("rm {config}")),
        ("a document that is cut short", format!("echo '{{' >{config}")),
        ("a state folder that leads away", "mkdir -p var/lib; ln -s /tmp var/lib/reseal".to_owned()),
    ] {
        scene.shell(&change);
        scene.refused(title, 4, &plan);
        former(&scene);
    }
    let stale = scene.build("8", &["--created", "2026-01-02T03:04:05Z"]);
    scene.refused("past its time", 4, &["plan", &stale]);
    scene.shell("mkdir -p var/lib/reseal; echo 4711 >var/lib/reseal/lock");
    let lock = fs::File::open(scene.root.join("var/lib/reseal/lock")).unwrap();
    lock.lock().unwrap();
    scene.refused("another run", 4, &["apply", &bundle]);
    scene.assert_known("nodes");
}

#[test]
fn runs() {
    let scene = Scene::new();
    let bundle = scene.build("7", &[]);
    let signer = scene.signer.clone();
    let apply = ["apply", bundle.as_str(), "--signer", signer.as_str()];
    let limited = |scene: &Scene, blocks: u32, arguments: &[&str]| {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        let program = reseal_node().display().to_string();
        let root = scene.root.display().to_string();
        run("sh", &[&["-c", &script, "sh", &program], arguments, &["--root", &root]].concat(), scene.workshop.path())
    };
    scene.ends("a disk that fills up before the first change", 1, &apply, |scene, arguments| limited(scene, 1, arguments));

    let _ = scene.workshop.on_node(&scene.root, &apply).expect_code(0);
    scene.fails("a backup that is needed", 4, &["backups", "prune", "0003-site-7", "--yes"]);
    scene.shell("cp srv/kubernetes/etcd.pem kept; echo other >srv/kubernetes/etcd.pem");
    scene.fails("a file that somebody changed", 4, &["rollback"]);
    scene.shell("mv kept srv/kubernetes/etcd.pem; echo damaged | tee var/lib/reseal/runs/0003-site-7/backup/1-* >kept");
    scene.fails("a backup that is damaged", 6, &["rollback"]);
    scene.shell("sed -i '2s/backed/packed/' var/lib/reseal/runs/0003-site-7/journal");
    scene.fails("a journal that is damaged", 6, &["status"]);
    scene.assert_known("runs");
}
