//! The services of TOS: etcd and the API server as static pods of each master, flannel, and the Manager's database.

use bundle_format::{
    name::{Label, NameError, NodeName},
    slice::{
        AwaitContainers, AwaitEtcd, DatabaseConnection, DatabaseRow, EtcdCluster, EtcdMember, HealthEndpoint, RestartPods,
        RestartStaticPods, Step, UpdateDatabase, Workload,
    },
};

use super::{ETCD, MATERIAL, Part, Settings, home};
use crate::{
    issue::IssuedAuthority,
    site::{DatabaseSection, Node, RestartSection, Site},
};

const MANIFESTS: &str = "/opt/kubernetes/manifests-multi";
const HOLDING: &str = "/opt/kubernetes";
const TABLE: &str = "manager_info";

/// How services are restarted. Times are in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restart {
    settle: u32,
    stop_timeout: u32,
    start_timeout: u32,
    etcd_port: u16,
    etcd_peer_port: u16,
}

impl Restart {
    /// What a site file says, over the vendor's 30 seconds and port 4001, and etcd's own 2380. A pod that crashed is started again after up to
    /// five minutes (the kubelet's `CrashLoopBackOff`), so the time for the start is three of those.
    #[must_use]
    pub fn of(section: RestartSection) -> Self {
        Self {
            settle: section.settle.unwrap_or(30),
            stop_timeout: section.stop_timeout.unwrap_or(600),
            start_timeout: section.start_timeout.unwrap_or(900),
            etcd_port: section.etcd_port.unwrap_or(4001),
            etcd_peer_port: section.etcd_peer_port.unwrap_or(2380),
        }
    }
}

/// How the Manager's database is reached; none where the site file says that it keeps no certificates.
#[must_use]
pub fn database_connection(section: &DatabaseSection) -> Option<DatabaseConnection> {
    let DatabaseSection { keeps_certificates, socket, host, port, user, database } = section.clone();
    keeps_certificates.unwrap_or(true).then_some(DatabaseConnection { socket, host, port, user, database })
}

/// The site's etcd, whose members are its masters.
pub fn cluster(settings: &Settings, nodes: &[&Node]) -> Result<EtcdCluster, NameError> {
    let name: Label = MATERIAL.parse()?;
    let members = nodes.iter().filter(|node| node.has_role(ETCD)).filter_map(|node| {
        let host_name = node.host_names.first().cloned().unwrap_or_else(|| node.name.to_string());
        Some(EtcdMember {
            node: node.name.clone(),
            host_name,
            address: *node.addresses.first()?,
            port: settings.restart.etcd_port,
            peer_port: settings.restart.etcd_peer_port,
        })
    });
    Ok(EtcdCluster {
        members: members.collect(),
        authority: home(&name, Part::Authority)?,
        certificate: home(&name, Part::Certificate)?,
        key: home(&name, Part::Key)?,
        name,
    })
}

/// A master's restart: both pods down, both up again, then etcd and the API server back.
pub fn master(settings: &Settings, cluster: &Label, node: &NodeName) -> Result<[Step; 3], NameError> {
    let Restart { settle, stop_timeout, start_timeout, .. } = settings.restart;
    let etcd = Workload { container: "tos-etcd".to_owned(), programs: vec!["etcd".to_owned()] };
    // `hyperkube apiserver` in the versions of the article, a program of its own in others.
    let api_server =
        Workload { container: "tos-apiserver".to_owned(), programs: vec!["kube-apiserver".to_owned(), "apiserver".to_owned()] };
    let manifest = |name: &str| format!("{MANIFESTS}/{name}.manifest").parse();
    Ok([
        Step::RestartStaticPods(RestartStaticPods {
            manifests: vec![manifest("tos-etcd")?, manifest("tos-apiserver")?],
            holding: HOLDING.parse()?,
            workloads: vec![etcd, api_server.clone()],
            cluster: Some(cluster.clone()),
            settle,
            stop_timeout,
            start_timeout,
        }),
        Step::AwaitEtcd(AwaitEtcd { cluster: cluster.clone(), member: node.clone(), timeout: start_timeout }),
        Step::AwaitContainers(AwaitContainers { workloads: vec![api_server], health: api_server_health(), timeout: start_timeout }),
    ])
}

/// The API server's ports, as Kubernetes has them by default.
fn api_server_health() -> Vec<HealthEndpoint> {
    let paths = || vec!["/readyz".to_owned(), "/healthz".to_owned()];
    vec![HealthEndpoint { tls: true, port: 6443, paths: paths() }, HealthEndpoint { tls: false, port: 8080, paths: paths() }]
}

/// Flannel's pods, which their controllers recreate.
pub fn flannel(settings: &Settings) -> Step {
    Step::RestartPods(RestartPods {
        namespace: "kube-system".to_owned(),
        name_contains: "flannel".to_owned(),
        programs: vec!["flanneld".to_owned()],
        timeout: settings.restart.start_timeout,
    })
}

/// The rows from which the Manager hands certificates out at the next role restart.
pub fn database(settings: &Settings, site: &Site, authorities: &[IssuedAuthority]) -> Result<Option<Step>, NameError> {
    let Some(connection) = settings.database.clone() else { return Ok(None) };
    let mut rows = Vec::new();
    for authority in authorities {
        rows.push(DatabaseRow { key: Part::Authority.file_name(&authority.name), entry: authority.entry()? });
        for leaf in &authority.leaves {
            rows.push(DatabaseRow { key: Part::Certificate.file_name(&leaf.name), entry: leaf.certificate_entry()? });
            rows.push(DatabaseRow { key: Part::Key.file_name(&leaf.name), entry: leaf.key_entry()? });
        }
    }
    Ok(Some(Step::UpdateDatabase(UpdateDatabase {
        table: TABLE.parse()?,
        key_column: "key".parse()?,
        value_column: "value".parse()?,
        backup_table: format!("{TABLE}_bak_{}", site.serial).parse()?,
        rows,
        update_sql: format!("secrets/{TABLE}.update.sql").parse()?,
        undo_sql: format!("secrets/{TABLE}.undo.sql").parse()?,
        connection,
    })))
}
