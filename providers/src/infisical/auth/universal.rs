//! Universal auth: a client id and a client secret. A secret may be good for so many sign-ins only.

use super::way::{Body, Login};
use crate::credential::Kept;
use crate::error::ProviderError;
use crate::provider::{BoxFuture, Context};

/// Client id and secret of an identity.
#[derive(Debug)]
pub(super) struct Universal {
    pub(super) id: Kept,
    pub(super) secret: Kept,
}

impl Login for Universal {
    fn method(&self) -> &'static str {
        "universal-auth"
    }

    fn what(&self) -> &'static str {
        "the client id or secret"
    }

    fn remedy(&self) -> &'static str {
        "give another one with `secretfs unlock`"
    }

    fn body<'a>(&'a self, _: &'a Context) -> BoxFuture<'a, Result<Body, ProviderError>> {
        Box::pin(async {
            let wiped = |error| ProviderError::sealed(error, "the client id or secret");
            let id = self.id.show().map_err(wiped)?;
            let secret = self.secret.show().map_err(wiped)?;
            Ok(Body::of(&[("clientId", &id), ("clientSecret", &secret)]))
        })
    }
}
