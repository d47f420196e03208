//! `reseal calendar`: when everything ends that was ever inspected or built. And the flag for where that is written down.

use std::path::{Path, PathBuf};

use bundle_format::{name::SiteName, text, word};
use time::OffsetDateTime;

use super::{DONE, Failure, Outcome, build::parse_time};
use crate::{
    calendar::{self, Entry, ics, prometheus},
    files::{self, Draft, Existing, FileError},
    ledger::{LedgerError, MOST_BYTES, Place, Record},
    present::{self, Output},
};

/// Where the ledger is.
#[derive(clap::Args, Debug)]
pub struct LedgerArgs {
    #[arg(long, value_name = "FILE", help = word!(
        "The ledger for `reseal calendar` [default: $RESEAL_LEDGER, or reseal/ledger in $XDG_STATE_HOME or ~/.local/state]",
        "`reseal calendar` 使用的台账 [默认：$RESEAL_LEDGER，或 $XDG_STATE_HOME 或 ~/.local/state 下的 reseal/ledger]"
    ))]
    ledger: Option<PathBuf>,
}

impl LedgerArgs {
    /// Writes down what was seen. That this fails is worth a warning, and no more.
    pub fn note(&self, records: Vec<Record>, output: Output) {
        let written = Place::find(self.ledger.as_deref()).and_then(|place| place.map_or(Ok(()), |place| place.add(records)));
        if let Err(error) = written {
            output.warn(&text!("{error}; `reseal calendar` will not know of this", "{error}；`reseal calendar` 不会包含本次内容"));
        }
    }

    fn place(&self) -> Result<Place, LedgerError> {
        Place::find(self.ledger.as_deref())?.ok_or(LedgerError::Nowhere)
    }
}

#[derive(clap::Args, Debug)]
#[command(
    after_help = word!("A renewed certificate takes the place of the former one once it was seen on the nodes: \
by `reseal inspect` of their facts, or `reseal report` of their receipts.", "新证书在节点上被看到之后才会取代旧证书：通过 `reseal inspect` 查看节点信息，或 `reseal report` 查看回执。")
)]
pub struct Args {
    #[arg(long, value_name = "FILE", help = word!(
        "Write a calendar (.ics) with reminders 90, 30 and 7 days before; a former one is replaced",
        "写出日历（.ics），提前 90、30、7 天提醒；替换之前的文件"
    ))]
    out: Option<PathBuf>,
    #[arg(long, help = word!("Print, or with --out write, Prometheus' text format", "以 Prometheus 文本格式打印，与 --out 同用时写入文件"))]
    prometheus: bool,
    #[arg(long, value_name = "NAME", help = word!("Only this site; repeatable", "只看该站点；可重复"))]
    site: Vec<SiteName>,
    #[arg(long, value_name = "TIME", value_parser = parse_time, help = word!(
        "The present, as 2026-01-31T08:00:00Z [default: the clock's]",
        "当前时间，例如 2026-01-31T08:00:00Z [默认：系统时钟]"
    ))]
    now: Option<OffsetDateTime>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Args {
    pub fn run(&self, output: Output) -> Outcome {
        let place = self.ledger.place()?;
        let read = place.read()?;
        if let Some(first) = read.unread.first() {
            let (path, count) = (place.path().display(), read.unread.len());
            output.warn(&text!(
                "`{path}`: {count} lines are not understood, the first is line {first}",
                "`{path}`：{count} 行无法识别，第一处在第 {first} 行"
            ));
        }
        let mut entries = calendar::entries(&read.records);
        entries.retain(|entry| self.site.is_empty() || entry.site.as_ref().is_some_and(|site| self.site.contains(site)));
        if entries.is_empty() {
            let path = place.path().display();
            output.say(&text!(
                "nothing is in the ledger `{path}` yet; `inspect`, `site init` and `build` write into it",
                "台账 `{path}` 中还没有内容；`inspect`、`site init` 和 `build` 会写入"
            ));
        }
        let now = self.now.unwrap_or_else(OffsetDateTime::now_utc);
        if output.is_json() {
            output.data(&serde_json::to_string_pretty(&entries)?);
            self.out.as_deref().map_or(Ok(()), |out| self.write(out, &entries, now))?;
        } else if let Some(out) = &self.out {
            self.write(out, &entries, now)?;
            output.data(&out.display().to_string());
        } else if self.prometheus {
            output.data(&prometheus::write(&entries));
        } else if !entries.is_empty() {
            output.data(&table(&entries, now));
        }
        Ok(DONE)
    }

    fn write(&self, out: &Path, entries: &[Entry], now: OffsetDateTime) -> Result<(), Failure> {
        let (begin, text) =
            if self.prometheus { (prometheus::BEGIN, prometheus::write(entries)) } else { (ics::BEGIN, ics::write(entries, now)) };
        let is_ours = |path: &Path| files::read(path, MOST_BYTES).is_ok_and(|content| content.starts_with(begin.as_bytes()));
        if out.symlink_metadata().is_ok() && !is_ours(out) {
            return Err(FileError::Exists(out.to_owned()).into());
        }
        let draft = Draft { path: out, content: text.as_bytes(), mode: 0o644 };
        Ok(files::write_together(&[draft], Existing::Replaced)?)
    }
}

fn table(entries: &[Entry], now: OffsetDateTime) -> String {
    let head = [
        word!("ENDS", "到期"),
        word!("DAYS LEFT", "剩余天数"),
        word!("SITE", "站点"),
        word!("KIND", "类型"),
        word!("SUBJECT", "主题"),
        word!("NODES", "节点"),
        word!("NOTE", "备注"),
    ];
    let row = |entry: &Entry| {
        let nodes: Vec<&str> = entry.nodes.iter().map(String::as_str).collect();
        let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
        let note = (entry.not_after < now).then(|| word!("expired", "已过期").to_owned());
        vec![
            present::moment(entry.not_after),
            (entry.not_after - now).whole_days().to_string(),
            or_dash(entry.site.as_ref().map(ToString::to_string).unwrap_or_default()),
            entry.kind.word().to_owned(),
            entry.subject.clone(),
            or_dash(nodes.join(",")),
            note.into_iter().chain(ics::outlook(entry)).collect::<Vec<_>>().join(word!("; ", "；")),
        ]
    };
    present::table(&std::iter::once(head.map(str::to_owned).to_vec()).chain(entries.iter().map(row)).collect::<Vec<_>>())
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        Self::new(error).advise(word!("give --ledger FILE", "请用 --ledger FILE 指定"))
    }
}
