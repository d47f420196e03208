//! Asks the members of an etcd cluster how they are.
//!
//! A probe is one look with one deadline; who waits, looks again. It needs no client program: three questions by HTTPS, with the
//! certificate that the nodes share. What an old version does not know is left open, and `/health` alone decides. A member that
//! cannot be judged is never left out: it has a [`MemberSight`] like any other, and that is not healthy.

pub mod answers;
mod authority;
mod client;
mod sight;

use std::{net::SocketAddr, sync::Arc, thread, time::Duration};

use bundle_format::{
    certificate::{Certificate, CertificateError},
    digest::{Digest, Fingerprint},
    slice::EtcdMember,
    text, word,
};
use rustls::pki_types::ServerName;
use thiserror::Error;

use crate::{
    machine::{Answer, AskError, Deadline, Machine, Question, Tls},
    tls,
};
use answers::{Health, Status};
use authority::{Authority, Judge};
use client::Client;
pub use sight::{MemberSight, MemberState, Reached, Served};

/// Where the status is asked for: newer versions first. 404 means that a version does not know the path.
const STATUS_PATHS: [&str; 3] = ["/v3/maintenance/status", "/v3beta/maintenance/status", "/v3alpha/maintenance/status"];

/// Why members cannot be asked at all.
#[derive(Debug, Error)]
pub enum EtcdError {
    /// The authority's file cannot be used.
    #[error("{}", text!("the certificate of the etcd authority cannot be read: {_0}", "无法读取 etcd 的 CA 证书：{_0}"))]
    Authority(CertificateError),
    /// The client's certificate cannot be used.
    #[error("{}", text!("the certificate for etcd cannot be read: {_0}", "无法读取 etcd 证书：{_0}"))]
    Certificate(CertificateError),
    /// The key file holds no usable key.
    #[error("{}", text!("the file of the key for etcd holds no private key of a usable kind", "etcd 私钥文件中没有可用类型的私钥"))]
    NoKey,
    /// The key is of another certificate.
    #[error("{}", text!(
        "the private key for etcd is not that of the certificate {certificate}, whose public key is {key}",
        "etcd 私钥与证书 {certificate} 不匹配，该证书的公钥是 {key}"
    ))]
    OtherKey {
        /// The certificate's SHA-256.
        certificate: Digest,
        /// Its public key.
        key: Fingerprint,
    },
    /// TLS cannot be set up.
    #[error("{}", text!("TLS cannot be set up: {_0}", "无法建立 TLS：{_0}"))]
    Tls(#[from] rustls::Error),
}

/// What it takes to ask members: whose signature counts, and who asks.
#[derive(Debug)]
pub struct Prober {
    authority: Authority,
    client: Arc<Client>,
}

impl Prober {
    /// Reads the files of one node: the authority's certificates, and the client's certificate and private key. Any of them may have
    /// expired.
    ///
    /// # Errors
    /// When one cannot be read, or the key is not the certificate's.
    pub fn new(authority: &[u8], certificate: &[u8], key: &[u8]) -> Result<Self, EtcdError> {
        let authority = Authority::new(Certificate::all_from_file(authority).map_err(EtcdError::Authority)?);
        let certificates = Certificate::all_from_file(certificate).map_err(EtcdError::Certificate)?;
        Ok(Self { authority, client: Arc::new(Client::new(&certificates, key)?) })
    }

    /// Looks at one member. Returns within `patience`, whatever the member does.
    #[must_use]
    pub fn probe(&self, machine: &Machine, member: &EtcdMember, patience: Duration) -> MemberSight {
        self.probe_until(machine, member, machine.deadline(patience))
    }

    /// Looks at all members at once, and returns their sights in the members' order within `patience`.
    #[must_use]
    pub fn probe_all(&self, machine: &Machine, members: &[EtcdMember], patience: Duration) -> Vec<MemberSight> {
        let deadline = machine.deadline(patience);
        thread::scope(|scope| {
            let probe = |member| thread::Builder::new().spawn_scoped(scope, move || self.probe_until(machine, member, deadline));
            let probes: Vec<_> = members.iter().map(|member| (member, probe(member))).collect();
            let finished = probes.into_iter().map(|(member, thread)| match thread.map(thread::ScopedJoinHandle::join) {
                Ok(Ok(sight)) => sight,
                Ok(Err(_)) => unjudged(member, text!("the probe broke off", "探测中断")),
                Err(error) => unjudged(member, text!("it cannot be probed: {error}", "无法探测：{error}")),
            });
            finished.collect()
        })
    }

