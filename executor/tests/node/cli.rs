//! What the program says, and where: people on stderr, data on stdout.

use std::process::Stdio;

use crate::common::{FixedSigner, Node, Site};

#[test]
fn commands_that_only_look_change_nothing() {
    let node = Node::of(&Site::new());
    let before = node.tree();
    node.with_bundle(&["verify"]).expect(0);
    node.with_bundle(&["plan"]).expect(0);
    node.status().expect(0);
    node.rollback().expect(0);
    assert_eq!(node.tree(), before);
    node.apply().expect(0);
    let before = node.tree();
    node.with_bundle(&["plan"]).expect(0);
    node.status().expect(0);
    assert_eq!(node.tree(), before);
}

#[test]
fn documents_have_what_programs_need() {
    let node = Node::of(&Site::new());
    let verified = node.with_bundle(&["verify"]).document;
    assert_eq!((&verified["format"], &verified["command"], &verified["exit"]), (&1.into(), &"verify".into(), &0.into()));
    assert_eq!(verified["bundle"]["serial"], 7);
    assert_eq!(verified["nodes"][1]["addresses"][0], "10.0.0.2");
    assert_eq!(verified["authorities"][0]["leaves"][0]["renewed"]["not_after"], "2126-01-01T00:00:00Z");

    let planned = node.with_bundle(&["plan"]).document;
    assert_eq!(planned["changes"], 5);
    assert_eq!(planned["steps"][0]["files"][1]["now"]["sans"].as_array().unwrap().len(), 4);
    assert_eq!(planned["steps"][2]["values"], 2);
    assert_eq!(planned["steps"][1]["files"][0]["target"], "/var/lib/meta/tos-2.1/gencerts/etcd-ca.pem");

    assert_eq!(node.status().document["apply"], "start");
    assert_eq!(node.apply().document["changed"].as_array().unwrap().len(), 5);
    assert_eq!(node.status().document["rollback"], "0001-site-7");
}

#[test]
fn nothing_of_a_key_is_ever_said_or_journaled() {
    let site = Site::new();
    let node = Node::of(&site);
    let said = [node.with_bundle(&["plan", "-v"]), node.with_bundle(&["apply", "-v"]), node.status()];
    let journal = std::fs::read_to_string(node.run_folder().join("journal")).unwrap();
    let lines: Vec<&str> =
        [&site.old.key, &site.new.key].into_iter().flat_map(|key| key.lines()).filter(|line| !line.starts_with('-')).collect();
    for line in lines {
        assert!(!journal.contains(line));
        assert!(said.iter().all(|ran| !ran.said.contains(line) && !ran.document.to_string().contains(line)));
    }
    let digest = bundle_format::digest::Digest::of(site.old.key.as_bytes()).to_string();
    assert!(said.iter().all(|ran| !ran.said.contains(&digest) && !ran.document.to_string().contains(&digest)));
    let plan = &said[0].document["steps"][0]["files"][2];
    assert_eq!((&plan["secret"], &plan["now"], &plan["then"]), (&true.into(), &serde_json::Value::Null, &serde_json::Value::Null));
}

#[test]
fn quiet_is_quiet_and_color_is_asked_for() {
    let node = Node::of(&Site::new());
    let ran = node.with_bundle(&["plan", "-q"]).expect(0);
    assert_eq!(ran.said, "");
    assert!(!node.with_bundle(&["plan"]).said.contains('\x1b'));
    assert!(node.with_bundle(&["plan", "--color", "always"]).said.contains("\x1b[1m"));
}

#[test]
fn text_from_outside_cannot_steer_the_terminal() {
    let node = Node::of(&Site::new());
    node.write("etc/hostname", "n\x1b[2J\u{202e}3\n".as_bytes(), 0o644);
    let ran = node.with_bundle(&["plan"]).refuses(4, "node-unknown");
    assert!(ran.said.contains(r"n\u{1b}[2J\u{202e}3") && !ran.said.contains('\x1b'), "{}", ran.said);
}

#[test]
fn the_command_line_is_explained_and_checked() {
    let node = Node::of(&Site::new());
    let output = node.command(&["--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("6  failed, a person is needed") && help.trim_end().ends_with("reseal-node rollback"), "{help}");
    for words in [&["nonsense"][..], &[], &["apply", "--node", "a/b"], &["plan", "-q", "-v"], &["status", "--color", "blue"]] {
        assert_eq!(node.run(words).exit, 2, "{words:?}");
    }
    let signer = FixedSigner::new(1).fingerprint().to_string();
    node.run(&["plan", "/nowhere", "--signer", &signer, "--json"]).refuses(2, "cannot-open");
    assert_eq!(node.run(&["status", "--root", "/nowhere"]).exit, 1);
}

#[test]
fn nobody_listening_is_no_failure() {
    let node = Node::of(&Site::new());
    let mut child = node.bundle_command(&["apply", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_terminal_that_is_gone_does_not_stop_a_run() {
    let site = Site::new();
    let closed = "exec \"$@\" 2>&- >&-";
    let hung_up = "import os, sys; master, slave = os.openpty(); os.close(master); [os.dup2(slave, fd) for fd in (0, 1, 2)]; \
                   os.execv(sys.argv[1], sys.argv[1:])";
    for before in [&["sh", "-c", closed, "sh"][..], &["python3", "-c", hung_up]] {
        let node = Node::of(&site);
        let former = node.targets();
        let inner = |command: std::process::Command| {
            let mut outer = std::process::Command::new(before[0]);
            outer.args(&before[1..]).arg(command.get_program()).args(command.get_args());
            outer.status().unwrap().code()
        };
        assert_eq!(inner(node.bundle_command(&["apply", "--json"])), Some(0));
        node.assert_new(&site);
        assert_eq!(inner(node.command(&["rollback"])), Some(0));
        assert_eq!(node.targets(), former);
    }
}
