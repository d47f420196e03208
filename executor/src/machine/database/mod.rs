//! The database of a step `update-database`: looks at the rows, changes them all or none, and brings the former ones back.
//!
//! Two ways lead to it, and both say the same statements (`statement`): the protocol itself (`native`), or a client program that
//! the operator names (`client`). Nothing here plans, journals or speaks to a person.
//!
//! What may go wrong, and what stops it:
//! * A server that is silent, slow or gone: every conversation has a deadline ([`Access::patience`]), the one over the client program too.
//! * Silent truncation, odd SQL modes, `'A '` that equals `'a'`, an update that counts 0 rows: the session sets its own mode, keys are
//!   compared as bytes, and each row is compared with what it should hold before the commit. No count is trusted.
//! * Somebody else who changes a row: rows are locked, and compared with what was read, before they are changed.
//! * An engine without transactions: each row is changed only from what was read, and those changed are put back by hand.
//! * A client program that goes on after an error (`--force`): from the first failed comparison on, no statement changes anything.
//! * A secret in an error: of what a server or client says, nothing is kept that could be part of a key (`error`).
//!
//! No name is resolved and no shell is run.

mod access;
mod change;
mod client;
mod copy;
mod error;
mod look;
mod native;
mod session;
mod statement;
mod survey;
mod text;

use zeroize::Zeroizing;

pub use access::{Access, ClientCommand, CommandError, Native, Server, Tls, Way};
pub use change::Outcome;
pub use client::Heard;
pub use copy::{Present, Worth};
pub use error::{DatabaseError, masked};
pub use look::{Capacity, Row, Stored};
pub use native::{Channel, Dialogue, Fault};
pub use survey::{Copy, Survey, Table};

/// The most bytes of a value that is read or written.
pub const MOST_VALUE_BYTES: usize = 1 << 20;

/// A row's key, and its value as it is stored.
pub type KeyedValue = (String, Zeroizing<Vec<u8>>);

/// A database that can be reached, as far as is known.
#[derive(Debug)]
pub struct Database {
    access: Access,
}

impl Database {
    /// The database behind `access`. Nothing is dialled yet.
    #[must_use]
    pub fn new(access: Access) -> Self {
        Self { access }
    }
}
