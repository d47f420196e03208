//! A Manager node whose real database is as sites have them: down, closed, narrow, of another engine, in another mode. Each ends in
//! success or in a refusal that changed nothing.
//!
//! Needs root, namespaces and the packages that `tests/all` installs.
#![allow(clippy::expect_used, reason = "a scene that cannot be set is a failed test")]

use std::time::Duration;

use end_to_end::{
    live::{
        Layout, Manager, Node, Site,
        database::{KEYS, PASSWORD, SOCKET, USER},
        node::BUNDLE,
        site::FILES,
        until,
    },
    programs::Ran,
    workshop::GENCERTS,
};

const TABLE: &str = "manager_info";
/// The copy of the table that the bundle of [`SERIAL`] makes.
const COPY: &str = "manager_info_bak_7";
const SERIAL: &str = "7";
/// A file with the password of the Manager's user, and one with another.
const PASSWORD_FILE: &str = "/root/password";
const WRONG_PASSWORD_FILE: &str = "/root/wrong";
const CLIENT: &str = "mariadb --no-defaults -uroot -S /run/mysqld/mysqld.sock";
const AS_ROOT: &[&str] = &[];
const AS_MANAGER: &[&str] = &["--db-user", USER, "--db-password-file", PASSWORD_FILE];

/// A Manager node, with all that it is compared with.
struct Bed {
    site: Site,
    signer: String,
    /// The table at the start.
    rows: String,
}

impl Bed {
    /// The masters of this site are only on paper: the Manager asks nothing of them.
    fn new() -> Self {
        let site = Site::start(Layout { masters: 0, flannel_node: false, manager: Manager::Own, ..Layout::ending_soon() });
        let bundle = site.bundle(&["--node", "tos1=10.199.0.11:etcd", "--san", "10.199.0.11", "--serial", SERIAL]);
        site.deliver(&bundle);
        let (signer, rows) = (site.workshop.fingerprint(), site.database().everything(TABLE));
        site.manager().write(PASSWORD_FILE, format!("{PASSWORD}\n"));
        site.manager().write(WRONG_PASSWORD_FILE, "another\n");
        Self { site, signer, rows }
    }

    fn node(&self) -> &Node {
        self.site.manager()
    }

    fn sql(&self, sql: &str) {
        let _ = self.site.database().sql(sql);
    }

    fn restart(&self, options: &[&str]) {
        self.site.database().stop();
        self.site.start_database(&options.iter().map(|option| (*option).to_owned()).collect::<Vec<_>>());
    }

    fn apply(&self, access: &[&str]) -> Ran {
        self.node().reseal_node(&[&["apply", BUNDLE, "--signer", &self.signer], access].concat())
    }

    fn has_former_files(&self) -> bool {
        let former = |file: &str| std::fs::read(self.site.workshop.path().join(file)).expect("the former file is there");
        let config = String::from_utf8_lossy(&self.node().read(&format!("/{GENCERTS}/config.json"))).contains("\"87600h\"");
        let metainfo = self.node().read(&format!("/{GENCERTS}/etcd-ca.pem")) == former("etcd-ca.pem");
        config && metainfo && FILES.iter().all(|file| self.node().read(&format!("/srv/kubernetes/{file}")) == former(file))
    }

    fn assert_tidy(&self) {
        let left = self.node().sh(&format!("find /srv /{GENCERTS} -name '.reseal-*'"));
        assert_eq!(left, "");
    }

    /// Checks that `apply` refuses with this in its reason, and that nothing has changed.
    fn assert_refused(&self, access: &[&str], why: &str) {
        let before = self.site.database().try_sql(&format!("checksum table {TABLE}")).stdout;
        let ran = self.apply(access).expect_code(4);
        assert!(ran.stderr.contains("hint:") && ran.stderr.contains(why), "{why}: {}", ran.stderr);
        self.assert_tidy();
        assert!(self.has_former_files(), "{why}");
        assert_eq!(self.site.database().try_sql(&format!("checksum table {TABLE}")).stdout, before, "{why}");
        assert_eq!(self.site.database().try_sql(&format!("show tables like '{COPY}'")).stdout, "", "{why}");
        assert_eq!(self.node().sh("ls /var/lib/reseal 2>/dev/null | grep -v '^lock$' || :"), "", "{why}: no run was begun");
    }

