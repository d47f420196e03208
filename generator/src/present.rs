//! How results look on a terminal. [`Output`] writes them.

use bundle_format::text;
pub use console::{Screen as Output, table};
use time::OffsetDateTime;

/// Says that the program itself is at fault, and nothing of what it had in hand, for that may be a secret.
pub fn say_fault(place: &str) {
    let message = text!(
        "reseal itself is at fault, at {place}; its message is kept back, since it may hold a secret",
        "reseal 自身出错，位置 {place}；具体信息可能含有机密，不予显示"
    );
    let hint = text!(
        "nothing was left half-written; report the place, and what was typed without its secrets",
        "没有留下写了一半的文件；请报告该位置和所用命令（去掉其中的机密）"
    );
    Output::default().problem(&message, [hint]);
}

/// A time as people read it: to the minute, in UTC.
#[must_use]
pub fn moment(time: OffsetDateTime) -> String {
    let time = time.to_offset(time::UtcOffset::UTC);
    format!("{:04}-{:02}-{:02} {:02}:{:02}", time.year(), u8::from(time.month()), time.day(), time.hour(), time.minute())
}
