//! A site's certificates, old to new: reads the material on the workstation, renews each CA, issues each leaf, and checks
//! that old and new verify under each other before anything is written.

use std::path::{Path, PathBuf};

use bundle_format::{
    certificate::{Certificate, CertificateError, San},
    digest::Fingerprint,
    forbidden::Forbidden,
    name::{EntryPath, Label, NameError},
    text, word,
};
use thiserror::Error;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::{
    files::{self, FileError},
    profile::Part,
    site::{AuthoritySource, LeafSource, Site, Warning},
    x509::{
        authority::{self, RenewError},
        key::{CryptoError, KeyError, Passphrase, PrivateKey},
        leaf::{self, LeafError, LeafMaterial, LeafRequest},
        time::{TimeError, after_days},
        verify::{RenewalError, check_renewal},
    },
};

/// Why certificates were not issued.
#[derive(Debug, Error)]
pub enum IssueError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A certificate file holds none.
    #[error("{}", text!("`{}`: {why}", "`{}`：{why}"; path.display()))]
    Certificate {
        /// The file.
        path: PathBuf,
        /// The reason.
        why: CertificateError,
    },
    /// A key file holds none that can be used.
    #[error("{}", text!("`{}`: {why}", "`{}`：{why}"; path.display()))]
    Key {
        /// The file.
        path: PathBuf,
        /// The reason.
        why: KeyError,
    },
    /// The CA cannot be renewed.
    #[error("{}", text!("`{}`: {why}", "`{}`：{why}"; path.display()))]
    Renew {
        /// The CA's file.
        path: PathBuf,
        /// The reason.
        why: RenewError,
    },
    /// The leaf cannot be issued.
    #[error("{}", text!("`{}`: {why}", "`{}`：{why}"; path.display()))]
    Leaf {
        /// The file of the leaf to replace.
        path: PathBuf,
        /// The reason.
        why: LeafError,
    },
    /// Old and new do not verify under each other.
    #[error("{}", text!("`{}`: {why}", "`{}`：{why}"; path.display()))]
    Renewal {
        /// The file of the leaf to replace.
        path: PathBuf,
        /// The reason.
        why: RenewalError,
    },
    /// The end of a validity cannot be written.
    #[error(transparent)]
    Time(#[from] TimeError),
    /// A key cannot be made.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// A node serves the leaf under no name of its own.
    #[error("{}", text!(
        "node `{node}`: none of its names and addresses ({names}) is among the SANs of the leaf `{leaf}`: others would refuse it",
        "节点 `{node}`：它的名称和地址（{names}）都不在叶子证书 `{leaf}` 的 SAN 中：其他节点会拒绝它"
    ))]
    NodeNotInSans {
        /// The node.
        node: String,
        /// Its names and addresses.
        names: String,
        /// The leaf.
        leaf: Label,
    },
}

impl IssueError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Certificate { .. } => word!(
                "give the certificate itself, as PEM or DER; `reseal inspect FILE` must show it",
                "请指定证书本身，PEM 或 DER 格式；`reseal inspect FILE` 应能显示它"
            ),
            Self::Crypto(_) => return None,
            Self::File(error) => return error.hint(),
            Self::Key { why: KeyError::Encrypted, .. } => word!(
                "give --ca-key-passphrase-file FILE, or `key-passphrase-file` in [[ca]]",
                "请用 --ca-key-passphrase-file FILE，或 [[ca]] 中的 `key-passphrase-file`"
            ),
            Self::Key { why: KeyError::WrongPassphrase, .. } => word!(
                "only the first line of the passphrase file is used; type the passphrase there again",
                "只使用口令文件的第一行；请在其中重新输入口令"
            ),
            Self::Key { why: KeyError::LegacyEncryption | KeyError::UnsupportedEncryption { .. }, .. } => {
                word!("run that command, and give the new file as the key", "请运行该命令，并把新文件作为密钥")
            }
            Self::Key { .. } => word!(
                "give the CA's private key from the install package; `openssl pkey -in FILE -noout` must read it",
                "请指定安装包中的 CA 私钥；`openssl pkey -in FILE -noout` 应能读取它"
            ),
            Self::Leaf { .. } | Self::NodeNotInSans { .. } => word!(
                "add the name or address that others use with --san, or correct the node",
                "请用 --san 加上其他节点所用的名称或地址，或修改该节点"
            ),
            Self::Renew { why: RenewError::OtherKey { .. } | RenewError::OtherKeys { .. }, .. } => word!(
                "`reseal inspect` shows a certificate's key; look for the key of this CA in the install package of this site's version",
                "`reseal inspect` 可显示证书的密钥；请在该站点版本的安装包中查找此 CA 的密钥"
            ),
            Self::Renew { .. } => word!(
                "`reseal inspect CA LEAF` shows which CA signed the leaf; give that one with --ca",
                "`reseal inspect CA LEAF` 可显示叶子证书由哪个 CA 签发；请用 --ca 指定该 CA"
            ),
            Self::Renewal { .. } => word!(
                "`reseal inspect CA LEAF` shows which CA signed the leaf; give the leaf and the CA of one site",
                "`reseal inspect CA LEAF` 可显示叶子证书由哪个 CA 签发；请指定同一站点的叶子证书和 CA"
            ),
            Self::Time(_) => word!("give fewer --days", "请减小 --days"),
        };
        Some(text.to_owned())
    }
}

