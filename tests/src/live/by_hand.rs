//! The procedure as people do it by hand, with openssl, `mv` and `docker`: what a renewal by bundle is compared with.
//!
//! It follows the vendor's article step by step and knows nothing of reseal; the numbers are the article's.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Node, Site, database::KEYS, site::FILES, until};
use crate::{
    programs::sh,
    workshop::{GENCERTS, Workshop},
};

/// The folder into which step 3 copies `/srv/kubernetes`.
pub const BACKUP: &str = "/srv/kubernetes-bak";
/// How long a restart may take, settling aside.
const LONGEST_RESTART: Duration = Duration::from_mins(2);

/// The renewed CA, and a new leaf with its key, in a folder of the workstation.
pub struct Renewed {
    folder: PathBuf,
}

impl Renewed {
    /// Step 4: the CA again with the same key, and a leaf with the same names.
    ///
    /// # Panics
    /// When openssl fails, or an old leaf does not verify under the new CA.
    #[must_use]
    pub fn make(workshop: &Workshop) -> Self {
        let _ = sh(
            "mkdir by-hand
             openssl x509 -in etcd-ca.pem -days 36500 -out by-hand/etcd-ca.pem -signkey etcd-ca-key.pem 2>&1
             openssl verify -no_check_time -CAfile by-hand/etcd-ca.pem etcd.pem
             openssl genrsa -out by-hand/etcd-key.pem 2048 2>&1
             openssl req -new -key by-hand/etcd-key.pem -subj /O=transwarp/CN=kubernetes -config c.cnf -out by-hand/leaf.csr
             openssl x509 -req -in by-hand/leaf.csr -days 36500 -CA by-hand/etcd-ca.pem -CAkey etcd-ca-key.pem -set_serial 0x$(openssl rand -hex 16) \
                 -extfile c.cnf -extensions leaf_ext -out by-hand/etcd.pem 2>&1
             openssl verify -CAfile by-hand/etcd-ca.pem by-hand/etcd.pem",
            workshop.path(),
        );
        Self { folder: workshop.path().join("by-hand") }
    }

    /// The folder with the three files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// One of the files.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub fn file(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.join(name)).expect("the material is there")
    }

    /// Steps 3 and 5 on one node: copies its folder, and the three files over those in it.
    pub fn copy_to(&self, node: &Node) {
        let _ = node.sh(&format!("cp -r /srv/kubernetes {BACKUP}"));
        for file in FILES {
            node.write(&format!("/srv/kubernetes/{file}"), self.file(file));
        }
    }

    /// Steps 3 to 6.2 on a site that is not yet expired: all files first, then the masters one after another, each waited for.
    ///
    /// # Panics
    /// When a master does not come back.
    pub fn roll(&self, site: &Site) {
        site.nodes().iter().for_each(|node| self.copy_to(node));
        for node in site.masters() {
            restart_static_pods(node, site.layout.settle);
            wait_until_back(site, node);
            site.etcd().wait_until_healthy(LONGEST_RESTART);
        }
    }

    /// Steps 7 and 8: the CA and `config.json` of metainfo, and the rows of the database.
    ///
    /// # Panics
    /// When something fails.
    pub fn update_manager(&self, site: &Site) {
        let manager = site.manager();
        let _ = manager.sh(&format!(
            "cp /srv/kubernetes/etcd-ca.pem /{GENCERTS}/etcd-ca.pem; sed -i 's/\"87600h\"/\"876000h\"/' /{GENCERTS}/config.json"
        ));
        let database = site.database();
        let _ = database
            .sql("create table manager_info_bak2023 like manager_info; insert into manager_info_bak2023 select * from manager_info");
        for key in KEYS {
            let value = String::from_utf8(self.file(key)).expect("PEM is text");
            let _ = database.sql(&format!("update manager_info set `value`='{}' where `key`='{key}'", value.trim_end()));
        }
    }
}

/// Step 6.2 on one master: manifests out, wait until no container is left, settle, manifests back.
///
/// # Panics
/// When the containers stay.
pub fn restart_static_pods(node: &Node, settle: Duration) {
    let _ = node.sh("cd /opt/kubernetes; mv manifests-multi/tos-etcd.manifest manifests-multi/tos-apiserver.manifest .");
    until(&format!("the end of etcd and the API server on {}", node.name), LONGEST_RESTART, || {
        let left = [node.running_containers("tos-etcd"), node.running_containers("apiserver")].concat();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?} still run")) }
    });
    std::thread::sleep(settle);
    let _ = node.sh("cd /opt/kubernetes; mv tos-etcd.manifest tos-apiserver.manifest manifests-multi/");
}

/// The end of step 6.2 on one master: its member is healthy and its API server's container runs.
///
/// # Panics
/// When they are not in time.
pub fn wait_until_back(site: &Site, node: &Node) {
    until(&format!("etcd on {}", node.name), LONGEST_RESTART, || site.etcd().healthy(node));
    until(&format!("the API server on {}", node.name), LONGEST_RESTART, || {
        node.container("tos-apiserver").ok_or_else(|| "its container does not run".to_owned())
    });
}

/// Step 6.3, node by node, each waited for.
///
/// # Panics
/// When flannel does not run before, or not after.
pub fn restart_flannel_everywhere(site: &Site) {
    for node in site.nodes().iter().filter(|node| node.has_flannel) {
        let former = node.container("flanneld").unwrap_or_else(|| panic!("flannel does not run on {}", node.name));
        restart_flannel(node);
        until(&format!("flannel on {}", node.name), LONGEST_RESTART, || match node.container("flanneld") {
            Some(now) if now != former => Ok(()),
            now => Err(format!("{former}, now {now:?}")),
        });
    }
}

/// Step 6.3, for the pods of one node: by `kubectl` where there is one, else by stopping their containers.
pub fn restart_flannel(node: &Node) {
    let _ = node.sh(
        "if command -v kubectl >/dev/null; then
             kubectl delete po $(kubectl get po -owide -n kube-system | grep flannel | grep \" $(hostname)$\" | cut -d ' ' -f 1) -n kube-system
         else
             docker stop $(docker ps -q --filter name=k8s_flanneld_)
         fi",
    );
}
