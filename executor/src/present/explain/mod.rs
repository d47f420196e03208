//! The one renderer of failures: a stable code, what happened, and the next command to type.

mod bundle;
mod call;
mod database;
mod refusals;
mod run;
#[cfg(test)]
mod tests;

use bundle_format::text;
use serde::Serialize;

pub use call::Call;

use crate::{
    code::Code,
    error::Failure,
    machine::{LockError, MediumError},
    memory::MemoryError,
    node_identity::IdentityError,
    run::StoreError,
    unseal::Locked,
};

/// A problem as a person and a program get it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Problem {
    /// Its code.
    pub code: Code,
    /// What kind it is, for programs; it does not change.
    pub kind: &'static str,
    /// What, where, why.
    pub message: String,
    /// What to do.
    pub hints: Vec<String>,
}

/// What to say beside a message.
type Advice = (Code, Vec<String>);

/// A failure as the problems that it consists of, at least one.
pub fn explain(failure: &Failure, call: &Call) -> Vec<Problem> {
    let problem = |message: String, (code, hints): Advice| Problem { code, kind: code.kind(), message, hints };
    let advice = match failure {
        Failure::Refused(found) => {
            return found.iter().map(|refusal| problem(refusal.to_string(), refusals::advise(refusal, call))).collect();
        }
        Failure::Bundle(error) | Failure::Medium(MediumError::Bundle(error)) => bundle::advise(error, call),
        Failure::Facts(_) => (Code::Facts, vec![text!("report this to whoever made this program", "请报告给本程序的提供方")]),
        Failure::Flag { .. } => (Code::Flag, vec![see_help(call)]),
        Failure::Identity(error) => identity(error, call),
        Failure::Locked(locked) => locked_away(locked, call),
        Failure::Machine(error) => (Code::System, vec![if error.is_denied() { as_root(call) } else { once_mended(call) }]),
        Failure::Medium(MediumError::Open { .. }) => (
            Code::CannotOpen,
            vec![text!("name the bundle's tarball, or the folder that it was unpacked to", "请指定证书包文件，或其解压后的目录")],
        ),
        Failure::Memory(error) => memory(error, call),
        Failure::Mixup(mixup) => bundle::mixup(mixup, call),
        Failure::NoBundle => (Code::NoBundle, vec![text!("name it: {}", "请指定：{}"; call.again("<site>-<serial>.tar.gz"))]),
        Failure::NoRun { .. } => (Code::NoRun, vec![text!("see which there are: {}", "查看现有的执行：{}"; call.other("backups"))]),
        Failure::NoSite { .. } => (Code::NoSite, vec![call.other("signers")]),
        Failure::NotAgreed { .. } => (Code::NotAgreed, vec![text!("if it is meant: {}", "确实需要时：{}"; call.again("--yes"))]),
        Failure::NotPinned { pinned, .. } => {
            let known = pinned.iter().map(|pinned| text!("pinned here: {pinned}", "本节点已固定：{pinned}"));
            (Code::NotPinned, known.chain([call.other("signers")]).collect())
        }
        Failure::Out(_) => (
            Code::Out,
            vec![text!("name a file that does not exist yet, in a folder that does", "请指定一个尚不存在的文件，且其目录已存在")],
        ),
        Failure::Rejected(rejection) => bundle::rejection(rejection),
        Failure::Run(error) => run::advise(error, call),
        Failure::Signer { .. } => (
            Code::SignerValue,
            vec![text!(
                "give `SHA256:` and 43 characters, or a file with the signer's PEM public key",
                "请给出 `SHA256:` 加 43 个字符，或含签名人 PEM 公钥的文件"
            )],
        ),
        Failure::Store(error) => store(error, call),
        Failure::Untrusted(untrusted) => bundle::untrusted(untrusted, call),
    };
    vec![problem(failure.to_string(), advice)]
}

fn store(error: &StoreError, call: &Call) -> Advice {
    match error {
        StoreError::Journal { folder, why } => run::journal(folder, why, call),
        StoreError::Lock(LockError::Held(_)) => (Code::Busy, vec![text!("wait for it", "请等待其结束")]),
        StoreError::Lock(LockError::Machine(error)) | StoreError::Machine(error) if error.is_denied() => {
            (Code::StateDenied, vec![as_root(call)])
        }
        StoreError::Lock(_) | StoreError::Machine(_) | StoreError::Record(_) => (Code::StateSystem, vec![once_mended(call)]),
        StoreError::Place(_) => (Code::StatePlace, vec![each_part(call)]),
    }
}

