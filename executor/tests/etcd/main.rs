//! Probes of real etcd members, of services that misbehave, and of local services, all on the loopback interface.

#![allow(clippy::disallowed_methods, reason = "tests set the scene that the executor then meets through its one door")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a scene that cannot be set is a failed test")]

mod hostile;
mod live;
mod member;
mod older;
mod pki;
mod server;
mod service;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use bundle_format::slice::EtcdMember;
use reseal_node::{
    etcd::{MemberSight, Prober},
    machine::Machine,
};

/// How long one look may take. What hangs takes all of it.
const PATIENCE: Duration = Duration::from_secs(2);
/// What a busy machine may add.
const SLACK: Duration = Duration::from_millis(1500);

/// A port that nothing has. Below the range from which the kernel takes ports by itself, so that no connection takes it meanwhile.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + u16::try_from((std::process::id() * 61 + next) % 12_000).unwrap();
        if std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn member(node: &str, port: u16) -> EtcdMember {
    let (node, address) = (node.parse().unwrap(), Ipv4Addr::LOCALHOST.into());
    EtcdMember { host_name: format!("{node}.example"), node, address, port, peer_port: 2380 }
}

/// Looks at one member, and checks that it took no longer than it may.
fn look(prober: &Prober, port: u16) -> MemberSight {
    let begun = Instant::now();
    let sight = prober.probe(&Machine::whole(), &member("tos1", port), PATIENCE);
    assert!(begun.elapsed() < PATIENCE + SLACK, "{:?}: {sight}", begun.elapsed());
    sight
}
