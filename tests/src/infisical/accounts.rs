//! Who there is, and the tokens that were given out.

use super::access::Role;
use super::aws::Keys;
use super::ids::Ids;
use super::jwt::{self, Claims};
use super::refusal::Refusal;
use std::time::Duration;

/// A month: what universal auth has by default, both for a token and for its renewals.
pub(super) const DEFAULT_TTL: u64 = 2_592_000;

/// A machine identity, to be added to a simulator.
#[derive(Debug, Clone)]
pub struct Identity {
    pub(super) id: String,
    pub(super) client_id: String,
    pub(super) secrets: Vec<ClientSecret>,
    pub(super) ttl: u64,
    pub(super) max_ttl: u64,
    pub(super) token_uses: u32,
    pub(super) role: Role,
    /// After so many bad secrets in a row it is locked; 0: never.
    pub(super) lockout: u32,
    pub(super) failures: u32,
    /// The JWT of kubernetes, OIDC, JWT, Azure or GCP auth.
    pub(super) jwt: Option<String>,
    /// The keys of AWS auth.
    pub(super) aws: Option<Keys>,
}

#[derive(Debug, Clone)]
pub(super) struct ClientSecret {
    pub(super) id: String,
    pub(super) text: String,
    pub(super) uses_left: Option<u32>,
    pub(super) is_revoked: bool,
}

impl Identity {
    /// One that signs in by universal auth, with the server's defaults, and may read everything.
    #[must_use]
    pub fn new(client_id: &str, client_secret: &str) -> Self {
        Self {
            id: super::ids::uuid(client_id),
            client_id: client_id.to_owned(),
            secrets: Vec::new(),
            ttl: DEFAULT_TTL,
            max_ttl: DEFAULT_TTL,
            token_uses: 0,
            role: Role::Admin,
            lockout: 0,
            failures: 0,
            jwt: None,
            aws: None,
        }
        .secret(client_secret, None)
    }

    /// Another client secret: several are allowed. `uses`: after so many sign-ins it is revoked.
    #[must_use]
    pub fn secret(mut self, text: &str, uses: Option<u32>) -> Self {
        self.secrets.push(ClientSecret {
            id: super::ids::uuid(text),
            text: text.to_owned(),
            uses_left: uses,
            is_revoked: false,
        });
        self
    }

    /// How many sign-ins its secrets are good for.
    #[must_use]
    pub fn uses(mut self, uses: u32) -> Self {
        for secret in &mut self.secrets {
            secret.uses_left = Some(uses);
        }
        self
    }

    /// Seconds that a token lives (0: for ever), and that it may be renewed for.
    #[must_use]
    pub fn ttl(mut self, ttl: u64, max_ttl: u64) -> Self {
        (self.ttl, self.max_ttl) = (ttl, max_ttl);
        self
    }

    /// How many requests a token is good for.
    #[must_use]
    pub fn token_uses(mut self, uses: u32) -> Self {
        self.token_uses = uses;
        self
    }

    /// What it may do.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// Locked after so many bad secrets (newer servers).
    #[must_use]
    pub fn lockout(mut self, after: u32) -> Self {
        self.lockout = after;
        self
    }

    /// Signs in with this JWT by kubernetes, OIDC, JWT, Azure or GCP auth, and by AWS, OCI and LDAP auth
    /// with whatever they sign.
    #[must_use]
    pub fn jwt(mut self, jwt: &str) -> Self {
        self.jwt = Some(jwt.to_owned());
        self
    }

    /// Signs in by AWS auth with these keys: the signature is looked at.
    #[must_use]
    pub fn aws(mut self, id: &str, secret: &str) -> Self {
        self.aws = Some(Keys {
            id: id.to_owned(),
            secret: secret.to_owned(),
        });
        self
    }

    /// Its id: what the other machine auth methods name it by.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// A legacy service token.
#[derive(Debug, Clone)]
pub(super) struct ServiceToken {
    pub(super) text: String,
    pub(super) project: String,
    /// Environment and folder glob.
    pub(super) scopes: Vec<(String, String)>,
}

/// The row of a token: without it the JWT is worth nothing.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) identity: String,
    pub(super) client_secret: Option<String>,
    pub(super) created: u64,
    pub(super) ttl: u64,
    pub(super) max_ttl: u64,
    pub(super) uses: u32,
    pub(super) uses_limit: u32,
}

#[derive(Debug, Default)]
pub(super) struct Accounts {
    pub(super) identities: Vec<Identity>,
    pub(super) service_tokens: Vec<ServiceToken>,
    /// Ids of human users: their tokens have no row, and live for ten days.
    pub(super) users: Vec<String>,
    pub(super) rows: Vec<Row>,
}

