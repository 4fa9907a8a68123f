//! Points in time as requests write them: milliseconds since 1970, as a number or text, or RFC 3339.

use serde_json::Value;

/// What a request may write for a point in time.
pub(super) const EXPECTED: &str = "milliseconds since 1970 or a time such as 2026-01-31T12:00:00Z";

/// Milliseconds since 1970; `None` when the value is no time.
pub(super) fn millis(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => {
            let text = text.trim();
            let number = text.parse().ok().filter(|number: &f64| number.is_finite());
            number.or_else(|| rfc_3339(text))
        }
        other => other.as_f64(),
    }
}

/// A date alone is its first moment, and a time without a zone is in UTC.
fn rfc_3339(text: &str) -> Option<f64> {
    let (date, rest) = text.split_at_checked(10)?;
    let mut parts = date.splitn(3, '-');
    let mut part = |length: usize| digits(parts.next()?, length);
    let days = days_since_1970(part(4)?, part(2)?, part(2)?)?;
    let rest = match rest.as_bytes() {
        [] => return Some(days * 86_400_000.0),
        [b'T' | b't' | b' ', ..] => &rest[1..],
        _ => return None,
    };
    let (time, offset_minutes) = match rest.rfind(['Z', 'z', '+', '-']) {
        None => (rest, 0.0),
        Some(at) => {
            let (time, zone) = rest.split_at(at);
            (time, offset(zone)?)
        }
    };
    let mut parts = time.splitn(3, ':');
    let hours = digits(parts.next()?, 2).filter(|hours| *hours < 24)?;
    let minutes = digits(parts.next()?, 2).filter(|minutes| *minutes < 60)?;
    let seconds = parts.next().map_or(Some(0.0), seconds)?;
    // To the microsecond: most fractions of a second have no exact double.
    let millis = (seconds * 1e6).round() / 1e3;
    Some((days * 1440.0 + f64::from(hours * 60 + minutes) - offset_minutes) * 60_000.0 + millis)
}

/// The number written with exactly this many digits.
fn digits(text: &str, length: usize) -> Option<u32> {
    let all = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| all)
}

fn seconds(text: &str) -> Option<f64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits_only = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    // 60 is a leap second.
    digits(whole, 2).filter(|whole| *whole <= 60 && digits_only)?;
    text.parse().ok()
}

fn offset(zone: &str) -> Option<f64> {
    let sign = match zone.as_bytes() {
        [b'Z' | b'z'] => return Some(0.0),
        [b'+', ..] => 1.0,
        _ => -1.0,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    (hours < 24 && minutes < 60).then(|| sign * f64::from(hours * 60 + minutes))
}

/// Days from 1970-01-01 to a day of the Gregorian calendar.
fn days_since_1970(year: u32, month: u32, day: u32) -> Option<f64> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let february = if leap { 29 } else { 28 };
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let month = usize::try_from(month).ok()?.checked_sub(1)?;
    if !(1..=*lengths.get(month)?).contains(&day) {
        return None;
    }
    // Leap days before this year, the year 0 counting as one of them.
    let leap_days = year.div_ceil(4) - year.div_ceil(100) + year.div_ceil(400);
    let before: u32 = lengths.iter().take(month).sum();
    Some(f64::from(year * 365 + leap_days + before + day - 1) - 719_528.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_millisecond_in_every_zone() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0.0),
            ("1970-01-01", 0.0),
            ("1969-12-31T23:59:59.500Z", -500.0),
            ("2000-02-29T12:00:00Z", 951_825_600_000.0),
            ("2024-03-01T00:00:00+00:00", 1_709_251_200_000.0),
            ("2024-03-01 01:30:00.125+01:30", 1_709_251_200_125.0),
            ("2024-02-29t19:00-05:00", 1_709_251_200_000.0),
            ("1700000000000", 1_700_000_000_000.0),
        ] {
            assert_eq!(millis(&text.into()), Some(expected), "{text}");
        }
        assert_eq!(millis(&5.into()), Some(5.0));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "now",
            "nan",
            "inf",
            "2024",
            "2023-02-29",
            "2024-13-01",
            "2024-00-01",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:00+1",
            "2024-01-01T00:00:0Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01x",
            "äääääääääää",
        ] {
            let found = millis(&text.into());
            // A year alone reads as milliseconds, as any number does.
            assert_eq!(
                found,
                text.parse().ok().filter(|number: &f64| number.is_finite()),
                "{text}"
            );
        }
    }
}
