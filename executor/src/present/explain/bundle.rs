//! What may be done about a bundle that is rejected.

use std::path::Path;

use bundle_format::{reader::BundleError, signature::SignatureError, sums::SumsError, text};

use super::{Advice, Call};
use crate::{code::Code, error::Untrusted, memory::Mixup, plan::Rejection};

/// About a bundle that is not whole, not of this form, or not signed as it should be.
pub(super) fn advise(error: &BundleError, call: &Call) -> Advice {
    let again = || text!("do not apply it: get the bundle again from whoever made it", "不要执行：请向制作方重新索取证书包");
    let own = || text!("use the `reseal-node` that lies in the bundle", "请使用证书包内的 `reseal-node`");
    let bad = || {
        text!(
            "whoever built this bundle built a bad one: do not apply it, and ask for another",
            "该证书包制作有误：不要执行，请索取新的证书包"
        )
    };
    match error {
        BundleError::Io(_) => (
            Code::BundleUnreadable,
            vec![text!("copy the bundle to another medium, then {}", "请把证书包复制到另一个介质，然后执行 {}"; call.again(""))],
        ),
        BundleError::Signature(SignatureError::TooFew { .. }) => (Code::TooFewSigners, more_signers(call)),
        BundleError::Signature(_) => (
            Code::Signature,
            vec![text!("the bundle was changed after it was signed: do not apply it", "证书包在签名之后被改动：不要执行"), compare(call)],
        ),
        BundleError::NotABundle => (
            Code::NotABundle,
            vec![
                text!(
                    "do not apply it: name the bundle as it was delivered, or get it again from whoever made it",
                    "不要执行：请指定交付的原始证书包，或向制作方重新索取"
                ),
                compare(call),
            ],
        ),
        BundleError::Damaged => {
            (Code::Damaged, vec![text!("copy it again, then {}", "请重新复制，然后执行 {}"; call.again("")), compare(call)])
        }
        BundleError::Format { .. } | BundleError::Sums(SumsError::Format { .. }) => {
            (Code::Format, vec![text!("{}; older formats are not read", "{}；不读取旧格式"; own())])
        }
        BundleError::NeedsLater { .. } => (Code::ExecutorTooOld, vec![own()]),
        BundleError::PackedTooLarge(_) | BundleError::TooLarge { .. } | BundleError::TooMany(_) | BundleError::TotalTooLarge(_) => {
            (Code::TooLarge, vec![again(), compare(call)])
        }
        BundleError::FolderName { .. } | BundleError::Mismatch { .. } | BundleError::Missing(_) | BundleError::Unlisted(_) => (
            Code::Altered,
            vec![
                again(),
                text!(
                    "if it was unpacked: name the tarball instead, or unpack it anew into an empty folder",
                    "若已解压：请改为指定证书包文件，或重新解压到空目录"
                ),
                compare(call),
            ],
        ),
        BundleError::Contradiction { .. } => (Code::Contradiction, vec![bad(), compare(call)]),
        BundleError::ForeignSecret { .. } | BundleError::NotSealed(_) | BundleError::Sealed(_) => {
            (Code::Sealing, vec![bad(), compare(call)])
        }
        // The signature covers what is wrong: another copy is no better.
        BundleError::Dangling { .. }
        | BundleError::KeptTooLarge(_)
        | BundleError::Malformed { .. }
        | BundleError::NoMaterial { .. }
        | BundleError::NodeTwice(_)
        | BundleError::Sums(_) => (Code::Malformed, vec![bad(), compare(call)]),
        _ => (Code::Packing, vec![again(), compare(call)]),
    }
}

