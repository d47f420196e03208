//! The SQL of the bundle, run by the real client on a real server, beside the step that does the same.

#![allow(clippy::disallowed_methods, reason = "tests set the scene")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a scene that cannot be set is a failed test")]

#[allow(dead_code, reason = "shared with the executor's own tests")]
#[path = "../../executor/tests/database/common.rs"]
mod common;
#[allow(dead_code, reason = "shared with the executor's own tests")]
#[path = "../../executor/tests/database/server.rs"]
mod server;

use std::process::Output;

use reseal::sql::{undo_script, update_script};

use common::{INNODB, MYISAM, Scene, all, assert_clean, native, step};
use server::Server;

const COPY: &str = "manager_info_bak_20261123";
const ENGINES: [(&str, &str); 2] = [("innodb", INNODB), ("myisam", MYISAM)];

fn scene<'a>(server: &'a Server, schema: &str, options: &str) -> Scene<'a> {
    Scene::set(server, schema, native(server, "root", None), "text", options)
}

/// Runs a script as a person would: the client program, the script on its standard input.
fn run(scene: &Scene<'_>, script: &str, options: &str) -> Output {
    scene.server.run(&format!("{options} {}", scene.schema), script)
}

fn update(scene: &Scene<'_>) -> String {
    String::from_utf8(update_script(&step(), &scene.new.bytes()).to_vec()).unwrap()
}

