//! No byte of a private key is to be seen while a live node is renewed, or afterwards, wherever people look or logs are kept.
//!
//! Needs root, namespaces and the packages that `tests/all` installs.
#![allow(clippy::expect_used, reason = "a scene that cannot be set is a failed test")]

use end_to_end::{
    live::{
        Layout, Manager, Node, Site,
        database::{self, PASSWORD, USER},
        docker, kubelet,
        node::BUNDLE,
    },
    programs::{Ran, sh},
    secret::Secret,
};

const PASSWORD_FILE: &str = "/root/password";
const CLIENT: &str = "mariadb --no-defaults -uroot -S /run/mysqld/mysqld.sock";

/// A master that is the Manager too, and both keys.
struct Bed {
    site: Site,
    signer: String,
    keys: [(&'static str, Secret); 2],
}

impl Bed {
    fn new() -> Self {
        let site = Site::start(Layout { masters: 1, flannel_node: false, manager: Manager::OnMaster(1), ..Layout::ending_soon() });
        let bundle = site.bundle(&["--serial", "7", "--settle", "1"]);
        site.deliver(&bundle);
        site.manager().write(PASSWORD_FILE, format!("{PASSWORD}\n"));
        let folder = site.workshop.path();
        let _ = sh(&format!("mkdir unpacked; tar -xzf '{}' -C unpacked", bundle.display()), folder);
        let keys = [
            ("the new key", Secret::of(&folder.join("unpacked/site-7/secrets/etcd-key.pem"))),
            ("the former key", Secret::of(&folder.join("etcd-key.pem"))),
        ];
        let signer = site.workshop.fingerprint();
        Self { site, signer, keys }
    }

    fn node(&self) -> &Node {
        self.site.manager()
    }

    /// Runs a command as people do, and checks what it says.
    fn run(&self, words: &[&str], access: &[&str], code: i32) -> Ran {
        let bundle = [BUNDLE, "--signer", &self.signer, "--accept-outage"];
        let of_bundle = if matches!(words[0], "apply" | "plan") { bundle.as_slice() } else { &["--accept-outage"] };
        let ran = self.node().reseal_node(&[words, of_bundle, access].concat()).expect_code(code);
        for (name, key) in &self.keys {
            let said = [ran.stdout.as_bytes(), ran.stderr.as_bytes()].concat();
            assert_eq!(key.found_in(&said), None, "{name} in what {words:?} says");
        }
        ran
    }

    /// A whole visit there and back, while all command lines and environments are watched.
    fn visit(&self, access: &[&str]) {
        let watch = self.site.watch(self.keys.iter().flat_map(|(_, key)| key.samples()).collect());
        let _ = self.run(&["plan", "-v"], access, 0);
        let _ = self.run(&["apply", "-v"], access, 0);
        self.site.assert_renewed();
        let again = self.run(&["apply", "--json"], access, 0);
        assert!(again.stdout.contains("nothing-to-do"), "{}", again.stdout);
        let _ = self.node().reseal_node(&["status", "--json"]).expect_code(0);
        self.assert_nothing_kept();
        let _ = self.run(&["rollback", "-v"], access, 0);
        let seen = watch.stop();
        assert!(seen.looks > 20 && seen.findings.is_empty(), "{seen:?}");
        self.assert_nothing_kept();
        let _ = self.site.database().sql("drop table manager_info_bak_7");
    }

    /// Checks all that is kept on the node for people and programs to read.
    fn assert_nothing_kept(&self) {
        let state = self.node().sh("find /var/lib/reseal -type f ! -path '*/backup/*' ! -path '*/folder-*'");
        assert!(state.contains("/journal"), "{state}");
        let written = self.node().sh("find /var/log /var/lib/docker/containers /run -xdev -type f -newer /root/password 2>/dev/null || :");
        let logs = [kubelet::LOG, docker::LOG, database::LOG].into_iter().inspect(|log| assert!(self.node().has(log), "{log}"));
        for path in state.lines().chain(written.lines()).chain(logs) {
            let content = std::fs::read(self.node().outside(path)).unwrap_or_default();
            for (name, key) in &self.keys {
                assert_eq!(key.found_in(&content), None, "{name} in {path}");
            }
        }
    }
}

#[test]
fn no_key_is_seen_in_command_lines_output_or_logs() {
    let bed = Bed::new();
    let key = std::fs::read(bed.node().outside("/srv/kubernetes/etcd-key.pem")).expect("the key is there");
    assert!(bed.keys[1].1.found_in(&key).is_some(), "the search finds what there is");
    let natively = ["--db-user", USER, "--db-password-file", PASSWORD_FILE];
    let by_client = ["--db-command", CLIENT];
    bed.visit(&natively);
    bed.visit(&by_client);

    // A server whose errors tell what it was given.
    let _ = bed.site.database().sql(
        "delimiter //
         create trigger telling before update on manager_info for each row begin
             declare told varchar(128) default substr(new.value, 700, 120);
             signal sqlstate '45000' set message_text = told;
         end//",
    );
    let told = bed.site.database().try_sql("update manager_info set `value`=`value` where `key`='etcd-key.pem'").stderr;
    assert!(bed.keys[1].1.found_in(told.as_bytes()).is_some(), "it does tell");
    for access in [natively.as_slice(), &by_client] {
        let failed = bed.run(&["apply", "-v"], access, 5);
        assert!(failed.stderr.contains("hint:"), "{}", failed.stderr);
        bed.assert_nothing_kept();
        let _ = bed.site.database().sql("drop table if exists manager_info_bak_7");
    }
}
