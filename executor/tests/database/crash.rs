//! Power cuts: of the server during and after the change, and of the executor between its steps.

use std::{thread, time::Duration};

use reseal_node::database::{Access, Database, DatabaseError, Outcome, Way};

use crate::{
    common::{INNODB, MYISAM, Scene, all, command, native, ways},
    server::Server,
};

const COPY: &str = "manager_info_bak_20261123";

#[test]
fn a_server_that_dies_in_the_transaction_leaves_the_rows_as_they_were() {
    for index in 0..2 {
        let mut server = Server::start(&[]);
        let way = || -> Way { if index == 0 { native(&server, "root", None) } else { command(&server.client("")) } };
        let scene = Scene::set(&server, "dies", way(), "text", INNODB);
        // The second row is changed by then, the third waits.
        scene.sql("create trigger wait after update on manager_info for each row set @x = if(new.`key` = 'etcd-key.pem', sleep(30), 0)");
        let done = thread::scope(|scope| {
            let update = scope.spawn(|| scene.update());
            while !server.sql("show processlist").contains("\tUser sleep\t") {
                thread::sleep(Duration::from_millis(20));
            }
            server.signal_kill();
            update.join().unwrap()
        });
        assert!(matches!(done, Err(DatabaseError::Lost { .. })), "{done:?}");
        let Scene { old, new, step, database, schema, .. } = scene;
        server.restart();
        let scene = Scene { server: &server, old, new, step, database, schema };
        scene.assert_rows(&scene.old, "after the restart");
        scene.sql("drop trigger wait");
        assert_eq!(scene.update(), Ok(all()));
        let Scene { old, new, step, database, schema, .. } = scene;
        server.kill();
        server.restart();
        let scene = Scene { server: &server, old, new, step, database, schema };
        scene.assert_rows(&scene.new, "after the second restart");
        assert_eq!(scene.update(), Ok(Outcome::Already));
        assert_eq!(scene.restore(), Ok(all()));
    }
}

#[test]
fn what_is_still_running_after_our_patience_commits_nothing() {
    let server = Server::start(&[]);
    // Ending the shell does not end the client, as ending `docker exec` does not end what runs in the container.
    let orphan = command(&format!("sh -c '{}; true'", server.client("")));
    for (name, way) in [("native", native(&server, "root", None)), ("command", orphan)] {
        let mut scene = Scene::set(&server, &format!("late_{name}"), native(&server, "root", None), "text", INNODB);
        scene.sql("create trigger wait after update on manager_info for each row set @x = sleep(4)");
        let access = Access { way, database: Some(scene.schema.clone()), patience: Duration::from_secs(2) };
        scene.database = Database::new(access);
        let done = scene.update();
        assert!(matches!(done, Err(DatabaseError::TimedOut { .. })), "{name}: {done:?}");
        let is_running = || server.sql("show processlist").contains(&format!("\t{}\t", scene.schema));
        while is_running() {
            thread::sleep(Duration::from_millis(100));
        }
        scene.assert_rows(&scene.old, name);
    }
}

#[test]
fn a_copy_that_a_crash_left_half_full_is_filled_up() {
    let server = Server::start(&[]);
    let create = format!("create table {COPY} like manager_info;");
    let halves = [
        create.clone(),
        format!("{create} insert into {COPY} select * from manager_info where id = 1"),
        format!("{create} insert into {COPY} select * from manager_info where id < 5"),
        format!("{create} insert into {COPY} select * from manager_info"),
    ];
    for options in [INNODB, MYISAM] {
        for half in &halves {
            for (name, way) in ways(&server) {
                let scene = Scene::set(&server, &format!("half_{name}"), way, "text", options);
                let whole = scene.dump("manager_info");
                scene.sql(half);
                assert!(scene.table().copy_serves(&scene.old.digests()));
                assert_eq!(scene.update(), Ok(all()), "{half}");
                scene.assert_rows(&scene.new, half);
                assert!(scene.dump(COPY) == whole, "{half}");
            }
        }
    }
}

#[test]
fn a_table_of_that_name_that_holds_something_else_is_left_alone() {
    let server = Server::start(&[]);
    let create = format!("create table {COPY} like manager_info;");
    let others = [
        format!("{create} insert into {COPY} select * from manager_info; update {COPY} set `value` = 'other' where id = 2"),
        format!("{create} insert into {COPY} (`key`, `value`) values ('theirs', 'theirs')"),
        format!("{create} insert into {COPY} select * from manager_info where id = 1; update {COPY} set `value` = 'other'"),
    ];
    for other in &others {
        for (name, way) in ways(&server) {
            let scene = Scene::set(&server, &format!("other_{name}"), way, "text", INNODB);
            scene.sql(other);
            let before = scene.dump(COPY);
            assert!(!scene.table().copy_serves(&scene.old.digests()));
            assert_eq!(scene.update(), Err(DatabaseError::CopyDiffers { table: COPY.to_owned() }), "{other}");
            scene.assert_rows(&scene.old, other);
            assert!(scene.dump(COPY) == before);
        }
    }
}

#[test]
fn a_table_of_that_name_with_other_columns_is_named() {
    let server = Server::start(&[]);
    for (name, way) in ways(&server) {
        let scene = Scene::set(&server, &format!("columns_{name}"), way, "text", INNODB);
        scene.sql(&format!("create table {COPY} (id int)"));
        let differs = DatabaseError::CopyDiffers { table: COPY.to_owned() };
        assert_eq!(scene.database.survey(&scene.step).unwrap_err(), differs);
        assert_eq!(scene.update().unwrap_err(), differs);
        scene.assert_rows(&scene.old, name);
    }
}

#[test]
fn rows_that_a_crash_left_half_changed_are_finished_or_taken_back() {
    let server = Server::start(&[]);
    for (name, way) in ways(&server) {
        let scene = Scene::set(&server, &format!("halfway_{name}"), way, "text", MYISAM);
        let half = || {
            scene.sql(&format!(
                "drop table if exists {COPY}; create table {COPY} like manager_info; insert into {COPY} select * from manager_info"
            ));
            scene.sql(&format!("update manager_info set `value` = unhex('{}') where id = 1", hex::encode(scene.new.bytes()[0].1)));
        };
        half();
        assert_eq!(scene.update(), Ok(Outcome::Changed(vec!["etcd.pem".to_owned(), "etcd-key.pem".to_owned()])));
        scene.assert_rows(&scene.new, "finished");
        assert_eq!(scene.restore(), Ok(all()));
        half();
        assert_eq!(scene.restore(), Ok(Outcome::Changed(vec!["etcd-ca.pem".to_owned()])));
        scene.assert_rows(&scene.old, "taken back");
        // Half changed, and no copy: the former values of what is new are in none.
        half();
        scene.sql(&format!("drop table {COPY}"));
        assert_eq!(scene.update(), Err(DatabaseError::CopyDiffers { table: COPY.to_owned() }));
    }
}
