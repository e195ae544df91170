//! The server: what a request goes through before it is answered, in the order of the real one.

use super::Generation;
use super::accounts::{Accounts, Actor};
use super::asked::Asked;
use super::events::Events;
use super::ids::Ids;
use super::limiter::Limiter;
use super::refusal::{self, Refusal};
use super::route::{self, Route};
use super::world::World;
use super::{etag, lie};
use crate::http_sim::clock::Clock;
use crate::http_sim::{Answer, Reply, Request};

/// The state of a server.
#[derive(Debug)]
pub struct Site {
    pub(super) generation: Generation,
    pub(super) world: World,
    pub(super) accounts: Accounts,
    pub(super) ids: Ids,
    pub(super) clock: Clock,
    pub(super) limiter: Option<Limiter>,
    /// Whether the database is down: 500 with the name of the query that failed.
    pub(super) is_database_down: bool,
    /// Whether there is maintenance: what writes fails.
    pub(super) is_in_maintenance: bool,
    pub(super) events: Events,
}

impl Site {
    pub(super) fn new(generation: Generation) -> Self {
        Self {
            generation,
            world: World::default(),
            accounts: Accounts::default(),
            ids: Ids::default(),
            clock: Clock::default(),
            limiter: None,
            is_database_down: false,
            is_in_maintenance: false,
            events: Events::default(),
        }
    }

    fn handle(&mut self, route: Route, asked: &mut Asked<'_>) -> Result<Answer, Refusal> {
        let request = asked.request;
        match route {
            Route::Unknown => {
                asked.wrong("no server has this route, or no reader should call it");
                return Ok(refusal::no_route(&request.method, &request.target));
            }
            Route::Absent => return Ok(refusal::no_route(&request.method, &request.target)),
            Route::Status => return Ok(status()),
            _ => {}
        }
        if !request.body.is_empty() && request.method != "POST" {
            asked.wrong("a body where none belongs");
        }
        let signs_in = matches!(
            route,
            Route::Login | Route::MachineLogin | Route::Renew | Route::Revoke
        );
        if signs_in {
            asked.knows_only(&[]);
            if request.header("authorization").is_some() {
                asked.wrong("an Authorization header where none belongs");
            }
        }
        if self.is_in_maintenance
            && request.method == "POST"
            && !matches!(route, Route::Login | Route::Renew)
        {
            return Err(Refusal::internal());
        }
        if self.is_database_down {
            let error = if signs_in {
                "Find one"
            } else {
                "IdAccessTokenFindOne"
            };
            return Err(Refusal::new(500, error, "Something went wrong"));
        }
        match route {
            Route::Login => return self.universal(asked),
            Route::MachineLogin => return self.machine(asked),
            Route::Renew => return self.renew(asked),
            Route::Revoke => return self.revoke(asked),
            _ => {}
        }
        let actor = self.enter(asked)?;
        match route {
            Route::SecretSingle => self.single(asked, &actor),
            Route::SecretById => self.by_id(asked, &actor),
            Route::SecretList => self.list(asked, &actor),
            Route::Folders => self.folders(asked, &actor),
            Route::Imports => self.imports(asked, &actor),
            Route::Projects => Ok(self.projects(asked, &actor)),
            Route::Project => self.project(asked, &actor),
            _ => self.subscribe(asked, &actor),
        }
    }

    /// Who asks (contract §2, "Auth error matrix").
    fn enter(&mut self, asked: &mut Asked<'_>) -> Result<Actor, Refusal> {
        let given = asked.request.headers.iter();
        let given: Vec<_> = given.filter(|(name, _)| name == "authorization").collect();
        let Some((_, first)) = given.first() else {
            asked.wrong("no Authorization header");
            return Err(Refusal::unauthorized("Token missing"));
        };
        if given.len() > 1 {
            asked.wrong("several Authorization headers");
        }
        if !first.starts_with("Bearer ") {
            asked.wrong("an Authorization header without `Bearer `");
        }
        // The server takes the seven bytes for granted.
        let token = first.get(7..).unwrap_or_default();
        self.accounts.enter(token, self.clock.now())
    }
}

fn status() -> Answer {
    Answer::json(200, &serde_json::json!({"message": "Ok"}))
}

impl crate::http_sim::Site for Site {
    type Route = Route;

    fn route(&self, request: &Request) -> Route {
        route::of(request, self.generation)
    }

    fn answer(&mut self, route: Route, request: &Request) -> Reply {
        let mut asked = Asked::new(request);
        let now = self.clock.now();
        let limited = self.limiter.as_mut().map(|l| l.count(route, request, now));
        let answer = match &limited {
            Some(limited) if limited.is_over => limited.refusal().answer(),
            _ => self
                .handle(route, &mut asked)
                .unwrap_or_else(|refusal| refusal.answer()),
        };
        let answer = etag::apply(answer, &mut asked);
        let answer = match &limited {
            Some(limited) => limited.mark(answer),
            None => answer,
        };
        Reply {
            answer,
            violations: asked.violations,
        }
    }

    fn lie(&mut self, route: Route, request: &Request) -> Reply {
        let Reply { answer, violations } = self.answer(route, request);
        Reply {
            answer: lie::about(answer),
            violations,
        }
    }

    fn broken(&mut self, status: u16) -> Answer {
        Refusal {
            status,
            ..Refusal::internal()
        }
        .answer()
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }
}
