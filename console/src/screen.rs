//! Words out: text for people on standard error, data on standard output.
//!
//! Text from outside is escaped here, once, so that nothing can steer a terminal; colour is added after that. A closed pipe is no
//! error: what nobody reads need not be written.

use std::io::{self, Write as _};

use bundle_format::word;
use serde::Serialize;

use crate::{COLUMNS, Flags, ascii::ascii, cut, padded};

/// Where the text of a line begins that begins with a word.
const LABEL: usize = 10;

/// How a word stands out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tone {
    /// Something is wrong.
    Bad,
    /// A heading.
    Bold,
    /// Something is done.
    Good,
    /// As all text.
    Plain,
    /// Something to look at.
    Warn,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Self::Bad => "\x1b[1;31m",
            Self::Bold => "\x1b[1m",
            Self::Good => "\x1b[1;32m",
            Self::Plain => "",
            Self::Warn => "\x1b[1;33m",
        }
    }
}

/// Where words and data go.
#[derive(Clone, Copy, Debug, Default)]
pub struct Screen {
    flags: Flags,
    is_colored: bool,
}

impl Screen {
    /// A screen for these flags.
    #[must_use]
    pub fn new(flags: Flags) -> Self {
        Self { flags, is_colored: flags.wants_color() }
    }

    /// Whether programs read the data.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.flags.json
    }

    /// Whether people want to know no more than they must.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.flags.quiet
    }

    /// Whether people want to know more.
    #[must_use]
    pub fn is_verbose(&self) -> bool {
        self.flags.verbose
    }

    /// A line for people.
    pub fn say(&self, text: &str) {
        self.toned(Tone::Plain, "", text);
    }

    /// A line for people who want to know more.
    pub fn detail(&self, text: &str) {
        if self.flags.verbose {
            self.say(text);
        }
    }

    /// A line for people that begins with words that stand out.
    pub fn toned(&self, tone: Tone, head: &str, text: &str) {
        if !self.flags.quiet {
            self.write(tone, head, text);
        }
    }

    /// A line for people that begins with a word, which may stand out, in a column of its own.
    pub fn row(&self, tone: Tone, label: &str, text: &str) {
        let space = &padded(&format!("{label} "), LABEL)[label.len()..];
        self.toned(tone, label, &format!("{space}{text}"));
    }

    /// A line that is drawn over the last one that was: cut to the narrowest terminal, and out of its last column, where some break it.
    pub fn draw(&self, text: &str) {
        let shown = self.shown(&escaped(text));
        let mut out = io::stderr().lock();
        let _ = write!(out, "\r{}", padded(cut(&shown, COLUMNS - 2), COLUMNS - 1)).and_then(|()| out.flush());
    }

    /// Takes away what was drawn.
    pub fn undraw(&self) {
        self.draw("");
        let _ = write!(io::stderr().lock(), "\r");
    }

    /// A document of its own line among the words, for programs that follow what is done.
    pub fn event(&self, document: &impl Serialize) {
        if let Ok(document) = serde_json::to_string(document) {
            let _ = writeln!(io::stderr().lock(), "{document}");
        }
    }

    /// A warning, which is shown to those too who want quiet.
    pub fn warn(&self, text: &str) {
        self.labelled(Tone::Warn, word!("warning: ", "警告："), text);
    }

    /// A problem, which is always shown: what it is, then what to do.
    pub fn problem<Hint: AsRef<str>>(&self, message: &str, hints: impl IntoIterator<Item = Hint>) {
        self.labelled(Tone::Bad, word!("error: ", "错误："), message);
        for hint in hints {
            self.hint(hint.as_ref());
        }
    }

    /// A problem with what people wrote, in lines that show the place: as [`Screen::problem`] otherwise.
    pub fn problem_in_lines<Hint: AsRef<str>>(&self, message: &str, hints: impl IntoIterator<Item = Hint>) {
        let mut lines = message.trim_end().lines();
        self.problem(lines.next().unwrap_or_default(), [""; 0]);
        lines.for_each(|line| self.write(Tone::Plain, "", &format!("  {line}")));
        hints.into_iter().for_each(|hint| self.hint(hint.as_ref()));
    }

    /// Lines for people that the program itself has laid out.
    pub fn lines(&self, text: &str) {
        text.trim_end_matches('\n').split('\n').for_each(|line| self.say(line));
    }

    /// Words and a secret that is shown this once, which `--quiet` does not silence. On standard error, so that no file or pipe takes
    /// it along with the data; written from where it is, so that no copy is left behind.
    pub fn once(&self, text: &str, secret: &str) {
        self.write(Tone::Plain, "", text);
        let (on, off) = self.marks(Tone::Bold);
        let _ = writeln!(io::stderr().lock(), "\n    {on}{secret}{off}\n");
    }

    /// A result, as a text that ends a line.
    pub fn data(&self, text: &str) {
        let end = if text.ends_with('\n') { "" } else { "\n" };
        let mut out = io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.write_all(end.as_bytes())).and_then(|()| out.flush());
    }

    /// Bytes as they are: what is asked for by name, and nothing else on standard output.
    pub fn give(&self, content: &[u8]) {
        let mut out = io::stdout().lock();
        let _ = out.write_all(content).and_then(|()| out.flush());
    }

    /// The document of a command, in one line; nothing where none is asked for.
    pub fn document(&self, document: &impl Serialize) {
        if self.is_json() {
            let mut out = io::stdout().lock();
            let written = serde_json::to_writer(&mut out, document).map_err(io::Error::from);
            let _ = written.and_then(|()| writeln!(out)).and_then(|()| out.flush());
        }
    }

    /// Help and the like, which was asked for: on standard output.
    pub(crate) fn answer(self, text: &str) {
        self.data(&self.shown(text));
    }

    fn hint(self, text: &str) {
        self.labelled(Tone::Bold, word!("hint: ", "提示："), text);
    }

    /// A line behind a label: what stands out of it are its words, not the space behind them.
    fn labelled(self, tone: Tone, label: &str, text: &str) {
        let words = label.trim_end();
        self.write(tone, words, &format!("{}{text}", &label[words.len()..]));
    }

    fn write(self, tone: Tone, head: &str, text: &str) {
        let (on, off) = self.marks(tone);
        let _ = writeln!(io::stderr().lock(), "{on}{}{off}{}", self.shown(&escaped(head)), self.shown(&escaped(text)));
    }

    fn shown(self, text: &str) -> String {
        if self.flags.ascii { ascii(text) } else { text.to_owned() }
    }

    fn marks(self, tone: Tone) -> (&'static str, &'static str) {
        if self.is_colored && tone != Tone::Plain { (tone.code(), "\x1b[0m") } else { ("", "") }
    }
}

/// Text without anything that moves a cursor, rings a bell, or turns the direction of writing.
#[must_use]
pub fn escaped(text: &str) -> String {
    let is_hostile =
        |c: char| c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hostile(c) {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_can_steer_a_terminal() {
        assert_eq!(escaped("a\x1b[2Jb\r\n\u{202e}c\u{9b}证书"), r"a\u{1b}[2Jb\u{d}\u{a}\u{202e}c\u{9b}证书");
    }
}
