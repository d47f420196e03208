//! `docs/THREATS.md` says what stops whom. Each of its lines names tests that are there, and run.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use std::{fs, path::Path};

/// The columns of a table about stops.
const COLUMNS: &str = "| tries | is stopped by | test |";

/// Why a `file: function` names no test that runs by default; none where it does.
fn fault(root: &Path, name: &str) -> Option<String> {
    let Some((file, function)) = name.split_once(": ") else { return Some("it is not `file: function`".to_owned()) };
    let Ok(source) = fs::read_to_string(root.join(file)) else { return Some("there is no such file".to_owned()) };
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let begins =
        |line: &&str| line.strip_prefix("fn ").and_then(|rest| rest.strip_prefix(function)).is_some_and(|rest| rest.starts_with('('));
    let Some(at) = lines.iter().position(begins) else { return Some(format!("there is no `fn {function}` in it")) };
    let attributes: Vec<&&str> = lines[..at].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("//")).collect();
    match (attributes.contains(&&"#[test]"), attributes.iter().any(|line| line.starts_with("#[ignore"))) {
        (true, false) => None,
        (true, true) => Some("it is ignored".to_owned()),
        (false, _) => Some("it is no test".to_owned()),
    }
}

/// What is wrong with a document of this form, line by line.
fn faults(root: &Path, document: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let rows = document.lines().filter(|line| line.starts_with('|') && *line != COLUMNS && !line.starts_with("| ---"));
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, _, tests] = cells[..] else {
            faults.push(format!("{row}: it has {} columns", cells.len()));
            continue;
        };
        for name in tests.split(", ") {
            let bare = name.strip_prefix('`').and_then(|name| name.strip_suffix('`')).unwrap_or_default();
            faults.extend(fault(root, bare).map(|why| format!("{name}: {why}")));
        }
    }
    faults
}

#[test]
fn each_stop_names_tests_that_run() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let document = fs::read_to_string(root.join("docs/THREATS.md")).unwrap();
    assert!(faults(root, &document).is_empty(), "{:#?}", faults(root, &document));
    for section in document.split("\n## ").skip(1) {
        assert!(section.contains(COLUMNS) && section.contains("\nNot stopped:"), "{section}");
    }

    // And this looks: what is not there, not a test, or not run, is found.
    for (tests, why) in [
        ("", "it is not `file: function`"),
        ("`tests/tests/threats.rs`", "it is not `file: function`"),
        ("`tests/tests/gone.rs: each_stop_names_tests_that_run`", "there is no such file"),
        ("`tests/tests/threats.rs: each_stop`", "there is no `fn each_stop` in it"),
        ("`tests/tests/threats.rs: faults`", "it is no test"),
        ("`tests/hostile/flips.rs: a_million_flips`", "it is ignored"),
    ] {
        let found = faults(root, &format!("{COLUMNS}\n| --- | --- | --- |\n| to | that | {tests} |"));
        assert!(found.len() == 1 && found[0].ends_with(why), "{tests}: {found:?}");
    }
    assert_eq!(faults(root, "| to | that |").len(), 1);
}
