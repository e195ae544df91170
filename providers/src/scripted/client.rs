//! The provider's end: one connection for each call, streamed into sealed areas.

use super::link::Link;
use super::wire::{Event, Op, Request};
use crate::credential::{Credential, CredentialOffer};
use crate::error::{ErrorKind, ProviderError};
use crate::host::{HostAnswer, HostRequest};
use crate::provider::{
    Answer, BoxFuture, Context, Fetched, Health, Provider, Validator, Wanted, unsupported,
};
use crate::reference::{FolderReference, Reference};
use secrecy::{ExposeSecret, SecretString};
use secretfs_memory::sealed::SealedPool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::net::UnixStream;

/// A provider whose answers a test decides.
#[derive(Debug)]
pub struct ScriptedProvider {
    name: String,
    index: u16,
    socket: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    token: Option<SecretString>,
    health: Health,
}

impl ScriptedProvider {
    /// The provider `name`, at `index` in the map's list, whose simulator listens on `socket`.
    #[must_use]
    pub fn new(name: &str, index: u16, socket: &str) -> Self {
        Self {
            name: name.to_owned(),
            index,
            socket: socket.to_owned(),
            state: Mutex::new(State {
                token: None,
                health: Health::Unknown,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request(&self, op: Op, names: Vec<String>) -> Request {
        Request {
            op,
            validators: vec![None; names.len()],
            names,
            environment: None,
            token: self
                .state()
                .token
                .as_ref()
                .map(|token| token.expose_secret().to_owned()),
        }
    }

    /// Runs one call against the simulator, within the deadline, and remembers how it went.
    async fn call(
        &self,
        request: Request,
        limits: &[usize],
        cx: &Context,
    ) -> Result<Reply, ProviderError> {
        let left = cx.deadline.saturating_duration_since(cx.clock.now());
        let result = tokio::time::timeout(left, self.exchange(request, limits, cx))
            .await
            .unwrap_or_else(|_| Err(self.error(ErrorKind::TimedOut, "did not answer in time")));
        self.state().health = match &result {
            Ok(_) => Health::Good,
            Err(e) if e.kind == ErrorKind::NoCredential => Health::NeedsCredential,
            Err(e) => Health::Failing(e.clone()),
        };
        result
    }

    async fn exchange(
        &self,
        request: Request,
        limits: &[usize],
        cx: &Context,
    ) -> Result<Reply, ProviderError> {
        let broken = |_| self.error(ErrorKind::Unreachable, "broke the connection");
        let answer = cx
            .host
            .ask(HostRequest::ConnectScripted {
                provider: self.index,
            })
            .await
            .map_err(|_| self.error(ErrorKind::Unreachable, "cannot be connected to"))?;
        let HostAnswer::Fd(fd) = answer else {
            return Err(self.error(ErrorKind::Protocol, "got no connection"));
        };
        let stream = std::os::unix::net::UnixStream::from(fd);
        stream.set_nonblocking(true).map_err(broken)?;
        let mut link = Link::new(UnixStream::from_std(stream).map_err(broken)?, &self.name);
        let body = serde_json::to_vec(&request)
            .map_err(|_| self.error(ErrorKind::Protocol, "cannot be asked that"))?;
        link.send(&body).await?;
        self.receive(&request, limits, &mut link, cx).await
    }

    /// Reads events until [`Event::Done`]. Anything before it that ends early is an error: never a
    /// partial value.
    async fn receive(
        &self,
        request: &Request,
        limits: &[usize],
        link: &mut Link<'_>,
        cx: &Context,
    ) -> Result<Reply, ProviderError> {
        let nonsense = || self.error(ErrorKind::Protocol, "gave an answer that makes no sense");
        let mut reply = Reply::default();
        // Several values of one folder share its limit.
        let mut left = limits.first().copied().unwrap_or(usize::MAX);
        loop {
            let event = link.event().await?;
            match event {
                Event::Done => return Ok(reply),
                Event::Refused { kind } => return Err(self.error(kind, "refused the call")),
                Event::Names(names) => reply.names = names,
                Event::Unchanged { index } => {
                    reply
                        .items
                        .push((index, String::new(), Ok(Answer::Unchanged)));
                }
                Event::Failed { index, kind } => {
                    let name = request.names.get(index).ok_or_else(nonsense)?;
                    let error = self.error(kind, &format!("failed on {name:?}"));
                    reply.items.push((index, name.clone(), Err(error)));
                }
                Event::Value {
                    index,
                    name,
                    modified_ms,
                    validator,
                    max_age_ms,
                } => {
                    let folder = request.op == Op::FetchFolder;
                    if !folder && request.names.get(index) != Some(&name) {
                        return Err(nonsense());
                    }
                    let max = if folder {
                        left
                    } else {
                        limits.get(index).copied().ok_or_else(nonsense)?
                    };
                    let writer = cx.pool.writer(None, max);
                    let answer = match link.value(writer, &name).await? {
                        Ok(value) => {
                            left = left.saturating_sub(value.len());
                            Ok(Answer::Value(Fetched {
                                value,
                                modified: modified_ms
                                    .map(|ms| SystemTime::UNIX_EPOCH + Duration::from_millis(ms)),
                                validator: validator.map(|v| Validator(v.into())),
                                max_age: max_age_ms.map(Duration::from_millis),
                            }))
                        }
                        Err(e) => Err(e),
                    };
                    reply.items.push((index, name, answer));
                }
                Event::End => return Err(nonsense()),
            }
        }
    }

    fn error(&self, kind: ErrorKind, what: &str) -> ProviderError {
        super::link::error(&self.name, kind, what)
    }

    fn name_of(reference: &Reference) -> Result<String, ProviderError> {
        match reference {
            Reference::Scripted(r) => Ok(r.name.clone()),
            _ => Err(unsupported("scripted", "read another provider's reference")),
        }
    }
}

#[derive(Default)]
struct Reply {
    items: Vec<(usize, String, Result<Answer, ProviderError>)>,
    names: Vec<String>,
}

impl Provider for ScriptedProvider {
    fn kind(&self) -> &'static str {
        "scripted"
    }

    fn origin(&self) -> String {
        format!("unix://{}", self.socket)
    }

    fn fetch<'a>(
        &'a self,
        wanted: &'a Wanted,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Answer, ProviderError>> {
        Box::pin(async move {
            let mut request = self.request(Op::Fetch, vec![Self::name_of(&wanted.reference)?]);
            request.validators = vec![wanted.validator.as_ref().map(|v| v.0.to_string())];
            let reply = self.call(request, &[wanted.max_size], cx).await?;
            let mut items = reply.items.into_iter();
            match (items.next(), items.next()) {
                (Some((_, _, answer)), None) => answer,
                _ => Err(self.error(ErrorKind::Protocol, "did not answer with one secret")),
            }
        })
    }

    fn fetch_many<'a>(
        &'a self,
        wanted: &'a [Wanted],
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<Result<Answer, ProviderError>>, ProviderError>> {
        Box::pin(async move {
            let names = wanted
                .iter()
                .map(|one| Self::name_of(&one.reference))
                .collect::<Result<Vec<_>, _>>()?;
            let limits: Vec<usize> = wanted.iter().map(|one| one.max_size).collect();
            let mut request = self.request(Op::FetchMany, names);
            request.validators = wanted
                .iter()
                .map(|one| one.validator.as_ref().map(|v| v.0.to_string()))
                .collect();
            let mut reply = self.call(request, &limits, cx).await?;
            Ok((0..wanted.len())
                .map(|index| {
                    let at = reply.items.iter().position(|(i, _, _)| *i == index);
                    at.map_or_else(
                        || Err(self.error(ErrorKind::Missing, "left a secret out")),
                        |at| reply.items.swap_remove(at).2,
                    )
                })
                .collect())
        })
    }

    fn fetch_folder<'a>(
        &'a self,
        folder: &'a FolderReference,
        max_size: usize,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<(String, Fetched)>, ProviderError>> {
        Box::pin(async move {
            let mut request = self.request(Op::FetchFolder, vec![folder.path.clone()]);
            request.environment.clone_from(&folder.environment);
            let reply = self.call(request, &[max_size], cx).await?;
            let mut values = Vec::with_capacity(reply.items.len());
            for (_, name, answer) in reply.items {
                match answer? {
                    Answer::Value(fetched) => values.push((name, fetched)),
                    Answer::Unchanged | Answer::Apart => {
                        return Err(self.error(ErrorKind::Protocol, "has nothing to compare with"));
                    }
                }
            }
            Ok(values)
        })
    }

    fn list<'a>(
        &'a self,
        folder: &'a FolderReference,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<String>, ProviderError>> {
        Box::pin(async move {
            let mut request = self.request(Op::List, vec![folder.path.clone()]);
            request.environment.clone_from(&folder.environment);
            Ok(self.call(request, &[], cx).await?.names)
        })
    }

    fn member(&self, folder: &FolderReference, name: &str) -> Reference {
        let place = folder.path.trim_matches('/');
        let name = if place.is_empty() {
            name.to_owned()
        } else {
            format!("{place}/{name}")
        };
        Reference::Scripted(super::Reference { name })
    }

    fn check<'a>(
        &'a self,
        reference: &'a Reference,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(async move {
            let request = self.request(Op::Check, vec![Self::name_of(reference)?]);
            let reply = self.call(request, &[], cx).await?;
            match reply.items.into_iter().next() {
                Some((_, _, Err(e))) => Err(e),
                _ => Ok(()),
            }
        })
    }

    fn supply(&self, offer: CredentialOffer, _: &Arc<SealedPool>) -> Result<(), ProviderError> {
        if offer.origin != self.origin() {
            return Err(self.error(ErrorKind::Refused, "takes no credential of another origin"));
        }
        match offer.credential {
            Credential::Token(token) => {
                self.state().token = Some(token);
                Ok(())
            }
            _ => Err(self.error(ErrorKind::Refused, "takes a token only")),
        }
    }

    fn health(&self) -> Health {
        self.state().health.clone()
    }

    fn forget(&self) {
        self.state().token = None;
    }
}
