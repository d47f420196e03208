//! What a node is, as its executor saw it before any bundle existed: `reseal-node facts` writes it, `reseal` reads it.
//!
//! Everything in it is public. A certificate stands in it whole, so that a bundle can be made from it; a private key never does, and no
//! field could take one: texts are short and of known alphabets. [`document`] is the text form, with its checksum. `docs/FACTS.md`
//! says what each field means to people.

pub mod document;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    certificate::Certificate,
    digest::{Digest, Fingerprint},
    name::{Identifier, Label, Recipient, TargetPath},
    rfc3339_seconds, word,
};

pub use document::{FactsError, MOST_BYTES, is_facts, is_plain, read, write};

/// The number of this form of facts.
pub const FORMAT: u32 = 1;
/// The most items of one list.
pub const MOST_ITEMS: usize = 256;
/// The longest text, in bytes.
pub const MOST_TEXT: usize = 1024;

/// What one node is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NodeFacts {
    /// The number of the form, [`FORMAT`].
    pub facts: u32,
    /// The version of the `reseal-node` that looked.
    pub made_by: String,
    /// The node's clock when it looked.
    #[serde(with = "rfc3339_seconds")]
    pub gathered: OffsetDateTime,
    /// Whether this is a whole machine, with what runs on it, or only a tree of files.
    pub is_whole: bool,
    /// By what the node knows itself.
    pub host: HostFacts,
    /// What secrets for this node are sealed to.
    pub recipient: Option<Recipient>,
    /// The operating system.
    pub system: SystemFacts,
    /// The kinds of clusters that it belongs to.
    pub clusters: Vec<ClusterFacts>,
    /// What containers are asked of.
    pub runtime: Option<RuntimeFacts>,
    /// What could not be looked at, in words.
    pub remarks: Vec<String>,
    /// The certificates.
    pub certificates: Vec<CertificateFacts>,
}

/// By what a node knows itself.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HostFacts {
    /// Its host name.
    pub name: Option<String>,
    /// Its `/etc/machine-id`.
    pub machine_id: Option<String>,
    /// Its addresses, and where each was found.
    pub addresses: Vec<AddressFact>,
}

/// An address of a node.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AddressFact {
    /// The address.
    pub address: IpAddr,
    /// Where it was found: `interface eth0`, or the path of a file.
    pub from: String,
}

/// The operating system.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SystemFacts {
    /// Its name for people, of `/etc/os-release`.
    pub name: Option<String>,
    /// Its `ID` and `VERSION_ID`.
    pub id: Option<String>,
    /// The kernel's release.
    pub kernel: Option<String>,
    /// The architecture, as `uname -m` prints it.
    pub architecture: Option<String>,
}

/// A node's part in one kind of cluster.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterFacts {
    /// The profile that knows this kind.
    pub profile: Label,
    /// What the node does in it.
    pub roles: Vec<RoleFact>,
    /// Where certificates are that the profile renews.
    pub homes: Vec<HomeFact>,
    /// What its version may be.
    pub versions: Vec<VersionFact>,
    /// What the address of the service `kubernetes` may be.
    pub service_addresses: Vec<AddressFact>,
    /// The node's member of etcd, as its manifest has it.
    pub etcd: Option<EtcdFacts>,
    /// The database that keeps certificates, where this node has it.
    pub database: Option<DatabaseFacts>,
}

/// A role and what speaks for it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RoleFact {
    /// The role, in the profile's words.
    pub role: Label,
    /// What was found, in words.
    pub because: Vec<String>,
}

/// A certificate that the profile renews.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HomeFact {
    /// Its name in the profile.
    pub name: Label,
    /// Whether it is the CA or a leaf.
    pub part: HomePart,
    /// Where it is.
    pub path: TargetPath,
}

/// What a certificate is to a profile.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HomePart {
    /// The certificate of a CA.
    Authority,
    /// A leaf under it.
    Leaf,
}

/// What a version may be.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(deny_unknown_fields)]
pub struct VersionFact {
    /// The version as it was found: the name of a folder, the tag of an image.
    pub text: Label,
    /// What kind of thing had it.
    pub source: VersionSource,
    /// Where.
    pub from: String,
}

/// What had a version, the surest first.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum VersionSource {
    /// The folder of templates that a renewal has to find.
    Folder,
    /// The image of a container.
    Image,
    /// The image that a manifest names.
    Manifest,
}

/// A member of etcd as its manifest has it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EtcdFacts {
    /// The port of its client URL.
    pub client_port: Option<u16>,
    /// The port of its peer URL.
    pub peer_port: Option<u16>,
    /// The addresses of all members that it began with.
    pub members: Vec<IpAddr>,
}

