//! `reseal report`: what was done to a site, for its acceptance.

use std::path::PathBuf;

use bundle_format::{digest::TypedFingerprint, language::Language, signature::TrustedSigners, text, word};
use clap::ValueEnum;
use time::OffsetDateTime;

use super::{DONE, Failure, Outcome, build::parse_time, calendar::LedgerArgs, parse_signer};
use crate::{
    files,
    ledger::Record,
    present::Output,
    report::{
        ManySites, Report, json, page, plain,
        source::{Source, SourceError},
    },
};

#[derive(clap::Args, Debug)]
#[command(
    about = word!("Show what was done to a site, for its acceptance", "生成站点续签报告，供验收"),
    after_help = word!("Files are bundles, facts of nodes, receipts, and texts with typed lines of short receipts, in any order.

Example:
  reseal report site-7.tar.gz stick/*.json --signer SHA256:… --out report.html",
        "文件可以是证书包、节点信息、回执，以及录入短格式回执的文本，顺序不限。

示例：
  reseal report site-7.tar.gz stick/*.json --signer SHA256:… --out report.html")
)]
pub struct Args {
    #[arg(required = true, value_name = "FILE", help = word!("What came back from the site", "从现场带回的文件"))]
    files: Vec<PathBuf>,
    #[arg(long, value_name = "FILE", help = word!("The file to write [default: standard output]", "写入的文件 [默认：标准输出]"))]
    out: Option<PathBuf>,
    #[arg(long, value_enum, value_name = "FORMAT", help = word!(
        "What to write [default: html with --out, otherwise text]",
        "输出格式 [默认：有 --out 时为 html，否则为 text]"
    ))]
    format: Option<Format>,
    #[arg(long, value_name = "FINGERPRINT|FILE", help = word!(
        "A signer whose bundles are trusted: a fingerprint, or a file with the public key; repeatable",
        "可信的签名人：指纹或公钥文件；可重复"
    ))]
    signer: Vec<String>,
    #[arg(long, value_name = "TIME", value_parser = parse_time, help = word!(
        "The present, as 2026-01-31T08:00:00Z [default: the clock's]",
        "当前时间，例如 2026-01-31T08:00:00Z [默认：系统时钟]"
    ))]
    now: Option<OffsetDateTime>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// What a report is written as.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    #[value(help = word!("One page for a browser or a printer", "供浏览器或打印的单个页面"))]
    Html,
    #[value(help = word!("One document for programs", "供程序读取的文档"))]
    Json,
    #[value(help = word!("Text", "文本"))]
    Text,
}

impl Args {
    pub fn run(&self, output: Output) -> Outcome {
        let signers = self.signer.iter().map(|text| parse_signer(text)).collect::<Result<Vec<TypedFingerprint>, _>>()?;
        let trusted: Option<TrustedSigners> = (!signers.is_empty()).then(|| signers.into_iter().collect());
        let now = self.now.unwrap_or_else(OffsetDateTime::now_utc);
        let report = read(&self.files, trusted.as_ref(), now)?;
        self.ledger.note(Record::of_report(&report, now), output);
        let text = match self.format() {
            _ if output.is_json() && self.out.is_none() => serde_json::to_string_pretty(&json::write(&report))?,
            Format::Html => page::write(&report, Language::spoken()).map_err(Failure::new)?,
            Format::Json => serde_json::to_string_pretty(&json::write(&report))?,
            Format::Text => plain::write(&report),
        };
        let Some(out) = &self.out else {
            output.data(&text);
            return Ok(DONE);
        };
        files::write_new(out, text.as_bytes(), 0o644)?;
        output.say(&plain::summary(&report));
        output.data(&if output.is_json() { serde_json::to_string_pretty(&json::write(&report))? } else { out.display().to_string() });
        Ok(DONE)
    }

    fn format(&self) -> Format {
        self.format.unwrap_or(if self.out.is_some() { Format::Html } else { Format::Text })
    }
}

/// The report of all that these files tell.
pub fn read(files: &[PathBuf], trusted: Option<&TrustedSigners>, now: OffsetDateTime) -> Result<Report, Failure> {
    let sources = files.iter().map(|path| Source::read(path, trusted)).collect::<Result<Vec<_>, _>>()?;
    Ok(Report::of(sources, now)?)
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::File(why) => why.into(),
            SourceError::Bundle { path, why } => {
                let path = path.display();
                let failure = Self::from(why);
                Self { message: text!("`{path}`: {}", "`{path}`：{}"; failure.message), ..failure }
            }
            SourceError::Short { .. } => Self::new(error).advise(word!(
                "compare these lines with the photograph or the screen, and type them again",
                "与照片或屏幕逐行核对后重新录入"
            )),
            error => Self::new(error),
        }
    }
}

impl From<ManySites> for Failure {
    fn from(error: ManySites) -> Self {
        Self::new(error).advise(word!("make one report for each site", "每个站点单独生成报告"))
    }
}
