//! Reading inputs and writing results: bounded, private where it must be, never over something that is there.

use std::{
    fs::{File, Metadata, Permissions},
    io::{self, Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use bundle_format::{language::reason, text, word};
use tempfile::{Builder, NamedTempFile};
use thiserror::Error;
use zeroize::Zeroizing;

/// The largest input file, in bytes: certificates, keys, passphrases.
pub const MOST_INPUT: u64 = 1 << 20;
/// The largest site file, in bytes: 10,000 nodes with their recipients are less than two million.
pub const MOST_SITE_FILE: u64 = 16 << 20;
/// The largest executor, in bytes.
pub const MOST_EXECUTOR: u64 = 64 << 20;

/// Why a file was not read or written.
#[derive(Debug, Error)]
pub enum FileError {
    /// Opening or reading failed.
    #[error("{}", text!("cannot read `{}`: {}", "无法读取 `{}`：{}"; path.display(), reason(why)))]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        why: io::Error,
    },
    /// The file is larger than anything expected there.
    #[error("{}", text!("`{}` is larger than {limit} bytes", "`{}` 超过 {limit} 字节"; path.display()))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit, in bytes.
        limit: u64,
    },
    /// Something is there already.
    #[error("{}", text!("`{}` exists and is never overwritten", "`{}` 已存在，不会被覆盖"; _0.display()))]
    Exists(PathBuf),
    /// Writing failed.
    #[error("{}", text!("cannot write `{}`: {}", "无法写入 `{}`：{}"; path.display(), reason(why)))]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        why: io::Error,
    },
}

impl FileError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Exists(_) => Some(word!("move it away, or choose another name", "请将它移走，或换一个名称").to_owned()),
            Self::TooLarge { path, .. } => {
                Some(text!("`ls -l '{0}'; file '{0}'` tells what it is", "用 `ls -l '{0}'; file '{0}'` 查看它是什么"; path.display()))
            }
            Self::Read { path, why } | Self::Write { path, why } => {
                let folder = folder_of(path).display();
                match why.kind() {
                    io::ErrorKind::NotFound => {
                        Some(text!("`ls -l '{folder}'` tells what is there", "用 `ls -l '{folder}'` 查看那里有什么"))
                    }
                    io::ErrorKind::PermissionDenied => {
                        Some(text!("`ls -ld '{}'` tells who may", "用 `ls -ld '{}'` 查看谁有权限"; path.display()))
                    }
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                        Some(text!("`df -h '{folder}'` tells how full it is", "用 `df -h '{folder}'` 查看剩余空间"))
                    }
                    _ => None,
                }
            }
        }
    }
}

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// When it cannot be read or is larger.
pub fn read(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let failed = |why| FileError::Read { path: path.to_owned(), why };
    let file = File::open(path).map_err(failed)?;
    let expected = file.metadata().map_err(failed)?.len().min(limit);
    let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(expected).unwrap_or(0) + 1));
    file.take(limit + 1).read_to_end(&mut content).map_err(failed)?;
    if content.len() as u64 > limit {
        return Err(FileError::TooLarge { path: path.to_owned(), limit });
    }
    Ok(content)
}

/// The permission bits of a file that its group or others may read; none where only its owner may, or it is no regular file.
#[must_use]
pub fn readable_by_others(path: &Path) -> Option<u32> {
    let metadata = path.metadata().ok().filter(Metadata::is_file)?;
    Some(metadata.permissions().mode() & 0o7777).filter(|mode| mode & 0o044 != 0)
}

/// Reads the first line of a descriptor that this process was started with, without its end; what follows is not read.
///
/// # Errors
/// When it is not open, or the line is longer than `limit` bytes.
pub fn read_line_of_descriptor(descriptor: u32, limit: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let path = PathBuf::from(format!("/dev/fd/{descriptor}"));
    let failed = |why| FileError::Read { path: path.clone(), why };
    let mut file = File::open(&path).map_err(failed)?;
    let mut line = Zeroizing::new(Vec::with_capacity(usize::try_from(limit).unwrap_or(0) + 1));
    let mut byte = Zeroizing::new([0]);
    while file.read(byte.as_mut_slice()).map_err(failed)? == 1 && byte[0] != b'\n' {
        if line.len() as u64 == limit {
            return Err(FileError::TooLarge { path, limit });
        }
        line.push(byte[0]);
    }
    Ok(line)
}

/// A file to be written whole, with these permission bits from its first byte.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    /// Where.
    pub path: &'a Path,
    /// What.
    pub content: &'a [u8],
    /// Its permission bits.
    pub mode: u32,
}

/// What may become of files that are there already.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Existing {
    /// They stay, and nothing is written.
    Stay,
    /// They are replaced, each by rename.
    Replaced,
}

