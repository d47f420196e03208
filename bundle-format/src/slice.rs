//! `nodes/<node>.json`: what one node gets. A slice is data: parameters resolved by the generator, nothing to evaluate.

use std::net::IpAddr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::name::{EntryPath, Label, NodeName, Serial, SiteName, TargetPath};

/// One node's part of a bundle.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Slice {
    /// The format's number, [`crate::FORMAT`].
    pub format: u32,
    /// The site, as in `bundle.json`.
    pub site: SiteName,
    /// The serial, as in `bundle.json`.
    pub serial: Serial,
    /// The node, as in the entry's path.
    pub node: NodeName,
    /// How the node knows itself.
    pub identity: Identity,
    /// What the node does at its site, in the profile's words.
    pub roles: Vec<Label>,
    /// What is to be done, in this order.
    pub steps: Vec<Step>,
}

/// How a node knows that a slice is its own: any one of these is enough.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Its host names, compared without regard to case.
    pub host_names: Vec<String>,
    /// Addresses of its interfaces.
    pub addresses: Vec<IpAddr>,
    /// The content of `/etc/machine-id`, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_id: Option<String>,
}

/// One typed action: the executor's only vocabulary.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Step {
    /// Edit values of a JSON document and leave every other byte of it alone.
    EditJson(EditJson),
    /// Replace files, one by one, by rename within their folder.
    InstallFiles(InstallFiles),
}

/// The parameters of [`Step::InstallFiles`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct InstallFiles {
    /// The files, in the order of their renames. A certificate and its key stand next to each other.
    pub files: Vec<InstallFile>,
}

/// One file to install.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct InstallFile {
    /// Where on the node.
    pub target: TargetPath,
    /// The entry of the bundle that holds the content.
    pub entry: EntryPath,
    /// The permission bits where the target does not exist yet; an existing target keeps its own.
    pub mode: Mode,
}

/// The parameters of [`Step::EditJson`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EditJson {
    /// The document on the node.
    pub target: TargetPath,
    /// The member whose value changes, wherever in the document it occurs.
    pub member: String,
    /// The string that the value is now.
    pub from: String,
    /// The string that it becomes.
    pub to: String,
}

/// Permission bits, written as four octal digits such as `"0600"`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mode(pub u32);

impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{:04o}", self.0))
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        match u32::from_str_radix(&text, 8) {
            Ok(bits) if text.len() == 4 && bits <= 0o777 => Ok(Self(bits)),
            _ => Err(D::Error::custom("a mode is four octal digits from 0000 to 0777")),
        }
    }
}
