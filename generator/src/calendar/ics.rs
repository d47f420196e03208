//! The ends as a calendar (RFC 5545): one event each, with reminders 90, 30 and 7 days before.
//!
//! An event is known by its certificate, so a calendar that takes the file once more changes what it has and doubles nothing.

use bundle_format::text;
use time::{OffsetDateTime, UtcOffset};

use super::{Entry, State};

/// How a calendar begins; a file that begins otherwise is none of ours.
pub const BEGIN: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//reseal//calendar//EN\r\n";
/// Days before an end at which there is a reminder.
const REMINDERS: [u32; 3] = [90, 30, 7];
/// The longest line, in bytes without its end (RFC 5545, 3.1).
const MOST_LINE: usize = 75;

/// The calendar, as it is known at `now`.
#[must_use]
pub fn write(entries: &[Entry], now: OffsetDateTime) -> String {
    let mut text = BEGIN.to_owned();
    fold(&mut text, "CALSCALE:GREGORIAN");
    for entry in entries {
        event(&mut text, entry, now);
    }
    fold(&mut text, "END:VCALENDAR");
    text
}

fn event(text: &mut String, entry: &Entry, now: OffsetDateTime) {
    let summary = summary(entry);
    fold(text, "BEGIN:VEVENT");
    fold(text, &format!("UID:{}@reseal", entry.fingerprint));
    fold(text, &format!("DTSTAMP:{}", moment(now)));
    fold(text, &format!("DTSTART:{}", moment(entry.not_after)));
    fold(text, &format!("SUMMARY:{}", escaped(&summary)));
    fold(text, &format!("DESCRIPTION:{}", escaped(&description(entry))));
    fold(text, "TRANSP:TRANSPARENT");
    for days in REMINDERS {
        fold(text, "BEGIN:VALARM");
        fold(text, "ACTION:DISPLAY");
        fold(text, &format!("DESCRIPTION:{}", escaped(&summary)));
        fold(text, &format!("TRIGGER:-P{days}D"));
        fold(text, "END:VALARM");
    }
    fold(text, "END:VEVENT");
}

fn summary(entry: &Entry) -> String {
    let (kind, subject) = (entry.kind.word(), &entry.subject);
    match &entry.site {
        Some(site) => text!("{site}: {kind} `{subject}` ends", "{site}：{kind} `{subject}` 到期"),
        None => text!("{kind} `{subject}` ends", "{kind} `{subject}` 到期"),
    }
}

fn description(entry: &Entry) -> String {
    let mut lines = vec![
        text!("issuer: {}", "颁发者：{}"; entry.issuer),
        text!("serial: {}", "序列号：{}"; entry.serial),
        format!("SHA-256: {}", entry.fingerprint),
    ];
    if !entry.nodes.is_empty() {
        let nodes = entry.nodes.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        lines.push(text!("nodes: {nodes}", "节点：{nodes}"));
    }
    lines.extend(outlook(entry));
    lines.join("\n")
}

/// What is to come of a certificate, in a sentence; nothing where that is nothing.
#[must_use]
pub fn outlook(entry: &Entry) -> Option<String> {
    let bundle = entry.bundle.as_deref().unwrap_or_default();
    match entry.state {
        State::Built => Some(text!("comes with the bundle {bundle}; not yet seen on a node", "由证书包 {bundle} 带来；尚未在节点上看到")),
        State::InPlace => None,
        State::RenewalBuilt => {
            Some(text!("the bundle {bundle} renews it; not yet seen everywhere", "证书包 {bundle} 将续签它；尚未在所有节点上看到"))
        }
    }
}

/// A time in UTC: form 2 of RFC 5545, 3.3.5.
fn moment(time: OffsetDateTime) -> String {
    let utc = time.to_offset(UtcOffset::UTC);
    let (hour, minute, second) = utc.to_hms();
    format!("{:04}{:02}{:02}T{hour:02}{minute:02}{second:02}Z", utc.year(), u8::from(utc.month()), utc.day())
}

/// A value of type TEXT (RFC 5545, 3.3.11).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}

/// Adds a content line: folded so that no line has more than 75 bytes, never within a character.
fn fold(text: &mut String, line: &str) {
    let mut room = MOST_LINE;
    for c in line.chars() {
        if c.len_utf8() > room {
            text.push_str("\r\n ");
            room = MOST_LINE - 1;
        }
        text.push(c);
        room -= c.len_utf8();
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn folded_lines_unfold_to_what_they_were(line in "[^\r\n]{0,400}") {
            let mut text = String::new();
            fold(&mut text, &line);
            prop_assert!(text.split("\r\n").all(|line| line.len() <= MOST_LINE));
            prop_assert_eq!(text.replace("\r\n ", ""), format!("{line}\r\n"));
        }

        #[test]
        fn escaped_text_is_one_line_and_reads_back(text in "[^\r\t\u{0}-\u{9}\u{b}-\u{1f}\u{7f}-\u{9f}]{0,100}") {
            let escaped = escaped(&text);
            prop_assert!(!escaped.contains('\n'));
            let mut read = String::new();
            let mut chars = escaped.chars();
            while let Some(c) = chars.next() {
                read.push(match c { '\\' => match chars.next().unwrap() { 'n' => '\n', c => c }, c => c });
            }
            prop_assert_eq!(read, text);
        }
    }
}
