//! What was done to a site, for its acceptance: bundles, facts and receipts become one report.
//!
//! [`source`] reads files; [`Report::of`] judges them, purely: which nodes there should be, how each stands, what deviates, what is not
//! proven. [`page`] shows it as one HTML file, [`plain`] as text, [`json`] for programs. A report claims nothing that its files do not show:
//! a node without a receipt is not renewed, and what came in the short form is called so.

mod certificates;
pub mod finding;
pub mod json;
mod node;
pub mod page;
pub mod plain;
mod quorum;
pub mod source;

use std::collections::BTreeSet;

use bundle_format::{
    name::{NodeName, SiteName},
    receipt::{Document, EventKind, Flaw, Mode, Outcome, short::Short},
    text, word,
};
use thiserror::Error;
use time::OffsetDateTime;

pub use self::{
    certificates::Renewal,
    node::{Node, Run, State},
    quorum::Sight,
};
use self::{
    finding::{Finding, Matter, Severity, gathered},
    source::{Bundle, Content, Source},
};

/// The number of the form that programs read.
pub const FORMAT: u32 = 1;

/// All that there is to say of a site.
pub struct Report {
    /// When the report was made: its present.
    pub made: OffsetDateTime,
    /// The site; none where only facts were given, which know of none.
    pub site: Option<SiteName>,
    /// From the first run's begin to the last one's last record, by the nodes' clocks.
    pub period: Option<(OffsetDateTime, OffsetDateTime)>,
    /// What it comes to.
    pub verdict: Verdict,
    /// What must not be overlooked, what matters most first.
    pub findings: Vec<Finding>,
    /// The nodes, in visiting order; those that no bundle has come last.
    pub nodes: Vec<Node>,
    /// The certificates before and after.
    pub renewals: Vec<Renewal>,
    /// What was seen of etcd, in its order.
    pub quorum: Vec<Sight>,
    /// The files, in their order.
    pub sources: Vec<Source>,
}

/// What a report comes to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Every node is renewed, as planned.
    Complete,
    /// Every node is renewed, and something was done otherwise than planned.
    Deviating,
    /// A node failed, was cut off or went back.
    Failed,
    /// Something is open.
    Incomplete,
    /// There is no receipt at all.
    NotBegun,
}

impl Verdict {
    /// The word for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Deviating => "complete-with-deviations",
            Self::Failed => "failed",
            Self::Incomplete => "incomplete",
            Self::NotBegun => "not-begun",
        }
    }

    /// For people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Complete => word!("all nodes are renewed", "所有节点均已续签"),
            Self::Deviating => word!("all nodes are renewed, with deviations", "所有节点均已续签，但有偏离项"),
            Self::Failed => word!("not all nodes are renewed", "部分节点未能续签"),
            Self::Incomplete => word!("not finished, or not fully shown", "尚未完成，或资料不全"),
            Self::NotBegun => word!("nothing was carried out yet", "尚未执行"),
        }
    }
}

/// The files are of more than one site.
#[derive(Debug, Error)]
#[error("{}", text!("the files are of the sites {_0} and {_1}: a report is about one", "文件来自站点 {_0} 和 {_1}：一份报告只针对一个站点"))]
pub struct ManySites(SiteName, SiteName);

impl Report {
    /// What the files say at `made`.
    ///
    /// # Errors
    /// When they are of several sites.
    pub fn of(sources: Vec<Source>, made: OffsetDateTime) -> Result<Self, ManySites> {
        let site = one_site(&sources)?;
        let mut bundles: Vec<&Bundle> = sources.iter().filter_map(Source::bundle).collect();
        bundles.sort_by_key(|bundle| bundle.manifest.serial);
        bundles.dedup_by_key(|bundle| bundle.identity);
        let (runs, mut found) = runs(&sources);
        let quorum = quorum::sights(&runs);
        let period = runs.iter().map(|run| run.summary.begun).min().zip(runs.iter().map(|run| run.summary.last_record).max());
        let nodes = node::nodes(&bundles, runs, &sources, &quorum);
        for node in &nodes {
            found.extend(of_node(node, &bundles, made).into_iter().map(|matter| (matter, Some(node.name.clone()))));
        }
        found.extend(of_all(&nodes, &bundles, &sources));
        found.extend(quorum::losses(&quorum));
        let renewals = certificates::renewals(&bundles, &nodes);
        let findings = gathered(found);
        let verdict = verdict(&nodes, &findings);
        Ok(Self { made, site, period, verdict, findings, nodes, renewals, quorum, sources })
    }

