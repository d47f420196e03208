//! Members of versions that are not at hand, as they answer; and key files as sites have them.

use std::sync::{Arc, Mutex};

use bundle_format::certificate::pem;
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384};
use reseal_node::etcd::{EtcdError, MemberState, Prober};
use rustls::{ServerConfig, version};

use crate::{
    look,
    pki::{Authority, Leaf},
    server,
};

const NOT_FOUND: (u16, &str) = (404, "404 page not found\n");

/// The health, version and status of a version, each with the path at which it answers.
type Answers<'a> = &'a [(&'static str, u16, &'static str)];

fn state(answers: Answers<'_>, versions: &[&'static rustls::SupportedProtocolVersion]) -> (MemberState, Vec<String>) {
    let (authority, answers) = (Authority::new(), answers.to_vec());
    let leaf = authority.leaf();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    let port = server::tls(server::config(&leaf, Some(&authority), versions), move |stream, request| {
        let line = request.lines().next().unwrap().to_owned();
        let known = answers.iter().find(|(path, ..)| line == format!("{path} HTTP/1.0"));
        let (status, body) = known.map_or(NOT_FOUND, |(_, status, body)| (*status, *body));
        log.lock().unwrap().push(line);
        server::answer(stream, status, body);
    });
    let state = look(&authority.prober(&leaf), port).state;
    let asked = asked.lock().unwrap().clone();
    (state, asked)
}

fn healthy(version: Option<&str>, leads: Option<bool>) -> MemberState {
    MemberState::Healthy { version: version.map(str::to_owned), leads }
}

fn unhealthy(reason: &str, version: Option<&str>) -> MemberState {
    MemberState::Unhealthy { reason: reason.to_owned(), version: version.map(str::to_owned) }
}

#[test]
fn version_3_1_by_its_health_alone_over_tls_1_2() {
    let answers: Answers<'_> =
        &[("GET /health", 200, "{\"health\": \"true\"}"), ("GET /version", 200, "{\"etcdserver\":\"3.1.9\",\"etcdcluster\":\"3.1.0\"}")];
    let (state, asked) = state(answers, &[&version::TLS12]);
    assert_eq!(state, healthy(Some("3.1.9"), None));
    let paths = ["GET /health", "POST /v3/maintenance/status", "POST /v3beta/maintenance/status", "POST /v3alpha/maintenance/status"];
    assert_eq!(asked, [&paths[..], &["GET /version"]].concat().iter().map(|path| format!("{path} HTTP/1.0")).collect::<Vec<_>>());
    let bare: Answers<'_> = &[("GET /health", 200, "{\"health\": \"true\"}")];
    assert_eq!(self::state(bare, &[&version::TLS12]).0, healthy(None, None));
    let lost: Answers<'_> = &[("GET /health", 503, "{\"health\": \"false\"}")];
    assert_eq!(self::state(lost, &[&version::TLS12]).0, unhealthy("it says so, without a reason", None));
}

#[test]
fn version_3_2_by_its_alpha_path() {
    let status = "{\"header\":{\"cluster_id\":\"9\",\"member_id\":\"7\"},\"version\":\"3.2.26\",\"leader\":\"8\"}";
    let answers: Answers<'_> = &[("GET /health", 200, "{\"health\": \"true\"}"), ("POST /v3alpha/maintenance/status", 200, status)];
    assert_eq!(state(answers, &[&version::TLS12]).0, healthy(Some("3.2.26"), Some(false)));
}

