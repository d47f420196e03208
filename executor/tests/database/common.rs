//! A Manager's table on a real server, both ways to it, and the check that no error tells a key.

use std::{fmt, time::Duration};

use bundle_format::{
    digest::Digest,
    slice::{DatabaseConnection, DatabaseRow, UpdateDatabase},
};
use reseal_node::database::{Access, ClientCommand, Database, DatabaseError, Native, Outcome, Survey, Table, Way};

use crate::server::Server;

pub const KEYS: [&str; 3] = ["etcd-ca.pem", "etcd.pem", "etcd-key.pem"];

/// Text like a PEM file without its last line end, the same for the same seed; `NEW` or `OLD` says which it is.
pub fn pem(kind: &str, key: &str) -> String {
    let mut state = Digest::of(format!("{kind}{key}").as_bytes());
    let mut body = String::new();
    for _ in 0..24 {
        state = Digest::of(state.as_bytes());
        let line: String = state.to_string().bytes().map(|byte| char::from(byte + if byte % 3 == 0 { 17 } else { 0 })).collect();
        body.push_str(&line);
        body.push('\n');
    }
    format!("{kind}\n-----BEGIN RSA PRIVATE KEY-----\n{body}-----END RSA PRIVATE KEY-----")
}

pub fn step() -> UpdateDatabase {
    let rows = KEYS.map(|key| DatabaseRow { key: key.to_owned(), entry: format!("secrets/{key}").parse().unwrap() });
    UpdateDatabase {
        table: "manager_info".parse().unwrap(),
        key_column: "key".parse().unwrap(),
        value_column: "value".parse().unwrap(),
        backup_table: "manager_info_bak_20261123".parse().unwrap(),
        rows: rows.into(),
        update_sql: "secrets/update.sql".parse().unwrap(),
        undo_sql: "secrets/undo.sql".parse().unwrap(),
        connection: DatabaseConnection::default(),
    }
}

