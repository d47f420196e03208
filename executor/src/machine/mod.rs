//! The one door to the machine: files, locks, clock, programs, processes, services on the network, and what the host is called.
//!
//! No other module opens a path, asks the clock or makes a system call; `.clippy.toml` sees to it. Nothing here decides: it reads
//! what is there and does one thing that it is told to.
//!
//! What a hostile tree may try, and what stops it: a link that leads a target out of the root ([`PlaceError::OutsideRoot`]); a
//! link, folder, device or pipe where a file should be ([`Sight::NotAFile`], and every open is `O_NOFOLLOW | O_NONBLOCK`); a file
//! without an end ([`MOST_BYTES`]); a staging file that is already there (every creation is exclusive).
//!
//! It never resolves a name or looks up a user: a static glibc crashes in both.

#![allow(clippy::disallowed_methods, reason = "this is the one module that may")]
#![allow(clippy::unused_self, reason = "who has no machine at hand may do none of this")]
#![allow(clippy::must_use_candidate, clippy::return_self_not_must_use, reason = "public for the tests of this package alone")]

mod ask;
mod bundle;
mod console;
pub mod database;
mod deadline;
mod file;
mod folder;
mod host;
mod metadata;
mod once;
mod path;
mod pipes;
mod process;
mod processes;
mod said;
pub mod secrecy;
mod secrets;
mod socket;
mod state;
mod tree;
mod volume;
mod wait;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use bundle_format::{language::reason, text, word};
use thiserror::Error;

pub use ask::{Answer, AskError, MOST_BODY, Question, Stage, Tls};
pub use bundle::MediumError;
pub use deadline::Deadline;
#[cfg(test)]
pub use file::Seen;
pub use file::{Dress, Kind, MOST_BYTES, Sight};
pub use host::{Host, Interface, Kernel};
pub use metadata::{Metadata, Snapshot};
pub use path::{Located, Place, PlaceError};
pub use process::{Ending, Output, ProcessError};
pub use processes::Process;
pub use state::{AppendFile, Lock, LockError, busy};
pub use volume::Volume;
pub use wait::Interrupted;

/// A system call that failed.
#[derive(Debug, Error)]
#[error("{}", text!("cannot {action} `{}`: {}", "操作失败：{action} `{}`：{}"; path.display(), reason(source)))]
pub struct MachineError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl MachineError {
    /// Whether there was nothing at the path.
    pub fn is_missing(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }

    /// Whether whoever is root would have been let.
    pub fn is_denied(&self) -> bool {
        self.source.kind() == io::ErrorKind::PermissionDenied
    }
}

#[cfg(test)]
impl MachineError {
    /// That something could not be written, for this reason.
    pub fn example(path: &str, kind: io::ErrorKind) -> Self {
        failed(word!("write", "写入"), Path::new(path))(kind.into())
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> MachineError {
    let path = path.to_owned();
    move |source| MachineError { action, path, source }
}

/// The machine, or the part of it below one folder.
pub struct Machine {
    root: PathBuf,
    is_whole: bool,
    interrupted: Arc<AtomicBool>,
}

impl Machine {
    /// The machine that this process runs on.
    pub fn whole() -> Self {
        Self { root: PathBuf::from("/"), is_whole: true, interrupted: Arc::default() }
    }

    /// The tree below `root`, as if it were a machine.
    ///
    /// # Errors
    /// When `root` is not a folder.
    pub fn below(root: &Path) -> Result<Self, MachineError> {
        let canonical = fs::canonicalize(root).map_err(failed(word!("open the root", "打开根目录"), root))?;
        fs::read_dir(&canonical).map_err(failed(word!("open the root", "打开根目录"), root))?;
        Ok(Self { root: canonical, is_whole: false, interrupted: Arc::default() })
    }

    /// Whether this is the machine itself, with what runs on it, and not a tree of files.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }
}
