//! One conversation with a database, by either way.

use std::time::Duration;

use zeroize::Zeroizing;

use super::{
    access::{Access, Way},
    client,
    error::DatabaseError,
    native,
    statement::Statement,
};

/// One answer: a tag and its fields, parted by `/`.
pub type Answer = Zeroizing<String>;

/// The answers that came, also those before an error.
pub struct Told {
    pub answers: Vec<Answer>,
    pub end: Result<(), DatabaseError>,
}

impl Told {
    fn whole(self) -> Result<Vec<Answer>, DatabaseError> {
        self.end.map(|()| self.answers)
    }
}

/// A conversation. Natively it is one connection, which ends with it; through a client program each group of statements is one.
pub struct Session<'a> {
    access: &'a Access,
    connection: Option<native::Connection>,
    schema: Option<String>,
}

impl<'a> Session<'a> {
    /// Reaches the database.
    pub fn open(access: &'a Access) -> Result<Self, DatabaseError> {
        let connection = match &access.way {
            Way::Native(way) => Some(native::Connection::open(way, access.patience)?),
            Way::Command(_) => None,
        };
        Ok(Self { access, connection, schema: None })
    }

    /// How long each group of statements may take.
    pub fn patience(&self) -> Duration {
        self.access.patience
    }

    /// From now on, tables are those of `schema`.
    pub fn enter(&mut self, schema: &str) -> Result<(), DatabaseError> {
        if schema.is_empty() || schema.chars().any(|c| c.is_control() || "`'\"\\;".contains(c)) {
            return Err(DatabaseError::SchemaName { name: schema.to_owned() });
        }
        if let Some(connection) = &mut self.connection {
            connection.enter(schema)?;
        }
        self.schema = Some(schema.to_owned());
        Ok(())
    }

    /// Says `statements` and returns the answers. At the first error, nothing is said any more and an open transaction is taken back.
    pub fn ask(&mut self, doing: &'static str, statements: Vec<Statement>) -> Result<Vec<Answer>, DatabaseError> {
        self.tell(doing, statements).whole()
    }

    /// As [`Session::ask`], with the answers that came before an error.
    pub fn tell(&mut self, doing: &'static str, statements: Vec<Statement>) -> Told {
        match (&self.access.way, &mut self.connection) {
            (Way::Command(command), _) => client::say(command, self.access.patience, self.schema.as_deref(), doing, statements),
            (Way::Native(_), Some(connection)) => connection.say(doing, statements),
            (Way::Native(_), None) => Told { answers: Vec::new(), end: Err(DatabaseError::Answer { doing }) },
        }
    }
}

/// The fields of an answer with this tag, or nothing when it has another tag or number of fields.
pub fn fields<'t, const N: usize>(answer: &'t Answer, tag: &str) -> Option<[&'t str; N]> {
    let fields: Vec<&str> = answer.split('/').collect();
    let (first, rest) = fields.split_first()?;
    if *first == tag { rest.try_into().ok() } else { None }
}

/// The text of a hexadecimal field.
pub fn plain(field: &str) -> Option<String> {
    String::from_utf8(hex::decode(field).ok()?).ok()
}
