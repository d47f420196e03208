//! Names and paths as types: parsed once, right from then on.
//!
//! Hostile names and what stops them: `..`, absolute and empty components, NUL, control characters, backslash, non-ASCII and
//! overlong names are refused by [`EntryPath`]; targets outside what a renewal may touch by [`TargetPath`].
//! Names that differ only in case are refused by the reader, which sees all of them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::word;

/// Why a name is not one.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{what} `{}` {why}", shown(.text))]
pub struct NameError {
    what: &'static str,
    text: String,
    why: &'static str,
}

/// The refused text, cut and escaped so that it cannot disturb a terminal.
fn shown(text: &str) -> String {
    const MOST: usize = 80;
    let cut: String = text.chars().take(MOST).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{}{more}", cut.escape_debug())
}

fn refuse<T>(what: &'static str, text: &str, why: &'static str) -> Result<T, NameError> {
    Err(NameError { what, text: shown(text), why })
}

/// The traits that all textual newtypes of this module share; each brings its own `check`.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::check(&text)?;
                Ok(Self(text))
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

text_type! {
    /// A site: one cluster at one customer. One to 63 of `A-Z a-z 0-9 . _ -`, the first and last a letter or digit.
    SiteName
}
text_type! {
    /// A node of a site, by the rule of [`SiteName`].
    NodeName
}
text_type! {
    /// A role, certificate authority or leaf as a profile calls it, by the rule of [`SiteName`].
    Label
}
text_type! {
    /// A table or column of a database: one to 64 of `a-z A-Z 0-9 _`, which needs no escaping between backquotes.
    Identifier
}
text_type! {
    /// To whom secrets are sealed: an X25519 recipient of age, `age1` and 58 more characters (Bech32, BIP 173).
    Recipient
}
text_type! {
    /// The path of an entry below the bundle's top folder: at most four components of `A-Z a-z 0-9 . _ -`, 200 bytes in all.
    EntryPath
}
text_type! {
    /// An absolute path on a node that a step may touch. One component may be `*`: the one folder that fits, found on the node.
    TargetPath
}

impl SiteName {
    fn check(text: &str) -> Result<(), NameError> {
        check_label(word!("site name", "站点名称"), text)
    }
}

impl NodeName {
    fn check(text: &str) -> Result<(), NameError> {
        check_label(word!("node name", "节点名称"), text)
    }
}

impl Label {
    fn check(text: &str) -> Result<(), NameError> {
        check_label(word!("name", "名称"), text)
    }
}

impl Identifier {
    fn check(text: &str) -> Result<(), NameError> {
        let what = word!("identifier", "标识符");
        match text.len() {
            0 => refuse(what, text, word!("is empty", "为空")),
            1..=64 if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') => Ok(()),
            1..=64 => refuse(what, text, word!("has a character other than A-Z a-z 0-9 _", "含有 A-Z a-z 0-9 _ 以外的字符")),
            _ => refuse(what, text, word!("is longer than 64 characters", "超过 64 个字符")),
        }
    }
}

impl Recipient {
    fn check(text: &str) -> Result<(), NameError> {
        let what = word!("recipient", "接收方");
        // A secret key is not echoed, in whatever case it was typed.
        let is_secret = text.to_ascii_uppercase().contains("AGE-SECRET-KEY");
        match text.parse::<age::x25519::Recipient>() {
            Ok(recipient) if recipient.to_string() == text => Ok(()),
            _ if is_secret => {
                refuse(what, "AGE-SECRET-KEY-…", word!("is a secret key: keep it where it is", "是私钥：请留在原处，不要外传"))
            }
            _ => refuse(
                what,
                text,
                word!("is not `age1` and 58 more characters, or one of them is wrong", "不是 `age1` 加 58 个字符，或其中有字符错误"),
            ),
        }
    }

