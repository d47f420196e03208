//! The one renderer of failures: a stable code, what happened, and the next command to type.

mod refusals;

use bundle_format::{name::NodeName, reader::BundleError, signature::SignatureError, sums::SumsError};
use serde::Serialize;

use crate::{
    error::{Failure, Untrusted},
    journal::JournalError,
    machine::{LockError, MediumError},
    memory::{MemoryError, Mixup},
    node_identity::IdentityError,
    plan::Rejection,
    run::{RunError, StoreError},
    unseal::Locked,
};

/// A problem as a person and a program get it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Problem {
    /// What kind it is, for programs; it does not change.
    pub code: &'static str,
    /// What, where, why.
    pub message: String,
    /// What to do.
    pub hints: Vec<String>,
}

/// How the program was called, to say how to call it next.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// The program as it was typed.
    pub program: String,
    /// `--root DIR`, where given.
    pub root: Option<String>,
    /// The subcommand.
    pub command: &'static str,
    /// Everything after it.
    pub rest: Vec<String>,
}

impl Call {
    /// The same call with more at its end.
    fn again(&self, more: &str) -> String {
        let mut words = vec![self.program.as_str(), self.command];
        words.extend(self.rest.iter().map(String::as_str));
        let more = if more.is_empty() { String::new() } else { format!(" {more}") };
        format!("`{}{}{more}`", words.join(" "), self.root())
    }

    /// The same call for another node.
    fn as_node(&self, name: &str) -> String {
        let rest = self.rest.iter().take_while(|word| *word != "--node").cloned().collect();
        Self { rest, ..self.clone() }.again(&format!("--node {name}"))
    }

    /// Another command on the same machine.
    fn other(&self, command: &str) -> String {
        format!("`{} {command}{}`", self.program, self.root())
    }

    fn root(&self) -> String {
        self.root.as_ref().map_or_else(String::new, |root| format!(" --root {root}"))
    }
}

/// A failure as the problems that it consists of.
pub fn explain(failure: &Failure, call: &Call) -> Vec<Problem> {
    if let Failure::Refused(found) = failure {
        return found.iter().map(|refusal| refusals::explain_refusal(refusal, call)).collect();
    }
    let (code, hints) = match failure {
        Failure::Bundle(error) => explain_bundle(error, call),
        Failure::Facts(_) => ("facts", vec!["report this to whoever made this program".to_owned()]),
        Failure::Flag { .. } => ("flag", vec![format!("see `{} {} --help`", call.program, call.command)]),
        Failure::Identity(error) => explain_identity(error, call),
        Failure::Locked(locked) => explain_locked(locked, call),
        Failure::Machine(_) => ("system", Vec::new()),
        Failure::Medium(MediumError::Open { .. } | MediumError::Bundle(_)) => {
            ("cannot-open", vec!["name the bundle's tarball, or the folder that it was unpacked to".to_owned()])
        }
        Failure::Memory(MemoryError::Unusable { file, .. }) => (
            "memory",
            vec![
                format!("nobody is trusted while it is unclear who was; look at it: `ls -l {file}`"),
                format!("to have it forgotten, move it away; then {}", call.other("signers")),
            ],
        ),
        Failure::Memory(_) => ("memory", vec![format!("try it as root: `sudo {}`", call.again("").trim_matches('`'))]),
        Failure::Mixup(mixup) => explain_mixup(mixup, call),
        Failure::NoSite { .. } => ("no-site", vec![call.other("signers")]),
        Failure::NotPinned { pinned, .. } => ("not-pinned", pinned.iter().map(|pinned| format!("pinned here: {pinned}")).collect()),
        Failure::NoBundle => ("no-bundle", vec![format!("name it: {}", call.again("<site>-<serial>.tar.gz"))]),
        Failure::Out(_) => ("out", vec!["name a file that does not exist yet, in a folder that does".to_owned()]),
        Failure::Refused(_) => ("refused", Vec::new()),
        Failure::Rejected(rejection) => explain_rejection(rejection),
        Failure::Run(error) => explain_run(error, call),
        Failure::Signer { .. } => {
            ("signer", vec!["give `SHA256:` and 43 characters, or a file with the signer's PEM public key".to_owned()])
        }
        Failure::Store(StoreError::Journal { folder, why }) => explain_journal(folder, why, call),
        Failure::Untrusted(untrusted) => explain_untrusted(untrusted, call),
        Failure::Store(StoreError::Machine(error) | StoreError::Lock(LockError::Machine(error))) if !error.is_denied() => {
            ("state", vec![format!("remove the cause, then {}", call.again(""))])
        }
        Failure::Store(_) => ("state", vec![format!("try it as root: `sudo {}`", call.again("").trim_matches('`'))]),
    };
    vec![Problem { code, message: failure.to_string(), hints }]
}

