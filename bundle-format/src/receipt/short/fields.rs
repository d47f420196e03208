//! The bytes within a short form. Numbers are LEB128 (7 bits a byte, the lowest first, the highest bit set on all but the last), signed ones
//! folded first (0, -1, 1, -2, …); names have their length before them. There is one way to write a receipt: whoever reads compares.

use time::OffsetDateTime;

use super::{Prefix, Short, TOLD};
use crate::receipt::{Command, Deviation, Outcome};

/// The number of this form.
const FORM: u64 = 1;
/// The outcomes, by their numbers.
const OUTCOMES: [Outcome; 6] =
    [Outcome::Applied, Outcome::Failed, Outcome::Interrupted, Outcome::Paused, Outcome::RolledBack, Outcome::Waiting];
/// The commands, by their numbers.
const COMMANDS: [Option<Command>; 3] = [None, Some(Command::Apply), Some(Command::Rollback)];

/// The bytes of a receipt.
pub fn write(short: &Short) -> Vec<u8> {
    let mut to = Writer(Vec::new());
    let place = |at: Option<usize>| at.unwrap_or(0) as u64;
    to.number(FORM);
    to.number(place(OUTCOMES.iter().position(|outcome| *outcome == short.outcome)));
    to.number(place(COMMANDS.iter().position(|command| *command == short.command)));
    to.optional(short.exit.map(u64::from));
    to.number(u64::from(short.is_recovery) | u64::from(short.clock_went_back) << 1);
    to.number(bits(&Deviation::ALL, &short.deviations));
    to.number(bits(&TOLD, &short.events));
    to.text(short.site.as_str());
    to.text(short.node.as_str());
    to.number(short.number.into());
    to.number(short.serial.into());
    to.0.extend_from_slice(&short.receipt.0);
    to.0.extend_from_slice(&short.bundle.0);
    to.time(short.begun);
    to.time(short.last_record);
    for end in [short.former_not_after, short.new_not_after] {
        to.number(end.is_some().into());
        if let Some(end) = end {
            to.time(end);
        }
    }
    for count in [short.files, short.rows, short.restarts] {
        to.number(count.into());
    }
    to.optional(short.down.map(u64::from));
    let (healthy, renewed, members) = short.quorum.unwrap_or_default();
    to.number(short.quorum.is_some().into());
    if short.quorum.is_some() {
        to.number(healthy.into());
        to.optional(renewed.map(u64::from));
        to.number(members.into());
    }
    to.0
}

/// The receipt at the beginning of these bytes, and how many it takes.
pub fn read(bytes: &[u8]) -> Option<(Short, usize)> {
    let mut from = Reader(bytes);
    if from.number()? != FORM {
        return None;
    }
    let outcome = *OUTCOMES.get(from.index()?)?;
    let command = *COMMANDS.get(from.index()?)?;
    let exit = from.optional()?;
    let flags = from.number()?;
    let (deviations, events) = (chosen(&Deviation::ALL, from.number()?)?, chosen(&TOLD, from.number()?)?);
    let short = Short {
        outcome,
        command,
        exit: exit.map(u8::try_from).transpose().ok()?,
        is_recovery: flags & 1 == 1,
        clock_went_back: flags & 2 == 2,
        deviations,
        events,
        site: from.text()?.parse().ok()?,
        node: from.text()?.parse().ok()?,
        number: from.count()?,
        serial: from.number()?.try_into().ok()?,
        receipt: from.prefix()?,
        bundle: from.prefix()?,
        begun: from.time()?,
        last_record: from.time()?,
        former_not_after: from.end()?,
        new_not_after: from.end()?,
        files: from.count()?,
        rows: from.count()?,
        restarts: from.count()?,
        down: from.optional()?.map(u32::try_from).transpose().ok()?,
        quorum: match from.number()? {
            0 => None,
            _ => Some((from.count()?, from.optional()?.map(u32::try_from).transpose().ok()?, from.count()?)),
        },
    };
    Some((short, bytes.len() - from.0.len()))
}

/// A bit for each of `all` that is among `some`.
fn bits<T: PartialEq>(all: &[T], some: &[T]) -> u64 {
    all.iter().enumerate().filter(|(_, one)| some.contains(one)).map(|(bit, _)| 1 << bit).sum()
}

/// Those of `all` whose bit is set; nothing where another one is.
fn chosen<T: Copy>(all: &[T], bits: u64) -> Option<Vec<T>> {
    let some = all.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, one)| *one);
    (bits >> all.len() == 0).then(|| some.collect())
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, mut number: u64) {
        while number > 127 {
            self.0.push(u8::try_from(number & 127).unwrap_or_default() | 128);
            number >>= 7;
        }
        self.0.push(u8::try_from(number).unwrap_or_default());
    }

    /// 0, or one more than the number.
    fn optional(&mut self, number: Option<u64>) {
        self.number(number.map_or(0, |number| number + 1));
    }

    fn time(&mut self, time: OffsetDateTime) {
        let seconds = time.unix_timestamp();
        self.number((seconds << 1 ^ seconds >> 63).cast_unsigned());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for at in 0..9 {
            let byte = *self.take(1)?.first()?;
            number |= u64::from(byte & 127) << (7 * at);
            if byte < 128 {
                return Some(number);
            }
        }
        None
    }

    fn index(&mut self) -> Option<usize> {
        self.number()?.try_into().ok()
    }

    fn count(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    #[allow(clippy::option_option, reason = "cut off, or read and not there")]
    fn optional(&mut self) -> Option<Option<u64>> {
        Some(self.number()?.checked_sub(1))
    }

    fn time(&mut self) -> Option<OffsetDateTime> {
        let folded = self.number()?;
        let seconds = (folded >> 1).cast_signed() ^ -(folded & 1).cast_signed();
        OffsetDateTime::from_unix_timestamp(seconds).ok().filter(|time| (0..=9999).contains(&time.year()))
    }

    #[allow(clippy::option_option, reason = "cut off, or read and not there")]
    fn end(&mut self) -> Option<Option<OffsetDateTime>> {
        match self.number()? {
            0 => Some(None),
            _ => Some(Some(self.time()?)),
        }
    }

    fn prefix(&mut self) -> Option<Prefix> {
        self.take(8)?.try_into().ok().map(Prefix)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.index()?;
        std::str::from_utf8(self.take(length)?).ok()
    }
}
