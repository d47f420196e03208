//! What does not fit is refused with a name, and nothing is changed.

use bundle_format::digest::Digest;
use reseal_node::database::{Database, DatabaseError, Survey, Way};

use crate::{
    common::{INNODB, KEYS, MYISAM, Scene, Values, access, all, assert_clean, clean, command, native, step, ways},
    server::Server,
};

/// Both ways as a user without a password.
fn ways_of(server: &Server, user: &str) -> [(&'static str, Way); 2] {
    let client = format!("mariadb --no-defaults -u{user} -S {}", server.socket().display());
    [("native", native(server, user, None)), ("command", command(&client))]
}

#[test]
fn a_column_that_is_too_short_is_told_before_and_during() {
    let server = Server::start(&["--sql-mode="]);
    for options in [INNODB, MYISAM] {
        for (name, way) in ways(&server) {
            let scene = Scene::set(&server, &format!("short_{name}"), way, "varchar(64)", options);
            let before = scene.dump("manager_info");
            let table = scene.table();
            assert_eq!((table.capacity.most(), table.capacity.kind.as_str()), (64, "varchar, utf8mb3"));
            let needs = scene.new.bytes().iter().map(|(key, value)| (*key, value.len() as u64)).collect::<Vec<_>>();
            let objections = table.objections(&scene.step, &needs);
            assert_eq!(objections.len(), 3);
            let stored: Vec<(&str, Digest)> = table.rows.iter().map(|row| (row.key.as_str(), row.stored.unwrap().digest)).collect();
            let error = clean(scene.database.update(&scene.step, &scene.new.bytes(), &stored)).unwrap_err();
            assert_eq!(error, objections[0]);
            assert!(matches!(error, DatabaseError::TooShort { needs: 1000.., takes: 64, .. }), "{error}");
            assert!(scene.dump("manager_info") == before && table.capacity.most() == 64);
        }
    }
}

#[test]
fn a_row_that_is_missing_or_there_twice_or_empty_is_refused() {
    let server = Server::start(&[]);
    let faults = [
        ("delete from manager_info where `key` = 'etcd.pem' and id = 2", "table `manager_info` has no row `etcd.pem`"),
        ("insert into manager_info (`key`, `value`) values ('etcd.pem', 'x')", "table `manager_info` has 2 rows `etcd.pem`"),
        ("update manager_info set `value` = null where id = 2", "row `etcd.pem` has no value (NULL)"),
    ];
    for (index, (fault, told)) in faults.into_iter().enumerate() {
        for (name, way) in ways(&server) {
            let scene = Scene::set(&server, &format!("rows_{index}_{name}"), way, "text", INNODB);
            scene.sql(fault);
            let before = scene.dump("manager_info");
            let objections = scene.table().objections(&scene.step, &[]);
            assert_eq!(objections.iter().map(ToString::to_string).collect::<Vec<_>>(), [told]);
            assert_eq!(scene.update().unwrap_err(), objections[0]);
            assert_eq!(scene.restore().unwrap_err(), objections[0]);
            assert_eq!(scene.database.read(&scene.step).unwrap_err(), objections[0]);
            assert!(scene.dump("manager_info") == before);
        }
    }
}

#[test]
fn a_row_that_somebody_changed_is_left_alone() {
    let server = Server::start(&[]);
    for options in [INNODB, MYISAM] {
        for (name, way) in ways(&server) {
            let scene = Scene::set(&server, &format!("changed_{name}"), way, "text", options);
            let change = "update manager_info set `value` = 'theirs' where id = 3";
            let changed = Err(DatabaseError::Changed { key: KEYS[2].to_owned() });
            scene.sql(change);
            let before = scene.dump("manager_info");
            assert_eq!(scene.update(), changed);
            assert!(scene.dump("manager_info") == before);
            assert_eq!(scene.restore(), changed);
            assert!(scene.dump("manager_info") == before);
            let restored = scene.database.restore(&scene.step, &scene.old.bytes(), &scene.new.digests(), true);
            assert_eq!(restored, Ok(reseal_node::database::Outcome::Changed(vec![KEYS[2].to_owned()])));
            scene.assert_rows(&scene.old, "after changes were discarded");
        }
    }
}

#[test]
fn a_row_that_somebody_changes_just_before_the_lock_is_left_alone() {
    let server = Server::start(&[]);
    for (engine, options) in [("InnoDB", INNODB), ("MyISAM", MYISAM)] {
        for force in ["", "--force"] {
            let theirs = "update manager_info set value = 0x78 where id = 3; start transaction;";
            let line = format!("sh -c 'sed \"s/^start transaction;/{theirs}/\" | {}'", server.client(force));
            let scene = Scene::set(&server, "race", command(&line), "text", options);
            assert_eq!(scene.update(), Err(DatabaseError::Changed { key: KEYS[2].to_owned() }), "{engine} {force}");
            let rows = scene.dump("manager_info");
            assert_eq!((rows[0].1.as_slice(), rows[1].1.as_slice()), (scene.old.bytes()[0].1, scene.old.bytes()[1].1));
            assert_eq!(rows[2].1, b"x");
        }
    }
}

#[test]
fn a_value_that_is_not_stored_as_written_is_taken_back() {
    let server = Server::start(&["--sql-mode="]);
    for (engine, options) in [("InnoDB", INNODB), ("MyISAM", MYISAM)] {
        for (name, way) in ways(&server) {
            let scene = Scene::set(&server, &format!("mangled_{name}_{engine}"), way, "text", options);
            scene.sql("create trigger mangle before update on manager_info for each row set new.`value` = if(new.`key` = 'etcd-key.pem' and new.`value` like 'NEW%', concat(new.`value`, ' '), new.`value`)");
            assert_eq!(scene.update(), Err(DatabaseError::NotStored { key: KEYS[2].to_owned() }), "{name} {engine}");
            scene.assert_rows(&scene.old, "after the failure");
        }
        let scene = Scene::set(&server, "stuck", command(&server.client("--force")), "text", options);
        scene.sql("create trigger mangle before update on manager_info for each row set new.`value` = concat(new.`value`, ' ')");
        let error = scene.update().unwrap_err();
        match (engine, &error) {
            ("InnoDB", DatabaseError::NotStored { .. }) => scene.assert_rows(&scene.old, "after the failure"),
            ("MyISAM", DatabaseError::HalfDone { keys, .. }) => assert!(keys.contains(&KEYS[0].to_owned()), "{error}"),
            _ => panic!("{error}"),
        }
    }
}

#[test]
fn missing_rights_are_named_before_anything_is_done() {
    let server = Server::start(&[]);
    for (name, way) in ways(&server) {
        Scene::set(&server, &format!("rights_{name}"), way, "text", INNODB);
    }
    let grants = [
        ("reader", "select"),
        ("changer", "select, update"),
        ("maker", "select, update, create"),
        ("all_of_it", "select, update, create, insert"),
    ];
    for (user, rights) in grants {
        server.sql(&format!("create user {user}@localhost; grant {rights} on `rights\\_%`.* to {user}@localhost"));
        for (name, way) in ways_of(&server, user) {
            let schema = format!("rights_{name}");
            let database = Database::new(access(way, Some(&schema)));
            let Survey::Table(table) = database.survey(&step()).unwrap() else { panic!("no table") };
            let denied = |may: &Result<(), DatabaseError>| matches!(may, Err(DatabaseError::NoRights { .. }));
            assert_eq!(denied(&table.may_update), user == "reader", "{user}: {:?}", table.may_update);
            assert_eq!(denied(&table.may_copy), ["reader", "changer"].contains(&user), "{user}: {:?}", table.may_copy);
            let (old, new) = (Values::of("OLD"), Values::of("NEW"));
            let done = clean(database.update(&step(), &new.bytes(), &old.digests()));
            match user {
                "all_of_it" => assert_eq!(done, Ok(all()), "{name}"),
                _ => assert!(matches!(done, Err(DatabaseError::NoRights { .. })), "{user} {name}: {done:?}"),
            }
            let digest = Digest::of(if user == "all_of_it" { new.bytes()[0].1 } else { old.bytes()[0].1 });
            let Survey::Table(table) = database.survey(&step()).unwrap() else { panic!("no table") };
            assert_eq!(table.rows[0].stored.unwrap().digest, digest);
            server.sql(&format!("drop table if exists {schema}.manager_info_bak_20261123"));
        }
    }
}

#[test]
fn a_read_only_server_is_named() {
    let server = Server::start(&[]);
    server.sql("create user u@localhost; grant select, insert, update, create on *.* to u@localhost");
    for ((name, _), (_, way)) in ways(&server).into_iter().zip(ways_of(&server, "u")) {
        let scene = Scene::set(&server, &format!("readonly_{name}"), way, "text", INNODB);
        server.sql("set global read_only = 1");
        let table = scene.table();
        assert!(matches!(table.may_update, Err(DatabaseError::ReadOnly { .. })), "{name}: {:?}", table.may_update);
        let done = scene.update();
        assert!(matches!(done, Err(DatabaseError::ReadOnly { .. })), "{name}: {done:?}");
        server.sql("set global read_only = 0");
        scene.assert_rows(&scene.old, name);
    }
}

#[test]
fn the_one_schema_with_the_table_is_found() {
    let server = Server::start(&[]);
    server.sql("create user nobody@localhost");
    let survey = |way, schema: Option<&str>| Database::new(access(way, schema)).survey(&step());
    for (name, way) in ways_of(&server, "nobody") {
        let found = survey(way, None);
        assert!(matches!(found, Err(DatabaseError::SeesNothing { .. })), "{name}: {found:?}");
    }
    server.sql("create database `other-one`");
    let none = |found: &Result<Survey, DatabaseError>, of: Option<&str>| matches!(found, Ok(Survey::NoTable { schema }) if schema.as_deref() == of);
    for index in 0..2 {
        let way = || ways(&server).into_iter().nth(index).unwrap().1;
        assert!(none(&survey(way(), None), None));
        assert!(none(&survey(way(), Some("other-one")), Some("other-one")));
        for schema in ["missing", "mySQL2"] {
            let found = survey(way(), Some(schema));
            assert!(matches!(&found, Err(DatabaseError::NoSuchSchema { schema: of }) if of == schema), "{found:?}");
        }
        for schema in ["", "a`b", "a;b", "a\nb"] {
            let found = survey(way(), Some(schema));
            assert!(matches!(found, Err(DatabaseError::SchemaName { .. })), "{found:?}");
        }
        Scene::set(&server, "tosmgr", way(), "text", INNODB);
        assert!(matches!(survey(way(), None), Ok(Survey::Table(table)) if table.schema == "tosmgr"));
        Scene::set(&server, "tosmgr2", way(), "text", INNODB);
        let found = survey(way(), None);
        assert!(matches!(&found, Err(DatabaseError::SeveralSchemas { schemas, .. }) if *schemas == ["tosmgr", "tosmgr2"]), "{found:?}");
        server.sql("drop database tosmgr; drop database tosmgr2; create view `other-one`.manager_info as select 1");
        assert!(none(&survey(way(), Some("other-one")), Some("other-one")));
        server.sql("drop view `other-one`.manager_info");
    }
}

#[test]
fn a_column_that_would_change_the_bytes_is_refused() {
    let server = Server::start(&[]);
    for column in ["text character set ucs2", "varchar(5000) character set utf16", "set('a','b')", "binary(255)"] {
        for (name, way) in ways(&server) {
            let scene = Scene::set(&server, &format!("odd_{name}"), way, column, INNODB);
            let before = scene.dump("manager_info");
            let found = scene.database.survey(&scene.step);
            assert!(matches!(&found, Err(DatabaseError::Column { .. })), "{column}: {found:?}");
            assert!(matches!(scene.update(), Err(DatabaseError::Column { .. })));
            assert!(scene.dump("manager_info") == before);
        }
    }
    let (_, way) = ways(&server).into_iter().next().unwrap();
    let scene = Scene::set(&server, "gone", way, "text", INNODB);
    scene.sql("alter table manager_info change `value` content text");
    let error = scene.database.survey(&scene.step).unwrap_err();
    assert_eq!(error.to_string(), "column `value` of `manager_info` is missing");
}

#[test]
fn an_error_of_the_server_tells_no_key() {
    let server = Server::start(&[]);
    for (name, way) in ways(&server) {
        let scene = Scene::set(&server, &format!("told_{name}"), way, "text", INNODB);
        // The server repeats the value that it refuses.
        scene.sql("delete from manager_info where id > 3; alter table manager_info add unique (`value`(200))");
        let mut new = scene.new.bytes();
        new[1].1 = new[0].1;
        let error = clean(scene.database.update(&scene.step, &new, &scene.old.digests())).unwrap_err();
        assert!(matches!(error, DatabaseError::Server { code: 1062 | 1906, .. }), "{error}");
        assert_clean(&format!("{:?}", scene.database));
    }
}
