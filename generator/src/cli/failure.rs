//! Why a command ends without its result, on the way to the terminal: what and where and why, and the next command to type.
//!
//! Every error of the generator becomes a [`Failure`] here or beside the command that alone meets it; `present` alone shows one.

use bundle_format::{name::NameError, reader::BundleError, signature::SignatureError, text, word, writer::WriteError};

use super::{FAILED, REJECTED};
use crate::{
    assemble::AssembleError, facts::DraftError, files::FileError, inspect::InspectError, issue::IssueError, signer::SignerError,
    site::SiteError, x509::key::KeyError,
};

/// An error on its way to the terminal.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub code: u8,
    /// What, where and why.
    pub message: String,
    /// What to type next.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without a hint.
    #[expect(clippy::needless_pass_by_value, reason = "errors are handed over as they are")]
    pub fn new(message: impl ToString) -> Self {
        Self { code: FAILED, message: message.to_string(), hint: None }
    }

    /// What was typed twice is not the same.
    pub fn passphrases_differ() -> Self {
        Self::new(word!("the two passphrases differ", "两次输入的口令不一致")).advise(word!("type it again", "请重新输入"))
    }

    /// The same with what to type next, where there is something.
    pub fn hint(self, hint: impl Into<Option<String>>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    /// The same with a fixed text.
    pub fn advise(self, hint: &str) -> Self {
        self.hint(hint.to_owned())
    }
}

impl From<BundleError> for Failure {
    fn from(error: BundleError) -> Self {
        let code = if matches!(error, BundleError::Io(_)) { FAILED } else { REJECTED };
        Self { code, ..Self::new(&error).hint(of_bundle(&error)) }
    }
}

/// What to do about a bundle that is not taken.
fn of_bundle(error: &BundleError) -> Option<String> {
    let text = match error {
        BundleError::Damaged => word!(
            "copy it again from where it was made, and compare the SHA-256 that `reseal build` printed",
            "请从制作处重新复制，并与 `reseal build` 显示的 SHA-256 核对"
        ),
        BundleError::Signature(SignatureError::Stranger { .. } | SignatureError::NoneTrusted(_)) => word!(
            "compare the fingerprints with whoever made the bundle, by phone or on paper; do not apply it before they agree",
            "请通过电话或纸面与证书包制作人核对指纹；核对一致之前不要执行"
        ),
        BundleError::Signature(SignatureError::TooFew { .. }) => word!(
            "let another signer sign it: reseal sign BUNDLE --signer KEY; or name all signers whom you trust",
            "请另一位签名人签名：reseal sign BUNDLE --signer KEY；或用 --signer 列出您信任的全部签名人"
        ),
        BundleError::Io(_) => return None,
        _ => word!("do not use it; ask whoever made it for a new one", "请勿使用；向制作人索取新的证书包"),
    };
    Some(text.to_owned())
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        let hint = error.hint();
        Self::new(error).hint(hint)
    }
}

impl From<SiteError> for Failure {
    fn from(error: SiteError) -> Self {
        let hint = error.hint();
        Self::new(error).hint(hint)
    }
}

impl From<DraftError> for Failure {
    fn from(error: DraftError) -> Self {
        let hint = error.hint();
        Self::new(error).hint(hint)
    }
}

impl From<IssueError> for Failure {
    fn from(error: IssueError) -> Self {
        let hint = error.hint();
        Self::new(error).hint(hint)
    }
}

impl From<AssembleError> for Failure {
    fn from(error: AssembleError) -> Self {
        let hint = match &error {
            AssembleError::Executor { .. } => word!(
                "build it with `cargo build --release`, which makes it static, and give --executor PATH",
                "请用 `cargo build --release` 编译出静态程序，再用 --executor PATH 指定"
            ),
            AssembleError::File(FileError::Exists(_)) => word!("take another --serial or --out", "请换一个 --serial 或 --out"),
            AssembleError::File(error) => return Self::new(error).hint(error.hint()),
            AssembleError::NoExecutor => word!(
                "give --executor PATH-OF-reseal-node, once for each architecture",
                "请用 --executor 指定 reseal-node 的路径，每种架构一次"
            ),
            AssembleError::SameArchitecture { .. } => {
                word!("give --executor once for each architecture", "每种架构只用 --executor 指定一次")
            }
            AssembleError::Write(WriteError::Forbidden(_)) => word!(
                "look at what --ca and --leaf name: a file with the CA's private key may be given as --ca-key alone",
                "请检查 --ca 和 --leaf 指定的文件：含有 CA 私钥的文件只能用 --ca-key 指定"
            ),
            _ => return Self::new(error),
        };
        Self::new(error).advise(hint)
    }
}

impl From<SignerError> for Failure {
    fn from(error: SignerError) -> Self {
        let hint = match &error {
            SignerError::Key(KeyError::Encrypted | KeyError::WrongPassphrase) => {
                word!("type the passphrase that `reseal keygen` was given", "请输入运行 `reseal keygen` 时设置的口令")
            }
            SignerError::Key(_) | SignerError::NotP256(_) => word!(
                "give the private key that `reseal keygen --out signer.key` makes, not the file `….pub`",
                "请指定 `reseal keygen --out signer.key` 生成的私钥，不是 `….pub` 文件"
            ),
            SignerError::Encode(_) => return Self::new(error),
        };
        Self::new(error).advise(hint)
    }
}

impl From<InspectError> for Failure {
    fn from(error: InspectError) -> Self {
        let hint = match &error {
            InspectError::Bundle { why, .. } => of_bundle(why),
            InspectError::EmptyFolder(_) => Some(
                word!(
                    "give the folder or the file that has them, such as /srv/kubernetes on a node",
                    "请指定有证书的目录或文件，例如节点上的 /srv/kubernetes"
                )
                .to_owned(),
            ),
            InspectError::Facts { why, .. } => crate::facts::advice(why),
            InspectError::File(error) => error.hint(),
            InspectError::NoCertificate { path, .. } => {
                let path = path.display();
                Some(text!(
                    "`file '{path}'` tells what it is; a certificate (PEM or DER), facts of a node or a bundle can be inspected",
                    "用 `file '{path}'` 查看它是什么；可查看的有证书（PEM 或 DER）、节点信息和证书包"
                ))
            }
            InspectError::TooMany(_) => {
                Some(word!("give a folder further down, or the files themselves", "请指定更下级的目录，或直接指定文件").to_owned())
            }
        };
        Self::new(error).hint(hint)
    }
}

impl From<NameError> for Failure {
    fn from(error: NameError) -> Self {
        Self::new(error)
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Self {
        Self::new(error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::new(error)
    }
}
