//! A site: one cluster at one customer, validated. Whoever holds a [`Site`] needs no further checks of names, roles or nodes.

mod file;

use std::{collections::BTreeMap, fmt, net::IpAddr, path::PathBuf, str::FromStr};

pub use bundle_format::name::Recipient;
use bundle_format::{
    certificate::San,
    digest::Fingerprint,
    name::{Label, NameError, NodeName, Serial, SiteName},
    signature::SignerCount,
};
use thiserror::Error;
use time::OffsetDateTime;

pub use self::file::{AuthoritySection, DatabaseSection, LeafSection, NodeSection, RestartSection, SiteFile};
use crate::profile::{
    Profile,
    tos::{self, Affected, TosVersion, VersionError},
};

/// Days that a CA or a leaf is valid when nothing else is said.
pub const DEFAULT_DAYS: u32 = 36_500;

/// A validated site, and the bundle that is to be made for it.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its name.
    pub name: SiteName,
    /// The number of the bundle to be made.
    pub serial: Serial,
    /// The time at which it is made: the present, or what the user fixed.
    pub created: OffsetDateTime,
    /// How many signers a node asks for.
    pub needs_signers: SignerCount,
    /// Its profile.
    pub profile: Profile,
    /// The certificate authorities to renew.
    pub authorities: Vec<AuthoritySource>,
    /// Fingerprints of CA keys that other sites are known to have too.
    pub shared_keys: Vec<Fingerprint>,
    /// Its nodes, in the order of the site file.
    pub nodes: Vec<Node>,
}

/// A certificate authority to renew, and where its material is on the workstation.
#[derive(Clone, Debug)]
pub struct AuthoritySource {
    /// Its name in the profile.
    pub name: Label,
    /// The file with its present certificate.
    pub certificate: PathBuf,
    /// The file with its private key.
    pub key: PathBuf,
    /// The file with the key's passphrase.
    pub passphrase_file: Option<PathBuf>,
    /// Days of validity from the time of making.
    pub days: u32,
    /// The leaves to issue under it.
    pub leaves: Vec<LeafSource>,
}

/// A leaf to issue in place of a present one.
#[derive(Clone, Debug)]
pub struct LeafSource {
    /// Its name in the profile.
    pub name: Label,
    /// The file with the present certificate.
    pub certificate: PathBuf,
    /// SANs to add to those of the present certificate.
    pub sans: Vec<San>,
    /// Days of validity from the time of making.
    pub days: u32,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name in the bundle.
    pub name: NodeName,
    /// The host names by which it knows itself.
    pub host_names: Vec<String>,
    /// The addresses of its interfaces.
    pub addresses: Vec<IpAddr>,
    /// Its `/etc/machine-id`, where known.
    pub machine_id: Option<String>,
    /// What its secrets are sealed to, where known.
    pub recipient: Option<Recipient>,
    /// What it does.
    pub roles: Vec<Label>,
}

