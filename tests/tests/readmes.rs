//! The readme in Chinese keeps step with the one in English: the same sections, commands, tables, links and numbers.
#![allow(clippy::unwrap_used, reason = "test code fails by panicking")]

use std::{fs, path::Path};

#[test]
fn both_have_the_same_parts() {
    let [english, chinese] = ["README.md", "README.zh-CN.md"].map(Readme::of);
    assert_eq!(chinese.headings, english.headings, "levels of headings");
    assert_eq!(chinese.commands, english.commands);
    assert_eq!(chinese.rows, english.rows, "commands in tables");
    assert_eq!(chinese.items, english.items, "items of lists");
    assert_eq!(chinese.links, english.links);
}

/// What must be the same whatever the language.
struct Readme {
    /// The level of each heading.
    headings: Vec<usize>,
    /// The lines within code blocks, without their comments.
    commands: Vec<String>,
    /// What stands in backquotes in each row of a table.
    rows: Vec<Vec<String>>,
    /// How many items lists have.
    items: usize,
    /// Where links lead, whatever the language there, but for the one to the other language.
    links: Vec<String>,
}

impl Readme {
    fn of(name: &str) -> Self {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)).unwrap();
        let mut readme = Self { headings: Vec::new(), commands: Vec::new(), rows: Vec::new(), items: 0, links: Vec::new() };
        let mut is_code = false;
        for line in text.lines() {
            if line.starts_with("```") {
                is_code = !is_code;
            } else if is_code {
                readme.commands.push(line.split(" # ").next().unwrap().split_whitespace().collect::<Vec<_>>().join(" "));
            } else if line.starts_with('#') {
                readme.headings.push(line.bytes().take_while(|byte| *byte == b'#').count());
            } else if line.starts_with('|') {
                readme.rows.push(line.split('`').skip(1).step_by(2).map(str::to_owned).collect());
            } else if line.starts_with("- ") {
                readme.items += 1;
            }
            let links = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            readme.links.extend(links.filter(|link| !link.starts_with("README")).map(|link| link.replace(".zh-CN.md", ".md")));
        }
        readme.links.sort();
        readme
    }
}
