//! Why a bundle is rejected: one variant for each inconsistency, with both sides of it.

use std::io;

use thiserror::Error;

use crate::{
    digest::Digest,
    language::reason,
    name::{BundleName, EntryPath, NameError, NodeName},
    signature::SignatureError,
    sums::SumsError,
    text,
    version::Version,
};

/// A bundle that cannot be trusted or understood.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The medium failed, which says nothing about the bundle.
    #[error("{}", text!("the bundle cannot be read: {}", "无法读取证书包：{}"; reason(_0)))]
    Io(#[source] io::Error),
    /// The file does not begin as a bundle does.
    #[error("{}", text!(
        "this is not a reseal bundle: it does not begin with a bundle's gzip header",
        "这不是 reseal 证书包：开头不是证书包的 gzip 头"
    ))]
    NotABundle,
    /// The compressed bytes are not those that were written.
    #[error("{}", text!(
        "the file is damaged or cut short: its bytes differ from those that were written",
        "文件已损坏或被截断：内容与写入时不一致"
    ))]
    Damaged,
    /// The gzip stream is not one, though its digest fits.
    #[error("{}", text!("the compressed data is invalid: {_0}", "压缩数据无效：{_0}"))]
    Gzip(String),
    /// There is something after the end.
    #[error("{}", text!("there is data after the bundle's end", "证书包结尾之后还有数据"))]
    Trailing,
    /// A tar header is not the one that its entry has.
    #[error("{}", text!("the tar header of `{_0}` is not in the one form that a bundle has", "`{_0}` 的 tar 头不是证书包规定的形式"))]
    Header(String),
    /// The tarball ends within an entry or without its closing blocks.
    #[error("{}", text!("the tarball ends too early, after `{_0}`", "tar 包提前结束，停在 `{_0}` 之后"))]
    Cut(String),
    /// Something other than a regular file.
    #[error("{}", text!("`{path}` is a {kind}; a bundle holds regular files only", "`{path}` 的类型：{kind}；证书包只能包含普通文件"))]
    EntryType {
        /// The entry as the tarball names it.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// A folder in which there is nothing, where the bundle is unpacked.
    #[error("{}", text!("`{_0}` is an empty folder; a bundle holds regular files only", "`{_0}` 是空目录；证书包只能包含普通文件"))]
    EmptyFolder(String),
    /// A name that no entry may have.
    #[error(transparent)]
    Name(#[from] NameError),
    /// An entry is not below the bundle's folder.
    #[error("{}", text!("`{path}` is not below the bundle's folder `{folder}`", "`{path}` 不在证书包的目录 `{folder}` 之下"))]
    Outside {
        /// The entry as the tarball names it.
        path: String,
        /// The top folder.
        folder: String,
    },
    /// An entry that must stand at this place does not.
    #[error("{}", text!("the entry `{expected}` is missing at its place; found {found}", "此处应为条目 `{expected}`，却是 {found}"))]
    Expected {
        /// What should stand here.
        expected: &'static str,
        /// What does.
        found: String,
    },
    /// An entry of no known kind.
    #[error("{}", text!("`{_0}` is no entry that a bundle has", "证书包不应有条目 `{_0}`"))]
    Unknown(EntryPath),
    /// An entry stands twice.
    #[error("{}", text!("`{_0}` is there twice", "`{_0}` 出现两次"))]
    Duplicate(EntryPath),
    /// A node stands twice in the manifest.
    #[error("{}", text!("`bundle.json` names the node `{_0}` twice", "`bundle.json` 中节点 `{_0}` 出现两次"))]
    NodeTwice(NodeName),
    /// Two entries differ in case only.
    #[error("{}", text!("`{_0}` and `{_1}` differ in upper and lower case only", "`{_0}` 与 `{_1}` 只有大小写不同"))]
    CaseCollision(EntryPath, EntryPath),
    /// An entry is also the folder of another.
    #[error("{}", text!("`{_0}` is also the folder of `{_1}`", "`{_0}` 同时又是 `{_1}` 所在的目录"))]
    FileAndFolder(EntryPath, EntryPath),
    /// A secret that is not sealed, in a bundle of which they are.
    #[error("{}", text!(
        "`{_0}` is not sealed for a node of the bundle, though bundle.json says that secrets are",
        "bundle.json 说机密已加密封存，但 `{_0}` 没有为证书包中的节点封存"
    ))]
    NotSealed(EntryPath),
    /// A sealed secret, in a bundle of which they are not.
    #[error("{}", text!("`{_0}` is sealed, but bundle.json does not say how", "`{_0}` 已加密封存，但 bundle.json 没有说明封存方式"))]
    Sealed(EntryPath),
    /// A slice names what is sealed for another node.
    #[error("{}", text!(
        "`{path}` names the entry `{entry}`, which is not sealed for its node",
        "`{path}` 引用的条目 `{entry}` 不是为其节点封存的"
    ))]
    ForeignSecret {
        /// The slice.
        path: EntryPath,
        /// The entry that it names.
        entry: EntryPath,
    },
    /// An entry stands at another place than its own.
    #[error("{}", text!("`{path}` is out of order: it stands after `{after}`", "`{path}` 顺序不对：它排在 `{after}` 之后"))]
    Order {
        /// The entry.
        path: EntryPath,
        /// The one before it.
        after: EntryPath,
    },
    /// An entry is past its limit.
    #[error("{}", text!(
        "`{path}` claims {size} bytes; at most {limit} are taken",
        "`{path}` 声明大小为 {size} 字节；最多接受 {limit} 字节"
    ))]
    TooLarge {
        /// The entry.
        path: EntryPath,
        /// Its claimed size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// There are too many entries.
    #[error("{}", text!("there are more than {_0} entries", "条目超过 {_0} 个"))]
    TooMany(usize),
    /// The file is past the limit.
    #[error("{}", text!("the file is larger than {_0} bytes, the most that a bundle has", "文件超过 {_0} 字节，即证书包的上限"))]
    PackedTooLarge(u64),
    /// What one node needs is past the limit.
    #[error("{}", text!("what is needed of the bundle has more than {_0} bytes in all", "证书包中需要读取的内容总计超过 {_0} 字节"))]
    KeptTooLarge(u64),
    /// All entries together are past the limit.
    #[error("{}", text!("unpacked, the bundle is larger than {_0} bytes", "证书包解压后超过 {_0} 字节"))]
    TotalTooLarge(u64),
    /// The signature does not make this bundle trusted.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The signed list is malformed.
    #[error("{}", text!("SHA256SUMS {_0}", "SHA256SUMS {_0}"))]
    Sums(#[from] SumsError),
    /// The folder is not named as the signed list says.
    #[error("{}", text!("the folder is `{folder}`, but SHA256SUMS is of `{list}`", "目录是 `{folder}`，但 SHA256SUMS 属于 `{list}`"))]
    FolderName {
        /// The top folder.
        folder: String,
        /// The name in the list.
        list: BundleName,
    },
    /// An entry that the list does not name.
    #[error("{}", text!("`{_0}` is not in SHA256SUMS", "`{_0}` 不在 SHA256SUMS 中"))]
    Unlisted(EntryPath),
    /// A listed entry that is not there.
    #[error("{}", text!("`{_0}` is in SHA256SUMS but not in the bundle", "`{_0}` 在 SHA256SUMS 中，但不在证书包里"))]
    Missing(EntryPath),
    /// An entry differs from its listed digest.
    #[error("{}", text!(
        "`{path}` has the SHA-256 {found}, but SHA256SUMS says {listed}",
        "`{path}` 的 SHA-256 为 {found}，但 SHA256SUMS 中为 {listed}"
    ))]
    Mismatch {
        /// The entry.
        path: EntryPath,
        /// The digest in the list.
        listed: Digest,
        /// The digest of the content.
        found: Digest,
    },
    /// A document of another version of the format.
    #[error("{}", text!(
        "`{path}` is of format {found}, and this version reads {}",
        "`{path}` 的格式版本为 {found}，本版本支持 {}"; crate::FORMAT
    ))]
    Format {
        /// The entry.
        path: EntryPath,
        /// Its format.
        found: u32,
    },
    /// This program is too old for the bundle.
    #[error("{}", text!(
        "the bundle needs reseal-node {needs} or later, and this is {this}",
        "证书包需要 reseal-node {needs} 或更高版本，本程序为 {this}"
    ))]
    NeedsLater {
        /// The version that the bundle asks for.
        needs: Version,
        /// The version of this program.
        this: Version,
    },
    /// A document that no version understands.
    #[error("{}", text!("`{path}` is malformed: {why}", "`{path}` 格式错误：{why}"))]
    Malformed {
        /// The entry.
        path: EntryPath,
        /// The parser's reason.
        why: String,
    },
    /// Two places of the bundle contradict each other.
    #[error("{}", text!(
        "`{path}` says {what} `{found}`, but the bundle's is `{expected}`",
        "`{path}` 与证书包不符：{what} `{found}`，应为 `{expected}`"
    ))]
    Contradiction {
        /// The entry.
        path: EntryPath,
        /// What is contradicted.
        what: &'static str,
        /// The value in the entry.
        found: String,
        /// The value elsewhere in the bundle.
        expected: String,
    },
    /// A document names an entry that is not there.
    #[error("{}", text!(
        "`{path}` names the entry `{entry}`, which the bundle does not have",
        "`{path}` 引用的条目 `{entry}` 不在证书包中"
    ))]
    Dangling {
        /// The document.
        path: EntryPath,
        /// The entry that it names.
        entry: EntryPath,
    },
    /// A document names an entry that is no material for a node.
    #[error("{}", text!(
        "`{path}` names the entry `{entry}`, which lies neither below `certs/` nor below `secrets/`",
        "`{path}` 引用的条目 `{entry}` 既不在 `certs/` 下，也不在 `secrets/` 下"
    ))]
    NoMaterial {
        /// The document.
        path: EntryPath,
        /// The entry that it names.
        entry: EntryPath,
    },
}
