//! Tests of the short form.

use proptest::prelude::*;
use time::macros::datetime;

use super::*;
use crate::receipt::document::{self, tests::example};

fn short() -> Short {
    let receipt = example(3, Some(Digest::of(b"former")));
    let (_, digest) = document::write(&receipt).unwrap();
    Short::of(&Document { receipt, digest })
}

fn read_one(text: &str) -> Result<Short, ShortError> {
    let mut all = read_all(text);
    assert_eq!(all.len(), 1, "{text}");
    all.remove(0)
}

fn mistakes(text: &str) -> Vec<Mistake> {
    match read_one(text) {
        Err(ShortError::Mistakes(mistakes)) => mistakes,
        other => panic!("{other:?}"),
    }
}

/// The same text with other characters in its groups, and the numbers of its lines as they are.
fn retyped(text: &str, change: impl Fn(&str) -> String) -> String {
    let retype = |line: &str| line.split_once(' ').map(|(place, groups)| format!("{place} {}\n", change(groups)));
    text.lines().filter_map(retype).collect()
}

#[test]
fn what_was_written_is_read_however_it_is_typed() {
    let (short, text) = (short(), short().write().unwrap());
    assert_eq!(text.lines().count(), 5, "{text}");
    assert!(text.lines().all(|line| line.len() <= 40));
    for typed in [
        text.clone(),
        text.to_lowercase(),
        text.replace('-', " "),
        retyped(&text, |groups| groups.replace('-', "")),
        retyped(&text, |groups| groups.replace('0', "o").replace('1', "l")),
        text.replace('\n', "\r\n\r\n  "),
        format!("receipt 3 of site, tos1: applied 2026/11\n{text}\nsigned by A/B"),
    ] {
        assert_eq!(read_one(&typed), Ok(short.clone()), "{typed}");
    }
}

#[test]
fn it_tells_what_the_receipt_says() {
    let short = short();
    assert_eq!((short.site.as_str(), short.node.as_str(), short.number), ("site", "tos1", 3));
    assert_eq!((short.exit, short.outcome, short.is_recovery), (Some(7), Outcome::Waiting, true));
    assert_eq!((short.files, short.rows, short.restarts, short.down), (2, 0, 1, Some(55)));
    assert_eq!((short.quorum, &short.deviations[..]), (Some((0, Some(1), 3)), &[Deviation::SignerAdded][..]));
    assert!(short.bundle.fits(&Digest::of(b"list")) && !short.bundle.fits(&Digest::of(b"other")));
}

/// Every text that one wrong character, or two neighbours that changed places, make of this one.
fn mistyped(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    for (at, typed) in characters.iter().enumerate().filter(|(_, c)| **c != '\n') {
        for c in "0123456789ABCDEFGHJKMNPQRSTVWXYZ/- U!".chars().filter(|c| c != typed) {
            let mut wrong = characters.clone();
            wrong[at] = c;
            found.push(wrong.into_iter().collect());
        }
        if at > 0 && characters[at - 1] != '\n' {
            let mut wrong = characters.clone();
            wrong.swap(at - 1, at);
            found.push(wrong.into_iter().collect());
        }
    }
    found
}

/// What is meant by a text: its numbers, and its characters without what is passed over.
fn meaning(text: &str) -> Vec<((u16, u16), String)> {
    text.lines().filter_map(place).map(|(place, rest)| (place, rest.replace([' ', '-'], ""))).collect()
}

#[test]
fn every_mistake_is_noticed() {
    let (right, text) = (short(), short().write().unwrap());
    let line = text.lines().nth(1).unwrap();
    for wrong in mistyped(line) {
        let typed = text.replacen(line, &wrong, 1);
        let read = read_all(&typed);
        if meaning(&typed) == meaning(&text) {
            assert_eq!(read, [Ok(right.clone())], "{wrong}");
        } else {
            assert!(read.iter().all(Result::is_err), "{wrong}");
        }
    }
}

#[test]
fn a_mistake_is_told_with_its_line_and_what_was_perhaps_meant() {
    let text = short().write().unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let group = &lines[2][4..8];
    let other = if group.starts_with('Z') { "Y" } else { "Z" };
    let wrong = format!("{other}{}", &group[1..]);
    let typed = text.replacen(group, &wrong, 1);
    let place = Place { number: 3, total: 5 };
    assert_eq!(mistakes(&typed), [Mistake::Typed { row: 3, place, perhaps: Some((wrong.clone(), group.to_owned())) }]);
    assert_eq!(mistakes(&typed)[0].to_string(), format!("row 3, line 3/5 is mistyped: perhaps `{wrong}` is `{group}`"));
    let worse = text.replacen(&lines[2][4..18], &lines[3][4..18], 1);
    assert!(matches!(mistakes(&worse)[..], [Mistake::Typed { row: 3, perhaps: None, .. }]));
    let renumbered = mistakes(&text.replacen("3/5", "4/5", 1));
    assert_eq!(renumbered[0].to_string(), "row 3, line 4/5 is mistyped: perhaps `4/5` is `3/5`");
    assert_eq!(renumbered[1], Mistake::Missing { place });
    let without =
        |left_out: usize| lines.iter().enumerate().filter(|(at, _)| *at != left_out).flat_map(|(_, line)| [line, "\n"]).collect::<String>();
    for left_out in 0..5 {
        let number = u8::try_from(left_out + 1).unwrap();
        assert_eq!(mistakes(&without(left_out)), [Mistake::Missing { place: Place { number, total: 5 } }]);
    }
    assert!(matches!(mistakes(&text.replacen(lines[1], "2/5 U", 1))[..], [Mistake::Unreadable { why: Unreadable::Character('U'), .. }]));
    assert!(matches!(mistakes(&text.replacen(lines[1], "2/5 00", 1))[..], [Mistake::Unreadable { why: Unreadable::Length(2), .. }]));
    assert!(matches!(mistakes(&text.replacen("2/5", "99/5", 1))[..], [Mistake::Number { number: 99, .. }, Mistake::Missing { .. }]));
    assert_eq!(read_all("nothing\n"), []);
}