/// Why a site is not one.
#[derive(Debug, Error)]
pub enum SiteError {
    /// The site file is not TOML of the known fields.
    #[error("the site file is not understood: {0}")]
    File(String),
    /// A name breaks its rule.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Something that must be given is not.
    #[error("{what} is not given")]
    Missing {
        /// What is missing.
        what: &'static str,
        /// The flag and the field of the site file that would give it.
        how: &'static str,
    },
    /// A node that others dial has no address.
    #[error("node `{0}` has the role etcd and no address: nodes are dialled by address, never by name")]
    NoAddress(NodeName),
    /// No profile has this name.
    #[error("there is no profile `{0}`; there is: tos")]
    UnknownProfile(String),
    /// No edition has this name.
    #[error("there is no edition `{0}`; there are: tdh, tdc")]
    UnknownEdition(String),
    /// The version cannot be read.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// The version's CA does not run out.
    #[error("TOS {version} is not affected: the edition's range is {range}")]
    NotAffected {
        /// The version.
        version: TosVersion,
        /// The range that is affected.
        range: &'static str,
    },
    /// The profile has no such certificate authority or leaf.
    #[error("the profile has no certificate authority or leaf `{name}`; it has: {known}")]
    UnknownMaterial {
        /// The name.
        name: Label,
        /// What there is.
        known: &'static str,
    },
    /// The profile has no such role.
    #[error("node `{node}`: there is no role `{role}`; there are: {known}")]
    UnknownRole {
        /// The node.
        node: NodeName,
        /// The role.
        role: Label,
        /// What there is.
        known: &'static str,
    },
    /// The edition has no such role.
    #[error("node `{node}`: the edition {edition} has no {role}")]
    RoleNotInEdition {
        /// The node.
        node: NodeName,
        /// The role.
        role: Label,
        /// The edition.
        edition: &'static str,
    },
    /// No node does what some node must.
    #[error("no node has the role `{0}`")]
    NoNodeWithRole(&'static str),
    /// A recipient of a node that there is not.
    #[error("there is no node `{0}` to have that recipient")]
    RecipientOfNobody(NodeName),
    /// `--node-recipient` cannot be read.
    #[error("a node's recipient is written NODE=age1…")]
    RecipientText,
    /// A node does nothing.
    #[error("node `{0}` has no role")]
    NoRole(NodeName),
    /// A node knows itself by nothing.
    #[error("node `{0}` has neither host name nor address: it could not know itself")]
    NoIdentity(NodeName),
    /// Two nodes share what tells them apart.
    #[error("nodes `{first}` and `{second}` share {what} `{value}`")]
    Shared {
        /// One node.
        first: NodeName,
        /// The other.
        second: NodeName,
        /// What is shared.
        what: &'static str,
        /// Its value.
        value: String,
    },
    /// `--node` cannot be read.
    #[error("`{0}` is no node; a node is NAME=ADDRESS[,ADDRESS…]:ROLE[+ROLE…]")]
    NodeText(String),
    /// A SAN cannot be read.
    #[error("`{0}` is neither a DNS name nor an IP address")]
    San(String),
    /// A number of days that no certificate can have.
    #[error("{0} days: at least 1 is needed")]
    Days(u32),
    /// Flags for one certificate authority, but the site file has several.
    #[error("the site file has {0} certificate authorities; --ca, --ca-key, --leaf, --san and --days are for a site with one")]
    SeveralAuthorities(usize),
}

impl SiteError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Missing { how, .. } => format!("give {how}"),
            Self::NotAffected { .. } => "compare with `kubectl version`; if the CA does run out, add --force-version".to_owned(),
            Self::NodeText(_) => "for example --node 'tos1=10.0.0.11:etcd+flannel'".to_owned(),
            Self::File(_) => "`reseal site init --ca CA --leaf LEAF` writes a commented site file to start from".to_owned(),
            Self::NoAddress(node) => format!("give it one: --node '{node}=ADDRESS:etcd', or `addresses` in the site file"),
            Self::Shared { .. } => "a node must know its slice without doubt: give each its own names, addresses and recipient".to_owned(),
            _ => return None,
        })
    }
}

impl Node {
    /// Whether it does this.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own.as_str() == role)
    }
}

/// `NAME=ADDRESS[,ADDRESS…]:ROLE[+ROLE…]`. An address is an IP address or a further host name; IPv6 is written in brackets or plain.
impl FromStr for Node {
    type Err = SiteError;

    fn from_str(text: &str) -> Result<Self, SiteError> {
        let wrong = || SiteError::NodeText(text.escape_debug().take(120).collect());
        let (name, rest) = text.split_once('=').ok_or_else(wrong)?;
        let (addresses, roles) = rest.rsplit_once(':').ok_or_else(wrong)?;
        let mut section = NodeSection {
            name: name.parse()?,
            host_names: vec![name.to_owned()],
            addresses: vec![],
            machine_id: None,
            recipient: None,
            roles: vec![],
        };
        for address in addresses.split(',').filter(|address| !address.is_empty()) {
            match address.trim_start_matches('[').trim_end_matches(']').parse() {
                Ok(address) => section.addresses.push(address),
                Err(_) => section.host_names.push(host_name(address).ok_or_else(wrong)?),
            }
        }
        for role in roles.split('+') {
            section.roles.push(role.parse().map_err(|_| wrong())?);
        }
        Ok(section.into())
    }
}

impl From<NodeSection> for Node {
    fn from(section: NodeSection) -> Self {
        let NodeSection { name, host_names, addresses, machine_id, recipient, roles } = section;
        let host_names = if host_names.is_empty() { vec![name.to_string()] } else { host_names };
        Self { name, host_names, addresses, machine_id, recipient, roles }
    }
}

/// A SAN from the user: an IP address or a DNS name.
///
/// # Errors
/// When it is neither.
pub fn parse_san(text: &str) -> Result<San, SiteError> {
    let plain = text.strip_prefix("DNS:").or_else(|| text.strip_prefix("IP:")).unwrap_or(text);
    if let Ok(address) = plain.parse() {
        return Ok(San::Ip(address));
    }
    let wildcard_free = plain.strip_prefix("*.").unwrap_or(plain);
    match host_name(wildcard_free) {
        // `10.0.0.256` is a mistyped address, not a name: no top-level domain is a number (RFC 3696, 2).
        Some(name)
            if !name.rsplit('.').next().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit())) || !name.contains('.') =>
        {
            Ok(San::Dns(plain.to_owned()))
        }
        _ => Err(SiteError::San(text.escape_debug().take(120).collect())),
    }
}

