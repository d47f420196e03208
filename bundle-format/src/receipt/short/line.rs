//! A line of the short form: 24 characters of data, 4 that check them, and its number, so that a mistake is known by its line.
//!
//! The characters are Crockford's base 32, which has no `I`, `L`, `O` and `U`: 5 bits each, an element of GF(32). The 4 check characters
//! are those of a Reed-Solomon code over the line's number, the number of lines and the data (30 elements of at most 31), whose distance is
//! 5: up to four wrong characters, wherever they stand and whatever they are, are noticed, two that changed places among them; and one mistake
//! can be told from all others, so that what was meant can be shown.

use std::fmt;

/// The characters, each by its value.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of data in a line.
const DATA: usize = 24;
/// Characters that check them.
const CHECKS: usize = 4;
/// All characters of a line.
pub const LENGTH: usize = DATA + CHECKS;
/// The bytes that a line holds.
pub const BYTES: usize = DATA * 5 / 8;
/// Characters of a group.
const GROUP: usize = 4;
/// The most lines: a number is one element.
pub const MOST_LINES: u8 = 31;
/// The generator of the code, whose roots are the first four powers of 2, without its leading 1.
const GENERATOR: [u8; CHECKS] = generator();

/// A line's number and how many there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// From 1.
    pub number: u8,
    /// How many lines there are.
    pub total: u8,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.total)
    }
}

/// The characters of a line, by their values.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Line {
    place: Place,
    symbols: [u8; LENGTH],
}

impl Line {
    /// The line at a place that holds these bytes, filled up with zeros.
    pub fn of(place: Place, bytes: &[u8]) -> Self {
        let mut symbols = [0; LENGTH];
        for (at, symbol) in symbols.iter_mut().take(DATA).enumerate() {
            *symbol = (0..5).fold(0, |value, bit| value << 1 | bit_of(bytes, at * 5 + bit));
        }
        let mut line = Self { place, symbols };
        let checks = line.checks();
        line.symbols[DATA..].copy_from_slice(&checks);
        line
    }

    /// The line at a place with these characters; a character that none is, or how many there are where that is wrong.
    pub fn parse(place: Place, text: &str) -> Result<Self, Unreadable> {
        let mut symbols = Vec::with_capacity(LENGTH);
        for c in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            symbols.push(value(c).ok_or(Unreadable::Character(c))?);
        }
        let count = symbols.len();
        let symbols = symbols.try_into().map_err(|_| Unreadable::Length(count))?;
        Ok(Self { place, symbols })
    }

    /// The bytes that it holds, if its check characters are right.
    pub fn bytes(&self) -> Option<[u8; BYTES]> {
        if self.checks() != self.symbols[DATA..] {
            return None;
        }
        let mut bytes = [0; BYTES];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = (at * 8..at * 8 + 8).fold(0, |value, bit| value << 1 | self.symbols[bit / 5] >> (4 - bit % 5) & 1);
        }
        Some(bytes)
    }

    /// What was meant, where one wrong character, or two neighbours that changed places, explain the mistake.
    pub fn meant(&self) -> Option<Self> {
        let swapped = (1..LENGTH).map(|at| {
            let mut line = *self;
            line.symbols.swap(at - 1, at);
            line
        });
        let replaced = (0..LENGTH).flat_map(|at| {
            (0..32).map(move |value| {
                let mut line = *self;
                line.symbols[at] = value;
                line
            })
        });
        let renumbered = (1..=MOST_LINES).flat_map(|value| {
            let number = Self { place: Place { number: value, ..self.place }, ..*self };
            let total = Self { place: Place { total: value, ..self.place }, ..*self };
            [number, total]
        });
        swapped.chain(replaced).chain(renumbered).find(|line| line.bytes().is_some())
    }

    /// The groups in which it differs from another, or its number where that does.
    pub fn differing(&self, other: &Self) -> String {
        if self.place != other.place {
            return self.place.to_string();
        }
        let groups = self.symbols.chunks(GROUP).zip(other.symbols.chunks(GROUP));
        groups.filter(|(own, other)| own != other).map(|(own, _)| letters(own)).collect::<Vec<_>>().join("-")
    }

    /// The remainder of the line by the generator.
    fn checks(&self) -> [u8; CHECKS] {
        let mut rest = [0; CHECKS];
        for symbol in [self.place.number, self.place.total].iter().chain(&self.symbols[..DATA]) {
            let lead = symbol ^ rest[0];
            rest = [rest[1], rest[2], rest[3], 0];
            for (element, factor) in rest.iter_mut().zip(GENERATOR) {
                *element ^= product(lead, factor);
            }
        }
        rest
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups: Vec<String> = self.symbols.chunks(GROUP).map(letters).collect();
        write!(f, "{} {}", self.place, groups.join("-"))
    }
}

/// Why a text is no line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unreadable {
    /// It has a character that none is.
    Character(char),
    /// It has so many characters.
    Length(usize),
}

fn letters(symbols: &[u8]) -> String {
    symbols.iter().map(|symbol| char::from(ALPHABET[usize::from(symbol & 31)])).collect()
}

/// The value of a character as people type it: small or large, `O` for 0, `I` and `L` for 1.
fn value(c: char) -> Option<u8> {
    let c = match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    };
    (0..).zip(ALPHABET).find(|(_, letter)| char::from(**letter) == c).map(|(value, _)| value)
}

fn bit_of(bytes: &[u8], bit: usize) -> u8 {
    bytes.get(bit / 8).map_or(0, |byte| byte >> (7 - bit % 8) & 1)
}

/// The product of two elements of GF(32), modulo x^5 + x^2 + 1.
const fn product(mut one: u8, mut other: u8) -> u8 {
    let mut sum = 0;
    while other != 0 {
        if other & 1 == 1 {
            sum ^= one;
        }
        one <<= 1;
        if one & 32 != 0 {
            one ^= 0b10_0101;
        }
        other >>= 1;
    }
    sum
}

/// (x - 2)(x - 4)(x - 8)(x - 16), where to subtract is to add.
const fn generator() -> [u8; CHECKS] {
    let mut coefficients = [0, 0, 0, 0, 1];
    let roots = [2, 4, 8, 16];
    let mut root = 0;
    while root < CHECKS {
        let mut at = 0;
        while at < CHECKS {
            coefficients[at] = coefficients[at + 1] ^ product(coefficients[at], roots[root]);
            at += 1;
        }
        coefficients[CHECKS] = product(coefficients[CHECKS], roots[root]);
        root += 1;
    }
    [coefficients[1], coefficients[2], coefficients[3], coefficients[4]]
}
