//! What is kept of runs: listed, checked, removed where nobody needs it, and put back by a person with `sh` and `cp` alone.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use crate::common::{KEY, LEAF, META, Node, Ran, Site};

fn backups(node: &Node, words: &[&str]) -> Ran {
    node.run(&[&["backups", "--json"], words].concat())
}

/// The listed runs: name, phase, backup, need.
fn listed(ran: &Ran) -> Vec<[String; 4]> {
    let word = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    let runs = ran.document["runs"].as_array().unwrap();
    runs.iter().map(|run| ["name", "phase", "backup", "needed"].map(|field| word(&run[field]))).collect()
}

fn line(words: [&str; 4]) -> [String; 4] {
    words.map(str::to_owned)
}

/// A node on which `rounds` runs were applied and taken back, and one more applied.
fn seasoned(site: &Site, rounds: usize) -> Node {
    let node = Node::of(site);
    for _ in 0..rounds {
        node.apply().expect(0);
        node.rollback().expect(0);
    }
    node.apply().expect(0);
    node
}

#[test]
fn what_is_kept_is_listed_with_its_use() {
    let node = Node::of(&Site::new());
    assert!(listed(&backups(&node, &[]).expect(0)).is_empty());
    let node = seasoned(&Site::new(), 1);
    let before = node.tree();
    let ran = backups(&node, &[]).expect(0);
    assert_eq!(listed(&ran), [line(["0001-site-7", "rolled-back", "whole", "-"]), line(["0002-site-7", "applied", "whole", "rollback"])]);
    assert!(ran.document["runs"][0]["size"].as_u64().unwrap() > 1000 && ran.said.contains("RESTORE.txt"), "{}", ran.said);
    assert_eq!(node.tree(), before);
    let folders = ["var/lib/reseal", "var/lib/reseal/runs/0001-site-7", "var/lib/reseal/runs/0001-site-7/backup"];
    for folder in folders {
        assert_eq!(fs::metadata(node.path(folder)).unwrap().permissions().mode() & 0o777, 0o700, "{folder}");
    }
}

#[test]
fn a_damaged_or_missing_backup_is_found_by_its_digest() {
    let node = seasoned(&Site::new(), 1);
    fs::write(node.run_folder().join("backup/1-etcd.pem"), "damaged").unwrap();
    let ran = backups(&node, &[]).expect(0);
    // The run that `rollback` would take back stays, and so does the last good one.
    assert_eq!(
        listed(&ran),
        [line(["0001-site-7", "rolled-back", "whole", "last-good"]), line(["0002-site-7", "applied", "damaged", "rollback"])]
    );
    assert!(ran.said.contains("1-etcd.pem"), "{}", ran.said);
    backups(&node, &["prune", "--keep", "0", "--yes"]).expect(0);
    for name in ["0001-site-7", "0002-site-7"] {
        backups(&node, &["prune", name, "--yes"]).refuses(4, "needed");
    }
    fs::remove_file(node.run_folder().join("RESTORE.txt")).unwrap();
    assert!(backups(&node, &[]).said.contains("RESTORE.txt` is missing"));
}

#[test]
fn old_backups_go_when_that_is_agreed_and_journals_stay() {
    let node = seasoned(&Site::new(), 4);
    let before = node.tree();
    let ran = backups(&node, &["prune"]).refuses(4, "unconfirmed");
    assert!(ran.said.contains("to remove: the backups of `0001-site-7`") && ran.said.contains(" --yes`"), "{}", ran.said);
    assert_eq!(node.tree(), before);
    assert_eq!(backups(&node, &["prune", "nonsense", "--yes"]).exit, 2);

    let ran = backups(&node, &["prune", "--yes"]).expect(0);
    assert_eq!(ran.document["removed"], serde_json::json!(["0001-site-7", "0002-site-7"]));
    assert_eq!(backups(&node, &["prune", "0004-site-7", "--yes"]).expect(0).document["removed"], serde_json::json!(["0004-site-7"]));
    assert_eq!(backups(&node, &["prune", "--yes"]).expect(0).document["outcome"], "nothing-to-do");
    let kept = listed(&backups(&node, &[]).expect(0));
    assert_eq!(kept.iter().map(|run| run[2].as_str()).collect::<Vec<_>>(), ["gone", "gone", "whole", "gone", "whole"]);
    let secrets = Command::new("grep").args(["-rl", "PRIVATE KEY"]).arg(node.path("var/lib/reseal")).output().unwrap();
    assert_eq!(String::from_utf8(secrets.stdout).unwrap().lines().count(), 2);

    let ran = node.rollback().expect(0);
    assert_eq!(ran.document["run"], "0005-site-7");
    assert_eq!(node.rollback().document["outcome"], "nothing-to-do");
    node.apply().expect(0);
    assert_eq!(node.status().document["run"]["name"], "0006-site-7");
}

#[test]
fn the_last_good_backup_and_those_of_an_unfinished_run_stay() {
    let node = seasoned(&Site::new(), 1);
    node.rollback().expect(0);
    backups(&node, &["prune", "--keep", "0", "--yes"]).expect(0);
    assert_eq!(listed(&backups(&node, &[]))[1], line(["0002-site-7", "rolled-back", "whole", "last-good"]));
    backups(&node, &["prune", "0002-site-7", "--yes"]).refuses(4, "needed");

    let node = seasoned(&Site::new(), 1);
    let journal = fs::read_to_string(node.run_folder().join("journal")).unwrap();
    let cut: String = journal.split_inclusive('\n').take(3).collect();
    fs::write(node.run_folder().join("journal"), cut).unwrap();
    assert_eq!(listed(&backups(&node, &[]))[1], line(["0002-site-7", "interrupted", "whole", "unfinished"]));
    backups(&node, &["prune", "0002-site-7", "--yes"]).refuses(4, "needed");
}

