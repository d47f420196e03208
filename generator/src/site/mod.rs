//! A site: one cluster at one customer, validated. Whoever holds a [`Site`] needs no further checks of names, roles or nodes.

mod file;
mod said;

use std::{collections::BTreeMap, net::IpAddr, path::PathBuf, str::FromStr};

pub use bundle_format::name::Recipient;
use bundle_format::{
    certificate::San,
    digest::Fingerprint,
    name::{Label, NodeName, Serial, SiteName},
    signature::SignerCount,
    word,
};
use time::OffsetDateTime;

pub use self::file::{AuthoritySection, DatabaseSection, LeafSection, NodeSection, RestartSection, SiteFile};
pub use self::said::{SiteError, Warning};
use crate::profile::{
    Profile,
    tos::{self, Affected, TosVersion},
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
            name: file.name.ok_or(SiteError::Missing {
                what: word!("the site's name", "站点名称"),
                how: word!("--name NAME, or `name` in the site file", "--name NAME，或站点文件中的 `name`"),
            })?,
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
            return Err(SiteError::Missing {
                what: word!("the CA", "CA"),
                how: word!(
                    "--ca CERTIFICATE and --ca-key KEY, or [[ca]] in the site file",
                    "--ca CERTIFICATE 和 --ca-key KEY，或站点文件中的 [[ca]]"
                ),
            });
        }
        site.check_nodes()?;
        site.profile.check(&site)?;
        Ok((site, warnings))
    }

    fn check_nodes(&self) -> Result<(), SiteError> {
        let name = word!("the name", "名称");
        let mut seen: BTreeMap<(&'static str, String), &NodeName> = BTreeMap::new();
        for node in &self.nodes {
            if node.roles.is_empty() {
                return Err(SiteError::NoRole(node.name.clone()));
            }
            if node.host_names.is_empty() && node.addresses.is_empty() {
                return Err(SiteError::NoIdentity(node.name.clone()));
            }
            let names = node.host_names.iter().map(|name| (word!("the host name", "主机名"), name.to_ascii_lowercase()));
            let addresses = node.addresses.iter().map(|address| (word!("the address", "地址"), address.to_string()));
            let machine = node.machine_id.iter().map(|id| (word!("the machine-id", "machine-id"), id.clone()));
            let recipient = node.recipient.iter().map(|recipient| (word!("the recipient", "接收方"), recipient.to_string()));
            let own = std::iter::once((name, node.name.as_str().to_ascii_lowercase()));
            for (what, value) in own.chain(names).chain(addresses).chain(machine).chain(recipient) {
                match seen.insert((what, value.clone()), &node.name) {
                    Some(first) if what == name || *first != node.name => {
                        return Err(SiteError::Shared { first: first.clone(), second: node.name.clone(), what, value });
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

fn profile(file: &SiteFile, force: bool, warnings: &mut Vec<Warning>) -> Result<Profile, SiteError> {
    match file.profile.as_deref() {
        None | Some(tos::NAME) => {}
        Some(other) => return Err(SiteError::UnknownProfile(other.escape_debug().take(80).collect())),
    }
    let edition = file.edition.as_deref().ok_or(SiteError::Missing {
        what: word!("the edition", "产品线"),
        how: word!(
            "--edition tdh or --edition tdc, or `edition` in the site file",
            "--edition tdh 或 --edition tdc，或站点文件中的 `edition`"
        ),
    })?;
    let edition = match edition {
        "tdc" => tos::Edition::Tdc,
        "tdh" => tos::Edition::Tdh,
        other => return Err(SiteError::UnknownEdition(other.escape_debug().take(80).collect())),
    };
    let version = file.tos_version.as_deref().ok_or(SiteError::Missing {
        what: word!("the TOS version", "TOS 版本"),
        how: word!(
            "--tos-version VERSION, as `kubectl version` or the registry's image tag shows it",
            "--tos-version VERSION，见 `kubectl version` 或 registry 的镜像标签"
        ),
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
            certificate: leaf.certificate.ok_or(SiteError::Missing {
                what: word!("the leaf to replace", "要替换的叶子证书"),
                how: word!("--leaf CERTIFICATE, or `certificate` in [[ca.leaf]]", "--leaf CERTIFICATE，或 [[ca.leaf]] 中的 `certificate`"),
            })?,
            sans: leaf.sans.iter().map(|san| parse_san(san)).collect::<Result<_, _>>()?,
            days: checked_days(leaf.days.unwrap_or(days))?,
        })
    };
    Ok(AuthoritySource {
        name: material(section.name)?,
        certificate: section.certificate.ok_or(SiteError::Missing {
            what: word!("the CA's certificate", "CA 的证书"),
            how: word!("--ca CERTIFICATE, or `certificate` in [[ca]]", "--ca CERTIFICATE，或 [[ca]] 中的 `certificate`"),
        })?,
        key: section.key.ok_or(SiteError::Missing {
            what: word!("the CA's private key", "CA 的私钥"),
            how: word!(
                "--ca-key KEY, or `key` in [[ca]]; it comes from the install package",
                "--ca-key KEY，或 [[ca]] 中的 `key`；它来自安装包"
            ),
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
