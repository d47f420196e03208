//! A receipt as a few lines that can be typed, read over the phone or photographed, where no stick may leave the site.
//!
//! ```text
//! 1/5 042G-2201-2000-8WV9-EHJG-8X3F-ATGT
//! 2/5 ECRG-61RG-DW2Z-MWRN-3VWA-6C1S-AABB
//! ```
//!
//! Each line is checked by itself ([`line`]), so a mistake is known by its line, and all of them together once more. Large and small letters
//! are the same; spaces and hyphens behind the number, and lines that do not begin with such a number, are passed over. A mistake is never
//! mended unasked: what was perhaps meant is shown. It holds what an acceptance needs, and the beginnings of the digests of the whole
//! receipt and of its bundle.
//!
//! What hostile lines may try, and what stops them: more lines than there can be (`line::MOST_LINES`, and [`MOST_RECEIPTS`] blocks); lengths
//! and numbers within that lie (each is bounded, and what is read must be written the same).

mod error;
mod fields;
mod line;

use std::collections::BTreeMap;

use time::{Duration, OffsetDateTime};

use super::{Command, Deviation, Document, EventKind, Mode, Outcome, document::MOST_RECEIPTS};
use crate::{
    digest::Digest,
    name::{NodeName, Serial, SiteName},
};

pub use error::{Mistake, ShortError};
pub use line::{Place, Unreadable};

use line::{BYTES, Line, MOST_LINES};

/// The bytes that check all lines together.
const SEAL: usize = 4;

/// What the short form tells of a receipt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Short {
    /// The site.
    pub site: SiteName,
    /// The node.
    pub node: NodeName,
    /// The receipt's number on its node.
    pub number: u32,
    /// The beginning of the receipt's digest.
    pub receipt: Prefix,
    /// The bundle's serial.
    pub serial: Serial,
    /// The beginning of the SHA-256 of the bundle's `SHA256SUMS`.
    pub bundle: Prefix,
    /// The call; none where that was cut off.
    pub command: Option<Command>,
    /// Its exit code.
    pub exit: Option<u8>,
    /// Where the run stands.
    pub outcome: Outcome,
    /// Whether no quorum was guarded.
    pub is_recovery: bool,
    /// When the run began, by the node's clock.
    pub begun: OffsetDateTime,
    /// Its last record, by the node's clock.
    pub last_record: OffsetDateTime,
    /// Whether that clock was put back meanwhile.
    pub clock_went_back: bool,
    /// What the operator overrode, in the order of [`Deviation::ALL`].
    pub deviations: Vec<Deviation>,
    /// Which of [`TOLD`] happened, in that order.
    pub events: Vec<EventKind>,
    /// The end of the certificate that ended first, of those replaced.
    pub former_not_after: Option<OffsetDateTime>,
    /// The end of the certificate that ends first, of those put in place.
    pub new_not_after: Option<OffsetDateTime>,
    /// How many files the run changes.
    pub files: u32,
    /// How many rows.
    pub rows: u32,
    /// How many steps restart something.
    pub restarts: u32,
    /// For how many seconds the service was down that was down longest, where that is known.
    pub down: Option<u32>,
    /// What was seen last of etcd: members healthy, renewed where that was looked at, and all.
    pub quorum: Option<(u32, Option<u32>, u32)>,
}

/// The events that the short form tells of.
pub const TOLD: [EventKind; 6] = [
    EventKind::ChangesDiscarded,
    EventKind::Paused,
    EventKind::Resumed,
    EventKind::TriedAgain,
    EventKind::TurnedBack,
    EventKind::RolledBack,
];

/// The first 8 bytes of a digest.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Prefix(pub [u8; 8]);

impl Prefix {
    /// Whether a digest begins with it.
    #[must_use]
    pub fn fits(self, digest: &Digest) -> bool {
        Self::from(*digest) == self
    }
}

impl From<Digest> for Prefix {
    fn from(digest: Digest) -> Self {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&digest.as_bytes()[..8]);
        Self(bytes)
    }
}

impl std::fmt::Display for Prefix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&hex::encode(self.0))
    }
}

impl Short {
    /// What is told of a receipt.
    #[must_use]
    pub fn of(Document { receipt, digest }: &Document) -> Self {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let length = |down: &super::Down| down.until.map(|until| (until - down.from).max(Duration::ZERO).whole_seconds());
        let downs = receipt.steps.iter().flat_map(|step| &step.down);
        let has = |what: &EventKind| receipt.events.iter().any(|event| event.what == *what);
        Self {
            site: receipt.site.clone(),
            node: receipt.node.clone(),
            number: receipt.number,
            receipt: (*digest).into(),
            serial: receipt.bundle.serial,
            bundle: receipt.bundle.sha256.into(),
            command: receipt.command,
            exit: receipt.exit,
            outcome: receipt.outcome,
            is_recovery: matches!(receipt.mode, Mode::Recovery { .. }),
            begun: receipt.run.begun,
            last_record: receipt.run.last_record,
            clock_went_back: receipt.clock_went_back > 0,
            deviations: Deviation::ALL.into_iter().filter(|what| receipt.deviations.iter().any(|found| found.what == *what)).collect(),
            events: TOLD.into_iter().filter(has).collect(),
            former_not_after: receipt.former_not_after(),
            new_not_after: receipt.new_not_after(),
            files: count(receipt.files().count()),
            rows: count(receipt.steps.iter().map(|step| step.rows.len()).sum()),
            restarts: count(receipt.steps.iter().filter(|step| step.kind.is_restart()).count()),
            down: downs.filter_map(length).max().map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX)),
            quorum: receipt.quorum.last().map(|sight| (sight.healthy, sight.renewed, sight.members)),
        }
    }

    /// The lines, each ended by LF.
    ///
    /// # Errors
    /// When they would not be read again: only names of more than 63 bytes lead there, which do not exist.
    pub fn write(&self) -> Result<String, ShortError> {
        let mut bytes = fields::write(self);
        let seal = Digest::of(&bytes);
        bytes.extend_from_slice(&seal.as_bytes()[..SEAL]);
        let total = u8::try_from(bytes.len().div_ceil(BYTES)).ok().filter(|total| *total <= MOST_LINES).ok_or(ShortError::Content)?;
        let lines = (1..).zip(bytes.chunks(BYTES)).map(|(number, bytes)| Line::of(Place { number, total }, bytes));
        Ok(lines.flat_map(|line| [line.to_string(), "\n".to_owned()]).collect())
    }
}

