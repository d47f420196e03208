//! `nodes/<node>.json`: what one node gets. A slice is data: parameters resolved by the generator, nothing to evaluate.

use std::net::IpAddr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    bounded,
    name::{EntryPath, Identifier, Label, NodeName, Serial, SiteName, TargetPath},
    word,
};

/// One node's part of a bundle.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Slice {
    /// The format's number, [`crate::FORMAT`].
    pub format: u32,
    /// The site, as in `bundle.json`.
    pub site: SiteName,
    /// The serial, as in `bundle.json`.
    pub serial: Serial,
    /// The node, as in the entry's path.
    pub node: NodeName,
    /// How the node knows itself.
    pub identity: Identity,
    /// What the node does at its site, in the profile's words.
    #[serde(deserialize_with = "bounded::list::<_, _, 16>")]
    pub roles: Vec<Label>,
    /// Folders of which a whole copy is kept before the first change, for a person.
    #[serde(deserialize_with = "bounded::list::<_, _, 64>")]
    pub folders_to_back_up: Vec<TargetPath>,
    /// The etcd clusters of the site: steps name them, and every node can show how they are.
    #[serde(deserialize_with = "bounded::list::<_, _, 16>")]
    pub etcd: Vec<EtcdCluster>,
    /// What is to be done, in this order.
    #[serde(deserialize_with = "bounded::list::<_, _, 256>")]
    pub steps: Vec<Step>,
}

impl Slice {
    /// The files that its steps install, in order.
    pub fn installs(&self) -> impl Iterator<Item = &InstallFile> {
        self.steps.iter().flat_map(|step| match step {
            Step::InstallFiles(step) => step.files.as_slice(),
            _ => &[],
        })
    }

    /// The entries that its steps need. An entry may come more than once.
    pub fn entries(&self) -> impl Iterator<Item = &EntryPath> {
        let of_database = self.steps.iter().flat_map(|step| match step {
            Step::UpdateDatabase(step) => step.rows.iter().map(|row| &row.entry).chain([&step.update_sql, &step.undo_sql]).collect(),
            _ => Vec::new(),
        });
        self.installs().map(|file| &file.entry).chain(of_database)
    }

    /// The same entries, to be renamed.
    pub fn entries_mut(&mut self) -> impl Iterator<Item = &mut EntryPath> {
        self.steps.iter_mut().flat_map(|step| match step {
            Step::InstallFiles(step) => step.files.iter_mut().map(|file| &mut file.entry).collect(),
            Step::UpdateDatabase(UpdateDatabase { rows, update_sql, undo_sql, .. }) => {
                rows.iter_mut().map(|row| &mut row.entry).chain([update_sql, undo_sql]).collect()
            }
            _ => Vec::new(),
        })
    }

    /// The etcd cluster of this name.
    #[must_use]
    pub fn cluster(&self, name: &Label) -> Option<&EtcdCluster> {
        self.etcd.iter().find(|cluster| cluster.name == *name)
    }
}

/// How a node knows that a slice is its own: any one of these is enough.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Its host names, compared without regard to case.
    #[serde(deserialize_with = "bounded::texts::<_, 256>")]
    pub host_names: Vec<String>,
    /// Addresses of its interfaces.
    #[serde(deserialize_with = "bounded::list::<_, _, 256>")]
    pub addresses: Vec<IpAddr>,
    /// The content of `/etc/machine-id`, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_id: Option<String>,
}

/// An etcd cluster, as a client reaches it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EtcdCluster {
    /// Its name, by which steps refer to it.
    pub name: Label,
    /// Its members, in visiting order.
    #[serde(deserialize_with = "bounded::list::<_, _, 256>")]
    pub members: Vec<EtcdMember>,
    /// Where a node keeps the CA's certificate.
    pub authority: TargetPath,
    /// Where a node keeps the client's certificate, which here is the servers' too.
    pub certificate: TargetPath,
    /// Where a node keeps its private key.
    pub key: TargetPath,
}

/// One member of an etcd cluster.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EtcdMember {
    /// The node that it runs on.
    pub node: NodeName,
    /// The name for TLS (SNI, RFC 6066, 3). It is never resolved.
    pub host_name: String,
    /// The address that is dialled.
    pub address: IpAddr,
    /// The port of its client URL.
    pub port: u16,
    /// The port of its peer URL.
    pub peer_port: u16,
}

