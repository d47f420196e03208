//! An unpacked bundle as a source of entries.
//!
//! What a hostile folder may try, and what stops it: links, devices and pipes (only regular files are entries, and none is opened
//! through a link); depth and number (the walk is bounded, and no
//! folder is empty); a file that grows or shrinks while it is read (its size is taken from
//! the open file, and other content is an error). The name of the folder is not part of what is signed: an operator may rename it.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    vec,
};

use bundle_format::{
    limits::Limits,
    name::EntryPath,
    reader::{BundleError, Source},
    text,
};

use super::file;

/// The most components of an entry's path.
const DEPTH: usize = 4;

/// The files of a folder in the order of a bundle.
pub struct Folder {
    top: PathBuf,
    paths: vec::IntoIter<EntryPath>,
    open: Option<(File, u64, EntryPath)>,
}

impl Folder {
    /// Lists the folder.
    ///
    /// # Errors
    /// When it holds anything but regular files with an entry's name, or too many.
    pub fn open(top: &Path, limits: &Limits) -> Result<Self, BundleError> {
        let mut walk = Walk { limits: *limits, seen: 0, paths: Vec::new() };
        walk.folder(top, "", 1)?;
        let mut paths = walk.paths;
        paths.sort_by(|one, other| one.canonical_order().cmp(&other.canonical_order()));
        Ok(Self { top: top.to_owned(), paths: paths.into_iter(), open: None })
    }

    fn close(&mut self) -> Result<(), BundleError> {
        let Some((mut file, left, path)) = self.open.take() else { return Ok(()) };
        let is_longer = left == 0 && file.read(&mut [0]).map_err(BundleError::Io)? != 0;
        if is_longer { Err(changed(&path)) } else { Ok(()) }
    }
}

struct Walk {
    limits: Limits,
    seen: usize,
    paths: Vec<EntryPath>,
}

impl Walk {
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), BundleError> {
        let before = self.seen;
        for entry in fs::read_dir(folder).map_err(BundleError::Io)? {
            let entry = entry.map_err(BundleError::Io)?;
            let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().map_err(BundleError::Io)?;
            self.seen += 1;
            // Each entry may bring at most its three folders with it.
            if self.paths.len() == self.limits.entries || self.seen > self.limits.entries.saturating_mul(DEPTH) {
                return Err(BundleError::TooMany(self.limits.entries));
            }
            match file::foreign_kind(kind) {
                None => self.paths.push(path.parse()?),
                Some(_) if kind.is_dir() && depth < DEPTH => self.folder(&entry.path(), &format!("{path}/"), depth + 1)?,
                Some(kind) => return Err(BundleError::EntryType { path: path.escape_debug().collect(), kind: kind.name() }),
            }
        }
        if self.seen == before && depth > 1 {
            return Err(BundleError::EmptyFolder(prefix.trim_end_matches('/').escape_debug().collect()));
        }
        Ok(())
    }
}

fn changed(path: &EntryPath) -> BundleError {
    BundleError::Io(io::Error::other(text!("`{path}` changed while it was read", "`{path}` 在读取期间被改动")))
}

impl Source for Folder {
    fn next(&mut self) -> Result<Option<(EntryPath, u64)>, BundleError> {
        self.close()?;
        let Some(path) = self.paths.next() else { return Ok(None) };
        let file = file::open(&self.top.join(path.as_str())).map_err(BundleError::Io)?;
        let metadata = file.metadata().map_err(BundleError::Io)?;
        if let Some(kind) = file::foreign_kind(metadata.file_type()) {
            return Err(BundleError::EntryType { path: path.to_string(), kind: kind.name() });
        }
        self.open = Some((file, metadata.len(), path.clone()));
        Ok(Some((path, metadata.len())))
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, BundleError> {
        let Some((file, left, path)) = &mut self.open else { return Ok(0) };
        let most = usize::try_from(*left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        match file.read(&mut buffer[..most]) {
            Ok(0) => Err(changed(path)),
            Ok(count) => {
                *left -= count as u64;
                Ok(count)
            }
            Err(error) => Err(BundleError::Io(error)),
        }
    }

    fn folder(&self) -> Option<&str> {
        None
    }

    fn finish(&mut self) -> Result<(), BundleError> {
        self.close()
    }

    fn is_damaged(&mut self) -> bool {
        false
    }
}
