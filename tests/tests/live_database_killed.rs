//! The Manager's database is killed while the executor runs, at each place where that could matter: before the transaction, between its
//! rows, at its commit, right after it. Rows are old or new as a whole, and afterwards `apply` finishes and `rollback` restores.
//!
//! Each place is reached by what other connections do to a real server: they hold locks that the executor then waits for.
//! Needs root, namespaces, strace and the packages that `tests/all` installs.
#![allow(clippy::print_stdout, reason = "measurements are printed")]
#![allow(clippy::expect_used, reason = "a scene that cannot be set is a failed test")]

use std::time::{Duration, Instant};

use end_to_end::{
    live::{
        Layout, Manager, Node, Site,
        database::{KEYS, SOCKET},
        node::{BUNDLE, Background},
        until,
    },
    programs::Ran,
};

const TABLE: &str = "manager_info";
const LOG: &str = "/root/run.log";
const A_WHILE: Duration = Duration::from_secs(20);
/// Stops the change of the third row, after two, until nobody holds the gate.
const GATE: &str =
    "create trigger gate before update on manager_info for each row set @x = if(new.`key` = 'etcd-key.pem', get_lock('gate', 50), 0)";

/// A Manager node, with its rows at the start.
struct Bed {
    site: Site,
    signer: String,
    former: String,
}

/// What the rows must be after a kill.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Rows {
    /// Row by row: the engine knows no transactions.
    Any,
    /// All as before.
    Former,
    /// All new.
    New,
    /// All as before, or all new.
    Whole,
}

impl Bed {
    fn new() -> Self {
        let site = Site::start(Layout { masters: 0, flannel_node: false, manager: Manager::Own, ..Layout::ending_soon() });
        let bundle = site.bundle(&["--node", "tos1=10.199.0.11:etcd", "--san", "10.199.0.11", "--serial", "7"]);
        site.deliver(&bundle);
        let (signer, former) = (site.workshop.fingerprint(), site.database().everything(TABLE));
        site.manager().write(LOG, "");
        Self { site, signer, former }
    }

    fn node(&self) -> &Node {
        self.site.manager()
    }

    fn sql(&self, sql: &str) -> String {
        self.site.database().sql(sql)
    }

    fn apply(&self) -> Ran {
        self.node().reseal_node(&["apply", BUNDLE, "--signer", &self.signer])
    }

    fn start(&self) -> Background {
        self.node().start_background(&["/root/reseal-node", "apply", BUNDLE, "--signer", &self.signer], LOG)
    }

    /// A connection that does this and then sleeps so many seconds, a number by which it is known.
    fn session(&self, sql: &str, sleeps: u32) -> Background {
        let sql = format!("{sql}; select sleep({sleeps})");
        self.node().start_background(&["mariadb", "--no-defaults", "-uroot", "-S", SOCKET, "manager", "-e", &sql], "/root/session.log")
    }

    /// Waits until a connection is so far.
    fn await_connection(&self, condition: &str) {
        until(condition, A_WHILE, || {
            let list = "select id, command, time, state, info from information_schema.processlist where id <> connection_id()";
            let found = self.sql(&format!("{list} and ({condition})"));
            if found.is_empty() { Err(self.sql(list) + &String::from_utf8_lossy(&self.node().read(LOG))) } else { Ok(()) }
        });
    }

    fn end_session(&self, sleeps: u32) {
        let id = self.sql(&format!("select id from information_schema.processlist where info = 'select sleep({sleeps})'"));
        let _ = self.sql(&format!("kill {id}"));
    }

    /// Has the executor wait, two rows changed and one not, and gives it.
    fn start_up_to_the_gate(&self) -> Background {
        let _ = self.sql(GATE);
        let _ = self.session("select get_lock('gate', 1)", 101);
        self.await_connection("info = 'select sleep(101)'");
        let run = self.start();
        self.await_connection("state = 'User lock'");
        run
    }

    fn kill_the_database(&self) {
        let _ = self.node().sh(
            // What strace holds up ends with strace.
            "pid=$(pidof mariadbd); kill -KILL $pid $(pidof strace); while [ -d /proc/$pid ]; do sleep 0.05; done",
        );
    }

