//! The ends as Prometheus' text format: one gauge, for the textfile collector of a node exporter or any server that hands out the file.

use std::fmt::Write as _;

use super::Entry;

/// How the text begins; a file that begins otherwise is none of ours.
pub const BEGIN: &str = "# HELP reseal_certificate_not_after_timestamp_seconds When a certificate ends, in seconds since 1970-01-01 UTC.\n\
                         # TYPE reseal_certificate_not_after_timestamp_seconds gauge\n";

/// The text.
#[must_use]
pub fn write(entries: &[Entry]) -> String {
    let mut text = BEGIN.to_owned();
    for entry in entries {
        let site = entry.site.as_ref().map_or("", |site| site.as_str());
        let _ = writeln!(
            text,
            "reseal_certificate_not_after_timestamp_seconds{{site=\"{site}\",kind=\"{}\",subject=\"{}\",fingerprint=\"{}\",state=\"{}\"}} {}",
            entry.kind.code(),
            escaped(&entry.subject),
            entry.fingerprint,
            entry.state.code(),
            entry.not_after.unix_timestamp()
        );
    }
    text
}

/// The value of a label.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
