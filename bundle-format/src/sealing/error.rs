//! Why something is not sealed, and why it does not open. No error holds a secret.

use thiserror::Error;

use crate::name::{EntryPath, NodeName, Serial, SiteName};

use crate::text;

/// Why a text is no passphrase.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum PassphraseError {
    /// There is nothing.
    #[error("{}", text!("the passphrase is empty", "口令为空"))]
    Empty,
    /// More than anybody types.
    #[error("{}", text!("the passphrase has {bytes} bytes; at most {most} are taken", "口令有 {bytes} 字节；最多 {most} 字节"))]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// Somebody with the stick would find it.
    #[error("{}", text!(
        "the passphrase has {characters} characters; at least {least} are needed",
        "口令有 {characters} 个字符；至少需要 {least} 个"
    ))]
    TooShort {
        /// Its length.
        characters: usize,
        /// The limit.
        least: usize,
    },
}

/// Why a file holds no identity.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum IdentityError {
    /// A line that is no identity.
    #[error("{}", text!("its line is not `AGE-SECRET-KEY-1…`", "其内容行不是 `AGE-SECRET-KEY-1…`"))]
    Malformed,
    /// No line but comments.
    #[error("{}", text!("it holds no identity", "其中没有节点身份密钥"))]
    None,
    /// Not UTF-8.
    #[error("{}", text!("it is not text", "内容不是文本"))]
    NotText,
    /// More than one line.
    #[error("{}", text!("it holds more than one line besides comments", "除注释外多于一行"))]
    Several,
}

/// Why a secret was not sealed.
#[derive(Debug, Error)]
pub enum SealError {
    /// Nobody could open it.
    #[error("{}", text!("`{_0}` is to be sealed to nobody", "`{_0}` 没有接收方，无法加密封存"))]
    Nobody(EntryPath),
    /// The library refuses.
    #[error("{}", text!("`{_0}` cannot be sealed", "无法加密封存 `{_0}`"))]
    Refused(EntryPath),
}

/// Why an opened secret is not the one that belongs here.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum PlaceError {
    /// No first line of this format.
    #[error("{}", text!(
        "`{_0}` does not begin with `reseal secret v1` and its place",
        "`{_0}` 的开头不是 `reseal secret v1` 及其位置"
    ))]
    Title(EntryPath),
    /// Of another site.
    #[error("{}", text!(
        "`{entry}` was sealed for the site `{found}`, but the bundle is for `{expected}`",
        "`{entry}` 是为站点 `{found}` 封存的，但证书包属于 `{expected}`"
    ))]
    Site {
        /// Where it stands.
        entry: EntryPath,
        /// As it says itself.
        found: SiteName,
        /// As the bundle says.
        expected: SiteName,
    },
    /// Of another bundle of the site.
    #[error("{}", text!(
        "`{entry}` was sealed for the bundle {found}, but this is {expected}",
        "`{entry}` 是为证书包 {found} 封存的，但本证书包是 {expected}"
    ))]
    Serial {
        /// Where it stands.
        entry: EntryPath,
        /// As it says itself.
        found: Serial,
        /// As the bundle says.
        expected: Serial,
    },
    /// Of another node; `-` is the site itself.
    #[error("{}", text!(
        "`{entry}` was sealed for the node `{found}`, but it stands where that of `{expected}` belongs",
        "`{entry}` 是为节点 `{found}` 封存的，却放在节点 `{expected}` 的位置"; found = shown(found.as_ref()), expected = shown(expected.as_ref())
    ))]
    Node {
        /// Where it stands.
        entry: EntryPath,
        /// As it says itself.
        found: Option<NodeName>,
        /// As its place says.
        expected: Option<NodeName>,
    },
    /// Of another entry.
    #[error("{}", text!("`{entry}` was sealed as `{found}`", "`{entry}` 封存时的名称是 `{found}`"))]
    Entry {
        /// Where it stands.
        entry: EntryPath,
        /// As it says itself.
        found: EntryPath,
    },
}

fn shown(node: Option<&NodeName>) -> &str {
    node.map_or("-", NodeName::as_str)
}

/// Why a sealed secret does not open.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum UnsealError {
    /// The key fits, and the content is not what was sealed.
    #[error("{}", text!("`{_0}` is damaged: its content is not what was sealed", "`{_0}` 已损坏：内容与封存时不一致"))]
    Damaged(EntryPath),
    /// It is sealed otherwise than bundles seal, or not at all.
    #[error("{}", text!("`{entry}` is not sealed as secrets of a bundle are: {why}", "`{entry}` 的封存方式不是证书包所用的：{why}"))]
    Malformed {
        /// The entry.
        entry: EntryPath,
        /// The reason.
        why: &'static str,
    },
    /// It is sealed to others.
    #[error("{}", text!("`{_0}` is not sealed to this identity", "`{_0}` 不是为这个节点身份密钥封存的"))]
    OtherIdentity(EntryPath),
    /// It opens, and belongs elsewhere.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// It asks for more work than is taken.
    #[error("{}", text!(
        "`{entry}` asks for scrypt with 2^{found}; at most 2^{most} is taken",
        "`{entry}` 要求 scrypt 强度为 2^{found}；最多接受 2^{most}"
    ))]
    Work {
        /// The entry.
        entry: EntryPath,
        /// What it asks for.
        found: u8,
        /// The most.
        most: u8,
    },
    /// The passphrase is another.
    #[error("{}", text!("the passphrase does not open `{_0}`", "口令打不开 `{_0}`"))]
    WrongPassphrase(EntryPath),
}
