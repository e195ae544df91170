//! AWS IAM auth: a signed request to AWS's `sts:GetCallerIdentity`, which the server sends in our
//! place to learn who signed it (contract §2). It is good for nothing else, and for some minutes.

use super::sigv4::{self, Keys};
use super::way::{Body, Login};
use crate::credential::Kept;
use crate::error::{ErrorKind, ProviderError};
use crate::provider::{BoxFuture, Context};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// What the server is to ask AWS.
const QUESTION: &str = "Action=GetCallerIdentity&Version=2011-06-15";

/// An identity that signs in with the keys of an AWS principal.
#[derive(Debug)]
pub(super) struct Aws {
    pub(super) provider: String,
    pub(super) identity: String,
    /// As [`crate::credential::aws_keys`] has them.
    pub(super) keys: Kept,
}

impl Login for Aws {
    fn method(&self) -> &'static str {
        "aws-auth"
    }

    fn what(&self) -> &'static str {
        "the identity or its AWS keys"
    }

    fn remedy(&self) -> &'static str {
        "check `identity_id` and its allowed principals; keys with a session token end after hours: \
         give new ones with `secretfs unlock`"
    }

    fn body<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Body, ProviderError>> {
        Box::pin(async {
            let keys = self
                .keys
                .show()
                .map_err(|error| ProviderError::sealed(error, "the AWS keys"))?;
            let signed = Keys::of(&keys).and_then(|keys| headers(&keys, cx));
            let headers = signed.ok_or_else(|| {
                ProviderError::new(
                    ErrorKind::Refused,
                    format!("provider {}: the AWS keys or region are none", self.provider),
                    "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, and run `secretfs unlock`",
                )
            })?;
            let members = [
                ("identityId", SecretString::from(self.identity.clone())),
                ("iamHttpRequestMethod", SecretString::from("POST")),
                ("iamRequestBody", STANDARD.encode(QUESTION).into()),
                ("iamRequestHeaders", STANDARD.encode(&headers).into()),
            ];
            let members: Vec<_> = members.iter().map(|(name, text)| (*name, text)).collect();
            Ok(Body::of(&members))
        })
    }
}

/// The signed headers, as a JSON object.
fn headers(keys: &Keys<'_>, cx: &Context) -> Option<Zeroizing<Vec<u8>>> {
    let headers = sigv4::sign_post(keys, QUESTION, cx.clock.wall())?;
    let members: Vec<_> = headers
        .iter()
        .map(|(name, text)| (*name, SecretString::from(text.as_str())))
        .collect();
    let members: Vec<_> = members.iter().map(|(name, text)| (*name, text)).collect();
    debug_assert!(
        members
            .iter()
            .all(|(_, text)| !text.expose_secret().is_empty())
    );
    Some(Body::of(&members).into_bytes())
}