    fn probe_until(&self, machine: &Machine, member: &EtcdMember, deadline: Deadline) -> MemberSight {
        let judge = Arc::new(Judge::new(self.authority.clone()));
        let config = match tls::config(judge.clone(), Some(self.client.clone())) {
            Ok(config) => config,
            Err(error) => return unjudged(member, EtcdError::Tls(error).to_string()),
        };
        let line = Line { machine, tls: Tls { config, name: server_name(member) }, to: address(member), deadline };
        let (reached, state) = match line.get("/health") {
            Err(error) => (Reached::without_answer(&error), MemberState::without_answer(&error)),
            Ok(answer) => (Reached::Answer, line.state(&answer)),
        };
        let seen = judge.seen();
        let foreign = seen.as_ref().filter(|seen| !seen.served.is_signed_by_authority);
        let state = foreign.map_or(state, |seen| MemberState::Foreign { expected: self.authority.keys(), found: seen.signer.clone() });
        MemberSight { node: member.node.clone(), address: line.to, reached, served: seen.map(|seen| seen.served), state }
    }
}

/// A member, and how to put questions to it until the deadline.
struct Line<'a> {
    machine: &'a Machine,
    tls: Tls,
    to: SocketAddr,
    deadline: Deadline,
}

impl Line<'_> {
    fn get(&self, path: &str) -> Result<Answer, AskError> {
        self.machine.ask(&Question { to: self.to, tls: Some(&self.tls), path, json: None }, self.deadline)
    }

    fn post(&self, path: &str) -> Result<Answer, AskError> {
        self.machine.ask(&Question { to: self.to, tls: Some(&self.tls), path, json: Some("{}") }, self.deadline)
    }

    /// The state of a member that answered `/health` so. The other questions only add to it, or find what `/health` does not tell.
    fn state(&self, answer: &Answer) -> MemberState {
        let health = match answers::health(answer.status, &answer.body) {
            Ok(health) => health,
            Err(error) => return MemberState::Strange { why: error.to_string() },
        };
        let status = self.status();
        let version = status.as_ref().and_then(|status| status.version.clone()).or_else(|| self.version());
        let ill = |reason: &str| MemberState::Unhealthy { reason: reason.to_owned(), version: version.clone() };
        match (health, status) {
            (Health::Unwell(Some(reason)), _) => ill(&reason),
            (Health::Unwell(None), Some(Status { leader: Some(_), .. }) | None) => {
                ill(word!("it says so, without a reason", "它自称不健康，未给出原因"))
            }
            (_, Some(Status { leader: None, .. })) => {
                ill(word!("it has no leader: too few members are healthy", "没有 leader：健康成员不足"))
            }
            (Health::Well, Some(Status { is_learner: true, .. })) => {
                ill(word!("it only learns, and has no vote", "它是 learner，没有投票权"))
            }
            (Health::Well, status) => MemberState::Healthy { leads: status.map(|status| status.leads()), version },
        }
    }

    fn status(&self) -> Option<Status> {
        for path in STATUS_PATHS {
            let answer = self.post(path).ok()?;
            if answer.status != 404 {
                return answers::status(answer.status, &answer.body).ok();
            }
        }
        None
    }

    fn version(&self) -> Option<String> {
        let answer = self.get("/version").ok()?;
        answers::version(answer.status, &answer.body).ok()
    }
}

fn address(member: &EtcdMember) -> SocketAddr {
    SocketAddr::from((member.address, member.port))
}

/// The name to ask for. A host that is called what no name may be is asked for by its address, which asks for none.
fn server_name(member: &EtcdMember) -> ServerName<'static> {
    ServerName::try_from(member.host_name.clone()).unwrap_or_else(|_| ServerName::IpAddress(member.address.into()))
}

/// The sight of a member that could not be looked at for a reason on this side.
fn unjudged(member: &EtcdMember, why: String) -> MemberSight {
    MemberSight {
        node: member.node.clone(),
        address: address(member),
        reached: Reached::Nothing,
        served: None,
        state: MemberState::Unreachable { why },
    }
}
