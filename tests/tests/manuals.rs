//! Manual pages and completions of both programs: what reads them finds no fault.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use end_to_end::programs::{reseal, run, sh};

fn written(folder: &Path) -> PathBuf {
    let _ = run(env!("CARGO_BIN_EXE_manuals"), &["all"], folder).expect_code(0);
    folder.join("all")
}

#[test]
fn manuals_are_read_by_man() {
    let folder = tempfile::tempdir().unwrap();
    let all = written(folder.path());
    for (place, word) in [("man/man1", "NAME"), ("man/zh_CN/man1", "名称")] {
        let pages: Vec<PathBuf> = fs::read_dir(all.join(place)).unwrap().map(|entry| entry.unwrap().path()).collect();
        for program in ["reseal", "reseal-build", "reseal-site-init", "reseal-node", "reseal-node-apply", "reseal-node-backups-prune"] {
            assert!(pages.contains(&all.join(place).join(format!("{program}.1"))), "{program}: {pages:?}");
        }
        for page in pages {
            let shown =
                run("sh", &["-euc", "MANWIDTH=80 man --warnings=w -E UTF-8 -P cat -l \"$1\"", "sh", page.to_str().unwrap()], folder.path());
            assert!(shown.code == 0 && shown.stderr.is_empty() && shown.stdout.contains(word), "{}: {shown:?}", page.display());
        }
    }
}

#[test]
fn completions_are_read_by_their_shells() {
    let folder = tempfile::tempdir().unwrap();
    let all = written(folder.path());
    let _ = sh("for script in bash/*; do bash -n $script; done", &all);
    for shell in ["fish", "zsh"] {
        let _ = sh(&format!("! command -v {shell} >/dev/null || for script in {shell}/*; do {shell} -n $script; done"), &all);
    }
    let words = "source bash/reseal-node; COMP_WORDS=(reseal-node apply --pause) COMP_CWORD=2; _reseal__node reseal-node --pause apply; echo ${COMPREPLY[@]}";
    assert_eq!(run("bash", &["-c", words], &all).expect_code(0).stdout, "--pause-before-restart\n");
}

#[test]
fn the_generator_gives_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let all = written(folder.path());
    let completions = run(reseal(), &["completions", "bash"], folder.path()).expect_code(0).stdout;
    assert_eq!(completions, fs::read_to_string(all.join("bash/reseal")).unwrap());
    let page = run(reseal(), &["man"], folder.path()).expect_code(0).stdout;
    assert_eq!(page, fs::read_to_string(all.join("man/man1/reseal.1")).unwrap());
    let _ = run(reseal(), &["man", "--lang", "zh-CN", "--out", "."], folder.path()).expect_code(0);
    let build = "reseal-build.1";
    assert_eq!(fs::read(folder.path().join(build)).unwrap(), fs::read(all.join("man/zh_CN/man1").join(build)).unwrap());
    let _ = run(reseal(), &["man", "--out", "."], folder.path()).expect_code(1);
}
