//! The command line: flags to a command, its outcome to an exit code. One file for each subcommand.

mod apply;
mod backups;
mod consent;
mod facts;
mod job;
mod plan;
mod receipt;
mod reveal;
mod rollback;
mod services;
mod signers;
mod status;
mod unsealing;
mod verify;

use std::{ffi::OsString, path::PathBuf};

use bundle_format::{text, word};
use clap::{CommandFactory as _, Parser, Subcommand};
use console::{Flags, common_options};
use serde_json::{Map, Value, json};

use crate::{
    code::Code,
    error::{Exit, Failure},
    machine::{Machine, secrecy},
    preflight::{Refusal, Warning},
    present::{self, Call, Problem, Screen, explain},
    shell::quoted,
};

#[derive(Debug, Parser)]
#[command(name = "reseal-node", version, about = word!("Renew the certificates of this node from a signed bundle", "用已签名的证书包续签本节点的证书"), after_help = after_help())]
struct Cli {
    /// The tree that is worked on instead of the whole machine.
    #[arg(long, value_name = "DIR", global = true, help_heading = common_options(),
        help = word!("Work on the tree below DIR instead of the whole machine", "在 DIR 目录树上工作，而不是整台机器"))]
    root: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, Subcommand)]
enum Command {
    Facts(facts::Args),
    Verify(verify::Args),
    Plan(plan::Args),
    Apply(apply::Args),
    Status(status::Args),
    Rollback(rollback::Args),
    Receipt(receipt::Args),
    Backups(backups::Args),
    Signers(signers::Args),
    Reveal(reveal::Args),
}

/// What every command has at hand.
struct Context {
    machine: Machine,
    screen: Screen,
}

/// How a command ended, other than with a [`Failure`].
#[derive(Default)]
struct Outcome {
    /// What the command has to say, for programs.
    document: Map<String, Value>,
    /// What is worth saying.
    warnings: Vec<Warning>,
    /// What stands against it.
    refusals: Vec<Refusal>,
    /// Whether all is done here, and etcd's quorum waits for other nodes.
    waits_for_others: bool,
}

impl Outcome {
    fn of(document: Value) -> Self {
        let document = match document {
            Value::Object(document) => document,
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        Self { document, ..Self::default() }
    }
}

/// Guards the secrets of this process. To be called first, by the program alone: it holds for all of the process.
pub fn guard() {
    secrecy::guard_secrets();
    secrecy::guard_panics(present::say_fault, Exit::Person as u8);
}

/// The command line, for what is made of its definition: help, manuals, completions.
#[must_use]
pub fn command() -> clap::Command {
    console::prepared(Cli::command())
}

/// Runs the program; the result is its exit code.
pub fn main(arguments: impl Iterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.collect();
    let cli: Cli = match console::parse(arguments.iter().cloned(), Code::CommandLine) {
        Ok(cli) => cli,
        Err(exit) => return exit,
    };
    let screen = Screen::new(cli.flags);
    let call = cli.call(&arguments);
    let machine = match &cli.root {
        Some(root) => Machine::below(root),
        None => Ok(Machine::whole()),
    };
    let result = machine.map_err(Failure::from).and_then(|machine| {
        let context = Context { machine, screen };
        cli.command.run(&context)
    });
    conclude(&screen, &call, result) as u8
}

impl Command {
    fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        match self {
            Self::Apply(args) => args.run(context),
            Self::Backups(args) => args.run(context),
            Self::Facts(args) => args.run(context),
            Self::Plan(args) => args.run(context),
            Self::Receipt(args) => args.run(context),
            Self::Reveal(args) => args.run(context),
            Self::Rollback(args) => args.run(context),
            Self::Signers(args) => args.run(context),
            Self::Status(args) => args.run(context),
            Self::Verify(args) => args.run(context),
        }
    }
}