    /// The recipient in the form of this crate.
    pub(crate) fn of(recipient: &age::x25519::Recipient) -> Self {
        Self(recipient.to_string())
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

fn check_label(what: &'static str, text: &str) -> Result<(), NameError> {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return refuse(what, text, word!("is empty", "为空"));
    };
    if bytes.len() > 63 {
        return refuse(what, text, word!("is longer than 63 characters", "超过 63 个字符"));
    }
    if !bytes.iter().copied().all(is_name_byte) {
        return refuse(what, text, word!("has a character other than A-Z a-z 0-9 . _ -", "含有 A-Z a-z 0-9 . _ - 以外的字符"));
    }
    if !first.is_ascii_alphanumeric() || !last.is_ascii_alphanumeric() {
        return refuse(what, text, word!("does not begin and end with a letter or digit", "的开头和结尾必须是字母或数字"));
    }
    if text.contains("..") {
        return refuse(what, text, word!("has two dots in a row", "含有连续的两个点"));
    }
    Ok(())
}

const SECRETS: &str = "secrets/";
/// What ends the name of a sealed entry.
const SEALED: &str = ".age";

/// Whether a path is a label between these two.
fn is_within(path: &str, before: &str, after: &str) -> bool {
    path.strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after))
        .is_some_and(|label| check_label(word!("name", "名称"), label).is_ok())
}

impl EntryPath {
    /// The longest path, in bytes.
    pub const MOST_BYTES: usize = 200;

