//! The server: what a request goes through before it is answered.

use super::build::File;
use super::refusal::Refusal;
use super::route::{self, Route};
use super::world::{Scope, Stored, Vault, World};
use super::{TOKEN, asked, filter, ids, lie, shape};
use crate::http_sim::clock::Clock;
use crate::http_sim::{Answer, Reply, Request};
use serde_json::{Value, json};

/// The most bytes of a file that come inline (`OP_MAX_INLINE_FILE_SIZE_KB`, here 1).
const MAX_INLINE: usize = 1024;

/// The state of a server.
#[derive(Debug)]
pub struct Site {
    pub(super) world: World,
    pub(super) clock: Clock,
    pub(super) token: String,
    pub(super) scope: Scope,
    pub(super) prefix: String,
    /// Whether filters let everything through.
    pub(super) is_loose: bool,
    pub(super) retry_after: Option<u64>,
    /// What it says of its version. Those before 1.3.0 say none; they make no codes either.
    pub(super) version: Option<String>,
}

impl Site {
    pub(super) fn new() -> Self {
        Self {
            world: World::default(),
            clock: Clock::default(),
            token: TOKEN.to_owned(),
            scope: Scope::All,
            prefix: String::new(),
            is_loose: false,
            retry_after: None,
            version: Some("1.7.1".to_owned()),
        }
    }

    fn handle(&self, route: Route, ids: &[String], request: &Request) -> Result<Answer, Refusal> {
        match route {
            Route::Unknown => return Err(Refusal::new(404, "not found")),
            Route::Heartbeat => return Ok(Answer::new(200, "text/plain", b".".to_vec())),
            Route::Health => {
                let body = json!({"name": "1Password Connect API", "version": "1.7.1",
                    "dependencies": [{"service": "sync", "status": "ACTIVE", "message": ""}]});
                return Ok(Answer::json(200, &body));
            }
            _ => {}
        }
        let expected = format!("Bearer {}", self.token);
        if request.header("authorization") != Some(&expected) {
            return Err(Refusal::new(401, "Invalid bearer token"));
        }
        if route == Route::Vaults {
            return self.vaults(request);
        }
        let (Some(vault), rest) = (ids.first(), ids.get(1..).unwrap_or_default()) else {
            return Err(Refusal::new(400, "Invalid Vault UUID"));
        };
        if !ids::is(vault) {
            return Err(Refusal::new(400, "Invalid Vault UUID"));
        }
        let known = self.world.vault(vault).filter(|_| self.scope.has(vault));
        let vault = known.ok_or_else(|| Refusal::no_access(vault))?;
        let Some((item, rest)) = rest.split_first() else {
            return match route {
                Route::Vault => Ok(Answer::json(200, &shape::vault(vault))),
                _ => self.items(vault, request),
            };
        };
        if !ids::is(item) {
            return Err(Refusal::new(400, "Invalid Item UUID"));
        }
        let found = vault.item(item);
        let stored = found.ok_or_else(|| Refusal::not_found("item", item))?;
        let Some(file) = rest.first() else {
            let inline = request.parameter("inline_files") == Some("true");
            return match route {
                Route::Item => {
                    let has_codes = self.version.is_some();
                    let item = shape::item(vault, stored, self.clock.now(), has_codes);
                    Ok(Answer::json(200, &item))
                }
                _ if inline
                    && stored
                        .item
                        .files
                        .iter()
                        .any(|f| f.content.len() > MAX_INLINE) =>
                {
                    Err(Refusal::broken(413))
                }
                _ => Ok(Answer::json(200, &shape::files(vault, stored))),
            };
        };
        let found = stored.item.files.iter().find(|one| one.id == *file);
        let file = found.ok_or_else(|| Refusal::not_found("file", file))?;
        self.file(route, vault, stored, file)
    }

    fn file(
        &self,
        route: Route,
        vault: &Vault,
        stored: &Stored,
        file: &File,
    ) -> Result<Answer, Refusal> {
        if route == Route::File {
            return Ok(Answer::json(200, &shape::file(vault, stored, file)));
        }
        let name = format!("attachment; filename={:?}", file.name);
        let content = file.content.clone();
        let answer = Answer::new(200, "application/octet-stream", content);
        Ok(answer.with("content-disposition", name))
    }

    fn vaults(&self, request: &Request) -> Result<Answer, Refusal> {
        let name = self.wanted(request, &["name", "title"])?;
        let vaults = self.world.vaults.iter();
        let all: Vec<Value> = vaults
            .filter(|vault| self.scope.has(&vault.id) && self.is(&vault.name, name.as_deref()))
            .map(shape::vault)
            .collect();
        Ok(Answer::json(200, &all))
    }

    fn items(&self, vault: &Vault, request: &Request) -> Result<Answer, Refusal> {
        let title = self.wanted(request, &["title"])?;
        let items = vault.items.iter();
        let all: Vec<Value> = items
            .filter(|stored| self.is(&stored.item.title, title.as_deref()))
            .map(|stored| shape::summary(vault, stored))
            .collect();
        Ok(Answer::json(200, &all))
    }

    /// What the filter asks for; `None`: there is none.
    fn wanted(&self, request: &Request, by: &[&str]) -> Result<Option<String>, Refusal> {
        match request.parameter("filter") {
            None => Ok(None),
            Some(text) => match filter::equals(text, by) {
                Some(text) => Ok(Some(text)),
                None => Err(Refusal::new(400, "Invalid filter")),
            },
        }
    }

    /// Whether a name is the wanted one. Probably without regard to case (contract §1.4).
    fn is(&self, name: &str, wanted: Option<&str>) -> bool {
        self.is_loose || wanted.is_none_or(|wanted| wanted.to_lowercase() == name.to_lowercase())
    }

    fn finish(&self, answer: Answer) -> Answer {
        match &self.version {
            Some(version) => answer.with("1Password-Connect-Version", version.clone()),
            None => answer,
        }
    }
}

impl crate::http_sim::Site for Site {
    type Route = Route;

    fn route(&self, request: &Request) -> Route {
        route::of(request, &self.prefix).0
    }

    fn answer(&mut self, route: Route, request: &Request) -> Reply {
        let (_, ids) = route::of(request, &self.prefix);
        let mut violations = asked::violations(route, &ids, request);
        let answer = self.handle(route, &ids, request).unwrap_or_else(|refusal| {
            if refusal.message == "Invalid filter" {
                violations.push("a filter that is no `eq` of one quoted text".into());
            }
            refusal.answer()
        });
        Reply {
            answer: self.finish(answer),
            violations,
        }
    }

    fn lie(&mut self, route: Route, request: &Request) -> Reply {
        let Reply { answer, violations } = self.answer(route, request);
        Reply {
            answer: lie::about(route, answer),
            violations,
        }
    }

    fn broken(&mut self, status: u16) -> Answer {
        let answer = Refusal::broken(status).answer();
        let answer = match self.retry_after.filter(|_| status == 429) {
            Some(seconds) => answer.with("retry-after", seconds.to_string()),
            None => answer,
        };
        self.finish(answer)
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }
}
