//! Whatever listens at a member's address: the probe ends in time, and what it saw counts as unhealthy.

use std::{
    io::{Read as _, Write},
    net::TcpStream,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, bind, getsockname, listen, socket};
use reseal_node::{
    etcd::{MemberSight, MemberState, Prober, Reached},
    machine::{Machine, Stage},
};
use rustls::{ALL_VERSIONS, ServerConfig, version};

use crate::{
    PATIENCE, SLACK, free_port, look, member,
    pki::{Authority, Leaf},
    server,
};

struct Scene {
    authority: Authority,
    leaf: Leaf,
}

impl Scene {
    fn new() -> Self {
        let authority = Authority::new();
        let leaf = authority.leaf();
        Self { authority, leaf }
    }

    fn prober(&self) -> Prober {
        self.authority.prober(&self.leaf)
    }

    fn config(&self) -> Arc<ServerConfig> {
        server::config(&self.leaf, None, ALL_VERSIONS)
    }

    /// How a member looks that does this after handshake and request.
    fn look_at(&self, behave: impl Fn(&mut dyn Write) + Send + Sync + 'static) -> MemberSight {
        look(&self.prober(), server::tls(self.config(), move |stream, _| behave(stream)))
    }
}

const fn silent(stage: Stage) -> MemberState {
    MemberState::Silent { stage, milliseconds: 2000 }
}

/// A byte now and then: seldom enough that a bound on each wait alone would let two of them pass.
fn drip(stream: &mut dyn Write, bytes: impl Iterator<Item = u8>) {
    for byte in bytes {
        if stream.write_all(&[byte]).and_then(|()| stream.flush()).is_err() {
            return;
        }
        thread::sleep(PATIENCE.mul_f64(0.95));
    }
}

fn strange(sight: &MemberSight) -> &str {
    match &sight.state {
        MemberState::Strange { why } => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_that_says_nothing() {
    let port = server::tcp(|stream| {
        thread::sleep(Duration::from_mins(1));
        drop(stream);
    });
    let sight = look(&Scene::new().prober(), port);
    assert_eq!((&sight.state, sight.reached, sight.served), (&silent(Stage::Handshake), Reached::Port, None));
}

#[test]
fn one_that_drips_its_handshake() {
    // A record of the handshake that will have 4096 bytes, one now and then.
    let port = server::tcp(|mut stream| drip(&mut stream, [22, 3, 3, 16, 0].into_iter().chain(std::iter::repeat(2))));
    assert_eq!(look(&Scene::new().prober(), port).state, silent(Stage::Handshake));
}

#[test]
fn one_that_shakes_hands_and_says_nothing() {
    let scene = Scene::new();
    let sight = scene.look_at(|_| thread::sleep(Duration::from_mins(1)));
    assert_eq!((&sight.state, sight.reached), (&silent(Stage::Answer), Reached::Handshake));
    assert_eq!(sight.served.map(|served| served.fingerprint), Some(scene.leaf.certificate().fingerprint()));
    assert_eq!(sight.to_string(), "tos1: does not answer: the TLS handshake was completed, and no answer came within 2 s");
}

#[test]
fn one_that_drips_its_answer() {
    let scene = Scene::new();
    let sight = scene.look_at(|stream| drip(stream, b"HTTP/1.0 200 OK\r\n\r\n".iter().copied()));
    assert_eq!(sight.state, silent(Stage::Answer));
    let sight = scene.look_at(|stream| {
        let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n");
        drip(stream, std::iter::repeat(b' '));
    });
    assert_eq!(sight.state, silent(Stage::Answer));
}

#[test]
fn one_whose_answer_has_no_end() {
    let scene = Scene::new();
    let begun = Instant::now();
    for (head, why) in [
        ("HTTP/1.0 200 OK\r\n\r\n", "is larger than 65536 bytes"),
        ("HTTP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n", "is larger than 65536 bytes"),
        ("HTTP/1.0 200 OK\r\nA: ", "the head of the answer is larger than 16384 bytes"),
        ("", "does not speak HTTP"),
    ] {
        let sight = scene.look_at(move |stream| {
            let _ = stream.write_all(head.as_bytes());
            while stream.write_all(&[b'a'; 4096]).is_ok() {}
        });
        assert!(strange(&sight).contains(why), "{head:?}: {sight}");
    }
    assert!(begun.elapsed() < PATIENCE, "a bound ends it, not the deadline");
}

#[test]
fn one_that_breaks_off() {
    let scene = Scene::new();
    assert!(strange(&scene.look_at(|_| ())).contains("breaks off while waiting for an answer"));
    let sight = scene.look_at(|stream| {
        let _ = stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 30\r\n\r\n{\"health\":\"true\"}");
    });
    assert!(strange(&sight).contains("breaks off while waiting for an answer"), "{sight}");
    let sight = scene.look_at(|stream| {
        let _ = stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Le");
    });
    assert!(strange(&sight).contains("cut short"), "{sight}");
    let sight = look(&scene.prober(), server::tcp(drop));
    assert!(strange(&sight).contains("breaks off during the TLS handshake"), "{sight}");
    assert_eq!(sight.reached, Reached::Port);
}

#[test]
fn one_that_speaks_something_else() {
    let scene = Scene::new();
    let bad_request = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    for greeting in [bad_request, "SSH-2.0-OpenSSH_7.4\r\n"] {
        let port = server::tcp(move |mut stream| {
            let _ = stream.write_all(greeting.as_bytes());
            let _ = stream.read(&mut [0; 4096]);
            thread::sleep(Duration::from_secs(10));
        });
        let sight = look(&scene.prober(), port);
        assert!(strange(&sight).contains("does not speak TLS"), "{sight}");
        assert_eq!(sight.reached, Reached::Port);
    }
    for (status, body) in [(200, "ok"), (200, "{}"), (404, "404 page not found\n"), (302, ""), (500, "{\"health\":\"true\"}")] {
        let sight = scene.look_at(move |stream| server::answer(stream, status, body));
        assert!(strange(&sight).contains(&format!("the HTTP status is {status}")), "{sight}");
        assert_eq!(sight.reached, Reached::Answer);
    }
    let sight = scene.look_at(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11\r\n{\"health\":\"true\"}\r\n0\r\n\r\n");
    });
    assert!(strange(&sight).contains("in an encoding that was not asked for"), "{sight}");
}

#[test]
fn one_that_holds_no_key_of_the_authority() {
    let (scene, other) = (Scene::new(), Authority::new());
    let mut foreign = other.leaf();
    foreign.pem.push_str(&other.pem);
    let sight = look(&scene.prober(), server::tls(server::config(&foreign, None, ALL_VERSIONS), |_, _| ()));
    let MemberState::Foreign { expected, found } = &sight.state else { panic!("{sight:?}") };
    assert!(expected.contains(&scene.authority.certificate().public_key().to_string()), "{expected}");
    assert!(found.contains(&other.certificate().public_key().to_string()), "{found}: its chain tells the key");
    // Who copied the certificate and not its key.
    let copied = Leaf { pem: scene.leaf.pem.clone(), key: other.leaf().key };
    let sight = look(&scene.prober(), imposter(&copied));
    assert!(strange(&sight).contains("TLS with 127.0.0.1") && !sight.completed_handshake(), "{sight}");
}

/// A server whose certificate is not that of its key.
fn imposter(leaf: &Leaf) -> u16 {
    #[derive(Debug)]
    struct Copied(Arc<rustls::sign::CertifiedKey>);
    impl rustls::server::ResolvesServerCert for Copied {
        fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<rustls::sign::CertifiedKey>> {
            Some(self.0.clone())
        }
    }
    let key = bundle_format::certificate::pem::blocks(leaf.key.as_bytes()).next().unwrap().decode().unwrap().to_vec();
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&rustls::pki_types::PrivatePkcs8KeyDer::from(key).into()).unwrap();
    let chain = vec![rustls::pki_types::CertificateDer::from(leaf.certificate().der().to_vec())];
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let resolver = Arc::new(Copied(Arc::new(rustls::sign::CertifiedKey::new(chain, key))));
    server::tls(Arc::new(builder.with_no_client_auth().with_cert_resolver(resolver)), |_, _| ())
}

