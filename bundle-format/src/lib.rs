//! The reseal bundle: what generator and executor must agree on, and nothing else.
//!
//! * [`name`] and [`digest`]: every string and digest from outside becomes a type once, here.
//! * [`manifest`] and [`slice`](mod@slice): what `bundle.json` and `nodes/<node>.json` say.
//! * [`writer`]: entries to bytes, deterministically, and never with a forbidden secret inside.
//! * [`countersign`]: a further signature on a finished bundle.
//! * [`reader`]: bytes to entries. [`reader::Unverified`] becomes [`reader::Verified`] by its signature and in no other way.
//! * [`facts`]: what a node is, on its way to the workstation.
//! * [`receipt`]: what was done to a node, on its way back.
//! * [`sealing`]: secrets to ciphertexts and back.
//! * [`certificate`]: the public facts of a certificate, and whether one verifies under another.
//! * [`language`]: the language that people are spoken to in; both programs say every text in each.
//!
//! This crate takes [`std::io::Read`] and [`std::io::Write`]. It never prints, opens a path or uses the network.
//! `docs/BUNDLE_FORMAT.md` specifies the format for other implementations.

mod bounded;
pub mod certificate;
mod closing;
pub mod countersign;
pub mod digest;
pub mod facts;
pub mod forbidden;
pub mod language;
pub mod limits;
pub mod manifest;
pub mod name;
pub mod reader;
pub mod receipt;
pub mod sealing;
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

    use crate::word;

    /// Writes a time; what is below a second is cut.
    ///
    /// # Errors
    /// When the year has more than four digits.
    pub fn serialize<S: Serializer>(time: &OffsetDateTime, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format(*time).map_err(S::Error::custom)?)
    }

    /// Reads what [`serialize`] writes and nothing else: one time has one form.
    ///
    /// # Errors
    /// When the text is not RFC 3339, has a fraction, or is not in UTC.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<OffsetDateTime, D::Error> {
        let text = String::deserialize(from)?;
        let time = OffsetDateTime::parse(&text, &Rfc3339).map_err(D::Error::custom)?;
        match format(time) {
            Ok(only) if only == text && time.offset().is_utc() => Ok(time),
            _ => Err(D::Error::custom(word!(
                "a time is in UTC, in whole seconds, such as 2026-01-31T08:00:00Z",
                "时间应为 UTC，精确到秒，例如 2026-01-31T08:00:00Z"
            ))),
        }
    }

    /// The text form of a time, for people and files alike.
    ///
    /// # Errors
    /// When the year has more than four digits.
    pub fn format(time: OffsetDateTime) -> Result<String, time::error::Format> {
        // A time that UTC has no year for keeps its offset: it can be shown, and is read by nobody.
        whole_in_utc(time).unwrap_or(time).format(&Rfc3339)
    }

    /// The same for a time that may be missing.
    pub mod option {
        use serde::{Deserialize, Deserializer, Serialize, Serializer};
        use time::OffsetDateTime;

        #[derive(Deserialize, Serialize)]
        struct Moment(#[serde(with = "super")] OffsetDateTime);

        /// Writes a time, or null.
        ///
        /// # Errors
        /// As [`serialize`](super::serialize).
        pub fn serialize<S: Serializer>(time: &Option<OffsetDateTime>, to: S) -> Result<S::Ok, S::Error> {
            time.map(Moment).serialize(to)
        }

        /// Reads what [`serialize`] writes.
        ///
        /// # Errors
        /// As [`deserialize`](super::deserialize).
        pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<OffsetDateTime>, D::Error> {
            Ok(Option::<Moment>::deserialize(from)?.map(|moment| moment.0))
        }
    }

    fn whole_in_utc(time: OffsetDateTime) -> Option<OffsetDateTime> {
        let utc = time.checked_to_offset(UtcOffset::UTC)?;
        utc.replace_nanosecond(0).ok().filter(|utc| (0..=9999).contains(&utc.year()))
    }

    #[cfg(test)]
    mod tests {
        use time::macros::datetime;

        #[derive(Debug, PartialEq, serde::Deserialize, serde::Serialize)]
        struct Moment(#[serde(with = "super")] time::OffsetDateTime);

        #[test]
        fn times_are_read_as_they_would_be_written() {
            let read = |text: &str| serde_json::from_value::<Moment>(text.into()).ok();
            let moment = Moment(datetime!(2026-01-31 08:00 UTC));
            assert_eq!(serde_json::to_value(&moment).unwrap(), "2026-01-31T08:00:00Z");
            assert_eq!(read("2026-01-31T08:00:00Z"), Some(moment));
            for text in ["2026-01-31T16:00:00+08:00", "2026-01-31T08:00:00+00:00", "2026-01-31T08:00:00.999Z", "9999-12-31T23:59:59-01:00"]
            {
                assert_eq!(read(text), None, "{text}");
            }
            for text in ["2026-01-31", "2026-02-30T08:00:00Z", "9999-12-31T23:59:59-00:01", "0000-01-01T00:00:00+00:01"] {
                assert_eq!(read(text), None, "{text}");
            }
        }

        #[test]
        fn a_time_beyond_utc_can_be_shown() {
            assert_eq!(super::format(datetime!(9999-12-31 23:59:59 -1)).unwrap(), "9999-12-31T23:59:59-01:00");
        }
    }
}