/// A renewed CA and the leaves issued under it.
pub struct IssuedAuthority {
    /// Its name in the profile.
    pub name: Label,
    /// The certificate that is replaced.
    pub former: Certificate,
    /// The certificate that replaces it.
    pub renewed: Certificate,
    /// Its leaves.
    pub leaves: Vec<IssuedLeaf>,
}

/// A leaf issued in place of a former one.
pub struct IssuedLeaf {
    /// Its name in the profile.
    pub name: Label,
    /// The certificate that is replaced.
    pub former: Certificate,
    /// The certificate that replaces it.
    pub renewed: Certificate,
    /// Its private key as PEM.
    pub key_pem: Zeroizing<String>,
}

/// All that was issued, and what must be in no bundle.
pub struct Issued {
    /// The certificate authorities.
    pub authorities: Vec<IssuedAuthority>,
    /// The private keys of all of them.
    pub forbidden: Forbidden,
}

impl IssuedAuthority {
    /// The entry of its certificate.
    ///
    /// # Errors
    /// When its name makes no entry path.
    pub fn entry(&self) -> Result<EntryPath, NameError> {
        format!("certs/{}", Part::Authority.file_name(&self.name)).parse()
    }
}

impl IssuedLeaf {
    /// The entry of its certificate.
    ///
    /// # Errors
    /// When its name makes no entry path.
    pub fn certificate_entry(&self) -> Result<EntryPath, NameError> {
        format!("certs/{}", Part::Certificate.file_name(&self.name)).parse()
    }

    /// The entry of its private key.
    ///
    /// # Errors
    /// When its name makes no entry path.
    pub fn key_entry(&self) -> Result<EntryPath, NameError> {
        format!("secrets/{}", Part::Key.file_name(&self.name)).parse()
    }

    /// The SANs that only the new certificate has, and those that only the former has.
    #[must_use]
    pub fn sans_gained_and_lost(&self) -> (Vec<&San>, Vec<&San>) {
        let only = |own: &'_ Certificate, other: &'_ Certificate| -> Vec<usize> {
            own.sans().iter().enumerate().filter(|(_, san)| !other.sans().contains(san)).map(|(index, _)| index).collect()
        };
        let gained = only(&self.renewed, &self.former).into_iter().map(|index| &self.renewed.sans()[index]);
        let lost = only(&self.former, &self.renewed).into_iter().map(|index| &self.former.sans()[index]);
        (gained.collect(), lost.collect())
    }
}

/// Where the random part of a leaf comes from: [`LeafMaterial::fresh`], or something fixed in a test.
pub type MaterialSource<'a> = &'a dyn Fn(&Certificate) -> Result<LeafMaterial, CryptoError>;

/// Renews and issues everything that the site asks for.
///
/// # Errors
/// When a file cannot be used, a CA cannot be renewed, a leaf cannot be issued, or they do not verify under each other.
pub fn issue(site: &Site, material: MaterialSource<'_>) -> Result<(Issued, Vec<Warning>), IssueError> {
    let mut forbidden = Forbidden::default();
    let authorities = site.authorities.iter().map(|source| issue_authority(source, site.created, material, &mut forbidden));
    let issued = Issued { authorities: authorities.collect::<Result<_, _>>()?, forbidden };
    let mut warnings = check_keys(site, &issued);
    warnings.extend(check_names(site, &issued)?);
    Ok((issued, warnings))
}

/// Whether anybody else has, or may read, a CA's private key.
fn check_keys(site: &Site, issued: &Issued) -> Vec<Warning> {
    let secrets = site.authorities.iter().flat_map(|source| std::iter::once(&source.key).chain(&source.passphrase_file));
    let is_shared = |key: &Fingerprint| site.shared_keys.contains(key) || site.profile.is_shared_key(key);
    let keys = issued.authorities.iter().map(|authority| (&authority.name, authority.renewed.public_key()));
    let shared = keys.filter(|(_, key)| is_shared(key)).map(|(name, key)| Warning::SharedKey { authority: name.clone(), key });
    secrets.filter_map(|path| readable(path)).chain(shared).collect()
}

/// A warning where a file with a secret can be read by others.
#[must_use]
pub fn readable(path: &Path) -> Option<Warning> {
    files::readable_by_others(path).map(|mode| Warning::Readable { path: path.to_owned(), mode })
}

