//! Tests of chains.

use proptest::prelude::*;

use super::*;
use crate::receipt::document::{self, tests::example};

/// The receipts of a node, in their order.
fn chain(length: u32) -> Vec<Document> {
    let mut documents: Vec<Document> = Vec::new();
    for number in 1..=length {
        let receipt = example(number, documents.last().map(|last| last.digest));
        let (_, digest) = document::write(&receipt).unwrap();
        documents.push(Document { receipt, digest });
    }
    documents
}

/// The same receipt with another exit code, as someone might wish it.
fn altered(document: &Document) -> Document {
    let mut receipt = document.receipt.clone();
    receipt.exit = Some(0);
    let (_, digest) = document::write(&receipt).unwrap();
    Document { receipt, digest }
}

#[test]
fn each_flaw_is_named() {
    let node: NodeName = "tos1".parse().unwrap();
    let whole = chain(5);
    assert_eq!(verify(&[]), []);
    assert_eq!(verify(&[&whole[..], &whole[..2]].concat()), []);
    let missing = |from, to| Flaw::Missing { node: node.clone(), from, to };
    assert_eq!(verify(&[whole[0].clone(), whole[3].clone()]), [missing(2, 3)]);
    assert_eq!(verify(&whole[1..]), [missing(1, 1)]);
    assert_eq!(missing(2, 2).to_string(), "receipt 2 of `tos1` is missing");

    let mut forged = whole.clone();
    forged[2] = altered(&whole[2]);
    let broken = Flaw::Broken { node: node.clone(), number: 4, named: whole[2].digest, found: forged[2].digest };
    assert_eq!(verify(&forged), [broken]);
    assert!(verify(&forged)[0].to_string().starts_with("receipt 4 of `tos1` does not follow on receipt 3: it names the digest "));
    assert_eq!(verify(&[&whole[..], &forged[2..3]].concat())[0], Flaw::Twice { node: node.clone(), number: 3 });

    let mut rootless = whole.clone();
    rootless[1].receipt.former = None;
    assert_eq!(verify(&rootless[..2]), [Flaw::Contradiction { node, number: 2 }]);
}

#[test]
fn nodes_have_chains_of_their_own() {
    let mut other = chain(2);
    for document in &mut other {
        document.receipt.node = "tos2".parse().unwrap();
    }
    assert_eq!(verify(&[chain(3), other].concat()), []);
}

proptest! {
    #[test]
    fn whichever_are_missing_or_altered_is_noticed(
        length in 1..8_u32, missing in prop::collection::btree_set(0..8_usize, 0..4), wrong in prop::option::of(0..8_usize), seed in any::<u64>(),
    ) {
        let whole = chain(length);
        let mut left: Vec<Document> =
            whole.iter().enumerate().filter(|(at, _)| !missing.contains(at)).map(|(_, document)| document.clone()).collect();
        // The newest may be missing or altered unnoticed: nothing names them.
        let last = left.last().map_or(0, |last| last.receipt.number);
        let is_short = (1..last).any(|number| left.iter().all(|document| document.receipt.number != number));
        let followed = |at: usize| left.iter().any(|document| document.receipt.number as usize == at + 2);
        let forged = wrong.filter(|at| left.iter().any(|document| document.receipt.number as usize == at + 1) && followed(*at));
        if let Some(at) = forged {
            let place = left.iter().position(|document| document.receipt.number as usize == at + 1).unwrap();
            left[place] = altered(&left[place]);
        }
        let turn = usize::try_from(seed % 8).unwrap() % left.len().max(1);
        left.rotate_left(turn);
        prop_assert_eq!(verify(&left).is_empty(), !is_short && forged.is_none());
    }
}