#[test]
fn version_3_5_with_its_reasons() {
    let well = (200, "{\"health\":\"true\",\"reason\":\"\"}");
    let full = (503, "{\"health\":\"false\",\"reason\":\"ALARM NOSPACE\"}");
    let leader = "{\"header\":{\"member_id\":\"7\"},\"version\":\"3.5.16\",\"leader\":\"7\"}";
    let learner = "{\"header\":{\"member_id\":\"7\"},\"version\":\"3.5.16\",\"leader\":\"8\",\"isLearner\":true}";
    let leaderless = "{\"header\":{\"member_id\":\"7\"},\"version\":\"3.5.16\"}";
    let ill = |reason| unhealthy(reason, Some("3.5.16"));
    let cases = [
        (well, leader, healthy(Some("3.5.16"), Some(true))),
        (full, leader, ill("ALARM NOSPACE")),
        (well, learner, ill("it only learns, and has no vote")),
        (well, leaderless, ill("it has no leader: too few members are healthy")),
    ];
    for ((code, health), status, expected) in cases {
        let answers: Answers<'_> = &[("GET /health", code, health), ("POST /v3/maintenance/status", 200, status)];
        assert_eq!(state(answers, &[&version::TLS13]).0, expected);
    }
}

#[test]
fn one_suite_that_go_1_8_prefers_is_enough() {
    let authority = Authority::new();
    let leaf = authority.leaf();
    let port = server::tls(only_ecdhe_rsa_aes_128_gcm(&leaf), |stream, _| server::answer(stream, 200, "{\"health\": \"true\"}"));
    assert!(look(&authority.prober(&leaf), port).is_healthy());
}

fn only_ecdhe_rsa_aes_128_gcm(leaf: &Leaf) -> Arc<ServerConfig> {
    use rustls::crypto::aws_lc_rs::{cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, default_provider, kx_group::SECP256R1};
    let mut provider = default_provider();
    (provider.cipher_suites, provider.kx_groups) = (vec![TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256], vec![SECP256R1]);
    let key = pem::blocks(leaf.key.as_bytes()).next().unwrap().decode().unwrap().to_vec();
    let chain = vec![leaf.certificate().der().to_vec().into()];
    let builder = ServerConfig::builder_with_provider(provider.into()).with_protocol_versions(&[&version::TLS12]).unwrap();
    Arc::new(builder.with_no_client_auth().with_single_cert(chain, rustls::pki_types::PrivatePkcs8KeyDer::from(key).into()).unwrap())
}

#[test]
fn keys_in_every_form_are_read_and_never_shown() {
    let authority = Authority::new();
    let leaf = authority.leaf();
    let of = |key: &str| Prober::new(authority.pem.as_bytes(), leaf.pem.as_bytes(), key.as_bytes());
    let pkcs8 = pem::blocks(leaf.key.as_bytes()).next().unwrap().decode().unwrap();
    // PrivateKeyInfo (RFC 5208, 5) of an RSA key: 26 bytes of version and algorithm, then the PKCS#1 form.
    let pkcs1 = pem::encode("RSA PRIVATE KEY", &pkcs8[26..]);
    let other = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap().serialize_pem();
    for key in
        [leaf.key.as_str(), &pkcs1, &pkcs1.replace("RSA ", ""), &format!("\u{feff}text\r\n{other}{}", leaf.key.replace('\n', "\r\n"))]
    {
        let prober = of(key).unwrap();
        let (shown, secret) = (format!("{prober:?}"), pem::encode("X", &pkcs8).lines().nth(3).unwrap().to_owned());
        assert!(!shown.contains(&secret) && !shown.contains(&format!("{:?}", &pkcs8[200..210])), "{shown}");
    }
    assert!(matches!(of(&other), Err(EtcdError::OtherKey { certificate, .. }) if certificate == leaf.certificate().fingerprint()));
    for none in ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", &leaf.pem] {
        assert!(matches!(of(none), Err(EtcdError::NoKey)), "{none}");
    }
    let no_authority = Prober::new(b"", leaf.pem.as_bytes(), leaf.key.as_bytes());
    assert!(matches!(no_authority, Err(EtcdError::Authority(_))));
    let no_certificate = Prober::new(authority.pem.as_bytes(), leaf.key.as_bytes(), leaf.key.as_bytes());
    assert!(matches!(no_certificate, Err(EtcdError::Certificate(_))));
}