    /// Applies, checks that files and rows are renewed, applies again, and takes it back.
    fn assert_there_and_back(&self, access: &[&str]) {
        let _ = self.apply(access).expect_code(0);
        self.assert_tidy();
        self.site.assert_renewed();
        let again = self.apply(access).expect_code(0);
        assert!(again.stderr.contains("nothing to do:"), "{}", again.stderr);
        let _ = self.node().reseal_node(&[&["rollback"], access].concat()).expect_code(0);
        self.assert_former();
        self.forget();
    }

    fn assert_former(&self) {
        self.assert_tidy();
        assert!(self.has_former_files());
        assert_eq!(self.site.database().everything(TABLE), self.rows);
    }

    /// What is left of a run that was taken back, for the next case to begin like the first.
    fn forget(&self) {
        self.sql(&format!("drop table if exists {COPY}"));
        let _ = self.node().sh("rm -rf /var/lib/reseal");
    }
}

#[test]
fn a_database_that_cannot_be_used_is_refused_before_the_first_change() {
    let bed = Bed::new();
    bed.assert_refused(&["--db-user", USER], "denies access");
    bed.assert_refused(&["--db-user", USER, "--db-password-file", WRONG_PASSWORD_FILE], "denies access");
    bed.sql("create user reader@localhost identified by 'reads'; grant select on manager.* to reader@localhost");
    bed.node().write("/root/reads", "reads\n");
    bed.assert_refused(&["--db-user", "reader", "--db-password-file", "/root/reads"], "no right to");
    bed.assert_refused(&["--db-command", "mariadb --no-defaults -uroot -S /run/none.sock"], "the Manager's database cannot be used");
    bed.assert_refused(&["--db-command", "/usr/bin/not-there"], "/usr/bin/not-there");
    bed.assert_refused(&["--db-name", "other"], "`other`");

    bed.sql(&format!("update {TABLE} set `key`='gone' where `key`='etcd.pem'"));
    bed.assert_refused(AS_ROOT, "no row `etcd.pem`");
    bed.sql(&format!("update {TABLE} set `key`='etcd.pem' where `key`='gone'"));

    bed.sql(&format!("create table kept like {TABLE}; insert into kept select * from {TABLE}"));
    bed.sql(&format!("update {TABLE} set `value`=left(`value`, 64); alter table {TABLE} modify `value` varchar(64)"));
    bed.assert_refused(AS_ROOT, "takes 64");
    bed.assert_refused(&["--db-command", CLIENT], "takes 64");
    bed.sql(&format!("drop table {TABLE}; rename table kept to {TABLE}"));

    bed.site.database().stop();
    bed.assert_refused(AS_ROOT, "cannot reach");
    bed.assert_refused(&["--db-command", CLIENT], "the Manager's database cannot be used");
    bed.site.start_database(&["--read-only".to_owned()]);
    bed.assert_refused(AS_MANAGER, "read-only");
    // Strict mode is no condition: a column that cuts is refused by its width.
    bed.restart(&["--sql-mode="]);
    bed.sql(&format!("create table kept like {TABLE}; insert into kept select * from {TABLE}"));
    bed.sql(&format!("alter table {TABLE} modify `value` varchar(1000)"));
    bed.assert_refused(AS_MANAGER, "takes 1000");
    bed.sql(&format!("drop table {TABLE}; rename table kept to {TABLE}"));

    // And after all that it goes as if nothing had been.
    bed.assert_there_and_back(AS_MANAGER);
    let _ = bed.apply(&["--leave-database"]).expect_code(0);
    assert_eq!(bed.site.database().everything(TABLE), bed.rows, "the database is left");
    let _ = bed.node().reseal_node(&["rollback"]).expect_code(0);
    bed.assert_former();
}

