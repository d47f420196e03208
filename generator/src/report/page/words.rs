//! What the page says of each thing, in the spoken language.

use std::fmt::Write as _;

use bundle_format::{
    name::{Label, NodeName},
    receipt::{Command, Document, Occasion, StepReceipt, StepState},
    text, word,
};
use time::OffsetDateTime;

use super::super::{
    Node, Renewal, Run, Sight,
    finding::{Finding, Severity},
    source::{Content, Source},
};
use crate::present::moment;

/// How many nodes of a finding are named.
const NODES: usize = 48;
/// How many names of a certificate are shown.
const NAMES: usize = 24;

/// A step of a run, in words.
pub(super) struct StepLine {
    pub(super) what: String,
    pub(super) targets: Vec<String>,
    pub(super) state: &'static str,
    pub(super) class: &'static str,
    pub(super) from: String,
    pub(super) until: String,
    pub(super) down: String,
}

impl Sight {
    pub(super) fn occasion_text(&self) -> &'static str {
        match self.occasion {
            Occasion::BeforeStop => word!("before its member stopped", "停止本节点成员之前"),
            Occasion::End => word!("at the end", "结束时"),
        }
    }

    pub(super) fn judgement(&self) -> &'static str {
        match (self.has_quorum(), self.is_recovery) {
            (true, _) => word!("quorum", "有法定票数"),
            (false, true) => word!("certificates had ended", "证书已过期"),
            (false, false) => word!("lost", "失去法定票数"),
        }
    }

    pub(super) fn class(&self) -> &'static str {
        match (self.has_quorum(), self.is_recovery) {
            (true, _) => "done",
            (false, true) => "undone",
            (false, false) => "bad",
        }
    }

    pub(super) fn chart_class(&self) -> &'static str {
        match (self.has_quorum(), self.is_recovery) {
            (true, _) => "after",
            (false, true) => "unguarded",
            (false, false) => "lost",
        }
    }

    pub(super) fn at_text(&self) -> String {
        clock(Some(&self.at))
    }

    pub(super) fn renewed_text(&self) -> String {
        self.renewed.map_or_else(|| "-".to_owned(), |renewed| renewed.to_string())
    }
}

impl Finding {
    pub(super) fn class(&self) -> &'static str {
        match self.matter.severity() {
            Severity::Deviation => "deviation",
            Severity::Note => "note",
            Severity::Open => "open",
        }
    }

    /// The first ones of its nodes.
    pub(super) fn named(&self) -> &[NodeName] {
        &self.nodes[..self.nodes.len().min(NODES)]
    }

    /// How many more it is about.
    pub(super) fn unnamed(&self) -> usize {
        self.nodes.len().saturating_sub(NODES)
    }

    pub(super) fn label(&self) -> &'static str {
        match self.matter.severity() {
            Severity::Deviation => word!("Deviation", "偏离"),
            Severity::Note => word!("Note", "说明"),
            Severity::Open => word!("Open", "未完成"),
        }
    }
}

impl Node {
    pub(super) fn is_told(&self) -> bool {
        !self.runs.is_empty() || !self.facts.is_empty()
    }

    pub(super) fn addresses_text(&self) -> String {
        self.addresses.join(", ")
    }

    pub(super) fn roles_text(&self) -> String {
        self.roles.iter().map(Label::as_str).collect::<Vec<_>>().join(" + ")
    }

    pub(super) fn last_text(&self) -> String {
        self.runs.last().map(|run| moment(run.summary.last_record)).unwrap_or_default()
    }

    pub(super) fn done_text(&self) -> String {
        self.runs.last().map(|run| format!("{}: {}", run.bundle(), run.amount())).unwrap_or_default()
    }

    pub(super) fn facts_text(&self) -> String {
        let Some(last) = self.facts.last() else { return String::new() };
        let at = moment(last.gathered);
        match self.runs.last() {
            Some(run) if last.gathered > run.summary.last_record => text!("facts of {at}, after the run", "节点信息 {at}，执行之后"),
            _ => text!("facts of {at}", "节点信息 {at}"),
        }
    }
}

impl Renewal {
    pub(super) fn kind(&self) -> &'static str {
        if self.is_ca { "CA" } else { word!("leaf", "叶子证书") }
    }

    pub(super) fn until(&self) -> String {
        day(self.renewed.not_after)
    }

    pub(super) fn former_until(&self) -> String {
        self.former.map_or_else(|| "-".to_owned(), |former| day(former.not_after))
    }

    pub(super) fn former_text(&self) -> Option<String> {
        let former = self.former?;
        let (from, until) = (day(former.not_before), day(former.not_after));
        Some(text!("before: {from} to {until}", "续签前：{from} 至 {until}"))
    }

    pub(super) fn renewed_text(&self) -> String {
        let (from, until) = (day(self.renewed.not_before), day(self.renewed.not_after));
        text!("after: {from} to {until}", "续签后：{from} 至 {until}")
    }

    /// The names, the first ones of many.
    pub(super) fn names_text(&self) -> String {
        let shown = self.names.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(" ");
        match self.names.len().saturating_sub(NAMES) {
            0 => shown,
            more => text!("{shown} and {more} more", "{shown} 另有 {more} 个"),
        }
    }
}

