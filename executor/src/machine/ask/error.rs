//! Why a question has no answer, and how far it came.

use std::{fmt, io, net::SocketAddr, time::Duration};

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
            Self::Connecting => "while connecting",
            Self::Handshake => "during the TLS handshake",
            Self::Answer => "while waiting for an answer",
        })
    }
}

/// Why a question has no answer.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum AskError {
    /// It sent a fatal alert of TLS: mostly, it does not accept the client's certificate.
    #[error("{to} refuses TLS {stage}: `{alert}`")]
    Alert {
        /// The address.
        to: SocketAddr,
        /// How far it came.
        stage: Stage,
        /// The alert, in the words of RFC 8446, 6.
        alert: String,
    },
    /// The connection ended too early.
    #[error("{to} breaks off {stage}: {why}")]
    Broken {
        /// The address.
        to: SocketAddr,
        /// How far it came.
        stage: Stage,
        /// The reason.
        why: String,
    },
    /// What answers does not speak HTTP.
    #[error("{to} does not speak HTTP: {why}")]
    NotHttp {
        /// The address.
        to: SocketAddr,
        /// The reason.
        why: String,
    },
    /// What answers does not speak TLS.
    #[error("{to} does not speak TLS: {why}")]
    NotTls {
        /// The address.
        to: SocketAddr,
        /// The reason.
        why: String,
    },
    /// What should be a path is none.
    #[error("`{path}` is no path to ask for")]
    Path {
        /// Its beginning.
        path: String,
    },
    /// Nothing listens at the port.
    #[error("nothing listens at {to}")]
    Refused {
        /// The address.
        to: SocketAddr,
    },
    /// Too late.
    #[error("{to} takes longer than {} {stage}", seconds(*.patience))]
    TimedOut {
        /// The address.
        to: SocketAddr,
        /// How far it came.
        stage: Stage,
        /// How long the whole question might take.
        patience: Duration,
    },
    /// TLS failed, on this side of it.
    #[error("TLS with {to} fails {stage}: {why}")]
    Tls {
        /// The address.
        to: SocketAddr,
        /// How far it came.
        stage: Stage,
        /// The reason.
        why: String,
    },
    /// Too large.
    #[error("the answer of {to} is larger than {most} bytes")]
    TooLarge {
        /// The address.
        to: SocketAddr,
        /// The bound.
        most: usize,
    },
    /// The system knows no way to the address.
    #[error("{to} cannot be reached: {why}")]
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
            io::ErrorKind::UnexpectedEof => AskError::Broken { to: self.to, stage, why: "the connection ends".to_owned() },
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
    format!("{} s", duration.as_secs_f64())
}
