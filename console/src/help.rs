//! The help of a command, in 80 columns.

use std::fmt::Write as _;

use bundle_format::{text, word};
use clap::{Arg, Command};

use crate::columns::{COLUMNS, padded, width, wrap};

/// How wide the names of options may be without what they mean beginning on the next line.
const MOST_NAME: usize = 24;
/// How far names are indented.
const INDENT: usize = 2;

/// What a command is for, how it is called, its commands, arguments and options, and what stands behind them.
#[must_use]
pub fn help(mut command: Command) -> String {
    command.build();
    let about = [command.get_about(), command.get_long_about()].into_iter().flatten();
    let about = about.map(|text| wrap(&text.to_string(), COLUMNS).join("\n")).collect::<Vec<_>>().join("\n\n");
    let usage = command.render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage).replace("[OPTIONS]", word!("[OPTIONS]", "[选项]"));
    let usage = usage.replace("<COMMAND>", word!("<COMMAND>", "<命令>")).replace("[COMMAND]", word!("[COMMAND]", "[命令]"));
    let mut text = format!("{}\n\n{}\n", about, text!("Usage: {usage}", "用法：{usage}"));
    for (heading, entries) in sections(&command) {
        let _ = write!(text, "\n{}\n{}", text!("{heading}:", "{heading}："), list(&entries));
    }
    if let Some(after) = command.get_after_long_help().or(command.get_after_help()) {
        let _ = write!(text, "\n{}\n", after.to_string().lines().map(wrapped).collect::<Vec<_>>().join("\n"));
    }
    text
}

/// A line of text; one that is indented is a command to type, which stays whole.
fn wrapped(line: &str) -> String {
    if line.starts_with(' ') { line.to_owned() } else { wrap(line, COLUMNS).join("\n") }
}

/// Something that help explains: its name, and what it means.
type Entry = (String, String);

/// Headings, in the order of help, and what stands below each.
fn sections(command: &Command) -> Vec<(String, Vec<Entry>)> {
    let commands = command.get_subcommands().filter(|inner| !inner.is_hide_set()).map(|inner| {
        let about = inner.get_about().map(ToString::to_string).unwrap_or_default();
        (word!("Commands", "命令").to_owned(), (inner.get_name().to_owned(), about))
    });
    let options = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let (common, own): (Vec<&Arg>, Vec<&Arg>) = options.partition(|argument| argument.get_help_heading() == Some(crate::common_options()));
    let (positional, own): (Vec<&Arg>, Vec<&Arg>) = own.into_iter().partition(|argument| argument.is_positional());
    let (grouped, own): (Vec<&Arg>, Vec<&Arg>) = own.into_iter().partition(|argument| argument.get_help_heading().is_some());
    let arguments = [positional, own, grouped, common].concat().into_iter().map(|argument| {
        let heading = if argument.is_positional() { word!("Arguments", "参数") } else { word!("Options", "选项") };
        (argument.get_help_heading().unwrap_or(heading).to_owned(), (name(argument), meaning(argument)))
    });
    let mut sections: Vec<(String, Vec<Entry>)> = Vec::new();
    for (heading, entry) in commands.chain(arguments) {
        match sections.iter_mut().find(|(known, _)| *known == heading) {
            Some((_, entries)) => entries.push(entry),
            None => sections.push((heading, vec![entry])),
        }
    }
    sections
}

fn name(argument: &Arg) -> String {
    let indent = if argument.get_long().is_some() && argument.get_short().is_none() { "    " } else { "" };
    let short = argument.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
    format!("{indent}{short}{argument}")
}

/// What an argument is for, the value that it has otherwise, and those that it may have.
fn meaning(argument: &Arg) -> String {
    let mut text = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let takes_value = argument.get_num_args().is_some_and(|range| range.takes_values());
    let defaults: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if takes_value && !defaults.is_empty() && !argument.is_hide_default_value_set() {
        let _ = write!(text, " {}", text!("[default: {}]", "[默认：{}]"; defaults.join(" ")));
    }
    let values = argument.get_possible_values();
    let values: Vec<_> = values.iter().filter(|value| takes_value && !value.is_hide_set()).collect();
    let has_meanings = values.iter().any(|value| value.get_help().is_some());
    if has_meanings {
        for value in values {
            let meaning = value.get_help().map(ToString::to_string).unwrap_or_default();
            let _ = write!(text, "\n- {}{meaning}", text!("{}: ", "{}："; value.get_name()));
        }
    } else if !values.is_empty() && !argument.is_hide_possible_values_set() {
        let names: Vec<&str> = values.iter().map(|value| value.get_name()).collect();
        let _ = write!(text, " {}", text!("[possible values: {}]", "[可选值：{}]"; names.join(", ")));
    }
    text
}

/// Names, and beside or below each what it means.
fn list(entries: &[Entry]) -> String {
    let widest = entries.iter().map(|(name, _)| width(name)).filter(|width| *width <= MOST_NAME).max().unwrap_or(MOST_NAME);
    let margin = INDENT + widest + 2;
    let mut text = String::new();
    for (name, meaning) in entries {
        let mut lines = wrap(meaning, COLUMNS - margin).into_iter();
        let first = if width(name) <= MOST_NAME { lines.next().unwrap_or_default() } else { String::new() };
        let line = format!("{:INDENT$}{}  {first}", "", padded(name, widest));
        let _ = writeln!(text, "{}", line.trim_end());
        for line in lines {
            let _ = writeln!(text, "{:margin$}{line}", "");
        }
    }
    text
}
