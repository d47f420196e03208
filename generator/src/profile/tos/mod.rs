//! The profile of Transwarp TOS, of the TDH and TDC editions: one CA and one leaf, both called `etcd`, in `/srv/kubernetes` of
//! every node, and the Manager's metainfo, from which it signs anew at the next role restart.

mod services;
mod version;

use bundle_format::{
    FORMAT,
    name::{Label, NameError, TargetPath},
    slice::{DatabaseConnection, EditJson, EtcdCluster, Identity, InstallFile, InstallFiles, Mode, Slice, Step},
};
use clap::ValueEnum;

pub use self::services::{Restart, database_connection as database};
pub use self::version::{Affected, TosVersion, VersionError};
use super::Part;
use crate::{
    issue::IssuedAuthority,
    site::{Node, Site, SiteError},
};

/// The profile's name.
pub const NAME: &str = "tos";
/// The name of its one CA and one leaf.
pub const MATERIAL: &str = "etcd";
/// Runs etcd and the API server.
pub const ETCD: &str = "etcd";
/// Runs flannel, which talks to etcd.
pub const FLANNEL: &str = "flannel";
/// Runs the Manager, which hands certificates out.
pub const MANAGER: &str = "manager";

/// Fingerprints of CA keys that came with install packages, so that many sites have them. The vendor's are not known to this project
/// yet; a site file names those of its own with `shared-keys`.
pub const SHARED_KEYS: &[&str] = &[];

const KUBERNETES: &str = "/srv/kubernetes";
const METAINFO: &str = "/var/lib/transwarp-manager/master/content/meta/services/TOS";
const GENCERTS: &str = "templates/gencerts";

/// A product line: it decides which versions are affected, and whether there is flannel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Edition {
    /// Transwarp Data Cloud.
    Tdc,
    /// Transwarp Data Hub.
    Tdh,
}

impl Edition {
    /// As site files and `--edition` have it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Tdc => "tdc",
            Self::Tdh => "tdh",
        }
    }
}

/// What only this profile understands of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The product line.
    pub edition: Edition,
    /// The version of TOS, in any way that it is written.
    pub version: TosVersion,
    /// How services are restarted.
    pub restart: Restart,
    /// How the Manager's database is reached; none where the Manager keeps no certificates in it.
    pub database: Option<DatabaseConnection>,
}

/// Checks roles and materials.
///
/// # Errors
/// When a role, certificate authority or leaf is not one of TOS, or flannel is to run in TDC, which has none.
pub fn check(settings: &Settings, site: &Site) -> Result<(), SiteError> {
    for authority in &site.authorities {
        for name in std::iter::once(&authority.name).chain(authority.leaves.iter().map(|leaf| &leaf.name)) {
            if name.as_str() != MATERIAL {
                return Err(SiteError::UnknownMaterial { name: name.clone(), known: MATERIAL });
            }
        }
    }
    for node in &site.nodes {
        for role in &node.roles {
            match role.as_str() {
                FLANNEL if settings.edition == Edition::Tdc => {
                    return Err(SiteError::RoleNotInEdition { node: node.name.clone(), role: role.clone(), edition: "tdc" });
                }
                ETCD | FLANNEL | MANAGER => {}
                _ => return Err(SiteError::UnknownRole { node: node.name.clone(), role: role.clone(), known: "etcd, flannel, manager" }),
            }
        }
    }
    let mut masters = site.nodes.iter().filter(|node| node.has_role(ETCD)).peekable();
    if masters.peek().is_none() {
        return Err(SiteError::NoNodeWithRole(ETCD));
    }
    match masters.find(|node| node.addresses.is_empty()) {
        Some(node) => Err(SiteError::NoAddress(node.name.clone())),
        None => Ok(()),
    }
}

/// When a node is visited: masters first, then nodes with flannel only, then the Manager.
#[must_use]
pub fn rank(node: &Node) -> u8 {
    match node {
        node if node.has_role(ETCD) => 0,
        node if node.has_role(FLANNEL) => 1,
        _ => 2,
    }
}

