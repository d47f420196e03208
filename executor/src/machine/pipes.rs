//! The three pipes of a running program, served without ever waiting for one of them.

use std::{
    io::{self, ErrorKind, Read, Write as _},
    mem,
    os::fd::{AsFd, BorrowedFd},
    process::{Child, ChildStderr, ChildStdin, ChildStdout},
    thread,
    time::Duration,
};

use bundle_format::word;
use nix::{
    fcntl::{FcntlArg, OFlag, fcntl},
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use zeroize::Zeroizing;

use super::process::{MOST_COMPLAINT, MOST_OUTPUT};

const CHUNK: usize = 16 << 10;
/// How often one pipe is read before the others and the clock have their turn.
const TURNS: usize = 16;
/// The largest that a pipe can be made without privileges (`fs.pipe-max-size`), in bytes.
const LARGEST_PIPE: usize = 1 << 20;
/// How long to wait for the end of a program that has closed its pipes.
const WITHOUT_PIPES: Duration = Duration::from_millis(5);

/// Why pipes are served no longer.
pub enum PipeError {
    /// More than [`MOST_OUTPUT`] came.
    Flood,
    /// The system refused.
    System {
        /// What was being done.
        stage: &'static str,
        /// The reason.
        source: io::Error,
    },
}

/// The pipes, and what came through them.
pub struct Pipes<'a> {
    stdin: Option<ChildStdin>,
    unsent: &'a [u8],
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    output: Zeroizing<Vec<u8>>,
    complaint: Zeroizing<Vec<u8>>,
}

impl<'a> Pipes<'a> {
    /// Takes a child's pipes.
    pub fn of(child: &mut Child, input: &'a [u8]) -> Self {
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        Self { stdin, unsent: input, stdout, stderr, output: Zeroizing::default(), complaint: Zeroizing::default() }
    }

    /// Makes this side of the pipes non-blocking; the child's side stays as it is.
    pub fn unblock(&self) -> io::Result<()> {
        let reads = self.reads().into_iter().flatten();
        for end in reads.chain(self.stdin.as_ref().map(AsFd::as_fd)) {
            fcntl(end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        Ok(())
    }

    /// Waits until a pipe can be served, at most this long.
    pub fn wait(&self, most: Duration) {
        let mut watched: Vec<PollFd<'_>> = self.reads().into_iter().flatten().map(|end| PollFd::new(end, PollFlags::POLLIN)).collect();
        watched.extend(self.stdin.as_ref().map(|end| PollFd::new(end.as_fd(), PollFlags::POLLOUT)));
        if watched.is_empty() {
            thread::sleep(most.min(WITHOUT_PIPES));
        } else {
            // Interrupted or refused: the caller looks at the clock and comes back.
            let _ = poll(&mut watched, PollTimeout::try_from(most).unwrap_or(PollTimeout::ZERO));
        }
    }

    /// Moves what can be moved without waiting; whether anything came.
    pub fn pump(&mut self) -> Result<bool, PipeError> {
        self.feed()?;
        let output = drain(&mut self.stdout, |bytes| {
            if self.output.len() + bytes.len() > MOST_OUTPUT {
                return Err(PipeError::Flood);
            }
            append(&mut self.output, bytes);
            Ok(())
        })?;
        let complaint = drain(&mut self.stderr, |bytes| {
            append(&mut self.complaint, bytes);
            let surplus = self.complaint.len().saturating_sub(MOST_COMPLAINT);
            self.complaint.drain(..surplus);
            Ok(())
        })?;
        Ok(output || complaint)
    }

    /// Reads what an ended program left in its pipes. One that another process still fills is read no further than a pipe is large.
    pub fn empty(&mut self) -> Result<(), PipeError> {
        self.stdin = None;
        for _ in 0..=LARGEST_PIPE / (CHUNK * TURNS) {
            if !self.pump()? {
                break;
            }
        }
        Ok(())
    }

    /// The output and the complaint.
    pub fn take(&mut self) -> (Zeroizing<Vec<u8>>, Zeroizing<Vec<u8>>) {
        (mem::take(&mut self.output), mem::take(&mut self.complaint))
    }

    fn reads(&self) -> [Option<BorrowedFd<'_>>; 2] {
        [self.stdout.as_ref().map(AsFd::as_fd), self.stderr.as_ref().map(AsFd::as_fd)]
    }

    /// Sends what fits. A program that closes its input has read what it wants: its exit status tells whether that was enough.
    fn feed(&mut self) -> Result<(), PipeError> {
        while let Some(stdin) = &mut self.stdin {
            if self.unsent.is_empty() {
                self.stdin = None;
                break;
            }
            match stdin.write(self.unsent) {
                Ok(count) => self.unsent = &self.unsent[count..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::BrokenPipe => self.stdin = None,
                Err(source) => return Err(PipeError::System { stage: word!("write to", "写入"), source }),
            }
        }
        Ok(())
    }
}

/// Hands on what a pipe holds, and drops it at its end; whether there was anything.
fn drain<P: Read>(pipe: &mut Option<P>, mut keep: impl FnMut(&[u8]) -> Result<(), PipeError>) -> Result<bool, PipeError> {
    let mut chunk = Zeroizing::new([0; CHUNK]);
    let mut came = false;
    for _ in 0..TURNS {
        let Some(open) = pipe else { break };
        match open.read(&mut *chunk) {
            Ok(0) => *pipe = None,
            Ok(count) => {
                came = true;
                keep(&chunk[..count])?;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(source) => return Err(PipeError::System { stage: word!("read from", "读取"), source }),
        }
    }
    Ok(came)
}

/// Appends; a buffer that is too small is wiped when a larger one takes its place.
fn append(to: &mut Zeroizing<Vec<u8>>, bytes: &[u8]) {
    let needed = to.len() + bytes.len();
    if needed > to.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(to.capacity() * 2)));
        larger.extend_from_slice(to);
        *to = larger;
    }
    to.extend_from_slice(bytes);
}