impl Cli {
    fn call(&self, arguments: &[OsString]) -> Call {
        let (command, rest) = match &self.command {
            Command::Apply(args) => {
                let flags = [(args.pause_before_restart, "--pause-before-restart"), (args.try_again, "--try-again"), (args.yes, "--yes")];
                let flags = flags.into_iter().filter(|(is_given, _)| *is_given).map(|(_, word)| word.to_owned()).collect();
                ("apply", [args.bundle.words(), args.node.words(), args.unseal.words(), flags, args.work.words()].concat())
            }
            Command::Backups(args) => ("backups", args.words()),
            Command::Facts(args) => ("facts", args.words()),
            Command::Plan(args) => ("plan", [args.bundle.words(), args.node.words(), args.unseal.words(), args.work.words()].concat()),
            Command::Receipt(args) => ("receipt", args.words()),
            Command::Reveal(args) => {
                let entry = vec![quoted(&args.entry)];
                let out = args.out.iter().flat_map(|path| ["--out".to_owned(), quoted(&path.display().to_string())]).collect();
                ("reveal", [entry, args.bundle.words(), args.node.words(), args.unseal.words(), out].concat())
            }
            Command::Rollback(args) => ("rollback", [args.restart.words(), args.database.words()].concat()),
            Command::Signers(args) => ("signers", args.words()),
            Command::Status(args) => ("status", [args.bundle.words(), args.node.words()].concat()),
            Command::Verify(args) => ("verify", args.bundle.words()),
        };
        let program = arguments.first().map_or_else(|| "reseal-node".to_owned(), |program| quoted(&program.to_string_lossy()));
        let root = self.root.as_ref().map(|root| quoted(&root.display().to_string()));
        Call { program, root, speech: self.flags.speech(), command, rest }
    }
}

/// What stands below the help of a command.
fn examples(commands: &[&str]) -> String {
    let lines = commands.iter().flat_map(|command| ["\n  reseal-node ", command]).collect::<String>();
    text!("Exit codes: `reseal-node --help` lists them.\n\nExample:{lines}", "退出码：见 `reseal-node --help`。\n\n示例：{lines}")
}

/// What stands below the help of the program.
fn after_help() -> &'static str {
    word!(
        "\
Exit codes:
  0  done
  1  failed, nothing was changed
  2  the command line makes no sense
  3  the bundle is rejected
  4  refused before the first change
  5  failed, everything was put back
  6  failed, a person is needed
  7  applied, and etcd's quorum waits for other nodes

Examples:
  reseal-node facts --out facts.json
  reseal-node verify site-7.tar.gz --signer SHA256:...
  reseal-node plan site-7.tar.gz --signer SHA256:...
  reseal-node apply site-7.tar.gz --signer SHA256:...
  reseal-node status
  reseal-node rollback",
        "\
退出码：
  0  完成
  1  失败，未做任何更改
  2  命令行有误
  3  证书包不予接受
  4  首次更改之前拒绝执行
  5  失败，已全部还原
  6  失败，需要人工处理
  7  本节点已完成，etcd 的法定票数还要等待其他节点

示例：
  reseal-node facts --out facts.json
  reseal-node verify site-7.tar.gz --signer SHA256:...
  reseal-node plan site-7.tar.gz --signer SHA256:...
  reseal-node apply site-7.tar.gz --signer SHA256:...
  reseal-node status
  reseal-node rollback"
    )
}

/// Shows what a command came to, and finds its exit code.
fn conclude(screen: &Screen, call: &Call, result: Result<Outcome, Failure>) -> Exit {
    let (mut outcome, failure) = match result {
        Ok(mut outcome) => {
            let refusals = std::mem::take(&mut outcome.refusals);
            let failure = (!refusals.is_empty()).then_some(Failure::Refused(refusals));
            (outcome, failure)
        }
        Err(failure) => (Outcome::default(), Some(failure)),
    };
    let success = if outcome.waits_for_others { Exit::Waiting } else { Exit::Done };
    let problems: Vec<Problem> = failure.iter().flat_map(|failure| explain(failure, call)).collect();
    let exit = problems.first().map_or(success, |problem| problem.code.exit());
    for warning in &outcome.warnings {
        screen.warn(&warning.to_string());
    }
    for problem in &problems {
        screen.problem(&format!("{} {}", problem.code, problem.message), &problem.hints);
    }
    let warnings: Vec<String> = outcome.warnings.iter().map(Warning::to_string).collect();
    let head = json!({ "format": 1, "command": call.command, "exit": exit as u8, "warnings": warnings, "problems": problems });
    if let Value::Object(head) = head {
        outcome.document.extend(head);
    }
    screen.document(&outcome.document);
    exit
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_sound() {
        super::command().debug_assert();
    }
}
