//! Whatever the order of commands and cuts, a node ends in one of the states that are known exactly: as it was, as bundle 7 has it, as
//! bundle 8 has it; and once a command has succeeded there is no mixture of them.
//!
//! `PROPTEST_CASES` says how many sequences are tried. A kill comes at a mutating system call where `strace` is there, else at any time.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    sync::OnceLock,
    thread,
    time::Duration,
};

use proptest::prelude::*;

use crate::common::{FixedSigner, Node, Ran, Site};

/// The system calls that change a file system.
const MUTATING: &str = "open,openat,write,rename,renameat,renameat2,unlink,unlinkat,rmdir,fsync,fdatasync,fchmod,fchown,fsetxattr,mkdir,mkdirat,ftruncate,utimensat";
/// As many sequences as fit into the time that a default suite has.
const CASES: u32 = 12;

/// One thing that is done to the node.
#[derive(Clone, Debug)]
enum Deed {
    /// A command that comes to its end.
    Command(Word),
    /// A command that is killed at this one of its mutating system calls, if it makes as many.
    Killed(Word, u16),
}

/// A command.
#[derive(Clone, Copy, Debug)]
enum Word {
    Apply(usize),
    Plan(usize),
    Prune,
    Rollback,
    Status,
}

/// Two bundles of one site, and a node that has neither.
struct Bed {
    node: Node,
    sites: [Site; 2],
    former: State,
}

type State = BTreeMap<PathBuf, String>;

fn bed() -> &'static Bed {
    static BED: OnceLock<Bed> = OnceLock::new();
    BED.get_or_init(|| {
        let sites = Site::and_later();
        let node = Node::of(&sites[0]);
        fs::write(node.bundle().with_file_name("7.tar.gz"), sites[0].bundle()).unwrap();
        fs::write(node.bundle().with_file_name("8.tar.gz"), sites[1].bundle()).unwrap();
        let former = node.targets();
        Bed { node, sites, former }
    })
}

fn words() -> impl Strategy<Value = Word> {
    prop_oneof![
        4 => (0..2_usize).prop_map(Word::Apply),
        1 => (0..2_usize).prop_map(Word::Plan),
        1 => Just(Word::Prune),
        3 => Just(Word::Rollback),
        1 => Just(Word::Status),
    ]
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![words().prop_map(Deed::Command), (words(), 1..90_u16).prop_map(|(word, at)| Deed::Killed(word, at))];
    proptest::collection::vec(deed, 1..6)
}

impl Word {
    fn command(self, node: &Node) -> Command {
        let with_bundle = |word: &str, bundle: usize| {
            let mut command = node.command(&[word, "--json"]);
            command.arg(node.bundle().with_file_name(["7.tar.gz", "8.tar.gz"][bundle]));
            command.arg("--signer").arg(FixedSigner::new(1).fingerprint().to_string());
            // What is remembered of the later bundle would refuse the earlier one.
            command.arg("--allow-older");
            command
        };
        match self {
            Self::Apply(bundle) => with_bundle("apply", bundle),
            Self::Plan(bundle) => with_bundle("plan", bundle),
            Self::Prune => node.command(&["backups", "prune", "--keep", "1", "--yes", "--json"]),
            Self::Rollback => node.command(&["rollback", "--json"]),
            Self::Status => node.command(&["status", "--json"]),
        }
    }
}

fn is_traceable() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        let probe = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
        probe.is_ok_and(|status| status.success())
    })
}

fn kill(inner: Command, at: u16) {
    if !is_traceable() {
        let mut inner = inner;
        let mut child = inner.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_micros(u64::from(at) * 300));
        let _ = child.kill();
        let _ = child.wait();
        return;
    }
    // A program begins with calls that open what it is linked with; they change nothing, and are few.
    let inject = format!("inject={MUTATING}:signal=KILL:when={at}");
    let mut command = Command::new("strace");
    command.args(["-qq", "-f", "-o", "/dev/null", "-e", &format!("trace={MUTATING}"), "-e", &inject]);
    let _ = command.arg(inner.get_program()).args(inner.get_args()).output().unwrap();
}

/// What is known of the node: its exact states, and what they are called.
fn known(node: &Node) -> Option<&'static str> {
    let (bed, found) = (bed(), node.targets());
    if found == bed.former {
        return Some("former");
    }
    // Owners and modes are those of before, and nothing else lies there.
    let dressed = |state: &State| {
        state.iter().map(|(path, text)| (path.clone(), text.split(' ').take(3).collect())).collect::<Vec<(PathBuf, String)>>()
    };
    let is_new = |site: &Site| dressed(&found) == dressed(&bed.former) && node.contents() == Node::new_contents(site);
    match (is_new(&bed.sites[0]), is_new(&bed.sites[1])) {
        (true, _) => Some("7"),
        (_, true) => Some("8"),
        _ => None,
    }
}

fn check(deeds: &[Deed]) {
    let node = bed().node.copy();
    for (number, deed) in deeds.iter().enumerate() {
        match deed {
            Deed::Killed(word, at) => kill(word.command(&node), *at),
            Deed::Command(word) => check_command(&node, *word, &format!("{deeds:?}, number {number}")),
        }
    }
    settle(&node, &format!("{deeds:?}"));
}

/// A command ends well, or is refused and changes nothing.
fn check_command(node: &Node, word: Word, context: &str) {
    let before = node.targets();
    let ran = Ran::of(word.command(node).output().unwrap());
    assert!([0, 4].contains(&ran.exit), "{context}: exit {}: {}", ran.exit, ran.said);
    let is_reading = matches!(word, Word::Plan(_) | Word::Prune | Word::Status);
    if ran.exit == 4 || is_reading {
        assert_eq!(node.targets(), before, "{context}: {}", ran.said);
        return;
    }
    let state = known(node).unwrap_or_else(|| panic!("{context}: a mixture after a success: {}", ran.said));
    if let Word::Apply(bundle) = word {
        assert_eq!(state, ["7", "8"][bundle], "{context}: {}", ran.said);
    }
    node.assert_no_staging();
}

/// Whatever was left, `rollback` until there is nothing to take back ends in a known state, and both bundles can be applied again.
fn settle(node: &Node, context: &str) {
    loop {
        let ran = node.rollback();
        assert_eq!(ran.exit, 0, "{context}: {}", ran.said);
        assert!(known(node).is_some(), "{context}: {}", ran.said);
        if ran.document["outcome"] == "nothing-to-do" {
            break;
        }
    }
    node.assert_no_staging();
    for bundle in [0, 1] {
        check_command(node, Word::Apply(bundle), context);
    }
    assert_eq!(known(node), Some("8"), "{context}");
}

#[test]
fn any_sequence_of_commands_and_cuts_ends_in_a_known_state() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let config = ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 40, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let outcome = runner.run(&deeds(), |deeds| {
        check(&deeds);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
