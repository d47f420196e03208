//! Runs one program: words in, bytes to its standard input, bounded output, a deadline. It never runs a shell.

use std::{
    io::{self, Read, Write},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use zeroize::Zeroizing;

/// How a program ended, and the beginning of what it said.
pub struct Ran {
    pub status: ExitStatus,
    pub output: Zeroizing<Vec<u8>>,
    pub complaint: Zeroizing<Vec<u8>>,
}

/// Why there is no [`Ran`].
pub enum NotRun {
    Late,
    NotStarted(io::Error),
}

/// The most bytes of standard output, and of standard error, that are kept.
const MOST_OUTPUT: u64 = 16 << 20;
const MOST_COMPLAINT: u64 = 64 << 10;
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Runs `words[0]` with the rest as its arguments and `input` on its standard input. A program that has not ended within `patience`
/// is killed.
pub fn run(words: &[String], input: Zeroizing<Vec<u8>>, patience: Duration) -> Result<Ran, NotRun> {
    let deadline = Instant::now() + patience;
    let mut child = spawn(words).map_err(NotRun::NotStarted)?;
    feed(&mut child, input);
    let output = child.stdout.take().map(|pipe| drain(pipe, MOST_OUTPUT));
    let complaint = child.stderr.take().map(|pipe| drain(pipe, MOST_COMPLAINT));
    let Some(status) = ended(&mut child, deadline) else {
        // It may have ended just now; either way nobody waits for it any more.
        child.kill().ok();
        child.wait().ok();
        return Err(NotRun::Late);
    };
    let rest = |pipe: Option<Receiver<_>>| pipe.map_or_else(|| Ok(Zeroizing::default()), |pipe| received(&pipe, deadline));
    Ok(Ran { status, output: rest(output)?, complaint: rest(complaint)? })
}

fn spawn(words: &[String]) -> io::Result<Child> {
    let (program, arguments) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
}

/// Writes in a thread of its own: a program may answer before it has read everything, or never read at all.
fn feed(child: &mut Child, input: Zeroizing<Vec<u8>>) {
    if let Some(mut pipe) = child.stdin.take() {
        thread::spawn(move || pipe.write_all(&input).ok());
    }
}

/// Reads `pipe` to its end in a thread of its own; what is beyond `most` is dropped, so that the program can go on.
fn drain(mut pipe: impl Read + Send + 'static, most: u64) -> Receiver<Zeroizing<Vec<u8>>> {
    let (to, from) = channel();
    thread::spawn(move || {
        let mut kept = Zeroizing::new(Vec::with_capacity(256 << 10));
        let read = (&mut pipe).take(most).read_to_end(&mut kept);
        to.send(kept).ok();
        read.and_then(|_| io::copy(&mut pipe, &mut io::sink())).ok();
    });
    from
}

fn ended(child: &mut Child, deadline: Instant) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => thread::sleep(LOOK_EVERY),
            _ => return None,
        }
    }
}

/// A grandchild may hold a pipe open after the program has ended.
fn received(pipe: &Receiver<Zeroizing<Vec<u8>>>, deadline: Instant) -> Result<Zeroizing<Vec<u8>>, NotRun> {
    let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_secs(1));
    match pipe.recv_timeout(left) {
        Ok(bytes) => Ok(bytes),
        Err(RecvTimeoutError::Disconnected) => Ok(Zeroizing::default()),
        Err(RecvTimeoutError::Timeout) => Err(NotRun::Late),
    }
}
