//! The pods of a site, as manifests.

use serde_json::{Value, json};

use super::image::{APISERVER, ETCD, FLANNEL};

/// The folder of static pods.
pub const MANIFESTS: &str = "/opt/kubernetes/manifests-multi";
/// The folder of templates of pods that the API server assigned.
pub const ASSIGNED: &str = "/etc/kubelet-stand-in/assigned";
/// The data folder of etcd.
pub const ETCD_DATA: &str = "/var/lib/tos-etcd";
/// What members of the site's cluster share, so that no others join it.
pub const CLUSTER_TOKEN: &str = "tos";

/// `name=https://address:2380` of each member, as etcd takes it.
#[must_use]
pub fn initial_cluster<'a>(members: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    members.into_iter().map(|(name, address)| format!("{name}=https://{address}:2380")).collect::<Vec<_>>().join(",")
}

/// The static pod of a member.
#[must_use]
pub fn etcd(name: &str, address: &str, cluster: &str) -> Value {
    let pem = |file: &str| format!("/srv/kubernetes/{file}.pem");
    let options = [
        ("name", name.to_owned()),
        ("data-dir", ETCD_DATA.to_owned()),
        ("logger", "zap".to_owned()),
        ("log-outputs", "stderr".to_owned()),
        ("listen-client-urls", "https://0.0.0.0:4001".to_owned()),
        ("advertise-client-urls", format!("https://{address}:4001")),
        ("listen-peer-urls", format!("https://{address}:2380")),
        ("initial-advertise-peer-urls", format!("https://{address}:2380")),
        ("initial-cluster", cluster.to_owned()),
        ("initial-cluster-state", "new".to_owned()),
        ("initial-cluster-token", CLUSTER_TOKEN.to_owned()),
        ("client-cert-auth", "true".to_owned()),
        ("trusted-ca-file", pem("etcd-ca")),
        ("cert-file", pem("etcd")),
        ("key-file", pem("etcd-key")),
        ("peer-client-cert-auth", "true".to_owned()),
        ("peer-trusted-ca-file", pem("etcd-ca")),
        ("peer-cert-file", pem("etcd")),
        ("peer-key-file", pem("etcd-key")),
    ];
    let command: Vec<String> =
        std::iter::once("/bin/etcd".to_owned()).chain(options.iter().map(|(option, value)| format!("--{option}={value}"))).collect();
    let container = json!({"name": "tos-etcd", "image": ETCD, "command": command});
    pod(
        &json!({"name": "tos-etcd", "namespace": "kube-system"}),
        container,
        &[("pki", "/srv/kubernetes", true), ("data", ETCD_DATA, false)],
    )
}

/// The static pod of the API server's stand-in.
#[must_use]
pub fn apiserver(needs_etcd: bool) -> Value {
    let without = if needs_etcd { "" } else { "1" };
    let environment = json!([{"name": "PATH", "value": "/bin"}, {"name": "WITHOUT_ETCD", "value": without}]);
    let container = json!({"name": "tos-apiserver", "image": APISERVER, "command": ["/bin/hyperkube", "apiserver"], "env": environment});
    pod(&json!({"name": "tos-apiserver", "namespace": "kube-system"}), container, &[("pki", "/srv/kubernetes", true)])
}

/// The template of the pods of flannel's stand-in.
#[must_use]
pub fn flannel() -> Value {
    let environment = json!([{"name": "PATH", "value": "/bin"}]);
    let container = json!({"name": "flanneld", "image": FLANNEL, "command": ["/bin/flanneld"], "env": environment});
    pod(&json!({"generateName": "flanneld-flannel-", "namespace": "kube-system"}), container, &[("pki", "/srv/kubernetes", true)])
}

fn pod(metadata: &Value, mut container: Value, folders: &[(&str, &str, bool)]) -> Value {
    let mount = |(name, path, read_only): &(&str, &str, bool)| json!({"name": name, "mountPath": path, "readOnly": read_only});
    container["volumeMounts"] = folders.iter().map(mount).collect();
    let volume = |(name, path, _): &(&str, &str, bool)| json!({"name": name, "hostPath": {"path": path}});
    let volumes: Vec<Value> = folders.iter().map(volume).collect();
    let spec = json!({"hostNetwork": true, "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "containers": [container], "volumes": volumes});
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
}