fn explain_identity(error: &IdentityError, call: &Call) -> (&'static str, Vec<String>) {
    match error {
        IdentityError::Machine(_) | IdentityError::Place(_) => {
            ("identity", vec![format!("where nothing may be written: {}", call.again("--no-identity"))])
        }
        IdentityError::Other { path, .. } => {
            ("identity", vec![format!("look at it, and move it away so that a new one is made: `ls -ld {path}`")])
        }
        IdentityError::Readable { path, .. } => (
            "identity-readable",
            vec![format!("if nobody else was on this node: `chmod 600 {path}`; otherwise move it away, and {}", call.again(""))],
        ),
    }
}

fn explain_bundle(error: &BundleError, call: &Call) -> (&'static str, Vec<String>) {
    match error {
        BundleError::Signature(SignatureError::TooFew { .. }) => (
            "too-few-signers",
            vec![
                "have it signed by another of those whom this node trusts: `reseal sign <bundle> --signer <key>`".to_owned(),
                format!("or name everybody whose signature counts: {}", call.again("--signer SHA256:...")),
            ],
        ),
        BundleError::Format { .. } | BundleError::Sums(SumsError::Format { .. }) => {
            ("format", vec!["use the `reseal-node` that lies in the bundle; older formats are not read".to_owned()])
        }
        BundleError::NeedsLater { .. } => ("executor-too-old", vec!["use the `reseal-node` that lies in the bundle".to_owned()]),
        BundleError::Signature(_) => {
            ("signature", vec!["the bundle was changed after it was signed: do not apply it".to_owned(), compare(call)])
        }
        BundleError::Io(_) => ("unreadable", vec![format!("copy the bundle to another medium, then {}", call.again(""))]),
        BundleError::Damaged => ("damaged", vec![format!("copy it again, then {}", call.again("")), compare(call)]),
        error if is_built_badly(error) => {
            let code = if matches!(error, BundleError::Contradiction { .. }) { "contradiction" } else { "malformed" };
            (code, vec!["whoever built this bundle built a bad one: do not apply it, and ask for another".to_owned(), compare(call)])
        }
        _ => ("bundle", vec!["do not apply it: get the bundle again from whoever made it".to_owned(), compare(call)]),
    }
}

/// Both fingerprints side by side, and what to type.
fn explain_untrusted(untrusted: &Untrusted, call: &Call) -> (&'static str, Vec<String>) {
    let Untrusted { found, given, pinned, hides_pins } = untrusted;
    let flags = || found.iter().map(|found| format!("--signer {found}")).collect::<Vec<_>>().join(" ");
    if given.is_empty() && pinned.is_empty() {
        let mut hints = vec![
            "compare this fingerprint, character by character, with the one that came on paper or by phone".to_owned(),
            format!("only if they are equal: {}", call.again(&flags())),
        ];
        if *hides_pins {
            hints.push(format!("signers that are pinned here are for root to see: `sudo {}`", call.again("").trim_matches('`')));
        }
        return ("no-signer", hints);
    }
    let mut hints: Vec<String> = found.iter().map(|found| format!("in the bundle {found}")).collect();
    hints.extend(given.iter().map(|given| format!("by --signer   {given}")));
    hints.extend(pinned.iter().map(|pinned| format!("pinned here   {pinned}")));
    hints.push("do not apply this bundle; ask whoever sent it for the signer's fingerprint, on paper or by phone".to_owned());
    if given.is_empty() {
        hints.push(format!("only if the signer has changed, and that one is equal: {}", call.again(&flags())));
    }
    ("other-signer", hints)
}

fn explain_mixup(mixup: &Mixup, call: &Call) -> (&'static str, Vec<String>) {
    let forget = |site: &str| format!("only if that is meant: {}", call.other(&format!("signers forget {site}")));
    match mixup {
        Mixup::Older { .. } => (
            "older-serial",
            vec![
                "look for the newest bundle of this site".to_owned(),
                format!("only if the older one is meant: {}", call.again("--allow-older")),
            ],
        ),
        Mixup::OtherSite { known, .. } => {
            let mut hints = vec!["check that this is the bundle of this node's site".to_owned()];
            hints.extend(known.iter().map(|site| forget(site.as_str())));
            ("wrong-site", hints)
        }
        Mixup::Reused { .. } => ("serial-reused", vec!["have the bundle built again, with a higher serial".to_owned()]),
        Mixup::TooFewSigners { .. } => (
            "too-few-signers",
            vec![
                "have it signed by another of those whom this node trusts: `reseal sign <bundle> --signer <key>`".to_owned(),
                format!("or name everybody whose signature counts: {}", call.again("--signer SHA256:...")),
            ],
        ),
    }
}

