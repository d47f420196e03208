//! Runs that were cut off, at every record and at any moment: the next `apply` finishes, `rollback` restores, no staging file stays.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use bundle_format::slice::{InstallFiles, Step};

use crate::common::{CA, JSON, KEY, LEAF, META, Node, Ran, Site, install};

/// The targets of each step, in their order.
const STEPS: [&[&str]; 3] = [&[CA, LEAF, KEY], &[META], &[JSON]];

/// A node after a whole run, and all that is needed to put it into any state between.
pub struct Film {
    pub site: Site,
    node: Node,
    pub former: BTreeMap<PathBuf, String>,
    lines: Vec<String>,
}

impl Film {
    /// A run, taken back or not.
    pub fn shoot(is_taken_back: bool) -> Self {
        let site = Site::new();
        let node = Node::of(&site);
        xattr::set(node.path(KEY), "user.note", b"kept").unwrap();
        let former = node.targets();
        node.apply().expect(0);
        let applied = node.copy();
        if is_taken_back {
            node.rollback().expect(0);
        }
        let journal = fs::read_to_string(node.run_folder().join("journal")).unwrap();
        let lines = journal.split_inclusive('\n').map(str::to_owned).collect();
        // Scenes start from the applied files; the journal may tell of a rollback too.
        Self { site, node: applied, former, lines }
    }

    /// The node when `records` were written and the first `new` targets of all steps were new, with a torn tail if asked for.
    pub fn scene(&self, records: usize, new: usize, torn: &str) -> Node {
        let scene = self.node.copy();
        let run = scene.run_folder();
        let journal = [&self.lines[..records].concat(), torn].concat();
        fs::write(run.join("journal"), journal).unwrap();
        if records < 2 {
            let _ = fs::remove_file(run.join("RESTORE.txt"));
            let _ = fs::remove_file(run.join("backup/4-config.json"));
        }
        for (number, target) in STEPS.concat().iter().enumerate() {
            let name = Path::new(target).file_name().unwrap().to_str().unwrap();
            let backup = self.node.run_folder().join(format!("backup/{number}-{name}"));
            if number >= new {
                fs::remove_file(scene.path(target)).unwrap();
                assert!(Command::new("cp").arg("-a").arg(backup).arg(scene.path(target)).status().unwrap().success());
            }
            let is_over = self.lines[..records].last().is_some_and(|line| line.contains("rolled-back"));
            if records >= 2 && number == new && !is_over {
                fs::write(scene.path(target).with_file_name(format!(".reseal-0001-{number}")), "half").unwrap();
            }
        }
        scene
    }

    /// Every state that a cut can leave: how many records, and how many new targets.
    fn cuts(&self) -> Vec<(usize, usize)> {
        let starts = [0, 3, 4, 5];
        let mut cuts = Vec::new();
        for records in 0..=self.lines.len() {
            let (mut low, mut high) = (0, 0);
            for line in &self.lines[..records] {
                let number = |name: &str| {
                    let step = line.split(&format!("\"record\":\"{name}\",\"step\":")).nth(1)?;
                    step.trim_end_matches("}\n").parse::<usize>().ok()
                };
                if let Some(step) = number("step-started") {
                    (low, high) = (starts[step], starts[step + 1]);
                }
                if let Some(step) = number("step-done") {
                    (low, high) = (starts[step + 1], starts[step + 1]);
                }
                if line.contains("undo-started") {
                    low = starts[2];
                }
                if let Some(step) = number("step-undone") {
                    (low, high) = (starts[step.saturating_sub(1)], starts[step]);
                }
            }
            cuts.extend((low..=high).map(|new| (records, new)));
        }
        cuts
    }
}

fn check_every_cut(film: &Film) {
    for (records, new) in film.cuts() {
        for torn in ["", "0123456789abcdef {\"at\":\"2026-0"] {
            let context = format!("{records} records, {new} new, torn tail {torn:?}");
            let scene = film.scene(records, new, torn);
            let before = scene.tree();
            let status = scene.status().expect(0);
            assert_eq!(status.document["run"]["torn"], !torn.is_empty(), "{context}");
            scene.with_bundle(&["plan"]).expect(0);
            assert_eq!(scene.tree(), before, "{context}");

            let ran = scene.apply();
            assert_eq!(ran.exit, 0, "{context}: {}", ran.said);
            scene.assert_new(&film.site);
            assert_eq!(scene.apply().expect(0).document["outcome"], "nothing-to-do", "{context}");
            while scene.rollback().expect(0).document["outcome"] != "nothing-to-do" {}
            assert_eq!(scene.targets(), film.former, "{context}");

            let scene = film.scene(records, new, torn);
            let ran = scene.rollback();
            assert_eq!(ran.exit, 0, "{context}: {}", ran.said);
            if records >= 2 {
                scene.assert_no_staging();
            }
            assert_eq!(scene.targets(), film.former, "{context}");
            scene.apply().expect(0);
            scene.assert_new(&film.site);
        }
    }
}

#[test]
fn a_run_cut_off_at_any_record_is_finished_or_taken_back() {
    let film = Film::shoot(false);
    assert_eq!(film.lines.len(), 9);
    check_every_cut(&film);
}

#[test]
fn a_rollback_cut_off_at_any_record_is_finished() {
    let film = Film::shoot(true);
    assert_eq!(film.lines.len(), 14);
    check_every_cut(&film);
}

