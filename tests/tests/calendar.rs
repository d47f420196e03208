//! The ledger and what `reseal calendar` makes of it, from real certificates: read by strict readers of both formats, and by `promtool`
//! and Python's `icalendar` where they are there.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use std::{collections::BTreeSet, fs, process::Command};

use end_to_end::{
    programs::{Ran, sh},
    workshop::{Dates, Workshop},
};
use serde_json::Value;

/// A workshop whose programs keep a ledger.
struct Desk(Workshop);

impl Desk {
    fn new(dates: &Dates) -> Self {
        Self(Workshop::new(dates, "DNS:tos1,DNS:tos2,DNS:tos3,IP:10.0.0.11,IP:10.0.0.12,IP:10.0.0.13,IP:127.0.0.1"))
    }

    fn reseal(&self, arguments: &[&str]) -> Ran {
        self.0.reseal(&[arguments, &["--ledger", "state/ledger"]].concat()).expect_code(0)
    }

    fn entries(&self) -> Vec<Value> {
        serde_json::from_str(&self.reseal(&["calendar", "--json"]).stdout).unwrap()
    }

    fn states(&self) -> Vec<(String, String)> {
        let text = |entry: &Value, field: &str| entry[field].as_str().unwrap().to_owned();
        self.entries().iter().map(|entry| (text(entry, "kind"), text(entry, "state"))).collect()
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.path().join(file)).unwrap()
    }
}

fn states(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(kind, state)| ((*kind).to_owned(), (*state).to_owned())).collect()
}

#[test]
fn an_end_is_known_until_the_renewal_was_seen() {
    let desk = Desk::new(&Dates::ending_in_days(60));
    assert!(desk.reseal(&["calendar"]).stderr.contains("nothing is in the ledger"));
    let _ = desk.reseal(&["inspect", "etcd-ca.pem", "etcd.pem"]);
    let _ = desk.reseal(&["inspect", "etcd-ca.pem"]);
    assert_eq!(desk.read("state/ledger").lines().count(), 2, "each once");
    let mut seen = desk.states();
    seen.sort();
    assert_eq!(seen, states(&[("ca", "in-place"), ("leaf", "in-place")]));

    let _ = desk.0.build(&["--serial", "7", "--leaf-days", "3650", "--ledger", "state/ledger"]).expect_code(0);
    let _ = desk.reseal(&["inspect", "site-7.tar.gz"]);
    let mut seen = desk.states();
    seen.sort();
    assert_eq!(seen, states(&[("ca", "built"), ("ca", "renewal-built"), ("leaf", "built"), ("leaf", "renewal-built")]));
    let table = desk.reseal(&["calendar"]).stdout;
    assert_eq!(table.matches("the bundle site-7 renews it").count(), 2, "{table}");
    let ending = table.lines().filter(|line| line.split_whitespace().collect::<Vec<_>>().get(2..4) == Some(&["59", "site"]));
    assert_eq!(ending.count(), 2, "{table}");

    let _ = sh("tar -xzf site-7.tar.gz site-7/certs", desk.0.path());
    let _ = desk.reseal(&["inspect", "site-7/certs"]);
    assert_eq!(desk.states(), states(&[("leaf", "in-place"), ("ca", "in-place")]));
    assert!(desk.entries().iter().all(|entry| entry["site"] == "site"));

    let secrets = sh("openssl rsa -in etcd-ca-key.pem -outform DER | base64 -w 0", desk.0.path());
    assert!(!desk.read("state/ledger").contains(&secrets[100..140]));
    assert_eq!(sh("stat -c %a state/ledger state", desk.0.path()), "600\n700\n");
}

#[test]
fn a_ledger_that_cannot_be_written_is_a_warning() {
    let desk = Desk::new(&Dates::shipped());
    fs::create_dir(desk.0.path().join("state")).unwrap();
    fs::create_dir(desk.0.path().join("state/ledger")).unwrap();
    let ran = desk.reseal(&["inspect", "etcd.pem"]);
    assert!(ran.stderr.contains("warning: the ledger `state/ledger`"), "{}", ran.stderr);
    let failed = desk.0.reseal(&["calendar", "--ledger", "state/ledger"]).expect_code(1);
    assert!(failed.stderr.contains("hint: give --ledger FILE"), "{}", failed.stderr);
}

