//! The copy of the table that is made before the first change: reused when it is there, filled up when a crash left it half full.
//!
//! Making a table ends a transaction, so the copy comes before it. Rows are only ever added to it.

use bundle_format::{digest::Digest, slice::UpdateDatabase, word};

use super::{
    error::DatabaseError,
    look::{self, Frame, Row, ask},
    session::{Session, fields},
    statement::{Names, Statement},
};

/// A copy that is there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Present {
    /// The rows of the step's keys, in its order.
    pub rows: Vec<Row>,
    /// How many rows it has.
    pub count: u64,
    /// How many of its rows are not, key and value byte by byte, in the table.
    pub strangers: u64,
    /// How many rows the table has.
    pub of: u64,
}

/// What a copy is good for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Worth {
    /// It may be filled up: it is empty, or a part of the table as it is.
    Partial,
    /// It holds the former values.
    Whole,
    /// It holds something else.
    Other,
}

impl Present {
    /// What it is worth as the copy of the rows `former`, while the table's own rows are `now`.
    #[must_use]
    pub fn worth(&self, now: &[Row], former: &[(&str, Digest)]) -> Worth {
        let of = |key: &str| former.iter().find(|(former, _)| *former == key).map(|(_, digest)| *digest);
        let is_former = |row: &Row| row.count == 1 && row.stored.map(|stored| stored.digest) == of(&row.key);
        let is_untouched = now.iter().all(is_former);
        let lacks = self.rows.iter().any(|row| row.count == 0);
        if !self.rows.iter().all(|row| row.count == 0 || is_former(row)) {
            Worth::Other
        } else if is_untouched && self.strangers == 0 && (lacks || self.count < self.of) {
            Worth::Partial
        } else if lacks {
            Worth::Other
        } else {
            Worth::Whole
        }
    }
}

/// Looks at the copy. Nothing when there is none.
pub fn look(session: &mut Session<'_>, step: &UpdateDatabase) -> Result<Option<Present>, DatabaseError> {
    let doing = word!("look at the copy", "查看备份表");
    if !look::exists(session, step.backup_table.as_str())? {
        return Ok(None);
    }
    let names = Names::of(step);
    let Names { table, copy, key, value } = &names;
    let rows = look::rows(session, &names, copy, step.rows.iter().map(|row| row.key.as_str())).map_err(|error| match error {
        // No such column: no copy of this table.
        DatabaseError::Server { code: 1054, .. } => DatabaseError::CopyDiffers { table: step.backup_table.to_string() },
        error => error,
    })?;
    let strangers = format!(
        "from {copy} c left join {table} t on t.{key} = c.{key} and cast(t.{key} as binary) = cast(c.{key} as binary) \
         and cast(t.{value} as binary) <=> cast(c.{value} as binary) where t.{key} is null"
    );
    let questions = vec![
        ask("concat('count/', count(*))", &format!("from {copy}"), vec![]),
        ask("concat('of/', count(*))", &format!("from {table}"), vec![]),
        ask("concat('strangers/', count(*))", &strangers, vec![]),
    ];
    let answers = session.ask(doing, questions)?;
    let number = |tag| {
        let found = answers.iter().find_map(|answer| fields(answer, tag)).and_then(|[number]: [&str; 1]| number.parse().ok());
        found.ok_or(DatabaseError::Answer { doing })
    };
    Ok(Some(Present { rows, count: number("count")?, strangers: number("strangers")?, of: number("of")? }))
}

/// Sees to it that the copy holds the rows `former`; `now` are the table's own.
pub fn keep(
    session: &mut Session<'_>,
    step: &UpdateDatabase,
    frame: &Frame,
    now: &[Row],
    former: &[(&str, Digest)],
) -> Result<(), DatabaseError> {
    let Names { table, copy, key, .. } = Names::of(step);
    let differs = || DatabaseError::CopyDiffers { table: step.backup_table.to_string() };
    if look(session, step)?.is_none() {
        session.ask(word!("make the copy", "建立备份表"), vec![Statement::plain(&format!("create table {copy} like {table}"))])?;
    }
    match look(session, step)?.ok_or_else(differs)?.worth(now, former) {
        Worth::Whole => return Ok(()),
        Worth::Other => return Err(differs()),
        Worth::Partial => {}
    }
    // Only rows whose key is not there yet: after a crash that is the rest, and else everything.
    let fill = format!(
        "insert into {copy} select t.* from {table} t left join {copy} c \
         on c.{key} = t.{key} and cast(c.{key} as binary) = cast(t.{key} as binary) where c.{key} is null"
    );
    // Reading the table for it waits for whoever changes its rows.
    session.ask(word!("fill the copy", "填充备份表"), frame.lock_wait().into_iter().chain([Statement::plain(&fill)]).collect())?;
    match look(session, step)?.ok_or_else(differs)?.worth(now, former) {
        Worth::Whole => Ok(()),
        Worth::Partial | Worth::Other => Err(differs()),
    }
}
