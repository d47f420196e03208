use time::macros::datetime;

use super::*;

/// A record whose fingerprint is made of `name`, seen in place.
pub fn record(name: &str) -> Record {
    Record {
        ledger: crate::ledger::FORMAT,
        seen: datetime!(2026-01-01 0:00 UTC),
        site: None,
        node: None,
        bundle: None,
        replaces: None,
        fingerprint: Digest::of(name.as_bytes()),
        public_key: Fingerprint::of_spki(name.as_bytes()),
        ca: name.starts_with("ca"),
        subject: format!("CN={name}"),
        issuer: "CN=ca".to_owned(),
        serial: "01".to_owned(),
        not_before: datetime!(2020-01-01 0:00 UTC),
        not_after: datetime!(2027-01-01 0:00 UTC),
    }
}

fn on(node: &str, name: &str) -> Record {
    Record { node: Some(node.to_owned()), ..record(name) }
}

fn built(bundle: &str, name: &str, replaces: &str) -> Record {
    let (site, not_after) = (bundle.split('-').next().unwrap().parse().ok(), datetime!(2126-01-01 0:00 UTC));
    Record { site, not_after, bundle: Some(bundle.to_owned()), replaces: Some(Digest::of(replaces.as_bytes())), ..record(name) }
}

fn states(records: &[Record]) -> Vec<(String, State, Vec<String>)> {
    entries(records).into_iter().map(|entry| (entry.subject, entry.state, entry.nodes.into_iter().collect())).collect()
}

fn state(name: &str, state: State, nodes: &[&str]) -> (String, State, Vec<String>) {
    (format!("CN={name}"), state, nodes.iter().map(|node| (*node).to_owned()).collect())
}

#[test]
fn the_old_end_stands_until_the_new_certificate_is_seen_on_each_node() {
    use State::{Built, InPlace, RenewalBuilt};
    let mut ledger = vec![on("n1", "old"), on("n2", "old")];
    assert_eq!(states(&ledger), [state("old", InPlace, &["n1", "n2"])]);
    ledger.push(built("site-1", "new", "old"));
    assert_eq!(states(&ledger), [state("old", RenewalBuilt, &["n1", "n2"]), state("new", Built, &[])]);
    assert!(entries(&ledger).iter().all(|entry| entry.site.as_ref().is_some_and(|site| site.as_str() == "site")), "both are of the site");
    ledger.push(Record { not_after: ledger[2].not_after, ..on("n1", "new") });
    assert_eq!(states(&ledger), [state("old", RenewalBuilt, &["n2"]), state("new", InPlace, &["n1"])]);
    ledger.push(Record { not_after: ledger[2].not_after, ..on("n2", "new") });
    assert_eq!(states(&ledger), [state("new", InPlace, &["n1", "n2"])]);
}

#[test]
fn of_files_one_sight_of_the_new_certificate_is_enough() {
    let ledger = [record("old"), built("site-1", "new", "old"), record("new")];
    assert_eq!(states(&ledger), [state("new", State::InPlace, &[])]);
}

#[test]
fn a_bundle_that_was_built_anew_takes_the_place_of_one_that_was_not_used() {
    let ledger = [record("old"), built("site-1", "first", "old"), built("site-2", "second", "old")];
    assert_eq!(states(&ledger), [state("old", State::RenewalBuilt, &[]), state("second", State::Built, &[])]);
    assert_eq!(entries(&ledger)[0].bundle.as_deref(), Some("site-2"));
}

#[test]
fn what_ends_first_stands_first() {
    let late = Record { not_after: datetime!(2030-01-01 0:00 UTC), ..record("late") };
    assert_eq!(entries(&[late, record("soon")]).iter().map(|entry| entry.subject.as_str()).collect::<Vec<_>>(), ["CN=soon", "CN=late"]);
}