    /// Kills the server, looks at how the executor takes it, starts the server again, and ends it one way or the other.
    fn check(&self, what: &str, mut run: Background, rows: Rows, is_taken_back: bool) {
        let start = Instant::now();
        self.kill_the_database();
        let code = run.wait(Duration::from_secs(30));
        let said = String::from_utf8_lossy(&self.node().read(LOG)).into_owned();
        assert_eq!(code, 6, "{what}: {said}");
        let hints = ["to go back: `", "rollback", "begin once more: `"];
        for words in ["error:", "hint:", "was lost while trying to", "and it could not be put back"].into_iter().chain(hints) {
            assert!(said.contains(words), "{what}: {words} in {said}");
        }
        self.site.start_database(&[]);
        let found = self.site.database().everything(TABLE);
        let is_new = self.has_new_rows();
        let is_right = match rows {
            Rows::Any => true,
            Rows::Former => found == self.former,
            Rows::New => is_new,
            Rows::Whole => is_new || found == self.former,
        };
        assert!(is_right, "{what}: {rows:?} expected, and found\n{found}");
        let _ = self.sql("drop trigger if exists gate");
        let _ = self.node().reseal_node(&["status"]).expect_code(0);
        if is_taken_back {
            let _ = self.node().reseal_node(&["rollback"]).expect_code(0);
            assert_eq!(self.site.database().everything(TABLE), self.former, "{what}");
        }
        let _ = self.apply().expect_code(0);
        self.site.assert_renewed();
        let _ = self.node().reseal_node(&["rollback"]).expect_code(0);
        assert_eq!(self.site.database().everything(TABLE), self.former, "{what}");
        let _ = self.sql(&format!("drop table if exists {TABLE}_bak_7"));
        let _ = self.node().sh(&format!("rm -r /var/lib/reseal; : >{LOG}"));
        println!("{what}: rows were {}, {:?}", if is_new { "new" } else { "not new" }, start.elapsed());
    }

    fn has_new_rows(&self) -> bool {
        KEYS.iter().all(|key| {
            let file = self.node().read(&format!("/srv/kubernetes/{key}"));
            self.site.database().value(TABLE, key) == file.trim_ascii_end()
        })
    }
}

#[test]
fn a_database_that_is_killed_leaves_whole_rows_and_no_dead_end() {
    let bed = Bed::new();
    before_the_transaction(&bed);

    let run = bed.start_up_to_the_gate();
    bed.check("between the rows", run, Rows::Former, true);

    at_the_commit(&bed);
    after_the_commit_was_written(&bed);
    after_the_answer(&bed);

    let _ = bed.sql(&format!("alter table {TABLE} engine=MyISAM"));
    let run = bed.start_up_to_the_gate();
    bed.check("between the rows of an engine without transactions", run, Rows::Any, true);
}

/// Another connection changed a row and has not committed: the copy of the table waits for it.
fn before_the_transaction(bed: &Bed) {
    let _ = bed.session(&format!("start transaction; update {TABLE} set id = id where `key` = 'etcd.pem'"), 102);
    bed.await_connection("info = 'select sleep(102)'");
    let _ = bed.sql(&format!("select id from {TABLE} where `key` = 'etcd.pem'"));
    let run = bed.start();
    bed.await_connection("info like 'insert into%select%'");
    bed.check("before the transaction", run, Rows::Former, false);
}

/// A backup holds up all commits.
fn at_the_commit(bed: &Bed) {
    let run = bed.start_up_to_the_gate();
    let stages = ["start", "flush", "block_ddl", "block_commit"].map(|stage| format!("backup stage {stage}")).join("; ");
    let _ = bed.session(&stages, 103);
    bed.await_connection("info = 'select sleep(103)'");
    bed.end_session(101);
    bed.await_connection("state like 'Waiting for backup lock%'");
    bed.check("at the commit, before it is written", run, Rows::Former, false);
}

/// The server is held up by strace in what it does last before it answers a commit: having it written to the disk.
fn after_the_commit_was_written(bed: &Bed) {
    let run = bed.start_up_to_the_gate();
    let script =
        "exec strace -f -q -o /root/strace.log -p $(pidof mariadbd) -e trace=fsync,fdatasync -e inject=fsync,fdatasync:delay_exit=30000000";
    let _ = bed.node().start_background(&["sh", "-euc", script], "/root/strace.error");
    until("strace", A_WHILE, || {
        let left = bed.node().sh("grep -l 'TracerPid:.0$' /proc/$(pidof mariadbd)/task/*/status || :");
        if left.is_empty() { Ok(()) } else { Err(left) }
    });
    bed.end_session(101);
    until("the commit is written", A_WHILE, || {
        let log = bed.node().sh("cat /root/strace.log 2>/dev/null || :");
        if log.contains("sync(") { Ok(()) } else { Err(log) }
    });
    bed.check("at the commit, after it is written", run, Rows::Whole, false);
}

/// Another connection waits for the whole table, gets it with the commit, and holds up the look at the rows afterwards.
fn after_the_answer(bed: &Bed) {
    let run = bed.start_up_to_the_gate();
    let _ = bed.session(&format!("lock tables {TABLE} write"), 104);
    bed.await_connection("state = 'Waiting for table metadata lock'");
    bed.end_session(101);
    bed.await_connection("info = 'select sleep(104)'");
    bed.await_connection("state = 'Waiting for table metadata lock'");
    bed.check("after the commit was answered", run, Rows::New, false);
}
