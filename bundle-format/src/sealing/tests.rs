use proptest::prelude::*;

use super::*;
use crate::name::{BundleName, EntryPath, NodeName};

struct Names {
    bundle: BundleName,
    node: NodeName,
    entry: EntryPath,
}

impl Names {
    fn new(bundle: &str, node: &str, entry: &str) -> Self {
        Self { bundle: bundle.parse().unwrap(), node: node.parse().unwrap(), entry: entry.parse().unwrap() }
    }

    fn place(&self) -> Place<'_> {
        Place { bundle: &self.bundle, node: Some(&self.node), entry: &self.entry }
    }
}

fn names() -> Names {
    Names::new("site-7", "tos1", "secrets/tos1/key.age")
}

fn sealed_to(recipients: &[&Recipient]) -> Vec<u8> {
    seal(names().place(), b"the key", &Lock::Recipients(recipients.to_vec())).unwrap()
}

#[test]
fn only_its_recipients_open_a_secret() {
    let [own, site, other] = [(); 3].map(|()| Identity::generate());
    let sealed = sealed_to(&[&own.recipient(), &site.recipient()]);
    for identity in [&own, &site] {
        assert_eq!(open(names().place(), &sealed, Key::Identity(identity)).unwrap().as_slice(), b"the key");
    }
    let entry = || names().entry;
    assert_eq!(open(names().place(), &sealed, Key::Identity(&other)), Err(UnsealError::OtherIdentity(entry())));
    let passphrase = Passphrase::new("correct horse battery").unwrap();
    let refused = open(names().place(), &sealed, Key::Passphrase(&passphrase));
    assert!(matches!(refused, Err(UnsealError::Malformed { why: "it has recipients, not a passphrase", .. })));
    assert!(matches!(seal(names().place(), b"", &Lock::Recipients(Vec::new())), Err(SealError::Nobody(_))));
    assert!(!format!("{own:?}{passphrase:?}").contains("SECRET") && !format!("{passphrase:?}").contains("horse"));
}

#[test]
fn only_the_passphrase_opens_a_secret_and_work_is_bounded() {
    let [right, wrong] = ["正确 horse battery", "正确 horse batterz"].map(|text| Passphrase::new(text).unwrap());
    let sealed = seal(names().place(), b"identity", &Lock::Passphrase(&right)).unwrap();
    assert_eq!(open(names().place(), &sealed, Key::Passphrase(&right)).unwrap().as_slice(), b"identity");
    assert_eq!(open(names().place(), &sealed, Key::Passphrase(&wrong)), Err(UnsealError::WrongPassphrase(names().entry)));
    assert!(matches!(open(names().place(), &sealed, Key::Identity(&Identity::generate())), Err(UnsealError::Malformed { .. })));
    let header_end = sealed.windows(4).position(|window| window == b"\n---").unwrap();
    let header = std::str::from_utf8(&sealed[..header_end]).unwrap();
    assert!(header.contains(&format!(" {WORK_FACTOR}\n")), "{header}");
    for found in [16, 30, 63] {
        let hostile = [header.replacen(" 15\n", &format!(" {found}\n"), 1).as_bytes(), &sealed[header_end..]].concat();
        let expected = UnsealError::Work { entry: names().entry, found, most: WORK_FACTOR };
        assert_eq!(open(names().place(), &hostile, Key::Passphrase(&right)), Err(expected));
    }
}

#[test]
fn a_secret_in_anothers_place_is_noticed() {
    let own = Identity::generate();
    let sealed = sealed_to(&[&own.recipient()]);
    let entry = "secrets/tos1/key.age";
    let at = |names: &Names| open(names.place(), &sealed, Key::Identity(&own)).unwrap_err();
    let UnsealError::Place(PlaceError::Site { found, expected, .. }) = at(&Names::new("other-7", "tos1", entry)) else { panic!() };
    assert_eq!((found.as_str(), expected.as_str()), ("site", "other"));
    let UnsealError::Place(PlaceError::Serial { found, expected, .. }) = at(&Names::new("site-8", "tos1", entry)) else { panic!() };
    assert_eq!((u64::from(found), u64::from(expected)), (7, 8));
    let wrong_node = at(&Names::new("site-7", "tos2", entry));
    assert!(wrong_node.to_string().contains("`tos1`") && wrong_node.to_string().contains("`tos2`"), "{wrong_node}");
    let wrong_entry = at(&Names::new("site-7", "tos1", "secrets/tos1/other.age"));
    assert!(wrong_entry.to_string().contains(entry) && wrong_entry.to_string().contains("other.age"), "{wrong_entry}");
    let names = names();
    let site = Place { node: None, ..names.place() };
    assert!(matches!(open(site, &sealed, Key::Identity(&own)), Err(UnsealError::Place(PlaceError::Node { expected: None, .. }))));
}

