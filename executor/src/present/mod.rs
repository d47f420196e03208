//! Words out: text for people on stderr, one JSON document on stdout.
//!
//! Text from outside is escaped here, once, so that nothing can steer a terminal; colour is added after that. A closed pipe is no
//! error: what nobody reads need not be written.

mod backups;
mod bundle;
mod columns;
mod downtime;
mod explain;
mod facts;
mod memory;
mod outlook;
mod plan;
mod plan_view;
mod services;
mod status;

use std::{
    env,
    io::{self, IsTerminal as _, Write as _},
};

use bundle_format::{digest::Digest, text, word};
use serde::Serialize;

pub use backups::{backup_view, show_backups};
pub use bundle::{bundle_view, show_bundle, verify_view};
pub use explain::{Call, Problem, explain};
pub use facts::show_facts;
pub use memory::show_memory;
pub use outlook::{forward, show_intents};
pub use plan::show_plan;
pub use plan_view::{PlanView, services_view};
pub use services::{generation, show_members};
pub use status::{StatusView, show_status};

use crate::code::Code;

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal that has it.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

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

/// Says that the program itself is at fault, and nothing of what it had in hand, for that may be a secret.
pub fn say_fault(place: &str) {
    let code = Code::Fault;
    let text = text!(
        "error: {code} reseal-node itself is at fault, at {place}\n\
         why:   this should not happen; its message is kept back, since it may hold a secret\n\
         hint:  a run that was begun can be continued or taken back: `reseal-node status` says how\n",
        "错误：{code} reseal-node 自身出错，位置 {place}\n\
         原因：不应发生的情况；详细消息可能含有机密，因此不显示\n\
         提示：已开始的执行可以继续或回滚：`reseal-node status` 说明方法\n"
    );
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Says what is wrong with a command line, in the words of the parser.
pub fn say_misuse(error: &clap::Error) {
    let said = error.render().to_string();
    let said = said.strip_prefix("error:").unwrap_or(&said).trim_start();
    let _ = write!(io::stderr(), "{} {} {said}", word!("error:", "错误："), Code::CommandLine);
}

/// Where words go.
pub struct Screen {
    is_colored: bool,
    is_json: bool,
    loudness: Loudness,
}

/// How much is said.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Loudness {
    /// Warnings and errors.
    Quiet,
    /// What a person needs.
    Normal,
    /// What a person may want.
    Verbose,
}

impl Screen {
    /// A screen for these flags.
    pub fn new(color: Color, is_json: bool, loudness: Loudness) -> Self {
        let has_color = || {
            let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
            io::stderr().is_terminal() && !is_set("NO_COLOR") && env::var_os("TERM").is_some_and(|term| term != "dumb")
        };
        let is_colored = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => has_color(),
        };
        Self { is_colored, is_json, loudness }
    }

    /// A line for people.
    pub fn say(&self, text: &str) {
        self.toned(Tone::Plain, "", text);
    }

    /// A line for people that begins with a word, which may stand out, in a column of its own.
    pub fn row(&self, tone: Tone, label: &str, text: &str) {
        let space = &columns::padded(label, columns::LABEL)[label.len()..];
        self.toned(tone, label, &format!("{space}{text}"));
    }

    /// A digest: enough of it to compare by eye, all of it for people who want to know more.
    fn digest(&self, digest: &Digest) -> String {
        let digest = digest.to_string();
        let shown = if self.loudness == Loudness::Verbose { digest.as_str() } else { digest.get(..16).unwrap_or(&digest) };
        format!("SHA-256 {shown}")
    }

    /// A line for people who want to know more.
    pub fn detail(&self, text: &str) {
        if self.loudness == Loudness::Verbose {
            self.say(text);
        }
    }

    /// A line for people that begins with words that stand out.
    pub fn toned(&self, tone: Tone, head: &str, text: &str) {
        if self.loudness > Loudness::Quiet {
            self.write(tone, head, text);
        }
    }

    /// A warning, which is shown to those too who want quiet.
    pub fn warn(&self, text: &str) {
        self.write(Tone::Warn, word!("warning:", "警告："), &text!(" {text}", "{text}"));
    }

    /// A problem, which is always shown: what it is, then what to do.
    pub fn problem(&self, problem: &Problem) {
        self.write(Tone::Bad, word!("error:", "错误："), &text!(" {} {}", "{} {}"; problem.code, problem.message));
        for hint in &problem.hints {
            self.write(Tone::Bold, word!("hint:", "提示："), &text!(" {hint}", "{hint}"));
        }
    }

    fn write(&self, tone: Tone, head: &str, text: &str) {
        let (on, off) = if self.is_colored && tone != Tone::Plain { (tone.code(), "\x1b[0m") } else { ("", "") };
        let _ = writeln!(io::stderr().lock(), "{on}{}{off}{}", escaped(head), escaped(text));
    }

    /// Text that is the result of a command, for a file or another program; not where one JSON document is asked for.
    pub fn document(&self, text: &str) {
        if !self.is_json {
            let mut out = io::stdout().lock();
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        }
    }

    /// Whether programs read what is said.
    pub fn is_json(&self) -> bool {
        self.is_json
    }

    /// The bytes of an entry, as they are: what is asked for by name, and nothing else on stdout.
    pub fn give(content: &[u8]) {
        let mut out = io::stdout().lock();
        let _ = out.write_all(content).and_then(|()| out.flush());
    }

    /// The document of a command.
    pub fn data(&self, document: &impl Serialize) {
        if !self.is_json {
            return;
        }
        let mut out = io::stdout().lock();
        let _ = serde_json::to_writer(&mut out, document).map_err(io::Error::from).and_then(|()| writeln!(out)).and_then(|()| out.flush());
    }
}

/// Text without anything that moves a cursor, rings a bell, or turns the direction of writing.
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
