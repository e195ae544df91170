//! A bearer token, and what is known of its end: by the monotonic clock, which nobody sets, and by the
//! calendar, which goes on while the machine sleeps.

use crate::credential::Kept;
use crate::error::ProviderError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use secretfs_memory::sealed::{SealedError, SealedPool};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};
use zeroize::Zeroizing;

/// How long before its end a token is not used any more, at most.
const MARGIN: Duration = Duration::from_secs(60);
/// Which part of a token's life is its last one, in which an open signs in ahead of need.
const LAST_PART: u32 = 5;
/// The longest token whose inside is looked at.
const MAX_TOKEN: usize = 16 << 10;
/// How legacy service tokens begin.
const SERVICE: &str = "st.";

/// A bearer token.
#[derive(Debug)]
pub(in crate::infisical) struct Token {
    text: Kept,
    /// Whether a new one can be had by signing in.
    pub(in crate::infisical) from_login: bool,
    /// Whether it is a legacy service token.
    pub(super) is_service: bool,
    /// It is not used from here on.
    over: End,
    /// A new one is looked for from here on.
    soon: End,
    has_worked: AtomicBool,
}

/// A moment on both clocks; what comes first counts.
#[derive(Debug, Clone, Copy, Default)]
struct End {
    at: Option<Instant>,
    wall: Option<SystemTime>,
}

impl End {
    fn after(life: Duration, now: Instant, wall: SystemTime) -> Self {
        Self {
            at: now.checked_add(life),
            wall: wall.checked_add(life),
        }
    }

    fn has_come(self, now: Instant, wall: SystemTime) -> bool {
        self.at.is_some_and(|at| now >= at) || self.wall.is_some_and(|at| wall >= at)
    }
}

impl Token {
    /// One that a sign-in brought, good for `lives` (`None`: for ever).
    pub(super) fn of_login(
        text: Kept,
        lives: Option<Duration>,
        now: Instant,
        wall: SystemTime,
    ) -> Self {
        let end = |life| End::after(life, now, wall);
        let over = lives.map(|lives| end(lives.saturating_sub(MARGIN.min(lives / 10))));
        let soon = lives.map(|lives| end(lives.saturating_sub(lives / LAST_PART)));
        Self {
            text,
            from_login: true,
            is_service: false,
            over: over.unwrap_or_default(),
            soon: soon.unwrap_or_default(),
            has_worked: AtomicBool::new(false),
        }
    }

    /// One that is to be used as it is; its end is what it tells of itself.
    ///
    /// # Errors
    /// There is no room for it.
    pub(super) fn ready_made(
        text: &SecretString,
        pool: &Arc<SealedPool>,
    ) -> Result<Self, ProviderError> {
        Ok(Self {
            text: Kept::keep(text, pool, "the token")?,
            from_login: false,
            is_service: text.expose_secret().starts_with(SERVICE),
            over: End {
                at: None,
                wall: end_of(text),
            },
            soon: End::default(),
            has_worked: AtomicBool::new(false),
        })
    }

    /// One of the session of a program: another one may be had from it, once somebody signs in anew.
    ///
    /// # Errors
    /// There is no room for it.
    pub(super) fn of_session(
        text: &SecretString,
        pool: &Arc<SealedPool>,
    ) -> Result<Self, ProviderError> {
        let token = Self::ready_made(text, pool)?;
        Ok(Self {
            from_login: true,
            ..token
        })
    }

    /// To be sent, and dropped.
    pub(in crate::infisical) fn show(&self) -> Result<SecretString, SealedError> {
        self.text.show()
    }

    pub(super) fn is_over(&self, now: Instant, wall: SystemTime) -> bool {
        self.over.has_come(now, wall)
    }

    pub(super) fn ends_soon(&self, now: Instant, wall: SystemTime) -> bool {
        self.soon.has_come(now, wall)
    }

    pub(super) fn has_worked(&self) -> bool {
        self.has_worked.load(Ordering::Relaxed)
    }

    /// The server took it. Whether that was known.
    pub(super) fn works(&self) -> bool {
        self.has_worked.swap(true, Ordering::Relaxed)
    }
}

/// The end that a JWT tells of itself (`exp`). Other tokens tell nothing.
pub(super) fn end_of(token: &SecretString) -> Option<SystemTime> {
    #[derive(serde::Deserialize)]
    struct Claims {
        exp: Option<u64>,
    }
    let text = token.expose_secret();
    let claims = claims_of(text)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(claims.len()));
    URL_SAFE_NO_PAD.decode_vec(claims, &mut bytes).ok()?;
    let claims: Claims = serde_json::from_slice(&bytes).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(claims.exp?))
}

/// The second of a JWT's three parts; `None` where this is no JWT.
pub(super) fn claims_of(text: &str) -> Option<&str> {
    let mut parts = text.split('.');
    let (Some(head), Some(claims), Some(tag), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'=');
    let all = [head, claims, tag];
    let is_one = all
        .iter()
        .all(|part| !part.is_empty() && part.bytes().all(plain));
    (is_one && text.len() <= MAX_TOKEN).then_some(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jwt_tells_its_end_and_nothing_else_does() {
        let end = |text: &str| end_of(&SecretString::from(text));
        let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        // {"exp":1000}, and {}
        assert_eq!(end("e30.eyJleHAiOjEwMDB9.c2ln"), at(1000));
        assert_eq!(end("e30.e30.c2ln"), None);
        for text in [
            "",
            "st.a.b.c",
            "a.b",
            "a.!.c",
            "e30.eyJleHAiOjEwMDB9.",
            "a b.c.d",
        ] {
            assert_eq!(end(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_token_ends_by_whichever_clock_comes_first() {
        let pool = SealedPool::new(64 << 10, true).unwrap();
        let kept = Kept::keep(&"t".into(), &pool, "the token").unwrap();
        let (now, wall) = (Instant::now(), SystemTime::now());
        let second = Duration::from_secs(1);
        let token = Token::of_login(kept, Some(second * 100), now, wall);
        for (seconds, soon, over) in [
            (0, false, false),
            (79, false, false),
            (80, true, false),
            (89, true, false),
            (90, true, true),
        ] {
            let ahead = second * seconds;
            // The machine slept: the monotonic clock stood.
            for (at, of_day) in [
                (now + ahead, wall),
                (now, wall + ahead),
                (now + ahead, wall + ahead),
            ] {
                assert_eq!(token.ends_soon(at, of_day), soon, "{seconds}");
                assert_eq!(token.is_over(at, of_day), over, "{seconds}");
            }
        }
        let kept = Kept::keep(&"t".into(), &pool, "the token").unwrap();
        let for_ever = Token::of_login(kept, None, now, wall);
        assert!(!for_ever.is_over(now + second * 1_000_000, wall + second * 1_000_000));
    }
}
