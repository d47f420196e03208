//! Opens what is sealed to this node, in memory alone: by its own identity where that fits, and else by the site's, which a passphrase
//! opens. Asks for nothing itself: whoever calls brings the passphrase when it is asked for.

use bundle_format::{
    name::{EntryPath, NodeName, Recipient},
    sealing::{self, Identity, IdentityError, Key, Passphrase, Place, UnsealError},
    text,
};
use thiserror::Error;

use crate::bundle::Bundle;

/// Why secrets stay sealed.
#[derive(Debug, Error)]
pub enum Locked {
    /// The site's identity is none.
    #[error("{}", text!("`{entry}` holds no identity: {why}", "`{entry}` 中没有身份密钥：{why}"))]
    BadIdentity {
        /// The entry.
        entry: EntryPath,
        /// The reason.
        why: IdentityError,
    },
    /// This node has no identity.
    #[error("{}", text!(
        "the secrets of `{node}` are sealed to {listed}, and this node has no identity",
        "`{node}` 的机密内容加密封存给 {listed}，而本节点没有身份密钥"
    ))]
    NoIdentity {
        /// The node.
        node: NodeName,
        /// Its recipient in the bundle.
        listed: Recipient,
    },
    /// Nobody gave the passphrase.
    #[error("{}", text!("the secrets of `{_0}` need the bundle's passphrase, and there is nobody to ask", "`{_0}` 的机密内容需要证书包口令，而没有人可询问"))]
    NoPassphrase(NodeName),
    /// The bundle forgot this node.
    #[error("{}", text!(
        "the secrets of `{_0}` are sealed, and bundle.json does not say to whom",
        "`{_0}` 的机密内容已加密封存，而 bundle.json 没有说明接收方"
    ))]
    Nobody(NodeName),
    /// This node has another identity.
    #[error("{}", text!(
        "the secrets of `{node}` are sealed to {listed}, but this node's own recipient is {own}",
        "`{node}` 的机密内容加密封存给 {listed}，而本节点自身的接收方是 {own}"
    ))]
    OtherIdentity {
        /// The node.
        node: NodeName,
        /// Its recipient in the bundle.
        listed: Recipient,
        /// The recipient of the identity on this node.
        own: Recipient,
    },
    /// The passphrase cannot be read.
    #[error("{}", text!("`{flag}`: {why}", "`{flag}`：{why}"))]
    Passphrase {
        /// The flag.
        flag: &'static str,
        /// The reason.
        why: String,
    },
    /// A secret does not open, though the key should fit.
    #[error(transparent)]
    Sealed(UnsealError),
    /// The site's identity is another than the bundle says.
    #[error("{}", text!(
        "`{entry}` is the identity of {found}, and bundle.json says {expected}",
        "`{entry}` 是 {found} 的身份密钥，而 bundle.json 中是 {expected}"
    ))]
    SiteIdentity {
        /// The entry.
        entry: EntryPath,
        /// Its recipient.
        found: Recipient,
        /// The recipient in the manifest.
        expected: Recipient,
    },
    /// The passphrase is another.
    #[error("{}", text!("the passphrase does not open the bundle's secrets", "口令无法打开证书包的机密内容"))]
    WrongPassphrase,
}

impl From<UnsealError> for Locked {
    fn from(error: UnsealError) -> Self {
        match error {
            UnsealError::WrongPassphrase(_) => Self::WrongPassphrase,
            error => Self::Sealed(error),
        }
    }
}

/// Where a passphrase comes from. It may be asked for again after a wrong one; `None` ends that.
pub type Ask<'a> = &'a mut dyn FnMut() -> Result<Option<Passphrase>, Locked>;

/// Opens all secrets of `node` that the bundle has kept. A bundle that is not sealed stays as it is.
///
/// # Errors
/// When neither `own` nor a passphrase opens them, or one of them belongs elsewhere.
pub fn unseal(bundle: &mut Bundle, node: &NodeName, own: Option<Identity>, ask: Ask<'_>) -> Result<(), Locked> {
    if bundle.manifest().sealing.is_none() {
        return Ok(());
    }
    let sealed = std::mem::take(&mut bundle.sealed);
    let identity = match fitting(bundle, node, own) {
        Ok(own) => own,
        Err(why) => {
            let site = sealed.get(&EntryPath::site_identity()).map(|content| content.as_slice());
            site_identity(bundle, node, site, ask)?.ok_or(why)?
        }
    };
    let name = bundle.manifest().name();
    for (entry, content) in sealed.iter().filter(|(entry, _)| entry.sealed_node().is_some()) {
        let opened = sealing::open(Place { bundle: &name, node: Some(node), entry }, content, Key::Identity(&identity))?;
        drop(bundle.material.insert(entry.clone(), opened));
    }
    Ok(())
}

/// The node's own identity, where the bundle is sealed to it.
fn fitting(bundle: &Bundle, node: &NodeName, own: Option<Identity>) -> Result<Identity, Locked> {
    let listed = bundle.manifest().sealed_nodes().find(|(name, _)| *name == node).map(|(_, recipient)| recipient.clone());
    let node = node.clone();
    match (own, listed) {
        (_, None) => Err(Locked::Nobody(node)),
        (None, Some(listed)) => Err(Locked::NoIdentity { node, listed }),
        (Some(own), Some(listed)) if own.recipient() == listed => Ok(own),
        (Some(own), Some(listed)) => Err(Locked::OtherIdentity { node, listed, own: own.recipient() }),
    }
}

/// The site's identity, where the bundle has one.
fn site_identity(bundle: &Bundle, node: &NodeName, sealed: Option<&[u8]>, ask: Ask<'_>) -> Result<Option<Identity>, Locked> {
    let expected = bundle.manifest().sealing.as_ref().and_then(|sealing| sealing.site_recipient.clone());
    let (Some(expected), Some(sealed)) = (expected, sealed) else { return Ok(None) };
    let (name, entry) = (bundle.manifest().name(), EntryPath::site_identity());
    let place = Place { bundle: &name, node: None, entry: &entry };
    let mut last = Locked::NoPassphrase(node.clone());
    while let Some(passphrase) = ask()? {
        match sealing::open(place, sealed, Key::Passphrase(&passphrase)) {
            Ok(line) => {
                let identity = Identity::parse(&line).map_err(|why| Locked::BadIdentity { entry: entry.clone(), why })?;
                let found = identity.recipient();
                return if found == expected { Ok(Some(identity)) } else { Err(Locked::SiteIdentity { entry, found, expected }) };
            }
            Err(why @ UnsealError::WrongPassphrase(_)) => last = why.into(),
            Err(why) => return Err(why.into()),
        }
    }
    Err(last)
}
