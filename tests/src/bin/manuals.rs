//! Writes manual pages and completions of both programs to a folder that is made for them: `manuals DIR`. `DIR/man/man1/*.1` and
//! `DIR/man/zh_CN/man1/*.1`, `DIR/bash/*`, `DIR/fish/*.fish`, `DIR/zsh/_*`.
//!
//! `reseal man` and `reseal completions` give their own; `reseal-node` stays small, so that what it would print is made here.

use std::{env, error::Error, fs, path::Path};

use bundle_format::language::Language;
use reseal::manual::{Shell, completions, pages};

fn main() -> Result<(), Box<dyn Error>> {
    let dir = env::args_os().nth(1).ok_or("usage: manuals DIR")?;
    write_all(Path::new(&dir))
}

fn write_all(dir: &Path) -> Result<(), Box<dyn Error>> {
    for (language, folder) in [(Language::Chinese, "man/zh_CN/man1"), (Language::English, "man/man1")] {
        language.speak();
        for command in [reseal::cli::command(), reseal_node::cli::command()] {
            for page in pages(command)? {
                write(&dir.join(folder), &page.name, &page.content)?;
            }
        }
    }
    for command in [reseal::cli::command(), reseal_node::cli::command()] {
        let name = command.get_name().to_owned();
        for (shell, file) in
            [(Shell::Bash, format!("bash/{name}")), (Shell::Fish, format!("fish/{name}.fish")), (Shell::Zsh, format!("zsh/_{name}"))]
        {
            write(dir, &file, &completions(command.clone(), shell))?;
        }
    }
    Ok(())
}

fn write(dir: &Path, name: &str, content: &[u8]) -> Result<(), Box<dyn Error>> {
    let path = dir.join(name);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&path, content).map_err(|error| format!("`{}`: {error}", path.display()).into())
}
