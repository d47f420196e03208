//! How the secrets of a bundle are sealed: each node's to its own recipient, to the site's under a passphrase, or both. Decides
//! what is sealed for whom; the writer seals.

use std::collections::{BTreeMap, BTreeSet};

use bundle_format::{
    manifest,
    name::{EntryPath, NameError, NodeName, Recipient},
    sealing::{Identity, Lock, Passphrase},
    slice::Slice,
    text, word,
    writer::{Entries, Secret},
};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::site::Site;

/// What is decided about a bundle's secrets.
#[derive(Debug)]
pub enum Sealing {
    /// Each node's are for itself, and where there is a site's key, for that too.
    Sealed(Option<SiteKey>),
    /// They are written as they are.
    Unsealed,
}

/// A site's identity and the passphrase that it is sealed by.
#[derive(Debug)]
pub struct SiteKey {
    line: Zeroizing<String>,
    recipient: Recipient,
    passphrase: Passphrase,
}

/// Why secrets cannot be sealed as it was said.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SealingError {
    /// Nothing was said.
    #[error("{}", text!(
        "it is not said how the bundle's secrets are sealed: no node has a recipient, and there is no passphrase",
        "没有说明证书包的机密如何加密封存：没有节点有接收方，也没有口令"
    ))]
    NoWay,
    /// Some nodes could not open theirs.
    #[error("{}", text!(
        "{} could not open their secrets: they have no recipient, and there is no passphrase",
        "{}：打不开自己的机密，既没有接收方，也没有口令"; named(_0)
    ))]
    NodesWithout(Vec<NodeName>),
}

impl SealingError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoWay => word!(
                "add --new-passphrase, which makes a strong one and shows it once; or --node-recipient NODE=age1… for each node, \
                 as `reseal-node facts` shows it there; or both; or --unsealed, and guard the stick like the key",
                "请加 --new-passphrase，它生成一个强口令并只显示一次；或为每个节点加 --node-recipient NODE=age1…，\
                 由该节点上的 `reseal-node facts` 显示；两者可并用；或加 --unsealed，并像保管密钥一样保管 U 盘"
            )
            .to_owned(),
            Self::NodesWithout(nodes) => {
                let flags = nodes.iter().take(LISTED).map(|node| format!("--node-recipient {node}=age1…"));
                text!(
                    "add {}, as `reseal-node facts` shows it there; or --new-passphrase for all",
                    "请加 {}，由该节点上的 `reseal-node facts` 显示；或对全部节点用 --new-passphrase";
                    flags.collect::<Vec<_>>().join(" ")
                )
            }
        }
    }
}

/// How many nodes an error lists.
const LISTED: usize = 20;

fn named(nodes: &[NodeName]) -> String {
    let mut names: Vec<String> = nodes.iter().take(LISTED).map(|node| format!("`{node}`")).collect();
    if nodes.len() > LISTED {
        names.push(text!("{} more", "另外 {} 个"; nodes.len() - LISTED));
    }
    let one = nodes.len() == 1;
    text!("{} {}", "{} {}"; if one { word!("node", "节点") } else { word!("nodes", "节点") }, names.join(word!(", ", "、")))
}

impl Sealing {
    /// Seals to the recipients that nodes have, and by a passphrase where there is one.
    ///
    /// # Errors
    /// When a node could not open its secrets.
    pub fn of(site: &Site, passphrase: Option<Passphrase>) -> Result<Self, SealingError> {
        let without: Vec<NodeName> = site.nodes.iter().filter(|node| node.recipient.is_none()).map(|node| node.name.clone()).collect();
        match passphrase {
            Some(passphrase) => {
                let identity = Identity::generate();
                Ok(Self::Sealed(Some(SiteKey { line: identity.to_line(), recipient: identity.recipient(), passphrase })))
            }
            None if without.len() == site.nodes.len() => Err(SealingError::NoWay),
            None if without.is_empty() => Ok(Self::Sealed(None)),
            None => Err(SealingError::NodesWithout(without)),
        }
    }

    /// What the manifest says of it.
    #[must_use]
    pub fn record(&self) -> Option<manifest::Sealing> {
        match self {
            Self::Sealed(key) => Some(manifest::Sealing { site_recipient: key.as_ref().map(|key| key.recipient.clone()) }),
            Self::Unsealed => None,
        }
    }

    /// The recipients of the nodes that have their own.
    #[must_use]
    pub fn recipients<'a>(&self, site: &'a Site) -> BTreeMap<&'a NodeName, &'a Recipient> {
        let nodes = site.nodes.iter().filter(|_| !matches!(self, Self::Unsealed));
        nodes.filter_map(|node| Some((&node.name, node.recipient.as_ref()?))).collect()
    }

    /// What is sealed, for whom: for each node the secrets that its slice names, and the site's identity. The slices are as compiled,
    /// with the names that entries have unsealed, and so are `plain`.
    ///
    /// # Errors
    /// When a name makes no entry path.
    pub fn secrets<'a>(&'a self, site: &'a Site, slices: &'a [Slice], plain: &'a Entries) -> Result<Vec<Secret<'a>>, NameError> {
        let Self::Sealed(key) = self else { return Ok(Vec::new()) };
        let recipients = self.recipients(site);
        let mut secrets = Vec::new();
        for slice in slices {
            let own = recipients.get(&slice.node).copied();
            let lock: Vec<&Recipient> = own.into_iter().chain(key.as_ref().map(|key| &key.recipient)).collect();
            let named: BTreeSet<&EntryPath> = slice.entries().filter(|entry| entry.is_secret()).collect();
            for (entry, content) in named.into_iter().filter_map(|entry| plain.get_key_value(entry)) {
                let entry = entry.sealed_for(&slice.node)?;
                secrets.push(Secret { entry, node: Some(&slice.node), content, lock: Lock::Recipients(lock.clone()) });
            }
        }
        secrets.extend(key.as_ref().map(|key| Secret {
            entry: EntryPath::site_identity(),
            node: None,
            content: key.line.as_bytes(),
            lock: Lock::Passphrase(&key.passphrase),
        }));
        Ok(secrets)
    }

    /// Has the slices name their secrets as they stand in the bundle.
    ///
    /// # Errors
    /// When a name makes no entry path.
    pub fn rename(&self, slices: &mut [Slice]) -> Result<(), NameError> {
        if matches!(self, Self::Unsealed) {
            return Ok(());
        }
        for slice in slices {
            let node = slice.node.clone();
            for entry in slice.entries_mut() {
                *entry = entry.sealed_for(&node)?;
            }
        }
        Ok(())
    }
}
