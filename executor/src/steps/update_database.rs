//! The step `update-database`: rows of a table, all or none, each compared by digest. What the rows held before is kept twice: in
//! the copy of the table, and beside the backups of files.

use bundle_format::{
    digest::Digest,
    slice::{DatabaseRow, UpdateDatabase},
};
use zeroize::Zeroizing;

use super::{Bench, StepError};
use crate::{
    bundle::Material,
    journal::RowChange,
    machine::{
        Dress, Place,
        database::{Database, DatabaseError, Survey},
    },
};

/// Keeps what the rows hold before anything is changed.
///
/// # Errors
/// When a row is not as it was planned for, or the system refuses.
pub fn back_up(step: &UpdateDatabase, rows: &[RowChange], bench: &Bench<'_>) -> Result<(), StepError> {
    let values = database(bench)?.read(step)?;
    for row in rows {
        let value = values.iter().find(|(key, _)| *key == row.key).map(|(_, value)| value);
        let Some(value) = value.filter(|value| Digest::of(value) == row.former) else {
            return Err(DatabaseError::Changed { key: row.key.clone() }.into());
        };
        bench.machine.create(&place(row, bench), value, Dress::Private)?;
        let _ = backup(row, bench)?;
    }
    Ok(())
}

/// What a row held before, which must be what was kept.
///
/// # Errors
/// When it is not, or cannot be read.
pub fn backup(row: &RowChange, bench: &Bench<'_>) -> Result<Zeroizing<Vec<u8>>, StepError> {
    let place = place(row, bench);
    let content = bench.machine.read(&place)?;
    match Digest::of(&content) {
        found if found == row.former => Ok(content),
        found => Err(StepError::RowBackup { backup: place.to_string(), key: row.key.clone(), found, expected: row.former }),
    }
}

/// Changes the rows, unless they are changed.
///
/// # Errors
/// When the database refuses, or somebody else changed a row; no row is changed then.
pub fn apply(step: &UpdateDatabase, rows: &[RowChange], bench: &Bench<'_>, material: &Material) -> Result<(), StepError> {
    let mut new = Vec::new();
    for row in rows {
        let entry = step.rows.iter().find(|listed| listed.key == row.key).and_then(|listed| material.get(&listed.entry));
        let value = entry.map(|content| DatabaseRow::value(content)).filter(|value| Digest::of(value) == row.new);
        new.push((row.key.as_str(), value.ok_or_else(|| StepError::RowContent { key: row.key.clone(), new: row.new })?));
    }
    let former: Vec<(&str, Digest)> = rows.iter().map(|row| (row.key.as_str(), row.former)).collect();
    let _ = database(bench)?.update(step, &new, &former)?;
    Ok(())
}

/// Checks that the rows hold what was written.
///
/// # Errors
/// When one does not.
pub fn check(step: &UpdateDatabase, rows: &[RowChange], bench: &Bench<'_>) -> Result<(), StepError> {
    let Survey::Table(table) = database(bench)?.survey(step)? else {
        return Err(DatabaseError::NoTable { table: step.table.to_string() }.into());
    };
    let holds = |row: &RowChange| {
        table.rows.iter().any(|found| found.key == row.key && found.stored.is_some_and(|stored| stored.digest == row.new))
    };
    match rows.iter().find(|row| !holds(row)) {
        Some(row) => Err(DatabaseError::Changed { key: row.key.clone() }.into()),
        None => Ok(()),
    }
}

/// Puts back what the rows held before.
///
/// # Errors
/// When a backup is not what was kept, the database refuses, or a row is neither as before nor new.
pub fn undo(step: &UpdateDatabase, rows: &[RowChange], bench: &Bench<'_>, discard_changes: bool) -> Result<(), StepError> {
    let values = rows.iter().map(|row| backup(row, bench)).collect::<Result<Vec<_>, _>>()?;
    let former: Vec<(&str, &[u8])> = rows.iter().zip(&values).map(|(row, value)| (row.key.as_str(), value.as_slice())).collect();
    let new: Vec<(&str, Digest)> = rows.iter().map(|row| (row.key.as_str(), row.new)).collect();
    let _ = database(bench)?.restore(step, &former, &new, discard_changes)?;
    Ok(())
}

fn place(row: &RowChange, bench: &Bench<'_>) -> Place {
    bench.run.row_backup(row)
}

fn database<'a>(bench: &Bench<'a>) -> Result<&'a Database, StepError> {
    bench.database.ok_or(StepError::NoDatabase)
}
