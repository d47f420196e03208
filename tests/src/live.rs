//! A simulated air-gapped site on one machine: nodes in namespaces, each with a docker engine, a double of the kubelet and a real etcd
//! member, and a Manager node with a real database. [`Site::start`] brings one up; dropping it takes it down.
//!
//! Nothing of it leaves the machine or outlives the test: networks, mounts and processes belong to namespaces whose first processes end
//! when the test does, however that ends. Only control groups must be taken away, which the next site does where a test was killed.
//! Packages must not be installed, upgraded or removed meanwhile: the roots are overlays on this machine's, and Debian's scripts that stop a
//! service may end a node's processes too, for they look for a program's path. What is a double says so in its name: `kubelet_stand_in.py`, `kubectl_stand_in.py`, and the API server and flannel of the images.

mod confirm;
mod control_group;
pub mod docker;
mod image;
pub mod kubelet;
mod manifests;
mod network;
mod wait;

pub mod by_hand;
pub mod database;
pub mod etcd;
pub mod layout;
pub mod node;
pub mod site;
pub mod watcher;
pub mod writer;

use std::path::{Path, PathBuf};

pub use self::{
    layout::{Edition, EtcdVersion, Layout, Manager, Quirk},
    node::Node,
    site::Site,
    wait::until,
};

/// A support program of the harness.
fn support(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("support").join(name)
}

/// The workspace's `target` folder, where what is slow to make is kept.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from)
}
