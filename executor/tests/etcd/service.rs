//! Services of this node that are asked how they are.

use std::{
    thread,
    time::{Duration, Instant},
};

use bundle_format::slice::HealthEndpoint;
use reseal_node::{
    health::{Health, PATIENCE, ask},
    machine::Machine,
};
use rustls::ALL_VERSIONS;

use crate::{
    SLACK, free_port,
    pki::{Authority, now},
    server,
};

fn health(port: u16, tls: bool, paths: &[&str]) -> Health {
    let endpoint = HealthEndpoint { tls, port, paths: paths.iter().map(|path| (*path).to_owned()).collect() };
    ask(&Machine::whole(), &endpoint)
}

/// Answers each path with the status that it names.
fn by_name() -> u16 {
    server::plain(|stream, request| {
        let status = request.split(' ').nth(1).unwrap().trim_start_matches('/').split('/').next().unwrap().parse().unwrap();
        server::answer(stream, status, "text");
    })
}

#[test]
fn the_status_decides() {
    let port = by_name();
    for path in ["/200", "/401", "/403"] {
        assert_eq!(health(port, false, &[path, "/500"]), Health::Well, "{path}");
        assert_eq!(health(port, false, &["/404", "/404/too", path]), Health::Well, "{path}");
    }
    for path in ["/500", "/503", "/302", "/429", "/204"] {
        let expected = format!("`{path}` is answered with HTTP status {}", &path[1..]);
        assert_eq!(health(port, false, &[path, "/200"]), Health::Unwell(expected));
    }
    let nowhere = format!("127.0.0.1:{port} answers, and has nothing at `/404`, `/404/b`");
    assert_eq!(health(port, false, &["/404", "/404/b"]), Health::Unwell(nowhere));
    let smuggled = health(port, false, &["/200 HTTP/1.0\r\n\r\nGET /200"]);
    assert!(matches!(smuggled, Health::Unreachable(_)), "{smuggled}");
}

#[test]
fn its_certificate_is_not_judged() {
    let authority = Authority::until(now() - time::Duration::days(30));
    let leaf = authority.leaf_until(now() - time::Duration::days(40));
    let port = server::tls(server::config(&leaf, None, ALL_VERSIONS), |stream, _| server::answer(stream, 200, "ok"));
    assert_eq!(health(port, true, &["/readyz"]), Health::Well);
}

#[test]
fn what_does_not_answer_is_unreachable() {
    let port = free_port();
    assert_eq!(health(port, true, &["/healthz"]), Health::Unreachable(format!("nothing listens at 127.0.0.1:{port}")));
    let plain = health(by_name(), true, &["/200"]);
    assert!(matches!(&plain, Health::Unreachable(why) if why.contains("TLS")), "{plain}");
    let mute = server::tcp(|stream| {
        thread::sleep(Duration::from_mins(1));
        drop(stream);
    });
    let begun = Instant::now();
    let why = format!("127.0.0.1:{mute} takes longer than 5 s while waiting for an answer");
    assert_eq!(health(mute, false, &["/healthz", "/readyz"]), Health::Unreachable(why));
    assert!(begun.elapsed() < PATIENCE + SLACK);
}
