//! Opens a bundle: the tarball, or the folder that it was unpacked to.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use bundle_format::{
    language::reason,
    limits::Limits,
    name::EntryPath,
    reader::{BundleError, Source, Tarball},
    text, word,
};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{Machine, file, folder::Folder};

/// Why what the operator named could not be opened.
#[derive(Debug, Error)]
pub enum MediumError {
    /// Nothing there, or not readable.
    #[error("{}", text!("cannot open `{path}`: {}", "无法打开 `{path}`：{}"; reason(source)))]
    Open {
        /// The path as typed.
        path: String,
        /// The system's reason.
        source: io::Error,
    },
    /// It can be opened, and is no bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// A bundle in either form.
pub enum BundleSource {
    /// Unpacked.
    Folder(Folder),
    /// Packed.
    Tarball(Box<Tarball<File>>),
}

impl Machine {
    /// Opens the bundle at `path`, which need not lie below the root.
    ///
    /// # Errors
    /// When there is none.
    pub fn open_bundle(&self, path: &Path) -> Result<BundleSource, MediumError> {
        let fail = |source| MediumError::Open { path: path.display().to_string(), source };
        let metadata = fs::metadata(path).map_err(fail)?;
        if metadata.is_dir() {
            return Ok(BundleSource::Folder(Folder::open(path, &Limits::default())?));
        }
        if !metadata.is_file() {
            return Err(fail(io::Error::other(word!("it is neither a file nor a folder", "它既不是文件也不是目录"))));
        }
        let file = File::open(path).map_err(fail)?;
        let tarball = Tarball::open(file)?;
        // Said before all of it is read for its digest.
        let limit = Limits::default().packed;
        if metadata.len() > limit {
            return Err(BundleError::PackedTooLarge(limit).into());
        }
        Ok(BundleSource::Tarball(Box::new(tarball)))
    }

    /// Reads a small file that the operator named.
    ///
    /// # Errors
    /// When there is none, or it is larger than 64 KiB.
    pub fn read_argument(&self, path: &Path) -> Result<Zeroizing<Vec<u8>>, MediumError> {
        let fail = |source| MediumError::Open { path: path.display().to_string(), source };
        let path = fs::canonicalize(path).map_err(fail)?;
        file::read_bounded(&path, 64 << 10).map_err(fail)
    }
}

impl Source for BundleSource {
    fn next(&mut self) -> Result<Option<(EntryPath, u64)>, BundleError> {
        match self {
            Self::Folder(source) => source.next(),
            Self::Tarball(source) => source.next(),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, BundleError> {
        match self {
            Self::Folder(source) => source.read(buffer),
            Self::Tarball(source) => source.read(buffer),
        }
    }

    fn folder(&self) -> Option<&str> {
        match self {
            Self::Folder(source) => source.folder(),
            Self::Tarball(source) => source.folder(),
        }
    }

    fn finish(&mut self) -> Result<(), BundleError> {
        match self {
            Self::Folder(source) => source.finish(),
            Self::Tarball(source) => source.finish(),
        }
    }

    fn is_damaged(&mut self) -> bool {
        match self {
            Self::Folder(source) => source.is_damaged(),
            Self::Tarball(source) => source.is_damaged(),
        }
    }
}
