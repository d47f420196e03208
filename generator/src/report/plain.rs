//! A report as text, for a terminal or a mail.

use std::fmt::Write as _;

use bundle_format::{
    name::{Label, NodeName},
    text, word,
};

use super::{
    Report, State,
    finding::{Finding, Severity},
};
use crate::present;

/// How many nodes of a finding are named.
const NODES_NAMED: usize = 8;

/// The report, in the spoken language.
#[must_use]
pub fn write(report: &Report) -> String {
    let mut text = format!("{}\n", title(report));
    let _ = writeln!(text, "{}", summary(report));
    for severity in [Severity::Open, Severity::Deviation, Severity::Note] {
        for (at, finding) in report.of_severity(severity).enumerate() {
            if at == 0 {
                let _ = writeln!(text, "\n{}", heading(severity));
            }
            let _ = writeln!(text, "  - {}", line(finding));
        }
    }
    let _ = write!(text, "\n{}", nodes(report));
    if !report.renewals.is_empty() {
        let _ = write!(text, "\n{}", certificates(report));
    }
    text
}

/// What the report is about.
#[must_use]
pub fn title(report: &Report) -> String {
    match &report.site {
        Some(site) => text!("Certificate renewal report: {site}", "证书续签报告：{site}"),
        None => text!("Certificate renewal report", "证书续签报告"),
    }
}

/// What it comes to, in a line.
#[must_use]
pub fn summary(report: &Report) -> String {
    let (verdict, renewed, all) = (report.verdict.text(), report.renewed(), report.nodes.len());
    text!("{verdict}: {renewed} of {all} nodes", "{verdict}：{renewed}/{all} 个节点")
}

/// What stands over findings of a severity.
#[must_use]
pub fn heading(severity: Severity) -> &'static str {
    match severity {
        Severity::Open => word!("open", "未完成"),
        Severity::Deviation => word!("deviations", "偏离项"),
        Severity::Note => word!("notes", "说明"),
    }
}

fn line(finding: &Finding) -> String {
    let mut nodes: Vec<&str> = finding.nodes.iter().take(NODES_NAMED).map(NodeName::as_str).collect();
    let more = finding.nodes.len().saturating_sub(NODES_NAMED);
    let more = if more > 0 { text!("and {more} more", "另有 {more} 个") } else { String::new() };
    nodes.extend(Some(more.as_str()).filter(|more| !more.is_empty()));
    let said = finding.matter.text();
    if nodes.is_empty() { said } else { format!("{}{}{said}", nodes.join(word!(", ", "、")), word!(": ", "：")) }
}

fn nodes(report: &Report) -> String {
    let head = [word!("NODE", "节点"), word!("ROLES", "角色"), word!("STATE", "状态"), word!("BUNDLE", "证书包"), word!("AT", "时间")];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for node in &report.nodes {
        let roles: Vec<&str> = node.roles.iter().map(Label::as_str).collect();
        let last = node.runs.last();
        let mark = if node.state == State::Renewed { "" } else { " !" };
        rows.push(vec![
            node.name.to_string(),
            roles.join("+"),
            format!("{}{mark}", node.state.text()),
            last.map(|run| run.bundle().to_string()).unwrap_or_default(),
            last.map(|run| present::moment(run.summary.last_record)).unwrap_or_default(),
        ]);
    }
    present::table(&rows)
}

fn certificates(report: &Report) -> String {
    let head = ["", word!("SUBJECT", "主题"), word!("ENDED OR ENDS", "原有效期至"), word!("VALID UNTIL", "有效期至")];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for renewal in &report.renewals {
        rows.push(vec![
            if renewal.is_ca { "CA".to_owned() } else { word!("leaf", "叶子证书").to_owned() },
            renewal.subject.clone(),
            renewal.former.map_or_else(|| "-".to_owned(), |former| present::moment(former.not_after)),
            present::moment(renewal.renewed.not_after),
        ]);
    }
    present::table(&rows)
}