/// One typed action: the executor's only vocabulary.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Step {
    /// Wait until containers run, and where they can be asked, until they say that they are well.
    AwaitContainers(AwaitContainers),
    /// Wait until this node's member of an etcd cluster is back, and tell how far the cluster is.
    AwaitEtcd(AwaitEtcd),
    /// Edit values of a JSON document and leave every other byte of it alone.
    EditJson(EditJson),
    /// Replace files, one by one, by rename within their folder.
    InstallFiles(InstallFiles),
    /// Have the pods of this node recreated whose name contains a word.
    RestartPods(RestartPods),
    /// Take static pods down and up again by moving their manifests out of the kubelet's folder and back.
    RestartStaticPods(RestartStaticPods),
    /// Replace values of a table, all or none.
    UpdateDatabase(UpdateDatabase),
}

/// A container, as the runtime and, where there is none to ask, as the process table knows it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// Its name in the pod; one that goes on with `-` fits too (`tos-etcd`, `tos-etcd-tos`). The pause container never does.
    pub container: String,
    /// The file names of its program: the first or second word of a process's command line is one of these.
    #[serde(deserialize_with = "bounded::texts::<_, 64>")]
    pub programs: Vec<String>,
}

/// The parameters of [`Step::RestartStaticPods`]. Times are in seconds.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RestartStaticPods {
    /// The manifests, in the folder that the kubelet reads.
    #[serde(deserialize_with = "bounded::list::<_, _, 64>")]
    pub manifests: Vec<TargetPath>,
    /// The folder that they are moved to meanwhile: on the same file system, and read by nobody.
    pub holding: TargetPath,
    /// Their containers.
    #[serde(deserialize_with = "bounded::list::<_, _, 64>")]
    pub workloads: Vec<Workload>,
    /// The etcd cluster a member of which stops meanwhile.
    pub cluster: Option<Label>,
    /// How long to wait after the last container is gone.
    pub settle: u32,
    /// How long the containers may take to go.
    pub stop_timeout: u32,
    /// How long the containers may take to come back.
    pub start_timeout: u32,
}

/// The parameters of [`Step::AwaitContainers`]. Times are in seconds.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AwaitContainers {
    /// The containers.
    #[serde(deserialize_with = "bounded::list::<_, _, 64>")]
    pub workloads: Vec<Workload>,
    /// Where they may be asked. What cannot be reached is not judged.
    #[serde(deserialize_with = "bounded::list::<_, _, 64>")]
    pub health: Vec<HealthEndpoint>,
    /// How long they may take.
    pub timeout: u32,
}

/// Where a service on this node says how it is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HealthEndpoint {
    /// Whether it speaks TLS. Its certificate is not judged: only whether it answers.
    pub tls: bool,
    /// The port on the loopback address.
    pub port: u16,
    /// The paths to try in turn; one that is not there (404) says nothing.
    #[serde(deserialize_with = "bounded::texts::<_, 64>")]
    pub paths: Vec<String>,
}

/// The parameters of [`Step::AwaitEtcd`]. Times are in seconds.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AwaitEtcd {
    /// The cluster.
    pub cluster: Label,
    /// This node's member.
    pub member: NodeName,
    /// How long it may take.
    pub timeout: u32,
}

/// The parameters of [`Step::RestartPods`]. Times are in seconds.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RestartPods {
    /// The namespace.
    pub namespace: String,
    /// What their names contain.
    pub name_contains: String,
    /// The file names of their programs, as in [`Workload::programs`].
    #[serde(deserialize_with = "bounded::texts::<_, 64>")]
    pub programs: Vec<String>,
    /// How long they may take to come back.
    pub timeout: u32,
}

/// The parameters of [`Step::UpdateDatabase`]: a MySQL-compatible table of keys and values.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateDatabase {
    /// The table.
    pub table: Identifier,
    /// Its column of keys.
    pub key_column: Identifier,
    /// Its column of values.
    pub value_column: Identifier,
    /// The table that becomes its copy first.
    pub backup_table: Identifier,
    /// The rows.
    #[serde(deserialize_with = "bounded::list::<_, _, 1024>")]
    pub rows: Vec<DatabaseRow>,
    /// The entry with the same as SQL, for people and for client programs.
    pub update_sql: EntryPath,
    /// The entry with the way back as SQL.
    pub undo_sql: EntryPath,
    /// How to reach the database, as far as the site knows; the command line wins.
    pub connection: DatabaseConnection,
}

