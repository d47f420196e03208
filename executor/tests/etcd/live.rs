//! What real members say, in health, in need, and after their authority has expired.

use std::{process::Command, thread};

use reseal_node::{
    etcd::{MemberSight, MemberState, Reached},
    machine::{Machine, Stage},
    quorum::Guard,
};
use time::Duration;

use crate::{
    look,
    member::Cluster,
    pki::{Authority, now},
};

fn all_healthy(sights: &[MemberSight]) -> bool {
    sights.iter().all(MemberSight::is_healthy)
}

/// The version that `etcd --version` prints.
fn version() -> String {
    let output = Command::new("etcd").arg("--version").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("etcd Version: ")).unwrap().to_owned()
}

fn leaders(sights: &[MemberSight]) -> usize {
    sights.iter().filter(|sight| matches!(sight.state, MemberState::Healthy { leads: Some(true), .. })).count()
}

#[test]
fn a_cluster_of_three_in_health_and_in_need() {
    let authority = Authority::new();
    let leaf = authority.leaf();
    let prober = authority.prober(&leaf);
    let mut cluster = Cluster::started(3, &authority, &leaf);

    let sights = cluster.await_all(&prober, |sights| all_healthy(sights) && leaders(sights) == 1);
    let version = version();
    for (sight, member) in sights.iter().zip(&cluster.members) {
        assert_eq!((&sight.node, sight.reached), (&member.node, Reached::Answer));
        assert!(matches!(&sight.state, MemberState::Healthy { version: Some(own), leads: Some(_) } if *own == version), "{sight:?}");
        let served = sight.served.unwrap();
        assert_eq!((served.fingerprint, served.is_signed_by_authority), (leaf.certificate().fingerprint(), true));
        assert_eq!(served.not_after, leaf.certificate().not_after());
    }
    assert!(Guard::judge(3, 2).allows());

    cluster.stop(2);
    let sights = cluster.await_all(&prober, |sights| all_healthy(&sights[..2]) && leaders(&sights[..2]) == 1);
    assert!(!sights[2].listens() && sights[2].served.is_none(), "{sights:?}");
    assert_eq!(sights[2].to_string(), format!("tos3: unreachable: nothing listens at 127.0.0.1:{}", cluster.members[2].port));
    let healthy_others = sights[1..].iter().filter(|sight| sight.is_healthy()).count();
    assert_eq!(Guard::judge(3, healthy_others), Guard::Refused { healthy_others: 1, needed: 2 });

    cluster.stop(1);
    let lost = format!("tos1: unhealthy: it has no leader: too few members are healthy; etcd {version}");
    let sights = cluster.await_all(&prober, |sights| {
        assert!(!all_healthy(&sights[1..]), "{sights:?}");
        sights[0].to_string() == lost
    });
    assert_eq!((sights[0].reached, sights[0].completed_handshake()), (Reached::Answer, true));

    cluster.start(1);
    cluster.await_all(&prober, |sights| all_healthy(&sights[..2]));
}

#[test]
fn a_member_whose_authority_expired_in_its_memory_refuses_in_time() {
    let end = now() + Duration::seconds(6);
    let authority = Authority::until(end);
    let leaf = authority.leaf();
    let cluster = Cluster::started(1, &authority, &leaf);
    let port = cluster.members[0].port;
    let prober = authority.prober(&leaf);
    cluster.await_all(&prober, all_healthy);
    assert!(now() < end, "it was healthy before its authority ended");

    thread::sleep((end - now() + Duration::seconds(1)).unsigned_abs());
    let sight = look(&prober, port);
    assert_eq!(sight.state, MemberState::Refuses { alert: "bad certificate".to_owned() });
    assert!(sight.listens() && !sight.completed_handshake() && !sight.is_healthy(), "{sight:?}");
    assert_eq!(sight.served.map(|served| served.fingerprint), Some(leaf.certificate().fingerprint()));
    // A renewed authority on disk does not change what the member has in its memory.
    let renewed = authority.renewed(now() + Duration::days(900));
    let sight = look(&renewed.prober(&renewed.leaf()), port);
    assert!(matches!(sight.state, MemberState::Refuses { .. }) && sight.served.unwrap().is_signed_by_authority, "{sight:?}");
}

#[test]
fn a_member_that_waits_for_its_peers_hangs_and_is_given_up_in_time() {
    for end in [now() + Duration::days(30), now() - Duration::days(1)] {
        let authority = Authority::until(end);
        let leaf = authority.leaf();
        let mut cluster = Cluster::new(3, &authority, &leaf);
        cluster.start(0);
        let prober = authority.prober(&leaf);
        let sights = cluster.await_all(&prober, |sights| sights[0].listens());
        let sight = &sights[0];
        assert_eq!(sight.state, MemberState::Silent { stage: Stage::Handshake, milliseconds: 2000 });
        assert_eq!((sight.reached, sight.served), (Reached::Port, None));
        assert!(sight.to_string().contains("the TLS handshake took longer than 2 s"), "{sight}");
    }
}

#[test]
fn only_the_key_of_the_authority_counts() {
    let authority = Authority::new();
    let leaf = authority.leaf();
    let cluster = Cluster::started(1, &authority, &leaf);
    let port = cluster.members[0].port;
    cluster.await_all(&authority.prober(&leaf), all_healthy);

    // The same key in certificates that have ended or will end later: what a site has before and after its renewal.
    for end in [now() - Duration::days(1), now() + Duration::days(900)] {
        assert!(look(&authority.renewed(end).prober(&leaf), port).is_healthy());
    }
    // Another key, by the same name.
    let other = Authority::new();
    let sight = look(&other.prober(&leaf), port);
    let MemberState::Foreign { expected, found } = &sight.state else { panic!("{sight:?}") };
    assert!(expected.starts_with(&other.certificate().public_key().to_string()), "{expected}");
    let identifier = hex::encode(authority.certificate().subject_key_id().unwrap());
    assert_eq!(*found, format!("`CN=etcd-ca` (key identifier {identifier})"));
    assert!(!sight.is_healthy() && sight.served.is_some_and(|served| !served.is_signed_by_authority), "{sight:?}");
    // A file with both.
    let both = [other.pem.as_str(), &authority.pem].concat();
    let prober = reseal_node::etcd::Prober::new(both.as_bytes(), leaf.pem.as_bytes(), leaf.key.as_bytes()).unwrap();
    assert!(look(&prober, port).is_healthy());
    // A client that the member does not know.
    let sight = look(&authority.prober(&other.leaf()), port);
    assert!(matches!(sight.state, MemberState::Refuses { .. }) && !sight.completed_handshake(), "{sight:?}");
    // A client whose certificate has expired.
    let sight = look(&authority.prober(&authority.leaf_until(now() - Duration::days(1))), port);
    assert!(matches!(sight.state, MemberState::Refuses { .. }) && sight.served.is_some(), "{sight:?}");
}

#[test]
fn a_member_that_serves_an_expired_leaf_is_still_judged() {
    let authority = Authority::new();
    let expired = authority.leaf_until(now() - Duration::days(1));
    let cluster = Cluster::started(1, &authority, &expired);
    let sights = cluster.await_all(&authority.prober(&authority.leaf()), all_healthy);
    assert_eq!(sights[0].served.map(|served| served.not_after), Some(expired.certificate().not_after()));
    assert!(matches!(&sights[0].state, MemberState::Healthy { version: Some(_), .. }), "{sights:?}");
    assert!(Machine::whole().now() > sights[0].served.unwrap().not_after);
}
