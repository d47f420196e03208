//! The throw-away site of `reseal demo`: an expired CA, and three folder trees that look like TOS nodes.

use std::{fmt::Write as _, fs, io, os::unix::fs::PermissionsExt as _, path::Path};

use bundle_format::{name::Recipient, sealing::Identity};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_RSA_SHA256, RsaKeySize,
};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use crate::files;

/// How long ago the demo's CA ended.
pub const DAYS_EXPIRED: i64 = 30;

const NODES: [(&str, &str, &str); 3] =
    [("tos1", "10.0.0.11", "etcd+flannel"), ("tos2", "10.0.0.12", "etcd+flannel"), ("tos3", "10.0.0.13", "etcd+manager")];
const METAINFO: &str = "var/lib/transwarp-manager/master/content/meta/services/TOS/tos-2.1/templates/gencerts";
const CONFIG_JSON: &str = r#"{
    "signing": {
        "default": {
            "expiry": "87600h"
        },
        "profiles": {
            "etcd": {
                "expiry": "87600h",
                "usages": ["signing", "key encipherment", "server auth", "client auth"]
            }
        }
    }
}
"#;

/// What was made.
pub struct DemoSite {
    /// The nodes' names.
    pub nodes: Vec<String>,
    /// The site file.
    pub site_toml: String,
}

struct Material {
    ca: String,
    ca_key: String,
    leaf: String,
    leaf_key: String,
}

impl DemoSite {
    /// Makes certificates, trees and site file below `dir`.
    ///
    /// # Errors
    /// When a certificate cannot be made or a file not be written.
    pub fn create(dir: &Path, now: OffsetDateTime) -> io::Result<Self> {
        let material = expired_material(now).map_err(io::Error::other)?;
        write(&dir.join("etcd-ca.pem"), &material.ca, 0o644)?;
        write(&dir.join("etcd-ca-key.pem"), &material.ca_key, 0o600)?;
        write(&dir.join("etcd.pem"), &material.leaf, 0o644)?;
        let mut site_toml = "name = \"demo\"\nedition = \"tdh\"\ntos-version = \"tos-2.1\"\n\n[[ca]]\ncertificate = \"etcd-ca.pem\"\nkey = \"etcd-ca-key.pem\"\n\n[[ca.leaf]]\ncertificate = \"etcd.pem\"\n".to_owned();
        for (name, address, roles) in NODES {
            tree(&dir.join("nodes").join(name), name, &material, roles.contains("manager"))?;
            let roles = roles.replace('+', "\", \"");
            let recipient = identity(&dir.join("nodes").join(name))?;
            let _ = write!(
                site_toml,
                "\n[[node]]\nname = \"{name}\"\naddresses = [\"{address}\"]\nroles = [\"{roles}\"]\nrecipient = \"{recipient}\"\n"
            );
        }
        write(&dir.join("site.toml"), &site_toml, 0o644)?;
        Ok(Self { nodes: NODES.map(|(name, _, _)| name.to_owned()).to_vec(), site_toml })
    }
}

fn tree(root: &Path, name: &str, material: &Material, manager: bool) -> io::Result<()> {
    write(&root.join("etc/hostname"), &format!("{name}\n"), 0o644)?;
    write(&root.join("srv/kubernetes/etcd-ca.pem"), &material.ca, 0o644)?;
    write(&root.join("srv/kubernetes/etcd.pem"), &material.leaf, 0o644)?;
    write(&root.join("srv/kubernetes/etcd-key.pem"), &material.leaf_key, 0o600)?;
    for manifest in ["tos-etcd", "tos-apiserver"] {
        let pod =
            format!("{{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{{\"name\":\"{manifest}\",\"namespace\":\"kube-system\"}}}}\n");
        write(&root.join(format!("opt/kubernetes/manifests-multi/{manifest}.manifest")), &pod, 0o644)?;
    }
    if manager {
        write(&root.join(METAINFO).join("etcd-ca.pem"), &material.ca, 0o644)?;
        write(&root.join(METAINFO).join("config.json"), CONFIG_JSON, 0o644)?;
    }
    Ok(())
}

/// The node's own identity, as `reseal-node facts` makes it there once; gives its recipient.
fn identity(root: &Path) -> io::Result<Recipient> {
    let (folder, identity) = (root.join("var/lib/reseal"), Identity::generate());
    fs::create_dir_all(&folder)?;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
    let line = Zeroizing::new(format!("{}\n", identity.to_line().as_str()));
    files::write_new(&folder.join("identity"), line.as_bytes(), 0o600).map_err(io::Error::other)?;
    Ok(identity.recipient())
}

fn write(path: &Path, content: &str, mode: u32) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, content)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// A CA and a leaf that ended [`DAYS_EXPIRED`] days ago, five years after they began.
fn expired_material(now: OffsetDateTime) -> Result<Material, rcgen::Error> {
    let end = now - Duration::days(DAYS_EXPIRED);
    let begin = end - Duration::days(5 * 365);
    let key = || KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048);
    let params = |name: &str, sans: Vec<String>| -> Result<CertificateParams, rcgen::Error> {
        let mut params = CertificateParams::new(sans)?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "transwarp");
        params.distinguished_name.push(DnType::CommonName, name);
        (params.not_before, params.not_after) = (begin, end);
        Ok(params)
    };
    let mut ca = params("etcd-ca", Vec::new())?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(2));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let names = NODES.iter().flat_map(|(name, address, _)| [*name, *address]).chain(["127.0.0.1", "10.10.10.1"]).map(str::to_owned);
    let mut leaf = params("kubernetes", names.collect())?;
    leaf.is_ca = IsCa::ExplicitNoCa;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    leaf.use_authority_key_identifier_extension = true;
    let (ca_key, leaf_key) = (key()?, key()?);
    let (ca_pem, ca_key_pem) = (ca.self_signed(&ca_key)?.pem(), ca_key.serialize_pem());
    let leaf_pem = leaf.signed_by(&leaf_key, &Issuer::new(ca, ca_key))?.pem();
    Ok(Material { ca: ca_pem, ca_key: ca_key_pem, leaf: leaf_pem, leaf_key: leaf_key.serialize_pem() })
}
