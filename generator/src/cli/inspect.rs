//! `reseal inspect`: certificates and their dates.

use std::path::PathBuf;

use time::OffsetDateTime;

use super::{DONE, ENDING, Outcome};
use crate::{
    inspect::{self, Row, Verdict},
    present::{self, Output},
};

/// Days before its end from which a certificate counts as expiring.
const EXPIRING: u32 = 90;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// PEM or DER files, folders, or bundles
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Exit with code 10 when a certificate ends within so many days
    #[arg(long, value_name = "DAYS")]
    within: Option<u32>,
}

impl Args {
    pub fn run(&self, output: Output) -> Outcome {
        let mut found = Vec::new();
        for path in &self.paths {
            found.extend(inspect::find(path)?);
        }
        let rows = inspect::describe(&found, OffsetDateTime::now_utc(), self.within.unwrap_or(EXPIRING).into());
        let text = if output.json { serde_json::to_string_pretty(&rows)? } else { format!("{}\n{}", table(&rows), chains(&rows)) };
        output.data(&text);
        let ending = |row: &Row| matches!(row.verdict, Verdict::Expired | Verdict::Expiring);
        Ok(if self.within.is_some() && rows.iter().any(ending) { ENDING } else { DONE })
    }
}

fn table(rows: &[Row]) -> String {
    let head = ["VERDICT", "DAYS LEFT", "NOT BEFORE", "NOT AFTER", "KEY", "SUBJECT", "ISSUER", "SANS", "PLACE"].map(str::to_owned).to_vec();
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
            [] => format!("{}: signed by none of these\n", row.place),
            [only] if *only == row.place => format!("{}: signed by itself\n", row.place),
            several => format!("{}: signed by {}\n", row.place, several.join(", ")),
        }
    };
    rows.iter().map(line).collect()
}