fn undo(scene: &Scene<'_>) -> String {
    String::from_utf8(undo_script(&step(), &scene.new.bytes())).unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

/// Asserts that a script went through, and said so for each key.
fn assert_done(output: &Output, when: &str) {
    let told = told(output);
    assert!(output.status.success() && !told.contains("ERROR"), "{when}: {told}");
    for key in common::KEYS {
        assert!(told.lines().any(|line| line.contains(key) && line.contains("ok")), "{when}: {told}");
    }
    assert_clean(&told);
}

/// Asserts that a script stopped at a comparison, at a line that says which, with no key in what it said.
fn assert_stopped(output: &Output, script: &str, at: &str, when: &str) {
    let told = told(output);
    let line = told.split("ERROR 1242 (21000) at line ").nth(1).and_then(|rest| rest.split(':').next()?.parse::<usize>().ok());
    let line = line.and_then(|line| script.lines().nth(line - 1)).unwrap_or_default();
    assert!(!output.status.success() && line.contains(at), "{when}: {told} {line}");
    assert_clean(&told);
}

#[test]
fn the_scripts_and_the_step_leave_the_same_rows() {
    let server = Server::start(&[]);
    let modes = ["", "STRICT_TRANS_TABLES", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "ANSI,TRADITIONAL,NO_BACKSLASH_ESCAPES", "ORACLE"];
    for (index, mode) in modes.iter().enumerate() {
        server.sql(&format!("set global sql_mode = '{mode}'"));
        for (engine, options) in ENGINES {
            let (by_hand, by_step) =
                (scene(&server, &format!("hand_{index}_{engine}"), options), scene(&server, &format!("step_{index}_{engine}"), options));
            let same = |when: &str| {
                assert!(by_hand.dump("manager_info") == by_step.dump("manager_info"), "{when} {mode} {engine}");
                assert!(by_hand.dump(COPY) == by_step.dump(COPY), "{when} {mode} {engine}");
            };
            assert_done(&run(&by_hand, &update(&by_hand), ""), mode);
            assert_eq!(by_step.update(), Ok(all()));
            by_hand.assert_rows(&by_hand.new, mode);
            same("updated");
            assert_done(&run(&by_hand, &update(&by_hand), ""), mode);
            same("updated twice");
            for when in ["undone", "undone twice"] {
                assert_done(&run(&by_hand, &undo(&by_hand), ""), mode);
                by_step.restore().unwrap();
                by_hand.assert_rows(&by_hand.old, mode);
                same(when);
            }
            assert_done(&run(&by_hand, &update(&by_hand), ""), mode);
            assert_eq!(by_step.update(), Ok(all()));
            same("updated again");
            // Each way undoes what the other did.
            assert_done(&run(&by_step, &undo(&by_step), ""), mode);
            assert_eq!(by_hand.restore(), Ok(all()));
            same("undone crosswise");
        }
    }
}

#[test]
fn any_way_to_start_the_client_will_do() {
    let server = Server::start(&[]);
    for (index, options) in
        ["-N", "-t", "-vvv", "--safe-updates", "--force", "--init-command=set@@autocommit=0", "--default-character-set=gbk"]
            .iter()
            .enumerate()
    {
        let scene = scene(&server, &format!("client_{index}"), INNODB);
        assert_done_clean_or_verbose(&run(&scene, &update(&scene), options), options);
        scene.assert_rows(&scene.new, options);
        assert_done_clean_or_verbose(&run(&scene, &undo(&scene), options), options);
        scene.assert_rows(&scene.old, options);
    }
}

/// A client that is told to repeat the statements repeats the key as well.
fn assert_done_clean_or_verbose(output: &Output, options: &str) {
    if options == "-vvv" { assert!(output.status.success()) } else { assert_done(output, options) }
}

#[test]
fn a_failed_comparison_stops_the_update_and_leaves_the_rows() {
    let server = Server::start(&["--sql-mode="]);
    let mangle = "create trigger mangle before update on manager_info for each row set new.`value` = if(new.`key` = 'etcd-key.pem' and new.`value` like 'NEW%', concat(new.`value`, ' '), new.`value`)";
    let other = format!(
        "create table {COPY} like manager_info; insert into {COPY} select * from manager_info; update {COPY} set `value` = 'other' where id = 2"
    );
    let faults = [
        ("delete from manager_info where id = 2", "1_each_key"),
        ("insert into manager_info (`key`, `value`) values ('etcd.pem', 'x')", "1_each_key"),
        ("alter table manager_info modify `value` varchar(300)", "2_the_column"),
        (&other, "5_the_copy"),
        (mangle, "6_each_row"),
    ];
    for (index, (fault, at)) in faults.iter().enumerate() {
        for (engine, options) in ENGINES {
            for force in ["", "--force"] {
                let scene = scene(&server, &format!("fault_{index}_{engine}"), options);
                scene.sql(fault);
                let before = scene.dump("manager_info");
                let output = run(&scene, &update(&scene), force);
                if force.is_empty() {
                    assert_stopped(&output, &update(&scene), at, fault);
                } else {
                    assert!(told(&output).contains("NOT CHANGED"), "{fault}: {}", told(&output));
                }
                assert!(scene.dump("manager_info") == before, "{fault} {engine} {force}: {}", told(&output));
            }
        }
    }
}

#[test]
fn the_undo_gives_up_what_somebody_else_wrote_only_when_told() {
    let server = Server::start(&[]);
    for (engine, options) in ENGINES {
        for force in ["", "--force"] {
            let scene = scene(&server, &format!("theirs_{engine}"), options);
            assert_done(&run(&scene, &update(&scene), ""), engine);
            scene.sql("update manager_info set `value` = 'theirs' where id = 3");
            let before = scene.dump("manager_info");
            let output = run(&scene, &undo(&scene), force);
            if force.is_empty() {
                assert_stopped(&output, &undo(&scene), "2_nobody_changed", engine);
            }
            assert!(scene.dump("manager_info") == before);
            let output = run(&scene, &update(&scene), force);
            if force.is_empty() {
                assert_stopped(&output, &update(&scene), "5_the_copy", engine);
            }
            assert!(scene.dump("manager_info") == before);
            assert_done(&run(&scene, &undo(&scene).replace("set @discard_changes = 0;", "set @discard_changes = 1;"), ""), engine);
            scene.assert_rows(&scene.old, engine);
        }
    }
}

#[test]
fn a_half_full_copy_is_filled_and_rows_half_changed_are_finished() {
    let server = Server::start(&[]);
    for (engine, options) in ENGINES {
        for rows in ["id = 0", "id = 1", "id < 5", "id > 0"] {
            let scene = scene(&server, &format!("half_{engine}"), options);
            let whole = scene.dump("manager_info");
            scene.sql(&format!("create table {COPY} like manager_info; insert into {COPY} select * from manager_info where {rows}"));
            assert_done(&run(&scene, &update(&scene), ""), rows);
            scene.assert_rows(&scene.new, rows);
            assert!(scene.dump(COPY) == whole, "{rows}");
            let old = hex::encode(scene.old.bytes()[1].1);
            scene.sql(&format!("update manager_info set `value` = unhex('{old}') where id = 2"));
            assert_done(&run(&scene, &update(&scene), ""), rows);
            scene.assert_rows(&scene.new, rows);
            assert!(scene.dump(COPY) == whole, "{rows}");
        }
    }
}

#[test]
fn without_a_database_or_a_copy_nothing_happens() {
    let server = Server::start(&[]);
    let scene = scene(&server, "bare", INNODB);
    let output = server.run("", &update(&scene));
    assert!(!output.status.success() && told(&output).contains("ERROR 1046"), "{}", told(&output));
    let output = run(&scene, &undo(&scene), "");
    assert!(!output.status.success() && told(&output).contains("ERROR 1146"), "{}", told(&output));
    scene.assert_rows(&scene.old, "untouched");
}

#[test]
fn a_column_in_a_wide_character_set_holds_the_text() {
    let server = Server::start(&[]);
    let scene = Scene::set(&server, "wide", native(&server, "root", None), "text", INNODB);
    scene.sql("alter table manager_info modify `value` text character set ucs2");
    let before = scene.dump("manager_info");
    assert_done(&run(&scene, &update(&scene), ""), "update");
    let stored = scene.sql("select hex(convert(`value` using utf8)) from manager_info where id = 3");
    assert_eq!(hex::decode(stored).unwrap(), scene.new.bytes()[2].1);
    assert_done(&run(&scene, &undo(&scene), ""), "undo");
    assert!(scene.dump("manager_info") == before);
}
