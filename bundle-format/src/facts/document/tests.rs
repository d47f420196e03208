//! Tests of the text form.

use proptest::prelude::*;
use time::macros::datetime;

use super::*;
use crate::closing::{AFTER, BEFORE, DIGITS};
use crate::facts::{AddressFact, HostFacts, RoleFact, SystemFacts};

/// A certificate that openssl made: O=x, CN=y, P-256, SAN tos1.
const PEM: &str = include_str!("example.pem");

fn example() -> NodeFacts {
    let certificate = Certificate::all_from_pem(PEM.as_bytes()).unwrap().remove(0);
    NodeFacts {
        facts: FORMAT,
        made_by: "0.1.0".to_owned(),
        gathered: datetime!(2026-01-02 03:04:05 UTC),
        is_whole: true,
        host: HostFacts {
            name: Some("tos1".to_owned()),
            machine_id: None,
            addresses: vec![AddressFact { address: "10.0.0.11".parse().unwrap(), from: "interface eth0".to_owned() }],
        },
        recipient: None,
        system: SystemFacts { architecture: Some("x86_64".to_owned()), ..SystemFacts::default() },
        clusters: vec![ClusterFacts {
            profile: "tos".parse().unwrap(),
            roles: vec![RoleFact { role: "etcd".parse().unwrap(), because: vec!["a container".to_owned()] }],
            homes: Vec::new(),
            versions: Vec::new(),
            service_addresses: Vec::new(),
            etcd: None,
            database: None,
        }],
        runtime: None,
        remarks: Vec::new(),
        certificates: vec![CertificateFacts::of("/srv/kubernetes/etcd.pem".parse().unwrap(), 1, &certificate)],
    }
    .with_signers()
}

/// Text with a digest that fits, whatever it is.
fn sealed(body: &str) -> String {
    format!("{body}{BEFORE}{}{AFTER}", Digest::of(body.as_bytes()))
}

/// The example with a change that its maker would have made.
fn changed(from: &str, to: &str) -> Result<NodeFacts, FactsError> {
    let text = write(&example()).unwrap();
    assert!(text.contains(from), "{from} in {text}");
    let body = &text[..text.len() - BEFORE.len() - DIGITS - AFTER.len()];
    read(sealed(&body.replacen(from, to, 1)).as_bytes())
}

#[test]
fn what_is_written_is_read() {
    let text = write(&example()).unwrap();
    assert_eq!(read(text.as_bytes()).unwrap(), example());
    assert!(is_facts(text.as_bytes()) && !is_facts(b"{\"format\":1}") && !is_facts(b""));
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "any program can read it");
    assert_eq!(example().certificates[0].signed_by.len(), 1, "it signed itself");
}

#[test]
fn a_file_that_was_cut_or_edited_is_told_from_a_whole_one() {
    let text = write(&example()).unwrap();
    for at in [0, 1, text.len() / 2, text.len() - 1] {
        assert!(matches!(read(&text.as_bytes()[..at]), Err(FactsError::Cut)), "{at}");
    }
    assert!(matches!(read(text.replacen("tos1", "tos2", 1).as_bytes()), Err(FactsError::Altered { .. })));
    assert!(matches!(read(text.replace('\n', "\r\n").as_bytes()), Err(FactsError::Cut)));
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        assert!(read(&bytes).is_err(), "a bit of byte {at}");
    }
}

#[test]
fn each_fault_has_its_own_error() {
    assert!(matches!(changed("\"facts\": 1", "\"facts\": 2"), Err(FactsError::Format { found: 2 })));
    assert!(matches!(changed("\"facts\": 1", "\"facts\": 2, \"new\": 1"), Err(FactsError::Format { found: 2 })));
    assert!(matches!(changed("\"made_by\"", "\"key\": 1, \"made_by\""), Err(FactsError::Json(_))));
    assert!(matches!(changed("\"is_whole\": true", "\"is_whole\": true, \"is_whole\": true"), Err(FactsError::Json(_))));
    assert!(matches!(changed("a container", "\\u001b[2J"), Err(FactsError::Text("roles"))));
    assert!(matches!(changed("a container", &"x".repeat(MOST_TEXT + 1)), Err(FactsError::Text("roles"))));
    assert!(matches!(changed("a container", "-----BEGIN PRIVATE KEY-----"), Err(FactsError::Private("roles"))));
    assert!(matches!(changed("\"ca\": true", "\"ca\": false"), Err(FactsError::Certificate { number: 1, .. })));
    assert!(matches!(changed("\"number\": 1", "\"number\": 1, \"subject\": \"x\""), Err(FactsError::Json(_))));
    assert!(matches!(changed("-----END CERTIFICATE-----", "-----END PRIVATE KEY-----"), Err(FactsError::CertificateForm { .. })));
    assert!(matches!(
        changed("-----BEGIN CERT", "-----BEGIN PRIVATE KEY-----\\nAAAA\\n-----END PRIVATE KEY-----\\n-----BEGIN CERT"),
        Err(FactsError::Certificate { .. })
    ));
    assert!(matches!(changed("/srv/kubernetes/etcd.pem", "/srv/../etcd.pem"), Err(FactsError::Json(_))));
    assert!(matches!(read(&vec![b' '; MOST_BYTES + 1]), Err(FactsError::Size { .. })));
}

#[test]
fn what_would_not_be_read_is_not_written() {
    let with = |change: &dyn Fn(&mut NodeFacts)| {
        let mut facts = example();
        change(&mut facts);
        write(&facts)
    };
    let many = |facts: &mut NodeFacts| facts.certificates = vec![facts.certificates[0].clone(); MOST_ITEMS + 1];
    assert!(matches!(with(&many), Err(FactsError::TooMany { what: "certificates", .. })));
    let remark = "AGE-SECRET-KEY-1QQQ".to_owned();
    assert!(matches!(with(&|facts| facts.remarks.push(remark.clone())), Err(FactsError::Private("remarks"))));
    assert!(matches!(with(&|facts| facts.remarks = vec!["x".repeat(MOST_TEXT); 4 * MOST_ITEMS + 1]), Err(FactsError::TooMany { .. })));
}

proptest! {
    #[test]
    fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "[ -~\n]{0,200}") {
        let _ = (read(&bytes), is_facts(&bytes));
        let sealed = sealed(&format!("{text},\n"));
        prop_assert!(read(sealed.as_bytes()).is_err());
    }
}
