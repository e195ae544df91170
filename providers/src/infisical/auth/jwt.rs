//! Kubernetes, OIDC and JWT auth: an identity's id and a JWT that somebody else signed. A file with
//! one is opened anew for each sign-in, because kubelet and CI runners replace it; and only what is
//! a JWT leaves this process, whatever file a map names.

use super::token::{claims_of, end_of};
use super::way::{Body, Login};
use crate::credential::{IdentityMethod, Kept};
use crate::error::{ErrorKind, ProviderError};
use crate::host::{HostAnswer, HostError, HostRequest};
use crate::provider::{BoxFuture, Context};
use secrecy::{ExposeSecret, SecretString};
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use zeroize::Zeroizing;

/// The longest file with a JWT.
const MAX_FILE: usize = 16 << 10;

/// An identity that signs in with a JWT.
#[derive(Debug)]
pub(super) struct Jwt {
    pub(super) provider: String,
    pub(super) method: IdentityMethod,
    pub(super) identity: String,
    pub(super) from: From,
}

/// Where the JWT is.
#[derive(Debug)]
pub(super) enum From {
    /// Given with the credential.
    Given(Kept),
    /// In the file that the map names for the provider of this index.
    File(u16),
}

impl Login for Jwt {
    fn method(&self) -> &'static str {
        self.method.route()
    }

    fn what(&self) -> &'static str {
        "the identity or its JWT"
    }

    fn remedy(&self) -> &'static str {
        "check `identity_id`, and issuer, audience and subject of the JWT against the identity's settings"
    }

    fn body<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Body, ProviderError>> {
        Box::pin(async {
            let jwt = match &self.from {
                From::Given(kept) => kept
                    .show()
                    .map_err(|error| ProviderError::sealed(error, "the JWT"))?,
                From::File(index) => self.read(*index, cx).await?,
            };
            // The clock foretells the refusal, and each of those counts towards a lockout.
            if end_of(&jwt).is_some_and(|end| cx.clock.wall() >= end) {
                return Err(self.error(
                    ErrorKind::Expired,
                    "the JWT has expired",
                    "see why whoever writes `jwt_file` does not replace it, or give a new one with `secretfs unlock`",
                ));
            }
            let identity = SecretString::from(self.identity.clone());
            Ok(Body::of(&[("identityId", &identity), ("jwt", &jwt)]))
        })
    }
}

impl Jwt {
    async fn read(&self, index: u16, cx: &Context) -> Result<SecretString, ProviderError> {
        let unopened = |error: &HostError| {
            self.error(
                ErrorKind::NoCredential,
                &format!("`jwt_file` cannot be opened: {error}"),
                "name the file with the JWT in the map; in a pod it is mounted with the service account",
            )
        };
        let request = HostRequest::OpenJwtFile { provider: index };
        let fd = match cx.host.ask(request).await {
            Ok(HostAnswer::Fd(fd)) => fd,
            Ok(_) => return Err(unopened(&HostError::NoAnswer)),
            Err(error) => return Err(unopened(&error)),
        };
        let text = read(fd).map_err(|error| {
            let error = HostError::Os(error.raw_os_error().unwrap_or_default());
            self.error(
                ErrorKind::NoCredential,
                &format!("`jwt_file` cannot be read: {error}"),
                "make it readable for you",
            )
        })?;
        text.filter(|jwt| claims_of(jwt.expose_secret()).is_some())
            .ok_or_else(|| {
                self.error(
                    ErrorKind::Refused,
                    "`jwt_file` holds no JWT, and nothing of it was sent",
                    "name the file with the JWT in the map",
                )
            })
    }

    fn error(&self, kind: ErrorKind, what: &str, help: &str) -> ProviderError {
        ProviderError::new(kind, format!("provider {}: {what}", self.provider), help)
    }
}

/// The text without the line break that ends it; `None`: it is too long, or no text.
fn read(fd: OwnedFd) -> std::io::Result<Option<SecretString>> {
    // A regular file, the mount-helper saw to that: reading one this short does not block to speak of.
    // One byte more than the most, and no growing: a copy would be left behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE + 1));
    secretfs_memory::residue::mark();
    let most = u64::try_from(MAX_FILE + 1).unwrap_or(u64::MAX);
    File::from(fd).take(most).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_FILE {
        return Ok(None);
    }
    let text = std::str::from_utf8(bytes.trim_ascii()).ok();
    Ok(text.map(SecretString::from))
}
