//! Replaces files one by one and puts them back: staged beside their targets, synced, then renamed back to back.
//!
//! A staging file is `.reseal-<run>-<number>`: hidden, never `*.pem`, and known from the journal, so that the next run of any kind
//! finds and removes it. Staging holds the content in mode 0600 before it gets the owner and the mode of what it replaces.

use std::collections::BTreeSet;

use bundle_format::{digest::Digest, word};
use zeroize::Zeroizing;

use super::{Bench, StepError};
use crate::{
    journal::FileChange,
    machine::{Dress, Machine, Place, Sight},
};

/// What is at the target of a change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Condition {
    /// What was there before the run, or nothing if there was nothing.
    Former,
    /// Nothing, though there was something before and after.
    Missing,
    /// What the run puts there.
    New,
    /// Something else.
    Other,
    /// It cannot be read.
    Unreadable,
}

/// Looks at the target of a change.
pub fn condition(change: &FileChange, machine: &Machine) -> Condition {
    judge(change, &machine.look(&change.target))
}

fn judge(change: &FileChange, sight: &Sight) -> Condition {
    match (sight, &change.former) {
        (Sight::Absent, None) => Condition::Former,
        (Sight::Absent | Sight::NoPlace(_), _) => Condition::Missing,
        (Sight::File(seen), _) if seen.snapshot.sha256 == change.new => Condition::New,
        (Sight::File(seen), Some(former)) if seen.snapshot.sha256 == former.sha256 => Condition::Former,
        (Sight::Unreadable(_), _) => Condition::Unreadable,
        _ => Condition::Other,
    }
}

/// Why a change cannot be made at a target that is neither as before nor new.
pub fn foreign(change: &FileChange, sight: &Sight) -> StepError {
    let target = change.target.clone();
    match sight {
        Sight::Unreadable(why) => StepError::Unreadable { target, why: why.clone() },
        _ => StepError::Changed(target),
    }
}

/// Replaces what is not replaced yet.
pub fn replace(changes: &[(&FileChange, &[u8])], bench: &Bench<'_>) -> Result<(), StepError> {
    let mut staged = Staged::new(bench);
    for (change, content) in changes {
        let sight = bench.machine.look(&change.target);
        match judge(change, &sight) {
            Condition::New => staged.forget(change)?,
            Condition::Former => {
                let dress = change.former.as_ref().map_or(Dress::New(change.mode), |former| Dress::Like(&former.metadata));
                staged.add(change, content, dress)?;
            }
            _ => return Err(foreign(change, &sight)),
        }
    }
    staged.commit()
}

/// Puts back what is not as it was.
pub fn restore(changes: &[&FileChange], bench: &Bench<'_>, discard_changes: bool) -> Result<(), StepError> {
    let mut staged = Staged::new(bench);
    for change in changes {
        let sight = bench.machine.look(&change.target);
        match (judge(change, &sight), &change.former) {
            (Condition::Former | Condition::New, _) => {}
            _ if discard_changes => {}
            _ => return Err(foreign(change, &sight)),
        }
        match &change.former {
            None if matches!(sight, Sight::Absent) => staged.forget(change)?,
            None => staged.remove(change)?,
            Some(former) if sight.file().is_some_and(|seen| seen.snapshot == *former) => staged.forget(change)?,
            Some(former) => staged.add(change, &backup(change, bench)?, Dress::Exactly(&former.metadata))?,
        }
    }
    staged.commit()
}

/// Checks that a change is on disk: content, owner, mode and attributes.
pub fn check(change: &FileChange, bench: &Bench<'_>) -> Result<(), StepError> {
    let wrong = |what| Err(StepError::NotAsWritten { target: change.target.clone(), what });
    match (bench.machine.look(&change.target), &change.former) {
        (Sight::File(seen), _) if seen.snapshot.sha256 != change.new => wrong(word!("its content", "内容")),
        (Sight::File(seen), Some(former)) if !seen.snapshot.metadata.is_like(&former.metadata) => {
            wrong(word!("its owner, mode or an extended attribute", "所有者、权限或扩展属性"))
        }
        (Sight::File(seen), None) if seen.snapshot.metadata.mode != change.mode => wrong(word!("its mode", "权限")),
        (Sight::File(_), _) => Ok(()),
        (sight @ Sight::Unreadable(_), _) => Err(foreign(change, &sight)),
        _ => wrong(word!("its kind", "类型")),
    }
}

