//! What this node remembers of bundles that were applied here: whose they were, of which site, and the last serial. Pure.
//!
//! Invariants: it is learned from a bundle only after all of it was verified and an `apply` of it ended well; a serial and the number
//! of signers that a site asks for only rise; a rollback forgets nothing. Forgetting is a person's to do, with `signers`.
//!
//! What a swapped stick may try, and what stops it: another maker, [`Memory::pins`]; the bundle of another site whose CA has the same
//! key, [`Mixup::OtherSite`]; an older bundle of this site, [`Mixup::Older`]; other content under a serial that was used,
//! [`Mixup::Reused`]; a bundle that asks for fewer signers than the last one, [`Mixup::TooFewSigners`].

mod keep;

use bundle_format::{
    digest::{Digest, Fingerprint},
    name::{BundleName, Serial, SiteName},
    reader::Complete,
    rfc3339_seconds,
    signature::SignerCount,
    text,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use time::OffsetDateTime;

pub use keep::{Keeper, MemoryError};

/// The number of this form of record.
pub const VERSION: u32 = 1;

/// A signer whose bundles are taken without `--signer`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// [`VERSION`].
    pub version: u32,
    /// Who.
    pub fingerprint: Fingerprint,
    /// Since when, by this node's clock.
    #[serde(with = "rfc3339_seconds")]
    pub since: OffsetDateTime,
    /// The bundle that was applied then, as `<site>-<serial>`; none where a person added the signer.
    pub by: Option<String>,
    /// The serial of the last bundle of this signer that was applied.
    pub last_serial: Option<Serial>,
}

impl Pin {
    /// A signer that a person vouches for.
    #[must_use]
    pub fn by_hand(fingerprint: Fingerprint, since: OffsetDateTime) -> Self {
        Self { version: VERSION, fingerprint, since, by: None, last_serial: None }
    }
}

/// How far a site has come on this node.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Floor {
    /// [`VERSION`].
    pub version: u32,
    /// The site.
    pub site: SiteName,
    /// The highest serial that was applied.
    pub serial: Serial,
    /// The bundle of that serial, by the digest of its signed list.
    pub bundle: Digest,
    /// The bundle that was applied last, which is an older one where the operator wanted it.
    pub last: Digest,
    /// The most signers that a bundle asked for.
    pub needs_signers: SignerCount,
    /// When this was written, by this node's clock.
    #[serde(with = "rfc3339_seconds")]
    pub at: OffsetDateTime,
}

/// A bundle that is whole and of a trusted signer, and yet not the one for this node now.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum Mixup {
    /// An older bundle.
    #[error("{}", text!(
        "the bundle has the serial {found}, and {applied} was applied here already",
        "证书包的序号是 {found}，而本节点已执行过 {applied}"
    ))]
    Older {
        /// Its serial.
        found: Serial,
        /// The highest that was applied.
        applied: Serial,
    },
    /// The bundle of another site.
    #[error("{}", text!(
        "the bundle is for the site `{found}`, and bundles of the site {} were applied here",
        "证书包属于站点 `{found}`，而本节点执行过站点 {} 的证书包"; quoted(known)
    ))]
    OtherSite {
        /// Its site.
        found: SiteName,
        /// This node's.
        known: Vec<SiteName>,
    },
    /// A serial that was used.
    #[error("{}", text!(
        "another bundle with the serial {serial} was applied here: its signed list has the SHA-256 {applied}, that of this one {found}",
        "本节点执行过序号同为 {serial} 的另一证书包：其签名清单的 SHA-256 是 {applied}，而此包是 {found}"
    ))]
    Reused {
        /// The serial.
        serial: Serial,
        /// The bundle, by the digest of its signed list.
        found: Digest,
        /// The one that was applied.
        applied: Digest,
    },
    /// Fewer signers than before.
    #[error("{}", text!(
        "bundles of this site needed {needed} signers before; this one asks for {asked}, and {} of the trusted signed it",
        "该站点以往的证书包需要 {needed} 个签名人；此包要求 {asked} 个，受信任的签名有 {} 个"; signers.len()
    ))]
    TooFewSigners {
        /// How many are needed here.
        needed: SignerCount,
        /// How many the bundle asks for.
        asked: SignerCount,
        /// Who of the trusted signed.
        signers: Vec<Fingerprint>,
    },
}

fn quoted(sites: &[SiteName]) -> String {
    sites.iter().map(|site| format!("`{site}`")).collect::<Vec<_>>().join(", ")
}

/// Everything that this node remembers.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Memory {
    /// The signers, by fingerprint.
    pub pins: Vec<Pin>,
    /// The sites, by name: one, unless a person made it otherwise.
    pub floors: Vec<Floor>,
}

