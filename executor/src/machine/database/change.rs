//! Changes the rows: all or none, each from what it was read as, each compared with what it should hold before it counts.

use std::time::Duration;

use bundle_format::{digest::Digest, slice::UpdateDatabase, word};
use zeroize::Zeroizing;

use super::{
    Database, DatabaseError, KeyedValue, copy,
    look::{self, Frame, Row, Stored, ask},
    session::{Answer, Session, fields},
    statement::{Names, Statement, Value, key_values},
};

/// What an update or a restoration came to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// All rows were so already; nothing was changed.
    Already,
    /// The rows of these keys were changed.
    Changed(Vec<String>),
}

/// One row: what it holds, and what it shall hold.
struct Exchange<'a> {
    key: &'a str,
    now: Zeroizing<Vec<u8>>,
    then: &'a [u8],
}

impl Database {
    /// Copies the table to the step's backup table and then changes the rows to `new`, given by key. `former` are the digests that
    /// the rows had when they were looked at: a row with another value than its former or new one is refused. May be repeated after
    /// a crash at any moment.
    ///
    /// # Errors
    /// When the rows cannot be changed. They are then as they were, except for [`DatabaseError::HalfDone`], and except for
    /// [`DatabaseError::Lost`] and [`DatabaseError::TimedOut`], after which they are either all former or all new: look again.
    pub fn update(&self, step: &UpdateDatabase, new: &[(&str, &[u8])], former: &[(&str, Digest)]) -> Result<Outcome, DatabaseError> {
        let (mut session, frame) = self.begin(step)?;
        new.iter().try_for_each(|(key, value)| frame.capacity.fits(step, key, value.len() as u64))?;
        let changed = |key: &str, now: &[u8]| {
            let digest = Digest::of(now);
            !former.contains(&(key, digest)) && !new.contains(&(key, now))
        };
        let exchanges = exchanges(&mut session, step, new, changed)?;
        if exchanges.iter().all(Exchange::is_done) {
            return Ok(Outcome::Already);
        }
        let now: Vec<Row> = exchanges.iter().map(Exchange::row).collect();
        copy::keep(&mut session, step, &frame, &now, former)?;
        exchange(&mut session, step, &frame, &exchanges)
    }

    /// Changes the rows back to `former`, given by key. `new` are the digests of what the update wrote: a row with another value than
    /// these two is refused, unless `discard_changes`. The backup table stays. May be repeated.
    ///
    /// # Errors
    /// As for [`Database::update`].
    pub fn restore(
        &self,
        step: &UpdateDatabase,
        former: &[(&str, &[u8])],
        new: &[(&str, Digest)],
        discard_changes: bool,
    ) -> Result<Outcome, DatabaseError> {
        let (mut session, frame) = self.begin(step)?;
        let changed = |key: &str, now: &[u8]| !discard_changes && !former.contains(&(key, now)) && !new.contains(&(key, Digest::of(now)));
        let exchanges = exchanges(&mut session, step, former, changed)?;
        exchange(&mut session, step, &frame, &exchanges)
    }

    fn begin(&self, step: &UpdateDatabase) -> Result<(Session<'_>, Frame), DatabaseError> {
        let no_table = || DatabaseError::NoTable { table: step.table.to_string() };
        let mut session = Session::open(&self.access)?;
        look::enter(&mut session, &self.access, step)?.ok_or_else(no_table)?;
        let frame = look::frame(&mut session, step)?.ok_or_else(no_table)?;
        Ok((session, frame))
    }
}

impl Exchange<'_> {
    fn is_done(&self) -> bool {
        *self.now == self.then
    }

    fn row(&self) -> Row {
        let stored = Stored { digest: Digest::of(&self.now), bytes: self.now.len() as u64 };
        Row { key: self.key.to_owned(), count: 1, stored: Some(stored) }
    }

    /// Takes part of what the row holds and shall hold to the server, under names of its own.
    fn carry(&self, index: usize) -> Statement {
        let values = vec![Value::bytes(&self.now), Value::bytes(self.then)];
        Statement::Do { sql: format!("set @now{index} = unhex(?), @then{index} = unhex(?)"), values }
    }
}

/// Reads the rows, and pairs each with what it shall hold. A row that is `changed`, given its key and value, is refused.
fn exchanges<'a>(
    session: &mut Session<'_>,
    step: &UpdateDatabase,
    then: &[(&'a str, &'a [u8])],
    changed: impl Fn(&str, &[u8]) -> bool,
) -> Result<Vec<Exchange<'a>>, DatabaseError> {
    let read = look::bytes(session, step, then.iter().map(|(key, _)| *key))?;
    let pair = |((key, now), (of, then)): (KeyedValue, &(&'a str, &'a [u8]))| {
        if changed(&key, &now) { Err(DatabaseError::Changed { key }) } else { Ok(Exchange { key: of, now, then }) }
    };
    read.into_iter().zip(then).map(pair).collect()
}

