//! The commands of the guides in `docs/`: read from the pages, and run as they stand there.
//!
//! A block of commands says where it is typed: ```` ```sh on=workstation ````, or the names of nodes. A command that ends in `# exit code N`
//! is expected to end so, any other with 0.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use crate::programs::{Ran, reseal, run};

/// The bundle's name in every guide.
pub const BUNDLE: &str = "jiujiu-20260131080000";

/// A block of commands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Block {
    /// Where it is typed.
    pub places: Vec<String>,
    /// Its lines.
    pub lines: Vec<String>,
}

impl Block {
    /// Whether it is typed on the workstation.
    #[must_use]
    pub fn is_for_the_workstation(&self) -> bool {
        self.places == ["workstation"]
    }

    /// As a shell script that stops at the first command which does not end as it should.
    #[must_use]
    pub fn script(&self, replace: &[(&str, &str)]) -> String {
        let mut script = String::from("set -eu\n");
        for line in &self.lines {
            let line = replace.iter().fold(line.clone(), |line, (from, to)| line.replace(from, to));
            match line.split_once(" # exit code ") {
                Some((command, code)) => {
                    let _ = writeln!(script, "status=0; {command} || status=$?; [ $status = {code} ] || exit 99");
                }
                None => script.push_str(&(line + "\n")),
            }
        }
        script
    }
}

/// A page below `docs/`, without its end `.md`.
#[must_use]
pub fn path(page: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(format!("{page}.md"))
}

/// The blocks of commands of a page, in order.
///
/// # Panics
/// When the page cannot be read, or a block of commands does not say where it is typed.
#[must_use]
pub fn blocks(page: &str) -> Vec<Block> {
    let text = fs::read_to_string(path(page)).expect("the page is there");
    let mut lines = text.lines();
    let mut blocks = Vec::new();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```").filter(|language| language.starts_with("sh")) else { continue };
        let places =
            language.strip_prefix("sh on=").unwrap_or_else(|| panic!("{page}: a block of commands does not say where it is typed"));
        let lines = lines.by_ref().take_while(|line| *line != "```").map(str::to_owned).collect();
        blocks.push(Block { places: places.split(',').map(str::to_owned).collect(), lines });
    }
    blocks
}

/// Runs a block on the workstation, where both programs are installed.
#[must_use]
pub fn on_workstation(block: &Block, folder: &Path, replace: &[(&str, &str)]) -> Ran {
    let programs = reseal().parent().expect("programs are in a folder").display().to_string();
    let mut all = vec![("/usr/libexec/reseal/linux-x86_64", programs.as_str())];
    all.extend(replace);
    let script = format!("PATH='{programs}':$PATH\nexport RESEAL_LEDGER='{}/ledger'\n{}", folder.display(), block.script(&all));
    run("sh", &["-c", &script], folder)
}
