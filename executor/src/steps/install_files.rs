//! The step `install-files`: puts entries of the bundle in place, all staged before the first rename.

use bundle_format::digest::Digest;

use super::{Bench, StepError, replace};
use crate::{bundle::Material, journal::FileChange};

/// Installs what is not installed yet.
pub fn apply(files: &[FileChange], bench: &Bench<'_>, material: &Material) -> Result<(), StepError> {
    let content = |file: &FileChange| {
        let entry = material.values().find(|content| Digest::of(content) == file.new);
        entry.map(|content| content.as_slice()).ok_or_else(|| StepError::Content { target: file.target.clone(), new: file.new })
    };
    let contents = files.iter().map(|file| Ok((file, content(file)?))).collect::<Result<Vec<_>, StepError>>()?;
    replace::replace(&contents, bench)
}

/// Puts the former files back, the last first.
pub fn undo(files: &[FileChange], bench: &Bench<'_>, discard_changes: bool) -> Result<(), StepError> {
    replace::restore(&files.iter().rev().collect::<Vec<_>>(), bench, discard_changes)
}
