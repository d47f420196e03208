//! Looking at a file, and making, moving and removing one. Every creation is exclusive, private from its first byte, and synced.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use bundle_format::{digest::Digest, language::reason, name::TargetPath, text, word};
use nix::fcntl::OFlag;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::{Machine, MachineError, Metadata, Place, PlaceError, Snapshot, failed, metadata};

/// The largest file that is looked into, in bytes.
pub const MOST_BYTES: u64 = 16 << 20;

/// What is at a target.
#[derive(Debug)]
pub enum Sight {
    /// Nothing, in a folder that exists.
    Absent,
    /// A regular file.
    File(Seen),
    /// Something other than a regular file.
    NotAFile(Kind),
    /// Its folder is not a place for it.
    NoPlace(PlaceError),
    /// More than [`MOST_BYTES`].
    TooLarge(u64),
    /// The system did not let it be read.
    Unreadable(String),
}

impl Sight {
    /// Whether it is a regular file that could be read.
    pub fn is_file(&self) -> bool {
        self.file().is_some()
    }

    /// The file, where it is one.
    pub fn file(&self) -> Option<&Seen> {
        match self {
            Self::File(seen) => Some(seen),
            _ => None,
        }
    }
}

/// What is there instead of a regular file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A device.
    Device,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A named pipe.
    Pipe,
    /// A socket.
    Socket,
}

impl Kind {
    /// Its name, within a sentence.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Device => word!("device", "设备"),
            Self::Folder => word!("folder", "目录"),
            Self::Link => word!("symbolic link", "符号链接"),
            Self::Pipe => word!("named pipe", "命名管道"),
            Self::Socket => word!("socket", "套接字"),
        }
    }

    /// That it is one, within a sentence.
    #[must_use]
    pub fn is_what(self) -> String {
        text!("it is a {}", "它是一个 {}"; self.name())
    }
}

/// A regular file as one read found it.
pub struct Seen {
    /// Its bytes, wiped when dropped: it may be a key.
    pub content: Zeroizing<Vec<u8>>,
    /// The same, without the bytes.
    pub snapshot: Snapshot,
}

impl fmt::Debug for Seen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Seen").field("snapshot", &self.snapshot).finish_non_exhaustive()
    }
}

/// What a new file gets besides its content.
#[derive(Clone, Copy)]
pub enum Dress<'a> {
    /// All of a file that was there before, its time too.
    Exactly(&'a Metadata),
    /// Owner, mode and attributes of the file that it replaces.
    Like(&'a Metadata),
    /// The owner of its folder, and this mode.
    New(u32),
    /// The executor's own: mode 0600.
    Private,
}

impl Machine {
    /// Looks at a target.
    pub fn look(&self, target: &TargetPath) -> Sight {
        match self.place(target) {
            Ok(place) => self.look_at(&place),
            Err(error) => Sight::NoPlace(error),
        }
    }

    /// Looks at a place.
    pub fn look_at(&self, place: &Place) -> Sight {
        match fs::symlink_metadata(&place.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Sight::Absent,
            Err(error) => Sight::Unreadable(reason(&error)),
            Ok(metadata) => match foreign_kind(metadata.file_type()) {
                Some(kind) => Sight::NotAFile(kind),
                None => see(&place.0).unwrap_or_else(|error| Sight::Unreadable(reason(&error))),
            },
        }
    }

    /// When the file at a target last changed in content, name, owner or mode: its inode's ctime, which nobody can set.
    pub fn changed_at(&self, target: &TargetPath) -> Option<OffsetDateTime> {
        let place = self.place(target).ok()?;
        let metadata = fs::symlink_metadata(&place.0).ok()?;
        let nanoseconds = i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
        OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok()
    }

    /// How many names the file at a place has; 0 where there is none.
    pub fn links(&self, place: &Place) -> u64 {
        fs::symlink_metadata(&place.0).map_or(0, |metadata| metadata.nlink())
    }

    /// Whether there is a socket at a path.
    pub fn has_socket(&self, path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket())
    }

    /// Reads one of the executor's own files.
    ///
    /// # Errors
    /// When there is none, or it is too large.
    pub fn read(&self, place: &Place) -> Result<Zeroizing<Vec<u8>>, MachineError> {
        read_bounded(&place.0, MOST_BYTES).map_err(failed(word!("read", "读取"), &place.0))
    }

    /// Makes a file that is not there yet, and syncs it. When it fails, the file is gone again.
    ///
    /// # Errors
    /// When something is there already, or a system call fails.
    pub fn create(&self, place: &Place, content: &[u8], dress: Dress<'_>) -> Result<(), MachineError> {
        let fail = |error| failed(word!("write", "写入"), &place.0)(error);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600).custom_flags(OFlag::O_NOFOLLOW.bits());
        let file = options.open(&place.0).map_err(fail)?;
        fill(&file, &place.0, content, dress).map_err(|error| {
            let _ = fs::remove_file(&place.0);
            fail(error)
        })
    }

    /// Puts a staged file in the place of another in the same folder.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn rename(&self, from: &Place, to: &Place) -> Result<(), MachineError> {
        fs::rename(&from.0, &to.0).map_err(failed(word!("replace", "替换"), &to.0))
    }

    /// Removes a file, or finds it gone.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn remove(&self, place: &Place) -> Result<(), MachineError> {
        match fs::remove_file(&place.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            outcome => outcome.map_err(failed(word!("remove", "删除"), &place.0)),
        }
    }

    /// Makes renames and removals in a folder last.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn sync_folder(&self, folder: &Place) -> Result<(), MachineError> {
        File::open(&folder.0).and_then(|file| file.sync_all()).map_err(failed(word!("sync", "同步"), &folder.0))
    }
}

