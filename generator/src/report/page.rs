//! A report as one HTML page: nothing from outside, no script, both languages in it.
//!
//! Hostile names and what stops them: the template escapes every value (`askama`, by the template's extension), numbers alone stand in the
//! pictures' geometry, and a content security policy allows nothing but the one style sheet, by its digest.

mod charts;
mod words;

use std::collections::HashMap;

use askama::Template;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bundle_format::{
    digest::Digest,
    language::Language,
    name::{Label, NodeName},
    text,
};

use self::charts::{Column, Timeline};
use super::{
    Node, Report, Sight, State, Verdict,
    finding::Severity,
    plain::title,
    source::{Bundle, Source},
};
use crate::present::moment;

const STYLE: &str = include_str!("../../templates/report.css");
/// Up to how many nodes each has a card with words.
const CARDS: usize = 12;
/// Up to how many nodes each has a tile with its name; more have a square alone.
const TILES: usize = 80;
/// How many looks at etcd are shown.
const LOOKS: usize = 60;

/// The page, which opens in `language`.
///
/// # Errors
/// When the template cannot be filled in.
pub fn write(report: &Report, language: Language) -> Result<String, askama::Error> {
    let body = |language: Language| language.says(|| Body::of(report, language).render());
    let bodies = [body(Language::English)?, body(Language::Chinese)?];
    Page { language, title: language.says(|| title(report)), style: STYLE, hash: style_hash(), bodies }.render()
}

fn style_hash() -> String {
    format!("sha256-{}", STANDARD.encode(Digest::of(STYLE.as_bytes()).as_bytes()))
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    language: Language,
    title: String,
    style: &'static str,
    hash: String,
    bodies: [String; 2],
}

/// The page in one language.
#[derive(Template)]
#[template(path = "report-body.html")]
struct Body<'a> {
    report: &'a Report,
    language: Language,
    density: &'static str,
    groups: Vec<Group<'a>>,
    counts: Vec<(State, usize)>,
    timeline: Option<Timeline<'a>>,
    looks: &'a [Sight],
    positions: HashMap<&'a NodeName, usize>,
}

/// Nodes that do the same.
struct Group<'a> {
    title: String,
    nodes: Vec<&'a Node>,
}

impl<'a> Body<'a> {
    fn of(report: &'a Report, language: Language) -> Self {
        let count = report.nodes.len();
        let density = if count <= CARDS {
            "cards"
        } else if count <= TILES {
            "tiles"
        } else {
            "squares"
        };
        let count = |state: State| (state, report.nodes.iter().filter(|node| node.state == state).count());
        Self {
            report,
            language,
            density,
            groups: groups(&report.nodes),
            counts: State::ALL.into_iter().map(count).filter(|(_, count)| *count > 0).collect(),
            timeline: Timeline::of(report),
            looks: &report.quorum[report.quorum.len().saturating_sub(LOOKS)..],
            positions: report.nodes.iter().enumerate().map(|(at, node)| (&node.name, at)).collect(),
        }
    }

    /// One of two words, in the language of this half of the page.
    fn t<'w>(&self, english: &'w str, chinese: &'w str) -> &'w str {
        if self.language == Language::Chinese { chinese } else { english }
    }

    fn title(&self) -> String {
        title(self.report)
    }

    fn made(&self) -> String {
        moment(self.report.made)
    }

