//! Answers of HTTP, as whoever listens at an address may send them. The first byte says how large a tail of the input's last byte follows
//! it, in KiB, the second in what pieces all of it comes (the larger the tail, the larger they are). However it is cut, it is the same
//! answer, within its bounds.
#![no_main]

use std::{
    io::{self, Read},
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use libfuzzer_sys::fuzz_target;
use reseal_node::machine::{Answer, AskError, MOST_BODY};

struct Pieces<'a> {
    rest: &'a [u8],
    size: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.size;
        self.rest.read(&mut buffer[..size.min(4096)])
    }
}

fn read(bytes: &[u8], size: usize) -> Result<Answer, AskError> {
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let outcome = Answer::read(&mut Pieces { rest: bytes, size }, to, Duration::from_secs(1));
    if let Err(error) = &outcome {
        assert!(error.to_string().len() < 400, "{error}");
    }
    outcome
}

/// The numbers that fields of this name say, by a reader that knows nothing else.
fn lengths(head: &[u8]) -> Vec<usize> {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    text.lines().filter_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok()).collect()
}

fuzz_target!(|input: &[u8]| {
    let Some((&[tail, size], content)) = input.split_first_chunk::<2>() else { return };
    let last = content.last().copied().unwrap_or_default();
    let bytes = [content, &vec![last; usize::from(tail) * 1024]].concat();
    let outcome = read(&bytes, 4096);
    match (&outcome, &read(&bytes, usize::from(size) + 1 + usize::from(tail))) {
        // More than the whole body may have come with its end, or not yet.
        (Err(AskError::TooLarge { .. }), _) | (_, Err(AskError::TooLarge { .. })) => {}
        (one, other) => assert_eq!(one.as_ref().ok(), other.as_ref().ok()),
    }
    let Ok(Answer { status, body }) = outcome else { return };
    assert!(body.len() <= MOST_BODY && status <= 999);
    let Some(start) = (0..=bytes.len() - body.len()).find(|at| is_head(&bytes[..*at], status) && bytes[*at..].starts_with(&body)) else {
        panic!("the body is a part of what came, behind a head")
    };
    assert!(lengths(&bytes[..start]).iter().all(|length| *length == body.len()));
});

fn is_head(bytes: &[u8], status: u16) -> bool {
    let first = bytes.trim_ascii_start().split(|byte| *byte == b'\n').next().unwrap_or_default();
    (bytes.ends_with(b"\n\r\n") || bytes.ends_with(b"\n\n")) && String::from_utf8_lossy(first).contains(&format!(" {status:03}"))
}