#[test]
fn a_hostile_header_is_refused_before_it_is_parsed() {
    let own = Identity::generate();
    let start = b"age-encryption.org/v1\n".to_vec();
    let stanza = b"-> x y\n\n";
    let (long, many) = ("it has no age header, or one that is too long", "its age header has too many stanzas");
    let hostile = [
        (Vec::new(), long),
        (b"plain text".to_vec(), long),
        (start.clone(), long),
        ([&start, stanza.repeat(20_000).as_slice(), b"--- mac\n"].concat(), long),
        ([&start, stanza.repeat(MOST_STANZAS + 2).as_slice(), b"--- mac\n"].concat(), many),
        ([&start[..], &b"-> x y\n"[..], &vec![b'A'; 1 << 20], b"\n--- mac\n"].concat(), long),
        (b"age-encryption.org/v2\n-> X25519 x\n\n--- mac\n".to_vec(), "its age header is none of version 1"),
    ];
    for (sealed, expected) in hostile {
        let refused = open(names().place(), &sealed, Key::Identity(&own));
        assert!(matches!(refused, Err(UnsealError::Malformed { why, .. }) if why == expected), "{refused:?}");
    }
}

#[test]
fn an_identity_survives_its_file() {
    let own = Identity::generate();
    let line = own.to_line();
    let file = format!("# made by hand\n\n  {}\r\n# end\n", line.as_str());
    assert_eq!(Identity::parse(file.as_bytes()).unwrap().recipient(), own.recipient());
    assert_eq!(own.recipient().to_string().parse::<Recipient>().unwrap(), own.recipient());
    let refused = |file: &[u8]| Identity::parse(file).unwrap_err();
    assert_eq!(refused(b"# nothing\n"), IdentityError::None);
    assert_eq!(refused(format!("{0}\n{0}\n", line.as_str()).as_bytes()), IdentityError::Several);
    assert_eq!(refused(&line.as_bytes()[..70]), IdentityError::Malformed);
    assert_eq!(refused(own.recipient().as_str().as_bytes()), IdentityError::Malformed);
    assert_eq!(refused(b"\xff"), IdentityError::NotText);
    let mistyped = line.parse::<Recipient>().unwrap_err().to_string();
    assert!(!mistyped.contains(&line[16..]), "a secret that was typed as a recipient is not repeated");
}

#[test]
fn a_new_passphrase_is_strong_and_takes_being_read_out() {
    let shown = Passphrase::from_random(|bytes| {
        bytes.iter_mut().zip(0_u8..).for_each(|(byte, value)| *byte = value.wrapping_mul(37));
        Ok::<(), ()>(())
    });
    let shown = shown.unwrap();
    assert!(shown.len() == 49 && shown.split('-').all(|group| group.len() == 4 && group.bytes().all(|byte| byte.is_ascii_digit())));
    let written = Passphrase::new(&shown).unwrap();
    for typed in [shown.replace('-', ""), shown.replace('-', " "), format!("{} ", shown.as_str())] {
        assert!(written.is_same(&Passphrase::new(&typed).unwrap()), "{typed}");
    }
    assert!(written.check_strength().is_ok());
    assert!(!Passphrase::new("a b").unwrap().is_same(&Passphrase::new("ab").unwrap()), "other passphrases stay as they are");
    assert_eq!(Passphrase::new("").unwrap_err(), PassphraseError::Empty);
    assert!(matches!(Passphrase::new(&"x".repeat(1025)), Err(PassphraseError::TooLong { .. })));
    let short = Passphrase::new("elevencharz").unwrap().check_strength();
    assert_eq!(short, Err(PassphraseError::TooShort { characters: 11, least: 12 }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_changed_ciphertext_never_opens(content in proptest::collection::vec(any::<u8>(), 0..300), at in any::<prop::sample::Index>(), bit in 0..8) {
        let (own, names) = (Identity::generate(), names());
        let mut sealed = seal(names.place(), &content, &Lock::Recipients(vec![&own.recipient()])).unwrap();
        let opened = open(names.place(), &sealed, Key::Identity(&own)).unwrap();
        prop_assert_eq!(opened.as_slice(), content.as_slice());
        let at = at.index(sealed.len());
        sealed[at] ^= 1_u8 << bit;
        prop_assert!(open(names.place(), &sealed, Key::Identity(&own)).is_err());
        sealed.truncate(at);
        prop_assert!(open(names.place(), &sealed, Key::Identity(&own)).is_err());
    }
}
