//! Whether the receipts of a node are all there and as they were written. Pure.
//!
//! Each receipt names its number and the digest of the one before. Receipts cannot show that the newest ones are missing: that only the
//! node itself knows.

use thiserror::Error;

use super::Document;
use crate::{digest::Digest, name::NodeName, text};

/// What is wrong with the receipts of a node.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum Flaw {
    /// A receipt names another one before it than the one that is there: one of the two is not what was written.
    #[error("{}", text!(
        "receipt {number} of `{node}` does not follow on receipt {}: it names the digest {named}, and that one has {found}",
        "`{node}` 的回执 {number} 与回执 {} 不相接：它写的摘要是 {named}，实际是 {found}";
        number.saturating_sub(1)
    ))]
    Broken {
        /// The node.
        node: NodeName,
        /// The later receipt's number.
        number: u32,
        /// What it names.
        named: Digest,
        /// What is there.
        found: Digest,
    },
    /// The first receipt names one before it, or a later one names none.
    #[error("{}", text!(
        "receipt {number} of `{node}` contradicts itself: only the first names none before it",
        "`{node}` 的回执 {number} 自相矛盾：只有第一份回执没有上一份"
    ))]
    Contradiction {
        /// The node.
        node: NodeName,
        /// Its number.
        number: u32,
    },
    /// Receipts are missing.
    #[error("{}", if from == to {
        text!("receipt {from} of `{node}` is missing", "缺少 `{node}` 的回执 {from}")
    } else {
        text!("the receipts {from} to {to} of `{node}` are missing", "缺少 `{node}` 的回执 {from} 至 {to}")
    })]
    Missing {
        /// The node.
        node: NodeName,
        /// The first that is missing.
        from: u32,
        /// The last.
        to: u32,
    },
    /// Two receipts have one number and are not the same.
    #[error("{}", text!("there are two different receipts {number} of `{node}`", "`{node}` 有两份不同的回执 {number}"))]
    Twice {
        /// The node.
        node: NodeName,
        /// Their number.
        number: u32,
    },
}

/// Checks the receipts of any nodes, in any order; one that is there several times counts once. All flaws, by node and number.
#[must_use]
pub fn verify(documents: &[Document]) -> Vec<Flaw> {
    let mut sorted: Vec<&Document> = documents.iter().collect();
    let key = |document: &Document| {
        let receipt = &document.receipt;
        (receipt.site.clone(), receipt.node.clone(), receipt.number, document.digest)
    };
    sorted.sort_by_key(|document| key(document));
    sorted.dedup_by_key(|document| key(document));
    let mut flaws = Vec::new();
    let mut before: Option<&Document> = None;
    for document in sorted {
        let same_node = before.filter(|before| is_of_one_node(before, document));
        flaws.extend(judge(same_node, document));
        before = Some(document);
    }
    flaws
}

fn is_of_one_node(one: &Document, other: &Document) -> bool {
    (&one.receipt.site, &one.receipt.node) == (&other.receipt.site, &other.receipt.node)
}

/// What is wrong between a receipt and the one before it in number, or nothing before it.
fn judge(before: Option<&Document>, document: &Document) -> Vec<Flaw> {
    let (node, number) = (document.receipt.node.clone(), document.receipt.number);
    let last = before.map_or(0, |before| before.receipt.number);
    if before.is_some() && last == number {
        return vec![Flaw::Twice { node, number }];
    }
    let mut flaws = Vec::new();
    if (number == 1) != document.receipt.former.is_none() {
        flaws.push(Flaw::Contradiction { node: node.clone(), number });
    }
    if last.saturating_add(1) < number {
        flaws.push(Flaw::Missing { node, from: last.saturating_add(1), to: number.saturating_sub(1) });
    } else if let (Some(before), Some(named)) = (before, document.receipt.former)
        && named != before.digest
    {
        flaws.push(Flaw::Broken { node, number, named, found: before.digest });
    }
    flaws
}

#[cfg(test)]
mod tests;