/// Writes a new file whole, and syncs it.
///
/// # Errors
/// When `path` exists, or writing fails; then nothing is left of it.
pub fn write_new(path: &Path, content: &[u8], mode: u32) -> Result<(), FileError> {
    write_together(&[Draft { path, content, mode }], Existing::Stay)
}

/// Writes files that belong together, in their order: the last one is there only if all are. Each is whole and synced before any
/// gets its name.
///
/// # Errors
/// When writing fails, or one exists and is to stay; then nothing is left of new ones.
pub fn write_together(drafts: &[Draft<'_>], existing: Existing) -> Result<(), FileError> {
    if existing == Existing::Stay
        && let Some(draft) = drafts.iter().find(|draft| draft.path.symlink_metadata().is_ok())
    {
        return Err(FileError::Exists(draft.path.to_owned()));
    }
    let staged = drafts.iter().map(stage).collect::<Result<Vec<_>, _>>()?;
    for (at, (file, draft)) in staged.into_iter().zip(drafts).enumerate() {
        let named = match existing {
            Existing::Stay => file.persist_noclobber(draft.path),
            Existing::Replaced => file.persist(draft.path),
        };
        if let Err(error) = named {
            if existing == Existing::Stay {
                drafts[..at].iter().for_each(|written| drop(std::fs::remove_file(written.path)));
            }
            return Err(match error.error.kind() {
                io::ErrorKind::AlreadyExists => FileError::Exists(draft.path.to_owned()),
                _ => FileError::Write { path: draft.path.to_owned(), why: error.error },
            });
        }
    }
    drafts.iter().try_for_each(|draft| {
        let synced = File::open(folder_of(draft.path)).and_then(|folder| folder.sync_all());
        synced.map_err(|why| FileError::Write { path: draft.path.to_owned(), why })
    })
}

fn stage(draft: &Draft<'_>) -> Result<NamedTempFile, FileError> {
    let failed = |why| FileError::Write { path: draft.path.to_owned(), why };
    let permissions = Permissions::from_mode(draft.mode & 0o600);
    let folder = folder_of(draft.path);
    // What the folder itself says is the reason; the name of a temporary file tells nobody anything.
    let unstaged = |why| failed(folder.metadata().err().unwrap_or(why));
    let mut file = Builder::new().prefix(".reseal-").permissions(permissions).tempfile_in(folder).map_err(unstaged)?;
    file.write_all(draft.content).map_err(failed)?;
    file.as_file().set_permissions(Permissions::from_mode(draft.mode)).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    Ok(file)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten_and_limits_hold() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write_new(&path, b"first", 0o600).unwrap();
        assert!(matches!(write_new(&path, b"second", 0o600), Err(FileError::Exists(_))));
        assert_eq!(read(&path, 5).unwrap().as_slice(), b"first");
        assert!(matches!(read(&path, 4), Err(FileError::TooLarge { limit: 4, .. })));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
    fn draft<'a>(path: &'a Path, content: &'a [u8]) -> Draft<'a> {
        Draft { path, content, mode: 0o644 }
    }

    #[test]
    fn files_that_belong_together_are_there_together_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let [note, bundle, nowhere] = ["note", "bundle", "nowhere/bundle"].map(|name| folder.path().join(name));
        let count = || std::fs::read_dir(folder.path()).unwrap().count();
        let both = |existing, last| write_together(&[draft(&note, b"note"), draft(last, b"bundle")], existing);
        assert!(matches!(both(Existing::Stay, &nowhere), Err(FileError::Write { .. })));
        assert_eq!(count(), 0);
        std::fs::write(&bundle, "former").unwrap();
        assert!(matches!(both(Existing::Stay, &bundle), Err(FileError::Exists(path)) if path == bundle));
        assert_eq!(count(), 1);
        both(Existing::Replaced, &bundle).unwrap();
        assert_eq!(
            (count(), read(&bundle, 99).unwrap().as_slice(), read(&note, 99).unwrap().as_slice()),
            (2, &b"bundle"[..], &b"note"[..])
        );
    }

    #[test]
    fn a_file_that_others_may_read_is_known() {
        let folder = tempfile::tempdir().unwrap();
        for (mode, known) in [(0o600, None), (0o400, None), (0o640, Some(0o640)), (0o604, Some(0o604)), (0o622, None)] {
            let path = folder.path().join(format!("{mode:o}"));
            write_new(&path, b"key", mode).unwrap();
            assert_eq!(readable_by_others(&path), known, "{mode:o}");
        }
        assert_eq!(readable_by_others(folder.path()), None);
        assert_eq!(readable_by_others(Path::new("/dev/null")), None);
    }
}
