//! The executor's own folder: private folders, a file that only grows, and the lock.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
    thread,
    time::Duration,
};

use bundle_format::{text, word};
use nix::fcntl::OFlag;
use thiserror::Error;

use super::{Dress, Machine, MachineError, Place, failed, file};

/// How often something that lasts an instant is tried again.
const TRIES: usize = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// A file that only grows; every append is on disk before it returns.
pub struct AppendFile {
    file: File,
    place: Place,
}

impl AppendFile {
    /// Appends and syncs.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), MachineError> {
        self.file.write_all(bytes).and_then(|()| self.file.sync_data()).map_err(failed(word!("append to", "追加写入"), &self.place.0))
    }
}

/// The lock; held until dropped, or until the process ends in whatever way.
pub struct Lock(#[expect(dead_code, reason = "held, not used")] File);

/// Why the lock was not taken.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("{}", busy(*.0))]
    Held(Option<u32>),
    /// The system refused.
    #[error(transparent)]
    Machine(#[from] MachineError),
}

/// That another run is in progress, and its process where known.
pub fn busy(pid: Option<u32>) -> String {
    match pid {
        Some(pid) => text!("another run is in progress, process `{pid}`", "另一次执行正在进行，进程 `{pid}`"),
        None => text!("another run is in progress", "另一次执行正在进行"),
    }
}

impl Machine {
    /// Makes a folder that only its owner may enter, with the folders around it, unless it exists.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn make_folder(&self, folder: &Place) -> Result<(), MachineError> {
        let fail = |error| failed(word!("make the folder", "创建目录"), &folder.0)(error);
        let parent = folder.0.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(parent).map_err(fail)?;
        match DirBuilder::new().mode(0o700).create(&folder.0) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !folder.0.is_dir() => Err(fail(error)),
            // Whoever made one that is there may have been killed before its sync.
            _ => File::open(parent).and_then(|file| file.sync_all()).map_err(fail),
        }
    }

    /// Opens a file to append to it, after what lies behind its first `keep` bytes was cut off. Makes it when there is none.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn append_to(&self, place: &Place, keep: u64) -> Result<AppendFile, MachineError> {
        let fail = |error| failed(word!("open", "打开"), &place.0)(error);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600).custom_flags(OFlag::O_NOFOLLOW.bits());
        let mut file = options.open(&place.0).map_err(fail)?;
        if file.metadata().map_err(fail)?.len() > keep {
            file.set_len(keep).and_then(|()| file.sync_all()).map_err(fail)?;
        }
        file.seek(SeekFrom::End(0)).map_err(fail)?;
        Ok(AppendFile { file, place: place.clone() })
    }

    /// Puts a small file of the executor's own in its place, private and synced, whether there is one or not. Who calls it holds the
    /// lock.
    ///
    /// # Errors
    /// When the system refuses; then the former file is there still.
    pub fn put(&self, place: &Place, content: &[u8]) -> Result<(), MachineError> {
        let staged = place.beside(".new");
        self.remove(&staged)?;
        self.create(&staged, content, Dress::Private)?;
        self.rename(&staged, place)?;
        self.sync_folder(&place.folder())
    }

    /// Takes the lock at `place`, for good.
    ///
    /// # Errors
    /// When another process holds it.
    pub fn lock(&self, place: &Place) -> Result<Lock, LockError> {
        let fail = |error| failed(word!("lock", "锁定"), &place.0)(error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(OFlag::O_NOFOLLOW.bits());
        let mut file = options.open(&place.0).map_err(fail)?;
        take(&file, &place.0)?;
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(fail)?;
        Ok(Lock(file))
    }

    /// Who holds the lock at `place`, without taking it.
    pub fn lock_holder(&self, place: &Place) -> Option<LockError> {
        let file = file::open(&place.0).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(LockError::Held(holder(&place.0))),
            _ => None,
        }
    }
}

/// Tries for a moment: a `plan` that only asks holds a shared lock for an instant.
fn take(file: &File, path: &Path) -> Result<(), LockError> {
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => thread::sleep(BETWEEN_TRIES),
            Err(TryLockError::Error(error)) => return Err(failed(word!("lock", "锁定"), path)(error).into()),
        }
    }
    Err(LockError::Held(holder(path)))
}

/// Who wrote its number into the lock, tried for a moment: a new holder writes it once it has the lock, and until then the file is
/// empty, or names one that is gone.
fn holder(path: &Path) -> Option<u32> {
    let named = || std::str::from_utf8(&file::read_bounded(path, 64).ok()?).ok()?.trim().parse::<u32>().ok();
    for _ in 0..TRIES {
        match named() {
            Some(pid) if Path::new("/proc").join(pid.to_string()).exists() => return Some(pid),
            _ => thread::sleep(BETWEEN_TRIES),
        }
    }
    named()
}
