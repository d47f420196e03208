//! The guides: each page in both languages says the same commands, links lead somewhere, and what needs no site is run.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use std::{collections::BTreeSet, fs};

use end_to_end::{
    guide::{BUNDLE, Block, blocks, on_workstation, path},
    workshop::Workshop,
};

/// The situations of the operator's guide.
const SITUATIONS: [&str; 5] = ["dead-node", "expired", "first-visit", "nothing-leaves", "went-wrong"];

fn without_comments(blocks: Vec<Block>) -> Vec<Block> {
    let strip = |line: String| line.split_once(" # ").map_or(line.clone(), |(command, _)| command.to_owned());
    blocks.into_iter().map(|block| Block { lines: block.lines.into_iter().map(strip).collect(), ..block }).collect()
}

#[test]
fn both_languages_give_the_same_commands() {
    for page in SITUATIONS {
        let english = without_comments(blocks(&format!("operator/{page}")));
        let chinese = without_comments(blocks(&format!("operator/{page}.zh-CN")));
        assert!(!english.is_empty(), "{page}");
        assert_eq!(english, chinese, "{page}");
    }
}

#[test]
fn every_situation_is_in_the_index_and_every_link_leads_somewhere() {
    let pages: BTreeSet<String> = fs::read_dir(path("operator/README").parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap().trim_end_matches(".md").to_owned())
        .collect();
    let expected: BTreeSet<String> =
        SITUATIONS.iter().chain(&["README"]).flat_map(|page| [(*page).to_owned(), format!("{page}.zh-CN")]).collect();
    assert_eq!(pages, expected, "pages of the operator's guide");
    for page in pages.iter().map(|page| format!("operator/{page}")).chain(["RECOVERY".to_owned(), "PROFILES".to_owned()]) {
        let file = path(&page);
        let text = fs::read_to_string(&file).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            assert!(file.parent().unwrap().join(link).exists(), "{page}: {link}");
        }
    }
    for language in ["README", "README.zh-CN"] {
        let index = fs::read_to_string(path(&format!("operator/{language}"))).unwrap();
        for page in SITUATIONS {
            let file = if language == "README" { format!("({page}.md)") } else { format!("({page}.zh-CN.md)") };
            assert!(index.contains(&file), "{language}: {file}");
        }
    }
}

#[test]
fn the_commands_of_the_guide_for_profiles_run() {
    let workshop = Workshop::expired();
    let _ = workshop.node("tos1", false);
    write_site(&workshop);
    let fingerprint = workshop.fingerprint();
    let replace =
        [("SHA256:…", fingerprint.as_str()), ("reseal build ", "reseal build --serial 20260131080000 "), ("apply ", "apply --yes ")];
    for block in blocks("PROFILES") {
        let ran = on_workstation(&block, workshop.path(), &replace).expect_code(0);
        assert!(!(ran.stdout.is_empty() && ran.stderr.is_empty()));
    }
    assert!(workshop.path().join(format!("{BUNDLE}.tar.gz")).is_file());
}

/// The site file that `site init` makes of this material, with the nodes that it cannot know.
fn write_site(workshop: &Workshop) {
    let made = workshop.reseal(&["site", "init", "--ca", "etcd-ca.pem", "--leaf", "etcd.pem"]).expect_code(0).stdout;
    let (head, _) = made.split_once("[[node]]").unwrap();
    let node = "[[node]]\nname = \"tos1\"\nhost-names = [\"tos1\"]\naddresses = [\"10.0.0.11\"]\nroles = [\"etcd\"]\n";
    let site = head.replace("\"my-site\"", "\"jiujiu\"") + node;
    fs::write(workshop.path().join("site.toml"), site).unwrap();
}
