//! Which slice is this node's. Pure: it compares what the host says of itself with what slices say.

use std::net::IpAddr;

use bundle_format::{name::NodeName, slice::Identity, word};
use serde::Serialize;

use crate::machine::Host;

/// By what a node was recognised.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// An address of an interface.
    Address,
    /// The host name.
    HostName,
    /// `/etc/machine-id`.
    MachineId,
    /// The operator's word, `--node`.
    Named,
}

impl Evidence {
    /// For people.
    pub fn text(self) -> &'static str {
        match self {
            Self::Address => word!("by its address", "按地址"),
            Self::HostName => word!("by its host name", "按主机名"),
            Self::MachineId => word!("by its machine-id", "按 machine-id"),
            Self::Named => word!("by `--node`", "由 `--node` 指定"),
        }
    }
}

/// How the node of a slice is to be found.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// The one that this host is.
    Host(Host),
    /// The one of this name.
    Named(NodeName),
    /// None: only the bundle as a whole is of interest.
    Nobody,
}

impl Wanted {
    /// Whether a slice is wanted, and by what.
    pub fn evidence(&self, node: &NodeName, identity: &Identity) -> Option<Evidence> {
        match self {
            Self::Host(host) => recognise(host, identity),
            Self::Named(name) => (name == node).then_some(Evidence::Named),
            Self::Nobody => None,
        }
    }
}

/// A node as a list for the operator shows it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct NodeListing {
    /// Its name in the bundle.
    pub node: NodeName,
    /// Its host names.
    pub host_names: Vec<String>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

fn recognise(host: &Host, identity: &Identity) -> Option<Evidence> {
    let machine_id = identity.machine_id.as_deref().map(str::trim).filter(|id| !id.is_empty());
    if host.name.as_ref().is_some_and(|name| identity.host_names.iter().any(|other| is_same_host(name, other))) {
        return Some(Evidence::HostName);
    }
    if host.addresses.iter().any(|address| !address.is_loopback() && identity.addresses.contains(address)) {
        return Some(Evidence::Address);
    }
    let same_id = machine_id.is_some_and(|id| host.machine_id.as_deref().is_some_and(|other| other.eq_ignore_ascii_case(id)));
    same_id.then_some(Evidence::MachineId)
}

/// Equal in full, or up to the first dot where one of the two has no domain. Two domains are two hosts.
fn is_same_host(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim_end_matches('.'), other.trim_end_matches('.'));
    let short = |name: &'_ str| -> String { name.split('.').next().unwrap_or_default().to_ascii_lowercase() };
    if one.is_empty() || other.is_empty() {
        return false;
    }
    one.eq_ignore_ascii_case(other) || (!(one.contains('.') && other.contains('.')) && short(one) == short(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            host_names: vec!["Master-1.tos.example".to_owned(), "m1".to_owned()],
            addresses: vec!["10.0.0.1".parse().unwrap(), "127.0.0.1".parse().unwrap()],
            machine_id: Some("0123456789abcdef0123456789abcdef".to_owned()),
        }
    }

    fn named(name: &str) -> Host {
        Host { name: Some(name.to_owned()), ..Host::default() }
    }

    #[test]
    fn host_names_fit_in_full_or_up_to_the_first_dot() {
        for name in ["master-1", "MASTER-1.TOS.example", "m1", "m1.any.domain", "master-1.tos.example."] {
            assert_eq!(recognise(&named(name), &identity()), Some(Evidence::HostName), "{name}");
        }
        for name in ["master-1.other.example", "master-10", "master", "", ".", "tos"] {
            assert_eq!(recognise(&named(name), &identity()), None, "{name}");
        }
    }

    #[test]
    fn addresses_and_machine_ids_fit_too() {
        let at = |address: &str| Host { addresses: vec![address.parse().unwrap()], ..Host::default() };
        assert_eq!(recognise(&at("10.0.0.1"), &identity()), Some(Evidence::Address));
        assert_eq!(recognise(&at("10.0.0.2"), &identity()), None);
        assert_eq!(recognise(&at("127.0.0.1"), &identity()), None);
        let host = Host { machine_id: Some("0123456789ABCDEF0123456789abcdef".to_owned()), ..Host::default() };
        assert_eq!(recognise(&host, &identity()), Some(Evidence::MachineId));
        assert_eq!(recognise(&Host::default(), &Identity { machine_id: Some(String::new()), ..identity() }), None);
    }
}
