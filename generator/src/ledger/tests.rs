use std::fs;

use time::macros::datetime;

use super::*;
use crate::calendar::tests::record;

fn place(folder: &tempfile::TempDir) -> Place {
    Place::find(Some(&folder.path().join("deep/ledger"))).unwrap().unwrap()
}

#[test]
fn what_is_known_is_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(&folder);
    assert_eq!(place.read().unwrap().records, []);
    place.add(vec![record("a"), record("b"), record("a")]).unwrap();
    place
        .add(vec![Record { seen: datetime!(2030-01-01 0:00 UTC), ..record("a") }, Record { node: Some("n".to_owned()), ..record("a") }])
        .unwrap();
    let records = place.read().unwrap().records;
    assert_eq!(records, [record("a"), record("b"), Record { node: Some("n".to_owned()), ..record("a") }]);
}

#[test]
fn a_line_cut_short_or_strange_spoils_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(&folder);
    place.add(vec![record("a")]).unwrap();
    let hostile = serde_json::to_string(&Record { subject: "\u{1b}[2J".to_owned(), ..record("c") }).unwrap();
    let later = serde_json::to_string(&Record { ledger: 2, ..record("d") }).unwrap();
    let whole = fs::read_to_string(place.path()).unwrap();
    fs::write(place.path(), format!("{whole}{hostile}\n{later}\n{}", &whole[..40])).unwrap();
    place.add(vec![record("b")]).unwrap();
    let read = place.read().unwrap();
    assert_eq!((read.records, read.unread), (vec![record("a"), record("b")], vec![2, 3, 4]));
}

#[test]
fn two_writers_do_not_mix() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(&folder);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let place = place.clone();
            let _ = scope.spawn(move || (0..25).for_each(|number| place.add(vec![record(&format!("{writer}-{number}"))]).unwrap()));
        }
    });
    let read = place.read().unwrap();
    assert_eq!((read.records.len(), read.unread), (100, vec![]));
}

#[test]
fn a_ledger_past_its_bound_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(&folder);
    place.add(vec![record("a")]).unwrap();
    fs::File::options().write(true).open(place.path()).unwrap().set_len(MOST_BYTES + 1).unwrap();
    assert!(matches!(place.read(), Err(LedgerError::TooLarge(_))));
}
