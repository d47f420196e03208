//! A run that was cut off, as every command meets it: what is said, what is looked at again, and when it is enough.

use std::{
    fs,
    process::{Command, Stdio},
};

use crate::{
    common::{CA, JSON, LEAF, META, Node, Ran, Site},
    interrupt::Film,
};

fn actions(ran: &Ran, command: &str) -> Vec<String> {
    let intents = ran.document[command].as_array().unwrap();
    intents.iter().map(|intent| format!("{}{}", intent["action"].as_str().unwrap(), intent["step"])).collect()
}

#[test]
fn status_and_plan_say_where_a_run_stopped_and_what_comes_next() {
    let film = Film::shoot(false);
    let scene = film.scene(5, 3, "");
    let status = scene.status().expect(0);
    assert_eq!(status.document["run"]["phase"], "interrupted");
    assert_eq!(status.document["apply"], "continue");
    assert_eq!(actions(&status, "apply_does"), ["keep1", "finish2", "do3", "checknull"]);
    assert_eq!(actions(&status, "rollback_does"), ["put-back2", "put-back1"]);
    assert!(status.said.contains("step 2 of 3, install 1 file: was begun: does what is left of it"), "{}", status.said);
    assert!(status.said.contains("step 1 of 3, install 3 files: puts back from the backup"), "{}", status.said);
    let plan = scene.with_bundle(&["plan"]).expect(0);
    assert_eq!(actions(&plan, "apply_does"), actions(&status, "apply_does"));
    assert!(plan.said.contains("goes on with the interrupted run `0001-site-7`"), "{}", plan.said);

    let film = Film::shoot(true);
    let scene = film.scene(11, 4, "");
    let status = scene.status().expect(0);
    assert_eq!(status.document["run"]["phase"], "interrupted-rollback");
    assert_eq!(actions(&status, "rollback_does"), ["keep3", "put-back2", "put-back1"]);
    assert_eq!(actions(&status, "apply_does"), ["keep3", "put-back2", "put-back1", "start-anewnull"]);
}

#[test]
fn an_older_run_whose_rollback_was_cut_off_is_the_one_that_is_told_of() {
    if !has_strace() {
        return;
    }
    let mut site = Site::new();
    let node = Node::of(&site);
    node.apply().expect(0);
    site.serial = 8;
    node.put_bundle(&site);
    node.write(JSON, crate::common::DOCUMENT.as_bytes(), 0o644);
    node.apply().expect(0);
    node.rollback().expect(0);
    node.write(JSON, crate::common::DOCUMENT.replace("\"87600h\"", "\"876000h\"").as_bytes(), 0o644);
    kill_at_rename(&node.command(&["rollback"]), 2);
    let status = node.status().expect(0);
    assert_eq!(status.document["run"]["name"], "0001-site-7");
    assert_eq!(status.document["apply"], "undo-then-start");
    node.apply().refuses(4, "unfinished");
    assert_eq!(node.rollback().expect(0).document["run"], "0001-site-7");
}

#[test]
fn what_the_journal_calls_done_and_the_disk_does_not_show_is_done_again() {
    let film = Film::shoot(false);
    for (records, redone) in
        [(4, vec!["redo1", "do2", "do3"]), (7, vec!["redo1", "redo2", "finish3"]), (8, vec!["redo1", "redo2", "redo3"])]
    {
        let scene = film.scene(records, 0, "");
        let status = scene.status();
        assert_eq!(actions(&status, "apply_does")[..3], redone);
        let ran = scene.apply().expect(0);
        assert!(ran.said.contains("/srv/kubernetes/etcd-ca.pem` is as before, though step 1 was done"), "{}", ran.said);
        scene.assert_new(&film.site);
        scene.rollback().expect(0);
        assert_eq!(scene.targets(), film.former);
    }
}

#[test]
fn what_the_journal_calls_undone_and_the_disk_does_not_show_is_undone_again() {
    let film = Film::shoot(true);
    for records in [11, 12, 13] {
        let scene = film.scene(records, 5, "");
        let ran = scene.rollback().expect(0);
        assert!(ran.said.contains("config.json` is new again, though it was put back"), "{}", ran.said);
        assert_eq!(scene.targets(), film.former);
        scene.assert_no_staging();
    }
}