/// Whether a text has at least one line of a short form.
#[must_use]
pub fn is_short(text: &str) -> bool {
    text.lines().any(|line| place(line).is_some())
}

/// The receipts of a text, in its order; each is judged by itself.
///
/// # Errors
/// As [`ShortError`] says, for each. A text without a line of a short form has no receipts.
#[must_use]
pub fn read_all(text: &str) -> Vec<Result<Short, ShortError>> {
    let mut blocks: Vec<Block> = Vec::new();
    for (row, line) in (1..).zip(text.lines()) {
        let Some((place, rest)) = place(line) else { continue };
        let checked = check(row, place, rest);
        if blocks.last().is_none_or(|block| block.ends_before(place.0, checked.is_ok())) {
            if blocks.len() == MOST_RECEIPTS {
                return vec![Err(ShortError::TooMany)];
            }
            blocks.push(Block::default());
        }
        blocks.last_mut().into_iter().for_each(|block| block.add(place, checked.clone()));
    }
    blocks.into_iter().map(Block::read).collect()
}

/// The lines of one receipt, as far as they are known.
#[derive(Default)]
struct Block {
    /// The right ones, by number: how many lines there are, and what each holds.
    lines: BTreeMap<u8, (u8, [u8; BYTES])>,
    /// The numbers that were typed, right or wrong.
    typed: Vec<(u16, u16)>,
    mistakes: Vec<Mistake>,
}

impl Block {
    /// Whether a line with this number is of another receipt.
    fn ends_before(&self, number: u16, is_right: bool) -> bool {
        number == 1 || is_right && u8::try_from(number).is_ok_and(|number| self.lines.contains_key(&number))
    }

    fn add(&mut self, typed: (u16, u16), checked: Result<(Place, [u8; BYTES]), Mistake>) {
        self.typed.push(typed);
        match checked {
            Ok((place, bytes)) => drop(self.lines.insert(place.number, (place.total, bytes))),
            Err(mistake) => self.mistakes.push(mistake),
        }
    }

    fn read(mut self) -> Result<Short, ShortError> {
        let said = || self.typed.first().and_then(|(_, total)| u8::try_from(*total).ok());
        let total = self.lines.values().next().map(|(total, _)| *total).or_else(said).unwrap_or(0);
        let is_typed = |number: u8| self.typed.iter().any(|(typed, _)| *typed == u16::from(number));
        let missing = (1..=total.min(MOST_LINES)).filter(|number| !is_typed(*number));
        let missing: Vec<Mistake> = missing.map(|number| Mistake::Missing { place: Place { number, total } }).collect();
        self.mistakes.extend(missing);
        if !self.mistakes.is_empty() {
            return Err(ShortError::Mistakes(self.mistakes));
        }
        if self.lines.values().any(|(other, _)| *other != total) || self.lines.len() != usize::from(total) {
            return Err(ShortError::Mixed);
        }
        let bytes: Vec<u8> = self.lines.into_values().flat_map(|(_, bytes)| bytes).collect();
        unseal(&bytes)
    }
}

/// What stands before and after the slash at the beginning of a line, and the rest.
fn place(line: &str) -> Option<((u16, u16), &str)> {
    let (number, rest) = line.trim_start().split_once('/')?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (total, rest) = rest.split_at(end);
    let digits = |text: &str| if text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None };
    Some(((digits(number.trim_end())?, digits(total)?), rest))
}

/// What a line holds. `row` is its number in the text.
fn check(row: usize, (number, total): (u16, u16), rest: &str) -> Result<(Place, [u8; BYTES]), Mistake> {
    let within = |value: u16| u8::try_from(value).ok().filter(|value| (1..=MOST_LINES).contains(value));
    let wrong = Mistake::Number { row, number, total };
    let place = match (within(number), within(total)) {
        (Some(number), Some(total)) => Place { number, total },
        _ => return Err(wrong),
    };
    let line = Line::parse(place, rest).map_err(|why| Mistake::Unreadable { row, place, why })?;
    match line.bytes() {
        Some(bytes) if number <= total => Ok((place, bytes)),
        Some(_) => Err(wrong),
        None => {
            let perhaps = line.meant().map(|meant| (line.differing(&meant), meant.differing(&line)));
            Err(Mistake::Typed { row, place, perhaps })
        }
    }
}

/// The receipt of all bytes, once their seal is compared. What follows the seal is zeros, less than a line.
fn unseal(bytes: &[u8]) -> Result<Short, ShortError> {
    let (short, length) = fields::read(bytes).ok_or(ShortError::Mixed)?;
    let (body, rest) = bytes.split_at(length);
    let seal = Digest::of(body);
    match rest.strip_prefix(&seal.as_bytes()[..SEAL]) {
        Some(rest) if rest.len() < BYTES && rest.iter().all(|byte| *byte == 0) && fields::write(&short) == body => Ok(short),
        _ => Err(ShortError::Mixed),
    }
}

#[cfg(test)]
mod tests;
