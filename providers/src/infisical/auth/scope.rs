//! Where a legacy service token answers from. With exactly one scope that is no glob the server puts
//! the token's own project, environment and folder in the place of those that it is asked for
//! (contract §2), and says 200: another folder's value would be served under this name. So before
//! anything is read with such a token, the names of the folder are listed, and what they say of their
//! place is compared. That costs one request for each folder of the map.

use super::Token;
use crate::error::{ErrorKind, ProviderError};
use crate::infisical::api::Version;
use crate::infisical::call::Call;
use crate::infisical::refusal::Refusal;
use crate::infisical::secrets::{Collector, Opened, Origin, Secret};
use secretfs_memory::sealed::SealedWriter;
use std::sync::Arc;
use tokio::time::timeout_at;

/// Folders whose place is remembered; beyond, they are looked at again.
const CONFIRMED: usize = 1024;
/// The most bytes of a list of names.
const MAX_LIST: u64 = 32 << 20;

/// What the answer says of where it comes from.
#[derive(Debug, Default)]
struct Places {
    project: String,
    environment: String,
    path: String,
    seen: usize,
    elsewhere: bool,
}

impl Collector for Places {
    fn writer(&mut self, _: &Opened<'_>) -> Option<SealedWriter> {
        None
    }

    fn take(&mut self, secret: Secret) {
        if secret.origin != Origin::Own {
            return;
        }
        self.seen += 1;
        // What is not told is not what was asked for.
        let is = |told: &Option<String>, asked: &str| told.as_deref() == Some(asked);
        self.elsewhere |= !(is(&secret.project, &self.project)
            && is(&secret.environment, &self.environment)
            && is(&secret.path, &self.path));
    }
}

impl Call<'_> {
    /// Makes sure that what is read from a folder comes from there. Costs nothing but for a legacy
    /// service token, and for that one request, once.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`]: the token answers from elsewhere. [`ErrorKind::Missing`]: there is nothing
    /// in the folder that could tell.
    pub(in crate::infisical) async fn confirm(
        &self,
        environment: &str,
        path: &str,
    ) -> Result<(), ProviderError> {
        let auth = &self.of.auth;
        let place = (environment.to_owned(), path.to_owned());
        let known = || auth.is_confirmed(&place);
        if known() {
            return Ok(());
        }
        let late = |_| {
            self.error(
                ErrorKind::TimedOut,
                "the folder's place was not told in time",
                "",
            )
        };
        let _turn = timeout_at(self.turn.budget.until(), auth.confirming.lock())
            .await
            .map_err(late)?;
        if known() {
            return Ok(());
        }
        let token = auth.service_token();
        self.look(environment, path).await?;
        auth.confirm(token.as_ref(), place);
        Ok(())
    }

    async fn look(&self, environment: &str, path: &str) -> Result<(), ProviderError> {
        let Some(project) = self.of.settings.project_id.as_deref() else {
            return Err(self.error(
                ErrorKind::Unsupported,
                "a legacy service token needs the project's id, to compare it with where the answer comes from",
                "write `project_id:` in the place of `project_slug:` in the map",
            ));
        };
        // The route that is known to say where a secret is. A server without it has the other one.
        let mut answer = self.names(Version::V3, project, environment, path).await?;
        if let Err(Refusal::NoRoute) = answer {
            answer = self.names(Version::V4, project, environment, path).await?;
        }
        let place = format!("{path:?} of {environment:?}");
        let mut response = match answer {
            Ok(response) => response,
            Err(Refusal::Missing) => {
                return Err(self.error(
                    ErrorKind::Missing,
                    &format!("there is no folder {place}"),
                    "check path, environment and project in the map",
                ));
            }
            Err(refusal) => return Err(self.failed(&refusal, &format!("read {place}"))),
        };
        let places = Places {
            project: project.to_owned(),
            environment: environment.to_owned(),
            path: path.to_owned(),
            ..Places::default()
        };
        let places = self.read(&mut response, MAX_LIST, places).await?;
        if places.elsewhere {
            return Err(self.error(
                ErrorKind::Denied,
                &format!("the service token answers from another place than {place}"),
                "a service token with one folder answers from that one, whatever is asked for: write \
                 its project, environment and path in the map, or use a machine identity",
            ));
        }
        if places.seen == 0 {
            return Err(self.error(
                ErrorKind::Missing,
                &format!("there is no secret in {place} itself, so it cannot be told whether the service token answers from there"),
                "check path and environment in the map; for a folder of imports use a machine identity",
            ));
        }
        Ok(())
    }

    async fn names(
        &self,
        version: Version,
        project: &str,
        environment: &str,
        path: &str,
    ) -> Result<Result<crate::http::Response, Refusal>, ProviderError> {
        let (route, id): (&[&str], _) = match version {
            Version::V3 => (&["api", "v3", "secrets", "raw"], "workspaceId"),
            Version::V4 => (&["api", "v4", "secrets"], "projectId"),
        };
        let mut query = vec![
            (id, project),
            ("environment", environment),
            ("secretPath", path),
            ("recursive", "false"),
            ("viewSecretValue", "false"),
            ("expandSecretReferences", "false"),
            ("include_imports", "false"),
            ("includeImports", "false"),
        ];
        if version == Version::V4 {
            query.push(("includePersonalOverrides", "false"));
        }
        self.get(route, &query, None).await
    }
}

impl super::Auth {
    /// The token in use, if it is a legacy service token.
    fn service_token(&self) -> Option<Arc<Token>> {
        let state = self.state();
        let ready = state.ready.as_ref().filter(|token| token.is_service);
        ready.filter(|_| state.way.is_none()).map(Arc::clone)
    }

    /// Whether what is read from there comes from there.
    fn is_confirmed(&self, place: &(String, String)) -> bool {
        self.service_token().is_none() || self.state().confirmed.contains(place)
    }

    /// What was seen with this token holds for it alone.
    fn confirm(&self, with: Option<&Arc<Token>>, place: (String, String)) {
        let mut state = self.state();
        let same = match (with, &state.ready) {
            (Some(with), Some(ready)) => Arc::ptr_eq(with, ready),
            _ => false,
        };
        if same {
            if state.confirmed.len() >= CONFIRMED {
                state.confirmed.clear();
            }
            state.confirmed.insert(place);
        }
    }
}
