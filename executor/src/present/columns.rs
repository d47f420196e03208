//! Columns of a terminal, of which Chinese characters take two.

use unicode_width::UnicodeWidthStr as _;

/// Where the text of a line begins that begins with a word.
pub(super) const LABEL: usize = 10;

/// A word, and spaces up to a column; at least one.
pub(super) fn padded(word: &str, columns: usize) -> String {
    format!("{word}{}", " ".repeat(columns.saturating_sub(word.width()).max(1)))
}
