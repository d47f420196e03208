//! The stable code of every problem, `RS-` and three digits: the first is the exit code, the others say what it is.
//!
//! Invariants: a number is never given to another problem, also not after its own is gone; one code has one exit code. `docs/ERRORS.md`
//! is made from the table, in both languages. What happened here and now, and what to type, is `present::explain`'s to say.

mod table;

use std::fmt;

use serde::{Serialize, Serializer};

use crate::error::Exit;

pub use table::Code;

impl Code {
    /// Its three digits.
    #[must_use]
    pub fn number(self) -> u16 {
        self as u16
    }

    /// The exit code of a command that ends with it.
    #[must_use]
    pub fn exit(self) -> Exit {
        match self.number() / 100 {
            1 => Exit::Failed,
            2 => Exit::Usage,
            3 => Exit::Rejected,
            4 => Exit::Refused,
            5 => Exit::RolledBack,
            _ => Exit::Person,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RS-{}", self.number())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_go_up_and_end_with_their_own_exit_code() {
        let numbers: Vec<u16> = Code::ALL.iter().map(|code| code.number()).collect();
        assert!(numbers.is_sorted() && numbers[0] > 100 && numbers[numbers.len() - 1] < 700, "{numbers:?}");
        for code in Code::ALL {
            assert_eq!(code.exit() as u16, code.number() / 100, "{code}");
        }
    }

    #[test]
    fn kinds_are_words_for_programs() {
        for code in Code::ALL {
            assert!(code.kind().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{code}");
        }
    }
}
