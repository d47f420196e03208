//! Tests of the text form.

use proptest::prelude::*;
use time::macros::datetime;

use super::*;
use crate::{
    certificate::Certificate,
    digest::Fingerprint,
    receipt::{
        BundleLink, Command, Deviation, Down, Event, EventKind, JournalLink, Mode, Occasion, Outcome, Override, QuorumSight, RunLink,
        StepKind, StepReceipt, StepState,
    },
};

/// A certificate that openssl made: O=x, CN=y, P-256, SAN tos1.
const PEM: &str = include_str!("../../facts/document/example.pem");

/// The receipt of a master.
pub fn example(number: u32, former: Option<Digest>) -> Receipt {
    let certificate = Certificate::all_from_pem(PEM.as_bytes()).unwrap().remove(0);
    let at = datetime!(2026-01-02 03:04:05 UTC);
    let content = |bytes: &[u8]| Content::of(bytes, false, |_| None);
    let install = StepReceipt {
        kind: StepKind::InstallFiles,
        state: StepState::Done,
        started: Some(at),
        done: Some(at),
        undone: None,
        files: vec![
            FileReceipt { target: "/srv/x.pem".parse().unwrap(), former: None, new: content(PEM.as_bytes()) },
            FileReceipt {
                target: "/srv/key.pem".parse().unwrap(),
                former: Some(Content::Unknown),
                new: Content::PrivateKey { public_key: Some(certificate.public_key()) },
            },
        ],
        rows: Vec::new(),
        services: Vec::new(),
        down: Vec::new(),
    };
    let restart = StepReceipt {
        kind: StepKind::RestartStaticPods,
        files: Vec::new(),
        services: vec!["tos-etcd".to_owned()],
        down: vec![Down { from: at, until: Some(datetime!(2026-01-02 03:05:00 UTC)) }],
        ..install.clone()
    };
    Receipt {
        receipt: FORMAT,
        number,
        former,
        written: at,
        made_by: "0.1.0".to_owned(),
        architecture: "x86_64".to_owned(),
        is_whole: true,
        host: Some("tos1".to_owned()),
        site: "site".parse().unwrap(),
        node: "tos1".parse().unwrap(),
        bundle: BundleLink { serial: "7".parse().unwrap(), sha256: Digest::of(b"list"), signers: vec![Fingerprint::of_spki(b"signer")] },
        run: RunLink {
            name: "0001-site-7".to_owned(),
            begun_by: "0.1.0".to_owned(),
            begun: at,
            last_record: at,
            journal: JournalLink { records: 9, bytes: 4000, sha256: Digest::of(b"journal") },
        },
        command: Some(Command::Apply),
        exit: Some(7),
        outcome: Outcome::Waiting,
        why: None,
        clock_went_back: 0,
        mode: Mode::Recovery { target: "/srv/ca.pem".parse().unwrap(), ended: datetime!(2025-12-01 0:00 UTC) },
        deviations: vec![Override { what: Deviation::SignerAdded, at }],
        events: vec![Event { what: EventKind::Begun, at }, Event { what: EventKind::Applied, at }],
        steps: vec![install, restart],
        quorum: vec![QuorumSight {
            at,
            occasion: Occasion::End,
            cluster: "etcd".parse().unwrap(),
            members: 3,
            healthy: 0,
            renewed: Some(1),
            unhealthy: vec!["tos2".parse().unwrap(), "tos3".parse().unwrap()],
        }],
    }
}

/// A document with this text in place of another, and a digest that fits.
fn forged(from: &str, to: &str) -> Result<Document, ReceiptError> {
    let (text, _) = write(&example(1, None)).unwrap();
    let body = text.rsplitn(4, '\n').last().unwrap().to_owned() + "\n";
    assert!(body.contains(from), "{body}");
    let body = body.replacen(from, to, 1);
    read(format!("{body}  \"sha256\": \"{}\"\n}}\n", Digest::of(body.as_bytes())).as_bytes())
}

#[test]
fn what_was_written_is_read() {
    let receipt = example(1, None);
    let (text, digest) = write(&receipt).unwrap();
    assert!(is_receipt(text.as_bytes()));
    assert_eq!(read(text.as_bytes()).unwrap(), Document { receipt: receipt.clone(), digest });
    assert_eq!(receipt.new_not_after(), Some(Certificate::all_from_pem(PEM.as_bytes()).unwrap()[0].not_after()));
    assert_eq!(receipt.former_not_after(), None);
}

#[test]
fn every_flipped_or_missing_byte_is_noticed() {
    let (text, _) = write(&example(1, None)).unwrap();
    let bytes = text.as_bytes();
    for at in 0..bytes.len() {
        let mut altered = bytes.to_vec();
        altered[at] ^= 1;
        assert!(matches!(read(&altered), Err(ReceiptError::Altered { .. } | ReceiptError::Cut)), "{at}");
        assert!(read(&bytes[..at]).is_err(), "{at}");
    }
    assert!(matches!(read(&[bytes, b"\n"].concat()), Err(ReceiptError::Cut)));
}

#[test]
fn what_no_receipt_says_is_refused() {
    assert!(forged("\"exit\": 7", "\"exit\": 6").is_ok());
    assert!(matches!(forged("\"receipt\": 1", "\"receipt\": 2"), Err(ReceiptError::Format { found: 2 })));
    assert!(matches!(forged("\"exit\": 7", "\"exit\": 7, \"more\": 1"), Err(ReceiptError::Json(_))));
    assert!(matches!(forged("\"host\": \"tos1\"", "\"host\": \"\\u001b[2J\""), Err(ReceiptError::Text("receipt"))));
    assert!(matches!(forged("\"tos-etcd\"", "\"-----BEGIN PRIVATE KEY-----\""), Err(ReceiptError::Private("steps"))));
    assert!(matches!(forged("\"subject\": \"O=x", "\"subject\": \"age-secret-key-1"), Err(ReceiptError::Private("certificates"))));
    let many = format!("\"services\": [{}]", vec!["\"x\""; 65].join(","));
    assert!(matches!(forged("\"services\": [\n        \"tos-etcd\"\n      ]", &many), Err(ReceiptError::Json(_))));
}

#[test]
fn a_file_of_several_is_read_one_by_one() {
    let (one, digest) = write(&example(1, None)).unwrap();
    let (two, _) = write(&example(2, Some(digest))).unwrap();
    let both = [one.clone(), two].concat();
    let numbers = |text: &str| -> Vec<Option<u32>> {
        read_all(text.as_bytes()).unwrap().into_iter().map(|document| document.ok().map(|document| document.receipt.number)).collect()
    };
    assert_eq!(numbers(&both), [Some(1), Some(2)]);
    assert_eq!(numbers(&both.replacen("\"exit\": 7", "\"exit\": 0", 1)), [None, Some(2)]);
    assert_eq!(numbers(&[one.as_str(), "{}"].concat()), [Some(1), None]);
    assert_eq!(numbers(""), []);
    let error = read_all([both.as_bytes(), b"junk"].concat().as_slice()).unwrap().remove(2).unwrap_err();
    assert!(error.to_string().starts_with("receipt 3 of the file: "), "{error}");
    let limits = [vec![b' '; MOST_FILE + 1], END.repeat(MOST_RECEIPTS + 1)];
    assert!(limits.iter().all(|bytes| read_all(bytes).is_err()));
}

proptest! {
    #[test]
    fn arbitrary_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = (read(&bytes).is_ok(), read_all(&bytes).is_ok(), is_receipt(&bytes));
    }
}
