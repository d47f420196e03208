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

#[test]
fn an_answer_is_the_same_in_whatever_pieces_it_comes() {
    struct Pieces<'a>(&'a [u8], usize);
    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = self.1.min(buffer.len());
            self.0.read(&mut buffer[..most])
        }
    }
    let read = |bytes: &[u8], size| Answer::read(&mut Pieces(bytes, size), SocketAddr::from(([10, 0, 0, 1], 4001)), Duration::from_secs(1));
    let whole = b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}and more";
    let endless = [&b"HTTP/1.0 200 OK\r\n\r\n"[..], &vec![b'x'; MOST_BODY + 1]].concat();
    for size in [1, 7, 4096] {
        assert_eq!(read(whole, size), Ok(Answer { status: 200, body: b"{}".to_vec() }));
        assert!(matches!(read(&whole[..whole.len() - 10], size), Err(AskError::Broken { .. })));
        assert!(matches!(read(&whole[..20], size), Err(AskError::NotHttp { .. })));
        assert_eq!(read(&endless[..endless.len() - 1], size).map(|answer| answer.body.len()), Ok(MOST_BODY));
        assert!(matches!(read(&endless, size), Err(AskError::TooLarge { .. })));
    }
}
