//! The journal's form: append-only lines, each with a digest of its own.
//!
//! A line is 16 hexadecimal digits, a space, a JSON document and a line feed. The digits are the first half of the SHA-256 of the
//! line before (its digits; nothing for the first) and the document, so a line proves its content and its place.
//!
//! A cut in the power leaves a last line that is short or wrong: it is the *torn tail*, and everything before it holds. A wrong line
//! with a right length of history behind it is no accident of that kind, and the journal is refused ([`JournalError::Broken`]).
//!
//! Nothing here opens a file. Records hold no secrets: of a private key, its digest, owner and mode.

mod record;
mod state;

use bundle_format::{digest::Digest, rfc3339_seconds, text};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use time::OffsetDateTime;

#[cfg(test)]
pub(crate) use record::tests::begin as example;
pub use record::{Begin, Contents, Deviation, DiskEnd, FileChange, Record, RowChange, StepRecord};
pub use state::{Contradiction, MOST_ATTEMPTS, Phase, State, undo_order};

/// The number of this form of journal.
pub const VERSION: u32 = 1;

const DIGITS: usize = 16;

/// Why a journal says nothing.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum JournalError {
    /// Damage other than a torn tail.
    #[error("{}", text!("line {_0} does not have the digest that it claims", "第 {_0} 行与其摘要不符"))]
    Broken(usize),
    /// Right digest, unknown content.
    #[error("{}", text!("line {line} is not understood by this version: {why}", "本版本无法理解第 {line} 行：{why}"))]
    NotUnderstood {
        /// The line's number, from 1.
        line: usize,
        /// The parser's reason.
        why: String,
    },
    /// Written by a later version.
    #[error("{}", text!("it has the form {found}, and this version knows {VERSION}", "其格式版本为 {found}，本版本只认识 {VERSION}"))]
    Version {
        /// Its form.
        found: u32,
    },
    /// Records that cannot follow each other.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
}

/// One record and when it was made.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Entry {
    /// By the node's clock.
    #[serde(with = "rfc3339_seconds")]
    pub at: OffsetDateTime,
    /// What happened.
    #[serde(flatten)]
    pub record: Record,
}

/// A journal as it was read.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct History {
    /// Its records.
    pub entries: Vec<Entry>,
    /// How many bytes of it hold: what is behind them is torn.
    pub good_bytes: u64,
    /// Whether there is a torn tail.
    pub is_torn: bool,
    /// The digits of the last line.
    chain: String,
}

impl History {
    /// Reads a journal.
    ///
    /// # Errors
    /// When it is damaged other than at its end, or of another version.
    pub fn read(bytes: &[u8]) -> Result<Self, JournalError> {
        let mut history = Self::default();
        let mut rest = bytes;
        let mut line = 1;
        while let Some(length) = rest.iter().position(|byte| *byte == b'\n') {
            let (content, after) = (&rest[..length], &rest[length + 1..]);
            let Some(document) = history.proven(content) else {
                if after.is_empty() {
                    break;
                }
                return Err(JournalError::Broken(line));
            };
            let entry = parse(document, line)?;
            history.push(&content[..DIGITS], entry, length as u64 + 1);
            rest = after;
            line += 1;
        }
        history.is_torn = !rest.is_empty();
        Ok(history)
    }

    /// The document of a line, when its digits are right for it and for its place.
    fn proven<'a>(&self, line: &'a [u8]) -> Option<&'a [u8]> {
        let (digits, document) = line.split_at_checked(DIGITS)?;
        let document = document.strip_prefix(b" ")?;
        (digits == seal(&self.chain, document).as_bytes()).then_some(document)
    }

    fn push(&mut self, digits: &[u8], entry: Entry, bytes: u64) {
        self.chain = String::from_utf8_lossy(digits).into_owned();
        self.entries.push(entry);
        self.good_bytes += bytes;
    }

    /// The line of the next record, which is then part of this history.
    ///
    /// # Errors
    /// When the time has no text form.
    pub fn add(&mut self, entry: Entry) -> Result<Vec<u8>, serde_json::Error> {
        let document = serde_json::to_vec(&entry)?;
        let digits = seal(&self.chain, &document);
        let line = [digits.as_bytes(), b" ", &document, b"\n"].concat();
        self.push(digits.as_bytes(), entry, line.len() as u64);
        Ok(line)
    }

    /// Where the run stands.
    ///
    /// # Errors
    /// When its records contradict each other.
    pub fn state(&self) -> Result<State<'_>, Contradiction> {
        State::of(self.entries.iter().map(|entry| &entry.record))
    }
}