/// A host name by RFC 1123, 2.1, with the underscore that clusters in the field have.
pub(crate) fn host_name(text: &str) -> Option<String> {
    let label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (1..=63).contains(&label.len()) && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    (text.len() <= 253 && text.split('.').all(label)).then(|| text.to_owned())
}

/// What the user decides beside the site file.
#[derive(Clone, Copy, Debug)]
pub struct Making {
    /// The bundle's number; by default the time of making as `YYYYMMDDhhmmss`.
    pub serial: Option<Serial>,
    /// The time of making.
    pub created: OffsetDateTime,
    /// Make it although the version is not affected.
    pub force_version: bool,
}

impl Site {
    /// Validates a site file, into which flags have been merged.
    ///
    /// # Errors
    /// At the first thing that is missing, malformed, unknown or contradictory.
    pub fn new(file: SiteFile, making: Making) -> Result<(Self, Vec<Warning>), SiteError> {
        let mut warnings = Vec::new();
        let profile = profile(&file, making.force_version, &mut warnings)?;
        let site = Self {
            name: file.name.ok_or(SiteError::Missing { what: "the site's name", how: "--name NAME, or `name` in the site file" })?,
            serial: match making.serial {
                Some(serial) => serial,
                None => serial_of(making.created)?,
            },
            created: making.created,
            needs_signers: file.require_signatures.unwrap_or(SignerCount::ONE),
            profile,
            authorities: file.ca.into_iter().map(authority).collect::<Result<_, _>>()?,
            shared_keys: file.shared_keys,
            nodes: file.node.into_iter().map(Node::from).collect(),
        };
        if site.authorities.is_empty() {
            return Err(SiteError::Missing { what: "the CA", how: "--ca CERTIFICATE and --ca-key KEY, or [[ca]] in the site file" });
        }
        site.check_nodes()?;
        site.profile.check(&site)?;
        Ok((site, warnings))
    }