fn issue_authority(
    source: &AuthoritySource,
    now: OffsetDateTime,
    material: MaterialSource<'_>,
    forbidden: &mut Forbidden,
) -> Result<IssuedAuthority, IssueError> {
    let renewal = |why| IssueError::Renew { path: source.certificate.clone(), why };
    let candidates = certificates(&source.certificate)?;
    let key = private_key(&source.key, source.passphrase_file.as_deref())?;
    key.secrets().iter().for_each(|secret| forbidden.add(secret));
    let former = authority::pick_authority(&candidates, &key).map_err(renewal)?;
    let renewed = authority::renew(former, &key, after_days(now, source.days)?).map_err(renewal)?;
    let leaf = |leaf: &LeafSource| issue_leaf(leaf, former, &renewed, &key, now, material);
    let leaves = source.leaves.iter().map(leaf).collect::<Result<_, _>>()?;
    Ok(IssuedAuthority { name: source.name.clone(), former: former.clone(), renewed, leaves })
}

fn issue_leaf(
    source: &LeafSource,
    old_ca: &Certificate,
    new_ca: &Certificate,
    ca_key: &PrivateKey,
    now: OffsetDateTime,
    material: MaterialSource<'_>,
) -> Result<IssuedLeaf, IssueError> {
    let candidates = certificates(&source.certificate)?;
    let own = |certificate: &&Certificate| certificate.issuer_raw() == old_ca.subject_raw() && certificate.spki() != old_ca.spki();
    let former = candidates.iter().find(own).unwrap_or(&candidates[0]);
    let request = LeafRequest {
        authority: new_ca,
        authority_key: ca_key,
        former,
        added: &source.sans,
        now,
        not_after: after_days(now, source.days)?,
    };
    let issued = leaf::issue(&request, &material(former)?).map_err(|why| IssueError::Leaf { path: source.certificate.clone(), why })?;
    check_renewal(old_ca, new_ca, former, &issued.certificate, now)
        .map_err(|why| IssueError::Renewal { path: source.certificate.clone(), why })?;
    Ok(IssuedLeaf { name: source.name.clone(), former: former.clone(), renewed: issued.certificate, key_pem: issued.key_pem })
}

/// Every node that serves a leaf must be in its SANs under one name at least; a name that is missing is worth a warning.
fn check_names(site: &Site, issued: &Issued) -> Result<Vec<Warning>, IssueError> {
    let mut warnings = Vec::new();
    for leaf in issued.authorities.iter().flat_map(|authority| &authority.leaves) {
        for node in site.nodes.iter().filter(|node| site.profile.serves_leaf(&node.roles)) {
            let own = node.host_names.iter().cloned().map(San::Dns).chain(node.addresses.iter().copied().map(San::Ip));
            let (present, missing): (Vec<San>, Vec<San>) = own.partition(|san| leaf.renewed.sans().contains(san));
            let plain = |san: &San| match san {
                San::Dns(name) => name.clone(),
                San::Ip(address) => address.to_string(),
                San::Other { .. } => san.to_string(),
            };
            if present.is_empty() {
                let names = missing.iter().map(plain).collect::<Vec<_>>().join(", ");
                return Err(IssueError::NodeNotInSans { node: node.name.to_string(), names, leaf: leaf.name.clone() });
            }
            warnings.extend(missing.iter().map(|san| Warning::NotInSans { node: node.name.clone(), value: plain(san) }));
        }
    }
    Ok(warnings)
}

/// The certificates of a file, PEM or DER; at least one.
///
/// # Errors
/// When the file cannot be read or holds none.
pub fn certificates(path: &Path) -> Result<Vec<Certificate>, IssueError> {
    let content = files::read(path, files::MOST_INPUT)?;
    Certificate::all_from_file(&content).map_err(|why| IssueError::Certificate { path: path.to_owned(), why })
}

/// The private key of a file, with the passphrase of another.
///
/// # Errors
/// When a file cannot be read, holds no key that can sign, or the passphrase does not fit.
pub fn private_key(path: &Path, passphrase_file: Option<&Path>) -> Result<PrivateKey, IssueError> {
    let passphrase = passphrase_file.map(read_passphrase).transpose()?;
    let content = files::read(path, files::MOST_INPUT)?;
    PrivateKey::load(&content, passphrase.as_ref()).map_err(|why| IssueError::Key { path: path.to_owned(), why })
}

/// The first line of a file, without its end.
///
/// # Errors
/// When the file cannot be read.
pub fn read_passphrase(path: &Path) -> Result<Passphrase, FileError> {
    let content = files::read(path, files::MOST_INPUT)?;
    let line = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(Passphrase::new(line.strip_suffix(b"\r").unwrap_or(line).to_vec()))
}
