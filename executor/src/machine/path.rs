//! Target paths to places below the root. Nothing here opens a file.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use bundle_format::{language::reason, name::TargetPath, text, word};
use thiserror::Error;

use super::{Machine, MachineError, failed};

/// A path whose folder was resolved and lies below the root. Only [`Machine`] makes one.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Place(pub(super) PathBuf);

impl Place {
    /// A file in this folder.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        Self(self.0.join(name))
    }

    /// Another file in the same folder.
    #[must_use]
    pub fn beside(&self, name: &str) -> Self {
        Self(self.0.with_file_name(name))
    }

    /// The folder that it is in.
    #[must_use]
    pub fn folder(&self) -> Self {
        Self(self.0.parent().unwrap_or(Path::new("/")).to_owned())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.display())
    }
}

/// Why a target has no place on this machine.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum PlaceError {
    /// The folder is not there.
    #[error("{}", text!("the folder `{_0}` does not exist", "目录 `{_0}` 不存在"))]
    FolderMissing(String),
    /// A link leads elsewhere.
    #[error("{}", text!(
        "the folder `{folder}` leads to `{leads_to}`, which is outside of the root `{root}`",
        "目录 `{folder}` 指向 `{leads_to}`，在根目录 `{root}` 之外"
    ))]
    OutsideRoot {
        /// The folder as the target names it.
        folder: String,
        /// Where it leads.
        leads_to: String,
        /// The root.
        root: String,
    },
    /// The folder could not be looked at.
    #[error("{}", text!("the folder `{folder}` cannot be opened: {why}", "目录 `{folder}` 无法打开：{why}"))]
    Unreadable {
        /// The folder.
        folder: String,
        /// The system's reason.
        why: String,
    },
}

/// What a target path means on this machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Located {
    /// This path.
    One(TargetPath),
    /// Nothing: no folder fits its `*`.
    Nowhere,
    /// Several folders fit its `*`.
    Several(Vec<TargetPath>),
}

/// The most folders that are looked into for a `*`.
const MOST_FOLDERS: usize = 4096;

impl Machine {
    /// The place of a target.
    ///
    /// # Errors
    /// When its folder does not exist below the root.
    pub fn place(&self, target: &TargetPath) -> Result<Place, PlaceError> {
        let (folder, name) = target.as_str().rsplit_once('/').unwrap_or(("", target.as_str()));
        Ok(Place(self.resolve_folder(folder)?.join(name)))
    }

    /// Where a target really lies, when a link in the path to its folder leads elsewhere.
    pub fn led_elsewhere(&self, target: &TargetPath, place: &Place) -> Option<String> {
        let literal = self.root.join(target.as_str().trim_start_matches('/'));
        (literal != place.0).then(|| place.to_string())
    }

    fn resolve_folder(&self, folder: &str) -> Result<PathBuf, PlaceError> {
        let shown = || if folder.is_empty() { "/".to_owned() } else { folder.to_owned() };
        let unreadable = |error: &io::Error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => PlaceError::FolderMissing(shown()),
            _ => PlaceError::Unreadable { folder: shown(), why: reason(error) },
        };
        let canonical = fs::canonicalize(self.root.join(folder.trim_start_matches('/'))).map_err(|error| unreadable(&error))?;
        if !canonical.starts_with(&self.root) {
            let leads_to = canonical.display().to_string();
            return Err(PlaceError::OutsideRoot { folder: shown(), leads_to, root: self.root.display().to_string() });
        }
        match fs::metadata(&canonical) {
            Ok(metadata) if metadata.is_dir() => Ok(canonical),
            Ok(_) => Err(PlaceError::FolderMissing(shown())),
            Err(error) => Err(unreadable(&error)),
        }
    }

    /// Finds the one folder that fits a target's `*`.
    pub fn locate(&self, target: &TargetPath) -> Located {
        let Some((before, _)) = target.split_wildcard() else {
            return Located::One(target.clone());
        };
        let Ok(parent) = self.resolve_folder(before) else {
            return Located::Nowhere;
        };
        let mut names = self.names(&Place(parent), MOST_FOLDERS).unwrap_or_default();
        names.sort();
        let fitting = names.iter().filter_map(|name| target.with_wildcard(name).ok());
        let inner = |path: &TargetPath| self.place(path).is_ok();
        let mut found: Vec<TargetPath> = fitting.filter(|path| path.split_wildcard().is_none() && inner(path)).collect();
        match (found.pop(), found.is_empty()) {
            (None, _) => Located::Nowhere,
            (Some(only), true) => Located::One(only),
            (Some(last), false) => {
                found.push(last);
                Located::Several(found)
            }
        }
    }

    /// The names in a folder, unsorted. Those that are not UTF-8 are passed over.
    ///
    /// # Errors
    /// When it cannot be read or holds more than `most`.
    pub fn names(&self, folder: &Place, most: usize) -> Result<Vec<String>, MachineError> {
        let fail = |error| failed(word!("list", "列出"), &folder.0)(error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&folder.0).map_err(fail)? {
            if names.len() == most {
                return Err(fail(io::Error::other(text!("it holds more than {most} entries", "其中超过 {most} 个条目"))));
            }
            names.extend(entry.map_err(fail)?.file_name().into_string().ok());
        }
        Ok(names)
    }

    /// The executor's own folder, whether it exists or not.
    ///
    /// # Errors
    /// When a link leads it out of the root.
    pub fn state_folder(&self) -> Result<Place, PlaceError> {
        let found = match self.resolve_folder("/var/lib/reseal") {
            Err(PlaceError::FolderMissing(_)) => self.resolve_folder("/var/lib").map(|folder| folder.join("reseal")),
            found => found,
        };
        match found {
            Ok(path) => Ok(Place(path)),
            Err(PlaceError::FolderMissing(_)) => Ok(Place(self.root.join("var/lib/reseal"))),
            Err(error) => Err(error),
        }
    }
}
