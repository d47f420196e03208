//! `UTCTime` and `GeneralizedTime` as instants, in the forms of RFC 5280, 4.1.2.5, and in those that X.690 allows beside them.

use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

use super::der::{DerError, GENERALIZED_TIME, Tlv, UTC_TIME};

use crate::word;

/// The instant of a time value: seconds may be missing, fractions are cut, an offset takes the place of `Z`.
///
/// # Errors
/// When it is another type, has no time zone, or names no date.
pub(super) fn read(value: &Tlv<'_>) -> Result<OffsetDateTime, DerError> {
    let (year, rest) = match value.tag {
        UTC_TIME => {
            let (year, rest) = number(value.content, 2)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => number(value.content, 4)?,
        found => return Err(DerError::UnexpectedTag { expected: UTC_TIME, found }),
    };
    let (month, rest) = small(rest)?;
    let (day, rest) = small(rest)?;
    let (hour, rest) = small(rest)?;
    let (minute, rest) = small(rest)?;
    let (second, rest) = if rest.first().is_some_and(u8::is_ascii_digit) { small(rest)? } else { (0, rest) };
    let zone = if value.tag == GENERALIZED_TIME { without_fraction(rest)? } else { rest };

    let month = Month::try_from(month).map_err(|_| wrong())?;
    let date = Date::from_calendar_date(year, month, day).map_err(|_| wrong())?;
    let time = Time::from_hms(hour, minute, second).map_err(|_| wrong())?;
    let local = PrimitiveDateTime::new(date, time).assume_offset(offset(zone)?);
    local.checked_to_offset(UtcOffset::UTC).ok_or_else(wrong)
}

fn wrong() -> DerError {
    DerError::Value { what: word!("a date and time", "日期和时间") }
}

fn number(bytes: &[u8], digits: usize) -> Result<(i32, &[u8]), DerError> {
    let (digits, rest) = bytes.split_at_checked(digits).ok_or_else(wrong)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(wrong());
    }
    Ok((digits.iter().fold(0, |number, digit| number * 10 + i32::from(digit - b'0')), rest))
}

fn small(bytes: &[u8]) -> Result<(u8, &[u8]), DerError> {
    let (number, rest) = number(bytes, 2)?;
    Ok((u8::try_from(number).map_err(|_| wrong())?, rest))
}

fn without_fraction(bytes: &[u8]) -> Result<&[u8], DerError> {
    let Some((b'.' | b',', fraction)) = bytes.split_first() else { return Ok(bytes) };
    let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 { Err(wrong()) } else { Ok(&fraction[digits..]) }
}

fn offset(zone: &[u8]) -> Result<UtcOffset, DerError> {
    let (sign, rest) = match zone.split_first() {
        Some((b'Z', [])) => return Ok(UtcOffset::UTC),
        Some((b'+', rest)) => (1, rest),
        Some((b'-', rest)) => (-1, rest),
        _ => return Err(wrong()),
    };
    let (hours, rest) = number(rest, 2)?;
    let (minutes, rest) = number(rest, 2)?;
    if !rest.is_empty() || hours > 23 || minutes > 59 {
        return Err(wrong());
    }
    UtcOffset::from_whole_seconds(sign * (hours * 3600 + minutes * 60)).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn of(tag: u8, text: &str) -> Result<OffsetDateTime, DerError> {
        read(&Tlv { tag, raw: &[], content: text.as_bytes() })
    }

    #[test]
    fn every_legal_form_is_read() {
        assert_eq!(of(UTC_TIME, "230310103000Z"), Ok(datetime!(2023-03-10 10:30 UTC)));
        assert_eq!(of(UTC_TIME, "500101000000Z"), Ok(datetime!(1950-01-01 0:00 UTC)));
        assert_eq!(of(UTC_TIME, "491231235959Z"), Ok(datetime!(2049-12-31 23:59:59 UTC)));
        assert_eq!(of(UTC_TIME, "2303101830+0800"), Ok(datetime!(2023-03-10 10:30 UTC)));
        assert_eq!(of(UTC_TIME, "230310073000-0300"), Ok(datetime!(2023-03-10 10:30 UTC)));
        assert_eq!(of(GENERALIZED_TIME, "20230310103000.5Z"), Ok(datetime!(2023-03-10 10:30 UTC)));
        assert_eq!(of(GENERALIZED_TIME, "99991231235959Z"), Ok(datetime!(9999-12-31 23:59:59 UTC)));
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "Z",
            "230310103000",
            "231310103000Z",
            "230230103000Z",
            "230310103060Z",
            "230310103000Zx",
            "23031010300?Z",
            "230310103000+08",
        ] {
            assert!(of(UTC_TIME, text).is_err(), "{text}");
        }
        assert!(of(GENERALIZED_TIME, "99991231235959-0100").is_err(), "past the last year");
        assert!(of(GENERALIZED_TIME, "20230310103000.Z").is_err());
        assert!(of(0x0c, "230310103000Z").is_err());
    }
}
