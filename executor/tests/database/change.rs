//! The rows are changed and brought back, whatever the engine, the SQL mode, the column and the client program.

use bundle_format::digest::Digest;
use reseal_node::database::{Copy, Outcome};

use crate::{
    common::{INNODB, KEYS, MYISAM, Scene, all, command, ways},
    server::Server,
};

#[test]
fn rows_are_changed_once_and_brought_back_once() {
    let server = Server::start(&[]);
    for (engine, options) in [("InnoDB", INNODB), ("MyISAM", MYISAM)] {
        for (name, way) in ways(&server) {
            let scene = Scene::set(&server, &format!("happy_{name}_{engine}"), way, "text", options);
            let before = scene.table();
            assert_eq!((before.engine.as_str(), before.is_transactional), (engine, engine == "InnoDB"));
            assert_eq!(
                (before.capacity.most(), &before.copy, &before.may_update, &before.may_copy),
                (65535, &Copy::Absent, &Ok(()), &Ok(()))
            );
            assert!(before.server.contains("MariaDB") && before.schema == scene.schema);
            assert_eq!(digests(&before.rows), scene.old.digests());
            let read = scene.database.read(&scene.step).unwrap();
            let read: Vec<(&str, &[u8])> = read.iter().map(|(key, value)| (key.as_str(), value.as_slice())).collect();
            assert_eq!(read, scene.old.bytes());
            let whole = scene.dump("manager_info");

            assert_eq!(scene.update(), Ok(all()));
            scene.assert_rows(&scene.new, "after the update");
            assert!(scene.dump("manager_info_bak_20261123") == whole);
            assert_eq!(scene.update(), Ok(Outcome::Already));
            let after = scene.table();
            assert_eq!(digests(&after.rows), scene.new.digests());
            assert!(after.copy_serves(&scene.old.digests()) && !after.copy_serves(&scene.new.digests()));

            assert_eq!(scene.restore(), Ok(all()));
            scene.assert_rows(&scene.old, "after the restoration");
            assert_eq!(scene.restore(), Ok(Outcome::Already));
            assert_eq!(scene.update(), Ok(all()), "the copy is reused");
            assert!(scene.dump("manager_info_bak_20261123") == whole);
        }
    }
}

fn digests(rows: &[reseal_node::database::Row]) -> Vec<(&str, Digest)> {
    rows.iter().map(|row| (row.key.as_str(), row.only("manager_info").unwrap().digest)).collect()
}

#[test]
fn no_sql_mode_changes_what_is_stored() {
    let server = Server::start(&[]);
    let modes = [
        "",
        "STRICT_TRANS_TABLES",
        "ANSI_QUOTES",
        "NO_BACKSLASH_ESCAPES",
        "ANSI,TRADITIONAL,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,ONLY_FULL_GROUP_BY,NO_AUTO_VALUE_ON_ZERO",
        "ORACLE,EMPTY_STRING_IS_NULL",
    ];
    for (index, mode) in modes.iter().enumerate() {
        server.sql(&format!("set global sql_mode = '{mode}'"));
        for (name, way) in ways(&server) {
            for (engine, options) in [("innodb", INNODB), ("myisam", MYISAM)] {
                let way = match &way {
                    reseal_node::database::Way::Command(_) => command(&server.client("")),
                    reseal_node::database::Way::Native(_) => crate::common::native(&server, "root", None),
                };
                let scene = Scene::set(&server, &format!("mode_{index}_{name}_{engine}"), way, "text", options);
                assert_eq!(scene.update(), Ok(all()), "{mode} {name} {engine}");
                scene.assert_rows(&scene.new, mode);
                assert_eq!(scene.restore(), Ok(all()), "{mode} {name} {engine}");
                scene.assert_rows(&scene.old, mode);
            }
        }
    }
}

