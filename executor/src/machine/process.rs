//! Running another program: found on a known path, never through a shell, bounded in time and output, and gone when the call returns.
//!
//! What a program may do, and what stops it: never end (`patience`); write without end ([`MOST_OUTPUT`], and of its complaints only
//! the last [`MOST_COMPLAINT`] bytes are kept); not read what it is sent (the pipes are non-blocking, all three are served at once);
//! ignore `SIGTERM`, or leave children behind (its whole process group is killed, before its pid can become another's); hold its
//! output open from outside that group (what is there when it ends is read, no more is waited for); repeat a secret that it was sent
//! in its complaint ([`said::last_line`]).
//!
//! Should this process be killed while a program runs, the program's pipes break. No more can be had without `unsafe`.

use std::{
    env,
    ffi::OsStr,
    fmt, fs, io,
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use bundle_format::{language::reason, text, word};
use nix::{
    errno::Errno,
    sys::{
        signal::{Signal, killpg},
        wait::{Id, WaitPidFlag, WaitStatus, waitid},
    },
    unistd::{AccessFlags, Pid, access},
};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{
    Machine,
    pipes::{PipeError, Pipes},
    said,
};

/// The most that a program may write to its standard output, in bytes.
pub const MOST_OUTPUT: usize = 4 << 20;
/// How much of the end of its standard error is kept, in bytes.
pub const MOST_COMPLAINT: usize = 64 << 10;

/// Where programs are looked for, before `PATH`: a console or a job may hand down less than this.
const FOLDERS: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
/// How long a killed program may take to be gone. One that hangs in the kernel (a dead network disk) is left to `init`.
const BURIAL: Duration = Duration::from_secs(5);
/// The longest sleep between two looks at whether the program has ended.
const SLICE: Duration = Duration::from_millis(50);

/// How a program ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    /// By itself, with this exit status.
    Exit(i32),
    /// It was killed after this long.
    OutOfTime(Duration),
    /// By a signal that was not ours.
    Signal(i32),
}

impl fmt::Display for Ending {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(status) => to.write_str(&text!("ended with exit status {status}", "以状态码 {status} 退出")),
            Self::OutOfTime(patience) => to.write_str(&text!("did not end within {patience:?}", "在 {patience:?} 内没有结束")),
            Self::Signal(signal) => to.write_str(&text!("was ended by signal {signal}", "被信号 {signal} 终止")),
        }
    }
}

/// What a program left. Its output may hold secrets: it is wiped when dropped, and `Debug` shows none of it.
pub struct Output {
    /// How it ended.
    pub ending: Ending,
    /// Its standard output, whole.
    pub stdout: Zeroizing<Vec<u8>>,
    /// The end of its standard error.
    pub stderr: Zeroizing<Vec<u8>>,
    /// The last line of its standard error, bounded, without what it repeats of its input: fit for an error message. Empty
    /// where it ended well.
    pub said: String,
    program: String,
}

impl fmt::Debug for Output {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Output").field("program", &self.program).field("ending", &self.ending).finish_non_exhaustive()
    }
}

impl Output {
    /// Itself, where the program ended with exit status 0.
    ///
    /// # Errors
    /// [`ProcessError::Ended`] with what it said otherwise.
    pub fn success(self) -> Result<Self, ProcessError> {
        match self.ending {
            Ending::Exit(0) => Ok(self),
            ending => Err(ProcessError::Ended { program: self.program, ending, said: self.said }),
        }
    }
}

/// Why a program has no result.
#[derive(Debug, Error)]
pub enum ProcessError {
    /// It ended other than well.
    #[error("`{program}` {ending}{}{said}", if .said.is_empty() { "" } else { word!(": ", "：") })]
    Ended {
        /// The program.
        program: String,
        /// How it ended.
        ending: Ending,
        /// The last line of its standard error, as in [`Output::said`].
        said: String,
    },
    /// It wrote too much, and was killed.
    #[error("{}", text!("`{program}` wrote more than {most} bytes", "`{program}` 的输出超过 {most} 字节"))]
    Flood {
        /// The program.
        program: String,
        /// The bound.
        most: usize,
    },
    /// There is no such program.
    #[error("{}", text!("there is no program `{_0}` here", "本机没有程序 `{_0}`"))]
    Missing(String),
    /// The system refused.
    #[error("{}", text!("cannot {stage} `{program}`: {}", "操作失败：{stage} `{program}`：{}"; reason(source)))]
    System {
        /// What was being done.
        stage: &'static str,
        /// The program.
        program: String,
        /// The reason.
        source: io::Error,
    },
    /// The machine is a tree: what would answer is another machine's.
    #[error("{}", text!("`{_0}` is not run for a folder tree, only for a whole machine", "`{_0}` 只在整机上运行，不用于目录树"))]
    Tree(String),
}

impl ProcessError {
    /// Whether there is no such program.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing(_))
    }
}

impl Machine {
    /// Runs a program and gives back what it wrote, where it ended with exit status 0.
    ///
    /// `program` is a name to look for, or an absolute path. Its environment is this process's, with the locale C; its folder is `/`;
    /// its standard input is `input`, or empty. `patience` bounds the whole.
    ///
    /// # Errors
    /// When there is none, it cannot be started, did not end in time, wrote too much, or ended other than well.
    pub fn run<A: AsRef<OsStr>>(
        &self,
        program: &str,
        arguments: &[A],
        input: Option<&[u8]>,
        patience: Duration,
    ) -> Result<Output, ProcessError> {
        self.attempt(program, arguments, input, patience)?.success()
    }

