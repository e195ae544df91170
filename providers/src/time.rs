//! `updatedAt`: RFC 3339 in UTC, as servers write it (`2026-11-22T15:15:18.622Z`).

use std::time::{Duration, SystemTime};

/// The time that `text` tells; `None` where it is none.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(number);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut time = time.splitn(3, ':').map(number);
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    let valid = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !valid {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    let millis = fraction.get(..fraction.len().min(3))?;
    let millis = match millis.len() {
        0 => 0,
        n => number(millis)? * 10_u64.pow(3 - u32::try_from(n).ok()?),
    };
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(seconds * 1000 + millis))
}

fn number(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// Days since 1970 (Hinnant's `days_from_civil`).
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year / 400;
    let of_era = year % 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    (era * 146_097 + days).saturating_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> Option<u128> {
        let since = parse(text)?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(since.as_millis())
    }

    #[test]
    fn javascripts_times_are_read_to_the_millisecond() {
        for (text, expected) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600_000),
            ("2026-11-22T15:15:18.622Z", 1_795_360_518_622),
            ("2026-11-22T15:15:18.6Z", 1_795_360_518_600),
            ("2024-12-31T23:59:59.999999Z", 1_735_689_599_999),
        ] {
            assert_eq!(millis(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "now",
            "2026-11-22",
            "2026-11-22T15:15:18+01:00",
            "2026-13-01T00:00:00Z",
            "2026-11-00T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "2026-11-22T15:15Z",
            "2026-11-22T15:15:18.\u{e9}\u{e9}Z",
            "99999999999999999999-01-01T00:00:00Z",
        ] {
            assert_eq!(millis(text), None, "{text}");
        }
    }
}