/// What is to be written, since it is not remembered yet.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Lesson {
    /// Signers that are new, or have a new last serial.
    pub pins: Vec<Pin>,
    /// The site, where something of it is new.
    pub floor: Option<Floor>,
}

impl Lesson {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pins.is_empty() && self.floor.is_none()
    }
}

impl Memory {
    /// Checks that a verified bundle is one for this node now. `allows_older` is the operator's word.
    ///
    /// # Errors
    /// When it is of another site, has fewer signers than this site needs, an older serial, or one that other content had.
    pub fn admit(&self, complete: &Complete, allows_older: bool) -> Result<(), Mixup> {
        let manifest = &complete.manifest;
        if self.floors.is_empty() {
            return Ok(());
        }
        let Some(floor) = self.floor(&manifest.site) else {
            let known = self.floors.iter().map(|floor| floor.site.clone()).collect();
            return Err(Mixup::OtherSite { found: manifest.site.clone(), known });
        };
        if complete.signers.len() < floor.needs_signers.into() {
            let (needed, asked, signers) = (floor.needs_signers, manifest.needs_signers, complete.signers.clone());
            return Err(Mixup::TooFewSigners { needed, asked, signers });
        }
        if self.knows(complete) {
            return Ok(());
        }
        if manifest.serial == floor.serial {
            return Err(Mixup::Reused { serial: floor.serial, found: complete.identity, applied: floor.bundle });
        }
        if self.is_older(complete) && !allows_older {
            return Err(Mixup::Older { found: manifest.serial, applied: floor.serial });
        }
        Ok(())
    }

    fn floor(&self, site: &SiteName) -> Option<&Floor> {
        self.floors.iter().find(|floor| floor.site == *site)
    }

    /// Whether this very bundle was applied here, and no other since but one that it is newer than.
    fn knows(&self, complete: &Complete) -> bool {
        let floor = self.floor(&complete.manifest.site);
        floor.is_some_and(|floor| complete.identity == floor.bundle || complete.identity == floor.last)
    }

    /// Whether a bundle is older than one that was applied.
    #[must_use]
    pub fn is_older(&self, complete: &Complete) -> bool {
        self.floor(&complete.manifest.site).is_some_and(|floor| complete.manifest.serial < floor.serial)
    }

    /// Whether a signer's bundles are taken without `--signer`.
    #[must_use]
    pub fn has_pinned(&self, signer: &Fingerprint) -> bool {
        self.pins.iter().any(|pin| pin.fingerprint == *signer)
    }

    /// Those of a bundle's signers that are new to a node which knows others.
    #[must_use]
    pub fn strangers(&self, complete: &Complete) -> Vec<Fingerprint> {
        if self.pins.is_empty() {
            return Vec::new();
        }
        complete.signers.iter().filter(|signer| !self.has_pinned(signer)).copied().collect()
    }

    /// What a node learns from a bundle that was applied.
    #[must_use]
    pub fn learn(&self, complete: &Complete, now: OffsetDateTime) -> Lesson {
        let pins = complete.signers.iter().filter_map(|signer| self.learn_signer(*signer, complete, now)).collect();
        Lesson { pins, floor: self.learn_site(complete, now) }
    }

    fn learn_signer(&self, fingerprint: Fingerprint, complete: &Complete, now: OffsetDateTime) -> Option<Pin> {
        let BundleName { serial, .. } = complete.manifest.name();
        match self.pins.iter().find(|pin| pin.fingerprint == fingerprint) {
            Some(pin) if pin.last_serial == Some(serial) => None,
            Some(pin) => Some(Pin { last_serial: Some(serial), ..pin.clone() }),
            None => {
                Some(Pin { by: Some(complete.manifest.name().to_string()), last_serial: Some(serial), ..Pin::by_hand(fingerprint, now) })
            }
        }
    }

    fn learn_site(&self, complete: &Complete, at: OffsetDateTime) -> Option<Floor> {
        let manifest = &complete.manifest;
        let fresh = Floor {
            version: VERSION,
            site: manifest.site.clone(),
            serial: manifest.serial,
            bundle: complete.identity,
            last: complete.identity,
            needs_signers: manifest.needs_signers,
            at,
        };
        let Some(floor) = self.floor(&manifest.site) else { return Some(fresh) };
        let needs_signers = floor.needs_signers.max(manifest.needs_signers);
        let learned = if manifest.serial < floor.serial {
            Floor { last: complete.identity, needs_signers, ..floor.clone() }
        } else {
            Floor { needs_signers, at: floor.at, ..fresh }
        };
        (learned != *floor).then_some(Floor { at, ..learned })
    }
}

#[cfg(test)]
mod tests;
