//! How results look on a terminal. The only place that prints.

use std::io::{self, IsTerminal as _, Write as _};

use clap::ValueEnum;
use time::OffsetDateTime;
use unicode_width::UnicodeWidthStr as _;

/// When output is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Says that the program itself is at fault, and nothing of what it had in hand, for that may be a secret.
pub fn say_fault(place: &str) {
    print_error(&format!(
        "error: reseal itself is at fault, at {place}; its message is kept back, since it may hold a secret\n\
         hint: nothing was left half-written; report the place, and what was typed without its secrets"
    ));
}

/// Where a command's words and data go: words to standard error, data to standard output.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of the command line")]
pub struct Output {
    color: bool,
    quiet: bool,
    /// Data is one JSON document instead of text.
    pub json: bool,
    /// More detail.
    pub verbose: bool,
}

impl Output {
    /// From the global flags.
    #[must_use]
    pub fn new(color: Color, quiet: bool, json: bool, verbose: bool) -> Self {
        let color = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        };
        Self { color, quiet, json, verbose }
    }

    /// Words for people; nothing with `--quiet`.
    pub fn say(self, text: &str) {
        if !self.quiet {
            print_error(text);
        }
    }

    /// A warning, which `--quiet` does not silence.
    pub fn warn(self, text: &str) {
        print_error(&format!("{} {text}", self.paint("33;1", "warning:")));
    }

    /// An error, and the command to type next.
    pub fn fail(self, message: &str, hint: Option<&str>) {
        print_error(&format!("{} {message}", self.paint("31;1", "error:")));
        if let Some(hint) = hint {
            print_error(&format!("{} {hint}", self.paint("36;1", "hint:")));
        }
    }

    /// Words and a secret that is shown this once, which `--quiet` does not silence. On standard error, so that no file or pipe takes
    /// it along with the data.
    pub fn once(self, text: &str, secret: &str) {
        print_error(&format!("{text}\n"));
        let _ = writeln!(io::stderr().lock(), "    {}\n", self.paint("1", secret));
    }

    /// A result. A reader that went away is no error.
    pub fn data(self, text: &str) {
        let mut out = io::stdout().lock();
        let _ = out
            .write_all(text.as_bytes())
            .and_then(|()| if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") })
            .and_then(|()| out.flush());
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn print_error(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Columns, as wide as their widest cell on a terminal; two spaces between them, none after the last.
#[must_use]
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width())));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// A time as people read it: to the minute, in UTC.
#[must_use]
pub fn moment(time: OffsetDateTime) -> String {
    let time = time.to_offset(time::UtcOffset::UTC);
    format!("{:04}-{:02}-{:02} {:02}:{:02}", time.year(), u8::from(time.month()), time.day(), time.hour(), time.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        let rows = [vec!["名".to_owned(), "x".to_owned()], vec!["abc".to_owned(), String::new()]];
        assert_eq!(table(&rows), "名   x\nabc\n");
    }
}
