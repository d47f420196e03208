//! `reseal report` as its readers meet it: of real bundles, with receipts in the form that nodes write. What a browser makes of the page is
//! in `report_browser.rs`.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use std::fs;

use bundle_format::receipt::{Deviation, Receipt};
use end_to_end::{
    programs::Ran,
    receipts::{Carried, overridden, text},
    workshop::Workshop,
};
use serde_json::Value;
use time::macros::datetime;

/// A workstation, a bundle for three masters, and what comes back.
struct Desk {
    workshop: Workshop,
    carried: Carried,
}

const NODES: [&str; 3] = ["tos1", "tos2", "tos3"];

impl Desk {
    fn new() -> Self {
        let workshop = Workshop::expired();
        let _ = workshop.build(&["--serial", "7", "--created", "2026-01-30T08:00:00Z"]).expect_code(0);
        let carried = Carried::of(workshop.path(), "site", 7, datetime!(2026-01-31 01:02:03 UTC));
        Self { workshop, carried }
    }

    fn receipts(&self) -> Vec<Receipt> {
        (1..).zip(NODES).map(|(turn, node)| self.carried.applied(node, turn, 3)).collect()
    }

    fn write(&self, file: &str, content: &str) {
        fs::write(self.workshop.path().join(file), content).unwrap();
    }

    fn report(&self, arguments: &[&str]) -> Ran {
        self.workshop.reseal(&[&["report", "--now", "2026-02-01T00:00:00Z"], arguments].concat())
    }

    fn json(&self, files: &[&str]) -> Value {
        let ran = self.report(&[files, &["--format", "json"]].concat()).expect_code(0);
        serde_json::from_str(&ran.stdout).unwrap()
    }

    /// What the report finds, without what is said of every report, as code and nodes.
    fn found(&self, files: &[&str]) -> (String, Vec<(String, String)>) {
        let report = self.json(files);
        let findings = report["findings"].as_array().unwrap().iter().filter(|finding| finding["severity"] != "note");
        let names = |finding: &Value| {
            finding["nodes"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
        };
        let found = findings.map(|finding| (finding["code"].as_str().unwrap().to_owned(), names(finding))).collect();
        (report["verdict"].as_str().unwrap().to_owned(), found)
    }
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(code, nodes)| ((*code).to_owned(), (*nodes).to_owned())).collect()
}

#[test]
fn a_site_that_went_well_is_complete() {
    let desk = Desk::new();
    desk.write("receipts.json", &text(&desk.receipts()));
    assert_eq!(desk.found(&["site-7.tar.gz", "receipts.json"]), ("complete".to_owned(), vec![]));
    let report = desk.json(&["site-7.tar.gz", "receipts.json", "--signer", "signer.key.pub"]);
    assert_eq!(report["nodes"].as_array().unwrap().iter().filter(|node| node["state"] == "renewed").count(), 3, "what waited has come");
    assert_eq!(report["period"]["from"], "2026-01-31T01:02:03Z");
    assert_eq!(report["certificates"][0]["kind"], "ca");
    assert_eq!(report["certificates"][0]["former"]["not_after"], "2023-03-10T10:30:00Z");
    assert_eq!(report["certificates"][1]["nodes"], 3);
    assert_eq!(report["quorum"].as_array().unwrap().len(), 6);
    assert_eq!(report["files"][0]["bundle"]["is_trusted"], true);

    let said = desk.report(&["site-7.tar.gz", "receipts.json"]).expect_code(0).stdout;
    assert!(said.contains("all nodes are renewed: 3 of 3 nodes"), "{said}");
    assert!(said.contains("compared with nothing"), "{said}");
}

