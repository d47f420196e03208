//! Subject alternative names (RFC 5280, 4.2.1.6).

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    net::IpAddr,
};

use super::{
    der::{DerError, SEQUENCE, Tlv, context},
    name::escaped,
};

/// One name that a certificate is good for. DNS names are equal whatever their case.
#[derive(Clone, Debug)]
pub enum San {
    /// A host name.
    Dns(String),
    /// An address.
    Ip(IpAddr),
    /// Any other `GeneralName`, as it is written.
    Other {
        /// Its tag.
        tag: u8,
        /// Tag, length and content.
        der: Vec<u8>,
    },
}

impl San {
    pub(super) const DNS: u8 = context(2);
    pub(super) const IP: u8 = context(7);

    fn from_general_name(name: &Tlv<'_>) -> Self {
        let other = || Self::Other { tag: name.tag, der: name.raw.to_vec() };
        match name.tag {
            Self::DNS if name.content.is_ascii() => String::from_utf8(name.content.to_vec()).map_or_else(|_| other(), Self::Dns),
            Self::IP => address(name.content).map_or_else(other, Self::Ip),
            _ => other(),
        }
    }

    /// What equality and order are decided by.
    fn key(&self) -> (u8, Vec<u8>) {
        match self {
            Self::Dns(name) => (0, name.to_ascii_lowercase().into_bytes()),
            Self::Ip(IpAddr::V4(address)) => (1, address.octets().to_vec()),
            Self::Ip(IpAddr::V6(address)) => (2, address.octets().to_vec()),
            Self::Other { der, .. } => (3, der.clone()),
        }
    }
}

/// The names of the content of a `subjectAltName` extension, in their order.
pub(super) fn read(extension: &Tlv<'_>) -> Result<Vec<San>, DerError> {
    let mut names = Vec::new();
    let mut reader = super::der::whole(extension.content, SEQUENCE)?.reader();
    while !reader.is_empty() {
        names.push(San::from_general_name(&reader.any()?));
    }
    Ok(names)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        return Some(octets.into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

impl PartialEq for San {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for San {}

impl PartialOrd for San {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for San {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Hash for San {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// `DNS:host`, `IP:10.0.0.1`; other names as `email:`, `URI:`, or their tag number and hexadecimal DER.
impl fmt::Display for San {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Dns(name) => format!("DNS:{}", escaped(name)),
            Self::Ip(address) => format!("IP:{address}"),
            Self::Other { tag, der } => other(*tag, der),
        };
        f.pad(&text)
    }
}

fn other(tag: u8, der: &[u8]) -> String {
    let kind = match tag {
        0x81 => "email",
        0x86 => "URI",
        _ => return format!("[{}]:{}", tag & 0x1f, hex::encode(der)),
    };
    let content = super::der::whole(der, tag).map(|value| String::from_utf8_lossy(value.content));
    format!("{kind}:{}", escaped(&content.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dns(name: &str) -> San {
        San::Dns(name.to_owned())
    }

    #[test]
    fn dns_names_are_equal_whatever_their_case() {
        assert_eq!(dns("Node-1.tos"), dns("node-1.TOS"));
        assert_ne!(dns("node-1"), dns("node-2"));
        assert_ne!(dns("10.0.0.1"), San::Ip([10, 0, 0, 1].into()));
        let mut names = [San::Ip([10, 0, 0, 1].into()), dns("b"), San::Ip([2, 0, 0, 1].into()), dns("A")];
        names.sort();
        assert_eq!(names.map(|name| name.to_string()), ["DNS:A", "DNS:b", "IP:2.0.0.1", "IP:10.0.0.1"]);
    }

    #[test]
    fn every_kind_of_name_is_shown() {
        let der = [
            &[0x30, 28, 0x82, 1, b'a', 0x87, 4, 127, 0, 0, 1, 0x86, 3, b'u', b':', b'\n', 0x87, 3, 1, 2, 3, 0x88, 1, 42][..],
            &[0x81, 1, b'm', 0x82, 1, 0xff],
        ]
        .concat();
        let names = read(&Tlv { tag: 4, raw: &[], content: &der }).unwrap();
        let shown: Vec<_> = names.iter().map(San::to_string).collect();
        assert_eq!(shown, ["DNS:a", "IP:127.0.0.1", r"URI:u:\n", "[7]:8703010203", "[8]:88012a", "email:m", "[2]:8201ff"]);
    }
}