/// Whether a node with these roles presents the leaf to others.
#[must_use]
pub fn serves_leaf(roles: &[Label]) -> bool {
    roles.iter().any(|role| role.as_str() == ETCD)
}

/// Where a node keeps a part.
///
/// # Errors
/// When the path is not one that a step may touch.
pub fn home(name: &Label, part: Part) -> Result<TargetPath, NameError> {
    format!("{KUBERNETES}/{}", part.file_name(name)).parse()
}

/// The slices, in visiting order: masters as the site lists them, then nodes with flannel only, then the Manager.
///
/// # Errors
/// When a name of the site makes a path that no step may touch.
pub fn compile(settings: &Settings, site: &Site, authorities: &[IssuedAuthority]) -> Result<Vec<Slice>, NameError> {
    let mut nodes: Vec<&Node> = site.nodes.iter().collect();
    nodes.sort_by_key(|node| rank(node));
    let etcd = services::cluster(settings, &nodes)?;
    nodes.into_iter().map(|node| slice(settings, site, authorities, &etcd, node)).collect()
}

/// Services come last: whatever else fails, fails before anything was down.
fn slice(settings: &Settings, site: &Site, authorities: &[IssuedAuthority], etcd: &EtcdCluster, node: &Node) -> Result<Slice, NameError> {
    let mut steps = vec![Step::InstallFiles(InstallFiles { files: certificates(authorities)? })];
    if node.has_role(MANAGER) {
        steps.extend(metainfo(settings, authorities)?);
        steps.extend(services::database(settings, site, authorities)?);
    }
    if node.has_role(ETCD) {
        steps.extend(services::master(settings, &etcd.name, &node.name)?);
    }
    if node.has_role(FLANNEL) {
        steps.push(services::flannel(settings));
    }
    Ok(Slice {
        format: FORMAT,
        site: site.name.clone(),
        serial: site.serial,
        node: node.name.clone(),
        identity: Identity { host_names: node.host_names.clone(), addresses: node.addresses.clone(), machine_id: node.machine_id.clone() },
        roles: node.roles.clone(),
        folders_to_back_up: vec![KUBERNETES.parse()?],
        etcd: vec![etcd.clone()],
        steps,
    })
}

/// The three files of every node, certificate and key next to each other.
fn certificates(authorities: &[IssuedAuthority]) -> Result<Vec<InstallFile>, NameError> {
    let mut files = Vec::new();
    for authority in authorities {
        files.push(InstallFile { target: home(&authority.name, Part::Authority)?, entry: authority.entry()?, mode: Mode(0o644) });
        for leaf in &authority.leaves {
            files.push(InstallFile { target: home(&leaf.name, Part::Certificate)?, entry: leaf.certificate_entry()?, mode: Mode(0o644) });
            files.push(InstallFile { target: home(&leaf.name, Part::Key)?, entry: leaf.key_entry()?, mode: Mode(0o600) });
        }
    }
    Ok(files)
}

/// The Manager's template folder: the CA that it signs with from now on, and for how long it signs.
fn metainfo(settings: &Settings, authorities: &[IssuedAuthority]) -> Result<[Step; 2], NameError> {
    let folder = settings.version.metainfo_folder().unwrap_or("*");
    let gencerts = format!("{METAINFO}/{folder}/{GENCERTS}");
    let files = authorities.iter().map(|authority| {
        let target = format!("{gencerts}/{}", Part::Authority.file_name(&authority.name)).parse()?;
        Ok(InstallFile { target, entry: authority.entry()?, mode: Mode(0o644) })
    });
    let config = EditJson {
        target: format!("{gencerts}/config.json").parse()?,
        member: "expiry".to_owned(),
        from: "87600h".to_owned(),
        to: "876000h".to_owned(),
    };
    Ok([Step::InstallFiles(InstallFiles { files: files.collect::<Result<_, NameError>>()? }), Step::EditJson(config)])
}
