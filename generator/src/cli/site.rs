//! `reseal site init`: a commented site file from what the certificates already tell.

use std::path::PathBuf;

use askama::Template;
use bundle_format::certificate::{Certificate, San};

use super::{DONE, Outcome};
use crate::{
    issue,
    present::{self, Output},
    site::{DEFAULT_DAYS, Node},
};

#[derive(clap::Subcommand, Debug)]
pub enum Command {
    /// Print a commented site file, from the certificates that are there
    Init(Init),
}

#[derive(clap::Args, Debug)]
pub struct Init {
    /// The CA's present certificate
    #[arg(long, value_name = "FILE")]
    ca: PathBuf,
    /// The leaf to replace
    #[arg(long, value_name = "FILE")]
    leaf: PathBuf,
    /// A node that is known already; without any, the leaf's SANs become candidates; repeatable
    #[arg(long, value_name = "NAME=ADDR[,ADDR…]:ROLE[+ROLE…]")]
    node: Vec<Node>,
    /// The site's name
    #[arg(long, value_name = "NAME")]
    name: Option<bundle_format::name::SiteName>,
}

impl Command {
    pub fn run(&self, output: Output) -> Outcome {
        match self {
            Self::Init(init) => init.run(output),
        }
    }
}

#[derive(Template)]
#[template(path = "site.toml", escape = "none")]
struct SiteToml<'a> {
    name: String,
    ca_path: String,
    leaf_path: String,
    ca: &'a Certificate,
    leaf: &'a Certificate,
    sans: Vec<String>,
    days: u32,
    known: &'a [Node],
    candidates: Vec<Node>,
    unassigned: Vec<String>,
}

impl Init {
    fn run(&self, output: Output) -> Outcome {
        let authorities = issue::certificates(&self.ca)?;
        let leaves = issue::certificates(&self.leaf)?;
        let signs = |ca: &&Certificate| leaves.iter().any(|leaf| leaf.verify_issued_by(ca).is_ok());
        let ca = authorities.iter().find(signs).unwrap_or(&authorities[0]);
        let leaf = leaves.iter().find(|leaf| leaf.verify_issued_by(ca).is_ok() && leaf.spki() != ca.spki()).unwrap_or(&leaves[0]);
        if leaf.verify_issued_by(ca).is_err() {
            output.warn(&format!(
                "`{}` was not signed by `{}`: `reseal build` will refuse them together",
                self.leaf.display(),
                self.ca.display()
            ));
        }
        let (candidates, unassigned) = if self.node.is_empty() { candidates(leaf.sans()) } else { (Vec::new(), Vec::new()) };
        let text = SiteToml {
            name: self.name.as_ref().map_or_else(|| "my-site".to_owned(), ToString::to_string),
            ca_path: quoted(&self.ca),
            leaf_path: quoted(&self.leaf),
            ca,
            leaf,
            sans: leaf.sans().iter().map(ToString::to_string).collect(),
            days: DEFAULT_DAYS,
            known: &self.node,
            candidates,
            unassigned,
        };
        output.data(&text.render().map_err(|error| super::Failure::new(error, None))?);
        output.say("check names, addresses and roles of the nodes, then: reseal build --site site.toml …");
        Ok(DONE)
    }
}

/// A path as a TOML string, absolute so that the site file can be moved. A JSON string is a TOML basic string (TOML 1.0, String).
fn quoted(path: &std::path::Path) -> String {
    let absolute = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    serde_json::Value::String(absolute.display().to_string()).to_string()
}

/// Names that may be nodes, each with the address that stands at its place among the addresses when their numbers agree, and the
/// SANs that no node is made of: loopback, the service's address, names of Kubernetes itself.
fn candidates(sans: &[San]) -> (Vec<Node>, Vec<String>) {
    let is_node_name = |name: &str| {
        name != "localhost"
            && !name.starts_with("kubernetes")
            && !name.contains('*')
            && name.parse::<bundle_format::name::NodeName>().is_ok()
    };
    let names: Vec<&String> =
        sans.iter().filter_map(|san| if let San::Dns(name) = san { Some(name) } else { None }).filter(|name| is_node_name(name)).collect();
    let addresses: Vec<std::net::IpAddr> = sans
        .iter()
        .filter_map(|san| if let San::Ip(address) = san { Some(*address) } else { None })
        .filter(|address| !address.is_loopback())
        .collect();
    // The service address stands first in most leaves and ends in .1: the last ones belong to the nodes, in the order of the names.
    let node_addresses = addresses.split_at_checked(addresses.len().saturating_sub(names.len())).map_or(&addresses[..], |(_, last)| last);
    let paired = node_addresses.len() == names.len();
    let node = |(index, name): (usize, &&String)| {
        Node {
            name: (*name).parse().ok()?,
            host_names: vec![(*name).clone()],
            addresses: if paired { vec![node_addresses[index]] } else { Vec::new() },
            machine_id: None,
            roles: ["etcd", "flannel"].into_iter().filter_map(|role| role.parse().ok()).collect(),
        }
        .into()
    };
    let nodes: Vec<Node> = names.iter().enumerate().filter_map(node).collect();
    let used = |san: &San| match san {
        San::Dns(name) => nodes.iter().any(|node| node.host_names.contains(name)),
        San::Ip(address) => nodes.iter().any(|node| node.addresses.contains(address)),
        San::Other { .. } => false,
    };
    let unassigned = sans.iter().filter(|san| !used(san)).map(ToString::to_string).collect();
    (nodes, unassigned)
}

/// Used by the template: a date.
fn day(time: time::OffsetDateTime) -> String {
    present::moment(time)
}
