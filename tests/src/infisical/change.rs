//! What happens on a server while a test runs.

use super::accounts::ServiceToken;
use super::jwt::{self, Claims};
use super::site::Site;
use super::world::{Folder, Kind, Secret};
use super::{Infisical, PROJECT_ID, Role, ids};

impl Site {
    /// A folder of the first project, made where it is missing.
    pub(super) fn folder_mut(&mut self, environment: &str, path: &str) -> &mut Folder {
        let now = self.clock.now();
        let found = self.world.environment_mut(PROJECT_ID, environment);
        let environment = found.expect("dev, staging or prod");
        environment.make(path, &mut self.ids, now)
    }

    fn write(&mut self, environment_slug: &str, path: &str, key: &str, kind: Kind, value: &str) {
        let now = self.clock.now();
        let mut ids = std::mem::take(&mut self.ids);
        // Made first: the folder may need an id itself.
        let found = self.world.environment_mut(PROJECT_ID, environment_slug);
        let environment = found.expect("dev, staging or prod");
        let folder = environment.make(path, &mut ids, now);
        let secret = folder.write(key, kind, value, &mut ids, now);
        let event = match secret.versions.len() {
            1 => "secret:create",
            _ => "secret:update",
        };
        self.ids = ids;
        let slug = environment_slug;
        self.events.tell(PROJECT_ID, event, (slug, path), key);
    }

    fn secret_mut(&mut self, path: &str, key: &str) -> &mut Secret {
        let folder = self.folder_mut("dev", path);
        folder.secret_mut(key, Kind::Shared).expect("a secret")
    }
}

impl Infisical {
    // Secrets. What names no environment is about dev.

    /// Writes a value through the API: it is trimmed as the server does, and every write is another
    /// version, also of the same value (contract §4).
    pub fn set(&self, path: &str, key: &str, value: &str) {
        self.set_in("dev", path, key, value);
    }

    /// The same, in some environment.
    pub fn set_in(&self, environment: &str, path: &str, key: &str, value: &str) {
        self.site(|site| site.write(environment, path, key, Kind::Shared, value));
    }

    /// A user's own value of a secret: identities never see it.
    pub fn set_personal(&self, path: &str, key: &str, value: &str) {
        self.site(|site| site.write("dev", path, key, Kind::Personal, value));
    }

    /// Deletes a secret. Written anew it has another id, and version 1.
    ///
    /// # Panics
    /// There is none.
    pub fn delete(&self, path: &str, key: &str) {
        let now = self.site(|site| site.clock.now());
        let was = self.site(|site| {
            let was = site.folder_mut("dev", path).delete(key, now);
            let event = "secret:delete";
            site.events.tell(PROJECT_ID, event, ("dev", path), key);
            was
        });
        assert!(was, "no secret {key:?} in {path:?}");
    }

    /// Deletes a folder and those below it.
    pub fn delete_folder(&self, path: &str) {
        let below = format!("{path}/");
        self.site(|site| {
            let found = site.world.environment_mut(PROJECT_ID, "dev");
            let folders = &mut found.expect("dev").folders;
            folders.retain(|at, _| at != path && !at.starts_with(&below));
        });
    }

    /// Shows a secret as `<hidden-by-infisical>`, or no more.
    pub fn hide(&self, path: &str, key: &str, is_hidden: bool) {
        self.site(|site| site.secret_mut(path, key).is_hidden = is_hidden);
    }

    /// Sets the flag that is inverted by history: an expanded value of several lines is quoted.
    pub fn skip_multiline_encoding(&self, path: &str, key: &str) {
        self.site(|site| site.secret_mut(path, key).skips_multiline_encoding = true);
    }

    // Accounts.

    /// What the first identity may do from now on.
    pub fn set_role(&self, role: Role) {
        self.site(|site| site.accounts.identities[0].role = role);
    }

    /// Deletes every token that was given out: 401 "No identity access token found".
    pub fn revoke_tokens(&self) {
        self.site(|site| site.accounts.rows.clear());
    }

    /// The tokens that were given out, by sign-ins too, and not deleted since.
    #[must_use]
    pub fn tokens(&self) -> Vec<String> {
        self.site(|site| site.accounts.tokens())
    }

    /// Revokes the client secrets of the first identity. Its tokens stay good (contract §2).
    pub fn revoke_secrets(&self) {
        self.site(|site| {
            for secret in &mut site.accounts.identities[0].secrets {
                secret.is_revoked = true;
            }
        });
    }

    /// Seconds that later tokens of the first identity live (0: for ever), and may be renewed for.
    pub fn set_ttl(&self, ttl: u64, max_ttl: u64) {
        self.site(|site| {
            let identity = &mut site.accounts.identities[0];
            (identity.ttl, identity.max_ttl) = (ttl, max_ttl);
        });
    }

    /// The JWT that an identity signs in with from now on: the one before is worth nothing.
    ///
    /// # Panics
    /// There is no such identity.
    pub fn set_jwt(&self, identity: &str, jwt: &str) {
        self.site(|site| {
            let mut all = site.accounts.identities.iter_mut();
            let found = all.find(|one| one.id == identity);
            found.expect("an identity").jwt = Some(jwt.to_owned());
        });
    }

    /// A ready-made token of the first identity.
    ///
    /// # Panics
    /// There is no identity.
    #[must_use]
    pub fn token(&self) -> String {
        self.site(|site| {
            let id = site.accounts.identities[0].id.clone();
            let now = site.clock.now();
            let issued = site.accounts.issue(&id, None, &mut site.ids, now);
            issued.expect("an identity").token
        })
    }

    /// The token of a human's session, as `infisical login` has it: it lives for ten days.
    #[must_use]
    pub fn user_token(&self) -> String {
        self.site(|site| {
            let id = ids::uuid("a user");
            let now = site.clock.now().as_secs();
            site.accounts.users.push(id.clone());
            jwt::sign(&Claims {
                identity_access_token_id: site.ids.next(),
                identity_id: id,
                client_secret_id: None,
                auth_token_type: "accessToken".to_owned(),
                iat: now,
                exp: Some(now + 864_000),
            })
        })
    }

    /// A legacy service token for these environments and folder globs. With exactly one that is no
    /// glob, the server overrides the query by it (contract §2).
    #[must_use]
    pub fn service_token(&self, scopes: &[(&str, &str)]) -> String {
        let scopes = scopes
            .iter()
            .map(|(e, p)| ((*e).to_owned(), (*p).to_owned()));
        self.site(|site| {
            let text = format!(
                "st.{}.{}",
                site.ids.next(),
                site.ids.next().replace('-', "")
            );
            site.accounts.service_tokens.push(ServiceToken {
                text: text.clone(),
                project: PROJECT_ID.to_owned(),
                scopes: scopes.collect(),
            });
            text
        })
    }

    // Outages that are answers. Those of the port are `Server::outage`; a hung redis is
    // `fault_all(Fault::Hang)`.

    /// The database is down: 500 with the name of the query, while `/api/status` stays 200.
    pub fn database_down(&self, is_down: bool) {
        self.site(|site| site.is_database_down = is_down);
    }

    /// Maintenance: what is no read fails, but for sign-ins.
    pub fn maintenance(&self, is_on: bool) {
        self.site(|site| site.is_in_maintenance = is_on);
    }
}
