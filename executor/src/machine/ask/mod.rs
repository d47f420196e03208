//! One question to a service by HTTP, plain or within TLS, and its answer.
//!
//! Made by hand, because a library of HTTP gives none of what matters here: one deadline over connecting, handshake, request and
//! answer together (an etcd whose authority has expired takes the connection and never answers the handshake); no resolution of
//! names, which crashes a static program; a judge of certificates of the caller's own; and an executor that stays small. HTTP/1.0
//! (RFC 1945) is all it takes: one question, one answer, and the connection ends.
//!
//! What a hostile service may try, and what stops it: silence, or a byte now and then (the deadline holds for each system call);
//! an answer without an end ([`MOST_BODY`], [`head::MOST_HEAD`]); a head that means two things ([`head::HeadError`]); a redirection,
//! which is only a status here. A path that would smuggle a second request is refused ([`AskError::Path`]).

mod error;
mod head;

use std::{
    io::{self, Read, Write},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use rustls::{ClientConfig, ClientConnection, pki_types::ServerName};

pub use error::{AskError, Stage};

use super::{Deadline, Machine, socket::Socket};
use error::Context;
use head::Head;

/// The largest body of an answer, in bytes.
pub const MOST_BODY: usize = 64 * 1024;
/// The longest path, in bytes.
const MOST_PATH: usize = 1024;

/// What is asked, and of whom.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The address.
    pub to: SocketAddr,
    /// How to speak TLS, where it is spoken.
    pub tls: Option<&'a Tls>,
    /// The path, from its `/` on.
    pub path: &'a str,
    /// A document of JSON to POST; without it the path is only got.
    pub json: Option<&'a str>,
}

/// How to speak TLS.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The client's side of it, the judge of the server's certificate included.
    pub config: Arc<ClientConfig>,
    /// The name that is asked for (SNI, RFC 6066, 3). An address asks for none.
    pub name: ServerName<'static>,
}

/// What a service answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body, at most [`MOST_BODY`] bytes.
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads one answer, whoever sends it, and not much more than that. An error names `to`, and `patience` where it was exhausted.
    ///
    /// # Errors
    /// When there is no whole answer of HTTP, or it is past a bound.
    pub fn read(from: &mut impl Read, to: SocketAddr, patience: Duration) -> Result<Self, AskError> {
        let context = &Context { to, patience };
        let mut received = Vec::new();
        let mut head = None;
        loop {
            if head.is_none() {
                head = Head::of(&received).map_err(|error| context.not_http(&error))?;
            }
            if let Some(head) = &head
                && let Some(body) = body(head, &received, context)?
            {
                return Ok(Self { status: head.status, body: body.to_vec() });
            }
            if read_some(from, &mut received).map_err(|error| context.io(Stage::Answer, &error))? == 0 {
                return ended(head.as_ref(), received, context);
            }
        }
    }
}

impl Machine {
    /// Asks one question.
    ///
    /// # Errors
    /// When there is no whole answer of HTTP before the deadline; the error says how far it came.
    pub fn ask(&self, question: &Question<'_>, deadline: Deadline) -> Result<Answer, AskError> {
        let context = Context { to: question.to, patience: deadline.patience() };
        let request = request(question)?;
        let mut socket = Socket::connect(question.to, deadline).map_err(|error| context.connect(&error))?;
        match question.tls {
            None => exchange(&mut socket, &request, &context),
            Some(tls) => ask_within(tls, &mut socket, &request, &context),
        }
    }

    /// Whether something accepts connections there; it is told nothing.
    ///
    /// # Errors
    /// When nothing does.
    pub fn listens(&self, to: SocketAddr, deadline: Deadline) -> Result<(), AskError> {
        let context = Context { to, patience: deadline.patience() };
        Socket::connect(to, deadline).map(drop).map_err(|error| context.connect(&error))
    }
}

