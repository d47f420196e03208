//! `bundle.json`: what the whole bundle is, for people and for every node.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    bounded,
    certificate::Certificate,
    digest::{Digest, Fingerprint},
    name::{BundleName, EntryPath, Label, NodeName, Recipient, Serial, SiteName, TargetPath},
    rfc3339_seconds,
    signature::SignerCount,
    text,
    version::Version,
    word,
};

/// The content of `bundle.json`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The format's number, [`crate::FORMAT`].
    pub format: u32,
    /// The lowest version of `reseal-node` that knows every step of this bundle.
    pub needs_executor: Version,
    /// How many distinct trusted signers must have signed.
    pub needs_signers: SignerCount,
    /// The site.
    pub site: SiteName,
    /// The site's bundle number.
    pub serial: Serial,
    /// When the bundle was made.
    #[serde(with = "rfc3339_seconds")]
    pub created: OffsetDateTime,
    /// After when it should no longer be applied. A soft bound: clocks drift.
    #[serde(with = "rfc3339_seconds")]
    pub not_after: OffsetDateTime,
    /// The profile that laid out the slices.
    pub profile: Label,
    /// How its secrets are sealed; none where they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing: Option<Sealing>,
    /// The certificate authorities that this bundle renews.
    #[serde(deserialize_with = "bounded::list::<_, _, 64>")]
    pub authorities: Vec<AuthorityRecord>,
    /// The nodes, in the order in which they are to be visited.
    #[serde(deserialize_with = "bounded::list::<_, _, 16_384>")]
    pub nodes: Vec<NodeRecord>,
}

/// One renewed certificate authority and the leaves under it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityRecord {
    /// Its name in the profile.
    pub name: Label,
    /// The entry that holds the renewed certificate.
    pub certificate: EntryPath,
    /// Where a node of this site keeps it.
    pub installed: TargetPath,
    /// The key, which is the same before and after.
    pub public_key: Fingerprint,
    /// The certificate that is replaced.
    pub former: CertificateRecord,
    /// The certificate that replaces it.
    pub renewed: CertificateRecord,
    /// The leaves issued under it.
    #[serde(deserialize_with = "bounded::list::<_, _, 256>")]
    pub leaves: Vec<LeafRecord>,
}

/// One leaf certificate.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LeafRecord {
    /// Its name in the profile.
    pub name: Label,
    /// The entry that holds the new certificate.
    pub certificate: EntryPath,
    /// The entry that holds its private key; where secrets are sealed, each node has its own, whose [`EntryPath::unsealed`] this is.
    pub key: EntryPath,
    /// Where a node of this site keeps the certificate.
    pub installed: TargetPath,
    /// The certificate that is replaced.
    pub former: CertificateRecord,
    /// The certificate that replaces it.
    pub renewed: CertificateRecord,
}

/// What identifies a certificate.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateRecord {
    /// SHA-256 of its DER form.
    pub fingerprint: Digest,
    /// The start of its validity.
    #[serde(with = "rfc3339_seconds")]
    pub not_before: OffsetDateTime,
    /// The end of its validity.
    #[serde(with = "rfc3339_seconds")]
    pub not_after: OffsetDateTime,
}

/// One node as the manifest lists it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NodeRecord {
    /// Its name; its slice is `nodes/<name>.json`.
    pub name: NodeName,
    /// What it does at its site, in the profile's words.
    #[serde(deserialize_with = "bounded::list::<_, _, 16>")]
    pub roles: Vec<Label>,
    /// To whom its secrets are sealed, where they are sealed to the node itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Recipient>,
}

/// How the secrets of a bundle are sealed: each node's to its own recipient, to the site's, or to both.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Sealing {
    /// The site's recipient, whose identity is an entry under a passphrase; none where there is no passphrase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site_recipient: Option<Recipient>,
}

impl Manifest {
    /// The nodes whose secrets are sealed to themselves.
    pub fn sealed_nodes(&self) -> impl Iterator<Item = (&NodeName, &Recipient)> {
        self.nodes.iter().filter_map(|node| Some((&node.name, node.recipient.as_ref()?)))
    }

    /// How its secrets are sealed, in one line for people.
    #[must_use]
    pub fn how_sealed(&self) -> String {
        let (own, all) = (self.sealed_nodes().count(), self.nodes.len());
        match &self.sealing {
            None => word!("UNSEALED: whoever has the bundle has them", "未加密封存：拿到证书包的人就拿到了机密").to_owned(),
            Some(Sealing { site_recipient: None }) => {
                text!("sealed, to the own recipients of {own} of {all} nodes", "已加密封存，接收方为 {all} 个节点中的 {own} 个")
            }
            Some(_) if own == 0 => word!("sealed, by a passphrase", "已用口令加密封存").to_owned(),
            Some(_) => text!(
                "sealed, by a passphrase, and to the own recipients of {own} of {all} nodes",
                "已用口令加密封存，接收方另有 {all} 个节点中的 {own} 个"
            ),
        }
    }

    /// How its secrets are sealed, for programs: null, or `passphrase` (whether one opens them) and `recipients` (by node).
    #[must_use]
    pub fn sealing_view(&self) -> serde_json::Value {
        let recipients: BTreeMap<&NodeName, &Recipient> = self.sealed_nodes().collect();
        let view = |sealing: &Sealing| serde_json::json!({ "passphrase": sealing.site_recipient.is_some(), "recipients": recipients });
        self.sealing.as_ref().map_or(serde_json::Value::Null, view)
    }

    /// `<site>-<serial>`.
    #[must_use]
    pub fn name(&self) -> BundleName {
        BundleName { site: self.site.clone(), serial: self.serial }
    }
}

impl From<&Certificate> for CertificateRecord {
    fn from(certificate: &Certificate) -> Self {
        Self { fingerprint: certificate.fingerprint(), not_before: certificate.not_before(), not_after: certificate.not_after() }
    }
}