    /// The findings of one severity.
    pub fn of_severity(&self, severity: Severity) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.matter.severity() == severity)
    }

    /// Whether all is done, nothing is open and nothing deviates.
    #[must_use]
    pub fn is_as_planned(&self) -> bool {
        self.verdict == Verdict::Complete
    }

    /// How many nodes are renewed.
    #[must_use]
    pub fn renewed(&self) -> usize {
        self.nodes.iter().filter(|node| node.state == State::Renewed).count()
    }
}

impl Source {
    fn bundle(&self) -> Option<&Bundle> {
        if let Content::Bundle(bundle) = &self.content { Some(bundle) } else { None }
    }

    fn documents(&self) -> impl Iterator<Item = &Document> {
        let all = if let Content::Receipts(all) = &self.content { all.as_slice() } else { &[] };
        all.iter().filter_map(|read| read.as_ref().ok())
    }

    fn shorts(&self) -> &[Short] {
        if let Content::Shorts(shorts) = &self.content { shorts } else { &[] }
    }
}

fn one_site(sources: &[Source]) -> Result<Option<SiteName>, ManySites> {
    let of_bundles = sources.iter().filter_map(Source::bundle).map(|bundle| &bundle.manifest.site);
    let of_receipts = sources.iter().flat_map(|source| source.documents().map(|document| &document.receipt.site));
    let of_shorts = sources.iter().flat_map(|source| source.shorts().iter().map(|short| &short.site));
    let sites: BTreeSet<&SiteName> = of_bundles.chain(of_receipts).chain(of_shorts).collect();
    let mut sites = sites.into_iter();
    match (sites.next(), sites.next()) {
        (Some(one), Some(other)) => Err(ManySites(one.clone(), other.clone())),
        (site, _) => Ok(site.cloned()),
    }
}

/// Each receipt once, and what is wrong with them as a whole. A short form of a receipt that is there tells nothing more.
fn runs(sources: &[Source]) -> (Vec<Run>, Vec<(Matter, Option<NodeName>)>) {
    let mut documents: Vec<Document> = Vec::new();
    for document in sources.iter().flat_map(Source::documents) {
        if !documents.contains(document) {
            documents.push(document.clone());
        }
    }
    let mut shorts: Vec<Short> = Vec::new();
    for short in sources.iter().flat_map(Source::shorts) {
        if !shorts.contains(short) && !documents.iter().any(|document| short.receipt.fits(&document.digest)) {
            shorts.push(short.clone());
        }
    }
    let is_told_shortly = |node: &NodeName, number: u32| shorts.iter().any(|short| short.node == *node && short.number == number);
    let mut found = Vec::new();
    for flaw in bundle_format::receipt::verify(&documents) {
        let node = match &flaw {
            Flaw::Missing { node, from, to } if (*from..=*to).all(|number| is_told_shortly(node, number)) => continue,
            Flaw::Broken { node, .. } | Flaw::Contradiction { node, .. } | Flaw::Missing { node, .. } | Flaw::Twice { node, .. } => node,
        };
        found.push((Matter::Chain(flaw.clone()), Some(node.clone())));
    }
    for source in sources {
        let Content::Receipts(all) = &source.content else { continue };
        let unread = all.iter().filter_map(|read| read.as_ref().err());
        found.extend(unread.map(|why| (Matter::Unread { file: source.file.clone(), why: why.to_string() }, None)));
    }
    let whole = documents.into_iter().map(|document| Run { summary: Short::of(&document), document: Some(document) });
    let runs = whole.chain(shorts.into_iter().map(|summary| Run { summary, document: None })).collect();
    (runs, found)
}

