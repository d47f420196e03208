//! What is wrong with a short form, line by line, and what was perhaps meant.

use thiserror::Error;

use super::{
    super::document::MOST_RECEIPTS,
    line::{LENGTH, Place, Unreadable},
};
use crate::text;

/// Why lines are no receipt.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum ShortError {
    /// What is within is more than lines can hold.
    #[error("{}", text!("the receipt is too long for a short form", "回执过长，无法生成短格式"))]
    Content,
    /// Lines were mistyped or left out.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Mistakes(Vec<Mistake>),
    /// Each line is right, and together they are not.
    #[error("{}", text!(
        "each line is right by itself, and together they are no receipt: they are of several, or of a later version",
        "每一行单独都正确，合在一起却不是一份回执：可能来自不同回执，或由更新版本写成"
    ))]
    Mixed,
    /// More than a text may have.
    #[error("{}", text!("more than {MOST_RECEIPTS} receipts in one text", "一段文字中的回执超过 {MOST_RECEIPTS} 份"))]
    TooMany,
}

/// A mistake in one line. `row` is the line's number in the text, from 1.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Mistake {
    /// A line was left out.
    #[error("{}", text!("line {place} is missing", "缺少第 {place} 行"))]
    Missing {
        /// Which.
        place: Place,
    },
    /// No line has this number.
    #[error("{}", text!("row {row}: no line has the number {number}/{total}", "第 {row} 行：没有编号为 {number}/{total} 的行"))]
    Number {
        /// Where.
        row: usize,
        /// Before the slash.
        number: u16,
        /// After it.
        total: u16,
    },
    /// Its check characters are not right for it.
    #[error("{}", match perhaps {
        Some((typed, meant)) => text!(
            "row {row}, line {place} is mistyped: perhaps `{typed}` is `{meant}`",
            "第 {row} 行（{place}）有误：`{typed}` 可能应为 `{meant}`"
        ),
        None => text!(
            "row {row}, line {place} is mistyped in several places: read it once more",
            "第 {row} 行（{place}）有多处错误：请重新核对"
        ),
    })]
    Typed {
        /// Where.
        row: usize,
        /// Which line it says that it is.
        place: Place,
        /// The groups that were typed, and what they perhaps are: where one mistake explains it.
        perhaps: Option<(String, String)>,
    },
    /// It cannot be a line.
    #[error("{}", match why {
        Unreadable::Character(c) => {
            let c = c.escape_debug();
            text!(
                "row {row}, line {place} has the character `{c}`, which no line has",
                "第 {row} 行（{place}）有字符 `{c}`，回执中没有这个字符"
            )
        }
        Unreadable::Length(count) => text!(
            "row {row}, line {place} has {count} characters instead of {LENGTH}",
            "第 {row} 行（{place}）有 {count} 个字符，应为 {LENGTH} 个"
        ),
    })]
    Unreadable {
        /// Where.
        row: usize,
        /// Which line it says that it is.
        place: Place,
        /// Why.
        why: Unreadable,
    },
}