    fn verdict_class(&self) -> &'static str {
        if self.report.verdict == Verdict::Failed { "failed-verdict" } else { self.report.verdict.code() }
    }

    fn verdict_mark(&self) -> &'static str {
        match self.report.verdict {
            Verdict::Complete | Verdict::Deviating => "renewed",
            Verdict::Failed => "failed",
            Verdict::Incomplete | Verdict::NotBegun => "interrupted",
        }
    }

    fn renewed_text(&self) -> String {
        text!("{} of {} nodes renewed", "{} / {} 个节点已续签"; self.report.renewed(), self.report.nodes.len())
    }

    fn period(&self) -> Option<String> {
        let (from, to) = self.report.period?;
        let (from, to) = (moment(from), moment(to));
        Some(text!("{from} to {to} UTC, by the nodes' clocks", "{from} 至 {to} UTC（节点时钟）"))
    }

    fn bundles(&self) -> Vec<String> {
        let bundles = self.report.sources.iter().filter_map(Source::bundle);
        let line = |bundle: &Bundle| {
            let (name, made) = (bundle.manifest.name(), moment(bundle.manifest.created));
            text!("{name}, made {made} UTC", "{name}，制作于 {made} UTC")
        };
        bundles.map(line).collect()
    }

    fn is_cards(&self) -> bool {
        self.density == "cards"
    }

    fn is_tiles(&self) -> bool {
        self.density == "tiles"
    }

    fn is_many(&self) -> bool {
        !self.is_cards()
    }

    /// Where the picture leads: to what was done on the node, or to its row where nothing is known.
    fn anchor(&self, node: &Node) -> String {
        if node.is_told() && !self.is_many() { self.detail_anchor(node) } else { self.row_anchor(node) }
    }

    fn anchor_of(&self, name: &NodeName) -> Option<String> {
        self.report.nodes.iter().find(|node| node.name == *name).map(|node| self.anchor(node))
    }

    fn row_anchor(&self, node: &Node) -> String {
        format!("{}-row-{}", self.language.tag(), self.position(node))
    }

    fn detail_anchor(&self, node: &Node) -> String {
        format!("{}-node-{}", self.language.tag(), self.position(node))
    }

    fn position(&self, node: &Node) -> usize {
        self.positions.get(&node.name).copied().unwrap_or_default()
    }

    /// Details are open where there are few, or where there is something to look at.
    fn is_open(&self, node: &Node) -> bool {
        !self.is_many() || node.state != State::Renewed
    }

    /// The nodes whose details there are.
    fn told(&self) -> Vec<&'a Node> {
        self.report.nodes.iter().filter(|node| node.is_told()).collect()
    }

    fn told_count(&self) -> usize {
        self.told().len()
    }

    fn columns(&self) -> Vec<Column> {
        let width = 100.0 / f64::from(u32::try_from(self.looks.len()).unwrap_or(u32::MAX)).max(6.0);
        (0_u32..).zip(self.looks).map(|(at, look)| Column::of(look, f64::from(at) * width, width)).collect()
    }

    fn is_labelled(&self) -> bool {
        self.looks.len() <= 16
    }

    fn acceptance(&self) -> String {
        let (renewed, all) = (self.report.renewed(), self.report.nodes.len());
        let said = text!(
            "The renewal of certificates on {renewed} of {all} nodes is accepted as this report shows it",
            "确认本报告所示的证书续签结果（{renewed} / {all} 个节点）"
        );
        let is_deviating = self.report.findings.iter().any(|finding| finding.matter.severity() != Severity::Note);
        if is_deviating {
            text!("{said}; the deviations above are known.", "{said}；上述偏离项已知悉。")
        } else {
            text!("{said}.", "{said}。")
        }
    }

    fn footer(&self) -> String {
        let (version, made) = (env!("CARGO_PKG_VERSION"), self.made());
        text!(
            "Made by reseal {version} at {made} UTC. Dates and digests are those that the files tell; no private key is in this page.",
            "由 reseal {version} 于 {made} UTC 生成。日期与摘要均来自上述文件；本页不含私钥。"
        )
    }
}

impl<'a> Group<'a> {
    fn of(role: Option<&Label>, nodes: Vec<&'a Node>) -> Self {
        let count = nodes.len();
        let title = match role.map(Label::as_str) {
            Some("etcd") => text!("etcd members: {count}, quorum {}", "etcd 成员：{count}，法定票数 {}"; count / 2 + 1),
            Some(role) => format!("{role}: {count}"),
            None => text!("role not known: {count}", "角色未知：{count}"),
        };
        Self { title, nodes }
    }
}

/// Nodes by their first role, in the order in which roles first come; those without a role last.
fn groups(nodes: &[Node]) -> Vec<Group<'_>> {
    let mut groups: Vec<(Option<&Label>, Vec<&Node>)> = Vec::new();
    for node in nodes {
        let role = node.roles.first();
        match groups.iter_mut().find(|(known, _)| *known == role) {
            Some((_, members)) => members.push(node),
            None => groups.push((role, vec![node])),
        }
    }
    groups.sort_by_key(|(role, _)| role.is_none());
    groups.into_iter().map(|(role, nodes)| Group::of(role, nodes)).collect()
}