/// A database.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseFacts {
    /// The socket that is there.
    pub socket: Option<String>,
    /// The address and port that take connections.
    pub host: Option<IpAddr>,
    /// The port.
    pub port: Option<u16>,
    /// The user by whom it was asked, where it is not `root`.
    pub user: Option<String>,
    /// The schema that has the table, where it could be looked into.
    pub database: Option<Identifier>,
    /// Whether it keeps certificates, where it could be looked into.
    pub keeps_certificates: Option<bool>,
    /// What it answered, in words.
    pub said: String,
}

/// What containers are asked of.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RuntimeFacts {
    /// `docker`, `crictl` or `the process table`.
    pub name: String,
    /// What answered and what did not.
    pub why: Vec<String>,
}

/// A certificate: what it says, and itself.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateFacts {
    /// The file.
    pub path: TargetPath,
    /// Which one of the file, from 1.
    pub number: usize,
    /// The subject, for people.
    pub subject: String,
    /// The issuer, for people.
    pub issuer: String,
    /// The serial number, hexadecimal.
    pub serial: String,
    /// The start of its validity.
    #[serde(with = "rfc3339_seconds")]
    pub not_before: OffsetDateTime,
    /// The end of its validity.
    #[serde(with = "rfc3339_seconds")]
    pub not_after: OffsetDateTime,
    /// Whether it is a CA's.
    pub ca: bool,
    /// The kind of its key.
    pub key: String,
    /// The subject alternative names.
    pub sans: Vec<String>,
    /// The subject key identifier, hexadecimal.
    pub subject_key_id: Option<String>,
    /// The authority key identifier, hexadecimal.
    pub authority_key_id: Option<String>,
    /// SHA-256 of its DER form.
    pub fingerprint: Digest,
    /// What its key is known by.
    pub public_key: Fingerprint,
    /// The files here with a certificate that signed it; its own for a self-signed one.
    pub signed_by: Vec<TargetPath>,
    /// The certificate as PEM.
    pub pem: String,
}

impl CertificateFacts {
    /// What there is to say of a certificate, but for who signed it.
    #[must_use]
    pub fn of(path: TargetPath, number: usize, certificate: &Certificate) -> Self {
        Self {
            path,
            number,
            subject: certificate.subject(),
            issuer: certificate.issuer(),
            serial: certificate.serial_hex(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            ca: certificate.is_ca(),
            key: certificate.key_description(),
            sans: certificate.sans().iter().map(ToString::to_string).collect(),
            subject_key_id: certificate.subject_key_id().map(hex::encode),
            authority_key_id: certificate.authority_key_id().map(hex::encode),
            fingerprint: certificate.fingerprint(),
            public_key: certificate.public_key(),
            signed_by: Vec::new(),
            pem: certificate.to_pem(),
        }
    }

    /// The certificate itself. Of facts that were read, it is there, and says what the other fields say.
    #[must_use]
    pub fn certificate(&self) -> Option<Certificate> {
        match Certificate::all_from_pem(self.pem.as_bytes()).ok()?.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        }
    }
}

impl NodeFacts {
    /// What the node is called when people speak of it: its host name, or an address, or its machine-id.
    #[must_use]
    pub fn called(&self) -> String {
        let address = || self.host.addresses.first().map(|found| found.address.to_string());
        let named = self.host.name.clone().or_else(address).or_else(|| self.host.machine_id.clone());
        named.unwrap_or_else(|| word!("a node without a name", "没有名称的节点").to_owned())
    }

    /// Says of each certificate which of the others signed it.
    #[must_use]
    pub fn with_signers(mut self) -> Self {
        let all: Vec<(TargetPath, Option<Certificate>)> =
            self.certificates.iter().map(|facts| (facts.path.clone(), facts.certificate())).collect();
        for (facts, (_, certificate)) in self.certificates.iter_mut().zip(&all) {
            let signed = |ca: &Certificate| certificate.as_ref().is_some_and(|certificate| is_signed_by(certificate, ca));
            let signers = all.iter().filter(|(_, ca)| ca.as_ref().is_some_and(signed));
            facts.signed_by = signers.map(|(path, _)| path.clone()).collect();
            facts.signed_by.dedup();
        }
        self
    }
}

/// Itself, where it is self-signed; or a CA with another key under which it verifies.
fn is_signed_by(certificate: &Certificate, ca: &Certificate) -> bool {
    let is_itself = certificate == ca;
    (is_itself || ca.is_ca() && certificate.spki() != ca.spki()) && certificate.verify_issued_by(ca).is_ok()
}