#[test]
fn other_engines_modes_and_ways_to_reach_the_database_do_not_matter() {
    let bed = Bed::new();
    let over_tcp = ["--db-host", "127.0.0.1", "--db-user", USER, "--db-password-file", PASSWORD_FILE];
    bed.assert_there_and_back(&over_tcp);
    bed.assert_there_and_back(&["--db-command", CLIENT]);

    bed.sql(&format!("alter table {TABLE} engine=MyISAM"));
    let plan = bed.node().reseal_node(&[&["plan", BUNDLE, "--signer", &bed.signer], AS_MANAGER].concat()).expect_code(0);
    assert!(plan.stderr.contains("engine MyISAM: it knows no transactions"), "{}", plan.stderr);
    bed.assert_there_and_back(AS_MANAGER);
    bed.assert_there_and_back(&["--db-command", CLIENT]);
    bed.sql(&format!("alter table {TABLE} engine=InnoDB"));

    bed.restart(&["--sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES"]);
    bed.assert_there_and_back(AS_MANAGER);
    bed.assert_there_and_back(&["--db-command", CLIENT]);

    password_in_the_environment(&bed);
    a_row_that_others_hold(&bed);
}

fn password_in_the_environment(bed: &Bed) {
    let with = |arguments: &[&str]| {
        let program = ["env", &format!("DB_PW={PASSWORD}"), "/root/reseal-node"].map(str::to_owned);
        let argv: Vec<&str> = program.iter().map(String::as_str).chain(arguments.iter().copied()).collect();
        bed.node().run(&[argv.as_slice(), &["--db-user", USER, "--db-password-env", "DB_PW"]].concat())
    };
    let _ = with(&["apply", BUNDLE, "--signer", &bed.signer]).expect_code(0);
    bed.site.assert_renewed();
    let _ = with(&["rollback"]).expect_code(0);
    bed.assert_former();
    bed.forget();
    let unset = bed.apply(&["--db-user", USER, "--db-password-env", "DB_PW"]).expect_code(2);
    assert!(unset.stderr.contains("`DB_PW` is not set") && unset.stderr.contains("hint:"), "{}", unset.stderr);
    bed.assert_former();
}

/// The rows come last on a Manager node: when they cannot be had, the files go back, and once they are free it goes.
fn a_row_that_others_hold(bed: &Bed) {
    let hold =
        format!("start transaction; update {TABLE} set id=id where `key`='etcd.pem'; select 1 into outfile '/tmp/held'; select sleep(25)");
    let argv = ["mariadb", "--no-defaults", "-uroot", "-S", SOCKET, "manager", "-e", &hold];
    let mut holder = bed.node().start_background(&argv, "/root/holder.log");
    until("the lock", Duration::from_secs(20), || if bed.node().has("/tmp/held") { Ok(()) } else { Err("not yet".to_owned()) });
    let ran = bed.apply(AS_MANAGER).expect_code(5);
    assert!(ran.stderr.contains("another connection holds") && ran.stderr.contains("hint:"), "{}", ran.stderr);
    bed.assert_former();
    assert_eq!(holder.wait(Duration::from_mins(1)), 0, "whoever holds the lock ends by itself");
    until("the lock's end", Duration::from_mins(1), || {
        let transactions = "select trx_id, trx_state, trx_started, trx_mysql_thread_id, trx_tables_locked, trx_query from information_schema.innodb_trx where trx_tables_locked > 0 or trx_rows_locked > 0";
        let left = bed.site.database().sql(transactions);
        if left.is_empty() { Ok(()) } else { Err(left) }
    });
    let _ = bed.apply(AS_MANAGER).expect_code(0);
    bed.site.assert_renewed();
    let kept = KEYS.iter().filter(|key| !bed.site.database().value(COPY, key).is_empty()).count();
    assert_eq!(kept, 3, "the copy of the table");
}