/// One row.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseRow {
    /// Its key.
    pub key: String,
    /// The entry whose content, without the line ends after it, becomes its value.
    pub entry: EntryPath,
}

impl DatabaseRow {
    /// The value that an entry becomes: its content without the CR and LF after it, as the Manager keeps PEM.
    #[must_use]
    pub fn value(content: &[u8]) -> &[u8] {
        let end = content.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |last| last + 1);
        &content[..end]
    }
}

/// How a database is reached. A password is never part of it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConnection {
    /// Its socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
    /// Its address, where there is no socket. No name: names are never resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<IpAddr>,
    /// Its port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The database (schema); where it is left open, the one that has the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
}

/// The parameters of [`Step::InstallFiles`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct InstallFiles {
    /// The files, in the order of their renames. A certificate and its key stand next to each other.
    #[serde(deserialize_with = "bounded::list::<_, _, 1024>")]
    pub files: Vec<InstallFile>,
}

/// One file to install.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct InstallFile {
    /// Where on the node.
    pub target: TargetPath,
    /// The entry of the bundle that holds the content.
    pub entry: EntryPath,
    /// The permission bits where the target does not exist yet; an existing target keeps its own.
    pub mode: Mode,
}

/// The parameters of [`Step::EditJson`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EditJson {
    /// The document on the node.
    pub target: TargetPath,
    /// The member whose value changes, wherever in the document it occurs.
    pub member: String,
    /// The string that the value is now.
    pub from: String,
    /// The string that it becomes.
    pub to: String,
}

/// Permission bits, written as four octal digits such as `"0600"`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mode(pub u32);

impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{:04o}", self.0))
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        match u32::from_str_radix(&text, 8) {
            Ok(bits) if text.len() == 4 && bits <= 0o777 => Ok(Self(bits)),
            _ => Err(D::Error::custom(word!("a mode is four octal digits from 0000 to 0777", "权限应为 0000 到 0777 的四位八进制数字"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Step;

    fn is_taken(step: &str) -> bool {
        serde_json::from_str::<Step>(step).is_ok()
    }

    #[test]
    fn a_step_has_its_fields_once_and_no_other() {
        let restart = r#""kind":"restart-static-pods","manifests":[],"holding":"/opt/x","workloads":[],"settle":1,"stop_timeout":1,"start_timeout":1"#;
        let more =
            ["", r#","cluster":null"#, r#","cluster":"etcd""#, r#","settle":1"#, r#","kind":"restart-static-pods""#, r#","shell":"x""#];
        assert_eq!(more.map(|more| is_taken(&format!("{{{restart}{more}}}"))), [true, true, true, false, false, false]);
        let wait = r#""kind":"await-etcd","cluster":"etcd","timeout":1"#;
        let more = ["", r#","member":null"#, r#","member":"tos1""#, r#","member":"..""#];
        assert_eq!(more.map(|more| is_taken(&format!("{{{wait}{more}}}"))), [false, false, true, false]);
        assert!(!is_taken(r#"{"kind":"evaluate"}"#));
        let update = r#""kind":"update-database","key_column":"key","value_column":"v","backup_table":"b","rows":[],"update_sql":"secrets/a","undo_sql":"secrets/b""#;
        let more = [
            r#""t","connection":{}"#,
            r#""t","connection":{"host":"::1"}"#,
            r#""t","connection":{"host":"db"}"#,
            r#""t;","connection":{}"#,
            r#""t""#,
        ];
        assert_eq!(more.map(|more| is_taken(&format!("{{{update},\"table\":{more}}}"))), [true, true, false, false, false]);
    }

    #[test]
    fn a_value_has_no_line_end_after_it() {
        for (content, value) in [("a\nb\n", "a\nb"), ("a\r\n\r\n", "a"), ("a", "a"), ("\n", ""), ("", ""), ("a \n", "a ")] {
            assert_eq!(super::DatabaseRow::value(content.as_bytes()), value.as_bytes());
        }
    }
}
