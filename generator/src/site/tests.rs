//! Tests of the site file and its validation.

use std::path::Path;

use proptest::prelude::*;
use time::macros::datetime;

use super::*;

const GOOD: &str = r#"
name = "site"
edition = "tdh"
tos-version = "tos-2.1"
[[ca]]
certificate = "etcd-ca.pem"
key = "/keys/etcd-ca-key.pem"
[[ca.leaf]]
certificate = "etcd.pem"
sans = ["10.0.0.9", "tos9"]
[[node]]
name = "tos1"
addresses = ["10.0.0.11"]
roles = ["etcd", "flannel"]
[[node]]
name = "manager"
host-names = ["manager", "manager.site"]
roles = ["manager"]
"#;

fn validate(text: &str) -> Result<(Site, Vec<Warning>), SiteError> {
    let making = Making { serial: None, created: datetime!(2026-02-03 04:05:06 UTC), force_version: false };
    Site::new(SiteFile::parse(text, Path::new("/site"))?, making)
}

#[test]
fn a_site_file_becomes_a_site() {
    let (site, warnings) = validate(GOOD).unwrap();
    assert_eq!(warnings, []);
    assert_eq!(site.serial.to_string(), "20260203040506");
    let ca = &site.authorities[0];
    assert_eq!((ca.name.as_str(), ca.days), ("etcd", 36_500));
    assert_eq!((ca.certificate.as_path(), ca.key.as_path()), (Path::new("/site/etcd-ca.pem"), Path::new("/keys/etcd-ca-key.pem")));
    assert_eq!(ca.leaves[0].sans, [San::Ip("10.0.0.9".parse().unwrap()), San::Dns("tos9".to_owned())]);
    assert_eq!(site.nodes[0].host_names, ["tos1"]);
    assert_eq!(site.nodes[1].host_names, ["manager", "manager.site"]);
}

#[test]
fn each_fault_has_its_own_error() {
    let with = |from: &str, to: &str| validate(&GOOD.replace(from, to)).map(|_| ()).unwrap_err();
    assert!(matches!(with("name = \"site\"", ""), SiteError::Missing { .. }));
    assert!(matches!(with("name = \"site\"", "name = \"../x\""), SiteError::File(_)));
    assert!(matches!(with("edition = \"tdh\"", "edition = \"tdx\""), SiteError::UnknownEdition(_)));
    assert!(matches!(with("edition = \"tdh\"", "edition = \"tdc\""), SiteError::NotAffected { .. }));
    assert!(matches!(
        with("edition = \"tdh\"\ntos-version = \"tos-2.1\"", "edition = \"tdc\"\ntos-version = \"tos-2.0\""),
        SiteError::RoleNotInEdition { .. }
    ));
    assert!(matches!(with("tos-2.1", "two"), SiteError::Version(_)));
    assert!(matches!(with("edition", "editions"), SiteError::File(message) if message.contains("editions")));
    assert!(matches!(with("[[ca.leaf]]", "[[ca.leaf]]\nname = \"kubelet\""), SiteError::UnknownMaterial { .. }));
    assert!(matches!(with("\"flannel\"", "\"calico\""), SiteError::UnknownRole { .. }));
    assert!(matches!(with("\"etcd\", ", ""), SiteError::NoNodeWithRole("etcd")));
    assert!(matches!(with("[\"manager\"]", "[]"), SiteError::NoRole(_)));
    assert!(matches!(with("[\"manager\", ", "[\"TOS1\", "), SiteError::Shared { what: "the host name", .. }));
    assert!(matches!(with("name = \"manager\"", "name = \"tos1\""), SiteError::Shared { what: "the name", .. }));
    assert!(matches!(with("10.0.0.9", "10.0.0.256"), SiteError::San(_)));
    assert!(matches!(with("key = \"/keys/etcd-ca-key.pem\"", "days = 0\nkey = \"k\""), SiteError::Days(0)));
    assert!(matches!(with("key = \"/keys/etcd-ca-key.pem\"", ""), SiteError::Missing { .. }));
}

#[test]
fn a_node_can_be_written_on_the_command_line() {
    let node: Node = "tos1=10.0.0.11,tos1.site,[fd00::1]:etcd+flannel".parse().unwrap();
    assert_eq!(node.addresses, ["10.0.0.11".parse::<IpAddr>().unwrap(), "fd00::1".parse().unwrap()]);
    assert_eq!(node.host_names, ["tos1", "tos1.site"]);
    assert!(node.has_role("etcd") && node.has_role("flannel"));
    assert_eq!("m=:manager".parse::<Node>().unwrap().host_names, ["m"]);
    for text in ["", "tos1", "tos1=10.0.0.1", "=10.0.0.1:etcd", "t=10.0.0.1:", "t=a b:etcd", "../t=:etcd", "t=:etcd+"] {
        assert!(text.parse::<Node>().is_err(), "{text}");
    }
}

#[test]
fn a_recipient_is_one_or_refused() {
    let with = |recipient: &str| validate(&GOOD.replace("name = \"manager\"", &format!("name = \"manager\"\nrecipient = \"{recipient}\"")));
    let good = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    let (site, _) = with(good).unwrap();
    assert_eq!(site.nodes[1].recipient.as_ref().map(Recipient::as_str), Some(good));
    assert_eq!(site.nodes[0].recipient, None);
    for (text, why) in
        [(&good.replacen('z', "q", 1), "is wrong"), (&"age1".to_owned(), "58 more"), (&"AGE-SECRET-KEY-1Q".to_owned(), "secret key")]
    {
        assert!(matches!(with(text), Err(SiteError::File(message)) if message.contains(why) && !message.contains("KEY-1Q")), "{text}");
    }
    let both = GOOD.replace("[[node]]", &format!("[[node]]\nrecipient = \"{good}\""));
    assert!(matches!(validate(&both), Err(SiteError::Shared { what: "the recipient", .. })));
}

#[test]
fn sans_are_addresses_or_names() {
    for (text, shown) in [
        ("10.10.10.1", "IP:10.10.10.1"),
        ("IP:::1", "IP:::1"),
        ("tos1", "DNS:tos1"),
        ("DNS:*.site.local", "DNS:*.site.local"),
        ("42", "DNS:42"),
    ] {
        assert_eq!(parse_san(text).unwrap().to_string(), shown);
    }
    for text in ["", "a b", "10.0.0.256", "1.2.3", "-x", "x-", "a..b", "名", "*", "a.*.b", &"x".repeat(64)] {
        assert!(parse_san(text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_validation_panic(text in ".{0,200}", line in 0usize..18, replacement in ".{0,40}") {
        let _ = validate(&text);
        let _ = text.parse::<Node>();
        let _ = parse_san(&text);
        let mut lines: Vec<&str> = GOOD.lines().collect();
        lines[line] = &replacement;
        let _ = validate(&lines.join("\n"));
    }
}
