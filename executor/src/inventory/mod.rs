//! What this node is, before any bundle exists: gathered here for `reseal-node facts`, judged on the workstation.
//!
//! Only what is public is taken: certificates out of files, never the files; of texts, those of a known form. What cannot be looked at
//! is a remark and stops nothing. Nothing is changed.
//!
//! What a hostile tree may try, and what stops it: files without an end, links, devices and pipes ([`Machine::look`]); folders with very
//! many names ([`MOST_NAMES`]); a private key beside a certificate, or in place of one (only `CERTIFICATE` blocks are decoded, and what is
//! written is made from the decoded certificate); a key in place of a host name or machine-id (each has its alphabet); facts that grow
//! too large ([`MOST_CERTIFICATE_BYTES`]).

mod certificates;
mod cluster;
mod database;
mod manifest;
pub mod places;

use std::net::IpAddr;

use bundle_format::{
    facts::{AddressFact, FORMAT, HostFacts, MOST_TEXT, NodeFacts, RuntimeFacts, SystemFacts, is_plain},
    language::Language,
    name::{Recipient, TargetPath},
    slice::DatabaseConnection,
};

use crate::{
    containers::{Detection, Listed, Runtime},
    machine::{Machine, Place, Sight, database::Database},
};
use places::KINDS;

/// The most names of one folder that are looked at.
const MOST_NAMES: usize = 256;
/// The largest manifest and settings file that is looked into, in bytes.
const MOST_FILE: usize = 256 << 10;
/// The most bytes of certificates, as PEM.
const MOST_CERTIFICATE_BYTES: usize = 512 << 10;
/// The most addresses.
const MOST_ADDRESSES: usize = 64;

/// Where the database would be, and the way to it.
pub struct Reach {
    /// Where, as far as flags and custom tell.
    pub place: DatabaseConnection,
    /// The way to it.
    pub database: Database,
    /// Whether the operator named it, so that it is looked at whatever this node seems to be.
    pub is_named: bool,
}

/// What is looked at and written down meanwhile.
struct Look<'a> {
    machine: &'a Machine,
    runtime: Option<Detection>,
    containers: Vec<Listed>,
    reach: Option<&'a Reach>,
    remarks: Vec<String>,
}

/// Looks at everything. `reach` is none where no database is to be asked.
pub fn gather(machine: &Machine, recipient: Option<Recipient>, reach: Option<&Reach>) -> NodeFacts {
    Language::English.says(|| look_around(machine, recipient, reach))
}

fn look_around(machine: &Machine, recipient: Option<Recipient>, reach: Option<&Reach>) -> NodeFacts {
    let mut look = Look { machine, runtime: None, containers: Vec::new(), reach, remarks: Vec::new() };
    look.containers();
    let clusters: Vec<_> = KINDS.iter().filter_map(|kind| look.cluster(kind)).collect();
    let certificates = look.certificates(&clusters);
    let facts = NodeFacts {
        facts: FORMAT,
        made_by: env!("CARGO_PKG_VERSION").to_owned(),
        gathered: machine.now(),
        is_whole: machine.is_whole(),
        host: look.host(),
        recipient,
        system: look.system(),
        clusters,
        runtime: look
            .runtime
            .as_ref()
            .map(|Detection { runtime, why }| RuntimeFacts { name: runtime.to_string(), why: why.iter().map(|why| short(why)).collect() }),
        remarks: look.remarks.iter().take(MOST_NAMES).map(|remark| short(remark)).collect(),
        certificates,
    };
    facts.with_signers()
}