fn memory(error: &MemoryError, call: &Call) -> Advice {
    match error {
        MemoryError::Unusable { file, .. } => (
            Code::Memory,
            vec![
                text!(
                    "nobody is trusted while it is unclear who was; look at it: `ls -l {file}`",
                    "在查清之前不信任任何人；请查看：`ls -l {file}`"
                ),
                text!("to have it forgotten, move it away; then {}", "需要遗忘时将其移走，然后执行 {}"; call.other("signers")),
            ],
        ),
        MemoryError::Machine(_) | MemoryError::Record(_) => (Code::MemoryDenied, vec![as_root(call)]),
        MemoryError::Place(_) => (Code::MemoryPlace, vec![each_part(call)]),
    }
}

fn identity(error: &IdentityError, call: &Call) -> Advice {
    match error {
        IdentityError::Machine(_) | IdentityError::Place(_) => {
            let without = text!("where nothing may be written: {}", "不允许写入时：{}"; call.again("--no-identity"));
            let denied = matches!(error, IdentityError::Machine(error) if error.is_denied());
            (Code::IdentityFolder, denied.then(|| as_root(call)).into_iter().chain([without]).collect())
        }
        IdentityError::Other { path, .. } => (
            Code::IdentityOther,
            vec![text!(
                "look at it, and move it away so that a new one is made: `ls -ld {path}`",
                "请查看并将其移走，以便生成新的身份密钥：`ls -ld {path}`"
            )],
        ),
        IdentityError::Readable { path, .. } => (
            Code::IdentityReadable,
            vec![text!(
                "if nobody else was on this node: `chmod 600 {path}`; otherwise move it away, and {}",
                "若没有他人登录过本节点：`chmod 600 {path}`；否则将其移走，再执行 {}";
                call.again("")
            )],
        ),
    }
}

fn locked_away(locked: &Locked, call: &Call) -> Advice {
    let rebuild = |node: &dyn ToString, recipient: &str| format!("`reseal build --node-recipient {}={recipient}`", node.to_string());
    match locked {
        Locked::BadIdentity { .. } | Locked::Nobody(_) | Locked::Sealed(_) | Locked::SiteIdentity { .. } => {
            (Code::Sealed, vec![text!("get the bundle again from whoever made it", "请向制作方重新索取证书包")])
        }
        Locked::NoIdentity { node, .. } => (
            Code::NoIdentity,
            vec![
                text!(
                    "is this the right node? its identity is made once, where its recipient was read off: `ls -l {}`",
                    "是否是正确的节点？身份密钥只在读取接收方的那台节点上生成一次：`ls -l {}`";
                    call.at(&"/var/lib/reseal/identity")
                ),
                text!(
                    "if it is gone: {}, and have it built with {}", "若已丢失：执行 {}，并请用 {} 重新制作证书包";
                    call.other("facts"), rebuild(node, "age1…")
                ),
            ],
        ),
        Locked::OtherIdentity { node, own, .. } => (
            Code::OtherIdentity,
            vec![
                text!("is this the right node?", "是否是正确的节点？"),
                text!(
                    "if it is, the bundle is for its former identity: have it built with {}",
                    "若是，则证书包用的是其旧身份密钥：请用 {} 重新制作";
                    rebuild(node, own.as_str())
                ),
            ],
        ),
        Locked::NoPassphrase(_) => (
            Code::NoPassphrase,
            vec![
                text!("at a terminal it is asked for; elsewhere: {}", "在终端上会提示输入；否则：{}"; call.again("--passphrase-file FILE")),
            ],
        ),
        Locked::Passphrase { .. } => (Code::Passphrase, vec![see_help(call)]),
        Locked::WrongPassphrase => (
            Code::WrongPassphrase,
            vec![text!(
                "compare it with whoever made the bundle, by phone or on paper, then {}",
                "请通过电话或纸面与制作方核对，然后执行 {}";
                call.again("")
            )],
        ),
    }
}

fn see_help(call: &Call) -> String {
    text!("see `{} {} --help`", "见 `{} {} --help`"; call.program, call.command)
}

fn each_part(call: &Call) -> String {
    text!("look at each part of the path: `namei -l {}`", "逐级查看路径：`namei -l {}`"; call.at(&"/var/lib/reseal"))
}

fn as_root(call: &Call) -> String {
    text!("try it as root: `sudo {}`", "请以 root 执行：`sudo {}`"; call.again("").trim_matches('`'))
}

fn once_mended(call: &Call) -> String {
    text!("remove the cause, then {}", "排除原因后执行 {}"; call.again(""))
}
