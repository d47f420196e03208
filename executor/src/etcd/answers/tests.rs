use super::*;
use proptest::prelude::*;

const STATUS_3_4: &[u8] = br#"{"header":{"cluster_id":"1158237450263211417","member_id":"10501334649042878790","revision":"1","raft_term":"2"},"version":"3.4.23","dbSize":"20480","leader":"10501334649042878790","raftIndex":"8","raftTerm":"2","raftAppliedIndex":"8","dbSizeInUse":"16384"}"#;

#[test]
fn health_of_every_version_is_read() {
    let well: [&[u8]; 5] = [
        b"{\"health\": \"true\"}",
        b"{\"health\":\"true\"}\n",
        b"{\"health\":\"true\",\"reason\":\"\"}",
        b"{\"health\":true}",
        b"\r\n{ \"later\": [{}], \"health\" : true }",
    ];
    for body in well {
        assert_eq!(health(200, body).unwrap(), Health::Well);
        assert!(matches!(health(503, body), Err(AnswerError::Contradiction { status: 503 })));
    }
    for status in [200, 503] {
        assert_eq!(health(status, b"{\"health\": \"false\"}").unwrap(), Health::Unwell(None));
        assert_eq!(health(status, b"{\"health\":false,\"reason\":\"\"}").unwrap(), Health::Unwell(None));
    }
    let reason = Health::Unwell(Some("RAFT NO LEADER".to_owned()));
    assert_eq!(health(503, b"{\"health\":\"false\",\"reason\":\"RAFT NO LEADER\"}").unwrap(), reason);
}

#[test]
fn what_does_not_say_how_it_is_is_an_error() {
    for body in ["{\"health\":\"TRUE\"}", "{\"health\":1}", "{\"health\":null}", "{\"health\":\"\"}", "{\"health\":[true]}"] {
        assert!(matches!(health(200, body.as_bytes()), Err(AnswerError::Kind { member: "health", .. })), "{body}");
    }
    for body in [
        "",
        "{}",
        "true",
        "OK",
        "{\"health\":true,\"health\":false}",
        "{\"health\":true}x",
        "{\"Health\":true}",
        "<html>",
        "[true]",
        "[\"true\",null]",
    ] {
        assert!(matches!(health(200, body.as_bytes()), Err(AnswerError::Malformed { status: 200, .. })), "{body}");
    }
    assert!(matches!(health(200, b"{\"x\":\"\xff\",\"health\":true}"), Err(AnswerError::NotText { status: 200, at: 6 })));
    let long = [b"{\"health\":true}".as_slice(), &vec![b' '; MOST_BYTES]].concat();
    assert!(matches!(health(200, &long), Err(AnswerError::Size { .. })));
    let reason =
        format!("{{\"health\":false,\"reason\":\"{}\"}}", "\u{1b}".escape_unicode().to_string().replace("\\u{1b}", "\\u001b").repeat(300));
    assert!(matches!(health(503, reason.as_bytes()), Ok(Health::Unwell(Some(text))) if text.chars().count() == MOST_REASON));
}

#[test]
fn nesting_does_not_exhaust_the_stack() {
    let nested = |depth: usize| format!("{{\"x\":{}{},\"health\":true}}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(health(200, nested(100).as_bytes()).unwrap(), Health::Well);
    let _ = health(200, nested(MOST_BYTES / 2 - 20).as_bytes());
    let _ = health(200, "{\"health\":".repeat(6000).as_bytes());
}

#[test]
fn versions_are_read() {
    assert_eq!(version(200, b"{\"etcdserver\":\"3.1.9\",\"etcdcluster\":\"3.1.0\"}").unwrap(), "3.1.9");
    assert_eq!(version(200, b"{\"etcdserver\":\"3.6.0-alpha.0+git\",\"etcdcluster\":\"not_decided\"}").unwrap(), "3.6.0-alpha.0+git");
    assert!(matches!(version(404, b"404 page not found\n"), Err(AnswerError::Status { status: 404 })));
    for value in ["\"\"", "3.4", "\"3.4 \"", "\"\\u001b[2J\"", "null", &format!("\"{}\"", "1".repeat(65))] {
        let body = format!("{{\"etcdserver\":{value}}}");
        assert!(matches!(version(200, body.as_bytes()), Err(AnswerError::Kind { .. })), "{value}");
    }
}

#[test]
fn status_tells_who_leads() {
    let leader = status(200, STATUS_3_4).unwrap();
    let expected = Status {
        member: 10_501_334_649_042_878_790,
        leader: Some(10_501_334_649_042_878_790),
        version: Some("3.4.23".to_owned()),
        is_learner: false,
    };
    assert_eq!((leader.leads(), leader), (true, expected));
    let follower = status(200, b"{\"header\":{\"member_id\":\"2\"},\"leader\":\"1\",\"isLearner\":true}").unwrap();
    assert_eq!((follower.leads(), follower.is_learner), (false, true));
    for without in [
        "{\"header\":{\"member_id\":\"2\"}}",
        "{\"header\":{\"member_id\":\"2\"},\"leader\":\"0\"}",
        "{\"header\":{\"member_id\":2},\"leader\":0}",
    ] {
        let status = status(200, without.as_bytes()).unwrap();
        assert_eq!((status.member, status.leader, status.leads()), (2, None, false), "{without}");
    }
    for other in ["{}", "{\"health\":true}", "{\"leader\":\"1\"}", "{\"header\":{\"member_id\":\"0\"}}"] {
        assert!(matches!(status(200, other.as_bytes()), Err(AnswerError::Missing { member: "member_id" })), "{other}");
    }
    for header in ["[\"2\"]", "\"2\"", "2"] {
        assert!(matches!(status(200, format!("{{\"header\":{header}}}").as_bytes()), Err(AnswerError::Malformed { .. })), "{header}");
    }
    for leader in ["\"-1\"", "\"+1\"", "1.5", "\"\"", "\"18446744073709551616\"", "{}", "\"1"] {
        assert!(status(200, format!("{{\"header\":{{\"member_id\":\"2\"}},\"leader\":{leader}}}").as_bytes()).is_err(), "{leader}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_end(code in any::<u16>(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = (health(code, &bytes), version(code, &bytes), status(code, &bytes));
    }

    #[test]
    fn health_is_never_well_but_by_200_and_true(code in any::<u16>(), value in "true|false|\"true\"|\"false\"|1|null|\"[a-z]{0,5}\"") {
        let is_well = matches!(health(code, format!("{{\"health\":{value}}}").as_bytes()), Ok(Health::Well));
        prop_assert_eq!(is_well, code == 200 && matches!(value.as_str(), "true" | "\"true\""));
    }

    #[test]
    fn identifiers_of_64_bits_are_exact(member in 1..u64::MAX, leader in any::<u64>()) {
        let body = format!("{{\"header\":{{\"member_id\":\"{member}\"}},\"leader\":\"{leader}\"}}");
        let read = status(200, body.as_bytes()).unwrap();
        prop_assert_eq!((read.member, read.leader), (member, Some(leader).filter(|leader| *leader != 0)));
        prop_assert_eq!(read.leads(), member == leader);
    }
}