fn seal(chain: &str, document: &[u8]) -> String {
    let mut digits = Digest::of(&[chain.as_bytes(), document].concat()).to_string();
    digits.truncate(DIGITS);
    digits
}

fn parse(document: &[u8], line: usize) -> Result<Entry, JournalError> {
    #[derive(Deserialize)]
    struct Versioned {
        version: Option<u32>,
    }
    let not_understood = |error: serde_json::Error| JournalError::NotUnderstood { line, why: error.to_string() };
    let versioned: Versioned = serde_json::from_slice(document).map_err(not_understood)?;
    match versioned.version {
        Some(found) if found != VERSION => Err(JournalError::Version { found }),
        _ => serde_json::from_slice(document).map_err(not_understood),
    }
}

#[cfg(test)]
mod tests {
    use super::{record::tests::begin, *};
    use time::macros::datetime;

    fn journal(records: Vec<Record>) -> (Vec<u8>, History) {
        let mut history = History::default();
        let lines = records.into_iter().map(|record| history.add(Entry { at: datetime!(2026-01-02 03:04:05 UTC), record }).unwrap());
        let bytes = lines.collect::<Vec<_>>().concat();
        (bytes, history)
    }

    fn records() -> Vec<Record> {
        vec![Record::Begin(Box::new(begin(2))), Record::BackedUp, Record::StepStarted { step: 0 }, Record::StepDone { step: 0 }]
    }

    #[test]
    fn what_was_written_is_read() {
        let (bytes, history) = journal(records());
        assert_eq!(History::read(&bytes), Ok(history));
    }

    #[test]
    fn a_tail_torn_at_any_byte_leaves_what_is_before_it() {
        let (bytes, whole) = journal(records());
        for length in 0..bytes.len() {
            let cut = History::read(&bytes[..length]).unwrap();
            let lines = bytes[..length].split(|byte| *byte == b'\n').count() - 1;
            assert_eq!(cut.entries, whole.entries[..lines], "{length}");
            assert_eq!(cut.is_torn, cut.good_bytes != length as u64);
            let zeros = History::read(&[&bytes[..length], &[0; 7]].concat()).unwrap();
            assert_eq!((zeros.entries.len(), zeros.is_torn), (lines, true));
        }
    }

    #[test]
    fn a_torn_journal_goes_on_where_it_holds() {
        let (bytes, _) = journal(records());
        let mut cut = History::read(&bytes[..bytes.len() - 1]).unwrap();
        let kept = usize::try_from(cut.good_bytes).unwrap();
        let line = cut.add(Entry { at: datetime!(2026-01-02 03:04:05 UTC), record: Record::StepDone { step: 0 } }).unwrap();
        assert_eq!([&bytes[..kept], &line].concat(), bytes);
    }

    #[test]
    fn damage_before_the_last_line_is_refused() {
        let (bytes, _) = journal(records());
        let last = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap();
        for at in 0..last {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(matches!(History::read(&damaged), Err(JournalError::Broken(_))), "{at}");
        }
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        assert_eq!(History::read(&[lines[0], lines[2], lines[3]].concat()), Err(JournalError::Broken(2)));
    }

    #[test]
    fn a_later_version_is_named() {
        let mut later = begin(1);
        later.version = VERSION + 1;
        let (bytes, _) = journal(vec![Record::Begin(Box::new(later))]);
        assert_eq!(History::read(&bytes), Err(JournalError::Version { found: VERSION + 1 }));
    }
}
