//! Asks a service on this node how it is.
//!
//! Its certificate is not judged. The service is asked at the loopback address, where only this node answers; nothing secret is
//! told to it, and all that is taken from its answer is that there is one. A certificate that has expired, or that another authority signed, says
//! nothing about whether the service runs.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bundle_format::{slice::HealthEndpoint, text};
use rustls::{Error as TlsError, pki_types::ServerName};
use serde::Serialize;

use crate::{
    machine::{Deadline, Machine, Question, Tls},
    tls::{self, Whoever},
};

/// How long all paths of one endpoint may take together.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// How a service is.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "health", content = "why", rename_all = "kebab-case")]
pub enum Health {
    /// It answers, and is well; or it answers that who asks has no right to know.
    Well,
    /// It answers that it is not well, or nothing that says that it is.
    Unwell(String),
    /// It does not answer.
    Unreachable(String),
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Well => f.write_str("well"),
            Self::Unwell(why) => write!(f, "unwell: {why}"),
            Self::Unreachable(why) => write!(f, "unreachable: {why}"),
        }
    }
}

/// Asks `endpoint` by its paths in turn, until one is there. All of it ends within [`PATIENCE`].
#[must_use]
pub fn ask(machine: &Machine, endpoint: &HealthEndpoint) -> Health {
    ask_until(machine, endpoint, machine.deadline(PATIENCE))
}

fn ask_until(machine: &Machine, endpoint: &HealthEndpoint, deadline: Deadline) -> Health {
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, endpoint.port));
    let tls = match endpoint.tls.then(|| whoever(to)).transpose() {
        Ok(tls) => tls,
        Err(error) => return Health::Unreachable(error.to_string()),
    };
    for path in &endpoint.paths {
        match machine.ask(&Question { to, tls: tls.as_ref(), path, json: None }, deadline) {
            Err(error) => return Health::Unreachable(error.to_string()),
            Ok(answer) if answer.status == 404 => {}
            Ok(answer) => return judged(path, answer.status),
        }
    }
    Health::Unwell(text!("{to} answers, and has nothing at {}", "{to} 有应答，但 {} 不存在"; quoted(&endpoint.paths)))
}

/// 401 and 403 are answers of a service that works, and that keeps its health from strangers.
fn judged(path: &str, status: u16) -> Health {
    match status {
        200 | 401 | 403 => Health::Well,
        _ => Health::Unwell(text!("`{path}` is answered with HTTP status {status}", "`{path}` 的应答是 HTTP 状态 {status}")),
    }
}

fn quoted(paths: &[String]) -> String {
    let quoted: Vec<String> = paths.iter().map(|path| format!("`{path}`")).collect();
    quoted.join(", ")
}

/// TLS with whoever answers.
fn whoever(to: SocketAddr) -> Result<Tls, TlsError> {
    Ok(Tls { config: tls::config(Arc::new(Whoever), None)?, name: ServerName::IpAddress(to.ip().into()) })
}
