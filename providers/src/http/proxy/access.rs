//! What opens the proxies. One that refuses it is not asked with it again for minutes: in a company
//! it is the user's own account, which a loop of wrong passwords locks.

use super::{Proxy, ProxySettings};
use crate::credential::Kept;
use crate::error::ProviderError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use secretfs_memory::sealed::SealedPool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// How long a refused user and password are not sent again.
pub(in crate::http) const REFUSED_FOR: Duration = Duration::from_secs(5 * 60);

/// The proxies of a process.
#[derive(Debug, Default)]
pub struct Proxies {
    settings: ProxySettings,
    keys: Mutex<Vec<Key>>,
}

#[derive(Debug)]
struct Key {
    /// The proxy that it is for: it is sent to no other.
    origin: String,
    text: Kept,
    refused: Option<Instant>,
}

/// What is told to a proxy.
#[derive(Debug)]
pub(in crate::http) enum Authorization {
    /// Nothing: it is open, or nobody gave a user and a password, or a lock wiped them.
    None,
    /// The value of `Proxy-Authorization`.
    Basic(HeaderValue),
    /// It refused this a while ago.
    Refused,
}

impl Proxies {
    /// Of these settings; nothing opens them yet.
    #[must_use]
    pub fn new(settings: ProxySettings) -> Self {
        Self {
            settings,
            keys: Mutex::default(),
        }
    }

    /// Which proxies there are.
    #[must_use]
    pub fn settings(&self) -> &ProxySettings {
        &self.settings
    }

    fn keys(&self) -> MutexGuard<'_, Vec<Key>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes `user:password` for the proxy of this origin. Says whether there is such a proxy: for
    /// any other it is dropped.
    ///
    /// # Errors
    /// There is no room in the sealed memory.
    pub fn supply(
        &self,
        origin: &str,
        text: &SecretString,
        pool: &Arc<SealedPool>,
    ) -> Result<bool, ProviderError> {
        if !self.settings.all().any(|proxy| proxy.origin() == origin) {
            return Ok(false);
        }
        let key = Key {
            origin: origin.to_owned(),
            text: Kept::keep(text, pool, "the proxy's user and password")?,
            refused: None,
        };
        let mut keys = self.keys();
        keys.retain(|other| other.origin != origin);
        keys.push(key);
        Ok(true)
    }

    /// What to tell this proxy.
    pub(in crate::http) fn authorization(&self, proxy: &Proxy) -> Authorization {
        let origin = proxy.origin();
        let mut keys = self.keys();
        let Some(key) = keys.iter_mut().find(|key| key.origin == origin) else {
            return Authorization::None;
        };
        if let Some(refused) = key.refused {
            if refused.elapsed() < REFUSED_FOR {
                return Authorization::Refused;
            }
            key.refused = None;
        }
        // Wiped: the next unlock brings another.
        let Ok(text) = key.text.show() else {
            return Authorization::None;
        };
        basic(&text).map_or(Authorization::None, Authorization::Basic)
    }

    /// The proxy did not take what it was told.
    pub(in crate::http) fn refused(&self, proxy: &Proxy) {
        let origin = proxy.origin();
        if let Some(key) = self.keys().iter_mut().find(|key| key.origin == origin) {
            key.refused = Some(Instant::now());
        }
    }
}

fn basic(text: &SecretString) -> Option<HeaderValue> {
    secretfs_memory::residue::mark();
    let text = text.expose_secret().as_bytes();
    let mut value = Zeroizing::new(String::with_capacity(6 + text.len().div_ceil(3) * 4));
    value.push_str("Basic ");
    STANDARD.encode_string(text, &mut value);
    let mut value = HeaderValue::from_str(&value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies() -> (Proxies, Proxy, Arc<SealedPool>) {
        let (proxy, _) = Proxy::parse("http://p.example:3128").unwrap();
        let settings = ProxySettings::new(Some(proxy.clone()), None, "").unwrap();
        let pool = SealedPool::new(64 << 10, true).unwrap();
        (Proxies::new(settings), proxy, pool)
    }

    fn told(proxies: &Proxies, proxy: &Proxy) -> Option<String> {
        match proxies.authorization(proxy) {
            Authorization::None => None,
            Authorization::Basic(value) => Some(value.to_str().unwrap().to_owned()),
            Authorization::Refused => Some("refused".to_owned()),
        }
    }

    #[test]
    fn a_user_is_for_the_proxy_that_it_was_given_for_and_gone_after_a_wipe() {
        let (proxies, proxy, pool) = proxies();
        assert_eq!(told(&proxies, &proxy), None);
        let text = SecretString::from("Aladdin:open sesame");
        assert_eq!(
            proxies.supply("http://other.example:3128", &text, &pool),
            Ok(false)
        );
        assert_eq!(told(&proxies, &proxy), None);
        assert_eq!(proxies.supply(&proxy.origin(), &text, &pool), Ok(true));
        // RFC 7617's own example.
        let basic = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
        assert_eq!(told(&proxies, &proxy).as_deref(), Some(basic));
        pool.wipe();
        assert_eq!(told(&proxies, &proxy), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_refused_is_not_told_again_for_minutes_unless_another_is_given() {
        let (proxies, proxy, pool) = proxies();
        let give = |text: &str| proxies.supply(&proxy.origin(), &text.into(), &pool);
        give("me:old").unwrap();
        proxies.refused(&proxy);
        tokio::time::advance(REFUSED_FOR - Duration::from_secs(1)).await;
        assert_eq!(told(&proxies, &proxy).as_deref(), Some("refused"));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(told(&proxies, &proxy).unwrap().starts_with("Basic "));
        proxies.refused(&proxy);
        give("me:new").unwrap();
        assert!(told(&proxies, &proxy).unwrap().starts_with("Basic "));
    }
}