    fn check(text: &str) -> Result<(), NameError> {
        let what = word!("entry path", "条目路径");
        if text.len() > Self::MOST_BYTES {
            return refuse(what, text, word!("is longer than 200 bytes", "超过 200 字节"));
        }
        if text.starts_with('/') {
            return refuse(what, text, word!("is absolute", "是绝对路径"));
        }
        if text.split('/').count() > 4 {
            return refuse(what, text, word!("has more than four components", "超过四级"));
        }
        for component in text.split('/') {
            match component {
                "" => return refuse(what, text, word!("has an empty component", "含有空的一级")),
                "." | ".." => return refuse(what, text, word!("has a component `.` or `..`", "含有 `.` 或 `..`")),
                _ if !component.bytes().all(is_name_byte) => {
                    return refuse(
                        what,
                        text,
                        word!("has a character other than A-Z a-z 0-9 . _ - /", "含有 A-Z a-z 0-9 . _ - / 以外的字符"),
                    );
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The folders that it is in, as if they were entries.
    pub fn folders(&self) -> impl Iterator<Item = Self> {
        self.0.match_indices('/').map(|(end, _)| Self(self.0[..end].to_owned()))
    }

    /// The slice of `node`.
    #[must_use]
    pub fn slice_of(node: &NodeName) -> Self {
        Self(format!("nodes/{node}.json"))
    }

    /// The node whose slice this is, when it is one.
    #[must_use]
    pub fn as_slice_of(&self) -> Option<NodeName> {
        self.0.strip_prefix("nodes/")?.strip_suffix(".json")?.parse().ok()
    }

    /// Whether a step may name it: only certificates and secret material go anywhere.
    #[must_use]
    pub fn is_material(&self) -> bool {
        self.0.starts_with("certs/") || self.is_secret()
    }

    /// Whether this entry is secret material.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.0.starts_with(SECRETS)
    }

    /// Whether this entry is secret material that is sealed.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.is_secret() && self.0.ends_with(SEALED)
    }

    /// The entry with the site's identity, sealed by the passphrase.
    #[must_use]
    pub fn site_identity() -> Self {
        Self(format!("{SECRETS}site-identity{SEALED}"))
    }

    /// Where the secret that would stand here unsealed stands sealed for `node`: `secrets/x` is `secrets/<node>/x.age`. Any other
    /// entry stays where it is.
    ///
    /// # Errors
    /// When the outcome is no entry path.
    pub fn sealed_for(&self, node: &NodeName) -> Result<Self, NameError> {
        match self.0.strip_prefix(SECRETS) {
            Some(name) => format!("{SECRETS}{node}/{name}{SEALED}").parse(),
            None => Ok(self.clone()),
        }
    }

    /// Where what stands here sealed would stand unsealed, the other way round of [`EntryPath::sealed_for`]. Any other entry stays
    /// where it is.
    #[must_use]
    pub fn unsealed(&self) -> Self {
        let name = self.sealed_node().and_then(|_| self.0.rsplit('/').next()?.strip_suffix(SEALED));
        name.map_or_else(|| self.clone(), |name| Self(format!("{SECRETS}{name}")))
    }

    /// The node for which this secret is sealed, when it is one: `secrets/<node>/<name>.age`.
    #[must_use]
    pub fn sealed_node(&self) -> Option<NodeName> {
        let (node, name) = self.0.strip_prefix(SECRETS)?.strip_suffix(SEALED)?.split_once('/')?;
        if name.is_empty() || name.contains('/') { None } else { node.parse().ok() }
    }

    /// Whether this is one of [`COUNTERSIGNATURES`].
    #[must_use]
    pub fn is_countersignature(&self) -> bool {
        COUNTERSIGNATURES.as_flattened().contains(&self.as_str())
    }

    /// Where the entry stands in a bundle: by kind in the order of the format, within a kind by bytes.
    #[must_use]
    pub fn canonical_order(&self) -> (u8, &str) {
        let rank = match self.0.as_str() {
            "SHA256SUMS" => 0,
            "SHA256SUMS.sig" => 1,
            "signer.pub" => 2,
            _ if self.is_countersignature() => 3,
            "bundle.json" => 4,
            path if is_within(path, "nodes/", ".json") => 5,
            path if path.starts_with("certs/") => 6,
            path if path.starts_with("secrets/") => 7,
            path if is_within(path, "executor/linux-", "/reseal-node") => 8,
            "reseal-node" => 9,
            "README.txt" => 10,
            "README.zh-CN.txt" => 11,
            _ => u8::MAX,
        };
        (rank, &self.0)
    }

    /// The permission bits that the entry carries in the tarball.
    #[must_use]
    pub fn mode(&self) -> u32 {
        match self.canonical_order().0 {
            7 => 0o600,
            8 | 9 => 0o755,
            _ => 0o644,
        }
    }
}

/// The entries of further signers, a public key and a signature each, in their order. They stand before what is signed, and the
/// list does not name them: a signature can be added to a finished bundle.
pub const COUNTERSIGNATURES: [[&str; 2]; 7] = [
    ["countersignatures/1.pub", "countersignatures/1.sig"],
    ["countersignatures/2.pub", "countersignatures/2.sig"],
    ["countersignatures/3.pub", "countersignatures/3.sig"],
    ["countersignatures/4.pub", "countersignatures/4.sig"],
    ["countersignatures/5.pub", "countersignatures/5.sig"],
    ["countersignatures/6.pub", "countersignatures/6.sig"],
    ["countersignatures/7.pub", "countersignatures/7.sig"],
];

impl TargetPath {
    /// The longest path, in bytes.
    pub const MOST_BYTES: usize = 1024;
    /// Folders that no step may touch: the executor's own state, and what is not storage.
    const CLOSED: [&str; 5] = ["/var/lib/reseal", "/proc", "/sys", "/dev", "/run"];

    fn check(text: &str) -> Result<(), NameError> {
        let what = word!("target path", "目标路径");
        let Some(relative) = text.strip_prefix('/') else {
            return refuse(what, text, word!("is not absolute", "不是绝对路径"));
        };
        if text.len() > Self::MOST_BYTES {
            return refuse(what, text, word!("is longer than 1024 bytes", "超过 1024 字节"));
        }
        let mut wildcards = 0;
        for component in relative.split('/') {
            match component {
                "" => return refuse(what, text, word!("has an empty component", "含有空的一级")),
                "." | ".." => return refuse(what, text, word!("has a component `.` or `..`", "含有 `.` 或 `..`")),
                "*" => wildcards += 1,
                _ if component.len() > 255 => {
                    return refuse(what, text, word!("has a component longer than 255 bytes", "有一级超过 255 字节"));
                }
                _ if component.chars().any(|c| c.is_control() || matches!(c, '*' | '\\')) => {
                    return refuse(
                        what,
                        text,
                        word!("has a control character, `*` or `\\` within a component", "的某一级中含有控制字符、`*` 或 `\\`"),
                    );
                }
                _ => {}
            }
        }
        if wildcards > 1 || relative.ends_with('*') || relative.starts_with('*') {
            return refuse(what, text, word!("may have one `*`, neither first nor last", "只能有一个 `*`，且不能在第一级或最后一级"));
        }
        let closed = |folder: &&str| text == *folder || text.strip_prefix(*folder).is_some_and(|rest| rest.starts_with('/'));
        if Self::CLOSED.iter().any(closed) {
            return refuse(what, text, word!("lies in a folder that no step may touch", "所在目录不允许任何步骤改动"));
        }
        Ok(())
    }

    /// The path's parts around `*`, when it has one: folder before, and path after.
    #[must_use]
    pub fn split_wildcard(&self) -> Option<(&str, &str)> {
        self.0.split_once("/*/")
    }

    /// The path with `*` replaced by `component`.
    ///
    /// # Errors
    /// When the outcome is not a target path, for example because `component` holds a `/` and `..`.
    pub fn with_wildcard(&self, component: &str) -> Result<Self, NameError> {
        match self.split_wildcard() {
            Some((before, after)) => format!("{before}/{component}/{after}").parse(),
            None => Ok(self.clone()),
        }
    }
}

/// A site's bundle number: 1 to 10^18 - 1, only ever rising.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Serial(u64);

impl Serial {
    /// The largest serial.
    pub const MOST: u64 = 999_999_999_999_999_999;
}

impl TryFrom<u64> for Serial {
    type Error = NameError;
    fn try_from(number: u64) -> Result<Self, NameError> {
        if (1..=Self::MOST).contains(&number) {
            Ok(Self(number))
        } else {
            refuse(word!("serial", "序号"), &number.to_string(), word!("is not between 1 and 10^18 - 1", "不在 1 到 10^18 - 1 之间"))
        }
    }
}

impl From<Serial> for u64 {
    fn from(serial: Serial) -> Self {
        serial.0
    }
}

impl FromStr for Serial {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.starts_with(['0', '+']) {
            return refuse(word!("serial", "序号"), text, word!("begins with 0 or a sign", "以 0 或正负号开头"));
        }
        match text.parse::<u64>() {
            Ok(number) => Self::try_from(number),
            Err(_) => refuse(word!("serial", "序号"), text, word!("is not a number", "不是数字")),
        }
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// `<site>-<serial>`: the bundle's top folder, and its file name without `.tar.gz`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct BundleName {
    /// The site.
    pub site: SiteName,
    /// Its serial.
    pub serial: Serial,
}

impl fmt::Display for BundleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.site, self.serial)
    }
}

