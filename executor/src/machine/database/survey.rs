//! What is there and what may be done, before anything is.

use bundle_format::{digest::Digest, slice::UpdateDatabase, word};

use super::{
    Database, DatabaseError, KeyedValue,
    copy::{self, Present, Worth},
    look::{self, Capacity, Row, ask},
    session::{Session, fields, plain},
    statement::{Names, Statement, key_values},
};

/// What was found.
#[derive(Debug)]
pub enum Survey {
    /// The table.
    Table(Box<Table>),
    /// No such table, as with a Manager before 6.0.1811a; in the schema, or in any that this user may see.
    NoTable {
        /// The schema that was looked into, where one was named.
        schema: Option<String>,
    },
}

/// A table and its rows.
#[derive(Debug)]
pub struct Table {
    /// The server's version, in its own words.
    pub server: String,
    /// The schema.
    pub schema: String,
    /// The storage engine.
    pub engine: String,
    /// Whether all rows change or none. Otherwise each is changed alone, and put back by hand if a later one fails: a power cut in
    /// between leaves some changed, which the next run then finishes or takes back.
    pub is_transactional: bool,
    /// What the column of values takes.
    pub capacity: Capacity,
    /// The rows of the step's keys, in its order.
    pub rows: Vec<Row>,
    /// The copy of the table.
    pub copy: Copy,
    /// Whether the rows may be changed: rights, and a server that takes changes. Proven by an update of no row.
    pub may_update: Result<(), DatabaseError>,
    /// Whether the copy may be made. Proven by preparing it, without doing it.
    pub may_copy: Result<(), DatabaseError>,
}

/// The copy of the table, as far as it is there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Copy {
    /// It is not.
    Absent,
    /// It is, or a table of its name.
    Present(Present),
}

impl Table {
    /// Everything that stands against changing the rows to values of these lengths in bytes, given by key.
    #[must_use]
    pub fn objections(&self, step: &UpdateDatabase, new: &[(&str, u64)]) -> Vec<DatabaseError> {
        let missing = self.rows.iter().filter_map(|row| row.only(step.table.as_str()).err());
        let short = new.iter().filter_map(|(key, needs)| self.capacity.fits(step, key, *needs).err());
        let rights = [&self.may_update, &self.may_copy].into_iter().filter_map(|may| may.clone().err());
        missing.chain(short).chain(rights).collect()
    }

    /// Whether the copy, so far as it is there, can serve as the copy of rows with these former digests.
    #[must_use]
    pub fn copy_serves(&self, former: &[(&str, Digest)]) -> bool {
        match &self.copy {
            Copy::Absent => true,
            Copy::Present(present) => present.worth(&self.rows, former) != Worth::Other,
        }
    }
}

impl Capacity {
    /// # Errors
    /// When a value of `needs` bytes would not fit.
    pub(super) fn fits(&self, step: &UpdateDatabase, key: &str, needs: u64) -> Result<(), DatabaseError> {
        let (column, kind, takes) = (step.value_column.to_string(), self.kind.clone(), self.most());
        if needs <= takes { Ok(()) } else { Err(DatabaseError::TooShort { key: key.to_owned(), column, kind, needs, takes }) }
    }
}

impl Database {
    /// Looks at the table, its rows and its copy, and at what may be done. Changes nothing.
    ///
    /// # Errors
    /// When the database cannot be reached, several schemas have the table, or one of its columns cannot be used.
    pub fn survey(&self, step: &UpdateDatabase) -> Result<Survey, DatabaseError> {
        let mut session = Session::open(&self.access)?;
        let Some(schema) = look::enter(&mut session, &self.access, step)? else { return Ok(Survey::NoTable { schema: None }) };
        let Some(frame) = look::frame(&mut session, step)? else { return Ok(Survey::NoTable { schema: Some(schema) }) };
        let names = Names::of(step);
        let rows = look::rows(&mut session, &names, &names.table, step.rows.iter().map(|row| row.key.as_str()))?;
        let copy = copy::look(&mut session, step)?.map_or(Copy::Absent, Copy::Present);
        Ok(Survey::Table(Box::new(Table {
            server: version(&mut session)?,
            schema,
            engine: frame.engine,
            is_transactional: frame.is_transactional,
            capacity: frame.capacity,
            may_update: tried(try_update(&mut session, step))?,
            may_copy: tried(try_copy(&mut session, step, &copy))?,
            rows,
            copy,
        })))
    }

    /// The stored bytes of the step's rows, for a copy outside the database.
    ///
    /// # Errors
    /// When the database cannot be read, or not exactly one row has each key.
    pub fn read(&self, step: &UpdateDatabase) -> Result<Vec<KeyedValue>, DatabaseError> {
        let mut session = Session::open(&self.access)?;
        let entered = look::enter(&mut session, &self.access, step)?;
        entered.ok_or_else(|| DatabaseError::NoTable { table: step.table.to_string() })?;
        look::bytes(&mut session, step, step.rows.iter().map(|row| row.key.as_str()))
    }
}

fn version(session: &mut Session<'_>) -> Result<String, DatabaseError> {
    let doing = word!("ask for the version", "询问版本");
    let answers = session.ask(doing, vec![ask("concat('version/', hex(version()))", "", vec![])])?;
    let found = answers.iter().find_map(|answer| fields(answer, "version")).and_then(|[version]: [&str; 1]| plain(version));
    found.ok_or(DatabaseError::Answer { doing })
}

/// An update of no row: rights and a read-only server are judged before rows are looked for.
fn try_update(session: &mut Session<'_>, step: &UpdateDatabase) -> Result<(), DatabaseError> {
    let names = Names::of(step);
    let Names { table, value, .. } = &names;
    let sql = format!("update {table} set {value} = {value} where {} and 1 = 0", names.is_key());
    let key = step.rows.first().map(|row| row.key.as_str()).unwrap_or_default();
    let update = Statement::Do { sql, values: key_values(key) };
    session.ask(word!("change rows", "改动行"), vec![Statement::plain("start transaction"), update, Statement::plain("rollback")]).map(drop)
}

/// A statement that is prepared is judged, but not done.
fn try_copy(session: &mut Session<'_>, step: &UpdateDatabase, copy: &Copy) -> Result<(), DatabaseError> {
    let Names { table, copy: name, .. } = Names::of(step);
    let sql = match copy {
        Copy::Absent => format!("create table {name} like {table}"),
        Copy::Present(_) => format!("insert into {name} select * from {table}"),
    };
    session.ask(word!("make the copy", "建立备份表"), vec![Statement::plain(&format!("prepare reseal from '{sql}'"))]).map(drop)
}

/// What a trial says about rights is a finding; that the database cannot be asked is not.
fn tried(trial: Result<(), DatabaseError>) -> Result<Result<(), DatabaseError>, DatabaseError> {
    use DatabaseError::{Client, CommandStart, Lost, TimedOut, Unreachable};
    match trial {
        Err(error @ (Client { .. } | CommandStart { .. } | Lost { .. } | TimedOut { .. } | Unreachable { .. })) => Err(error),
        trial => Ok(trial),
    }
}