#[test]
fn one_that_refuses_the_client_in_either_version_of_tls() {
    let (scene, other) = (Scene::new(), Authority::new());
    for version in [&version::TLS12, &version::TLS13] {
        let port = server::tls(server::config(&scene.leaf, Some(&other), &[version]), |_, _| ());
        for _ in 0..20 {
            let sight = look(&scene.prober(), port);
            assert!(matches!(&sight.state, MemberState::Refuses { alert } if !alert.is_empty()), "{version:?}: {sight:?}");
            assert!(sight.listens() && !sight.completed_handshake() && sight.served.is_some(), "{sight:?}");
        }
    }
}

#[test]
fn one_that_takes_no_more_connections() {
    let listener = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    bind(std::os::fd::AsRawFd::as_raw_fd(&listener), &SockaddrIn::new(127, 0, 0, 1, 0)).unwrap();
    listen(&listener, Backlog::new(1).unwrap()).unwrap();
    let port = getsockname::<SockaddrIn>(std::os::fd::AsRawFd::as_raw_fd(&listener)).unwrap().port();
    let connect = || TcpStream::connect_timeout(&crate::local(port), Duration::from_millis(200));
    let waiting: Vec<TcpStream> = std::iter::from_fn(|| connect().ok()).take(50).collect();
    assert!(waiting.len() < 50, "its queue is full");
    let sight = look(&Scene::new().prober(), port);
    assert!(!sight.listens(), "{sight}");
    assert_eq!(sight.to_string(), format!("tos1: unreachable: 127.0.0.1:{port} takes longer than 2 s while connecting"));
}

#[test]
fn all_are_looked_at_together_and_in_their_order() {
    let scene = Scene::new();
    let mute = server::tcp(|stream| {
        thread::sleep(Duration::from_mins(1));
        drop(stream);
    });
    let well = server::tls(scene.config(), |stream, _| server::answer(stream, 200, "{\"health\": \"true\"}"));
    let ports: Vec<u16> = (0..12).map(|index| [mute, well, free_port()][index % 3]).collect();
    let members: Vec<_> = ports.iter().zip(1..).map(|(port, number)| member(&format!("tos{number}"), *port)).collect();
    let begun = Instant::now();
    let sights = scene.prober().probe_all(&Machine::whole(), &members, PATIENCE);
    assert!(begun.elapsed() < PATIENCE + SLACK, "{:?}", begun.elapsed());
    for (index, (sight, member)) in sights.iter().zip(&members).enumerate() {
        assert_eq!((&sight.node, sight.address.port()), (&member.node, member.port));
        assert_eq!((sight.listens(), sight.is_healthy()), (index % 3 < 2, index % 3 == 1), "{sight}");
    }
    assert_eq!(sights.len(), members.len());
}
