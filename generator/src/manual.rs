//! Manual pages and completions of a shell, made of the same definition as a program's help. Pure: gives what is to be written.

use std::io;

use bundle_format::text;
use clap::Command;
pub use clap_complete::Shell;
use clap_mangen::Man;

/// A manual page.
#[derive(Debug)]
pub struct Page {
    /// The name of its file, such as `reseal-build.1`.
    pub name: String,
    /// It, for `man`.
    pub content: Vec<u8>,
}

/// The script that completes a program's commands and options in a shell.
#[must_use]
pub fn completions(mut command: Command, shell: Shell) -> Vec<u8> {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, &name, &mut script);
    // The maker of scripts for bash takes a program's name with a hyphen for that of a command in one place, and not in the other.
    String::from_utf8_lossy(&script).replace(&name.replace('-', "__subcmd__"), &name.replace('-', "__")).into_bytes()
}

/// The manual of a program and of each of its commands, in the language that is spoken; the program's own comes first.
///
/// # Errors
/// When a page cannot be made, which would be a mistake of the definition.
pub fn pages(mut command: Command) -> io::Result<Vec<Page>> {
    command.build();
    let mut pages = Vec::new();
    let mut left = vec![command];
    while let Some(command) = left.pop() {
        left.extend(command.get_subcommands().filter(|inner| !inner.is_hide_set()).cloned());
        pages.push(page(command)?);
    }
    Ok(pages)
}

fn page(command: Command) -> io::Result<Page> {
    // Pages of commands that stand alone know no version otherwise.
    let page = Man::new(command.version(env!("CARGO_PKG_VERSION"))).source(concat!("reseal ", env!("CARGO_PKG_VERSION"))).manual("reseal");
    let mut roff = Vec::new();
    page.render(&mut roff)?;
    let roff = String::from_utf8_lossy(&roff);
    let content = roff.lines().map(|line| translated(line) + "\n").collect::<String>().into_bytes();
    Ok(Page { name: page.get_filename(), content })
}

/// A line with the words that the maker of manuals knows in English alone.
fn translated(line: &str) -> String {
    match line {
        ".SH NAME" => text!(".SH NAME", ".SH 名称"),
        ".SH SYNOPSIS" => text!(".SH SYNOPSIS", ".SH 概要"),
        ".SH DESCRIPTION" => text!(".SH DESCRIPTION", ".SH 描述"),
        ".SH OPTIONS" => text!(".SH OPTIONS", ".SH 选项"),
        ".SH SUBCOMMANDS" => text!(".SH COMMANDS", ".SH 命令"),
        ".SH EXTRA" => text!(".SH NOTES", ".SH 说明"),
        ".SH VERSION" => text!(".SH VERSION", ".SH 版本"),
        // Lines of Chinese cannot be stretched to both margins, and commands are not to be.
        line if line.starts_with(".TH ") => format!("{line}\n.ad l"),
        line => {
            line.replace("Possible values:", &text!("Possible values:", "可选值：")).replace("[default: ", &text!("[default: ", "[默认："))
        }
    }
}
