use super::*;

#[test]
fn requests_are_of_http_1_0_and_nothing_more() {
    let question = |path, json| Question { to: SocketAddr::from(([10, 0, 0, 1], 4001)), tls: None, path, json };
    let text = |path, json| request(&question(path, json)).map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!(text("/health", None).unwrap(), "GET /health HTTP/1.0\r\nHost: 10.0.0.1:4001\r\nConnection: close\r\n\r\n");
    assert_eq!(
        text("/v3/a", Some("{}")).unwrap(),
        "POST /v3/a HTTP/1.0\r\nHost: 10.0.0.1:4001\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    );
    for path in ["", "health", "/a b", "/a\r\nX: y", "/\u{e9}", "/a\0", &"/a".repeat(1000)] {
        assert!(matches!(text(path, None), Err(AskError::Path { .. })), "{path:?}");
    }
}
