//! From what a command offers to what the provider opens the server with. The origin is compared
//! here: a credential goes to no other server than the one that it was made for.

use super::aws::Aws;
use super::jwt::{From, Jwt};
use super::token::Token;
use super::universal::Universal;
use super::way::{Login, Way};
use crate::credential::{Credential, CredentialOffer, IdentityMethod, Kept};
use crate::error::{ErrorKind, ProviderError};
use crate::infisical::provider::Infisical;
use secretfs_memory::sealed::SealedPool;
use std::sync::Arc;

impl Infisical {
    /// See [`crate::Provider::supply`].
    pub(in crate::infisical) fn take(
        &self,
        offer: CredentialOffer,
        origin: &str,
        pool: &Arc<SealedPool>,
    ) -> Result<(), ProviderError> {
        let auth = self.settings.auth.as_deref();
        if offer.origin != origin {
            return Err(self.not_taken(
                &format!("a credential for {} is not sent to {origin}", offer.origin),
                "give the credential of this server, or mend `site_url` in the map",
            ));
        }
        let is = |word: &str| auth.is_none_or(|auth| auth == word);
        match offer.credential {
            Credential::ClientSecret { id, secret } if is("universal") => {
                self.auth.supply_way(Way::Login(Box::new(Universal {
                    id: Kept::keep(&id, pool, "the client id")?,
                    secret: Kept::keep(&secret, pool, "the client secret")?,
                })));
            }
            Credential::Token(token) if is("token") => {
                self.auth.supply_token(Token::ready_made(&token, pool)?);
            }
            Credential::Session if is("cli") => self.auth.supply_way(Way::Session),
            Credential::Identity { method, id, proof } if is(method.word()) => {
                // The map may have been saved since the command looked at it.
                if self
                    .settings
                    .identity_id
                    .as_ref()
                    .is_some_and(|own| *own != id)
                {
                    return Err(self.not_taken(
                        "the credential is for another identity than `identity_id`",
                        "run `secretfs unlock`",
                    ));
                }
                let proof = proof.map(|proof| Kept::keep(&proof, pool, "the identity's proof"));
                let login = self.identity(method, id, proof.transpose()?)?;
                self.auth.supply_way(Way::Login(login));
            }
            _ => {
                let auth = auth.unwrap_or("universal");
                return Err(self.not_taken(
                    &format!("this kind of credential is not what `auth: {auth}` takes"),
                    "give what `auth` in the map says, and run `secretfs unlock`",
                ));
            }
        }
        Ok(())
    }

    fn identity(
        &self,
        method: IdentityMethod,
        identity: String,
        proof: Option<Kept>,
    ) -> Result<Box<dyn Login>, ProviderError> {
        let provider = self.name().to_owned();
        let from = match (method, proof) {
            (IdentityMethod::Aws, Some(keys)) => {
                return Ok(Box::new(Aws {
                    provider,
                    identity,
                    keys,
                }));
            }
            (_, Some(jwt)) => From::Given(jwt),
            (IdentityMethod::Kubernetes | IdentityMethod::Oidc | IdentityMethod::Jwt, None)
                if self.settings.jwt_file =>
            {
                From::File(self.auth.index)
            }
            (_, None) => {
                return Err(self.not_taken(
                    "the credential has no proof of the identity",
                    "name the file with the JWT in the map (`jwt_file`)",
                ));
            }
        };
        Ok(Box::new(Jwt {
            provider,
            method,
            identity,
            from,
        }))
    }

    fn not_taken(&self, what: &str, help: &str) -> ProviderError {
        let message = format!("provider {}: {what}", self.name());
        ProviderError::new(ErrorKind::Refused, message, help)
    }
}
