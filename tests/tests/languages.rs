//! Every text for people is said in both languages: a scan of the sources finds texts that are said in one, and holds the Chinese of each
//! pair to its English.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, Group, Literal, TokenStream, TokenTree};

/// Where texts for people are.
const SOURCES: [&str; 4] = ["bundle-format/src", "console/src", "executor/src", "generator/src"];

/// How many texts are still said in English alone, by folder. A number may only fall.
const LEFT: [(&str, usize); 4] = [("bundle-format/src", 0), ("console/src", 0), ("executor/src", 0), ("generator/src", 0)];

/// A literal that reads like prose and is not for people: where, its beginning, and what reads it.
const NOT_FOR_PEOPLE: [(&str, &str, &str); 27] = [
    ("bundle-format/src/certificate/signature.rs", "a curve without", "a kind of key, which facts and `--json` have"),
    ("bundle-format/src/sealing/place.rs", "reseal secret v1", "the first line of a secret"),
    ("bundle-format/src/sums.rs", "# reseal bundle", "the first line of a list"),
    ("console/src/mistake.rs", " is not in ", "compared with what clap says"),
    ("executor/src/cli/backups.rs", "backups prune", "a command to type"),
    ("executor/src/cli/signers.rs", "signers ", "a command to type"),
    ("executor/src/containers/mod.rs", "no", "compared with what runtimes say"),
    ("executor/src/containers/mod.rs", "the process table", "the name of a runtime, which documents have too"),
    ("executor/src/etcd/sight.rs", "", "compared with the names of alerts"),
    ("executor/src/inventory/certificates.rs", "", "facts of a node, which are data"),
    ("executor/src/inventory/cluster.rs", "", "facts of a node, which are data"),
    ("executor/src/inventory/database.rs", "", "facts of a node, which are data"),
    ("executor/src/inventory/mod.rs", "", "facts of a node, which are data"),
    ("executor/src/machine/database/change.rs", "", "SQL"),
    ("executor/src/machine/database/client.rs", "", "SQL"),
    ("executor/src/machine/database/copy.rs", "", "SQL"),
    ("executor/src/machine/database/look.rs", "", "SQL"),
    ("executor/src/machine/database/statement.rs", "", "SQL"),
    ("executor/src/machine/database/survey.rs", "", "SQL"),
    ("executor/src/present/explain/refusals.rs", "docker ps", "commands to type"),
    ("executor/src/run/mod.rs", "the operator", "a record of the journal, which is data"),
    ("executor/src/run/restore_text.rs", "rm -f", "a command to type"),
    ("generator/src/calendar/prometheus.rs", "# HELP", "read by Prometheus"),
    ("generator/src/cli/mod.rs", "  reseal keygen", "commands to type"),
    ("generator/src/cli/site.rs", "  reseal site init", "commands to type"),
    ("generator/src/profile/tos/mod.rs", "etcd, flannel", "names of roles"),
    ("generator/src/sql.rs", "", "SQL"),
];

/// What a source says.
#[derive(Default)]
struct Said {
    /// Texts in both languages: English, Chinese.
    pairs: Vec<(String, String)>,
    /// Literals outside such pairs that read like prose.
    alone: Vec<String>,
}

