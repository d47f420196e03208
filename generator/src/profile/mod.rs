//! Profiles: how a kind of cluster lays out certificates and services. Each is one module with one pure function from
//! issued certificates and site to slices.

pub mod tos;

use bundle_format::{
    digest::Fingerprint,
    name::{Label, NameError, TargetPath},
    slice::Slice,
};

use crate::{
    issue::IssuedAuthority,
    site::{Site, SiteError},
};

/// The profile of a site, with the settings that only it understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Transwarp TOS.
    Tos(tos::Settings),
}

impl Profile {
    /// Its name in site files and bundles.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Tos(_) => tos::NAME,
        }
    }

    /// Whether sites of this profile are known to share this CA key.
    #[must_use]
    pub fn is_shared_key(&self, key: &Fingerprint) -> bool {
        let known = match self {
            Self::Tos(_) => tos::SHARED_KEYS,
        };
        known.iter().any(|shared| shared.parse() == Ok(*key))
    }

    /// Checks what only the profile can know of a site.
    ///
    /// # Errors
    /// When a role, certificate authority or leaf is unknown to it, or they do not go together.
    pub fn check(&self, site: &Site) -> Result<(), SiteError> {
        match self {
            Self::Tos(settings) => tos::check(settings, site),
        }
    }

    /// Whether a node with these roles presents the site's leaves to others, so that its names must be among their SANs.
    #[must_use]
    pub fn serves_leaf(&self, roles: &[Label]) -> bool {
        match self {
            Self::Tos(_) => tos::serves_leaf(roles),
        }
    }

    /// Where a node keeps the certificate of a certificate authority or leaf, by its name in the site.
    ///
    /// # Errors
    /// When the path is not one that a step may touch.
    pub fn home(&self, name: &Label, part: Part) -> Result<TargetPath, NameError> {
        match self {
            Self::Tos(_) => tos::home(name, part),
        }
    }

    /// The slices of all nodes, in visiting order. Pure.
    ///
    /// # Errors
    /// When a name of the site makes a path that no step may touch.
    pub fn compile(&self, site: &Site, authorities: &[IssuedAuthority]) -> Result<Vec<Slice>, NameError> {
        match self {
            Self::Tos(settings) => tos::compile(settings, site, authorities),
        }
    }
}

/// What of a certificate authority or leaf is kept at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A CA's certificate.
    Authority,
    /// A leaf's certificate.
    Certificate,
    /// A leaf's private key.
    Key,
}

impl Part {
    /// The file name of this part, as site files of etcd have it: `etcd-ca.pem`, `etcd.pem`, `etcd-key.pem`.
    #[must_use]
    pub fn file_name(self, name: &Label) -> String {
        match self {
            Self::Authority => format!("{name}-ca.pem"),
            Self::Certificate => format!("{name}.pem"),
            Self::Key => format!("{name}-key.pem"),
        }
    }
}