/// The backup of a change, which must be what was backed up.
pub fn backup(change: &FileChange, bench: &Bench<'_>) -> Result<Zeroizing<Vec<u8>>, StepError> {
    let place = bench.run.backup(change);
    let content = bench.machine.read(&place)?;
    let (found, former) = (Digest::of(&content), change.former.as_ref().map(|former| former.sha256));
    match former {
        Some(expected) if expected != found => {
            Err(StepError::Backup { backup: place.to_string(), target: change.target.clone(), found, expected })
        }
        _ => Ok(content),
    }
}

/// Removes the staging file of a change, if a cut left one. An earlier process may have been killed between its renames and their
/// sync, so they are made to last here.
pub fn sweep(change: &FileChange, bench: &Bench<'_>) -> Result<(), StepError> {
    if let Ok(place) = bench.machine.place(&change.target) {
        bench.machine.remove(&staging(&place, change, bench))?;
        bench.machine.sync_folder(&place.folder())?;
    }
    Ok(())
}

fn staging(place: &Place, change: &FileChange, bench: &Bench<'_>) -> Place {
    place.beside(&format!(".reseal-{:04}-{}", bench.run.number, change.number))
}

/// Whether there is certainly no staging file of a change.
pub fn has_no_staging(change: &FileChange, bench: &Bench<'_>) -> bool {
    let place = bench.machine.place(&change.target);
    place.is_ok_and(|place| matches!(bench.machine.look_at(&staging(&place, change, bench)), Sight::Absent))
}

/// One effect of a commit.
enum Effect {
    Remove(Place),
    Rename(Place, Place),
}

/// Staged files and what becomes of them. Dropped before its commit, it leaves none behind.
struct Staged<'a> {
    bench: &'a Bench<'a>,
    effects: Vec<Effect>,
}

impl<'a> Staged<'a> {
    fn new(bench: &'a Bench<'a>) -> Self {
        Self { bench, effects: Vec::new() }
    }

    fn place(&self, change: &FileChange) -> Result<Place, StepError> {
        self.bench.machine.place(&change.target).map_err(|why| StepError::Place { target: change.target.clone(), why })
    }

    /// Stages new content.
    fn add(&mut self, change: &FileChange, content: &[u8], dress: Dress<'_>) -> Result<(), StepError> {
        let place = self.place(change)?;
        let staging = staging(&place, change, self.bench);
        self.bench.machine.remove(&staging)?;
        self.bench.machine.create(&staging, content, dress)?;
        self.effects.push(Effect::Rename(staging, place));
        Ok(())
    }

    /// Nothing is to be done, but a cut may have left a staging file.
    fn forget(&self, change: &FileChange) -> Result<(), StepError> {
        sweep(change, self.bench)
    }

    fn remove(&mut self, change: &FileChange) -> Result<(), StepError> {
        self.forget(change)?;
        let place = self.place(change)?;
        self.effects.push(Effect::Remove(place));
        Ok(())
    }

    /// Renames back to back, then makes it last.
    fn commit(mut self) -> Result<(), StepError> {
        let machine = self.bench.machine;
        let mut folders = BTreeSet::new();
        let effects = std::mem::take(&mut self.effects);
        for (index, effect) in effects.iter().enumerate() {
            let (outcome, place) = match effect {
                Effect::Remove(place) => (machine.remove(place), place),
                Effect::Rename(from, to) => (machine.rename(from, to), to),
            };
            if let Err(error) = outcome {
                self.effects = effects.into_iter().skip(index).collect();
                return Err(error.into());
            }
            folders.insert(place.folder());
        }
        folders.iter().try_for_each(|folder| machine.sync_folder(folder))?;
        Ok(())
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        for effect in &self.effects {
            if let Effect::Rename(staging, _) = effect {
                let _ = self.bench.machine.remove(staging);
            }
        }
    }
}
