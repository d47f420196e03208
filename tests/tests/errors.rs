//! `docs/ERRORS.md` lists each code of the executor, in both languages, as its table has them; and each code can happen.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use bundle_format::{language::Language, text, word};
use reseal_node::code::Code;

/// What regenerates the page.
const UPDATE: &str = "UPDATE_DOCS=1 cargo test -p end-to-end --test errors";

/// Held by whoever speaks: the language is the whole process's.
static SPEAKING: Mutex<()> = Mutex::new(());

fn page() -> String {
    let mut page = String::from("# Errors · 错误代码\n\n");
    for language in Language::ALL {
        language.speak();
        page += &text!(
            "What `reseal-node` says begins with a code, `RS-` and three digits. The first digit is the exit code. A code means the same in every \
             version, and in both languages; `--json` has it as `code`, beside `kind`. The lines that begin with `hint:` name the next command for \
             this node; what stands here is more general.\n\n",
            "`reseal-node` 的报错以代码开头：`RS-` 加三位数字，首位即退出码。代码的含义在各版本和两种语言中都相同；`--json` 中为 `code`，旁边是 `kind`。\
             以 `提示：` 开头的行给出本节点上的下一条命令；本页的说明更为一般。\n\n"
        );
    }
    let mut last = 0;
    for code in Code::ALL {
        let exit = code.exit() as u8;
        if exit != last {
            let _ = writeln!(page, "## RS-{exit}xx · {}\n", both(|| heading(exit).to_owned()).join(" · "));
            last = exit;
        }
        let _ = writeln!(page, "### {code} · {}\n\n`{}`\n", both(|| code.title().to_owned()).join(" · "), code.kind());
        for line in both(|| text!("{} **What to do:** {}", "{}**处理：**{}"; code.meaning(), code.advice())) {
            let _ = writeln!(page, "{line}\n");
        }
    }
    Language::English.speak();
    let _ = writeln!(page, "{}", format_args!("<!-- made from executor/src/code/table.rs: {UPDATE} -->"));
    page
}

fn both(text: impl Fn() -> String) -> Vec<String> {
    Language::ALL
        .into_iter()
        .map(|language| {
            language.speak();
            text()
        })
        .collect()
}

fn heading(exit: u8) -> &'static str {
    match exit {
        1 => word!("failed, nothing was changed", "失败，没有任何改动"),
        2 => word!("the command line makes no sense", "命令行有误"),
        3 => word!("the bundle is rejected", "证书包不予接受"),
        4 => word!("refused before the first change", "在首次改动之前拒绝执行"),
        5 => word!("failed, everything was put back", "失败，已全部回滚"),
        _ => word!("failed, a person is needed", "失败，需要人工处理"),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

#[test]
fn the_page_is_as_the_table_has_it() {
    let _speaking = SPEAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let path = root().join("docs/ERRORS.md");
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    assert!(fs::read_to_string(&path).unwrap_or_default() == page, "docs/ERRORS.md is stale: {UPDATE}");
}

/// All of a folder's sources.
fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_code_can_happen() {
    let mut source = String::new();
    sources(&root().join("executor/src"), &mut source);
    let is_made = |code: &&Code| {
        let name = format!("Code::{code:?}");
        source.match_indices(&name).any(|(at, _)| !source[at + name.len()..].starts_with(|c: char| c.is_alphanumeric()))
    };
    let idle: Vec<&Code> = Code::ALL.iter().filter(|code| !is_made(code)).collect();
    assert!(idle.is_empty(), "no place says {idle:?}");
}

#[test]
fn every_code_is_explained_in_both_languages() {
    let _speaking = SPEAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let has_chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    for code in Code::ALL {
        let texts = |code: Code| [code.title(), code.meaning(), code.advice()];
        Language::English.speak();
        assert!(texts(*code).iter().all(|text| !text.is_empty() && !has_chinese(text)), "{code}");
        Language::Chinese.speak();
        assert!(texts(*code).iter().all(|text| has_chinese(text)), "{code}");
    }
}

#[test]
fn no_code_is_without_a_snapshot_of_its_words() {
    let folders = [root().join("executor/src/present/explain/snapshots"), root().join("tests/tests/snapshots")];
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    let all: String = files.map(|path| fs::read_to_string(path).unwrap()).collect();
    let without: Vec<String> = Code::ALL.iter().map(Code::to_string).filter(|code| !all.contains(&format!("{code} "))).collect();
    assert_eq!(without, Vec::<String>::new());
}