#[test]
fn texts_are_said_in_both_languages() {
    let mut wrong = Vec::new();
    for (folder, most) in LEFT {
        let mut alone = Vec::new();
        for path in sources(folder) {
            let name = path.strip_prefix(workspace()).unwrap().display().to_string();
            let is_known = |text: &str| NOT_FOR_PEOPLE.iter().any(|(place, start, _)| name.ends_with(place) && text.starts_with(start));
            alone.extend(said(&path).alone.into_iter().filter(|text| !is_known(text)).map(|text| format!("{name}: {text}")));
        }
        if alone.len() > most {
            wrong.push(format!("{folder}: {} texts are said in English alone, at most {most} may be:\n{}", alone.len(), alone.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_exception_is_still_there() {
    for (place, start, _) in NOT_FOR_PEOPLE {
        let is_there = SOURCES
            .iter()
            .flat_map(|folder| sources(folder))
            .any(|path| path.display().to_string().ends_with(place) && said(&path).alone.iter().any(|text| text.starts_with(start)));
        assert!(is_there, "{place} no longer has `{start}`: take it off the list");
    }
}

#[test]
fn chinese_says_what_english_says() {
    let mut wrong = Vec::new();
    for path in SOURCES.iter().flat_map(|folder| sources(folder)) {
        for (english, chinese) in said(&path).pairs {
            for fault in faults(&english, &chinese) {
                wrong.push(format!("{}: {fault}\n  {english}\n  {chinese}", path.strip_prefix(workspace()).unwrap().display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} texts:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn faults_are_found() {
    for (english, chinese, expected) in [
        ("`{name}` is missing", "缺少 `{name}`", ""),
        ("{name} is missing", "缺少", "placeholders"),
        ("give `--out`", "请指定 --out", "backquoted words"),
        ("two, three", "两个,三个", "half-width punctuation"),
        ("it fails", "it fails", "no Chinese"),
        ("step {} of {}", "共 {1} 步，第 {0} 步", ""),
        ("{count} row{ending}", "{count} 行", ""),
        ("run `a`", "执行`a`", "no space beside backquotes"),
    ] {
        assert_eq!(faults(english, chinese).join(", "), expected, "{chinese}");
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![workspace().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") && path.file_name().is_some_and(|name| name != "tests.rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn said(path: &Path) -> Said {
    let mut said = Said::default();
    let tokens: TokenStream = fs::read_to_string(path).unwrap().parse().unwrap();
    collect(tokens, &mut said);
    said
}

/// Walks tokens; what follows `#[cfg(test)]`, documentation and reasons are for developers.
fn collect(tokens: TokenStream, said: &mut Said) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut position = 0;
    while let Some(token) = tokens.get(position) {
        match token {
            TokenTree::Ident(name) if name == "text" || name == "word" => {
                if let [TokenTree::Punct(mark), TokenTree::Group(arguments)] = &tokens[position + 1..(position + 3).min(tokens.len())]
                    && mark.as_char() == '!'
                {
                    said.pairs.extend(pair(arguments));
                    position += 2;
                }
            }
            TokenTree::Punct(mark) if mark.as_char() == '#' => {
                let inner = tokens.get(position + 1).filter(|token| matches!(token, TokenTree::Punct(mark) if mark.as_char() == '!'));
                position += usize::from(inner.is_some());
                if let Some(TokenTree::Group(attribute)) = tokens.get(position + 1) {
                    let text = attribute.stream().to_string();
                    if text.starts_with("cfg (test") || text.starts_with("cfg(test") || text.starts_with("test") {
                        while tokens.get(position).is_some_and(|token| !is_end_of_item(token)) {
                            position += 1;
                        }
                    } else if ["doc", "expect", "allow", "must_use", "deprecated"].iter().any(|word| text.starts_with(word)) {
                        position += 1;
                    }
                }
            }
            TokenTree::Group(group) => collect(group.stream(), said),
            TokenTree::Literal(literal) => said.alone.extend(string(literal).filter(|text| is_prose(text))),
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
        position += 1;
    }
}

fn is_end_of_item(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(mark) => mark.as_char() == ';',
        _ => false,
    }
}

fn pair(arguments: &Group) -> Option<(String, String)> {
    let mut literals = arguments.stream().into_iter().filter_map(|token| match token {
        TokenTree::Literal(literal) => string(&literal),
        _ => None,
    });
    Some((literals.next()?, literals.next()?))
}

fn string(literal: &Literal) -> Option<String> {
    let text = literal.to_string();
    let text = text.strip_prefix('r').map_or(text.as_str(), |raw| raw.trim_matches('#'));
    Some(text.strip_prefix('"')?.strip_suffix('"')?.to_owned())
}

/// Whether words follow one another, outside backquotes and placeholders.
fn is_prose(text: &str) -> bool {
    let bare = without(&without(text, '`', '`'), '{', '}');
    let is_word = |word: &str| word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase() || "';:,.".contains(c));
    let words: Vec<bool> = bare.split([' ', '\n']).map(is_word).collect();
    words.windows(2).any(|pair| pair[0] && pair[1])
}

fn without(text: &str, open: char, close: char) -> String {
    let mut rest = text;
    let mut left = String::new();
    while let Some((before, after)) = rest.split_once(open) {
        left.push_str(before);
        left.push('_');
        rest = after.split_once(close).map_or("", |(_, after)| after);
    }
    left + rest
}

/// What stands between two signs, with placeholders by position all alike: Chinese may take them in another order.
fn between(text: &str, open: char, close: char) -> BTreeSet<String> {
    let text = (0..10).fold(text.to_owned(), |text, position| text.replace(&format!("{{{position}}}"), "{}"));
    let mut rest = text.as_str();
    let mut found = BTreeSet::new();
    while let Some((_, after)) = rest.split_once(open) {
        let Some((inner, after)) = after.split_once(close) else { break };
        found.insert(inner.to_owned());
        rest = after;
    }
    found
}

/// The values of placeholders that only English grammar needs.
const ENGLISH_ALONE: [&str; 2] = ["ending", "verb"];

/// What is wrong with the Chinese of a text.
fn faults(english: &str, chinese: &str) -> Vec<&'static str> {
    let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    let mut faults = Vec::new();
    if is_prose(english) && !chinese.chars().any(is_chinese) {
        faults.push("no Chinese");
    }
    let (mut named, said) = (between(english, '{', '}'), between(chinese, '{', '}'));
    named.retain(|name| !ENGLISH_ALONE.contains(&name.as_str()) || said.contains(name));
    if named != said && !said.contains("chinese") {
        faults.push("placeholders");
    }
    if between(english, '`', '`') != between(chinese, '`', '`') {
        faults.push("backquoted words");
    }
    let bare = without(chinese, '`', '`');
    let signs: Vec<char> = bare.chars().collect();
    if signs.windows(2).any(|pair| is_chinese(pair[0]) && ",;:!?()".contains(pair[1]) || ",;()".contains(pair[0]) && is_chinese(pair[1])) {
        faults.push("half-width punctuation");
    }
    let signs: Vec<char> = chinese.chars().collect();
    if signs.windows(2).any(|pair| is_chinese(pair[0]) && pair[1] == '`' || pair[0] == '`' && is_chinese(pair[1])) {
        faults.push("no space beside backquotes");
    }
    faults
}
