//! The report in a real Chromium: no console message, light, dark, narrow, and on A4. `RESEAL_SHOTS=DIR` keeps the pictures, to be looked
//! at. `tests/all --only browser` runs it.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use bundle_format::receipt::Deviation;
use end_to_end::{
    programs::sh,
    receipts::{Carried, overridden, text},
    workshop::Workshop,
};
use time::macros::datetime;

const CHROMIUM: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A report, and where its pictures go.
struct Page {
    workshop: Workshop,
    name: String,
}

impl Page {
    /// Of a site of `nodes` nodes, the first `masters` of which are members of etcd and the last the Manager.
    fn new(name: &str, nodes: u32, masters: u32, failing: bool) -> Self {
        let workshop = Workshop::expired();
        let names: Vec<String> = (1..=nodes).map(|number| format!("tos{number}")).collect();
        let roles = |number: u32| match number {
            number if number <= masters => "etcd+flannel",
            number if number == nodes => "manager",
            _ => "flannel",
        };
        let node = |(number, name): (u32, &String)| {
            format!("{name}=10.{}.{}.{}:{}", 1 + number / 62_500, number / 250, number % 250, roles(number))
        };
        let flags: Vec<String> = (1..).zip(&names).flat_map(|node_| ["--node".to_owned(), node(node_)]).collect();
        let sans = names.iter().flat_map(|name| ["--san".to_owned(), name.clone()]);
        let arguments: Vec<String> =
            ["--serial", "7", "--created", "2026-01-30T08:00:00Z"].map(str::to_owned).into_iter().chain(flags).chain(sans).collect();
        let _ = workshop.build(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).expect_code(0);
        let carried = Carried::of(workshop.path(), "site", 7, datetime!(2026-01-31 01:02:03 UTC));
        let mut receipts: Vec<_> = (1..).zip(&names).map(|(turn, name)| carried.applied(name, turn, masters)).collect();
        if failing {
            receipts[0] = overridden(receipts[0].clone(), Deviation::StaleAccepted);
            let failed = carried.failed(
                &names[1],
                2,
                masters,
                "tos-etcd did not come back within 300 s: the member answers with another certificate",
            );
            receipts[1] = carried.rolled_back(&failed);
            receipts.push(failed);
            receipts.remove(2);
        }
        if nodes > 100 {
            let _ = receipts.drain(250..255);
            receipts[300] = overridden(receipts[300].clone(), Deviation::OutageAccepted);
        }
        fs::write(workshop.path().join("receipts.json"), text(&receipts)).unwrap();
        let arguments = ["report", "site-7.tar.gz", "receipts.json", "--now", "2026-02-10T00:00:00Z", "--signer", "signer.key.pub"];
        let _ = workshop.reseal(&[&arguments[..], &["--out", "report.html"]].concat()).expect_code(0);
        let page = fs::read_to_string(workshop.path().join("report.html")).unwrap();
        // As if its reader had clicked on the other language.
        let other =
            page.replace(r#"id="switch-en" checked"#, r#"id="switch-en""#).replace(r#"id="switch-zh""#, r#"id="switch-zh" checked"#);
        assert_ne!(page, other);
        fs::write(workshop.path().join("report.zh.html"), other).unwrap();
        Self { workshop, name: name.to_owned() }
    }

    /// Opens a file of the report with further flags; what is written goes into the folder of pictures. Nothing may be said on the console.
    fn open(&self, file: &str, flags: &[String]) {
        let profile = tempfile::tempdir().unwrap();
        let mut chromium = Command::new("chromium");
        chromium.args(CHROMIUM).args(["--enable-logging=stderr", "--hide-scrollbars"]).args(flags);
        chromium.arg(format!("--user-data-dir={}", profile.path().display()));
        let said = chromium.arg(format!("file://{}", self.workshop.path().join(file).display())).output().unwrap();
        let text = String::from_utf8_lossy(&said.stderr);
        assert!(said.status.success(), "{text}");
        assert!(!text.contains("CONSOLE"), "{text}");
    }

    fn shoot(&self, file: &str, kind: &str, width: u32, height: u32, is_dark: bool) -> PathBuf {
        let path = self.shots().join(format!("{}-{kind}.png", self.name));
        let scheme = u8::from(!is_dark);
        self.open(
            file,
            &[
                format!("--screenshot={}", path.display()),
                format!("--window-size={width},{height}"),
                format!("--blink-settings=preferredColorScheme={scheme}"),
            ],
        );
        assert!(fs::metadata(&path).unwrap().len() > 10_000, "{}", path.display());
        path
    }

    /// How many pages of A4 it is.
    fn print(&self, file: &str, kind: &str) -> u32 {
        let path = self.shots().join(format!("{}-{kind}.pdf", self.name));
        self.open(file, &[format!("--print-to-pdf={}", path.display()), "--no-pdf-header-footer".to_owned()]);
        let told = sh(&format!("pdfinfo '{}'", path.display()), Path::new("/"));
        let line = |name: &str| told.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        assert!(line("Page size:").contains("A4"), "{told}");
        line("Pages:").parse().unwrap()
    }

    fn shots(&self) -> PathBuf {
        std::env::var_os("RESEAL_SHOTS").map_or_else(|| self.workshop.path().to_owned(), PathBuf::from)
    }

    /// A picture of each kind, and the pages.
    fn look(&self, height: u32) -> u32 {
        let light = self.shoot("report.html", "light", 1100, height, false);
        let dark = self.shoot("report.html", "dark", 1100, height, true);
        assert_ne!(fs::read(light).unwrap(), fs::read(dark).unwrap(), "dark is dark");
        let _ = self.shoot("report.zh.html", "narrow-zh", 390, height * 2, false);
        let _ = self.print("report.zh.html", "zh");
        self.print("report.html", "en")
    }
}

#[test]
fn three_nodes() {
    let pages = Page::new("3", 3, 3, false).look(2600);
    assert!((2..=4).contains(&pages), "{pages} pages");
}

#[test]
fn three_nodes_that_failed() {
    let pages = Page::new("failed", 3, 3, true).look(3000);
    assert!((2..=5).contains(&pages), "{pages} pages");
}

#[test]
fn fifty_nodes() {
    let pages = Page::new("50", 50, 5, false).look(5200);
    assert!((4..=9).contains(&pages), "{pages} pages");
}

#[test]
fn five_hundred_nodes() {
    let page = Page::new("500", 500, 7, false);
    let size = fs::metadata(page.workshop.path().join("report.html")).unwrap().len();
    assert!(size < 4 << 20, "{size} bytes");
    let pages = page.look(7000);
    assert!((14..=40).contains(&pages), "{pages} pages");
}