#[test]
fn a_run_killed_at_any_moment_is_finished_or_taken_back() {
    let site = Site::new();
    for round in 0..40u64 {
        let node = Node::of(&site);
        let former = node.targets();
        let command = if round % 4 == 3 { "rollback" } else { "apply" };
        if command == "rollback" {
            node.apply().expect(0);
        }
        let mut child = match command {
            "apply" => node.bundle_command(&["apply"]),
            _ => node.command(&["rollback"]),
        };
        let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_micros(round * 700));
        let _ = child.kill();
        child.wait().unwrap();
        if round % 2 == 0 {
            node.apply().expect(0);
            node.assert_new(&site);
        } else {
            node.rollback().expect(0);
            assert_eq!(node.targets(), former);
            node.assert_no_staging();
        }
    }
}

#[test]
fn another_bundle_waits_for_an_unfinished_run() {
    let mut film = Film::shoot(false);
    let scene = film.scene(3, 1, "");
    film.site.serial = 8;
    scene.put_bundle(&film.site);
    let before = scene.tree();
    scene.with_bundle(&["plan"]).refuses(4, "unfinished");
    scene.apply().refuses(4, "unfinished");
    assert_eq!(scene.tree(), before);
    scene.rollback().expect(0);
    scene.apply().expect(0);
    assert_eq!(scene.status().document["run"]["name"], "0002-site-8");
}

#[test]
fn what_others_changed_since_is_not_overwritten_unasked() {
    let site = Site::new();
    let node = Node::of(&site);
    let former = node.targets();
    node.apply().expect(0);
    node.write(LEAF, b"someone else's", 0o640);
    let before = node.targets();
    let ran = node.rollback().refuses(4, "changed-since");
    assert!(ran.said.contains("/srv/kubernetes/etcd.pem") && ran.said.contains("--discard-changes"), "{}", ran.said);
    assert_eq!(node.targets(), before);
    node.run(&["rollback", "--discard-changes"]).expect(0);
    assert_eq!(node.targets(), former);

    let film = Film::shoot(false);
    let scene = film.scene(3, 1, "");
    scene.write(JSON, b"{}", 0o644);
    scene.apply().refuses(4, "changed-since");
    // A rollback does not come as far as the document.
    scene.rollback().expect(0);
    assert_eq!(scene.read(JSON), "{}");
    assert_eq!(scene.read(CA), film.site.old.ca);
}

#[test]
fn a_damaged_backup_or_journal_needs_a_person() {
    let node = Node::of(&Site::new());
    node.apply().expect(0);
    let run = node.run_folder();
    let before = node.targets();
    fs::write(run.join("backup/1-etcd.pem"), "damaged").unwrap();
    let ran = node.rollback().refuses(6, "stuck");
    assert!(ran.said.contains("RESTORE.txt"), "{}", ran.said);
    assert_eq!(node.targets(), before);

    let journal = fs::read_to_string(run.join("journal")).unwrap();
    fs::write(run.join("journal"), journal.replacen("backed-up", "backed_up", 1)).unwrap();
    for ran in [node.apply(), node.rollback(), node.status()] {
        ran.refuses(6, "journal");
    }
    assert_eq!(node.targets(), before);
}

#[test]
fn a_failure_after_the_first_change_is_undone() {
    let mut site = Site::new();
    site.extra.insert("certs/large.pem".to_owned(), vec![b'x'; 100_000]);
    let large = InstallFiles { files: vec![install("/srv/kubernetes/large.pem", "certs/large.pem")] };
    site.slices[0].steps.push(Step::InstallFiles(large.clone()));
    let node = Node::of(&site);
    let former = node.targets();
    assert_eq!(limited(&node).refuses(5, "rolled-back").document["exit"], 5);
    assert_eq!(node.targets(), former);
    node.assert_no_staging();
    assert_eq!(node.status().document["run"]["phase"], "rolled-back");
    node.apply().expect(0);
    node.assert_new(&site);

    site.slices[0].steps = vec![Step::InstallFiles(large)];
    let node = Node::of(&site);
    let former = node.targets();
    limited(&node).refuses(1, "unchanged");
    assert_eq!(node.targets(), former);
    node.assert_no_staging();
}

/// `apply` where no file may be larger than 32 KiB: writing a large one fails as on a full disk.
fn limited(node: &Node) -> Ran {
    let inner = node.bundle_command(&["apply", "--json"]);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\""]).arg(inner.get_program()).args(inner.get_args());
    Ran::of(command.output().unwrap())
}

#[test]
fn the_restore_text_puts_everything_back() {
    let site = Site::new();
    let node = Node::of(&site);
    fs::remove_file(node.path(META)).unwrap();
    xattr::set(node.path(CA), "user.note", b"kept").unwrap();
    let former = node.targets();
    node.apply().expect(0);
    let text = fs::read_to_string(node.run_folder().join("RESTORE.txt")).unwrap();
    let commands: Vec<&str> = text.lines().filter(|line| line.starts_with("cp ") || line.starts_with("rm ")).collect();
    assert_eq!(commands.len(), 5);
    assert!(Command::new("sh").arg("-ec").arg(commands.join("\n")).status().unwrap().success());
    assert_eq!(node.targets(), former);
    assert!(node.status().document["targets"].as_array().unwrap().iter().all(|target| target["condition"] == "former"));
}

#[test]
fn a_later_bundle_is_taken_back_before_an_earlier_one() {
    let mut site = Site::new();
    let node = Node::of(&site);
    let former = node.targets();
    node.apply().expect(0);
    let first = node.targets();
    site.serial = 8;
    site.slices[0].steps.truncate(1);
    let (leaf, key) = (site.old.leaf.clone(), site.old.key.clone());
    (site.new.leaf, site.new.key) = (leaf, key);
    node.put_bundle(&site);
    node.apply().expect(0);
    assert_eq!(node.rollback().document["run"], "0002-site-8");
    assert_eq!(node.targets(), first);
    assert_eq!(node.rollback().document["run"], "0001-site-7");
    assert_eq!(node.targets(), former);
    assert_eq!(node.rollback().document["outcome"], "nothing-to-do");
}