/// Changes the rows, and looks again.
fn exchange(session: &mut Session<'_>, step: &UpdateDatabase, frame: &Frame, exchanges: &[Exchange<'_>]) -> Result<Outcome, DatabaseError> {
    if exchanges.iter().all(Exchange::is_done) {
        return Ok(Outcome::Already);
    }
    let names = Names::of(step);
    let told = session.tell(word!("change the rows", "改动行"), transaction(&names, frame, exchanges, session.patience()));
    if let Err(cause) = told.end {
        return Err(if frame.is_transactional { cause } else { put_back(session, &names, exchanges, &told.answers, cause) });
    }
    let rows = look::rows(session, &names, &names.table, exchanges.iter().map(|row| row.key))?;
    match rows.iter().zip(exchanges).find(|(row, exchange)| row.stored.map(|stored| stored.digest) != Some(Digest::of(exchange.then))) {
        Some((row, _)) => Err(DatabaseError::NotStored { key: row.key.clone() }),
        None => Ok(Outcome::Changed(exchanges.iter().filter(|row| !row.is_done()).map(|row| row.key.to_owned()).collect())),
    }
}

/// Whether statements may still change anything: every comparison held, also where a client program goes on after a failed one; and
/// somebody still waits, also where only the outer half of a client program (`docker exec`) ended with our patience.
const LIVE: &str = "@reseal = 1 and unix_timestamp() <= @reseal_until";

/// Lock, compare, change, compare, commit. On an engine without transactions the same statements work row by row.
fn transaction(names: &Names, frame: &Frame, exchanges: &[Exchange<'_>], patience: Duration) -> Vec<Statement> {
    let mut statements = vec![Statement::plain(&format!("set @reseal_until = unix_timestamp() + {}", patience.as_secs()))];
    statements.extend(frame.lock_wait());
    statements.extend(exchanges.iter().enumerate().map(|(index, row)| row.carry(index)));
    statements.push(Statement::plain("start transaction"));
    let rest = format!("from {} where {} for update", names.table, names.is_key());
    statements.extend(exchanges.iter().map(|row| ask("'locked'", &rest, key_values(row.key))));
    let holds = |what, index| expect(names, exchanges, what, index);
    statements.extend((0..exchanges.len()).map(|index| holds("now", index)));
    for (index, row) in exchanges.iter().enumerate() {
        statements.extend(change(names, row.key, index));
        if !frame.is_transactional {
            statements.push(holds("then", index));
        }
    }
    statements.extend((0..exchanges.len()).map(|index| holds("then", index)));
    statements.extend(commit());
    statements
}

/// Commits if it may, and takes back otherwise. Of the statements that end a transaction, `commit` can be prepared on every server.
fn commit() -> [Statement; 4] {
    let choose = format!("set @reseal_end = if({LIVE}, 'commit', 'do 0')");
    [choose.as_str(), "prepare reseal_end from @reseal_end", "execute reseal_end", "rollback"].map(Statement::plain)
}

/// Expects that exactly one row has the key, and holds `now` or `then`.
fn expect(names: &Names, exchanges: &[Exchange<'_>], what: &str, index: usize) -> Statement {
    let Names { table, value, .. } = names;
    let key = exchanges[index].key;
    let held = format!("select count(*) from {table} where {}", names.is_key());
    let condition = format!("({held}) = 1 and ({held} and cast({value} as binary) = @{what}{index}) = 1");
    let values = key_values(key).into_iter().chain(key_values(key)).collect();
    let key = key.to_owned();
    let otherwise = if what == "now" { DatabaseError::Changed { key } } else { DatabaseError::NotStored { key } };
    Statement::Expect { condition, values, otherwise }
}

/// Changes one row, from what it was read as and from nothing else, and tells whether it did.
fn change(names: &Names, key: &str, index: usize) -> [Statement; 2] {
    let Names { table, value, .. } = names;
    let sql =
        format!("update {table} set {value} = @then{index} where {} and cast({value} as binary) = @now{index} and {LIVE}", names.is_key());
    [Statement::Do { sql, values: key_values(key) }, ask(&format!("concat('changed/{index}/', row_count())"), "", vec![])]
}

/// Gives the rows that were changed their former values back: what a transaction would have done.
fn put_back(
    session: &mut Session<'_>,
    names: &Names,
    exchanges: &[Exchange<'_>],
    answers: &[Answer],
    cause: DatabaseError,
) -> DatabaseError {
    let is_changed = |index: usize| {
        let index = index.to_string();
        answers.iter().any(|answer| fields(answer, "changed").is_some_and(|[of, count]: [&str; 2]| of == index && count == "1"))
    };
    let changed: Vec<usize> = (0..exchanges.len()).filter(|index| is_changed(*index)).collect();
    let mut statements = Vec::new();
    for index in &changed {
        let row = &exchanges[*index];
        let Names { table, value, .. } = names;
        let sql = format!("update {table} set {value} = @now{index} where {}", names.is_key());
        statements.push(row.carry(*index));
        statements.push(Statement::Do { sql, values: key_values(row.key) });
        statements.push(expect(names, exchanges, "now", *index));
    }
    if session.ask(word!("put the rows back", "恢复行"), statements).is_ok() {
        return cause;
    }
    let keys = changed.iter().map(|index| exchanges[*index].key.to_owned()).collect();
    DatabaseError::HalfDone { keys, cause: Box::new(cause) }
}
