//! Arguments to flags and a command; what asks for help or makes no sense is answered here.

use std::{env, ffi::OsString, fmt::Display};

use bundle_format::{language::Language, word};
use clap::{Arg, ArgAction, Command, Parser, error::ErrorKind};

use crate::{Flags, Screen, common_options, help::help, mistake::Mistake};

/// The exit code of a command line that makes no sense.
const USAGE: u8 = 2;

/// The command that a command line gives, and the language spoken from now on. `code` stands before what is said of a mistake.
///
/// # Errors
/// The exit code, where there is no command: 0 where help or the version was asked for, which is said here, and 2 for a mistake, which
/// is said too.
pub fn parse<C: Parser>(arguments: impl IntoIterator<Item = OsString>, code: impl Display) -> Result<C, u8> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let screen = Screen::new(foreseen(&arguments));
    if arguments.get(1).is_some_and(|first| first == "help") {
        arguments.remove(1);
        arguments.push("--help".into());
    }
    let mut command = prepared(C::command());
    let program = arguments.first().map_or_else(|| command.get_name().to_owned(), |program| program.to_string_lossy().into_owned());
    let parsed = command.try_get_matches_from_mut(arguments).and_then(|mut matches| C::from_arg_matches_mut(&mut matches));
    let Err(error) = parsed else { return parsed.map_err(|_| USAGE) };
    match error.kind() {
        ErrorKind::DisplayHelp => screen.answer(&help(asked(&command))),
        ErrorKind::DisplayVersion => screen.answer(&command.render_version()),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            screen.lines(&help(asked(&command)));
            return Err(USAGE);
        }
        _ => {
            let Mistake { message, hints } = Mistake::of(&error, &asked(&command), &program);
            screen.problem(format!("{code} {message}").trim_start(), hints);
            return Err(USAGE);
        }
    }
    Err(0)
}

/// A command with the options for help and version, whose words are in the language that is spoken.
#[must_use]
pub fn prepared(command: Command) -> Command {
    let flag = |name: &'static str, short: char, action: ArgAction, help: &'static str| {
        Arg::new(name).long(name).short(short).action(action).help(help).help_heading(common_options())
    };
    let help = flag("help", 'h', ArgAction::Help, word!("Print help", "显示帮助")).global(true);
    let version = flag("version", 'V', ArgAction::Version, word!("Print version", "显示版本"));
    command.disable_help_flag(true).disable_help_subcommand(true).disable_version_flag(true).arg(help).arg(version)
}

/// What the flags will say that matter before they are parsed. Speaks the language from then on.
fn foreseen(arguments: &[OsString]) -> Flags {
    let words: Vec<&str> = arguments.iter().skip(1).map_while(|word| word.to_str().filter(|word| *word != "--")).collect();
    let after = |pair: &[&str]| (pair[0] == "--lang").then(|| pair[1].to_owned());
    let named = words.windows(2).find_map(after).or_else(|| words.iter().find_map(|word| word.strip_prefix("--lang=").map(str::to_owned)));
    let ascii = words.contains(&"--ascii");
    let of_environment = || if ascii { Language::English } else { Language::of_environment(|name| env::var(name).ok()) };
    named.and_then(|name| Language::named(&name)).unwrap_or_else(of_environment).speak();
    Flags { ascii, ..Flags::default() }
}

/// The command that was asked for help, or made the mistake: the innermost that was entered.
fn asked(command: &Command) -> Command {
    match command.get_subcommands().find(|inner| inner.get_bin_name().is_some()) {
        Some(entered) => asked(entered),
        None => command.clone(),
    }
}
