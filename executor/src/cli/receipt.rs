//! `reseal-node receipt`: what was done here, to be carried back. Writes what earlier calls owe, and the file that it is told to make.

use std::path::PathBuf;

use bundle_format::{
    language::Language,
    receipt::{Command, Document, short::Short},
    text, word,
};
use serde_json::json;

use super::{Context, Outcome, examples};
use crate::{
    error::{Exit, Failure},
    preflight::{Refusal, Warning},
    present::{self, Tone, explain, show_receipt},
    receipt::{Call, KeepError, Kept, Receipts},
    run::{Ended, Store},
    shell::quoted,
};

#[derive(Debug, clap::Args)]
#[command(about = word!(
    "Show what was done here, or write it to a file to be carried back",
    "显示本机执行过什么，或写成文件带回"
), long_about = word!(
    "Each `apply` and `rollback` leaves a receipt, which holds no secrets. Shown is the newest.",
    "每次 `apply` 和 `rollback` 都留下一份回执，其中没有机密。默认显示最新一份。"
), after_help = examples(&["receipt --out /mnt/usb/$(hostname).receipts.json", "receipt --short"]))]
pub struct Args {
    #[arg(
        long,
        value_name = "RUN",
        conflicts_with = "all",
        help = word!("The receipts of one run alone, by its number or name", "只要某一次执行的回执：给出编号或名称")
    )]
    pub run: Option<String>,
    #[arg(long, help = word!("All receipts of this node; `--out` writes all of them anyway", "本节点的全部回执；用 `--out` 时本来就写入全部"))]
    pub all: bool,
    #[arg(long, value_name = "FILE", help = word!("Write them to this new file, which must not exist", "写入这个新文件，文件不得已存在"))]
    pub out: Option<PathBuf>,
    #[arg(long, help = word!("A few lines that can be typed or photographed", "几行可以抄录或拍照的文字"))]
    pub short: bool,
}

impl Args {
    /// The words as they were typed, to repeat them in a hint.
    pub fn words(&self) -> Vec<String> {
        let value = |flag: &str, value: String| [flag.to_owned(), quoted(&value)];
        let run = self.run.iter().flat_map(|run| value("--run", run.clone()));
        let out = self.out.iter().flat_map(|path| value("--out", path.display().to_string()));
        let flags = [(self.all, "--all"), (self.short, "--short")].into_iter().filter(|(is_given, _)| *is_given);
        run.chain(flags.map(|(_, flag)| flag.to_owned())).chain(out).collect()
    }

    pub fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let Context { machine, screen } = context;
        if machine.lacks_root() {
            return Err(Refusal::NotRoot.into());
        }
        let store = Store::of(machine)?;
        let mut warnings = Vec::new();
        if is_owed(context, &store) {
            let _lock = store.lock()?;
            warnings = settle(context, &store, None);
        }
        let receipts = Receipts::of(machine)?;
        let kept = receipts.all()?;
        warnings.extend(receipts.flaws(&kept, &store).into_iter().map(Warning::Receipts));
        let chosen = self.chosen(&kept)?;
        if chosen.is_empty() {
            screen.toned(
                Tone::Good,
                word!("nothing to do:", "无事可做："),
                word!(" nothing was ever done here, so there is no receipt", "本机从未执行过操作，没有回执"),
            );
        }
        let short = self.short.then(|| shorts(&chosen)).transpose()?;
        match (&self.out, &short) {
            (Some(path), _) => {
                let text = short.clone().unwrap_or_else(|| chosen.iter().map(|kept| String::from_utf8_lossy(&kept.text)).collect());
                machine.write_argument(path, text.as_bytes(), 0o644).map_err(Failure::Out)?;
                let count = chosen.len();
                screen.toned(
                    Tone::Good,
                    word!("written:", "已写入："),
                    &text!(" {count} receipts to `{}`", "{count} 份回执，文件 `{}`"; path.display()),
                );
            }
            (None, Some(_)) if screen.is_json() => {}
            (None, Some(short)) => screen.data(short.trim_end()),
            (None, None) => documents(&chosen).for_each(|document| show_receipt(screen, document)),
        }
        let documents: Vec<_> =
            documents(&chosen).map(|document| json!({ "sha256": document.digest, "receipt": document.receipt })).collect();
        Ok(Outcome { warnings, ..Outcome::of(json!({ "receipts": documents, "short": short, "out": self.out })) })
    }

    /// Which are meant: of what is written to a file, all, so that none is missing where they are read.
    fn chosen<'a>(&self, kept: &'a [Kept]) -> Result<Vec<&'a Kept>, Failure> {
        if let Some(run) = &self.run {
            let number = |name: &str| name.split_once('-').and_then(|(number, _)| number.parse::<u32>().ok());
            let is_meant = |kept: &&Kept| kept.run == *run || run.parse().is_ok_and(|run| number(&kept.run) == Some(run));
            let chosen: Vec<&Kept> = kept.iter().filter(is_meant).collect();
            return if chosen.is_empty() { Err(Failure::NoRun { run: run.clone() }) } else { Ok(chosen) };
        }
        let is_for_carrying = self.all || self.out.is_some() && !self.short;
        Ok(if is_for_carrying { kept.iter().collect() } else { kept.iter().next_back().into_iter().collect() })
    }
}

fn documents<'a>(chosen: &'a [&'a Kept]) -> impl Iterator<Item = &'a Document> {
    chosen.iter().filter_map(|kept| kept.document.as_ref().ok())
}

/// The short forms, each below a line that says what it is, which is not to be typed.
fn shorts(chosen: &[&Kept]) -> Result<String, Failure> {
    let mut text = String::new();
    for document in documents(chosen) {
        let short = Short::of(document);
        let (number, node, site, outcome) = (short.number, &short.node, &short.site, short.outcome.text());
        text.push_str(&text!(
            "receipt {number} of {node}, site {site}: {outcome}\n",
            "{site} 站点 {node} 节点的回执 {number}：{outcome}\n"
        ));
        text.push_str(&short.write().map_err(|why| Failure::Flag { flag: "--short", why: why.to_string() })?);
    }
    Ok(text)
}

/// Whether a receipt is to be written. Where that cannot be seen, whoever tries to write it says why.
pub fn is_owed(context: &Context, store: &Store<'_>) -> bool {
    let owed = Receipts::of(&context.machine).and_then(|receipts| receipts.owed(store));
    owed.map_or(true, |owed| !owed.is_empty())
}

/// Writes the receipts that are owed; `call` is the one that ends now. What is done is done, so a failure is a warning.
pub fn settle(context: &Context, store: &Store<'_>, call: Option<&Call>) -> Vec<Warning> {
    let paid = Receipts::of(&context.machine).map_err(KeepError::from).and_then(|receipts| receipts.pay(store, call));
    paid.err().map(|why| Warning::NoReceipt(why.to_string())).into_iter().collect()
}

/// What a call that drove runs knows of itself.
pub fn ended<T>(command: Command, result: &Result<T, Failure>, success: Exit) -> Call {
    let failure = result.as_ref().err();
    let problem = failure.and_then(|failure| explain(failure, &present::Call::default()).into_iter().next());
    Call {
        command,
        exit: problem.map_or(success, |problem| problem.code.exit()),
        is_interrupted: matches!(failure, Some(Failure::Run(Ended::Interrupted { .. }))),
        why: failure.map(|failure| Language::English.says(|| failure.to_string())),
    }
}
