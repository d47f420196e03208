//! The reseal bundle: what generator and executor must agree on, and nothing else.
//!
//! * [`name`] and [`digest`]: every string and digest from outside becomes a type once, here.
//! * [`manifest`] and [`slice`](mod@slice): what `bundle.json` and `nodes/<node>.json` say.
//! * [`writer`]: entries to bytes, deterministically, and never with a forbidden secret inside.
//! * [`countersign`]: a further signature on a finished bundle.
//! * [`reader`]: bytes to entries. [`reader::Unverified`] becomes [`reader::Verified`] by its signature and in no other way.
//! * [`certificate`]: the public facts of a certificate, and whether one verifies under another.
//!
//! This crate takes [`std::io::Read`] and [`std::io::Write`]. It never prints, opens a path or uses the network.
//! `docs/BUNDLE_FORMAT.md` specifies the format for other implementations.

pub mod certificate;
pub mod countersign;
pub mod digest;
pub mod forbidden;
pub mod limits;
pub mod manifest;
pub mod name;
pub mod reader;
pub mod signature;
pub mod slice;
pub mod sums;
mod tarball;
pub mod version;
pub mod writer;

/// The number of this format, in `SHA256SUMS`, `bundle.json` and every slice.
pub const FORMAT: u32 = 1;

/// Serde for times as RFC 3339 in UTC with whole seconds, such as `2026-01-31T08:00:00Z`.
pub mod rfc3339_seconds {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _, ser::Error as _};
    use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

    /// Writes a time; what is below a second is cut.
    ///
    /// # Errors
    /// When the year has more than four digits.
    pub fn serialize<S: Serializer>(time: &OffsetDateTime, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format(*time).map_err(S::Error::custom)?)
    }

    /// Reads any RFC 3339 time.
    ///
    /// # Errors
    /// When the text is not RFC 3339.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<OffsetDateTime, D::Error> {
        let text = String::deserialize(from)?;
        OffsetDateTime::parse(&text, &Rfc3339).map_err(D::Error::custom)
    }

    /// The text form of a time, for people and files alike.
    ///
    /// # Errors
    /// When the year has more than four digits.
    pub fn format(time: OffsetDateTime) -> Result<String, time::error::Format> {
        let whole = time.to_offset(UtcOffset::UTC).replace_nanosecond(0);
        whole.unwrap_or(time).format(&Rfc3339)
    }
}
