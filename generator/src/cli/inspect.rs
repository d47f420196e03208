//! `reseal inspect`: certificates and their dates.

use std::{fmt::Write as _, path::PathBuf};

use bundle_format::{facts::NodeFacts, text, word};
use time::OffsetDateTime;

use super::{DONE, ENDING, Outcome, calendar::LedgerArgs};
use crate::{
    inspect::{self, Row, Verdict},
    ledger::Record,
    present::{self, Output},
};

/// Days before its end from which a certificate counts as expiring.
const EXPIRING: u32 = 90;

#[derive(clap::Args, Debug)]
pub struct Args {
    #[arg(required = true, value_name = "PATH", help = word!(
        "PEM or DER files, facts of nodes, folders, or bundles",
        "PEM 或 DER 文件、节点信息、目录或证书包"
    ))]
    paths: Vec<PathBuf>,
    #[arg(long, value_name = "DAYS", help = word!(
        "Exit with code 10 when a certificate ends within so many days",
        "有证书在这么多天内到期时，以退出码 10 结束"
    ))]
    within: Option<u32>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Args {
    pub fn run(&self, output: Output) -> Outcome {
        let mut found = Vec::new();
        for path in &self.paths {
            if let Some(facts) = path.is_file().then(|| inspect::facts_in(path)).flatten() {
                output.lines(&node(&facts));
            }
            found.extend(inspect::find(path)?);
        }
        let now = OffsetDateTime::now_utc();
        self.ledger.note(Record::of_found(&found, now), output);
        let rows = inspect::describe(&found, now, self.within.unwrap_or(EXPIRING).into());
        let text = if output.is_json() { serde_json::to_string_pretty(&rows)? } else { format!("{}\n{}", table(&rows), chains(&rows)) };
        output.data(&text);
        let ending = |row: &Row| matches!(row.verdict, Verdict::Expired | Verdict::Expiring);
        Ok(if self.within.is_some() && rows.iter().any(ending) { ENDING } else { DONE })
    }
}

/// A node, in a few lines.
fn node(facts: &NodeFacts) -> String {
    let none = || word!("none", "无").to_owned();
    let list = |items: Vec<&str>| if items.is_empty() { none() } else { items.join(", ") };
    let roles = facts.clusters.iter().flat_map(|cluster| &cluster.roles).map(|found| found.role.as_str()).collect();
    let versions = facts.clusters.iter().flat_map(|cluster| &cluster.versions).map(|found| found.text.as_str()).collect();
    let addresses: Vec<String> = facts.host.addresses.iter().map(|found| found.address.to_string()).collect();
    let mut text = text!(
        "node      {}\n          {}\nclock     {}\nroles     {}\nversion   {}\nrecipient {}\n",
        "节点      {}\n          {}\n时钟      {}\n角色      {}\n版本      {}\n接收方    {}\n";
        facts.called(),
        list(addresses.iter().map(String::as_str).collect()),
        present::moment(facts.gathered),
        list(roles),
        list(versions),
        facts.recipient.as_ref().map_or_else(none, ToString::to_string)
    );
    for database in facts.clusters.iter().filter_map(|cluster| cluster.database.as_ref()) {
        let _ = writeln!(text, "{}{}", word!("database  ", "数据库    "), database.said);
    }
    for remark in &facts.remarks {
        let _ = writeln!(text, "{}{remark}", word!("remark    ", "备注      "));
    }
    text
}

fn table(rows: &[Row]) -> String {
    let head = word!(
        ["VERDICT", "DAYS LEFT", "NOT BEFORE", "NOT AFTER", "KEY", "SUBJECT", "ISSUER", "SANS", "PLACE"],
        ["结论", "剩余天数", "生效时间", "有效期至", "密钥", "主题", "颁发者", "SAN", "位置"]
    );
    let head = head.map(str::to_owned).to_vec();
    let row = |row: &Row| {
        let sans = if row.sans.is_empty() { "-".to_owned() } else { row.sans.join(",") };
        vec![
            row.verdict.word().to_owned(),
            row.days_left.to_string(),
            present::moment(row.not_before),
            present::moment(row.not_after),
            row.key.clone(),
            row.subject.clone(),
            row.issuer.clone(),
            sans,
            row.place.clone(),
        ]
    };
    present::table(&std::iter::once(head).chain(rows.iter().map(row)).collect::<Vec<_>>())
}

/// Who signed what, as far as it can be seen here.
fn chains(rows: &[Row]) -> String {
    let line = |row: &Row| {
        let signers: Vec<&str> = row.signed_by.iter().map(String::as_str).collect();
        match signers.as_slice() {
            [] => text!("{}: signed by none of these\n", "{}：不是由以上任何证书签发\n"; row.place),
            [only] if *only == row.place => text!("{}: signed by itself\n", "{}：自签名\n"; row.place),
            several => text!("{}: signed by {}\n", "{}：由 {} 签发\n"; row.place, several.join(", ")),
        }
    };
    rows.iter().map(line).collect()
}
