//! What `apply` asks before its first change, at a real terminal and without one.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use end_to_end::{
    programs::{Ran, reseal_node, run, sh},
    workshop::Workshop,
};

/// Runs a program at a terminal of its own: each line of `sys.argv[1]` is typed once the program asks; `^C` and `^D` are keys. Gives
/// what the terminal showed, and ends as the program did.
const TERMINAL: &str = "import os, pty, signal, sys
keys = sys.argv[1].split('|')
pid, terminal = pty.fork()
if pid == 0:
    # Whoever runs the tests may ignore signals, and what is ignored is inherited.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvp(sys.argv[2], sys.argv[2:])
shown = b''
while True:
    try: piece = os.read(terminal, 4096)
    except OSError: break
    if not piece: break
    shown += piece
    if keys and (b'to go on: ' in shown or '继续：'.encode() in shown):
        key = keys.pop(0)
        os.write(terminal, {'^C': b'\\x03', '^D': b'\\x04'}.get(key, key.encode() + b'\\n'))
sys.stdout.buffer.write(shown)
status = os.waitpid(pid, 0)[1]
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))";

struct Scene {
    workshop: Workshop,
    root: PathBuf,
    signer: String,
    before: String,
}

impl Scene {
    fn new() -> Self {
        let workshop = Workshop::expired();
        let _ = workshop.build(&["--serial", "7"]).expect_code(0);
        let (root, signer) = (workshop.node("tos3", true), workshop.fingerprint());
        let mut scene = Self { workshop, root, signer, before: String::new() };
        scene.before = scene.tree();
        scene
    }

    /// Every file of the node.
    fn tree(&self) -> String {
        sh("find . -type f -exec sha256sum {} + | sort", &self.root)
    }

    fn words(&self, further: &[&str]) -> Vec<String> {
        let root = self.root.display().to_string();
        let words = ["apply", "site-7.tar.gz", "--signer", &self.signer, "--root", &root];
        words.iter().chain(further).map(|word| (*word).to_owned()).collect()
    }

    /// `apply` at a terminal, where this is typed.
    fn typed(&self, keys: &str, further: &[&str]) -> Ran {
        let program = reseal_node().display().to_string();
        let words = [vec!["-c".to_owned(), TERMINAL.to_owned(), keys.to_owned(), program], self.words(further)].concat();
        let output = Command::new("python3")
            .args(words)
            .current_dir(self.workshop.path())
            .env("TERM", "xterm")
            .env("LC_ALL", "C.UTF-8")
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Ran { code: output.status.code().unwrap(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    fn assert_unchanged(&self, ran: &Ran) {
        assert_eq!(self.tree(), self.before, "{}", ran.stdout);
    }
}

#[test]
fn whoever_types_the_nodes_name_goes_on_and_nobody_else() {
    let scene = Scene::new();
    for (keys, code) in [("tos1", 4), ("yes", 4), ("", 4), ("^D", 4), ("^C", 130)] {
        let ran = scene.typed(keys, &[]);
        assert_eq!(ran.code, code, "`{keys}`: {} {}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains("type the name of this node, tos3, to go on: "), "{}", ran.stdout);
        scene.assert_unchanged(&ran);
    }
    let ran = scene.typed("tos3", &[]).expect_code(0);
    let (question, first) = (ran.stdout.find("to go on: ").unwrap(), ran.stdout.find("step 1 of 3: ").unwrap());
    assert!(question < first && ran.stdout.contains("done:"), "{}", ran.stdout);
    assert_ne!(scene.tree(), scene.before);
    // Nothing is left to agree to.
    assert!(!scene.typed("tos3", &[]).expect_code(0).stdout.contains("to go on"));
}

#[test]
fn without_a_terminal_nothing_is_done_unless_it_is_agreed_to() {
    let scene = Scene::new();
    let apply = |further: &[&str]| {
        let mut command = Command::new(reseal_node());
        let output = command
            .args(scene.words(further))
            .current_dir(scene.workshop.path())
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = apply(&[]);
    assert_eq!(code, Some(4), "{said}");
    assert!(
        said.contains("there is no terminal to ask at") && said.lines().any(|line| line.starts_with("hint:") && line.contains("--yes"))
    );
    assert_eq!(scene.tree(), scene.before);
    let (code, said) = apply(&["--yes"]);
    assert_eq!(code, Some(0), "{said}");
    // Lines that stay have the time of day.
    let step = said.lines().find(|line| line.contains("step 1 of 3: ")).unwrap();
    assert!(step.as_bytes()[2] == b':' && step.as_bytes()[8] == b'Z', "{step}");
}

#[test]
fn programs_are_told_in_documents_and_who_wants_quiet_is_told_nothing() {
    let scene = Scene::new();
    let words = scene.words(&["--json"]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ran = run(reseal_node(), &words, scene.workshop.path()).expect_code(0);
    let events: Vec<serde_json::Value> =
        ran.stderr.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).unwrap()).collect();
    let steps: Vec<u64> = events.iter().filter(|event| event["event"] == "step").map(|event| event["number"].as_u64().unwrap()).collect();
    assert_eq!(steps, [1, 2, 3], "{}", ran.stderr);
    assert!(events.iter().all(|event| event["at"].is_string() && event["event"].is_string()));
    let root = scene.root.display().to_string();
    let back = run(reseal_node(), &["rollback", "--quiet", "--root", &root], scene.workshop.path()).expect_code(0);
    assert_eq!(back.stderr, "");
}