#[test]
fn a_cut_prune_is_finished_by_the_next() {
    let node = seasoned(&Site::new(), 2);
    let first = node.path("var/lib/reseal/runs/0001-site-7");
    let kept = tempfile::tempdir().unwrap();
    assert!(Command::new("cp").arg("-a").arg(first.join("backup")).arg(kept.path()).status().unwrap().success());
    backups(&node, &["prune", "0001-site-7", "--yes"]).expect(0);
    assert!(Command::new("cp").arg("-a").arg(kept.path().join("backup")).arg(&first).status().unwrap().success());
    assert_eq!(backups(&node, &["prune", "0001-site-7", "--yes"]).expect(0).document["removed"], serde_json::json!(["0001-site-7"]));
    assert!(!first.join("backup").exists() && first.join("journal").exists());
}

#[test]
fn prune_waits_for_nobody_who_holds_the_lock() {
    let node = seasoned(&Site::new(), 1);
    let lock = fs::File::open(node.path("var/lib/reseal/lock")).unwrap();
    lock.lock().unwrap();
    backups(&node, &["prune", "0001-site-7", "--yes"]).refuses(4, "busy");
    backups(&node, &[]).expect(0);
    node.status().expect(0);
}

#[test]
fn a_journal_that_cannot_be_read_is_said_and_a_person_can_go_on() {
    let site = Site::new();
    let node = seasoned(&site, 1);
    let former = {
        let node = Node::of(&site);
        node.targets().into_keys().collect::<Vec<_>>()
    };
    let run = node.run_folder();
    let journal = fs::read_to_string(run.join("journal")).unwrap();
    fs::write(run.join("journal"), journal.replacen("backed-up", "backed_up", 1)).unwrap();
    for ran in [node.with_bundle(&["plan"]), node.apply(), node.rollback(), node.status()] {
        let ran = ran.refuses(6, "journal");
        assert!(ran.said.contains("line 2") && ran.said.contains("RESTORE.txt") && ran.said.contains("`mv "), "{}", ran.said);
    }
    let ran = backups(&node, &[]).expect(0);
    assert_eq!(listed(&ran)[1], line(["0002-site-7", "-", "unknown", "unreadable"]));
    backups(&node, &["prune", "0002-site-7", "--yes"]).refuses(4, "needed");

    restore_by_hand(&node);
    let ran = node.status().expect(6);
    let hint = ran.said.split("`mv ").nth(1).unwrap().split('`').next().unwrap().to_owned();
    assert!(Command::new("sh").args(["-ec", &format!("mv {hint}")]).status().unwrap().success());
    assert_eq!(node.targets().into_keys().collect::<Vec<_>>(), former);
    node.apply().expect(0);
    node.assert_new(&site);
}

#[test]
fn a_journal_of_a_later_version_is_named_as_such() {
    let node = seasoned(&Site::new(), 0);
    let path = node.run_folder().join("journal");
    let journal = fs::read_to_string(&path).unwrap();
    let document = journal.lines().next().unwrap()[17..].replacen("\"version\":1", "\"version\":2", 1);
    let digits = bundle_format::digest::Digest::of(document.as_bytes()).to_string()[..16].to_owned();
    fs::write(&path, format!("{digits} {document}\n")).unwrap();
    for ran in [node.apply(), node.rollback(), node.status()] {
        let ran = ran.refuses(6, "journal-version");
        assert!(ran.said.contains("has the form 2, and this version knows 1"), "{}", ran.said);
    }
    assert_eq!(listed(&backups(&node, &[]).expect(0))[0][3], "unreadable");
}

/// Types the commands of `RESTORE.txt` as a person would, nothing else.
fn restore_by_hand(node: &Node) {
    let text = fs::read_to_string(node.run_folder().join("RESTORE.txt")).unwrap();
    let is_command = |line: &&str| ["cp ", "rm ", "mv "].iter().any(|word| line.starts_with(word));
    let commands: Vec<&str> = text.lines().filter(is_command).collect();
    let mut shell = Command::new("sh");
    shell.env_clear().env("PATH", "/usr/bin:/bin").arg("-euc").arg(commands.join("\n"));
    assert!(shell.status().unwrap().success(), "{text}");
}

#[test]
fn a_person_puts_everything_back_with_cp_alone_in_whatever_state_the_run_was_left() {
    let site = Site::new();
    let node = Node::of(&site);
    fs::remove_file(node.path(META)).unwrap();
    xattr::set(node.path(KEY), "user.note", b"kept").unwrap();
    fs::rename(node.path("srv"), node.path("data of the site's")).unwrap();
    std::os::unix::fs::symlink("data of the site's", node.path("srv")).unwrap();
    let everything = |node: &Node| {
        let mut all = node.tree_without_times();
        all.retain(|path, _| !path.starts_with("var/lib/reseal"));
        all
    };
    let former = everything(&node);
    node.apply().expect(0);
    assert_ne!(everything(&node), former);
    restore_by_hand(&node);
    assert_eq!(everything(&node), former);
    restore_by_hand(&node);
    assert_eq!(everything(&node), former, "what was typed twice does no harm");
    let ran = node.rollback().expect(0);
    assert_eq!(ran.document["outcome"], "rolled-back", "the run is closed");
    assert_eq!(everything(&node), former);

    node.apply().expect(0);
    fs::remove_file(node.path(LEAF)).unwrap();
    node.write(KEY, b"half", 0o777);
    restore_by_hand(&node);
    assert_eq!(everything(&node), former);
}
