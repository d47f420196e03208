//! The pods of this node, as the API server knows them, by whatever `kubectl` is here and however it is set up to reach it.
//!
//! Each call is one question or one deletion, with an end: nothing waits for a pod to come or go. Nothing here touches another node's pods.
//! Answers are bounded ([`Machine::run`]), and a name that is none of Kubernetes' never reaches a command line.

use std::time::Duration;

use bundle_format::text;
use serde::Deserialize;
use thiserror::Error;

use crate::machine::{Host, Machine, ProcessError};

const PROGRAM: &str = "kubectl";
/// How long the API server may take, as `kubectl` is told, and how long `kubectl` may take in all.
const REQUEST_TIMEOUT: &str = "--request-timeout=15s";
const ANSWER: Duration = Duration::from_secs(20);
/// How long a deletion may take to be accepted. Since 1.11 `kubectl` waits for its end, which is not needed here.
const DELETION: Duration = Duration::from_secs(20);
/// The longest name of a pod (RFC 1123, 2.1, as Kubernetes applies it).
const LONGEST_NAME: usize = 253;

/// A `kubectl` that answers, and the name that this node has in its cluster.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Kubectl {
    node: String,
}

/// A pod of this node.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Where it is in its life: `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`.
    pub phase: String,
    /// What tells it from an earlier one of the same name.
    pub uid: String,
    /// Whether all of it is ready, and it is not being deleted.
    pub ready: bool,
}

/// Why `kubectl` is of no use here.
#[derive(Debug, Error)]
pub enum KubectlError {
    /// It knows none of this node's pods in the namespace.
    #[error("{}", text!(
        "`kubectl` lists {listed} pods of namespace `{namespace}`, none of them on this node",
        "`kubectl` 列出命名空间 `{namespace}` 的 {listed} 个 Pod，但没有一个在本节点上"
    ))]
    Elsewhere {
        /// The namespace.
        namespace: String,
        /// How many pods it lists.
        listed: usize,
    },
    /// It answered, but not in the form that is known.
    #[error("{}", text!("the answer of `kubectl` is not understood: {_0}", "无法理解 `kubectl` 的应答：{_0}"))]
    Malformed(#[from] serde_json::Error),
    /// A pod's name that Kubernetes would not allow.
    #[error("{}", text!("`{}` is no pod's name", "`{}` 不是 Pod 名称"; _0.escape_debug()))]
    Name(String),
    /// It does not answer.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

impl Kubectl {
    /// Finds out whether there is a `kubectl` that answers for a namespace, and which node of the cluster this host is: the one of its
    /// name, or else the one whose pods say that they are at one of its addresses.
    ///
    /// # Errors
    /// When it does not answer, or none of the pods of the namespace is here.
    pub fn detect(machine: &Machine, host: &Host, namespace: &str) -> Result<Self, KubectlError> {
        let list = list(machine, namespace)?;
        let node = list.node_of(host).map(str::to_owned);
        node.map(|node| Self { node }).ok_or_else(|| KubectlError::Elsewhere { namespace: namespace.to_owned(), listed: list.items.len() })
    }

    /// The name of this node.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.node
    }

    /// The pods of this node in a namespace whose name contains a word.
    ///
    /// # Errors
    /// When `kubectl` does not answer.
    pub fn pods(&self, machine: &Machine, namespace: &str, name_contains: &str) -> Result<Vec<Pod>, KubectlError> {
        Ok(list(machine, namespace)?.pods(&self.node, name_contains))
    }

    /// Has a pod deleted. That it is accepted is enough: a pod that takes long to end, or is gone already, is no error.
    ///
    /// # Errors
    /// When it is not accepted.
    pub fn delete(&self, machine: &Machine, namespace: &str, name: &str) -> Result<(), KubectlError> {
        if !is_name(name) {
            return Err(KubectlError::Name(name.chars().take(LONGEST_NAME).collect()));
        }
        let arguments = ["delete", "pods", name, &format!("--namespace={namespace}")];
        let output = machine.attempt(PROGRAM, &arguments, None, DELETION)?;
        if !is_accepted(&output.stdout, &output.stderr) {
            output.success()?;
        }
        Ok(())
    }
}

