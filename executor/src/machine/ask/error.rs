//! Why a question has no answer, and how far it came.

use std::{fmt, io, net::SocketAddr, time::Duration};

use bundle_format::{text, word};
use rustls::{AlertDescription, Error as TlsError};
use serde::Serialize;
use thiserror::Error;

use super::head::HeadError;

/// How far a question came.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Nothing accepted the connection yet.
    Connecting,
    /// TLS was being agreed on.
    Handshake,
    /// The question was put, and not answered in full.
    Answer,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => word!("while connecting", "连接时"),
            Self::Handshake => word!("during the TLS handshake", "TLS 握手时"),
            Self::Answer => word!("while waiting for an answer", "等待应答时"),
        })
    }
}

/// Why a question has no answer.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum AskError {
    /// It sent a fatal alert of TLS: mostly, it does not accept the client's certificate.
    #[error("{}", text!("{to} refuses TLS {stage}: `{alert}`", "{to} 拒绝 TLS（{stage}）：`{alert}`"))]
    Alert {
        /// The address.
        to: SocketAddr,
        /// How far it came.
        stage: Stage,
        /// The alert, in the words of RFC 8446, 6.
        alert: String,
    },
    /// The connection ended too early.
    #[error("{}", text!("{to} breaks off {stage}: {why}", "{to} 断开连接（{stage}）：{why}"))]
    Broken {
        /// The address.
        to: SocketAddr,
        /// How far it came.
        stage: Stage,
        /// The reason.
        why: String,
    },
    /// What answers does not speak HTTP.
    #[error("{}", text!("{to} does not speak HTTP: {why}", "{to} 应答的不是 HTTP：{why}"))]
    NotHttp {
        /// The address.
        to: SocketAddr,
        /// The reason.
        why: String,
    },
    /// What answers does not speak TLS.
    #[error("{}", text!("{to} does not speak TLS: {why}", "{to} 应答的不是 TLS：{why}"))]
    NotTls {
        /// The address.
        to: SocketAddr,
        /// The reason.
        why: String,
    },
    /// What should be a path is none.
    #[error("{}", text!("`{path}` is no path to ask for", "`{path}` 不是可请求的路径"))]
    Path {
        /// Its beginning.
        path: String,
    },
    /// Nothing listens at the port.
    #[error("{}", text!("nothing listens at {to}", "{to} 没有程序监听"))]
    Refused {
        /// The address.
        to: SocketAddr,
    },
    /// Too late.
    #[error("{}", text!("{to} takes longer than {} {stage}", "{to} 超过 {} 没有完成（{stage}）"; seconds(*patience)))]
    TimedOut {
        /// The address.
        to: SocketAddr,
        /// How far it came.
        stage: Stage,
        /// How long the whole question might take.
        patience: Duration,
    },
    /// TLS failed, on this side of it.
    #[error("{}", text!("TLS with {to} fails {stage}: {why}", "与 {to} 的 TLS 失败（{stage}）：{why}"))]
    Tls {
        /// The address.
        to: SocketAddr,
        /// How far it came.
        stage: Stage,
        /// The reason.
        why: String,
    },
    /// Too large.
    #[error("{}", text!("the answer of {to} is larger than {most} bytes", "{to} 的应答超过 {most} 字节"))]
    TooLarge {
        /// The address.
        to: SocketAddr,
        /// The bound.
        most: usize,
    },
    /// The system knows no way to the address.
    #[error("{}", text!("{to} cannot be reached: {why}", "无法连接 {to}：{why}"))]
    Unreachable {
        /// The address.
        to: SocketAddr,
        /// The reason.
        why: String,
    },
}

impl AskError {
    /// How far the question came: at [`Stage::Connecting`], nothing accepted the connection.
    pub fn stage(&self) -> Stage {
        match self {
            Self::Path { .. } | Self::Refused { .. } | Self::Unreachable { .. } => Stage::Connecting,
            Self::NotTls { .. } => Stage::Handshake,
            Self::NotHttp { .. } | Self::TooLarge { .. } => Stage::Answer,
            Self::Alert { stage, .. } | Self::Broken { stage, .. } | Self::TimedOut { stage, .. } | Self::Tls { stage, .. } => *stage,
        }
    }
}

/// What every error of a question knows.
pub(super) struct Context {
    pub to: SocketAddr,
    pub patience: Duration,
}

impl Context {
    pub fn connect(&self, error: &io::Error) -> AskError {
        let to = self.to;
        match error.kind() {
            io::ErrorKind::ConnectionRefused => AskError::Refused { to },
            io::ErrorKind::TimedOut => self.timed_out(Stage::Connecting),
            _ => AskError::Unreachable { to, why: error.to_string() },
        }
    }

    pub fn io(&self, stage: Stage, error: &io::Error) -> AskError {
        if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) {
            return self.tls(stage, error);
        }
        match error.kind() {
            io::ErrorKind::TimedOut => self.timed_out(stage),
            io::ErrorKind::UnexpectedEof => AskError::Broken { to: self.to, stage, why: text!("the connection ends", "连接结束") },
            _ => AskError::Broken { to: self.to, stage, why: error.to_string() },
        }
    }

    pub fn tls(&self, stage: Stage, error: &TlsError) -> AskError {
        let to = self.to;
        match error {
            TlsError::AlertReceived(alert) => AskError::Alert { to, stage, alert: words(*alert) },
            TlsError::InvalidMessage(_) if stage == Stage::Handshake => AskError::NotTls { to, why: error.to_string() },
            _ => AskError::Tls { to, stage, why: error.to_string() },
        }
    }

    pub fn not_http(&self, error: &HeadError) -> AskError {
        AskError::NotHttp { to: self.to, why: error.to_string() }
    }

    pub fn too_large(&self, most: usize) -> AskError {
        AskError::TooLarge { to: self.to, most }
    }

    fn timed_out(&self, stage: Stage) -> AskError {
        AskError::TimedOut { to: self.to, stage, patience: self.patience }
    }
}

/// `BadCertificate` as `bad certificate`.
fn words(alert: AlertDescription) -> String {
    let mut words = String::new();
    for character in format!("{alert:?}").chars() {
        if character.is_ascii_uppercase() && words.ends_with(|before: char| before.is_ascii_lowercase()) {
            words.push(' ');
        }
        words.push(character.to_ascii_lowercase());
    }
    words
}

/// A duration for people.
pub(super) fn seconds(duration: Duration) -> String {
    text!("{} s", "{} 秒"; duration.as_secs_f64())
}
