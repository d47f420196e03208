//! A folder tree as something to compare: kinds, owners, modes, times, extended attributes, contents.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use bundle_format::digest::Digest;

/// All that is in a tree.
#[derive(Clone, Debug, Default)]
pub struct State(BTreeMap<String, Entry>);

/// One file, folder or link.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Permission bits.
    pub mode: u32,
    owner: (u32, u32),
    /// Of files alone: a folder's changes with what is in it.
    modified: Option<(i64, i64)>,
    xattrs: BTreeMap<String, Vec<u8>>,
    content: Option<Digest>,
}

impl State {
    /// What is below `root`, without the folder `left_out` (empty: nothing is left out) and what lies in it.
    ///
    /// # Panics
    /// When something cannot be read.
    #[must_use]
    pub fn of(root: &Path, left_out: &str) -> Self {
        let mut state = Self::default();
        let mut open = vec![root.to_owned()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(&folder).expect("the tree can be listed") {
                let path = entry.expect("the tree can be listed").path();
                let name = path.strip_prefix(root).expect("it is below").to_str().expect("plain names").to_owned();
                if name == left_out {
                    continue;
                }
                let entry = Entry::of(&path);
                open.extend(entry.is_folder.then_some(path));
                let _ = state.0.insert(name, entry);
            }
        }
        state
    }

    /// Its entries, by their paths below the root.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.0.iter().map(|(path, entry)| (path.as_str(), entry))
    }
}

impl Entry {
    fn of(path: &PathBuf) -> Self {
        let metadata = fs::symlink_metadata(path).expect("it is there");
        let names = xattr::list(path).expect("attributes can be listed");
        let value = |name: &std::ffi::OsString| xattr::get(path, name).expect("an attribute can be read").unwrap_or_default();
        Self {
            is_folder: metadata.is_dir(),
            mode: metadata.mode() & 0o7777,
            owner: (metadata.uid(), metadata.gid()),
            modified: metadata.is_file().then(|| (metadata.mtime(), metadata.mtime_nsec())),
            xattrs: names.map(|name| (name.to_string_lossy().into_owned(), value(&name))).collect(),
            content: metadata.is_file().then(|| Digest::of(&fs::read(path).expect("it can be read"))),
        }
    }
}

/// Compares two states, times of files included if so asked.
///
/// # Errors
/// The first difference.
pub fn difference(expected: &State, found: &State, with_times: bool) -> Result<(), String> {
    let paths = expected.0.keys().chain(found.0.keys());
    for path in paths {
        let dressed = |state: &State| {
            let entry = state.0.get(path).cloned();
            entry.map(|entry| Entry { modified: entry.modified.filter(|_| with_times), ..entry })
        };
        let (expected, found) = (dressed(expected), dressed(found));
        if expected != found {
            return Err(format!("`{path}`: expected {expected:?}, found {found:?}"));
        }
    }
    Ok(())
}