/// What a sign-in brings.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) token: String,
    pub(super) ttl: u64,
    pub(super) max_ttl: u64,
}

/// Who a valid token is.
#[derive(Debug, Clone)]
pub(super) enum Actor {
    Identity(String),
    Service(ServiceToken),
    User,
}

impl Accounts {
    pub(super) fn identity(&self, id: &str) -> Option<&Identity> {
        self.identities.iter().find(|identity| identity.id == id)
    }

    /// Gives a token out.
    pub(super) fn issue(
        &mut self,
        identity: &str,
        client_secret: Option<&str>,
        ids: &mut Ids,
        now: Duration,
    ) -> Option<Issued> {
        let of = self.identity(identity)?;
        let row = Row {
            id: ids.next(),
            identity: identity.to_owned(),
            client_secret: client_secret.map(str::to_owned),
            created: now.as_secs(),
            ttl: of.ttl,
            max_ttl: of.max_ttl,
            uses: 0,
            uses_limit: of.token_uses,
        };
        let issued = row.issue(now.as_secs());
        self.rows.push(row);
        Some(issued)
    }

    /// The JWTs of all rows, as they were given out first.
    pub(super) fn tokens(&self) -> Vec<String> {
        let jwt = |row: &Row| row.issue(row.created).token;
        self.rows.iter().map(jwt).collect()
    }

    /// Who a JWT is, and counts its use (contract §2).
    pub(super) fn enter(&mut self, token: &str, now: Duration) -> Result<Actor, Refusal> {
        if token.starts_with("st.") {
            let known = self.service_tokens.iter().find(|st| st.text == token);
            return known
                .map(|st| Actor::Service(st.clone()))
                .ok_or_else(|| Refusal::unauthorized("Service token not found"));
        }
        let claims = jwt::verify(token, now.as_secs())
            .map_err(|broken| Refusal::new(403, "TokenError", broken.0))?;
        if self.users.contains(&claims.identity_id) {
            return Ok(Actor::User);
        }
        let id = &claims.identity_access_token_id;
        let Some(at) = self.rows.iter().position(|row| row.id == *id) else {
            return Err(no_row());
        };
        let row = &mut self.rows[at];
        if row.uses_limit != 0 && row.uses >= row.uses_limit {
            self.rows.remove(at);
            return Err(Refusal::unauthorized(
                "Unable to renew because access token number of uses limit reached",
            ));
        }
        row.uses += 1;
        Ok(Actor::Identity(row.identity.clone()))
    }

    /// Renews, or falls into the trap: the server's defaults make every renewal fail and delete the
    /// token that was good a second ago (contract §2).
    pub(super) fn renew(&mut self, token: &str, now: Duration) -> Result<Issued, Refusal> {
        let now = now.as_secs();
        let claims =
            jwt::verify(token, now).map_err(|broken| Refusal::new(403, "TokenError", broken.0))?;
        let id = claims.identity_access_token_id;
        let Some(at) = self.rows.iter().position(|row| row.id == id) else {
            return Err(no_row());
        };
        let row = &self.rows[at];
        if row.ttl != 0 && row.max_ttl != 0 && now + row.ttl > row.created + row.max_ttl {
            self.rows.remove(at);
            return Err(Refusal::unauthorized(
                "Failed to renew MI access token past its Max TTL expiration",
            ));
        }
        Ok(row.issue(now))
    }

    pub(super) fn revoke(&mut self, token: &str, now: Duration) -> Result<(), Refusal> {
        let claims = jwt::verify(token, now.as_secs())
            .map_err(|broken| Refusal::new(403, "TokenError", broken.0))?;
        let id = claims.identity_access_token_id;
        let before = self.rows.len();
        self.rows.retain(|row| row.id != id);
        if self.rows.len() < before {
            Ok(())
        } else {
            Err(no_row())
        }
    }
}

fn no_row() -> Refusal {
    Refusal::unauthorized("No identity access token found")
}

impl Row {
    /// Another JWT for this row; the ones before stay good until their own end.
    fn issue(&self, now: u64) -> Issued {
        let token = jwt::sign(&Claims {
            identity_id: self.identity.clone(),
            client_secret_id: self.client_secret.clone(),
            identity_access_token_id: self.id.clone(),
            auth_token_type: "identityAccessToken".to_owned(),
            iat: now,
            exp: (self.ttl != 0).then(|| now + self.ttl),
        });
        Issued {
            token,
            ttl: self.ttl,
            max_ttl: self.max_ttl,
        }
    }
}
