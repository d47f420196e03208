//! The Manager's database: a real `MariaDB` on the Manager node, with the table that the Manager hands certificates out from.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::{Node, node::Background, target, wait::until};
use crate::{
    programs::{Ran, run},
    workshop::Workshop,
};

/// Its socket.
pub const SOCKET: &str = "/run/mysqld/mysqld.sock";
/// Its port, on the loopback address.
pub const PORT: u16 = 3306;
/// The database.
pub const DATABASE: &str = "manager";
/// The user that the Manager has.
pub const USER: &str = "manager";
/// That user's password.
pub const PASSWORD: &str = "not a secret";
/// The rows that are renewed, each called like its file.
pub const KEYS: [&str; 3] = ["etcd-ca.pem", "etcd.pem", "etcd-key.pem"];
/// Where the Manager node keeps the database's log.
pub const LOG: &str = "/var/log/mariadbd.log";
const DATA: &str = "/var/lib/mysql-of-manager";

/// The database of a site, asked as root through its socket.
pub struct Database<'a> {
    node: &'a Node,
}

impl<'a> Database<'a> {
    pub(super) fn of(node: &'a Node) -> Self {
        Self { node }
    }

    /// Runs SQL, which the client reads from its standard input: keys do not belong in argv even here, where tests watch for them.
    #[must_use]
    pub fn try_sql(&self, sql: &str) -> Ran {
        self.node.run_with_input(&["mariadb", "--no-defaults", "-uroot", "-S", SOCKET, "--skip-column-names", "--raw", DATABASE], sql)
    }

    /// Runs SQL and gives what it selects, a row a line.
    ///
    /// # Panics
    /// When the database refuses it.
    #[must_use]
    pub fn sql(&self, sql: &str) -> String {
        self.try_sql(sql).expect_code(0).stdout
    }

    /// The value of a key in a table shaped like `manager_info`, byte for byte.
    ///
    /// # Panics
    /// When there is not exactly one.
    #[must_use]
    pub fn value(&self, table: &str, key: &str) -> Vec<u8> {
        let rows = self.sql(&format!("select hex(`value`) from `{table}` where `key`='{key}'"));
        assert_eq!(rows.lines().count(), 1, "rows of {key} in {table}");
        hex::decode(rows.trim()).expect("hex() makes hexadecimal")
    }

    /// The whole table as text, to compare.
    #[must_use]
    pub fn everything(&self, table: &str) -> String {
        self.sql(&format!("select `key`, sha2(`value`, 256), length(`value`) from `{table}` order by `key`"))
    }

    /// Ends the server, in order.
    ///
    /// # Panics
    /// When it does not end.
    pub fn stop(&self) {
        let _ = self.node.run(&["mariadb-admin", "--no-defaults", "-uroot", "-S", SOCKET, "shutdown"]).expect_code(0);
        until("the end of the database", Duration::from_secs(30), || {
            if self.node.has(SOCKET) { Err("its socket is there".to_owned()) } else { Ok(()) }
        });
    }
}

/// Starts the server on what the node's disk has, with these options besides.
///
/// # Panics
/// When it does not answer.
pub fn start(node: &Node, options: &[String]) -> Background {
    let _ = node.sh("mkdir -p /run/mysqld");
    let (data, socket, port) = (format!("--datadir={DATA}"), format!("--socket={SOCKET}"), format!("--port={PORT}"));
    let mut argv =
        vec!["mariadbd", "--no-defaults", "--user=root", "--bind-address=127.0.0.1", "--innodb-use-native-aio=0", &data, &socket, &port];
    argv.extend(options.iter().map(String::as_str));
    let mut server = node.start_background(&argv, LOG);
    until("the Manager's database", Duration::from_mins(1), || {
        assert!(server.is_running(), "mariadbd has ended:\n{}", String::from_utf8_lossy(&node.read(LOG)));
        let asked = node.run(&["mariadb-admin", "--no-defaults", "-uroot", "-S", SOCKET, "ping"]);
        if asked.code == 0 { Ok(()) } else { Err(asked.stderr) }
    });
    server
}

/// Puts an initialised data folder on a node.
///
/// # Panics
/// When it cannot be made or copied.
pub fn install(node: &Node) {
    let script = format!("cp -r '{}' '{}'", initialised().display(), node.outside(DATA).display());
    let _ = run("sh", &["-euc", &script], Path::new("/")).expect_code(0);
}

/// Fills a fresh server with the table, the rows of these certificates, and a few of others.
///
/// # Panics
/// When the database refuses it.
pub fn fill(node: &Node, workshop: &Workshop) {
    let pem = |file: &str| hex::encode(fs::read_to_string(workshop.path().join(file)).expect("the material is there").trim_end());
    let rows = KEYS.map(|key| format!("('{key}', convert(unhex('{}') using utf8))", pem(key))).join(",");
    let sql = format!(
        "create database {DATABASE}; use {DATABASE};
         create table manager_info (id int auto_increment primary key, `key` varchar(128) not null unique, `value` text) engine=InnoDB default charset=utf8;
         insert into manager_info (`key`, `value`) values ('manager.version', '7.0.1910a-final'), {rows}, ('etcd-ca-key.pem.location', 'install package'), ('empty', '');
         create user {USER}@localhost identified by '{PASSWORD}'; create user {USER}@127.0.0.1 identified by '{PASSWORD}';
         grant all on {DATABASE}.* to {USER}@localhost; grant all on {DATABASE}.* to {USER}@127.0.0.1;"
    );
    let _ = node.run_with_input(&["mariadb", "--no-defaults", "-uroot", "-S", SOCKET], &sql).expect_code(0);
}

/// A data folder as the server's own installer makes it, kept because that takes seconds.
fn initialised() -> PathBuf {
    static MAKING: Mutex<()> = Mutex::new(());
    let _guard = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let version = run("mariadbd", &["--version"], Path::new("/")).expect_code(0).stdout;
    let version: String = version.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '.').collect();
    let folder = target().join("live");
    fs::create_dir_all(&folder).expect("a folder can be made");
    let folder = folder.canonicalize().expect("an absolute path");
    let data = folder.join(format!("database-{}", version.chars().take(100).collect::<String>()));
    if !data.exists() {
        let script = format!(
            "new=$(mktemp -d '{}/database-new-XXXXXX')
             mariadb-install-db --no-defaults --user=root --datadir=$new --auth-root-authentication-method=normal --skip-test-db >$new.log 2>&1 || {{ cat $new.log; exit 1; }}
             rm $new.log; mv -T $new '{}' 2>/dev/null || rm -r $new",
            folder.display(),
            data.display()
        );
        let _ = run("sh", &["-euc", &script], Path::new("/")).expect_code(0);
    }
    data
}