impl FromStr for BundleName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let Some((site, serial)) = text.rsplit_once('-') else {
            return refuse(word!("bundle name", "证书包名称"), text, word!("is not <site>-<serial>", "不是 <site>-<serial>"));
        };
        Ok(Self { site: site.parse()?, serial: serial.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hostile_entry_paths_are_refused() {
        for path in ["", "/x", "a//b", "a/", "../x", "a/../b", "./a", "a\\b", "a\0b", "ä", "a b", "a/b/c/d/e", &"x".repeat(201)] {
            assert!(path.parse::<EntryPath>().is_err(), "{path:?}");
        }
    }

    #[test]
    fn only_what_the_format_has_has_a_place() {
        for path in ["nodes/n.json", "certs/a", "secrets/a/b.pem", "executor/linux-x86_64/reseal-node", "reseal-node", "README.zh-CN.txt"] {
            assert_ne!(path.parse::<EntryPath>().unwrap().canonical_order().0, u8::MAX, "{path}");
        }
        for path in [
            "nodes/foo.txt",
            "nodes/a/b.json",
            "nodes/.json",
            "nodes/-.json",
            "nodes/n.JSON",
            "nodes",
            "executor/evil/reseal-node",
            "executor/linux-x86_64/other",
            "executor/linux-/reseal-node",
            "executor/linux-a/b/reseal-node",
            "executor/reseal-node",
            "certs",
            "README.md",
            "Certs/a",
        ] {
            assert_eq!(path.parse::<EntryPath>().unwrap().canonical_order().0, u8::MAX, "{path}");
        }
    }

    #[test]
    fn hostile_target_paths_are_refused() {
        for path in [
            "",
            "/",
            "srv/x",
            "/srv/../etc/shadow",
            "/srv//x",
            "/srv/./x",
            "/srv/x/",
            "/srv/*/*/x",
            "/*/x",
            "/srv/*",
            "/srv/a*b/x",
            "/var/lib/reseal",
            "/var/lib/reseal/x",
            "/proc/1/mem",
            "/dev/sda",
            "/srv/a\nb",
            "/srv/a\0",
        ] {
            assert!(path.parse::<TargetPath>().is_err(), "{path:?}");
        }
        for path in ["/srv/kubernetes/etcd.pem", "/var/lib/resealed", "/srv/*/x", "/srv/证书/x"] {
            assert!(path.parse::<TargetPath>().is_ok(), "{path:?}");
        }
    }

    #[test]
    fn a_sealed_entry_is_of_one_node() {
        let path = |text: &str| text.parse::<EntryPath>().unwrap();
        let (open, node) = (path("secrets/etcd-key.pem"), "tos.1".parse::<NodeName>().unwrap());
        let sealed = open.sealed_for(&node).unwrap();
        assert_eq!(sealed.as_str(), "secrets/tos.1/etcd-key.pem.age");
        assert_eq!((sealed.sealed_node(), sealed.unsealed(), sealed.is_sealed()), (Some(node.clone()), open.clone(), true));
        assert_eq!(path("certs/etcd.pem").sealed_for(&node).unwrap(), path("certs/etcd.pem"));
        for other in
            ["secrets/x.age", "secrets/a/b/x.age", "secrets/-/x.age", "secrets/a/.age", "certs/a/x.age", "secrets/a/x", "secrets/x"]
        {
            assert_eq!((path(other).sealed_node(), path(other).unsealed()), (None, path(other)), "{other}");
        }
        let folders: Vec<String> = sealed.folders().map(|folder| folder.to_string()).collect();
        assert_eq!(folders, ["secrets", "secrets/tos.1"]);
    }

    #[test]
    fn a_wildcard_is_replaced_by_one_component_only() {
        let path: TargetPath = "/srv/*/x".parse().unwrap();
        assert_eq!(path.with_wildcard("tos-2.1").unwrap().as_str(), "/srv/tos-2.1/x");
        assert!(path.with_wildcard("../..").is_err());
        assert!(path.with_wildcard("*").unwrap().split_wildcard().is_some());
    }

    proptest! {
        #[test]
        fn names_survive_text(text in "[a-zA-Z0-9]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?", number in 1..=Serial::MOST) {
            let name = BundleName { site: text.parse().unwrap(), serial: number.try_into().unwrap() };
            prop_assert_eq!(name.to_string().parse::<BundleName>().unwrap(), name);
        }

        #[test]
        fn whatever_is_accepted_is_safe_to_join(text in ".{0,220}") {
            if let Ok(path) = text.parse::<EntryPath>() {
                prop_assert!(!path.as_str().starts_with('/') && path.as_str().split('/').all(|c| !matches!(c, "" | "." | "..")));
            }
            if let Ok(path) = text.parse::<TargetPath>() {
                prop_assert!(path.as_str()[1..].split('/').all(|c| !matches!(c, "" | "." | "..")));
            }
        }
    }
}
