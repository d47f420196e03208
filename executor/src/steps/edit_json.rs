//! The step `edit-json`: changes values of a document, starting from its backup, so that a repetition gives the same bytes.

use bundle_format::digest::Digest;

use super::{Bench, StepError, replace};
use crate::{journal::FileChange, json};

/// Edits the document, unless it is edited.
pub fn apply(file: &FileChange, [member, from, to]: [&String; 3], bench: &Bench<'_>) -> Result<(), StepError> {
    let former = replace::backup(file, bench)?;
    let edited = json::edit(&former, member, from, to).map_err(|why| StepError::Document { target: file.target.clone(), why })?;
    if Digest::of(&edited.content) != file.new {
        return Err(StepError::Content { target: file.target.clone(), new: file.new });
    }
    replace::replace(&[(file, &edited.content)], bench)
}

/// Puts the former document back.
pub fn undo(file: &FileChange, bench: &Bench<'_>, discard_changes: bool) -> Result<(), StepError> {
    replace::restore(&[file], bench, discard_changes)
}
