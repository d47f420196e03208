//! The command line of both programs, in both languages: help of every command, and what is said of mistakes. Snapshots;
//! `INSTA_UPDATE=always cargo test -p end-to-end --test help` rewrites them.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use std::path::PathBuf;

use console::COLUMNS;
use end_to_end::programs::{reseal, reseal_node, run};

const LANGUAGES: [&str; 2] = ["en", "zh-CN"];

/// Every command of both programs: the program, and the words that lead to the command.
fn commands() -> Vec<(PathBuf, Vec<String>)> {
    let mut found = Vec::new();
    for (program, command) in [(reseal(), reseal::cli::command()), (reseal_node(), reseal_node::cli::command())] {
        let mut left = vec![(command, Vec::new())];
        while let Some((command, path)) = left.pop() {
            let inner = command.get_subcommands().map(|inner| (inner.clone(), [&path[..], &[inner.get_name().to_owned()]].concat()));
            left.extend(inner);
            found.push((program.clone(), path));
        }
    }
    found
}

#[test]
fn help_of_every_command() {
    let folder = tempfile::tempdir().unwrap();
    for (program, path) in commands() {
        for language in LANGUAGES {
            let arguments: Vec<&str> = path.iter().map(String::as_str).chain(["--help", "--lang", language]).collect();
            let text = run(&program, &arguments, folder.path()).expect_code(0).stdout;
            let name = program.file_name().unwrap().to_str().unwrap();
            let name = [name].into_iter().chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join("-");
            for line in text.lines() {
                assert!(console::width(line) <= COLUMNS, "{name}: `{line}` is wider than a serial console");
            }
            insta::assert_snapshot!(format!("{name}.{language}"), text);
        }
    }
}

#[test]
fn help_is_found_by_every_way() {
    let folder = tempfile::tempdir().unwrap();
    let text = |arguments: &[&str]| run(reseal(), arguments, folder.path()).expect_code(0).stdout;
    let long = text(&["site", "init", "--help"]);
    assert_eq!(text(&["site", "init", "-h"]), long);
    assert_eq!(text(&["help", "site", "init"]), long);
    let nothing = run(reseal(), &[""; 0], folder.path()).expect_code(2);
    assert!(nothing.stdout.is_empty());
    assert_eq!(nothing.stderr, text(&["--help"]));
    assert!(text(&["build", "--help", "--ascii"]).is_ascii());
}

#[test]
fn what_is_said_of_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let mistakes: [&[&str]; 14] = [
        &["aply"],
        &["apply", "--sginer", "SHA256:x"],
        &["apply", "--root"],
        &["apply", "one.tar.gz", "two.tar.gz"],
        &["plan", "--db-port", "99999"],
        &["plan", "--db-port", "many"],
        &["plan", "--db-host", "manager"],
        &["plan", "--node", "no node"],
        &["plan", "--passphrase-file", "a", "--passphrase-fd", "3"],
        &["plan", "--node", "a", "--node", "b"],
        &["signers", "add"],
        &["status", "-q", "-v"],
        &["status", "--color", "sometimes"],
        &["status", "--lang", "fr"],
    ];
    for language in LANGUAGES {
        let mut text = String::new();
        for mistake in mistakes {
            // The language that is asked for first counts.
            let arguments = [&["--lang", language], mistake].concat();
            let arguments = if mistake.contains(&"--lang") { mistake.to_vec() } else { arguments };
            let said = run(reseal_node(), &arguments, folder.path()).expect_code(2);
            assert!(said.stdout.is_empty());
            let said = said.stderr.replace(reseal_node().to_str().unwrap(), "reseal-node");
            text += &["$ reseal-node ", &mistake.join(" "), "\n", &said, "\n"].concat();
        }
        insta::assert_snapshot!(format!("mistakes.{language}"), text);
    }
}

#[test]
fn the_locale_chooses_the_language() {
    let folder = tempfile::tempdir().unwrap();
    let first = |locale: &str, arguments: &str| {
        let script = format!("LC_ALL={locale} TERM=xterm '{}' --help {arguments} | head -n 1", reseal_node().display());
        end_to_end::programs::sh(&script, folder.path())
    };
    let (english, chinese) = (first("C", ""), first("zh_CN.UTF-8", ""));
    assert!(english.is_ascii() && !chinese.is_ascii(), "{english}{chinese}");
    assert_eq!(first("zh_CN.UTF-8", "--lang en"), english);
    assert_eq!(first("zh_CN.UTF-8", "--lang=en"), english);
    assert_eq!(first("zh_CN.UTF-8", "--ascii"), english);
    assert_eq!(first("zh_CN.GBK", ""), english);
    assert_eq!(first("C", "--lang zh-CN --ascii"), chinese);
}