#[test]
fn the_page_is_one_file_that_asks_for_nothing_and_is_the_same_again() {
    let desk = Desk::new();
    desk.write("receipts.json", &text(&desk.receipts()));
    let _ = desk.report(&["site-7.tar.gz", "receipts.json", "--out", "a.html"]).expect_code(0);
    let _ = desk.report(&["site-7.tar.gz", "receipts.json", "--out", "b.html"]).expect_code(0);
    let page = fs::read_to_string(desk.workshop.path().join("a.html")).unwrap();
    assert_eq!(page, fs::read_to_string(desk.workshop.path().join("b.html")).unwrap());
    for forbidden in ["<script", "http:", "https:", "src=", "url(", "@import", " style=", " onclick"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(page.contains("default-src 'none'; style-src 'sha256-"));
    for said in [
        "<main lang=\"en\"",
        "<main lang=\"zh-CN\"",
        "Certificate renewal report: site",
        "证书续签报告：site",
        "法定票数",
        "None: everything went as planned.",
    ] {
        assert!(page.contains(said), "{said}");
    }
    let refused = desk.report(&["site-7.tar.gz", "--out", "a.html"]).expect_code(1);
    assert!(refused.stderr.contains("`a.html` exists and is never overwritten"), "{}", refused.stderr);
}

#[test]
fn what_went_otherwise_stands_first() {
    let desk = Desk::new();
    let failed = desk.carried.failed("tos1", 1, 3, "tos-etcd did not come back within 300 s");
    let back = desk.carried.rolled_back(&failed);
    let second = overridden(desk.carried.applied("tos2", 2, 3), Deviation::StaleAccepted);
    desk.write("receipts.json", &text(&[failed.clone(), back.clone(), second]));
    let files = ["site-7.tar.gz", "receipts.json"];
    let (verdict, found) = desk.found(&files);
    assert_eq!(verdict, "failed");
    let _ = desk.report(&[&files[..], &["--out", "failed.html"]].concat()).expect_code(0);
    assert!(!fs::read_to_string(desk.workshop.path().join("failed.html")).unwrap().contains("went as planned"));
    assert_eq!(found, pairs(&[("rolled-back", "tos1"), ("no-receipt", "tos3"), ("stale-accepted", "tos2")]));

    desk.write("receipts.json", &text(std::slice::from_ref(&back)));
    assert!(desk.found(&files).1.contains(&("receipts-missing".to_owned(), "tos1".to_owned())));
    let other = desk.carried.applied("tos1", 1, 3);
    desk.write("receipts.json", &text(&[other, back]));
    assert!(desk.found(&files).1.contains(&("chain-broken".to_owned(), "tos1".to_owned())));
    let altered = text(&desk.receipts()).replacen("\"exit\": 7", "\"exit\": 0", 1);
    desk.write("receipts.json", &altered);
    let (verdict, found) = desk.found(&files);
    assert_eq!(verdict, "incomplete");
    assert_eq!(found, pairs(&[("unread", ""), ("no-receipt", "tos1")]));
}

#[test]
fn what_is_not_shown_is_not_claimed() {
    let desk = Desk::new();
    let (verdict, found) = desk.found(&["site-7.tar.gz"]);
    assert_eq!((verdict.as_str(), found), ("not-begun", pairs(&[("no-receipt", "tos1 tos2 tos3")])));
    desk.write("receipts.json", &text(&desk.receipts()[..1]));
    let (verdict, found) = desk.found(&["receipts.json"]);
    assert_eq!((verdict.as_str(), found), ("incomplete", pairs(&[("waiting", "tos1"), ("no-bundle", "")])));

    let mut early = desk.receipts();
    early[2].run.begun = datetime!(2020-01-01 0:00 UTC);
    early[1].is_whole = false;
    early[0].run.last_record = datetime!(2027-01-01 0:00 UTC);
    early[0].clock_went_back = 60;
    desk.write("receipts.json", &text(&early));
    let (verdict, found) = desk.found(&["site-7.tar.gz", "receipts.json"]);
    let expected = [("clock-ahead", "tos1"), ("clock-went-back", "tos1"), ("tree-only", "tos2"), ("clock-behind", "tos3")];
    assert_eq!((verdict.as_str(), found), ("complete-with-deviations", pairs(&expected)));

    let _ = desk.workshop.build(&["--serial", "8", "--node", "tos1=10.0.0.11:etcd"]).expect_code(0);
    let (_, found) = desk.found(&["site-8.tar.gz", "receipts.json"]);
    assert!(found.contains(&("bundle-not-here".to_owned(), "tos1 tos2 tos3".to_owned())), "{found:?}");
}

#[test]
fn lines_that_were_typed_stand_for_receipts() {
    let desk = Desk::new();
    let all = text(&desk.receipts());
    let documents = bundle_format::receipt::read_all(all.as_bytes()).unwrap();
    let lines = |at: usize| bundle_format::receipt::short::Short::of(documents[at].as_ref().unwrap()).write().unwrap();
    desk.write("receipts.json", &text(&desk.receipts()[..2]));
    desk.write("typed.txt", &format!("tos3, by phone:\n{}", lines(2).to_lowercase()));
    let (verdict, found) = desk.found(&["site-7.tar.gz", "receipts.json", "typed.txt"]);
    assert_eq!((verdict.as_str(), found), ("complete-with-deviations", pairs(&[("short-only", "tos3")])));
    desk.write("typed-2.txt", &lines(1));
    let (_, found) = desk.found(&["site-7.tar.gz", "receipts.json", "typed.txt", "typed-2.txt"]);
    assert_eq!(found, pairs(&[("short-only", "tos3")]), "the whole receipt tells more");

    let mut wrong = lines(2);
    let last = wrong.rfind(|c: char| c.is_ascii_alphanumeric()).unwrap();
    wrong.replace_range(last..=last, if wrong.as_bytes()[last] == b'0' { "1" } else { "0" });
    desk.write("wrong.txt", &wrong);
    let refused = desk.report(&["wrong.txt"]).expect_code(1);
    assert!(refused.stderr.contains("`wrong.txt`") && refused.stderr.contains("hint: compare these lines"), "{}", refused.stderr);
}

#[test]
fn hostile_words_stay_words() {
    let desk = Desk::new();
    let hostile = "</main><script>alert(1)</script><img src=x onerror=alert(2)>\"'&";
    let mut receipts = desk.receipts();
    receipts[0] = desk.carried.failed("tos1", 1, 3, hostile);
    receipts[1].made_by = "\" onload=\"alert(3)".to_owned();
    receipts[2].steps[0].rows = vec!["<b>row</b>".to_owned()];
    let named = "<svg onload=alert(4)>.json";
    desk.write(named, &text(&receipts));
    let _ = desk.report(&["site-7.tar.gz", named, "--out", "a.html"]).expect_code(0);
    let page = fs::read_to_string(desk.workshop.path().join("a.html")).unwrap();
    for markup in ["<script", "<img", "<b>row", "<svg onload", "\" onload"] {
        assert!(!page.contains(markup), "{markup}");
    }
    assert!(page.contains("script") && page.contains("alert(4)"), "they are shown");
    assert_eq!(page.matches("<main").count(), page.matches("</main>").count());
}

#[test]
fn files_of_other_kinds_and_sites_are_refused() {
    let desk = Desk::new();
    desk.write("receipts.json", &text(&desk.receipts()));
    desk.write("notes.txt", "nothing");
    let strange = desk.report(&["site-7.tar.gz", "notes.txt"]).expect_code(1);
    assert!(strange.stderr.contains("`notes.txt` is no bundle"), "{}", strange.stderr);
    let other = "build --name other --edition tdh --tos-version tos-2.1 --ca etcd-ca.pem --ca-key etcd-ca-key.pem --leaf etcd.pem --serial 9 \
                 --signer signer.key --unsealed --node tos1=10.0.0.11:etcd";
    let _ = desk.workshop.reseal(&other.split_whitespace().collect::<Vec<_>>()).expect_code(0);
    let mixed = desk.report(&["other-9.tar.gz", "receipts.json"]).expect_code(1);
    assert!(mixed.stderr.contains("sites other and site"), "{}", mixed.stderr);
    let _ = desk.workshop.reseal(&["keygen", "--out", "other.key", "--no-passphrase"]).expect_code(0);
    let stranger = desk.report(&["site-7.tar.gz", "--signer", "other.key.pub"]).expect_code(3);
    assert!(stranger.stderr.contains("site-7.tar.gz"), "{}", stranger.stderr);
}
