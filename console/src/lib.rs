//! The command line of both programs: what they have in common of its flags, help and mistakes, and where words go.
//!
//! * [`parse`] finds the language before anything is said, reads the arguments, and answers what asks for help or makes no sense.
//! * [`Flags`] are the options that every command of both programs takes.
//! * [`Screen`] is where all words and data go, and the only place that writes them.
//! * [`width`], [`wrap`] and [`table`] lay text out in the columns of a terminal, where a Chinese character takes two.
//!
//! Nothing here knows what the programs do.

mod ascii;
mod columns;
mod flags;
mod help;
mod mistake;
mod parse;
mod screen;

pub use columns::{COLUMNS, cut, padded, table, width, wrap};
pub use flags::{Color, Flags, common_options};
pub use help::help;
pub use parse::{parse, prepared};
pub use screen::{Screen, Tone, escaped};
