//! Signature Version 4 of AWS, as far as one POST of a form to STS needs it.

use ring::{digest, hmac};
use secrecy::{ExposeSecret, SecretString};
use std::time::SystemTime;
use zeroize::Zeroizing;

const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// The keys of a principal, and the region whose STS is asked.
#[derive(Clone, Copy)]
pub(super) struct Keys<'a> {
    id: &'a str,
    secret: &'a str,
    /// Empty where there is none.
    session: &'a str,
    region: &'a str,
}

impl<'a> Keys<'a> {
    /// From the lines of [`crate::credential::aws_keys`]; `None` where they are none.
    pub(super) fn of(lines: &'a SecretString) -> Option<Self> {
        let mut lines = lines.expose_secret().split('\n');
        let keys = Self {
            id: lines.next()?,
            secret: lines.next()?,
            session: lines.next()?,
            region: lines.next()?,
        };
        let word = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
        let host = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let fine = lines.next().is_none()
            && [keys.id, keys.secret, keys.session].into_iter().all(word)
            && ![keys.id, keys.secret, keys.region].contains(&"")
            // It becomes a part of a host's name.
            && keys.region.bytes().all(host);
        fine.then_some(keys)
    }
}

/// The headers of a POST of `body` to the region's STS, signed at `time`.
pub(super) fn sign_post(
    keys: &Keys<'_>,
    body: &str,
    time: SystemTime,
) -> Option<Vec<(&'static str, String)>> {
    let time = stamp(time)?;
    let date = time.get(..8)?;
    let region = keys.region;
    let domain = match region.starts_with("cn-") {
        true => "amazonaws.com.cn",
        false => "amazonaws.com",
    };
    let mut headers = vec![
        ("Content-Type", FORM.to_owned()),
        ("Host", format!("sts.{region}.{domain}")),
        ("X-Amz-Date", time.clone()),
    ];
    if !keys.session.is_empty() {
        headers.push(("X-Amz-Security-Token", keys.session.to_owned()));
    }
    // They are in the order of their names already.
    let mut canonical = "POST\n/\n\n".to_owned();
    let mut names = Vec::new();
    for (name, value) in &headers {
        let name = name.to_ascii_lowercase();
        canonical.push_str(&format!("{name}:{value}\n"));
        names.push(name);
    }
    let names = names.join(";");
    canonical.push_str(&format!("\n{names}\n{}", sha256(body.as_bytes())));
    let scope = format!("{date}/{region}/sts/aws4_request");
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{time}\n{scope}\n{}",
        sha256(canonical.as_bytes())
    );
    // What the key is worked into is on the stack.
    secretfs_memory::residue::mark();
    let first = Zeroizing::new(format!("AWS4{}", keys.secret));
    let mut key = Zeroizing::new(first.as_bytes().to_vec());
    for part in [date, region, "sts", "aws4_request"] {
        key = Zeroizing::new(hmac_sha256(&key, part).as_ref().to_vec());
    }
    let signature = hex(hmac_sha256(&key, &to_sign).as_ref());
    let id = keys.id;
    headers.push((
        "Authorization",
        format!(
            "AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}"
        ),
    ));
    Some(headers)
}

fn hmac_sha256(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `20150830T123600Z`.
fn stamp(time: SystemTime) -> Option<String> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    let (days, second) = (since / 86_400, since % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    (year <= 9999).then(|| format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z"))
}

/// Year, month and day of a number of days since 1970 (Hinnant's `civil_from_days`).
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days.saturating_add(719_468);
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    const ID: &str = "AKIDEXAMPLE";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    const BODY: &str = "Action=GetCallerIdentity&Version=2011-06-15";

    fn signed(session: &str) -> String {
        let lines = SecretString::from(format!("{ID}\n{SECRET}\n{session}\neu-central-1"));
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160);
        let headers = sign_post(&Keys::of(&lines).unwrap(), BODY, time).unwrap();
        headers.last().unwrap().1.clone()
    }

    /// Expected: what botocore 1.43.11 (AWS's own library) makes of the same keys, body and time.
    #[test]
    fn a_signature_is_that_of_awss_own_library() {
        assert_eq!(
            signed(""),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-central-1/sts/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=02eb614c741be9dae6ff5149b7e794aaf28a8c539edecc8bc6157bff8063ae52"
        );
        assert_eq!(
            signed("the/session+token=="),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-central-1/sts/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, \
             Signature=84b2af2212f5b39061b83b1d99a33d80a457c5898f91e196ef6e4fb37dfde73d"
        );
    }

    #[test]
    fn what_could_be_another_host_or_header_is_no_key() {
        for lines in [
            "",
            "id\nsecret",
            "id\nsecret\n",
            "\nsecret\n\nr",
            "id\n\n\nr",
            "id\nsecret\n\n",
            "id\nsecret\n\nr\nmore",
            "i d\nsecret\n\nr",
            "id\nsecret\n\u{e9}\nr",
            "id\nsecret\n\nevil.example/",
            "id\nsecret\n\nEU-1",
            "id\nsecret\na\rb\nr",
        ] {
            assert!(Keys::of(&SecretString::from(lines)).is_none(), "{lines:?}");
        }
        assert!(Keys::of(&SecretString::from("id\nsecret\n\nus-east-1")).is_some());
    }

    proptest! {
        #[test]
        fn a_stamp_is_the_time_that_it_was_made_of(seconds in 0_u64..253_402_300_800) {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            let stamp = stamp(time).unwrap();
            let part = |from: usize, to: usize| stamp.get(from..to).unwrap().to_owned();
            let iso = format!("{}-{}-{}T{}:{}:{}Z", part(0, 4), part(4, 6), part(6, 8), part(9, 11), part(11, 13), part(13, 15));
            prop_assert_eq!(crate::time::parse(&iso), Some(time));
        }
    }
}
