//! A service on a free port that behaves as a test wants it to.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use bundle_format::certificate::{Certificate, pem};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
    server::{NoClientAuth, WebPkiClientVerifier, danger::ClientCertVerifier},
};

use crate::pki::{Authority, Leaf};

/// Calls `behave` with each connection, in a thread of its own, until the test ends.
pub fn tcp(behave: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let behave = Arc::new(behave);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let behave = behave.clone();
            thread::spawn(move || behave(stream.unwrap()));
        }
    });
    port
}

/// Calls `behave` with each connection after its TLS handshake and its request, the head of which it is given.
pub fn tls(config: Arc<ServerConfig>, behave: impl Fn(&mut dyn Write, &str) + Send + Sync + 'static) -> u16 {
    tcp(move |stream| {
        let mut stream = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
        if let Some(request) = request(&mut stream) {
            behave(&mut stream, &request);
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    })
}

/// As [`tls`], without TLS.
pub fn plain(behave: impl Fn(&mut dyn Write, &str) + Send + Sync + 'static) -> u16 {
    tcp(move |mut stream| {
        if let Some(request) = request(&mut stream) {
            behave(&mut stream, &request);
        }
    })
}

/// The head of a request, and at least two bytes of its body, if it has one.
fn request(stream: &mut impl Read) -> Option<String> {
    let mut text = String::new();
    let mut chunk = [0; 1024];
    loop {
        let count = stream.read(&mut chunk).ok().filter(|count| *count > 0)?;
        text.push_str(std::str::from_utf8(&chunk[..count]).unwrap());
        if text.contains("\r\n\r\n") && (text.starts_with("GET") || text.ends_with("{}")) {
            return Some(text);
        }
    }
}

/// One answer, as Go's server gives it to who asks by HTTP/1.0.
pub fn answer(to: &mut dyn Write, status: u16, body: &str) {
    let _ = write!(to, "HTTP/1.0 {status} X\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}", body.len());
}

/// The server's side of TLS: with `leaf`, and for clients of `clients` only, if that is given.
pub fn config(leaf: &Leaf, clients: Option<&Authority>, versions: &[&'static SupportedProtocolVersion]) -> Arc<ServerConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let judge: Arc<dyn ClientCertVerifier> = match clients {
        None => Arc::new(NoClientAuth),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from(authority.certificate().der().to_vec())).unwrap();
            WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone()).build().unwrap()
        }
    };
    let chain = Certificate::all_from_pem(leaf.pem.as_bytes()).unwrap();
    let chain = chain.iter().map(|certificate| CertificateDer::from(certificate.der().to_vec())).collect();
    let key = pem::blocks(leaf.key.as_bytes()).next().unwrap().decode().unwrap().to_vec();
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    Arc::new(builder.with_client_cert_verifier(judge).with_single_cert(chain, PrivatePkcs8KeyDer::from(key).into()).unwrap())
}
