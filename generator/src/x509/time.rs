//! Validity as DER: `UTCTime` through 2049, `GeneralizedTime` from 2050 (RFC 5280, 4.1.2.5).

use ::time::{Duration, OffsetDateTime, UtcOffset};
use bundle_format::certificate::der::{GENERALIZED_TIME, UTC_TIME};
use bundle_format::text;
use thiserror::Error;

use super::der;

/// Why a time cannot stand in a certificate.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum TimeError {
    /// The sum lies past the year 9999.
    #[error("{}", text!(
        "{days} days after {from} is past 9999-12-31, the last day that a certificate can name",
        "{from} 之后 {days} 天已超过 9999-12-31，即证书能表示的最后一天"
    ))]
    Days {
        /// How many days were added.
        days: u32,
        /// The date that they were added to.
        from: String,
    },
    /// The year has no four digits.
    #[error("{}", text!("the year {year} is not between 0 and 9999", "年份 {year} 不在 0 到 9999 之间"))]
    Year {
        /// The year, in UTC.
        year: i32,
    },
}

/// The moment `days` times 24 hours after `from`.
///
/// # Errors
/// When that is past the year 9999.
pub fn after_days(from: OffsetDateTime, days: u32) -> Result<OffsetDateTime, TimeError> {
    let sum = from.to_offset(UtcOffset::UTC).checked_add(Duration::days(days.into()));
    sum.filter(|sum| sum.year() <= 9999).ok_or_else(|| TimeError::Days { days, from: from.date().to_string() })
}

/// A time as DER, in UTC and whole seconds.
///
/// # Errors
/// When its year in UTC is not between 0 and 9999.
pub fn encode(time: OffsetDateTime) -> Result<Vec<u8>, TimeError> {
    let utc = time.checked_to_offset(UtcOffset::UTC).ok_or(TimeError::Year { year: time.year() })?;
    let year = utc.year();
    let rest = format!("{:02}{:02}{:02}{:02}{:02}Z", u8::from(utc.month()), utc.day(), utc.hour(), utc.minute(), utc.second());
    match year {
        1950..=2049 => Ok(der::tlv(UTC_TIME, &[format!("{:02}", year % 100).as_bytes(), rest.as_bytes()])),
        0..=9999 => Ok(der::tlv(GENERALIZED_TIME, &[format!("{year:04}").as_bytes(), rest.as_bytes()])),
        _ => Err(TimeError::Year { year }),
    }
}

#[cfg(test)]
mod tests {
    use ::time::macros::datetime;

    use super::*;

    fn text(time: OffsetDateTime) -> (u8, String) {
        let der = encode(time).unwrap();
        (der[0], String::from_utf8(der[2..].to_vec()).unwrap())
    }

    #[test]
    fn the_form_changes_with_the_year_2050() {
        assert_eq!(text(datetime!(2049-12-31 23:59:59.999 UTC)), (UTC_TIME, "491231235959Z".to_owned()));
        assert_eq!(text(datetime!(2050-01-01 0:00 UTC)), (GENERALIZED_TIME, "20500101000000Z".to_owned()));
        assert_eq!(text(datetime!(2050-01-01 7:59 +8)), (UTC_TIME, "491231235900Z".to_owned()));
        assert_eq!(text(datetime!(1950-01-01 0:00 UTC)), (UTC_TIME, "500101000000Z".to_owned()));
        assert_eq!(text(datetime!(1949-12-31 0:00 UTC)), (GENERALIZED_TIME, "19491231000000Z".to_owned()));
        assert_eq!(text(datetime!(9999-12-31 23:59:59 UTC)), (GENERALIZED_TIME, "99991231235959Z".to_owned()));
    }

    #[test]
    fn past_the_year_9999_is_an_error() {
        let start = datetime!(2026-10-03 0:00 UTC);
        assert_eq!(after_days(start, 36_500).unwrap(), datetime!(2126-09-09 0:00 UTC));
        assert_eq!(after_days(start, u32::MAX), Err(TimeError::Days { days: u32::MAX, from: "2026-10-03".to_owned() }));
        assert_eq!(after_days(datetime!(9999-12-30 12:00 UTC), 1).unwrap(), datetime!(9999-12-31 12:00 UTC));
        assert!(after_days(datetime!(9999-12-31 12:00 UTC), 1).is_err());
        assert_eq!(encode(datetime!(9999-12-31 23:00 -2)), Err(TimeError::Year { year: 9999 }));
        assert_eq!(encode(datetime!(-0001-01-01 0:00 UTC)), Err(TimeError::Year { year: -1 }));
    }
}
