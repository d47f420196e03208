//! What is said to a database, the same for both ways. Only text is made here.
//!
//! Texts hold no quotation marks but `'` around plain words, and values are written in hexadecimal (`text`), so no SQL mode changes
//! what they mean. Every question yields one column of text, which begins with a tag and has its fields parted by `/`; free text in
//! it is hexadecimal. So a client program may dress its output as it likes.

use bundle_format::slice::UpdateDatabase;
use zeroize::Zeroizing;

use super::error::DatabaseError;

/// A value at a `?` of a statement.
pub enum Value {
    /// Bytes, as hexadecimal text: stands in `unhex(?)`, since a text would be converted or judged by its character set.
    Bytes(Zeroizing<String>),
    /// Text.
    Text(String),
}

impl Value {
    /// The value for `unhex(?)`.
    pub fn bytes(bytes: &[u8]) -> Self {
        Self::Bytes(Zeroizing::new(hex::encode(bytes)))
    }
}

/// One statement.
pub enum Statement {
    /// Asks: `select <expression> <rest>`.
    Ask { expression: String, rest: String, values: Vec<Value> },
    /// Does something; yields nothing.
    Do { sql: String, values: Vec<Value> },
    /// Goes on only if a condition holds, and otherwise changes nothing any more and ends in this error.
    Expect { condition: String, values: Vec<Value>, otherwise: DatabaseError },
}

impl Statement {
    pub fn plain(sql: &str) -> Self {
        Self::Do { sql: sql.to_owned(), values: Vec::new() }
    }

    /// The error that an unmet expectation ends in.
    pub fn otherwise(self) -> Option<DatabaseError> {
        if let Self::Expect { otherwise, .. } = self { Some(otherwise) } else { None }
    }
}

/// What every session begins with. The mode refuses what does not fit, and has nothing of what changes the meaning of a text;
/// `@reseal` is what [`Statement::Expect`] takes away.
pub const PROLOGUE: [&str; 4] = [
    "set names utf8mb4",
    "set session sql_mode = 'STRICT_ALL_TABLES'",
    "set session autocommit = 1, session sql_safe_updates = 0, session lock_wait_timeout = 10",
    "set @reseal = 1",
];

/// The names of a step, quoted. An [`Identifier`](bundle_format::name::Identifier) needs no escaping.
pub struct Names {
    pub table: String,
    pub copy: String,
    pub key: String,
    pub value: String,
}

impl Names {
    pub fn of(step: &UpdateDatabase) -> Self {
        Self {
            table: format!("`{}`", step.table),
            copy: format!("`{}`", step.backup_table),
            key: format!("`{}`", step.key_column),
            value: format!("`{}`", step.value_column),
        }
    }

    /// The condition that a row has a key, byte by byte. The first half finds it by an index and so locks no other row; the second
    /// tells it from rows whose key is merely equal by its collation.
    pub fn is_key(&self) -> String {
        let key = &self.key;
        format!("{key} = ? and cast({key} as binary) = ?")
    }
}

/// The values of [`Names::is_key`].
pub fn key_values(key: &str) -> Vec<Value> {
    vec![Value::Text(key.to_owned()), Value::Text(key.to_owned())]
}
