//! What docker, crictl and kubectl answer, as a broken or hostile one may.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reseal_node::{
    containers::{crictl_containers, docker_names, docker_starts},
    kubectl::PodList,
};

fuzz_target!(|bytes: &[u8]| {
    for named in docker_names(bytes).unwrap_or_default() {
        assert!(!named.id.starts_with('-') && named.container != "POD");
    }
    for container in crictl_containers(bytes).unwrap_or_default() {
        assert!(!container.id.starts_with('-'));
    }
    let _ = docker_starts(bytes);
    if let Ok(list) = PodList::parse(bytes) {
        assert!(list.pods("n1", "flannel").iter().all(|pod| pod.name.contains("flannel")));
    }
});