fn fill(mut file: &File, path: &Path, content: &[u8], dress: Dress<'_>) -> io::Result<()> {
    file.write_all(content)?;
    match dress {
        Dress::Exactly(metadata) => {
            metadata.put_on(file)?;
            metadata.put_time_on(file)?;
        }
        Dress::Like(metadata) => metadata.put_on(file)?,
        Dress::New(mode) => {
            let folder = fs::metadata(path.parent().unwrap_or(Path::new("/")))?;
            metadata::own(file, folder.uid(), folder.gid())?;
            file.set_permissions(fs::Permissions::from_mode(mode))?;
        }
        Dress::Private => {}
    }
    file.sync_all()
}

fn see(path: &Path) -> io::Result<Sight> {
    let file = open(path)?;
    let before = file.metadata()?;
    if let Some(kind) = foreign_kind(before.file_type()) {
        return Ok(Sight::NotAFile(kind));
    }
    if before.len() > MOST_BYTES {
        return Ok(Sight::TooLarge(before.len()));
    }
    let content = read_open(&file, MOST_BYTES)?;
    let snapshot = Snapshot { sha256: Digest::of(&content), size: content.len() as u64, metadata: Metadata::of(&file)? };
    Ok(Sight::File(Seen { content, snapshot }))
}

/// Opens for reading: no link is followed, no pipe waited for.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)
}

pub(super) fn read_bounded(path: &Path, most: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    read_open(&open(path)?, most)
}

/// Reads all of a file into one buffer of the right size, so that no copy of a secret is left behind by growth.
fn read_open(mut file: &File, most: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let size = file.metadata()?.len().min(most);
    let mut content = Zeroizing::new(vec![0; usize::try_from(size).unwrap_or(0).saturating_add(1)]);
    let mut filled = 0;
    loop {
        match file.read(&mut content[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if filled as u64 > most {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, text!("it has more than {most} bytes", "它超过 {most} 字节")));
        }
        if filled == content.len() {
            let mut larger = Zeroizing::new(vec![0; content.len().saturating_mul(2)]);
            larger[..filled].copy_from_slice(&content);
            content = larger;
        }
    }
    content.truncate(filled);
    Ok(content)
}

/// What a thing other than a regular file is.
pub(super) fn foreign_kind(kind: fs::FileType) -> Option<Kind> {
    match kind {
        _ if kind.is_file() => None,
        _ if kind.is_symlink() => Some(Kind::Link),
        _ if kind.is_dir() => Some(Kind::Folder),
        _ if kind.is_fifo() => Some(Kind::Pipe),
        _ if kind.is_socket() => Some(Kind::Socket),
        _ => Some(Kind::Device),
    }
}