fn list(machine: &Machine, namespace: &str) -> Result<PodList, KubectlError> {
    let arguments = ["get", "pods", &format!("--namespace={namespace}"), "--output=json", REQUEST_TIMEOUT];
    Ok(PodList::parse(&machine.run(PROGRAM, &arguments, None, ANSWER)?.stdout)?)
}

/// Whether a deletion was accepted, however it then ended: `pod "x" deleted` is written before the wait for its end.
fn is_accepted(stdout: &[u8], stderr: &[u8]) -> bool {
    let said = |bytes: &[u8], word: &str| String::from_utf8_lossy(bytes).contains(word);
    said(stdout, "\" deleted") || said(stderr, "(NotFound)")
}

/// Whether Kubernetes allows this as a pod's name. None of them looks like a flag.
fn is_name(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let is_end = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    name.len() <= LONGEST_NAME && name.bytes().all(is_inner) && is_end(name.bytes().next()) && is_end(name.bytes().last())
}

/// The pods of a namespace, on all nodes, as far as they matter here: the answer of `kubectl get pods -o json`.
#[derive(Debug, Deserialize)]
pub struct PodList {
    items: Vec<Item>,
}

#[derive(Debug, Deserialize)]
struct Item {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    uid: String,
    deletion_timestamp: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    node_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    phase: String,
    #[serde(rename = "hostIP")]
    host_ip: Option<String>,
    conditions: Option<Vec<Condition>>,
}

#[derive(Debug, Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

impl PodList {
    /// Reads an answer.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(output: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(output)
    }

    /// Which node a host is. Two nodes at its addresses are a contradiction: then it is neither.
    #[must_use]
    pub fn node_of(&self, host: &Host) -> Option<&str> {
        let by_name = self.nodes().find(|node| host.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(node)));
        by_name.or_else(|| {
            let mut here = self.items.iter().filter(|item| item.is_at(host)).filter_map(|item| item.spec.node_name.as_deref());
            let first = here.next()?;
            here.all(|node| node == first).then_some(first)
        })
    }

    /// The pods of a node whose name contains a word.
    #[must_use]
    pub fn pods(self, node: &str, name_contains: &str) -> Vec<Pod> {
        let is_wanted = |item: &Item| item.spec.node_name.as_deref() == Some(node) && item.metadata.name.contains(name_contains);
        self.items.into_iter().filter(is_wanted).map(Item::pod).collect()
    }

    fn nodes(&self) -> impl Iterator<Item = &str> {
        self.items.iter().filter_map(|item| item.spec.node_name.as_deref())
    }
}

impl Item {
    fn is_at(&self, host: &Host) -> bool {
        let address = self.status.host_ip.as_ref().and_then(|address| address.parse().ok());
        address.is_some_and(|address| host.addresses.contains(&address))
    }

