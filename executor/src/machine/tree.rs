//! Whole folders: copied for a person to fall back on, and, below the executor's own folder alone, removed.
//!
//! What a hostile folder may try, and what stops it: depth, number and size are bounded; no link is followed, and none is made.

use std::{fs, path::Path};

use bundle_format::{digest::Digest, name::TargetPath, text, word};

use super::{Dress, MOST_BYTES, Machine, MachineError, Metadata, Place, failed, file};

/// The most levels of folders.
const DEPTH: usize = 16;
/// The most files and folders.
const MOST_ENTRIES: usize = 10_000;

/// What a copy holds.
#[derive(Debug, Default)]
pub struct Copied {
    /// How many files.
    pub files: usize,
    /// What was left out: links, devices, and files that are too large or gone.
    pub left_out: Vec<String>,
}

impl Machine {
    /// The bytes and the number of all regular files in a folder and below it; nothing of a folder that is not there.
    pub fn tree_size(&self, folder: &TargetPath) -> (u64, u64) {
        self.place(folder).map_or((0, 0), |place| self.size_below(&place))
    }

    /// The same of a place.
    pub fn size_below(&self, folder: &Place) -> (u64, u64) {
        let (mut size, mut files) = (0, 0);
        let _ = walk(&folder.0, &mut |path, kind| {
            if kind.is_file() {
                size += fs::symlink_metadata(path).map_or(0, |metadata| metadata.len());
            }
            files += 1;
            Ok(())
        });
        (size, files)
    }

    /// Copies the regular files of a folder, with owner, mode, time and attributes, each compared by digest. `to` must not exist.
    ///
    /// # Errors
    /// When the system refuses, or the folder holds more than can be copied.
    pub fn copy_tree(&self, folder: &TargetPath, to: &Place) -> Result<Copied, MachineError> {
        let mut copied = Copied::default();
        let Ok(from) = self.place(folder) else { return Ok(copied) };
        self.make_folder(to)?;
        walk(&from.0, &mut |path, kind| {
            let inner = path.strip_prefix(&from.0).unwrap_or(path);
            let place = Place(to.0.join(inner));
            if kind.is_dir() {
                return self.make_folder(&place);
            }
            match kind.is_file().then(|| content(path)).flatten() {
                Some((content, metadata)) => {
                    self.create(&place, &content, Dress::Exactly(&metadata))?;
                    if Digest::of(&self.read(&place)?) != Digest::of(&content) {
                        return Err(failed(word!("copy", "复制"), path)(std::io::Error::other(word!(
                            "the copy differs",
                            "副本与原件不同"
                        ))));
                    }
                    copied.files += 1;
                }
                None => copied.left_out.push(path.display().to_string()),
            }
            Ok(())
        })?;
        self.sync_folder(to)?;
        Ok(copied)
    }

    /// Removes a folder below the executor's own one, or finds it gone.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn remove_own_tree(&self, folder: &Place) -> Result<(), MachineError> {
        let is_own = self.state_folder().is_ok_and(|state| folder.0.starts_with(&state.0) && folder.0 != state.0);
        match is_own.then(|| fs::remove_dir_all(&folder.0)) {
            Some(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Some(outcome) => outcome.map_err(failed(word!("remove", "删除"), &folder.0)),
            None => Err(failed(word!("remove", "删除"), &folder.0)(std::io::Error::other(word!(
                "it is not the executor's own",
                "它不属于本程序"
            )))),
        }
    }
}

/// A file that is small enough, as one read found it.
fn content(path: &Path) -> Option<(zeroize::Zeroizing<Vec<u8>>, Metadata)> {
    let open = file::open(path).ok()?;
    let content = file::read_bounded(path, MOST_BYTES).ok()?;
    Some((content, Metadata::of(&open).ok()?))
}

type Visit<'a> = dyn FnMut(&Path, fs::FileType) -> Result<(), MachineError> + 'a;

/// Visits everything in a folder, each folder before what is in it.
fn walk(top: &Path, visit: &mut Visit<'_>) -> Result<(), MachineError> {
    let mut open = vec![(top.to_owned(), 1)];
    let mut seen = 0;
    while let Some((folder, depth)) = open.pop() {
        let fail = |error| failed(word!("list", "列出"), &folder)(error);
        for entry in fs::read_dir(&folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let kind = entry.file_type().map_err(fail)?;
            seen += 1;
            if seen > MOST_ENTRIES || depth > DEPTH {
                return Err(fail(std::io::Error::other(text!(
                    "it holds more than {MOST_ENTRIES} entries or {DEPTH} levels",
                    "其中超过 {MOST_ENTRIES} 个条目或 {DEPTH} 层"
                ))));
            }
            visit(&entry.path(), kind)?;
            if kind.is_dir() {
                open.push((entry.path(), depth + 1));
            }
        }
    }
    Ok(())
}
