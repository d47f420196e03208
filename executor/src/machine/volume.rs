//! File systems: how much room they have, and whether they can be written.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use nix::{
    errno::Errno,
    sys::statvfs::{FsFlags, statvfs},
    unistd::{AccessFlags, access},
};

use super::{Machine, MachineError, Place, failed};

/// What a file system says of itself at one folder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Volume {
    /// Its number, the same for all folders on it.
    pub device: u64,
    /// The bytes that are free for this process.
    pub free: u64,
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
        let facts = statvfs(path).map_err(|errno| failed("measure", path)(errno.into()))?;
        let device = fs::metadata(path).map_err(failed("measure", path))?.dev();
        let free = (facts.blocks_available() as u64).saturating_mul(facts.fragment_size() as u64);
        let closed = if facts.flags().contains(FsFlags::ST_RDONLY) {
            Some("its file system is mounted read-only".to_owned())
        } else {
            access(path, AccessFlags::W_OK | AccessFlags::X_OK).err().map(|errno| errno.desc().to_lowercase())
        };
        Ok(Volume { device, free, closed })
    }

    /// Why a file cannot be replaced though its folder can be written: because it is marked immutable.
    pub fn obstacle(&self, place: &Place) -> Option<String> {
        match access(&place.0, AccessFlags::W_OK) {
            Err(Errno::EPERM) => Some("it is marked immutable".to_owned()),
            Err(Errno::EROFS) => Some("its file system is mounted read-only".to_owned()),
            _ => None,
        }
    }
}
