//! The one renderer of failures: a stable code, what happened, and the next command to type.

use bundle_format::{reader::BundleError, signature::SignatureError, sums::SumsError};
use serde::Serialize;

use crate::{
    error::{Failure, Untrusted},
    guard::Risk,
    identity::NodeListing,
    journal::JournalError,
    machine::{LockError, MediumError, database::DatabaseError},
    memory::{MemoryError, Mixup},
    plan::Rejection,
    preflight::Refusal,
    run::{RunError, StoreError},
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
    if let Failure::Refused(refusals) = failure {
        return refusals.iter().map(|refusal| explain_refusal(refusal, call)).collect();
    }
    let (code, hints) = match failure {
        Failure::Bundle(error) => explain_bundle(error, call),
        Failure::Flag { .. } => ("flag", vec![format!("see `{} {} --help`", call.program, call.command)]),
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
            ("signature", vec!["the bundle was changed after it was signed: get it again from whoever made it".to_owned()])
        }
        BundleError::Io(_) => ("unreadable", vec!["copy the bundle to another medium and try again".to_owned()]),
        BundleError::Damaged => ("damaged", vec!["copy it again, and compare `sha256sum` on both sides".to_owned()]),
        BundleError::NotUnderstood { .. } => ("not-understood", vec!["use the `reseal-node` that lies in the bundle".to_owned()]),
        _ => ("bundle", vec!["get the bundle again from whoever made it".to_owned()]),
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
        RunError::Stuck { restore_text, .. } | RunError::NotUndone { restore_text, .. } => (
            "stuck",
            vec![
                format!("remove the cause, then {}", call.other("rollback")),
                format!("or put the files back by hand, as `{restore_text}` says"),
            ],
        ),
        RunError::Changed { .. } | RunError::Database(_) | RunError::Risk(_) | RunError::RowsChanged { .. } | RunError::Store(_) => {
            ("state", vec![call.other("status")])
        }
    }
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

fn explain_refusal(refusal: &Refusal, call: &Call) -> Problem {
    let (code, hints) = refusal_hints(refusal, call);
    Problem { code, message: refusal.to_string(), hints }
}

fn refusal_hints(refusal: &Refusal, call: &Call) -> (&'static str, Vec<String>) {
    let one = |hint: &str| vec![hint.to_owned()];
    match refusal {
        Refusal::AuthorityAbsent { .. } => (
            "authority-absent",
            one("nothing on this node proves that the bundle is for it; put the site's present CA certificate back first"),
        ),
        Refusal::Blind { .. } => ("blind", vec![format!("to restart without knowing: {}", call.again("--force-quorum-loss"))]),
        Refusal::Busy { pid } => {
            let look = pid.map_or_else(|| "wait for it".to_owned(), |pid| format!("wait for it, or look at it: `ps -fp {pid}`"));
            ("busy", vec![look])
        }
        Refusal::ChangedSince { .. } => ("changed-since", changed_since_hints("the files", call)),
        Refusal::RowsChangedSince { .. } => ("changed-since", changed_since_hints("the rows", call)),
        Refusal::ClockAhead { now, .. } => {
            ("clock-ahead", vec![format!("it is {now} here; compare with another clock, then `date -u -s '<YYYY-MM-DD hh:mm:ss>'`")])
        }
        Refusal::ClockBefore { now, .. } => {
            ("clock", vec![format!("it is {now} here; set the clock: `date -u -s '<YYYY-MM-DD hh:mm:ss>'`")])
        }
        Refusal::Database(error) => ("database", database_hints(error, call)),
        Refusal::DiskLeaf { .. } => (
            "disk-leaf",
            one(
                "the certificate on this node is not from the authority that the bundle renews: have the bundle built from this site's files",
            ),
        ),
        Refusal::Document { target, .. } => ("document", vec![format!("mend the document, or have the vendor mend it: `less {target}`")]),
        Refusal::DocumentMissing { target } => ("document-missing", vec![format!("look for it: `ls -l $(dirname {target})`")]),
        Refusal::Full { folder, .. } => {
            ("full", vec![format!("make room: `df -h {folder}`"), format!("old backups can go: {}", call.other("backups prune"))])
        }
        Refusal::FullOfFiles { folder, .. } => (
            "full",
            vec![
                format!("remove files that nobody needs: `df -i {folder}`"),
                format!("old backups can go: {}", call.other("backups prune")),
            ],
        ),
        Refusal::Holding { holding, .. } => ("holding", vec![format!("look at it: `ls -ld {holding}; findmnt -T {holding}`")]),
        Refusal::Manifest { manifest, holding, .. } => {
            ("manifest", vec![format!("is this the right node? exactly one of both must be there: `ls -l {manifest} {holding}/`")])
        }
        Refusal::Needed { .. } => ("needed", vec![format!("see what is kept, and why: {}", call.other("backups"))]),
        Refusal::NewLeaf { .. } => ("new-leaf", one("the bundle would break this cluster: have it built again from this site's files")),
        Refusal::NoCertificate { target, .. } => {
            ("no-certificate", vec![format!("restore the file, or move it away: `openssl x509 -noout -in {target}`")])
        }
        Refusal::NodeAmbiguous { .. } => ("node-ambiguous", vec![format!("say which it is: {}", call.as_node("<name>"))]),
        Refusal::NodeUnknown { nodes, .. } => ("node-unknown", listing(nodes, call)),
        Refusal::NodeNotThere { nodes, .. } => ("node-not-there", listing(nodes, call)),
        Refusal::NotAFile { target, kind: "symbolic link" } => (
            "not-a-file",
            vec![
                format!("see where it leads: `readlink -f {target}`"),
                "have the bundle built for that path, or put the file itself in the link's place, where nobody else needs the link"
                    .to_owned(),
            ],
        ),
        Refusal::NotAFile { target, .. } => ("not-a-file", vec![format!("look at it: `ls -ld {target}`")]),
        Refusal::NotRoot => ("not-root", vec![format!("`sudo {}`", call.again("").trim_matches('`'))]),
        Refusal::OtherKey { .. } => ("other-key", one("have the bundle built again")),
        Refusal::Place { target, .. } => (
            "no-place",
            vec![format!("is this the right node? nothing is installed into folders that do not exist: `ls -ld $(dirname {target})`")],
        ),
        Refusal::ReadOnly { target, .. } => ("read-only", vec![format!("look at it: `findmnt -T {target}; lsattr -d {target}`")]),
        Refusal::Risk(Risk::Outage { .. }) => ("outage", vec![format!("if that is agreed: {}", call.again("--accept-outage"))]),
        Refusal::Risk(_) => (
            "quorum",
            vec![
                "mend these members first, or wait until they are back".to_owned(),
                format!("to lose the quorum all the same: {}", call.again("--force-quorum-loss")),
            ],
        ),
        Refusal::Runtime { .. } => ("runtime", vec!["look at it: `docker ps; crictl ps`".to_owned()]),
        Refusal::SanLoss { lost, .. } => {
            let names: Vec<&str> = lost.iter().map(String::as_str).collect();
            ("san-loss", vec![format!("have the bundle built again with these names added to the site: {}", names.join(", "))])
        }
        Refusal::Stale { now, .. } => (
            "stale",
            vec![
                format!("it is {now} here; if that is wrong, set the clock: `date -u -s '<YYYY-MM-DD hh:mm:ss>'`"),
                format!("to apply it all the same: {}", call.again("--accept-stale")),
            ],
        ),
        Refusal::State { .. } => ("state", vec![call.other("status")]),
        Refusal::TooLarge { target, .. } => ("too-large", vec![format!("look at it: `ls -l {target}`")]),
        Refusal::Unconfirmed { .. } => ("unconfirmed", vec![format!("if that is agreed: {}", call.again("--yes"))]),
        Refusal::Unfinished { .. } => {
            let hint = format!("finish it with `apply` of its own bundle, or take it back: {}", call.other("rollback"));
            ("unfinished", vec![format!("see where it stopped: {}", call.other("status")), hint])
        }
        Refusal::Unreadable { target, .. } => ("unreadable", vec![format!("look at it: `ls -l {target}`")]),
        Refusal::WildcardNone { .. } => {
            ("no-folder", one("is this the right node? the service that owns the folder is not installed here"))
        }
        Refusal::WildcardSeveral { .. } => {
            ("several-folders", one("move all but the one in use away, or have the bundle built with its name"))
        }
    }
}