impl Run {
    pub(super) fn command_text(&self) -> &'static str {
        match self.summary.command {
            Some(Command::Apply) => "apply",
            Some(Command::Rollback) => "rollback",
            None => word!("(cut off)", "（中断）"),
        }
    }

    pub(super) fn steps(&self) -> &[StepReceipt] {
        self.document.as_ref().map_or(&[], |document| document.receipt.steps.as_slice())
    }

    pub(super) fn headline(&self) -> String {
        let (command, bundle, outcome) = (self.command_text(), self.bundle(), self.summary.outcome.text());
        let (from, to) = (clock(Some(&self.summary.begun)), clock(Some(&self.summary.last_record)));
        text!("{command} of {bundle}: {outcome}; {from} to {to} UTC", "{command} {bundle}：{outcome}；{from} 至 {to} UTC")
    }

    /// Under what circumstances it was done.
    pub(super) fn circumstances(&self) -> String {
        let number = self.summary.number;
        let mut parts = vec![self.amount(), text!("receipt {number}", "回执 {number}")];
        if let Some(exit) = self.summary.exit {
            parts.push(text!("exit code {exit}", "退出码 {exit}"));
        }
        let is_recovery = self.summary.is_recovery;
        parts.push(
            if is_recovery { word!("certificates had ended", "证书已过期") } else { word!("quorum guarded", "保护法定票数") }.to_owned(),
        );
        if let Some(Document { receipt, digest }) = &self.document {
            parts.push(format!("reseal-node {} {}", receipt.made_by, receipt.architecture));
            parts.push(text!("receipt's SHA-256 {digest}", "回执 SHA-256 {digest}"));
        } else {
            parts.push(text!("short form; receipt's SHA-256 begins {}", "短格式；回执 SHA-256 开头为 {}"; self.summary.receipt));
        }
        parts.extend(self.summary.deviations.iter().map(|deviation| deviation.text().to_owned()));
        parts.join(word!("; ", "；"))
    }

    pub(super) fn steps_text(&self) -> Vec<StepLine> {
        let line = |step: &StepReceipt| StepLine {
            what: step.text(),
            targets: step.files.iter().map(|file| file.target.to_string()).chain(step.rows.iter().cloned()).collect(),
            state: step.state.text(),
            class: step_class(step.state),
            from: clock(step.started.as_ref()),
            until: clock(step.undone.as_ref().or(step.done.as_ref())),
            down: down(step),
        };
        self.steps().iter().map(line).collect()
    }

    /// What was done, in a few words.
    pub(super) fn amount(&self) -> String {
        let (files, rows, restarts) = (self.summary.files, self.summary.rows, self.summary.restarts);
        let mut text = text!("files: {files}", "文件：{files}");
        if rows > 0 {
            text.push_str(&text!(", rows: {rows}", "，数据行：{rows}"));
        }
        if restarts > 0 {
            text.push_str(&text!(", restarts: {restarts}", "，重启：{restarts}"));
        }
        if let Some(down) = self.summary.down {
            let down = seconds(down.into());
            text.push_str(&text!(", down for at most {down}", "，停机最长 {down}"));
        }
        text
    }
}

/// How long something was down, where a step tells.
fn down(step: &StepReceipt) -> String {
    let mut text = String::new();
    for down in &step.down {
        let length = down.until.map(|until| seconds((until - down.from).whole_seconds().max(0)));
        let said = length
            .map_or_else(|| text!("down since {}", "自 {} 起停机"; moment(down.from)), |length| text!("down {length}", "停机 {length}"));
        let _ = write!(text, "{}{said}", if text.is_empty() { "" } else { word!("; ", "；") });
    }
    text
}

fn seconds(seconds: i64) -> String {
    match (seconds / 60, seconds % 60) {
        (0, seconds) => text!("{seconds} s", "{seconds} 秒"),
        (minutes, seconds) => text!("{minutes} min {seconds} s", "{minutes} 分 {seconds} 秒"),
    }
}

/// The class of a step's state.
fn step_class(state: StepState) -> &'static str {
    match state {
        StepState::Done => "done",
        StepState::Begun | StepState::ToUndo => "bad",
        StepState::ToDo => "none",
        StepState::Undone => "undone",
    }
}

fn joined<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

pub(super) fn day(time: OffsetDateTime) -> String {
    moment(time).split(' ').next().unwrap_or_default().to_owned()
}

/// A time to the second, for what happened within minutes.
pub(super) fn clock(time: Option<&OffsetDateTime>) -> String {
    let Some(time) = time else { return String::new() };
    format!("{}:{:02}", moment(*time), time.second())
}

impl Source {
    /// What it is, and what is proven of it.
    pub(super) fn proof(&self) -> String {
        match &self.content {
            Content::Bundle(bundle) => {
                let (name, signers) = (bundle.manifest.name(), joined(&bundle.signers));
                if bundle.is_trusted {
                    text!("bundle {name}, signed by {signers}, who is trusted", "证书包 {name}，由可信签名人 {signers} 签名")
                } else {
                    text!("bundle {name}, signed by {signers}, who was compared with nothing", "证书包 {name}，签名人 {signers}（未比对）")
                }
            }
            Content::Facts(facts) => {
                let (node, at) = (facts.called(), moment(facts.gathered));
                text!("facts of {node}, gathered {at}; checksum fits", "{node} 的节点信息，采集于 {at}；校验和正确")
            }
            Content::Receipts(all) => {
                let (whole, count) = (all.iter().filter(|read| read.is_ok()).count(), all.len());
                text!("receipts: {whole} of {count} are whole by their checksums", "回执：{count} 份中 {whole} 份校验和正确")
            }
            Content::Shorts(shorts) => {
                let count = shorts.len();
                text!("short form of {count} receipts; every line's check fits", "{count} 份短格式回执；每行校验正确")
            }
        }
    }
}
