//! AWS in the place of which the server asks who has signed a request: the signature is worked out
//! again from the identity's own keys, as STS does it (Signature Version 4).

use super::time::iso;
use ring::{digest, hmac};
use std::collections::BTreeMap;
use std::time::Duration;

/// How far a request's clock may be from AWS's.
const SKEW: Duration = Duration::from_secs(15 * 60);

/// The keys of a principal.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    pub(super) id: String,
    pub(super) secret: String,
}

/// Whether these headers (a JSON object) sign that body with the keys, now. The error is what is wrong.
pub(super) fn verify(
    keys: &Keys,
    headers: &[u8],
    body: &[u8],
    now: Duration,
) -> Result<(), String> {
    let headers: BTreeMap<String, String> =
        serde_json::from_slice(headers).map_err(|_| "the headers are no object of texts")?;
    let headers: BTreeMap<String, String> = headers
        .into_iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect();
    let header = |name: &str| headers.get(name).ok_or(format!("no header {name}"));
    let authorization = header("authorization")?;
    let parts = authorization
        .strip_prefix("AWS4-HMAC-SHA256 ")
        .ok_or("another algorithm")?;
    let part = |name: &str| {
        let found = parts.split(", ").find_map(|part| part.strip_prefix(name));
        found.ok_or(format!("no {name}"))
    };
    let credential: Vec<&str> = part("Credential=")?.split('/').collect();
    let [id, date, region, "sts", "aws4_request"] = credential[..] else {
        return Err(format!("the scope is not one of STS: {credential:?}"));
    };
    if id != keys.id {
        return Err("an unknown key".to_owned());
    }
    let host = header("host")?;
    if *host != format!("sts.{region}.amazonaws.com") {
        return Err(format!("{host} is not the STS of {region}"));
    }
    let time = header("x-amz-date")?;
    if !time.starts_with(date) || !is_now(time, now) {
        return Err(format!("{time} is not now"));
    }
    let signed = part("SignedHeaders=")?;
    for needed in ["host", "x-amz-date", "content-type"] {
        if !signed.split(';').any(|name| name == needed) {
            return Err(format!("{needed} is not signed"));
        }
    }
    if headers.contains_key("x-amz-security-token")
        && !signed.split(';').any(|name| name == "x-amz-security-token")
    {
        return Err("the session token is not signed".to_owned());
    }
    let mut canonical = String::from("POST\n/\n\n");
    for name in signed.split(';') {
        canonical += &format!("{name}:{}\n", header(name)?.trim());
    }
    canonical += &format!("\n{signed}\n{}", sha256(body));
    let scope = format!("{date}/{region}/sts/aws4_request");
    let text = format!(
        "AWS4-HMAC-SHA256\n{time}\n{scope}\n{}",
        sha256(canonical.as_bytes())
    );
    let mut key = format!("AWS4{}", keys.secret).into_bytes();
    for part in [date, region, "sts", "aws4_request"] {
        key = sign(&key, part);
    }
    match part("Signature=")? == hex(&sign(&key, &text)) {
        true => Ok(()),
        false => Err("the signature does not match".to_owned()),
    }
}

fn is_now(time: &str, now: Duration) -> bool {
    let stamp = |at: Duration| {
        let iso = iso(at);
        let whole = iso.split('.').next().unwrap_or_default().to_owned();
        whole.replace(['-', ':'], "") + "Z"
    };
    // In this form the order of texts is that of times.
    (stamp(now.saturating_sub(SKEW))..=stamp(now + SKEW)).contains(&time.to_owned())
}

fn sign(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signed by botocore 1.43.11, AWS's own library, at 2015-08-30T12:36:00Z.
    const SIGNED: &str = r#"{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
        "Host": "sts.eu-central-1.amazonaws.com", "X-Amz-Date": "20150830T123600Z",
        "X-Amz-Security-Token": "the/session+token==",
        "Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-central-1/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=84b2af2212f5b39061b83b1d99a33d80a457c5898f91e196ef6e4fb37dfde73d"}"#;
    const BODY: &[u8] = b"Action=GetCallerIdentity&Version=2011-06-15";
    const THEN: Duration = Duration::from_secs(1_440_938_160);

    fn keys(secret: &str) -> Keys {
        Keys {
            id: "AKIDEXAMPLE".to_owned(),
            secret: secret.to_owned(),
        }
    }

    #[test]
    fn what_awss_own_library_signs_is_right_and_anything_else_is_not() {
        let own = keys("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        let check = |headers: &str, body, now| verify(&own, headers.as_bytes(), body, now);
        assert_eq!(check(SIGNED, BODY, THEN), Ok(()));
        assert_eq!(check(SIGNED, BODY, THEN + Duration::from_secs(840)), Ok(()));
        assert!(check(SIGNED, BODY, THEN + Duration::from_secs(960)).is_err());
        assert!(check(SIGNED, b"Action=Other", THEN).is_err());
        assert!(verify(&keys("another"), SIGNED.as_bytes(), BODY, THEN).is_err());
        for (old, new) in [
            ("eu-central-1.amazonaws", "evil"),
            ("84b2", "94b2"),
            ("the/session", "a/session"),
            ("content-type;", ""),
            ("AKIDEXAMPLE", "AKIDOTHER"),
            (";x-amz-security-token", ""),
        ] {
            assert!(
                check(&SIGNED.replace(old, new), BODY, THEN).is_err(),
                "{old}"
            );
        }
    }
}
