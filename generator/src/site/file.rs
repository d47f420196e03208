//! The site file as TOML, before validation, and the flags that go over it.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

use bundle_format::{
    digest::Fingerprint,
    name::{Label, NodeName, Recipient, SiteName},
    signature::SignerCount,
    word,
};
use serde::Deserialize;

use super::{Node, SiteError};

/// A site file, or what flags make of one. Every field may be left to the flags.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SiteFile {
    /// The site's name.
    pub name: Option<SiteName>,
    /// The profile, `tos` by default.
    pub profile: Option<String>,
    /// The edition, `tdh` or `tdc`.
    pub edition: Option<String>,
    /// The version of TOS.
    pub tos_version: Option<String>,
    /// The signer's private key.
    pub signer: Option<PathBuf>,
    /// How many signers a node asks for; one by default.
    pub require_signatures: Option<SignerCount>,
    /// Executors to carry, one for each architecture.
    #[serde(default)]
    pub executors: Vec<PathBuf>,
    /// Fingerprints of CA keys that other sites are known to have too.
    #[serde(default)]
    pub shared_keys: Vec<Fingerprint>,
    /// The certificate authorities.
    #[serde(default)]
    pub ca: Vec<AuthoritySection>,
    /// How services are restarted.
    #[serde(default)]
    pub restart: RestartSection,
    /// The Manager's database.
    #[serde(default)]
    pub manager_database: DatabaseSection,
    /// The nodes.
    #[serde(default)]
    pub node: Vec<NodeSection>,
}

/// `[restart]`. Times are in seconds; what is left open is the profile's to say.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RestartSection {
    /// How long to wait between the end of the last container and its return.
    pub settle: Option<u32>,
    /// How long containers may take to go.
    pub stop_timeout: Option<u32>,
    /// How long containers may take to come back and to be well.
    pub start_timeout: Option<u32>,
    /// The port of etcd's client URLs.
    pub etcd_port: Option<u16>,
    /// The port of etcd's peer URLs.
    pub etcd_peer_port: Option<u16>,
}

/// `[manager-database]`. A password is never part of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DatabaseSection {
    /// Whether the Manager keeps certificates in its database, as it does from 6.0.1811a on.
    pub keeps_certificates: Option<bool>,
    /// Its socket.
    pub socket: Option<String>,
    /// Its address, where there is no socket.
    pub host: Option<IpAddr>,
    /// Its port.
    pub port: Option<u16>,
    /// The user.
    pub user: Option<String>,
    /// The database.
    pub database: Option<String>,
}

/// `[[ca]]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AuthoritySection {
    /// Its name in the profile; the profile's only one by default.
    pub name: Option<Label>,
    /// The file with its present certificate.
    pub certificate: Option<PathBuf>,
    /// The file with its private key.
    pub key: Option<PathBuf>,
    /// The file whose first line is the key's passphrase.
    pub key_passphrase_file: Option<PathBuf>,
    /// Days of validity.
    pub days: Option<u32>,
    /// The leaves to issue under it.
    #[serde(default)]
    pub leaf: Vec<LeafSection>,
}

/// `[[ca.leaf]]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LeafSection {
    /// Its name in the profile; the profile's only one by default.
    pub name: Option<Label>,
    /// The file with the certificate to replace.
    pub certificate: Option<PathBuf>,
    /// SANs to add.
    #[serde(default)]
    pub sans: Vec<String>,
    /// Days of validity; those of the CA by default.
    pub days: Option<u32>,
}

/// `[[node]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NodeSection {
    /// Its name in the bundle.
    pub name: NodeName,
    /// The host names by which it knows itself; its name by default.
    #[serde(default)]
    pub host_names: Vec<String>,
    /// The addresses of its interfaces.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
    /// Its `/etc/machine-id`.
    pub machine_id: Option<String>,
    /// What its secrets are sealed to, as `reseal-node facts` shows it.
    pub recipient: Option<Recipient>,
    /// What it does.
    pub roles: Vec<Label>,
}

impl From<Node> for NodeSection {
    fn from(node: Node) -> Self {
        let Node { name, host_names, addresses, machine_id, recipient, roles } = node;
        Self { name, host_names, addresses, machine_id, recipient, roles }
    }
}

impl SiteFile {
    /// Reads a site file. Relative paths in it are relative to `folder`.
    ///
    /// # Errors
    /// When it is not TOML, or has an unknown field or a wrong type; the message names line and column.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, SiteError> {
        // What is not understood is shown, line by line: a private key must not be.
        if text.to_ascii_uppercase().contains("AGE-SECRET-KEY") {
            return Err(SiteError::File(
                word!("the recipient is a secret key: keep it where it is", "接收方是私钥：请留在原处，不要外传").to_owned(),
            ));
        }
        let mut file: Self = toml::from_str(text).map_err(|error| SiteError::File(error.to_string().trim_end().to_owned()))?;
        let leaf = |leaf: &mut LeafSection| leaf.certificate.iter_mut().for_each(|path| *path = folder.join(&*path));
        for section in &mut file.ca {
            let paths = [&mut section.certificate, &mut section.key, &mut section.key_passphrase_file];
            paths.into_iter().flatten().for_each(|path| *path = folder.join(&*path));
            section.leaf.iter_mut().for_each(leaf);
        }
        file.signer.iter_mut().chain(&mut file.executors).for_each(|path| *path = folder.join(&*path));
        Ok(file)
    }

    /// The only `[[ca]]`, made if there is none: what the flags for one CA speak of.
    ///
    /// # Errors
    /// When there are several.
    pub fn only_authority(&mut self) -> Result<&mut AuthoritySection, SiteError> {
        if self.ca.is_empty() {
            self.ca.push(AuthoritySection::default());
        }
        match self.ca.as_mut_slice() {
            [only] => Ok(only),
            several => Err(SiteError::SeveralAuthorities(several.len())),
        }
    }

    /// The only `[[ca.leaf]]` of the only `[[ca]]`, made if there is none.
    ///
    /// # Errors
    /// When there are several of either.
    pub fn only_leaf(&mut self) -> Result<&mut LeafSection, SiteError> {
        let authority = self.only_authority()?;
        if authority.leaf.is_empty() {
            authority.leaf.push(LeafSection::default());
        }
        match authority.leaf.as_mut_slice() {
            [only] => Ok(only),
            several => Err(SiteError::SeveralAuthorities(several.len())),
        }
    }
}
