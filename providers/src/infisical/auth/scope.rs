//! Where a legacy service token answers from. With exactly one scope that is no glob the server puts
//! the token's own project, environment and folder in the place of those that it is asked for
//! (contract §2), and says 200: another folder's value would be served under this name. So before
//! anything is read with such a token, the names of the folder are listed, and what they say of their
//! place is compared. That costs one request for each folder of the map.

use super::Token;
use crate::error::{ErrorKind, ProviderError};
use crate::infisical::api::{Folder, Version, What};
use crate::infisical::call::Call;
use crate::infisical::read::place;
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
        let plain = |path: &str| path.trim_end_matches('/').to_owned();
        let is_here = secret.project.as_deref() == Some(&self.project)
            && secret.environment.as_deref() == Some(&self.environment)
            && secret.path.as_deref().map(plain) == Some(plain(&self.path));
        self.elsewhere |= !is_here;
    }
}

impl Call<'_> {
    /// Makes sure that what is read from a folder comes from there. Costs nothing but for a legacy
    /// service token, and for that one request, once.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`]: the token answers from elsewhere. [`ErrorKind::Missing`]: there is nothing
    /// in the folder that could tell.
    pub(in crate::infisical) async fn confirm(&self, of: Folder<'_>) -> Result<(), ProviderError> {
        let auth = &self.of.auth;
        if auth.service_token().is_none() {
            return Ok(());
        }
        let folder = (of.environment.to_owned(), of.path.to_owned());
        if auth.is_confirmed(&folder) {
            return Ok(());
        }
        let late = |_| {
            let what = "the folder's place was not told in time";
            self.error(ErrorKind::TimedOut, what, "")
        };
        let _turn = timeout_at(self.turn.budget.until(), auth.confirming.lock())
            .await
            .map_err(late)?;
        if auth.is_confirmed(&folder) {
            return Ok(());
        }
        let token = auth.service_token();
        Box::pin(self.look(of)).await?;
        auth.confirm(token.as_ref(), folder);
        Ok(())
    }

    async fn look(&self, of: Folder<'_>) -> Result<(), ProviderError> {
        let settings = &self.of.settings;
        let Some(project) = settings.project_id.as_deref() else {
            return Err(self.error(
                ErrorKind::Unsupported,
                "a legacy service token needs the project's id, to compare it with where the answer comes from",
                "write `project_id:` in the place of `project_slug:` in the map",
            ));
        };
        // The route that is known to say where a secret is. A server without it has the other one.
        let mut answer = Err(Refusal::NoRoute);
        for version in [Version::V3, Version::V4] {
            let route = settings.list(version, of, What::Names);
            answer = self.get(&route.path, &route.query, None).await?;
            if !matches!(answer, Err(Refusal::NoRoute)) {
                break;
            }
        }
        let mut response = answer.map_err(|refusal| self.about_folder(&refusal, of))?;
        let places = Places {
            project: project.to_owned(),
            environment: of.environment.to_owned(),
            path: of.path.to_owned(),
            ..Places::default()
        };
        let places = self.read(&mut response, MAX_LIST, places).await?;
        let place = place(of);
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
}

impl super::Auth {
    /// The token in use, if it is a legacy service token.
    fn service_token(&self) -> Option<Arc<Token>> {
        let state = self.state();
        let ready = state.ready.as_ref().filter(|token| token.is_service);
        ready.filter(|_| state.way.is_none()).map(Arc::clone)
    }

    fn is_confirmed(&self, folder: &(String, String)) -> bool {
        self.state().confirmed.contains(folder)
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
