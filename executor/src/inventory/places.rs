//! The kinds of clusters that this executor can look for before any bundle tells it where things are: one table a kind.
//!
//! A table says only where to look. What is renewed there, and how, is said by bundles alone; it stays right where a table has become
//! wrong, and a node whose kind has no table is described by hand in the site file.

use bundle_format::{facts::HomePart, slice::Workload};

/// One kind of cluster.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The profile that knows it.
    pub profile: &'static str,
    /// Folders in which certificates are looked for.
    pub folders: &'static [&'static str],
    /// Certificates that the profile renews.
    pub homes: &'static [Home],
    /// Templates that some node hands certificates out from.
    pub templates: Templates,
    /// What its nodes do.
    pub roles: &'static [Role],
    /// The manifest of its etcd, and the folders in which manifests lie or are held.
    pub etcd_manifest: &'static str,
    /// The manifest of its API server.
    pub api_server_manifest: &'static str,
    /// See above.
    pub manifest_folders: &'static [&'static str],
    /// What the name of the container contains whose image's tag is a version.
    pub registry: &'static str,
    /// How tags begin that are versions.
    pub version_prefixes: &'static [&'static str],
    /// The table of a database that keeps certificates.
    pub table: Table,
}

/// A certificate that a profile renews.
#[derive(Clone, Copy, Debug)]
pub struct Home {
    /// Its name in the profile.
    pub name: &'static str,
    /// What it is.
    pub part: HomePart,
    /// Where it is.
    pub path: &'static str,
}

/// Folders of templates, one for each version.
#[derive(Clone, Copy, Debug)]
pub struct Templates {
    /// The folder that holds one folder for each version.
    pub folder: &'static str,
    /// The CA's certificate below a version's folder.
    pub authority: &'static str,
    /// Its name in the profile.
    pub name: &'static str,
    /// The role of the node that has them.
    pub role: &'static str,
}

/// What a node does, and what speaks for it.
#[derive(Clone, Copy, Debug)]
pub struct Role {
    /// The role, in the profile's words.
    pub name: &'static str,
    /// Manifests of its static pods.
    pub manifests: &'static [&'static str],
    /// Its container, by its name in the pod.
    pub container: Option<&'static str>,
    /// A word in the names of its pods in `kube-system`.
    pub pod: Option<&'static str>,
    /// The file names of its programs, where there is no runtime to ask.
    pub programs: &'static [&'static str],
    /// A folder in which a name that contains a word speaks for it.
    pub names: Option<(&'static str, &'static str)>,
}

/// A table of a database.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// The role of the node that has the database.
    pub role: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its column of keys.
    pub key_column: &'static str,
    /// Its column of values.
    pub value_column: &'static str,
    /// The keys.
    pub keys: &'static [&'static str],
}

impl Role {
    /// Its container as the process table is asked for it.
    pub fn workload(&self) -> Workload {
        let programs = self.programs.iter().map(|&program| program.to_owned()).collect();
        Workload { container: self.container.unwrap_or(self.name).to_owned(), programs }
    }
}

/// All kinds.
pub const KINDS: &[Kind] = &[TOS];

/// Transwarp TOS, of TDH and TDC.
const TOS: Kind = Kind {
    profile: "tos",
    folders: &["/srv/kubernetes"],
    homes: &[
        Home { name: "etcd", part: HomePart::Authority, path: "/srv/kubernetes/etcd-ca.pem" },
        Home { name: "etcd", part: HomePart::Leaf, path: "/srv/kubernetes/etcd.pem" },
    ],
    templates: Templates {
        folder: "/var/lib/transwarp-manager/master/content/meta/services/TOS",
        authority: "templates/gencerts/etcd-ca.pem",
        name: "etcd",
        role: "manager",
    },
    roles: &[
        Role { name: "etcd", manifests: &["tos-etcd.manifest"], container: Some("tos-etcd"), pod: None, programs: &["etcd"], names: None },
        Role {
            name: "flannel",
            manifests: &[],
            container: None,
            pod: Some("flannel"),
            programs: &["flanneld"],
            names: Some(("/etc/cni/net.d", "flannel")),
        },
    ],
    etcd_manifest: "tos-etcd.manifest",
    api_server_manifest: "tos-apiserver.manifest",
    manifest_folders: &["/opt/kubernetes/manifests-multi", "/opt/kubernetes"],
    registry: "registry",
    version_prefixes: &["tos-", "manager-"],
    table: Table {
        role: "manager",
        name: "manager_info",
        key_column: "key",
        value_column: "value",
        keys: &["etcd-ca.pem", "etcd.pem", "etcd-key.pem"],
    },
};

#[cfg(test)]
mod tests {
    use bundle_format::name::{Identifier, Label, TargetPath};

    use super::KINDS;

    #[test]
    fn every_word_of_the_tables_is_what_it_is_taken_for() {
        for kind in KINDS {
            let labels = kind.roles.iter().map(|role| role.name).chain([kind.profile, kind.templates.name, kind.templates.role]);
            labels.for_each(|label| drop(label.parse::<Label>().unwrap()));
            let paths = kind.folders.iter().chain(kind.manifest_folders).copied();
            let paths = paths.chain(kind.homes.iter().map(|home| home.path)).chain([kind.templates.folder]);
            paths.for_each(|path| drop(path.parse::<TargetPath>().unwrap()));
            let table = kind.table;
            for word in [table.name, table.key_column, table.value_column] {
                let _ = word.parse::<Identifier>().unwrap();
            }
        }
    }
}
