//! File systems: how much room they have, and whether they can be written.

use std::{
    fs,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::Path,
};

use bundle_format::{text, word};
use nix::{
    errno::Errno,
    sys::statvfs::{FsFlags, statvfs},
    unistd::{AccessFlags, access},
};

use super::{MOST_BYTES, Machine, MachineError, Place, failed, file};

/// What a file system says of itself at one folder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Volume {
    /// Its number, the same for all folders on it.
    pub device: u64,
    /// The bytes that are free for this process.
    pub free: u64,
    /// How many more files it can hold, where it has a limit.
    pub free_files: Option<u64>,
    /// Why nothing can be written in the folder, where that is so.
    pub closed: Option<String>,
}

impl Machine {
    /// The file system of a folder, or of the nearest folder above it that exists.
    ///
    /// # Errors
    /// When the system does not say.
    #[allow(clippy::unnecessary_cast, clippy::cast_lossless, reason = "the types differ between architectures")]
    pub fn volume(&self, folder: &Place) -> Result<Volume, MachineError> {
        let path = folder.0.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/"));
        let facts = statvfs(path).map_err(|errno| failed(word!("measure", "检查"), path)(errno.into()))?;
        let device = fs::metadata(path).map_err(failed(word!("measure", "检查"), path))?.dev();
        let free = (facts.blocks_available() as u64).saturating_mul(facts.fragment_size() as u64);
        // A file system that makes inodes as it needs them counts none.
        let free_files = (facts.files() > 0).then(|| facts.files_available() as u64);
        let closed = if facts.flags().contains(FsFlags::ST_RDONLY) {
            Some(read_only())
        } else {
            access(path, AccessFlags::W_OK | AccessFlags::X_OK).err().map(|errno| errno.desc().to_lowercase())
        };
        Ok(Volume { device, free, free_files, closed })
    }

    /// Why a file cannot be replaced though its folder can be written: it is marked immutable, or something is mounted on it.
    pub fn obstacle(&self, place: &Place) -> Option<String> {
        match access(&place.0, AccessFlags::W_OK) {
            Err(Errno::EPERM) => Some(text!("it is marked immutable", "它被标记为不可更改（immutable）")),
            Err(Errno::EROFS) => Some(read_only()),
            _ if is_mount_point(&place.0) => {
                Some(text!("it is a mount point of its own, and nothing can be renamed over one", "它本身是挂载点，无法用重命名替换"))
            }
            _ => None,
        }
    }
}

fn read_only() -> String {
    text!("its file system is mounted read-only", "其文件系统以只读方式挂载")
}

/// Whether something is mounted right here: the fifth field of `/proc/self/mountinfo`, see `proc_pid_mountinfo(5)`.
fn is_mount_point(path: &Path) -> bool {
    let Ok(table) = file::read_bounded(Path::new("/proc/self/mountinfo"), MOST_BYTES) else { return false };
    let wanted = path.as_os_str().as_bytes();
    table.split(|byte| *byte == b'\n').filter_map(|line| line.split(|byte| *byte == b' ').nth(4)).any(|point| unescaped(point) == wanted)
}

/// A path without the octal escapes that stand for blanks and backslashes.
fn unescaped(mut text: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(text.len());
    while let Some((first, rest)) = text.split_first() {
        let code = rest.get(..3).filter(|_| *first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = code.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            path.push(byte);
            text = &rest[3..];
        } else {
            path.push(*first);
            text = rest;
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::unescaped;

    #[test]
    fn blanks_in_mount_points_are_read() {
        assert_eq!(unescaped(br"/a\040b\134c\"), br"/a b\c\");
        assert_eq!(unescaped(br"/plain\09"), br"/plain\09");
    }
}