    fn pod(self) -> Pod {
        let is_ready = self.status.conditions.iter().flatten().any(|condition| condition.kind == "Ready" && condition.status == "True");
        let ready = is_ready && self.metadata.deletion_timestamp.is_none();
        Pod { name: self.metadata.name, phase: self.status.phase, uid: self.metadata.uid, ready }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIST: &str = r#"{ "apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": "", "selfLink": ""}, "items": [
        {"metadata": {"name": "flanneld-flannel-kg54q", "namespace": "kube-system", "uid": "u1"}, "spec": {"nodeName": "jiujiu-tdh-10"},
         "status": {"phase": "Running", "hostIP": "172.22.25.10", "conditions": [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "True"}]}},
        {"metadata": {"name": "flanneld-flannel-xcsq5", "uid": "u2", "deletionTimestamp": "2023-02-15T08:40:05Z"}, "spec": {"nodeName": "jiujiu-tdh-10"},
         "status": {"phase": "Running", "hostIP": "172.22.25.10", "conditions": [{"type": "Ready", "status": "True"}]}},
        {"metadata": {"name": "flanneld-flannel-z5rv7", "uid": "u3"}, "spec": {"nodeName": "jiujiu-tdh-11"},
         "status": {"phase": "Running", "hostIP": "172.22.25.11", "conditions": [{"type": "Ready", "status": "False"}]}},
        {"metadata": {"name": "flanneld-flannel-new", "uid": "u4"}, "spec": {}, "status": {"phase": "Pending"}},
        {"metadata": {"name": "kube-dns-1", "uid": "u5"}, "spec": {"nodeName": "jiujiu-tdh-10"}, "status": {"phase": "Running", "conditions": null}}
    ]}"#;

    fn list() -> PodList {
        PodList::parse(LIST.as_bytes()).expect("an answer")
    }

    fn host(name: Option<&str>, addresses: &[&str]) -> Host {
        let addresses = addresses.iter().map(|address| address.parse().expect("an address")).collect();
        Host { name: name.map(str::to_owned), addresses, machine_id: None }
    }

    #[test]
    fn a_node_is_known_by_its_name_or_else_by_its_address() {
        let list = list();
        for (host, node) in [
            (host(Some("JIUJIU-tdh-11"), &[]), Some("jiujiu-tdh-11")),
            (host(Some("jiujiu-tdh-11"), &["172.22.25.10"]), Some("jiujiu-tdh-11")),
            (host(Some("node-1"), &["10.0.0.1", "172.22.25.10"]), Some("jiujiu-tdh-10")),
            (host(Some("jiujiu-tdh-1"), &["172.22.25.1"]), None),
            (host(None, &["172.22.25.10", "172.22.25.11"]), None),
            (host(None, &[]), None),
        ] {
            assert_eq!(list.node_of(&host), node, "{host:?}");
        }
    }

    #[test]
    fn only_this_nodes_pods_of_that_name_are_listed() {
        let pods = list().pods("jiujiu-tdh-10", "flannel");
        let seen: Vec<_> = pods.iter().map(|pod| (pod.name.as_str(), pod.uid.as_str(), pod.phase.as_str(), pod.ready)).collect();
        assert_eq!(seen, [("flanneld-flannel-kg54q", "u1", "Running", true), ("flanneld-flannel-xcsq5", "u2", "Running", false)]);
        assert!(!list().pods("jiujiu-tdh-11", "")[0].ready);
        assert!(list().pods("", "").is_empty() && list().pods("jiujiu", "").is_empty());
    }

    #[test]
    fn what_is_no_list_of_pods_is_an_error() {
        let unnamed = LIST.replacen("\"name\"", "\"nom\"", 1);
        for output in ["", "{}", "No resources found.", "{\"items\": null}", &LIST[..LIST.len() - 3], &unnamed, &"[".repeat(100_000)] {
            assert!(PodList::parse(output.as_bytes()).is_err(), "{}", &output[..output.len().min(40)]);
        }
        assert!(PodList::parse(b"{\"items\":[{\"metadata\":{\"name\":\"\xff\",\"uid\":\"u\"}}]}").is_err());
        assert_eq!(PodList::parse(b"{\"items\":[]}").expect("an answer").items.len(), 0);
    }

    #[test]
    fn no_flag_passes_for_a_pods_name() {
        for name in ["--all", "-f", "", "a b", "a/b", "A", "a-", ".a", "a\n", "a,b", &"a".repeat(254)] {
            assert!(!is_name(name), "{name}");
        }
        assert!(is_name("flanneld-flannel-kg54q") && is_name("tos-etcd-n1.site.cn") && is_name("a"));
    }

    #[test]
    fn a_deletion_is_accepted_when_kubectl_says_so_or_the_pod_is_gone() {
        assert!(is_accepted(b"pod \"flanneld-flannel-kg54q\" deleted\n", b""));
        assert!(is_accepted(b"pod \"a\" deleted from kube-system namespace\n", b""));
        assert!(is_accepted(b"", b"Error from server (NotFound): pods \"a\" not found\n"));
        assert!(!is_accepted(b"", b"Error from server (Forbidden): pods \"a\" is forbidden\n"));
        assert!(!is_accepted(b"", b"") && !is_accepted(b"", b"error: context \"a\" deleted\n"));
    }

    proptest! {
        #[test]
        fn no_output_panics(output: Vec<u8>) {
            let _ = PodList::parse(&output);
        }
    }
}