    fn check_nodes(&self) -> Result<(), SiteError> {
        let mut seen: BTreeMap<(&'static str, String), &NodeName> = BTreeMap::new();
        for node in &self.nodes {
            if node.roles.is_empty() {
                return Err(SiteError::NoRole(node.name.clone()));
            }
            if node.host_names.is_empty() && node.addresses.is_empty() {
                return Err(SiteError::NoIdentity(node.name.clone()));
            }
            let names = node.host_names.iter().map(|name| ("the host name", name.to_ascii_lowercase()));
            let addresses = node.addresses.iter().map(|address| ("the address", address.to_string()));
            let machine = node.machine_id.iter().map(|id| ("the machine-id", id.clone()));
            let recipient = node.recipient.iter().map(|recipient| ("the recipient", recipient.to_string()));
            let own = std::iter::once(("the name", node.name.as_str().to_ascii_lowercase()));
            for (what, value) in own.chain(names).chain(addresses).chain(machine).chain(recipient) {
                match seen.insert((what, value.clone()), &node.name) {
                    Some(first) if what == "the name" || *first != node.name => {
                        return Err(SiteError::Shared { first: first.clone(), second: node.name.clone(), what, value });
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// What a person should know, though the bundle can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The Manager's version does not tell that of TOS.
    VersionUnknown(TosVersion),
    /// The version is not affected, and the user insisted.
    VersionForced(TosVersion, &'static str),
    /// A node's name or address is not among the leaf's SANs.
    NotInSans {
        /// The node.
        node: NodeName,
        /// Its name or address.
        value: String,
    },
    /// A file with a secret can be read by others.
    Readable {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Other sites have the key of this CA too.
    SharedKey {
        /// The CA.
        authority: Label,
        /// Its key.
        key: Fingerprint,
    },
    /// Secrets are in the bundle as they are.
    Unsealed,
    /// An architecture that nodes may have is not in the bundle.
    NoExecutorFor(&'static str),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VersionUnknown(version) => write!(
                f,
                "`{version}` is a version of the Manager and does not tell that of TOS; compare `kubectl version` with the affected range"
            ),
            Self::VersionForced(version, range) => {
                write!(f, "TOS {version} is outside the affected range {range}; made all the same, as --force-version says")
            }
            Self::NotInSans { node, value } => {
                write!(f, "node `{node}`: `{value}` is not among the leaf's SANs; if others reach it by that name, add --san {value}")
            }
            Self::Readable { path, mode } => {
                let path = path.display();
                write!(f, "`{path}` holds a secret and can be read by others of this machine (mode {mode:04o}): chmod 600 '{path}'")
            }
            Self::SharedKey { authority, key } => write!(
                f,
                "other sites have the key {key} of the CA `{authority}` too: whoever holds it there can make certificates that this site \
                 trusts, before and after the renewal, and only a CA with a new key ends that"
            ),
            Self::Unsealed => f.write_str("the leaf's private key is in the bundle unsealed: whoever finds the stick has it"),
            Self::NoExecutorFor(architecture) => {
                write!(f, "there is no executor for {architecture} in the bundle; add --executor PATH if a node needs it")
            }
        }
    }
}

fn profile(file: &SiteFile, force: bool, warnings: &mut Vec<Warning>) -> Result<Profile, SiteError> {
    match file.profile.as_deref() {
        None | Some(tos::NAME) => {}
        Some(other) => return Err(SiteError::UnknownProfile(other.escape_debug().take(80).collect())),
    }
    let edition = file
        .edition
        .as_deref()
        .ok_or(SiteError::Missing { what: "the edition", how: "--edition tdh or --edition tdc, or `edition` in the site file" })?;
    let edition = match edition {
        "tdc" => tos::Edition::Tdc,
        "tdh" => tos::Edition::Tdh,
        other => return Err(SiteError::UnknownEdition(other.escape_debug().take(80).collect())),
    };
    let version = file.tos_version.as_deref().ok_or(SiteError::Missing {
        what: "the TOS version",
        how: "--tos-version VERSION, as `kubectl version` or the registry's image tag shows it",
    })?;
    let version: TosVersion = version.parse()?;
    match version.affected(edition) {
        Affected::Yes => {}
        Affected::Unknown => warnings.push(Warning::VersionUnknown(version.clone())),
        Affected::No(range) if force => warnings.push(Warning::VersionForced(version.clone(), range)),
        Affected::No(range) => return Err(SiteError::NotAffected { version, range }),
    }
    Ok(Profile::Tos(tos::Settings {
        edition,
        version,
        restart: tos::Restart::of(file.restart),
        database: tos::database(&file.manager_database),
    }))
}

fn authority(section: AuthoritySection) -> Result<AuthoritySource, SiteError> {
    let days = checked_days(section.days.unwrap_or(DEFAULT_DAYS))?;
    let leaf = |leaf: LeafSection| {
        Ok(LeafSource {
            name: material(leaf.name)?,
            certificate: leaf
                .certificate
                .ok_or(SiteError::Missing { what: "the leaf to replace", how: "--leaf CERTIFICATE, or `certificate` in [[ca.leaf]]" })?,
            sans: leaf.sans.iter().map(|san| parse_san(san)).collect::<Result<_, _>>()?,
            days: checked_days(leaf.days.unwrap_or(days))?,
        })
    };
    Ok(AuthoritySource {
        name: material(section.name)?,
        certificate: section
            .certificate
            .ok_or(SiteError::Missing { what: "the CA's certificate", how: "--ca CERTIFICATE, or `certificate` in [[ca]]" })?,
        key: section.key.ok_or(SiteError::Missing {
            what: "the CA's private key",
            how: "--ca-key KEY, or `key` in [[ca]]; it comes from the install package",
        })?,
        passphrase_file: section.key_passphrase_file,
        days,
        leaves: section.leaf.into_iter().map(leaf).collect::<Result<_, SiteError>>()?,
    })
}

fn material(name: Option<Label>) -> Result<Label, SiteError> {
    match name {
        Some(name) => Ok(name),
        None => Ok(tos::MATERIAL.parse()?),
    }
}

fn checked_days(days: u32) -> Result<u32, SiteError> {
    if days == 0 { Err(SiteError::Days(days)) } else { Ok(days) }
}

/// A rising number that a person can read: `YYYYMMDDhhmmss`, in UTC.
fn serial_of(time: OffsetDateTime) -> Result<Serial, SiteError> {
    let time = time.to_offset(time::UtcOffset::UTC);
    let date = i64::from(time.year()) * 10_000 + i64::from(u8::from(time.month())) * 100 + i64::from(time.day());
    let clock = i64::from(time.hour()) * 10_000 + i64::from(time.minute()) * 100 + i64::from(time.second());
    Ok(Serial::try_from(u64::try_from(date * 1_000_000 + clock).unwrap_or(0))?)
}

#[cfg(test)]
mod tests;