#[test]
fn every_column_that_can_hold_the_bytes_holds_them() {
    let server = Server::start(&[]);
    let chinese = [("utf8", "证书".as_bytes().to_vec()), ("gbk", vec![0xd6, 0xa4, 0xca, 0xe9]), ("latin1", vec![0xe9, 0x80])];
    for (charset, former) in chinese {
        for (name, way) in ways(&server) {
            let options = format!("engine=InnoDB default charset={charset}");
            let scene = Scene::set(&server, &format!("column_{charset}_{name}"), way, "varchar(9000)", &options);
            let key = KEYS[1];
            scene.sql(&format!("update manager_info set `value` = unhex('{}') where `key` = '{key}' and id = 2", hex::encode(&former)));
            let before = scene.dump("manager_info");
            let mut old = scene.old.bytes();
            old[1].1 = &former;
            let digests: Vec<_> = old.iter().map(|(key, value)| (*key, Digest::of(value))).collect();
            assert_eq!(scene.database.update(&scene.step, &scene.new.bytes(), &digests), Ok(all()), "{charset}");
            scene.assert_rows(&scene.new, charset);
            assert_eq!(scene.database.restore(&scene.step, &old, &scene.new.digests(), false), Ok(all()), "{charset}");
            assert!(scene.dump("manager_info") == before, "{charset} {name}");
        }
    }
    for column in ["mediumtext character set utf8mb4", "longblob", "varbinary(5000)"] {
        for (name, way) in ways(&server) {
            let scene = Scene::set(&server, &format!("kind_{name}"), way, column, INNODB);
            assert_eq!(scene.update(), Ok(all()), "{column}");
            scene.assert_rows(&scene.new, column);
        }
    }
}

#[test]
fn a_client_program_may_dress_its_output_as_it_likes() {
    let server = Server::start(&[]);
    for (index, options) in ["-N", "-t", "-vvv", "-H", "-X", "-B --raw", "-E", "--force", "--unbuffered -U"].iter().enumerate() {
        let scene = Scene::set(&server, &format!("dress_{index}"), command(&server.client(options)), "text", INNODB);
        assert_eq!(scene.update(), Ok(all()), "{options}");
        scene.assert_rows(&scene.new, options);
        assert_eq!(scene.restore(), Ok(all()), "{options}");
        scene.assert_rows(&scene.old, options);
    }
}

#[test]
fn a_server_without_sha2_is_asked_for_the_values() {
    let server = Server::start(&[]);
    // One that does not know the function, and one that was built without and answers NULL.
    for (index, instead) in ["s/sha2(/sha9(/g", "s/sha2([^,]*, 256)/null/g"].iter().enumerate() {
        let line = format!("sh -c 'sed \"{instead}\" | {}'", server.client(""));
        let scene = Scene::set(&server, &format!("sha_{index}"), command(&line), "text", INNODB);
        let table = scene.table();
        assert_eq!(digests(&table.rows), scene.old.digests());
        assert_eq!(table.rows[2].stored.unwrap().bytes, scene.old.bytes()[2].1.len() as u64);
        assert_eq!(scene.update(), Ok(all()));
        scene.assert_rows(&scene.new, instead);
        assert!(scene.table().copy_serves(&scene.old.digests()));
        assert_eq!(scene.restore(), Ok(all()));
        scene.sql("update manager_info set `value` = null where id = 2");
        assert_eq!(scene.table().objections(&scene.step, &[])[0].to_string(), "row `etcd.pem` has no value (NULL)");
    }
}

#[test]
fn only_rows_that_differ_are_changed() {
    let server = Server::start(&[]);
    for (name, way) in ways(&server) {
        let scene = Scene::set(&server, &format!("some_{name}"), way, "text", MYISAM);
        assert_eq!(scene.update(), Ok(all()));
        let old = hex::encode(scene.old.bytes()[2].1);
        scene.sql(&format!("update manager_info set `value` = unhex('{old}') where `key` = 'etcd-key.pem'"));
        assert_eq!(scene.update(), Ok(Outcome::Changed(vec!["etcd-key.pem".to_owned()])));
        scene.assert_rows(&scene.new, "after the second update");
    }
}