#[test]
fn what_someone_changed_between_the_cut_and_the_next_call_is_noticed() {
    let film = Film::shoot(false);
    for (target, says) in [(LEAF, "was changed by someone else"), (META, "was changed by someone else")] {
        let scene = film.scene(5, 3, "");
        scene.write(target, b"someone else's", 0o640);
        let before = scene.targets();
        let status = scene.status();
        assert!(actions(&status, "apply_does")[0].starts_with("refuse") && status.said.contains(says), "{}", status.said);
        let ran = scene.apply().refuses(4, "changed-since");
        assert!(ran.said.contains("status") && ran.said.contains("--discard-changes"), "{}", ran.said);
        scene.with_bundle(&["plan"]).refuses(4, "changed-since");
        scene.rollback().refuses(4, "changed-since");
        assert_eq!(scene.targets(), before);
        scene.run(&["rollback", "--discard-changes"]).expect(0);
        assert_eq!(scene.targets(), film.former);
    }
    let scene = film.scene(5, 3, "");
    fs::remove_file(scene.path(CA)).unwrap();
    let status = scene.status();
    assert_eq!(actions(&status, "apply_does"), ["refuse1"]);
    assert!(status.said.contains("etcd-ca.pem` of step 1 of 3 is gone"), "{}", status.said);
    scene.apply().refuses(4, "changed-since");
}

/// Whether calls can be made to fail in another process here.
fn has_strace() -> bool {
    let probe = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    probe.is_ok_and(|status| status.success())
}

/// Runs a command that is killed right before its `number`th rename.
fn kill_at_rename(inner: &Command, number: usize) {
    let inject = format!("inject=rename,renameat,renameat2:signal=KILL:when={number}");
    let mut command = Command::new("strace");
    command.args(["-qq", "-f", "-o", "/dev/null", "-e", "trace=rename,renameat,renameat2", "-e", &inject]);
    command.arg(inner.get_program()).args(inner.get_args());
    let output = command.output().unwrap();
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_run_that_comes_no_further_ends_with_a_person() {
    if !has_strace() {
        return;
    }
    let site = Site::new();
    let node = Node::of(&site);
    let former = node.targets();
    for _ in 0..5 {
        kill_at_rename(&node.bundle_command(&["apply"]), 1);
    }
    let before = node.targets();
    let ran = node.apply().refuses(6, "exhausted");
    assert!(ran.said.contains("was tried 5 times and came no further than step 1 of 3: install 3 files"), "{}", ran.said);
    assert!(ran.said.contains("RESTORE.txt") && ran.said.contains("--try-again") && ran.said.contains("rollback"), "{}", ran.said);
    assert_eq!(node.targets(), before);
    let plan = node.with_bundle(&["plan"]).expect(0);
    assert!(plan.document["exhausted"] == true && plan.said.contains("`apply` stops"), "{}", plan.said);
    let status = node.status().expect(0);
    assert!(status.document["run"]["exhausted"] == true && status.document["run"]["attempts"] == 5, "{}", status.document);

    let insisted = node.copy();
    insisted.with_bundle(&["apply", "--try-again"]).expect(0);
    insisted.assert_new(&site);
    node.rollback().expect(0);
    assert_eq!(node.targets(), former);
    node.assert_no_staging();
}

#[test]
fn a_rollback_that_comes_no_further_ends_with_a_person_too() {
    if !has_strace() {
        return;
    }
    let site = Site::new();
    let node = Node::of(&site);
    let former = node.targets();
    node.apply().expect(0);
    for _ in 0..5 {
        kill_at_rename(&node.command(&["rollback"]), 1);
    }
    let ran = node.rollback().refuses(6, "exhausted");
    assert!(ran.said.contains("came no further than undoing step 3 of 3"), "{}", ran.said);
    node.apply().refuses(6, "exhausted");
    node.run(&["rollback", "--try-again", "--json"]).expect(0);
    assert_eq!(node.targets(), former);
}

#[test]
fn calls_that_come_further_are_not_counted() {
    if !has_strace() {
        return;
    }
    let mut site = Site::new();
    let step = site.slices[0].steps[1].clone();
    site.slices[0].steps = vec![step];
    for number in 0..8 {
        let file = crate::common::install(&format!("/srv/kubernetes/more-{number}.pem"), "certs/etcd.pem");
        site.slices[0].steps.push(bundle_format::slice::Step::InstallFiles(bundle_format::slice::InstallFiles { files: vec![file] }));
    }
    let node = Node::of(&site);
    for _ in 0..8 {
        kill_at_rename(&node.bundle_command(&["apply"]), 2);
    }
    node.apply().expect(0);
}