/// The three values of one kind.
pub struct Values(Vec<(&'static str, String)>);

impl Values {
    pub fn of(kind: &str) -> Self {
        Self(KEYS.map(|key| (key, pem(kind, key))).into())
    }

    pub fn bytes(&self) -> Vec<(&str, &[u8])> {
        self.0.iter().map(|(key, value)| (*key, value.as_bytes())).collect()
    }

    pub fn digests(&self) -> Vec<(&str, Digest)> {
        self.0.iter().map(|(key, value)| (*key, Digest::of(value.as_bytes()))).collect()
    }
}

/// One schema with a table, and one way to it.
pub struct Scene<'a> {
    pub server: &'a Server,
    pub schema: String,
    pub database: Database,
    pub step: UpdateDatabase,
    pub old: Values,
    pub new: Values,
}

pub const INNODB: &str = "engine=InnoDB default charset=utf8";
pub const MYISAM: &str = "engine=MyISAM default charset=utf8";

/// How a test reaches the server as root.
pub fn ways(server: &Server) -> [(&'static str, Way); 2] {
    [("native", native(server, "root", None)), ("command", command(&server.client("")))]
}

pub fn native(server: &Server, user: &str, password: Option<&str>) -> Way {
    let password = password.map(|password| password.to_owned().into());
    let at = reseal_node::database::Server::Socket(server.socket());
    Way::Native(Native { server: at, user: user.to_owned(), password, tls: None })
}

pub fn command(line: &str) -> Way {
    Way::Command(ClientCommand::parse(line).unwrap())
}

pub fn access(way: Way, schema: Option<&str>) -> Access {
    Access { way, database: schema.map(str::to_owned), patience: Duration::from_secs(30) }
}

impl<'a> Scene<'a> {
    /// Makes the schema, a table with columns and options as given, the three rows, and rows beside them that only a byte-by-byte
    /// comparison tells apart.
    pub fn set(server: &'a Server, schema: &str, way: Way, value: &str, options: &str) -> Self {
        let step = step();
        server.sql(&format!("drop database if exists {schema}; create database {schema}"));
        let columns = format!("id int auto_increment primary key, `key` varchar(128) not null, `value` {value}, index (`key`)");
        server.sql(&format!("use {schema}; set sql_mode = ''; create table manager_info ({columns}) {options}"));
        let scene = Self {
            database: Database::new(access(way, Some(schema))),
            old: Values::of("OLD"),
            new: Values::of("NEW"),
            schema: schema.to_owned(),
            server,
            step,
        };
        for (key, value) in scene.old.bytes() {
            scene.insert(key, value);
        }
        for key in ["etcd.pem ", "ETCD.PEM", "other"] {
            scene.insert(key, key.as_bytes());
        }
        scene
    }

    pub fn insert(&self, key: &str, value: &[u8]) {
        let value = hex::encode(value);
        self.sql(&format!("set sql_mode = ''; insert into manager_info (`key`, `value`) values ('{key}', unhex('{value}'))"));
    }

    pub fn sql(&self, sql: &str) -> String {
        self.server.sql(&format!("use {}; {sql}", self.schema))
    }

    /// All rows of a table: keys and values, in order.
    pub fn dump(&self, table: &str) -> Vec<(String, Vec<u8>)> {
        let dump = self.sql(&format!("select hex(`key`), ifnull(hex(`value`), '') from {table} order by id"));
        let plain = |field: &str| hex::decode(field).unwrap();
        let row = |line: &str| line.split_once('\t').map(|(key, value)| (String::from_utf8(plain(key)).unwrap(), plain(value)));
        dump.lines().map(|line| row(line).unwrap()).collect()
    }

    /// Asserts that the rows hold these values, and those beside them their own.
    pub fn assert_rows(&self, values: &Values, when: &str) {
        let mut expected: Vec<(String, Vec<u8>)> = values.bytes().iter().map(|(key, value)| ((*key).to_owned(), value.to_vec())).collect();
        expected.extend(["etcd.pem ", "ETCD.PEM", "other"].map(|key| (key.to_owned(), key.as_bytes().to_vec())));
        assert!(self.dump("manager_info") == expected, "{when}: rows differ in {}", self.schema);
    }

    pub fn table(&self) -> Table {
        match self.database.survey(&self.step).unwrap() {
            Survey::Table(table) => *table,
            Survey::NoTable { .. } => panic!("no table"),
        }
    }

    pub fn update(&self) -> Result<Outcome, DatabaseError> {
        clean(self.database.update(&self.step, &self.new.bytes(), &self.old.digests()))
    }

    pub fn restore(&self) -> Result<Outcome, DatabaseError> {
        clean(self.database.restore(&self.step, &self.old.bytes(), &self.new.digests(), false))
    }
}

/// All rows were changed.
pub fn all() -> Outcome {
    Outcome::Changed(KEYS.map(str::to_owned).into())
}

/// Asserts that an error tells no part of a key, neither to people nor to programmers.
pub fn clean<T: fmt::Debug>(result: Result<T, DatabaseError>) -> Result<T, DatabaseError> {
    if let Err(error) = &result {
        assert_clean(&format!("{error} {error:?}"));
    }
    result
}

pub fn assert_clean(told: &str) {
    for kind in ["OLD", "NEW"] {
        for key in KEYS {
            let value = pem(kind, key);
            let body = value.split("KEY-----").nth(1).unwrap().split("-----END").next().unwrap();
            let hexed = hex::encode(body).to_lowercase();
            let lower = told.to_lowercase();
            let parts = |text: &str| (0..text.len() - 16).map(|at| text[at..at + 16].to_owned()).collect::<Vec<_>>();
            assert!(!parts(body).iter().any(|part| told.contains(part)), "{told}");
            assert!(!parts(&hexed).iter().any(|part| lower.contains(part)), "{told}");
        }
    }
}
