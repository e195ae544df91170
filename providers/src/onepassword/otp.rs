//! How long a one-time password is good: its period is in the field's secret (`otpauth://…?period=`),
//! its code comes from the server.

use secretfs_memory::sealed::Sealed;
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// Seconds, where the secret does not say.
pub(super) const USUAL_PERIOD: u64 = 30;
/// The longest secret that is looked at.
const MAX_SECRET: usize = 4096;

/// The period that an `otpauth://` secret tells.
pub(super) fn period(secret: &Sealed) -> u64 {
    if secret.len() > MAX_SECRET {
        return USUAL_PERIOD;
    }
    let mut bytes = Zeroizing::new(vec![0; secret.len()]);
    if secret.read_at(0, &mut bytes).is_err() {
        return USUAL_PERIOD;
    }
    std::str::from_utf8(&bytes)
        .ok()
        .and_then(told)
        .unwrap_or(USUAL_PERIOD)
}

fn told(secret: &str) -> Option<u64> {
    let (_, query) = secret.strip_prefix("otpauth://")?.split_once('?')?;
    let period = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("period="))?;
    period
        .parse()
        .ok()
        .filter(|period| (1..=3600).contains(period))
}

/// What is left of the period that a code is of, asked for at `asked`. Where a period ended while the
/// answer was on its way the code may be the old one: it is not kept then.
pub(super) fn left(period: u64, asked: SystemTime, now: SystemTime) -> Duration {
    let since = |time: SystemTime| {
        time.duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
    };
    let period = period.max(1);
    let end = (since(asked).as_secs() / period + 1).saturating_mul(period);
    Duration::from_secs(end).saturating_sub(since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_told_by_the_secret_or_the_usual_one() {
        for (secret, expected) in [
            ("otpauth://totp/x?secret=ABC&period=60", Some(60)),
            ("otpauth://totp/x?period=15&secret=ABC", Some(15)),
            ("otpauth://totp/x?secret=ABC", None),
            ("otpauth://totp/x?period=0", None),
            ("otpauth://totp/x?period=99999", None),
            ("otpauth://totp/x?period=x", None),
            ("otpauth://totp/period=60", None),
            ("JBSWY3DPEHPK3PXP", None),
            ("", None),
        ] {
            assert_eq!(told(secret), expected, "{secret}");
        }
    }

    #[test]
    fn a_code_is_kept_for_the_rest_of_the_period_it_was_asked_in() {
        let at = |millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        let left = |asked, now| left(30, at(asked), at(now)).as_millis();
        assert_eq!(left(60_000, 60_000), 30_000);
        assert_eq!(left(61_000, 61_250), 28_750);
        assert_eq!(left(89_900, 89_999), 1);
        // The period ended on the way.
        assert_eq!(left(89_900, 90_100), 0);
    }
}
