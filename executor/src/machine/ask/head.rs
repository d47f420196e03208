//! The head of an answer. Pure.

use bundle_format::text;
use thiserror::Error;

/// The largest head, in bytes.
pub const MOST_HEAD: usize = 16 * 1024;
/// The most fields in it.
const MOST_FIELDS: usize = 64;

/// Why bytes are no head of an answer.
#[derive(Debug, Error, Eq, PartialEq)]
pub enum HeadError {
    /// The body comes in an encoding, which no one who is asked by HTTP/1.0 may choose (RFC 9112, 6.1).
    #[error("{}", text!("the body is transferred in an encoding that was not asked for", "正文使用了未请求的传输编码"))]
    Encoded,
    /// The length of the body is said in a way that is not one number.
    #[error("{}", text!("the length of the body is `{_0}`", "正文长度是 `{_0}`"))]
    Length(String),
    /// Not a head.
    #[error("{0}")]
    Malformed(#[from] httparse::Error),
    /// The connection ended within it.
    #[error("{}", text!("the head of the answer is cut short", "应答头不完整"))]
    Short,
    /// Too large.
    #[error("{}", text!("the head of the answer is larger than {MOST_HEAD} bytes", "应答头超过 {MOST_HEAD} 字节"))]
    Size,
}

/// What matters of a head.
#[derive(Debug, Eq, PartialEq)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// Where the body begins.
    pub size: usize,
    /// How long the body is, where the head says so.
    pub length: Option<usize>,
}

impl Head {
    /// The head that `bytes` begin with, once all of it is there.
    ///
    /// # Errors
    /// When it cannot become one, whatever follows.
    pub fn of(bytes: &[u8]) -> Result<Option<Self>, HeadError> {
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        let httparse::Status::Complete(size) = response.parse(&bytes[..bytes.len().min(MOST_HEAD)])? else {
            return if bytes.len() < MOST_HEAD { Ok(None) } else { Err(HeadError::Size) };
        };
        let length = length(response.headers)?;
        Ok(Some(Self { status: response.code.unwrap_or_default(), size, length }))
    }
}

fn length(fields: &[httparse::Header<'_>]) -> Result<Option<usize>, HeadError> {
    let mut found = None;
    for field in fields {
        if field.name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(HeadError::Encoded);
        }
        if field.name.eq_ignore_ascii_case("content-length") {
            let length = number(field.value)?;
            if found.is_some_and(|other| other != length) {
                return Err(HeadError::Length(text!("said twice, differently", "给出两次且不同")));
            }
            found = Some(length);
        }
    }
    Ok(found)
}

/// Digits alone: neither a sign nor a list.
fn number(value: &[u8]) -> Result<usize, HeadError> {
    let text = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    text.and_then(|text| text.parse().ok()).ok_or_else(|| HeadError::Length(String::from_utf8_lossy(value).chars().take(40).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn heads_as_etcd_sends_them_are_read() {
        let head =
            b"HTTP/1.0 503 Service Unavailable\r\nDate: Tue, 24 Nov 2026 22:04:21 GMT\r\nContent-Length: 18\r\n\r\n{\"health\":\"false\"}";
        assert_eq!(Head::of(head), Ok(Some(Head { status: 503, size: head.len() - 18, length: Some(18) })));
        assert_eq!(Head::of(b"HTTP/1.1 200 OK\r\n\r\n"), Ok(Some(Head { status: 200, size: 19, length: None })));
        for end in 0..head.len() - 18 {
            assert_eq!(Head::of(&head[..end]), Ok(None), "{end}");
        }
    }

    #[test]
    fn heads_that_mean_two_things_or_nothing_are_refused() {
        let of = |fields: &str| Head::of(format!("HTTP/1.0 200 OK\r\n{fields}\r\n\r\n").as_bytes()).unwrap_err();
        assert_eq!(of("Transfer-Encoding: chunked"), HeadError::Encoded);
        for length in ["-1", "+1", "1, 1", "0x10", "", "99999999999999999999999"] {
            assert!(matches!(of(&format!("Content-Length: {length}")), HeadError::Length(_)), "{length}");
        }
        assert!(matches!(of("Content-Length: 1\r\ncontent-length: 2"), HeadError::Length(_)));
        assert!(matches!(of(&"a: b\r\n".repeat(MOST_FIELDS + 1)), HeadError::Malformed(httparse::Error::TooManyHeaders)));
        assert!(matches!(Head::of(b"SSH-2.0-OpenSSH_7.4\r\n"), Err(HeadError::Malformed(_))));
        assert!(matches!(Head::of(b"\x15\x03\x01\x00\x02\x02\x46"), Err(HeadError::Malformed(_))));
        let endless = [b"HTTP/1.0 200 OK\r\na: ".as_slice(), &vec![b'b'; MOST_HEAD]].concat();
        assert_eq!(Head::of(&endless), Err(HeadError::Size));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_end_within_themselves(bytes in prop::collection::vec(any::<u8>(), 0..200), is_http in any::<bool>()) {
            let bytes = if is_http { [b"HTTP/1.0 200 OK\r\n".as_slice(), &bytes].concat() } else { bytes };
            if let Ok(Some(head)) = Head::of(&bytes) {
                prop_assert!(head.size <= bytes.len());
            }
        }
    }
}
