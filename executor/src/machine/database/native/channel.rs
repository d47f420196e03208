//! The stream to a server: a socket of this machine, or TCP that is put within TLS where that was asked for.

use std::{
    io::{self, Read, Write},
    path::Path,
    sync::Arc,
};

use bundle_format::certificate::pem;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, Stream,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    pki_types::{CertificateDer, ServerName},
};

use super::{
    super::{
        super::{Deadline, file, socket::Socket},
        access::{Native, Server, Tls},
    },
    login::Channel,
    wire::Fault,
};
use crate::tls::{self, Whoever};

/// The largest file of certificates.
const MOST_CERTIFICATES: u64 = 1 << 20;

/// A stream to a server.
pub struct Line {
    socket: Socket,
    is_local: bool,
    wanted: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    tls: Option<ClientConnection>,
}

impl Line {
    /// Connects. Only whoever is not there ends in an error of the system.
    pub fn connect(native: &Native, deadline: Deadline) -> Result<Self, Fault> {
        let (socket, wanted) = match &native.server {
            Server::Socket(path) => (Socket::connect_local(path, deadline)?, None),
            Server::Address(address, port) => {
                let name = ServerName::IpAddress((*address).into());
                let wanted = native.tls.as_ref().map(|tls| config(tls).map(|config| (config, name))).transpose()?;
                (Socket::connect((*address, *port).into(), deadline)?, wanted)
            }
        };
        Ok(Self { socket, is_local: matches!(native.server, Server::Socket(_)), wanted, tls: None })
    }

    /// From now on, everything ends at `deadline`.
    pub fn until(&mut self, deadline: Deadline) {
        self.socket.until(deadline);
    }
}

impl Channel for Line {
    fn wants_tls(&self) -> bool {
        self.wanted.is_some()
    }

    fn secure(&mut self) -> Result<(), Fault> {
        let Some((config, name)) = self.wanted.take() else { return Ok(()) };
        let mut tls = ClientConnection::new(config, name).map_err(told)?;
        let _ = tls.complete_io(&mut self.socket)?;
        if tls.is_handshaking() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        self.tls = Some(tls);
        Ok(())
    }

    fn is_private(&self) -> bool {
        self.is_local || self.tls.is_some()
    }
}

impl Read for Line {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match &mut self.tls {
            None => self.socket.read(into),
            Some(tls) => Stream::new(tls, &mut self.socket).read(into),
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.tls {
            None => self.socket.write(bytes),
            Some(tls) => Stream::new(tls, &mut self.socket).write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.tls {
            None => self.socket.flush(),
            Some(tls) => Stream::new(tls, &mut self.socket).flush(),
        }
    }
}

fn config(wanted: &Tls) -> Result<Arc<ClientConfig>, Fault> {
    let judge = match &wanted.authority {
        None => Arc::new(Whoever),
        Some(path) => judge(path)?,
    };
    tls::config(judge, None).map_err(told)
}

/// Takes certificates under those of one file, and under no others.
fn judge(path: &Path) -> Result<Arc<dyn ServerCertVerifier>, Fault> {
    let about = |why: &dyn std::fmt::Display| Fault::Tls(format!("`{}`: {why}", path.display()));
    let content = file::read_bounded(path, MOST_CERTIFICATES).map_err(|error| about(&error))?;
    let mut roots = RootCertStore::empty();
    let mut is_pem = false;
    for block in pem::blocks(&content).filter(|block| block.label == "CERTIFICATE") {
        is_pem = true;
        let der = block.decode().map_err(|error| about(&error))?;
        roots.add(CertificateDer::from(der.to_vec())).map_err(|error| about(&error))?;
    }
    if !is_pem {
        roots.add(CertificateDer::from(content.to_vec())).map_err(|error| about(&error))?;
    }
    let judge = WebPkiServerVerifier::builder_with_provider(roots.into(), tls::provider().clone()).build();
    judge.map(|judge| judge as Arc<dyn ServerCertVerifier>).map_err(|error| about(&error))
}

#[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn told(error: rustls::Error) -> Fault {
    Fault::Tls(error.to_string())
}