#[test]
fn the_calendar_is_what_readers_of_calendars_read() {
    let desk = Desk::new(&Dates::shipped());
    let _ = desk.reseal(&["inspect", "etcd-ca.pem", "etcd.pem"]);
    let _ = desk.0.build(&["--serial", "7", "--ledger", "state/ledger"]).expect_code(0);
    let now = ["calendar", "--now", "2026-01-31T08:00:00Z", "--out", "site.ics"];
    let _ = desk.reseal(&now);
    let first = desk.read("site.ics");
    let _ = desk.reseal(&now);
    assert_eq!(desk.read("site.ics"), first, "the same again, over its former self");
    let chinese = desk.0.path().join("zh.ics");

    assert!(first.lines().all(|line| line.len() <= 75), "folded");
    assert!(first.ends_with("END:VCALENDAR\r\n") && first.matches('\n').count() == first.matches("\r\n").count());
    let unfolded = first.replace("\r\n ", "");
    let mut open = Vec::new();
    let mut uids = BTreeSet::new();
    for line in unfolded.lines() {
        let (name, value) = line.split_once(':').unwrap();
        match name {
            "BEGIN" => open.push(value),
            "END" => assert_eq!(open.pop(), Some(value)),
            "UID" => assert!(uids.insert(value), "each once"),
            "DTSTAMP" => assert_eq!(value, "20260131T080000Z"),
            "DTSTART" => assert!(value == "20230310T103000Z" || value.starts_with("21"), "{value}"),
            "TRIGGER" => assert!(["-P90D", "-P30D", "-P7D"].contains(&value) && open.last() == Some(&"VALARM")),
            _ => assert!(["VERSION", "PRODID", "CALSCALE", "SUMMARY", "DESCRIPTION", "TRANSP", "ACTION"].contains(&name), "{line}"),
        }
    }
    assert_eq!((open.len(), uids.len(), unfolded.matches("BEGIN:VALARM").count()), (0, 4, 12));
    assert!(unfolded.contains("SUMMARY:site: CA `CN=etcd-ca\\, O=transwarp` ends"), "{unfolded}");
    if Command::new("python3").args(["-c", "import icalendar"]).output().is_ok_and(|output| output.status.success()) {
        let script = "python3 -c 'import icalendar; print(len(icalendar.Calendar.from_ical(open(\"site.ics\").read()).walk(\"VALARM\")))'";
        assert_eq!(sh(script, desk.0.path()), "12\n");
    }

    fs::write(&chinese, "something else").unwrap();
    let refused = desk.0.reseal(&["calendar", "--ledger", "state/ledger", "--out", "zh.ics"]).expect_code(1);
    assert!(refused.stderr.contains("`zh.ics` exists and is never overwritten"), "{}", refused.stderr);
    assert_eq!(fs::read(&chinese).unwrap(), b"something else");
}

#[test]
fn prometheus_gets_one_sample_for_each_end() {
    let desk = Desk::new(&Dates::shipped());
    let _ = desk.reseal(&["inspect", "etcd-ca.pem", "etcd.pem"]);
    let text = desk.reseal(&["calendar", "--prometheus"]).stdout;
    let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(samples.len(), 2, "{text}");
    for sample in samples {
        let (labels, value) = sample.rsplit_once("} ").unwrap();
        assert_eq!(value, "1678444200");
        assert!(labels.starts_with("reseal_certificate_not_after_timestamp_seconds{site=\"\",kind=\""), "{sample}");
        assert!(labels.contains("subject=\"CN="), "{sample}");
    }
    let _ = desk.reseal(&["calendar", "--prometheus", "--out", "reseal.prom"]);
    assert_eq!(desk.read("reseal.prom"), text);
    if Command::new("promtool").arg("--version").output().is_ok() {
        let _ = sh("promtool check metrics <reseal.prom", desk.0.path());
    }
}