fn changed_since_hints(what: &str, call: &Call) -> Vec<String> {
    vec![
        format!("find out who changed {what} and whether that is wanted: {}", call.other("status")),
        "what was there before the run lies in its backup, and putting that back by hand is as good".to_owned(),
        format!("to overwrite them with what was there before the run: {}", call.other("rollback --discard-changes")),
    ]
}

fn database_hints(error: &DatabaseError, call: &Call) -> Vec<String> {
    let leave = format!("or leave it to the SQL in the bundle's `secrets/`: {}", call.again("--leave-database"));
    let own = match error {
        DatabaseError::RowMissing { table, .. } | DatabaseError::RowTwice { table, .. } => {
            format!("is this the Manager's database? select `key` from `{table}`; another one: {}", call.again("--db-name NAME"))
        }
        DatabaseError::TooShort { .. } => "widen the column, with the vendor's consent: `alter table … modify … text`".to_owned(),
        DatabaseError::Changed { .. } | DatabaseError::CopyDiffers { .. } | DatabaseError::LockWait => {
            format!("look at it with any client, then {}", call.again(""))
        }
        _ => format!("say how it is reached: {}", call.again("--db-socket PATH --db-user USER --db-password-file FILE")),
    };
    let client = format!("or by a client of yours: {}", call.again("--db-command 'docker exec -i manager-db mysql -uroot'"));
    let leave = Some(leave).filter(|_| call.command != "rollback");
    [own, client].into_iter().chain(leave).collect()
}

/// The nodes of a bundle and how to name one; of a large site, the first.
fn listing(nodes: &[NodeListing], call: &Call) -> Vec<String> {
    const MOST: usize = 50;
    let mut hints = vec![format!("if it is one of these, say so: {}", call.as_node("<name>"))];
    for node in nodes.iter().take(MOST) {
        let addresses: Vec<String> = node.addresses.iter().map(ToString::to_string).collect();
        hints.push(format!("node `{}`: host names {}; addresses {}", node.node, list(&node.host_names), list(&addresses)));
    }
    if let Some(more) = nodes.len().checked_sub(MOST).filter(|more| *more > 0) {
        hints.push(format!("and {more} more, which {} lists", call.other("verify --json <bundle>")));
    }
    hints
}

fn list(words: &[String]) -> String {
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}
