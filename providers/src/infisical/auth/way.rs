//! The ways to sign in. All but one are a POST to `/api/v1/auth/METHOD/login` that is answered alike
//! (contract §2): what differs is the body, and so the trait is about that.

use crate::error::ProviderError;
use crate::provider::{BoxFuture, Context};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// A method of machine auth.
pub(super) trait Login: std::fmt::Debug + Send + Sync {
    /// In the route: `universal-auth`.
    fn method(&self) -> &'static str;

    /// What is refused where the server refuses it.
    fn what(&self) -> &'static str;

    /// What to do about that.
    fn remedy(&self) -> &'static str;

    /// The body. Made anew for each sign-in: a file may have been replaced, and a signature is good for
    /// minutes.
    ///
    /// # Errors
    /// It cannot be made; nothing was sent then.
    fn body<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Body, ProviderError>>;
}

/// What a token is got with.
#[derive(Debug)]
pub(super) enum Way {
    /// A sign-in at the server.
    Login(Box<dyn Login>),
    /// The session of the `infisical` program.
    Session,
}

impl Way {
    pub(super) fn what(&self) -> &'static str {
        match self {
            Self::Login(login) => login.what(),
            Self::Session => "the session of `infisical`",
        }
    }

    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Self::Login(login) => login.remedy(),
            Self::Session => "run `infisical login`",
        }
    }

    /// Whether a new token can be had before the old one ends.
    pub(super) fn goes_ahead(&self) -> bool {
        match self {
            Self::Login(_) => true,
            // The program gives the same one until somebody signs in anew.
            Self::Session => false,
        }
    }
}

/// A JSON object of texts, in memory that is wiped.
#[derive(Debug)]
pub(super) struct Body(Zeroizing<Vec<u8>>);

impl Body {
    /// The object with these members.
    pub(super) fn of(members: &[(&str, &SecretString)]) -> Self {
        // Escapes make a text six times as long at the most: it never grows, and leaves no copy.
        let length = |(name, text): &(&str, &SecretString)| {
            name.len() + text.expose_secret().len().saturating_mul(6) + 8
        };
        let room = members.iter().map(length).sum::<usize>() + 2;
        let mut bytes = Zeroizing::new(Vec::with_capacity(room));
        bytes.push(b'{');
        for (n, (name, text)) in members.iter().enumerate() {
            if n > 0 {
                bytes.push(b',');
            }
            // Writing text into memory cannot fail.
            let _ = serde_json::to_writer(&mut *bytes, name);
            bytes.push(b':');
            let _ = serde_json::to_writer(&mut *bytes, text.expose_secret());
        }
        bytes.push(b'}');
        Self(bytes)
    }

    pub(super) fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_body_is_the_object_that_it_was_made_of_and_never_moves(a in ".{0,64}", b in "[\\x00-\\x1f\"\\\\]{0,64}") {
            let members = [("clientId", SecretString::from(a.clone())), ("x", SecretString::from(b.clone()))];
            let members: Vec<_> = members.iter().map(|(name, text)| (*name, text)).collect();
            let empty = Body::of(&members);
            let length = |text: &str| text.len() * 6;
            prop_assert!(empty.0.len() <= "clientId".len() + "x".len() + length(&a) + length(&b) + 18);
            let read: serde_json::Value = serde_json::from_slice(&empty.into_bytes()).unwrap();
            prop_assert_eq!(read, serde_json::json!({"clientId": a, "x": b}));
        }
    }
}
