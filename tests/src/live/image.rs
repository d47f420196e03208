//! The image of all containers of a site, made without a registry: one root file system, under the names of what runs from it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use super::{EtcdVersion, Node, support, target};
use crate::programs::run;

/// The name of the pause image, which the kubelet knows.
pub const PAUSE: &str = "transwarp/pause:tos-2.1";
/// The name of etcd's image.
pub const ETCD: &str = "transwarp/etcd:tos-2.1";
/// The name of the image of the API server's stand-in.
pub const APISERVER: &str = "stand-in/apiserver:tos-2.1";
/// The name of the image of flannel's stand-in.
pub const FLANNEL: &str = "stand-in/flannel:tos-2.1";

/// Made once in a test process: the folders with `etcd` and `etcdctl`, and the images' archives, by version.
static MADE: Mutex<BTreeMap<EtcdVersion, (PathBuf, PathBuf)>> = Mutex::new(BTreeMap::new());

/// The folder with `etcd` and `etcdctl` of a version.
///
/// # Panics
/// When they are neither installed nor to be fetched.
#[must_use]
pub fn etcd_folder(version: EtcdVersion) -> PathBuf {
    made(version).0
}

/// The archive of the image with this version of etcd.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn archive(version: EtcdVersion) -> PathBuf {
    made(version).1
}

fn made(version: EtcdVersion) -> (PathBuf, PathBuf) {
    MADE.lock().unwrap_or_else(PoisonError::into_inner).entry(version).or_insert_with(|| make(version)).clone()
}

fn make(version: EtcdVersion) -> (PathBuf, PathBuf) {
    let number = version.number();
    let folder = target().join(format!("tools/etcd-{number}"));
    let _ = run(support("fetch_etcd.sh"), &[number.as_ref(), folder.as_os_str()], Path::new("/")).expect_code(0);
    let kept = target().join("live");
    fs::create_dir_all(&kept).expect("a folder can be made");
    let archive = kept.join(format!("image-etcd-{number}.tar"));
    let _ = run(support("make_image.sh"), &[&folder, &archive], Path::new("/")).expect_code(0);
    (folder.canonicalize().expect("the folder was made"), archive)
}

/// Gives a node's engine the image under all its names.
///
/// # Panics
/// When docker fails.
pub fn load(node: &Node, archive: &Path) {
    let pause = ["docker", "import", "--change", "CMD [\"/bin/pause\"]", "--change", "ENV PATH=/bin", "-", PAUSE];
    let import = node.command(&pause).stdin(File::open(archive).expect("the archive is there")).output().expect("docker runs");
    assert!(import.status.success(), "{}: {}", node.name, String::from_utf8_lossy(&import.stderr));
    let _ = node.sh(&format!("for name in {ETCD} {APISERVER} {FLANNEL}; do docker tag {PAUSE} $name; done"));
}
