//! What may be done about each refusal of the preflight.

use super::{Call, Problem};
use crate::{guard::Risk, identity::NodeListing, machine::database::DatabaseError, preflight::Refusal};

/// A refusal as a problem.
pub(super) fn explain_refusal(refusal: &Refusal, call: &Call) -> Problem {
    let (code, hints) = refusal_hints(refusal, call);
    Problem { code, message: refusal.to_string(), hints }
}

#[expect(clippy::too_many_lines, reason = "one arm for each refusal")]
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
