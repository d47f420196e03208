//! The doubles of kubelet and kubectl on a node.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use serde_json::{Value, json};

use super::{
    Layout, Node, Quirk,
    image::PAUSE,
    manifests::{ASSIGNED, MANIFESTS},
    node::Background,
    support,
};

/// Where a node keeps the kubelet's log.
pub const LOG: &str = "/var/log/kubelet.log";
/// What `kubectl` deleted of pods that are not this node's.
const DELETED_ELSEWHERE: &str = "/var/log/kubectl-stand-in.deleted-elsewhere";
const QUIRKS: &str = "/run/kubelet-stand-in/quirks";
const KUBELET: &str = "/usr/sbin/kubelet-stand-in";
const KUBECTL: &str = "/usr/bin/kubectl";

/// Starts the kubelet.
pub fn start(node: &Node, layout: &Layout) -> Background {
    install(node, "kubelet_stand_in.py", KUBELET);
    for folder in [MANIFESTS, ASSIGNED, QUIRKS] {
        fs::create_dir_all(node.outside(folder)).expect("a folder can be made");
    }
    for (_, quirk) in layout.quirks.iter().filter(|(name, _)| *name == node.name) {
        node.set_quirk(*quirk, true);
    }
    let period = layout.kubelet_period.as_secs_f32().to_string();
    let scale = layout.back_off_scale.to_string();
    let slow_stop = layout.slow_stop.as_secs_f32().to_string();
    let flags = ["--pause-image", PAUSE, "--period", &period, "--back-off-scale", &scale, "--slow-stop", &slow_stop];
    node.start_background(&[&["python3", KUBELET, MANIFESTS, "--assigned", ASSIGNED], flags.as_slice()].concat(), LOG)
}

/// Gives a node `kubectl`, which knows besides the node's own pods those of flannel on others.
pub fn install_kubectl(node: &Node, others_with_flannel: &[&str]) {
    install(node, "kubectl_stand_in.py", KUBECTL);
    let pod = |(index, host): (usize, &&str)| {
        let status = json!({"phase": "Running", "containerStatuses": [{"name": "flanneld", "ready": true, "restartCount": 0, "state": {"running": {}}}]});
        let metadata = json!({"name": format!("flanneld-flannel-else{index}"), "namespace": "kube-system", "uid": format!("else{index}")});
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"nodeName": host, "containers": []}, "status": status})
    };
    let pods: Value = others_with_flannel.iter().enumerate().map(pod).collect();
    node.write("/etc/kubectl-stand-in/elsewhere.json", pods.to_string());
}

fn install(node: &Node, script: &str, path: &str) {
    let target = node.outside(path);
    // The machine may have a program of this name, whose link must not be followed.
    let _ = fs::remove_file(&target);
    fs::copy(support(script), &target).unwrap_or_else(|error| panic!("{}: {path}: {error}", node.name));
    fs::set_permissions(target, fs::Permissions::from_mode(0o755)).expect("a mode can be set");
}

impl Node {
    /// Switches a quirk of its kubelet.
    ///
    /// # Panics
    /// When the file that does it cannot be written.
    pub fn set_quirk(&self, quirk: Quirk, on: bool) {
        let path = Path::new(QUIRKS).join(quirk.file());
        let path = path.to_str().expect("quirks have plain names");
        if on {
            self.write(path, "");
        } else if self.has(path) {
            fs::remove_file(self.outside(path)).expect("the quirk's file can be removed");
        }
    }

    /// The files in the folder of static pods, hidden ones too.
    ///
    /// # Panics
    /// When the folder is not there.
    #[must_use]
    pub fn manifests(&self) -> Vec<String> {
        let entries = fs::read_dir(self.outside(MANIFESTS)).expect("the folder is there");
        let mut names: Vec<String> = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The names of flannel pods of other nodes that were deleted by this node's `kubectl`.
    #[must_use]
    pub fn pods_deleted_elsewhere(&self) -> Vec<String> {
        if !self.has(DELETED_ELSEWHERE) {
            return Vec::new();
        }
        String::from_utf8_lossy(&self.read(DELETED_ELSEWHERE)).lines().map(str::to_owned).collect()
    }
}