    /// As [`Machine::run`], for programs whose output means something however they end; out of time is an [`Ending`] then.
    ///
    /// # Errors
    /// When there is none, it cannot be started, or wrote too much.
    pub fn attempt<A: AsRef<OsStr>>(
        &self,
        program: &str,
        arguments: &[A],
        input: Option<&[u8]>,
        patience: Duration,
    ) -> Result<Output, ProcessError> {
        if !self.is_whole {
            return Err(ProcessError::Tree(program.to_owned()));
        }
        attempt(program, arguments, input, patience)
    }
}

/// As [`Machine::attempt`], for the other ways through this one door.
pub(super) fn attempt<A: AsRef<OsStr>>(
    program: &str,
    arguments: &[A],
    input: Option<&[u8]>,
    patience: Duration,
) -> Result<Output, ProcessError> {
    let begun = Instant::now();
    let path = search(program)?;
    let mut running = Running::start(program, &path, arguments, input)?;
    let ended = running.serve(begun, patience)?;
    running.end(ended, patience, input)
}

fn search(program: &str) -> Result<PathBuf, ProcessError> {
    let found = if program.contains('/') {
        Some(PathBuf::from(program)).filter(|path| path.is_absolute() && is_program(path))
    } else {
        folders().into_iter().map(|folder| folder.join(program)).find(|path| is_program(path))
    };
    found.ok_or_else(|| ProcessError::Missing(program.to_owned()))
}

/// The known folders, then those of `PATH`; never one that depends on where this process stands.
fn folders() -> Vec<PathBuf> {
    let inherited = env::var_os("PATH").unwrap_or_default();
    FOLDERS.iter().map(PathBuf::from).chain(env::split_paths(&inherited).filter(|folder| folder.is_absolute())).collect()
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) && access(path, AccessFlags::X_OK).is_ok()
}

/// A program that has been started. When dropped, it and its process group are gone.
struct Running<'a> {
    program: &'a str,
    child: Child,
    pipes: Pipes<'a>,
    is_buried: bool,
}

impl<'a> Running<'a> {
    fn start<A: AsRef<OsStr>>(program: &'a str, path: &Path, arguments: &[A], input: Option<&'a [u8]>) -> Result<Self, ProcessError> {
        let mut command = Command::new(path);
        command.args(arguments).current_dir("/").process_group(0);
        command.env("LC_ALL", "C").env("LANG", "C").env_remove("LANGUAGE");
        if let Ok(folders) = env::join_paths(folders()) {
            command.env("PATH", folders);
        }
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() }).stdout(Stdio::piped()).stderr(Stdio::piped());
        let fail = |source| ProcessError::System { stage: word!("start", "启动"), program: program.to_owned(), source };
        let mut child = command.spawn().map_err(fail)?;
        let pipes = Pipes::of(&mut child, input.unwrap_or_default());
        let running = Self { program, child, pipes, is_buried: false };
        running.pipes.unblock().map_err(fail)?;
        Ok(running)
    }

    /// Serves its pipes until it ends (true) or patience does (false).
    fn serve(&mut self, begun: Instant, patience: Duration) -> Result<bool, ProcessError> {
        loop {
            self.pipes.pump().map_err(|error| failed(self.program, error))?;
            if self.has_ended()? {
                return Ok(true);
            }
            let left = patience.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Ok(false);
            }
            self.pipes.wait(left.min(SLICE));
        }
    }

    /// Ends what is left of its group, reads what it still wrote, and says how it ended.
    fn end(mut self, ended: bool, patience: Duration, input: Option<&[u8]>) -> Result<Output, ProcessError> {
        self.kill_group();
        self.pipes.empty().map_err(|error| failed(self.program, error))?;
        let status = self.bury();
        let ending = match status {
            Some(status) if ended => Ending::of(status),
            _ => Ending::OutOfTime(patience),
        };
        let (stdout, stderr) = self.pipes.take();
        let said = if ending == Ending::Exit(0) { String::new() } else { said::last_line(&stderr, input.unwrap_or_default()) };
        Ok(Output { ending, stdout, stderr, said, program: self.program.to_owned() })
    }

    /// Whether it has ended. It is left unburied, so that its pid, which is its group's number too, stays its own.
    fn has_ended(&mut self) -> Result<bool, ProcessError> {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        match waitid(Id::Pid(self.pid()), flags) {
            Ok(WaitStatus::StillAlive) | Err(Errno::EINTR) => Ok(false),
            Ok(_) => Ok(true),
            Err(errno) => {
                self.is_buried = errno == Errno::ECHILD;
                Err(ProcessError::System { stage: word!("wait for", "等待"), program: self.program.to_owned(), source: errno.into() })
            }
        }
    }

    fn kill_group(&self) {
        let _ = killpg(self.pid(), Signal::SIGKILL);
    }

    fn bury(&mut self) -> Option<ExitStatus> {
        let begun = Instant::now();
        while begun.elapsed() < BURIAL {
            if let Ok(Some(status)) = self.child.try_wait() {
                self.is_buried = true;
                return Some(status);
            }
            thread::sleep(Duration::from_millis(1));
        }
        None
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.is_buried {
            self.kill_group();
            self.bury();
        }
    }
}

fn failed(program: &str, error: PipeError) -> ProcessError {
    let program = program.to_owned();
    match error {
        PipeError::Flood => ProcessError::Flood { program, most: MOST_OUTPUT },
        PipeError::System { stage, source } => ProcessError::System { stage, program, source },
    }
}

impl Ending {
    fn of(status: ExitStatus) -> Self {
        status.code().map_or_else(|| Self::Signal(status.signal().unwrap_or_default()), Self::Exit)
    }
}