fn explain_locked(locked: &Locked, call: &Call) -> (&'static str, Vec<String>) {
    let rebuild = |node: &NodeName, recipient: &str| format!("have it built with `reseal build --node-recipient {node}={recipient}`");
    match locked {
        _ if locked.is_of_the_bundle() => ("sealed", vec!["get the bundle again from whoever made it".to_owned()]),
        Locked::NoIdentity { node, .. } => (
            "no-identity",
            vec![
                "is this the right node? its identity is made once, where its recipient was read off: `ls -l /var/lib/reseal/identity`"
                    .to_owned(),
                format!("if it is gone: {}, and {}", call.other("facts"), rebuild(node, "age1…")),
            ],
        ),
        Locked::OtherIdentity { node, own, .. } => (
            "other-identity",
            vec![
                "is this the right node?".to_owned(),
                format!("if it is, the bundle is for its former identity: {}", rebuild(node, own.as_str())),
            ],
        ),
        Locked::NoPassphrase(_) => {
            ("no-passphrase", vec![format!("at a terminal it is asked for; elsewhere: {}", call.again("--passphrase-file FILE"))])
        }
        Locked::Passphrase { .. } => ("passphrase", vec![format!("see `{} {} --help`", call.program, call.command)]),
        _ => ("wrong-passphrase", vec![format!("compare it with whoever made the bundle, by phone or on paper, then {}", call.again(""))]),
    }
}

/// Whether a copy of the same bundle cannot be better: the signature covers what is wrong.
fn is_built_badly(error: &BundleError) -> bool {
    matches!(
        error,
        BundleError::Contradiction { .. }
            | BundleError::Dangling { .. }
            | BundleError::KeptTooLarge(_)
            | BundleError::Malformed { .. }
            | BundleError::NoMaterial { .. }
            | BundleError::NodeTwice(_)
            | BundleError::Sums(_)
    )
}

/// How a person finds out whether this is the bundle that was made.
fn compare(call: &Call) -> String {
    let path = call.rest.first().filter(|word| !word.starts_with("--")).map_or("<site>-<serial>.tar.gz", String::as_str);
    format!("compare it with the one that was made: `sha256sum {path}` on both sides")
}

fn explain_rejection(rejection: &Rejection) -> (&'static str, Vec<String>) {
    match rejection {
        Rejection::ForeignAuthority { .. } => {
            ("other-site", vec!["check that this is the bundle of this node's site; nothing can be forced here".to_owned()])
        }
        Rejection::Twice { .. } => ("twice", vec!["report this to whoever made the bundle".to_owned()]),
        _ => ("contradiction", vec!["report this to whoever made the bundle".to_owned()]),
    }
}

fn explain_run(error: &RunError, call: &Call) -> (&'static str, Vec<String>) {
    match error {
        RunError::Exhausted { is_undoing, restore_text, .. } => ("exhausted", exhausted_hints(*is_undoing, restore_text, call)),
        RunError::Interrupted { .. } => {
            ("interrupted", vec![format!("to go on: {}", call.again("")), format!("to go back: {}", call.other("rollback"))])
        }
        RunError::Unchanged { .. } => ("unchanged", vec![format!("remove the cause, then {}", call.again(""))]),
        RunError::RolledBack { .. } => ("rolled-back", vec![format!("remove the cause, then {}", call.again(""))]),
        RunError::Stuck { restore_text, .. } => (
            "stuck",
            vec![
                format!("remove the cause, then, to go back: {}", call.other("rollback")),
                format!("or, to go back and begin once more: {}", call.again("")),
                by_hand(restore_text),
            ],
        ),
        RunError::NotUndone { restore_text, .. } => {
            ("stuck", vec![format!("remove the cause, then {}", call.other("rollback")), by_hand(restore_text)])
        }
        RunError::Changed { .. } | RunError::Database(_) | RunError::Risk(_) | RunError::RowsChanged { .. } | RunError::Store(_) => {
            ("state", vec![call.other("status")])
        }
    }
}

fn by_hand(restore_text: &str) -> String {
    format!("or put the files back by hand, as `{restore_text}` says")
}

fn exhausted_hints(is_undoing: bool, restore_text: &str, call: &Call) -> Vec<String> {
    let back = format!("to go back instead: {}", call.other("rollback"));
    let closes = if is_undoing { "then close the run" } else { "then take the run back, which closes it" };
    [format!("find out why it ends there each time, then, on purpose: {}", call.again("--try-again"))]
        .into_iter()
        .chain((!is_undoing).then_some(back))
        .chain([
            format!("or by hand: as root, type the commands that `less {restore_text}` shows, in their order"),
            format!("{closes}: {}", call.other(if is_undoing { "rollback --try-again" } else { "rollback" })),
        ])
        .collect()
}

/// A journal that says nothing. Whatever the reason, a person can put things back and set the run aside.
fn explain_journal(folder: &str, why: &JournalError, call: &Call) -> (&'static str, Vec<String>) {
    let list = format!("see what is kept: {}", call.other("backups"));
    if matches!(why, JournalError::Version { .. } | JournalError::NotUnderstood { .. }) {
        let later = "a later version made this run: use the `reseal-node` of its bundle, or a later one".to_owned();
        return ("journal-version", vec![later, list]);
    }
    let aside = folder.replacen("/runs/", "/damaged-", 1);
    let hints = vec![
        format!("nothing is done while it is unclear what this run did; `less {folder}/RESTORE.txt` says how to put things back by hand"),
        list,
        format!("once all is as it should be, set the run aside, and go on: `mv {folder} {aside}`"),
    ];
    ("journal", hints)
}