fn ask_within(tls: &Tls, socket: &mut Socket, request: &[u8], context: &Context) -> Result<Answer, AskError> {
    let connection = ClientConnection::new(tls.config.clone(), tls.name.clone());
    let mut connection = connection.map_err(|error| context.tls(Stage::Handshake, &error))?;
    let outcome = shake_hands(&mut connection, socket, context);
    match outcome.and_then(|()| exchange(&mut rustls::Stream::new(&mut connection, socket), request, context)) {
        Err(broken @ AskError::Broken { stage, .. }) => Err(last_word(&mut connection, socket, stage, context).unwrap_or(broken)),
        outcome => outcome,
    }
}

fn shake_hands(connection: &mut ClientConnection, socket: &mut Socket, context: &Context) -> Result<(), AskError> {
    connection.complete_io(socket).map_err(|error| context.io(Stage::Handshake, &error))?;
    if connection.is_handshaking() { Err(context.io(Stage::Handshake, &io::ErrorKind::UnexpectedEof.into())) } else { Ok(()) }
}

/// The alert that a server sent before it broke off: by it a client learns that its certificate was refused, in TLS 1.3 after its
/// own handshake is over. What could not be written any more would hide that.
fn last_word(connection: &mut ClientConnection, socket: &mut Socket, stage: Stage, context: &Context) -> Option<AskError> {
    while connection.read_tls(socket).ok()? > 0 {
        if let Err(error) = connection.process_new_packets() {
            return Some(context.tls(stage, &error));
        }
    }
    None
}

fn request(question: &Question<'_>) -> Result<Vec<u8>, AskError> {
    let Question { to, path, json, .. } = question;
    if path.len() > MOST_PATH || !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(AskError::Path { path: path.chars().take(100).collect() });
    }
    let method = if json.is_some() { "POST" } else { "GET" };
    let content = json.map(|json| format!("Content-Type: application/json\r\nContent-Length: {}\r\n", json.len()));
    let (content, json) = (content.unwrap_or_default(), json.unwrap_or_default());
    Ok(format!("{method} {path} HTTP/1.0\r\nHost: {to}\r\nConnection: close\r\n{content}\r\n{json}").into_bytes())
}

fn exchange(stream: &mut (impl Read + Write), request: &[u8], context: &Context) -> Result<Answer, AskError> {
    stream.write_all(request).and_then(|()| stream.flush()).map_err(|error| context.io(Stage::Answer, &error))?;
    Answer::read(stream, context.to, context.patience)
}

/// The body, once it is as long as the head says.
fn body<'a>(head: &Head, received: &'a [u8], context: &Context) -> Result<Option<&'a [u8]>, AskError> {
    let body = &received[head.size..];
    if body.len() > MOST_BODY || head.length.is_some_and(|length| length > MOST_BODY) {
        return Err(context.too_large(MOST_BODY));
    }
    Ok(head.length.and_then(|length| body.get(..length)))
}

/// Reads what is there. A TLS connection that ends without saying so has ended too: what it said is judged by its length.
fn read_some(stream: &mut impl Read, received: &mut Vec<u8>) -> io::Result<usize> {
    let mut chunk = [0; 4096];
    match stream.read(&mut chunk) {
        Ok(count) => {
            received.extend_from_slice(&chunk[..count]);
            Ok(count)
        }
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
        Err(error) => Err(error),
    }
}

/// The answer of a connection that has ended: whole only where the head does not say how long it would be.
fn ended(head: Option<&Head>, mut received: Vec<u8>, context: &Context) -> Result<Answer, AskError> {
    match head {
        Some(Head { status, size, length: None }) => Ok(Answer { status: *status, body: received.split_off(*size) }),
        None if !received.is_empty() => Err(context.not_http(&head::HeadError::Short)),
        _ => Err(context.io(Stage::Answer, &io::ErrorKind::UnexpectedEof.into())),
    }
}

#[cfg(test)]
mod tests;
