//! Step 9 of the procedure: whether a whole site has been renewed, however that was done.

use std::{fs, time::Duration};

use super::{Node, Site, database::KEYS, site::FILES, until};
use crate::{programs::sh, workshop::GENCERTS};

/// For a majority to find itself, and for a pod to come back, on a machine that is busy.
const LONGEST: Duration = Duration::from_secs(90);

impl Site {
    /// Checks that all nodes hold the same new files, that each master serves the new leaf, that etcd has one leader, what it had and what
    /// is written now, that the API servers and flannel run with the new files, and that the Manager hands them out.
    ///
    /// # Panics
    /// At the first difference.
    pub fn assert_renewed(&self) {
        self.assert_new_files_everywhere();
        if !self.masters().is_empty() {
            let _ = self.etcd().wait_until_healthy(LONGEST);
        }
        for node in self.masters() {
            let leaf = sha256_of_leaf(node);
            assert_eq!(self.etcd().served(node).map(|served| served.fingerprint), Some(leaf), "the leaf that {} shows", node.name);
            self.assert_keeps_and_takes_keys(node);
            assert_eq!(node.manifests(), ["tos-apiserver.manifest", "tos-etcd.manifest"], "{}", node.name);
            wait_for_apiserver(node);
        }
        for node in self.nodes().iter().filter(|node| node.has_flannel) {
            assert_flannel_is_new(node);
        }
        if self.nodes().iter().any(|node| node.is_manager) {
            self.assert_manager_is_renewed();
        }
    }

    fn assert_new_files_everywhere(&self) {
        let first = &self.nodes()[0];
        for file in FILES {
            let path = format!("/srv/kubernetes/{file}");
            let content = first.read(&path);
            assert_ne!(content, fs::read(self.workshop.path().join(file)).expect("the former file is there"), "{file} is new");
            for node in self.nodes() {
                assert!(node.read(&path) == content, "{file} of {} is that of {}", node.name, first.name);
            }
        }
        let judged = format!(
            "cd '{}'; openssl verify -CAfile etcd-ca.pem etcd.pem; openssl verify -no_check_time -CAfile etcd-ca.pem '{}'
             [ \"$(openssl pkey -in etcd-key.pem -pubout)\" = \"$(openssl x509 -in etcd.pem -noout -pubkey)\" ]
             openssl x509 -in etcd-ca.pem -noout -checkend 3000000000; openssl x509 -in etcd.pem -noout -checkend 2000000000",
            first.outside("/srv/kubernetes").display(),
            self.workshop.path().join("etcd.pem").display(),
        );
        let _ = sh(&judged, self.workshop.path());
    }

    fn assert_keeps_and_takes_keys(&self, node: &Node) {
        self.etcd().assert_seeded_keys(node);
        let key = format!("after-the-renewal/{}", node.name);
        assert_eq!(self.etcd().put(node, &key, "yes"), Ok(()));
        for other in self.masters() {
            assert_eq!(self.etcd().get(other, &key), Ok("yes".to_owned()), "{key} on {}", other.name);
        }
    }

    fn assert_manager_is_renewed(&self) {
        let manager = self.manager();
        let file = |name: &str| manager.read(&format!("/srv/kubernetes/{name}"));
        let metainfo = |name: &str| manager.read(&format!("/{GENCERTS}/{name}"));
        assert!(metainfo("etcd-ca.pem") == file("etcd-ca.pem"), "the CA of metainfo");
        let config = String::from_utf8_lossy(&metainfo("config.json")).into_owned();
        assert_eq!((config.matches("\"876000h\"").count(), config.matches("\"87600h\"").count()), (2, 0), "{config}");
        for key in KEYS {
            assert!(self.database().value("manager_info", key) == file(key).trim_ascii_end(), "the row {key}");
        }
        assert_eq!(self.database().value("manager_info", "manager.version"), b"7.0.1910a-final", "another row");
    }
}

fn sha256_of_leaf(node: &Node) -> String {
    sh("openssl x509 -in etcd.pem -outform DER | sha256sum | cut -c 1-64", &node.outside("/srv/kubernetes")).trim().to_owned()
}

fn wait_for_apiserver(node: &Node) {
    until(&format!("the API server of {}", node.name), LONGEST, || {
        let asked = node.run(&["curl", "-sS", "-m", "5", "http://127.0.0.1:8080/healthz"]);
        if asked.stdout == "ok" { Ok(()) } else { Err(asked.stdout + &asked.stderr) }
    });
}

/// Flannel's stand-in keeps what it started with.
fn assert_flannel_is_new(node: &Node) {
    let container = node.container("flanneld").unwrap_or_else(|| panic!("flannel does not run on {}", node.name));
    for file in ["etcd-ca.pem", "etcd.pem"] {
        let held = node.docker(&["exec", &container, "cat", &format!("/tmp/{file}")]).expect_code(0).stdout;
        assert!(held.as_bytes() == node.read(&format!("/srv/kubernetes/{file}")), "{file} that flannel on {} started with", node.name);
    }
}
