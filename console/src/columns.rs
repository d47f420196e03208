//! Text in the columns of a terminal, where a Chinese character takes two.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The columns of the narrowest terminal that text is laid out for: a serial console.
pub const COLUMNS: usize = 80;
/// What Chinese does not begin a line with.
const CLOSING: &str = "，。、；：？！）」』】》”’…%";
/// What Chinese does not end a line with.
const OPENING: &str = "（「『【《“‘";

/// How many columns a text takes, in one line.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// A text with as many spaces behind it as make it take so many columns; a longer one stays as it is.
#[must_use]
pub fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// A text in lines that take at most so many columns: broken at spaces, and between Chinese characters where their punctuation allows
/// it. A word that is longer stays whole, so that it can be copied; line ends stay where they are.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    text.split('\n').flat_map(|line| wrap_line(line, columns)).collect()
}

/// As much of a text as fits into so many columns.
#[must_use]
pub fn cut(text: &str, columns: usize) -> &str {
    let mut taken = 0;
    let end = text.char_indices().find(|(_, c)| {
        taken += c.width().unwrap_or(0);
        taken > columns
    });
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

/// Columns, as wide as their widest cell on a terminal; two spaces between them, none after the last.
#[must_use]
pub fn table<Cell: AsRef<str>>(rows: &[Vec<Cell>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widest = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell.as_ref())).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(widest).collect();
    let line = |row: &Vec<Cell>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| padded(cell.as_ref(), *width));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

fn wrap_line(line: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut current = String::new();
    for piece in pieces(line) {
        if !current.is_empty() && width(&current) + width(piece.trim_end()) > columns {
            lines.push(current.trim_end().to_owned());
            current.clear();
        }
        current.push_str(piece);
    }
    lines.push(current.trim_end().to_owned());
    lines
}

/// What a line may be broken behind: words with the spaces that follow them, and Chinese characters with their punctuation.
fn pieces(line: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut former: Option<char> = None;
    for (position, c) in line.char_indices() {
        if former.is_some_and(|former| may_break(former, c)) {
            pieces.push(&line[start..position]);
            start = position;
        }
        former = Some(c);
    }
    pieces.push(&line[start..]);
    pieces
}

fn may_break(former: char, next: char) -> bool {
    let is_wide = |c: char| c.width() == Some(2);
    if next == ' ' || CLOSING.contains(next) || OPENING.contains(former) {
        return false;
    }
    former == ' ' || is_wide(former) || is_wide(next)
}

#[cfg(test)]
mod tests {
    use super::{cut, padded, table, width, wrap};

    #[test]
    fn wide_characters_take_two_columns() {
        let rows = [vec!["名", "x"], vec!["abc", ""]];
        assert_eq!(table(&rows), "名   x\nabc\n");
        assert_eq!((width("续签 CA"), padded("证书", 6).as_str(), padded("longer", 2).as_str()), (7, "证书  ", "longer"));
    }

    #[test]
    fn what_is_cut_ends_before_the_last_column_that_it_may_have() {
        assert_eq!((cut("a节点", 4), cut("a节点", 5), cut("abc", 9), cut("节", 1)), ("a节", "a节点", "abc", ""));
    }

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("foo bar baz", 7), ["foo bar", "baz"]);
        assert_eq!(wrap("a-long-word b", 5), ["a-long-word", "b"]);
        assert_eq!(wrap("one\n  two", 80), ["one", "  two"]);
        assert_eq!(wrap("", 80), [""]);
    }

    #[test]
    fn chinese_breaks_between_characters_but_not_before_its_punctuation() {
        assert_eq!(wrap("续签证书，完成。", 8), ["续签证", "书，完", "成。"]);
        assert_eq!(wrap("证书（旧）", 6), ["证书", "（旧）"]);
        assert_eq!(wrap("执行 `apply` 之后", 12), ["执行 `apply`", "之后"]);
    }

    #[test]
    fn no_line_is_wider_than_asked_for_where_words_are_short() {
        let text = "本节点的证书将在 30 天内到期，请先执行 `plan`，再执行 `apply`；etcd 成员会逐个重启。";
        for columns in 10..80 {
            let lines = wrap(text, columns);
            assert!(lines.iter().all(|line| width(line) <= columns), "{columns}: {lines:?}");
            let bare = |text: &str| text.replace(' ', "");
            assert_eq!(bare(&lines.concat()), bare(text));
        }
    }
}