#[test]
fn lines_of_two_receipts_do_not_mix() {
    let mut other = short();
    other.exit = Some(0);
    let (one, other) = (short().write().unwrap(), other.write().unwrap());
    let mixed: String =
        one.lines().zip(other.lines()).enumerate().flat_map(|(at, (one, other))| [if at == 0 { other } else { one }, "\n"]).collect();
    assert_eq!(read_one(&mixed), Err(ShortError::Mixed));
    assert_eq!(read_all(&[one.as_str(), &other].concat()).iter().filter(|read| read.is_ok()).count(), 2);
}

fn any_short() -> impl Strategy<Value = Short> {
    let name = "[a-zA-Z0-9]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?";
    let time = || (-62_000_000_000_i64..253_000_000_000).prop_map(|seconds| OffsetDateTime::from_unix_timestamp(seconds).unwrap());
    let names = (name, name, 1..=Serial::MOST, any::<u32>());
    let digests = (any::<[u8; 8]>(), any::<[u8; 8]>());
    let numbers = (any::<u32>(), any::<u32>(), any::<u32>(), prop::option::of(any::<u32>()));
    let quorum = prop::option::of((any::<u32>(), prop::option::of(any::<u32>()), any::<u32>()));
    let flags = (any::<bool>(), any::<bool>(), 0..64_u8, 0..64_u8, prop::option::of(any::<u8>()), 0..6_usize, 0..3_usize);
    let times = (time(), time(), prop::option::of(time()), prop::option::of(time()));
    (names, digests, numbers, quorum, flags, times).prop_map(|(names, digests, numbers, quorum, flags, times)| Short {
        site: names.0.parse().unwrap(),
        node: names.1.parse().unwrap(),
        serial: names.2.try_into().unwrap(),
        number: names.3,
        receipt: Prefix(digests.0),
        bundle: Prefix(digests.1),
        files: numbers.0,
        rows: numbers.1,
        restarts: numbers.2,
        down: numbers.3,
        quorum,
        is_recovery: flags.0,
        clock_went_back: flags.1,
        deviations: Deviation::ALL.into_iter().enumerate().filter(|(bit, _)| flags.2 >> bit & 1 == 1).map(|(_, what)| what).collect(),
        events: TOLD.into_iter().enumerate().filter(|(bit, _)| flags.3 >> bit & 1 == 1).map(|(_, what)| what).collect(),
        exit: flags.4,
        outcome: [Outcome::Applied, Outcome::Failed, Outcome::Interrupted, Outcome::Paused, Outcome::RolledBack, Outcome::Waiting][flags.5],
        command: [None, Some(Command::Apply), Some(Command::Rollback)][flags.6],
        begun: times.0,
        last_record: times.1,
        former_not_after: times.2,
        new_not_after: times.3,
    })
}

proptest! {
    #[test]
    fn whatever_is_written_is_read(short in any_short()) {
        prop_assert_eq!(read_one(&short.write().unwrap()), Ok(short));
    }

    #[test]
    fn up_to_four_wrong_characters_of_a_line_are_noticed(
        short in any_short(), row in any::<prop::sample::Index>(), wrong in prop::collection::btree_map(0..28_usize, 1..32_u8, 1..5),
    ) {
        let text = short.write().unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let line = lines[row.index(lines.len())];
        let (place, rest) = line.split_once(' ').unwrap();
        let mut characters: Vec<char> = rest.chars().filter(|c| *c != '-').collect();
        let alphabet: Vec<char> = "0123456789ABCDEFGHJKMNPQRSTVWXYZ".chars().collect();
        for (at, by) in &wrong {
            let value = alphabet.iter().position(|c| *c == characters[*at]).unwrap();
            characters[*at] = alphabet[value ^ usize::from(*by)];
        }
        let typed = text.replacen(line, &format!("{place} {}", characters.iter().collect::<String>()), 1);
        let Err(ShortError::Mistakes(mistakes)) = read_one(&typed) else { panic!("{typed}") };
        prop_assert_eq!(mistakes.len(), 1);
        if let (1, Mistake::Typed { perhaps, .. }) = (wrong.len(), &mistakes[0]) {
            let meant = &perhaps.as_ref().unwrap().1;
            prop_assert!(line.contains(meant), "{} {}", meant, line);
        }
    }

    #[test]
    fn one_mistake_anywhere_is_noticed(short in any_short(), row in any::<prop::sample::Index>(), which in any::<prop::sample::Index>()) {
        let text = short.write().unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let line = lines[row.index(lines.len())];
        let all = mistyped(line);
        let typed = text.replacen(line, &all[which.index(all.len())], 1);
        let read = read_all(&typed);
        let is_same = meaning(&typed) == meaning(&text);
        prop_assert!(if is_same { read == [Ok(short)] } else { read.iter().all(Result::is_err) }, "{}", typed);
    }

    #[test]
    fn arbitrary_text_ends(text in "([0-9]{1,2}/[0-9]{1,2} [0-9A-Z-]{0,40}\n){0,6}") {
        let _ = read_all(&text);
    }
}

#[test]
fn a_time_of_another_age_is_kept() {
    let mut short = short();
    short.new_not_after = Some(datetime!(9999-12-31 23:59:59 UTC));
    short.former_not_after = Some(datetime!(1950-01-01 0:00 UTC));
    assert_eq!(read_one(&short.write().unwrap()), Ok(short));
}
