//! A connection each system call of which ends at a deadline.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    os::{fd::AsRawFd as _, unix::net::UnixStream},
    path::Path,
    time::Duration,
};

use nix::sys::{
    socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, setsockopt, socket, sockopt::SendTimeout},
    time::{TimeVal, TimeValLike as _},
};

use super::Deadline;

/// The connection. Past the deadline, every call fails with [`io::ErrorKind::TimedOut`].
pub struct Socket {
    stream: Stream,
    deadline: Deadline,
}

enum Stream {
    Local(UnixStream),
    Tcp(TcpStream),
}

impl Socket {
    /// Connects to an address.
    ///
    /// # Errors
    /// When nothing accepts before the deadline.
    pub fn connect(to: SocketAddr, deadline: Deadline) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&to, left(deadline)?)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: Stream::Tcp(stream), deadline })
    }

    /// Connects to a socket of this machine.
    ///
    /// # Errors
    /// When nothing accepts before the deadline.
    pub fn connect_local(to: &Path, deadline: Deadline) -> io::Result<Self> {
        let made = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
        let micros = i64::try_from(left(deadline)?.as_micros()).unwrap_or(i64::MAX).max(1);
        // The kernel waits this long where others wait to be accepted, too (socket(7)).
        setsockopt(&made, SendTimeout, &TimeVal::microseconds(micros))?;
        connect(made.as_raw_fd(), &UnixAddr::new(to)?).map_err(io::Error::from).map_err(late)?;
        Ok(Self { stream: Stream::Local(made.into()), deadline })
    }

    /// From now on, calls end at `deadline`.
    pub fn until(&mut self, deadline: Deadline) {
        self.deadline = deadline;
    }

    /// A call that may wait. One that a signal interrupted goes on: with a timeout set, the kernel never restarts it (socket(7)).
    fn call<T>(&mut self, mut call: impl FnMut(&mut Stream) -> io::Result<T>) -> io::Result<T> {
        loop {
            let left = left(self.deadline)?;
            self.stream.set_timeout(left)?;
            match call(&mut self.stream) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => return outcome.map_err(late),
            }
        }
    }
}

impl Stream {
    fn set_timeout(&self, timeout: Duration) -> io::Result<()> {
        match self {
            Self::Local(stream) => stream.set_read_timeout(Some(timeout)).and_then(|()| stream.set_write_timeout(Some(timeout))),
            Self::Tcp(stream) => stream.set_read_timeout(Some(timeout)).and_then(|()| stream.set_write_timeout(Some(timeout))),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.call(|stream| match stream {
            Stream::Local(stream) => stream.read(into),
            Stream::Tcp(stream) => stream.read(into),
        })
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.call(|stream| match stream {
            Stream::Local(stream) => stream.write(bytes),
            Stream::Tcp(stream) => stream.write(bytes),
        })
    }

    /// Nothing is held back.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is left, as a timeout, which must not be zero.
fn left(deadline: Deadline) -> io::Result<Duration> {
    let left = deadline.left();
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// How the kernel says that a timeout is over.
fn late(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock { io::ErrorKind::TimedOut.into() } else { error }
}