impl Look<'_> {
    fn containers(&mut self) {
        if !self.machine.is_whole() {
            return;
        }
        let detection = Runtime::detect(self.machine);
        match detection.runtime.all(self.machine) {
            Ok(containers) => self.containers = containers,
            Err(why) => self.remarks.push(format!("containers cannot be listed: {why}")),
        }
        self.runtime = Some(detection);
    }

    fn host(&mut self) -> HostFacts {
        let host = self.machine.host();
        let mut addresses: Vec<AddressFact> = self
            .machine
            .interfaces()
            .into_iter()
            .map(|interface| AddressFact { address: interface.address, from: short(&format!("interface {}", interface.name)) })
            .collect();
        let name = host.name.filter(|name| is_host_name(name));
        if let Some(name) = &name {
            addresses.extend(self.hosts_file(name));
        }
        for kind in KINDS {
            addresses.extend(self.advertised(kind));
        }
        addresses.truncate(MOST_ADDRESSES);
        let is_machine_id = |id: &String| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        HostFacts { name, machine_id: host.machine_id.filter(is_machine_id), addresses }
    }

    /// The addresses that `/etc/hosts` has for this host: of a tree there is no other source. Nothing is resolved.
    fn hosts_file(&mut self, name: &str) -> Vec<AddressFact> {
        const FILE: &str = "/etc/hosts";
        let text = self.text(FILE).unwrap_or_default();
        let address = |line: &str| {
            let mut words = line.split('#').next()?.split_whitespace();
            let address: IpAddr = words.next()?.parse().ok()?;
            (words.any(|word| word.eq_ignore_ascii_case(name)) && !address.is_loopback()).then_some(address)
        };
        text.lines().filter_map(address).map(|address| AddressFact { address, from: FILE.to_owned() }).collect()
    }

    fn system(&mut self) -> SystemFacts {
        // The second is where the first leads, where it is a link (os-release(5)).
        let release = self.text("/etc/os-release").or_else(|| self.text("/usr/lib/os-release")).unwrap_or_default();
        let field = |name: &str| {
            let value = release.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))?;
            let value: String = value.trim_matches(['"', '\'']).chars().filter(|c| is_plain(*c)).take(100).collect();
            (!value.is_empty() && !value.contains("PRIVATE KEY")).then_some(value)
        };
        let id = field("ID").map(|id| field("VERSION_ID").map_or_else(|| id.clone(), |version| format!("{id} {version}")));
        let kernel = self.machine.kernel();
        SystemFacts {
            name: field("PRETTY_NAME"),
            id,
            kernel: kernel.as_ref().map(|kernel| short(&kernel.release)),
            architecture: kernel.map(|kernel| short(&kernel.architecture)),
        }
    }

    /// A small file of text; none where there is none.
    fn text(&mut self, path: &str) -> Option<String> {
        let path: TargetPath = path.parse().ok()?;
        match self.machine.look(&path) {
            Sight::File(seen) if seen.content.len() <= MOST_FILE => std::str::from_utf8(&seen.content).ok().map(str::to_owned),
            Sight::File(_) | Sight::TooLarge(_) => {
                self.remarks.push(format!("`{path}` is too large to be looked into"));
                None
            }
            Sight::Unreadable(why) => {
                self.remarks.push(format!("`{path}` cannot be read: {why}"));
                None
            }
            Sight::Absent | Sight::NoPlace(_) | Sight::NotAFile(_) => None,
        }
    }

    /// The names in a folder below the root, sorted; none where there is none.
    fn names(&mut self, folder: &str) -> Vec<String> {
        let Some(place) = self.folder(folder) else { return Vec::new() };
        match self.machine.names(&place, MOST_NAMES) {
            Ok(mut names) => {
                names.sort();
                names
            }
            Err(why) => {
                self.remarks.push(why.to_string());
                Vec::new()
            }
        }
    }

    /// A folder as the root has it: a link that leads out of it is none.
    fn folder(&self, folder: &str) -> Option<Place> {
        let inner: TargetPath = format!("{folder}/x").parse().ok()?;
        self.machine.place(&inner).ok().map(|place| place.folder())
    }
}

/// Whether this is a host name by RFC 1123, 2.1, or one with the underscore that clusters in the field have.
fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    name.len() <= 253 && name.trim_end_matches('.').split('.').all(is_label) && !name.starts_with('-')
}

/// Text from outside, as facts may hold it.
fn short(text: &str) -> String {
    let mut short: String = text.chars().map(|c| if is_plain(c) { c } else { ' ' }).take(MOST_TEXT / 4).collect();
    if short.contains("PRIVATE KEY") || short.to_ascii_uppercase().contains("AGE-SECRET-KEY") {
        short.clear();
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_no_host_name() {
        for name in ["tos1", "jiujiu-tdh-10", "tos_1.site.cn", "a."] {
            assert!(is_host_name(name), "{name}");
        }
        let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
        for name in ["", ".", "-----BEGIN PRIVATE KEY-----", "a b", "a/b", "名", line] {
            assert!(!is_host_name(name), "{name}");
        }
    }
}