/// What is to be said of a node.
fn of_node(node: &Node, bundles: &[&Bundle], made: OffsetDateTime) -> Vec<Matter> {
    let mut found = Vec::new();
    let last = node.runs.last();
    match node.state {
        State::Failed => found.push(Matter::Failed { why: last.and_then(Run::why).map(str::to_owned) }),
        State::Interrupted => found.push(Matter::Interrupted),
        State::NoReceipt => found.push(Matter::NoReceipt),
        State::Paused => found.push(Matter::Paused),
        State::Renewed => {}
        State::RolledBack => found.push(Matter::RolledBack),
        State::Waiting => found.push(Matter::Waiting),
    }
    for run in &node.runs {
        let (summary, name) = (&run.summary, run.bundle());
        found.extend(summary.deviations.iter().map(|deviation| Matter::Overridden(*deviation)));
        let told = [EventKind::ChangesDiscarded, EventKind::Resumed, EventKind::TriedAgain];
        found.extend(told.into_iter().filter(|event| summary.events.contains(event)).map(Matter::Event));
        match bundles.iter().find(|bundle| bundle.manifest.serial == summary.serial) {
            None if bundles.is_empty() => {}
            None => found.push(Matter::BundleNotHere { bundle: name }),
            Some(bundle) if !summary.bundle.fits(&bundle.identity) => found.push(Matter::OtherContent { bundle: name }),
            Some(bundle) => {
                if !bundle.manifest.nodes.iter().any(|record| record.name == node.name) {
                    found.push(Matter::NotInBundle { bundle: name });
                }
                if summary.begun < bundle.manifest.created {
                    found.push(Matter::ClockBehind);
                }
            }
        }
        if summary.last_record > made {
            found.push(Matter::ClockAhead);
        }
        if summary.clock_went_back {
            found.push(Matter::ClockWentBack);
        }
        match &run.document {
            None => found.push(Matter::ShortOnly),
            Some(document) if !document.receipt.is_whole => found.push(Matter::TreeOnly),
            Some(_) => {}
        }
    }
    found.extend(node.still_former().map(|path| Matter::StillFormer { path }));
    found
}

/// What is to be said of all together.
fn of_all(nodes: &[Node], bundles: &[&Bundle], sources: &[Source]) -> Vec<(Matter, Option<NodeName>)> {
    let mut found = Vec::new();
    if bundles.is_empty() && nodes.iter().any(|node| !node.runs.is_empty()) {
        found.push((Matter::NoBundle, None));
    }
    if sources.iter().any(|source| matches!(source.content, Content::Facts(_))) {
        let without = nodes.iter().filter(|node| node.facts.is_empty());
        found.extend(without.map(|node| (Matter::NoFacts, Some(node.name.clone()))));
    }
    for bundle in bundles.iter().filter(|bundle| !bundle.is_trusted) {
        let signers = bundle.signers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        found.push((Matter::SignerNotCompared { signers }, None));
    }
    if sources.iter().any(|source| !matches!(source.content, Content::Bundle(_))) {
        found.push((Matter::NotSigned, None));
    }
    found
}

fn verdict(nodes: &[Node], findings: &[Finding]) -> Verdict {
    let severities: BTreeSet<Severity> = findings.iter().map(|finding| finding.matter.severity()).collect();
    if nodes.iter().all(|node| node.runs.is_empty()) {
        Verdict::NotBegun
    } else if nodes.iter().any(|node| matches!(node.state, State::Failed | State::Interrupted | State::RolledBack)) {
        Verdict::Failed
    } else if severities.contains(&Severity::Open) {
        Verdict::Incomplete
    } else if severities.contains(&Severity::Deviation) {
        Verdict::Deviating
    } else {
        Verdict::Complete
    }
}

/// Whether a run guarded no quorum.
fn is_recovery(document: &Document) -> bool {
    matches!(document.receipt.mode, Mode::Recovery { .. })
}

/// Whether what a run puts in place stays there.
fn is_in_effect(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Applied | Outcome::Paused | Outcome::Waiting)
}

#[cfg(test)]
mod tests;
