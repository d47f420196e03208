//! A report for programs: codes, times and digests, in no language. `docs/JSON.md` says what each field means.

use bundle_format::{language::Language, rfc3339_seconds};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{
    FORMAT, Node, Renewal, Report, Run, Sight,
    certificates::Validity,
    finding::{Finding, Severity},
    source::{Content, Source},
};

/// The report as one document.
#[must_use]
pub fn write(report: &Report) -> Value {
    let list = |nodes: &[Node]| nodes.iter().map(node).collect::<Vec<_>>();
    json!({
        "report": FORMAT,
        "made": time(report.made),
        "made_by": env!("CARGO_PKG_VERSION"),
        "site": report.site,
        "verdict": report.verdict.code(),
        "period": report.period.map(|(from, to)| json!({ "from": time(from), "to": time(to) })),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "nodes": list(&report.nodes),
        "certificates": report.renewals.iter().map(renewal).collect::<Vec<_>>(),
        "quorum": report.quorum.iter().map(sight).collect::<Vec<_>>(),
        "files": report.sources.iter().map(source).collect::<Vec<_>>(),
    })
}

fn time(time: OffsetDateTime) -> Value {
    rfc3339_seconds::format(time).ok().into()
}

fn finding(finding: &Finding) -> Value {
    let severity = match finding.matter.severity() {
        Severity::Deviation => "deviation",
        Severity::Note => "note",
        Severity::Open => "open",
    };
    let message = Language::English.says(|| finding.matter.text());
    json!({ "severity": severity, "code": finding.matter.code(), "message": message, "nodes": finding.nodes })
}

fn node(node: &Node) -> Value {
    json!({
        "name": node.name,
        "roles": node.roles,
        "addresses": node.addresses,
        "state": node.state.code(),
        "facts": node.facts.iter().map(|facts| time(facts.gathered)).collect::<Vec<_>>(),
        "runs": node.runs.iter().map(run).collect::<Vec<_>>(),
    })
}

fn run(run: &Run) -> Value {
    let summary = &run.summary;
    json!({
        "bundle": run.bundle().to_string(),
        "number": summary.number,
        "outcome": summary.outcome,
        "command": summary.command,
        "exit": summary.exit,
        "begun": time(summary.begun),
        "last_record": time(summary.last_record),
        "deviations": summary.deviations,
        "files": summary.files,
        "rows": summary.rows,
        "restarts": summary.restarts,
        "down_seconds": summary.down,
        "former_not_after": summary.former_not_after.map(time),
        "new_not_after": summary.new_not_after.map(time),
        "sha256": run.document.as_ref().map(|document| document.digest),
        "receipt": run.document.as_ref().map(|document| &document.receipt),
    })
}

fn renewal(renewal: &Renewal) -> Value {
    let validity = |validity: Validity| {
        json!({
            "not_before": time(validity.not_before),
            "not_after": time(validity.not_after),
            "fingerprint": validity.fingerprint,
        })
    };
    json!({
        "kind": if renewal.is_ca { "ca" } else { "leaf" },
        "subject": renewal.subject,
        "issuer": renewal.issuer,
        "serial": renewal.serial,
        "names": renewal.names,
        "former": renewal.former.map(validity),
        "renewed": validity(renewal.renewed),
        "nodes": renewal.nodes,
    })
}

fn sight(sight: &Sight) -> Value {
    json!({
        "at": time(sight.at),
        "node": sight.node,
        "occasion": sight.occasion,
        "cluster": sight.cluster,
        "members": sight.members,
        "healthy": sight.healthy,
        "needed": sight.needed(),
        "renewed": sight.renewed,
        "unhealthy": sight.unhealthy,
        "has_quorum": sight.has_quorum(),
        "is_recovery": sight.is_recovery,
    })
}

fn source(source: &Source) -> Value {
    let (kind, bundle) = match &source.content {
        Content::Bundle(bundle) => ("bundle", Some(bundle)),
        Content::Facts(_) => ("facts", None),
        Content::Receipts(_) => ("receipts", None),
        Content::Shorts(_) => ("short", None),
    };
    let bundle = bundle.map(|bundle| {
        json!({
            "name": bundle.manifest.name().to_string(),
            "identity": bundle.identity,
            "signers": bundle.signers,
            "is_trusted": bundle.is_trusted,
        })
    });
    json!({ "file": source.file, "sha256": source.sha256, "kind": kind, "bundle": bundle })
}
