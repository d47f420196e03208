//! Go, OpenSSL and rustls-webpki as judges of certificates.

use std::{path::Path, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bundle_format::{certificate::Certificate, rfc3339_seconds};
use rustls_pki_types::{CertificateDer, UnixTime};
use serde_json::{Value, json};
use time::OffsetDateTime;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::tools;

/// What a judge says: nothing, or why it refuses.
pub type Verdict = Result<(), String>;

/// A program outside of this project that verifies certificates.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Judge {
    /// crypto/x509, which etcd and Kubernetes use.
    Go,
    /// OpenSSL.
    OpenSsl,
    /// What rustls uses.
    Webpki,
}

/// The host name that the test leaves are good for.
pub const HOST: &str = "tos-etcd-1";

/// A leaf under a CA at a time.
#[derive(Clone, Copy)]
pub struct Chain<'a> {
    /// The leaf.
    pub leaf: &'a Certificate,
    /// The CA.
    pub ca: &'a Certificate,
    /// The time.
    pub at: OffsetDateTime,
}

/// One side of a handshake.
#[derive(Clone, Copy)]
pub struct Party<'a> {
    /// What it shows.
    pub leaf: &'a Certificate,
    /// The key of that, as PEM.
    pub key: &'a str,
    /// What it trusts.
    pub ca: &'a Certificate,
}

/// A server with a client that authenticate each other at a time.
#[derive(Clone, Copy)]
pub struct Handshake<'a> {
    /// The server.
    pub server: Party<'a>,
    /// The client.
    pub client: Party<'a>,
    /// The time on both clocks.
    pub at: OffsetDateTime,
}

impl Judge {
    /// Judges each chain, for servers and clients; the host name must fit.
    #[must_use]
    pub fn chains(self, chains: &[Chain<'_>]) -> Vec<Verdict> {
        match self {
            Self::Go => go(&chains.iter().map(go_chain).collect::<Vec<_>>()),
            Self::OpenSsl => chains.iter().map(openssl).collect(),
            Self::Webpki => chains.iter().map(webpki).collect(),
        }
    }
}

/// Lets Go do each handshake, with an exchange of bytes both ways.
#[must_use]
pub fn handshakes(handshakes: &[Handshake<'_>]) -> Vec<Verdict> {
    go(&handshakes.iter().map(go_handshake).collect::<Vec<_>>())
}

fn go(checks: &[Value]) -> Vec<Verdict> {
    let input = serde_json::to_vec(checks).unwrap();
    let output = tools::succeed(Path::new("."), tools::gocheck().to_str().unwrap(), &[], &input);
    let verdicts: Vec<String> = serde_json::from_slice(&output).unwrap();
    assert_eq!(verdicts.len(), checks.len());
    verdicts.into_iter().map(|verdict| if verdict.is_empty() { Ok(()) } else { Err(verdict) }).collect()
}

fn go_chain(chain: &Chain<'_>) -> Value {
    json!({ "at": text(chain.at), "name": HOST, "ca": STANDARD.encode(chain.ca.der()), "leaf": STANDARD.encode(chain.leaf.der()) })
}

fn go_handshake(handshake: &Handshake<'_>) -> Value {
    let party =
        |party: &Party<'_>| json!({ "certificate": party.leaf.to_pem(), "key": party.key, "trusts": STANDARD.encode(party.ca.der()) });
    json!({ "at": text(handshake.at), "name": HOST, "server": party(&handshake.server), "client": party(&handshake.client) })
}

fn text(time: OffsetDateTime) -> String {
    rfc3339_seconds::format(time).unwrap()
}

fn openssl(chain: &Chain<'_>) -> Verdict {
    let at = chain.at.unix_timestamp().to_string();
    openssl_with(chain, &["-attime", &at])
}

/// Lets OpenSSL judge by the clock of this machine.
///
/// # Errors
/// When it refuses.
pub fn openssl_now(leaf: &Certificate, ca: &Certificate) -> Verdict {
    openssl_with(&Chain { leaf, ca, at: OffsetDateTime::now_utc() }, &[])
}

fn openssl_with(chain: &Chain<'_>, time: &[&str]) -> Verdict {
    let folder = tools::folder();
    tools::write(folder.path(), "ca.pem", chain.ca.to_pem());
    for purpose in ["sslserver", "sslclient"] {
        let fixed = ["verify", "-CAfile", "ca.pem", "-verify_hostname", HOST, "-purpose", purpose];
        let output = tools::run(folder.path(), "openssl", &[&fixed, time].concat(), chain.leaf.to_pem().as_bytes());
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
    }
    Ok(())
}

fn webpki(chain: &Chain<'_>) -> Verdict {
    let anchor = CertificateDer::from(chain.ca.der());
    let anchor = anchor_from_trusted_cert(&anchor).map_err(|error| format!("ca: {error:?}"))?;
    let leaf = CertificateDer::from(chain.leaf.der());
    let leaf = EndEntityCert::try_from(&leaf).map_err(|error| format!("leaf: {error:?}"))?;
    let at = UnixTime::since_unix_epoch(Duration::from_secs(chain.at.unix_timestamp().unsigned_abs()));
    for usage in [KeyUsage::server_auth(), KeyUsage::client_auth()] {
        leaf.verify_for_usage(webpki::ALL_VERIFICATION_ALGS, std::slice::from_ref(&anchor), &[], at, usage, None, None)
            .map_err(|error| format!("{error:?}"))?;
    }
    leaf.verify_is_valid_for_subject_name(&HOST.try_into().unwrap()).map_err(|error| format!("{error:?}"))
}