/// Both fingerprints side by side, and what to type.
pub(super) fn untrusted(untrusted: &Untrusted, call: &Call) -> Advice {
    let Untrusted { found, given, pinned, hides_pins } = untrusted;
    let flags = || found.iter().map(|found| format!("--signer {found}")).collect::<Vec<_>>().join(" ");
    if given.is_empty() && pinned.is_empty() {
        let mut hints = vec![
            text!(
                "compare this fingerprint, character by character, with the one that came on paper or by phone",
                "请将此指纹与纸面或电话得到的指纹逐字对比"
            ),
            text!("only if they are equal: {}", "完全一致时才执行：{}"; call.again(&flags())),
        ];
        if *hides_pins {
            hints.push(text!(
                "signers that are pinned here are for root to see: `sudo {}`",
                "已固定的签名人仅 root 可见：`sudo {}`";
                call.again("").trim_matches('`')
            ));
        }
        return (Code::NoSigner, hints);
    }
    let mut hints: Vec<String> = found.iter().map(|found| text!("in the bundle {found}", "证书包签名人 {found}")).collect();
    hints.extend(given.iter().map(|given| text!("by --signer   {given}", "--signer 指定 {given}")));
    hints.extend(pinned.iter().map(|pinned| text!("pinned here   {pinned}", "本节点已固定 {pinned}")));
    hints.push(text!(
        "do not apply this bundle; ask whoever sent it for the signer's fingerprint, on paper or by phone",
        "不要执行该证书包；请通过纸面或电话向发送方核对签名人指纹"
    ));
    if given.is_empty() {
        hints.push(text!(
            "only if the signer has changed, and that one is equal: {}",
            "仅当签名人确已更换且指纹一致时：{}";
            call.again(&flags())
        ));
    }
    (Code::OtherSigner, hints)
}

/// About a bundle that is whole and trusted, and not the one for this node now.
pub(super) fn mixup(mixup: &Mixup, call: &Call) -> Advice {
    let forget = |site: &str| text!("only if that is meant: {}", "仅当确实需要时：{}"; call.other(&format!("signers forget {site}")));
    match mixup {
        Mixup::Older { .. } => (
            Code::OlderSerial,
            vec![
                text!("look for the newest bundle of this site", "请找到本站点最新的证书包"),
                text!("only if the older one is meant: {}", "仅当确实要用旧包时：{}"; call.again("--allow-older")),
            ],
        ),
        Mixup::OtherSite { known, .. } => {
            let mut hints = vec![text!("check that this is the bundle of this node's site", "请确认这是本节点所属站点的证书包")];
            hints.extend(known.iter().map(|site| forget(site.as_str())));
            (Code::WrongSite, hints)
        }
        Mixup::Reused { .. } => {
            (Code::SerialReused, vec![text!("have the bundle built again, with a higher serial", "请用更高的序号重新制作证书包")])
        }
        Mixup::TooFewSigners { .. } => (Code::FewerSigners, more_signers(call)),
    }
}

/// About a bundle that contradicts itself or this node.
pub(super) fn rejection(rejection: &Rejection) -> Advice {
    let report = || vec![text!("report this to whoever made the bundle", "请报告给证书包制作方")];
    match rejection {
        Rejection::ForeignAuthority { .. } => (
            Code::OtherSite,
            vec![text!(
                "check that this is the bundle of this node's site; nothing can be forced here",
                "请确认这是本节点所属站点的证书包；此项不可强制跳过"
            )],
        ),
        Rejection::Twice { .. } => (Code::Twice, report()),
        _ => (Code::Inconsistent, report()),
    }
}

fn more_signers(call: &Call) -> Vec<String> {
    vec![
        text!(
            "have it signed by another of those whom this node trusts: `reseal sign <bundle> --signer <key>`",
            "请本节点信任的另一位签名人补签：`reseal sign <bundle> --signer <key>`"
        ),
        text!("or name everybody whose signature counts: {}", "或指定所有有效的签名人：{}"; call.again("--signer SHA256:...")),
    ]
}

/// How a person finds out whether this is the bundle that was made.
#[expect(clippy::disallowed_methods, reason = "what a person has named is followed, and a hint is all that hangs on it")]
fn compare(call: &Call) -> String {
    let path = call.rest.first().filter(|word| !word.starts_with("--")).map_or("<site>-<serial>.tar.gz", String::as_str);
    if Path::new(path).is_dir() {
        return text!(
            "see what differs: `cd {path} && sha256sum -c SHA256SUMS`",
            "查看哪些内容不同：`cd {path} && sha256sum -c SHA256SUMS`"
        );
    }
    text!("compare it with the one that was made: `sha256sum {path}` on both sides", "与制作方的原件对比：两端分别执行 `sha256sum {path}`")
}
