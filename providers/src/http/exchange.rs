//! One request and its answer. The answer's body is handed on chunk by chunk.

use super::client::{Pool, Ready};
use super::connect::Body;
use super::failure::{self, Failure};
use super::{Budget, HttpClient};
use crate::error::{ErrorKind, ProviderError};
use crate::provider::Context;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{timeout, timeout_at};
use zeroize::Zeroizing;

/// From which length on a body is large.
const LARGE: u64 = 64 << 10;
/// Large bodies that are read at once; what they become takes locked memory meanwhile. For all
/// providers together, as the heap is one.
static LARGE_TURNS: Semaphore = Semaphore::const_new(2);

/// What is asked for.
#[derive(Debug, Default)]
pub struct Request<'a> {
    /// Below the server's address: one segment each, encoded here.
    pub path: &'a [&'a str],
    /// Name and value, encoded here.
    pub query: &'a [(&'a str, &'a str)],
    /// Sent as `Authorization: Bearer …`.
    pub bearer: Option<&'a SecretString>,
    /// Sent as `If-None-Match`, exactly as it was received.
    pub etag: Option<&'a str>,
    /// Whether what is to come is a file's bytes, of any type, rather than JSON.
    pub is_file: bool,
    /// A JSON document to POST; without one it is a GET.
    pub post: Option<Zeroizing<Vec<u8>>>,
}

/// An answer whose body is still to come. Read to its end, it gives its connection back; dropped
/// before, it takes it down.
#[derive(Debug)]
pub struct Response {
    provider: String,
    inner: hyper::Response<Incoming>,
    budget: Budget,
    read: u64,
    connection: Option<Lent>,
    large: Option<SemaphorePermit<'static>>,
}

/// The connection of an answer.
#[derive(Debug)]
struct Lent {
    ready: Ready,
    pool: Arc<Pool>,
}

/// The right to make requests, one after the other, until its time is over.
#[derive(Debug)]
pub struct Turn<'a> {
    /// The time.
    pub budget: Budget,
    _slot: SemaphorePermit<'a>,
}

impl HttpClient {
    /// Waits for a turn. What comes after it takes some 10 KiB of the locked heap while it is under
    /// way: to be made, in a box, only once the turn is there, for a thousand may be waiting.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`]
    pub async fn turn(&self, budget: Budget) -> Result<Turn<'_>, ProviderError> {
        // The semaphore is never closed, so its error says the same.
        match timeout_at(budget.until(), self.slots.acquire()).await {
            Ok(Ok(slot)) => Ok(Turn {
                budget,
                _slot: slot,
            }),
            _ => Err(self.late(budget, "has too much to answer, and was not asked")),
        }
    }

    /// Sends a request and waits for the head of the answer.
    ///
    /// # Errors
    /// [`ErrorKind::Unreachable`], [`ErrorKind::TimedOut`], [`ErrorKind::Denied`] by the sandbox. An
    /// answer of any status but a redirect is none.
    pub async fn send(
        &self,
        request: Request<'_>,
        turn: &Turn<'_>,
        cx: &Context,
    ) -> Result<Response, Failure> {
        let request = self.request(request).map_err(Failure::before)?;
        self.send_built(request, turn, cx).await
    }

    /// The same for an answer of another type.
    ///
    /// # Errors
    /// As [`HttpClient::send`].
    pub async fn send_for(
        &self,
        request: Request<'_>,
        accept: &'static str,
        turn: &Turn<'_>,
        cx: &Context,
    ) -> Result<Response, Failure> {
        let mut request = self.request(request).map_err(Failure::before)?;
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        self.send_built(request, turn, cx).await
    }

    async fn send_built(
        &self,
        request: hyper::Request<Body>,
        turn: &Turn<'_>,
        cx: &Context,
    ) -> Result<Response, Failure> {
        let budget = turn.budget;
        let late = |_| Failure::late(self.late(budget, "did not answer"));
        let exchange = Box::pin(self.exchange(request, budget, cx));
        let (ready, inner) = timeout_at(budget.until(), exchange).await.map_err(late)??;
        if inner.status().is_redirection() && inner.status() != StatusCode::NOT_MODIFIED {
            let error = failure::redirected(&self.endpoint);
            return Err(Failure::late(error));
        }
        let mut response = Response {
            provider: self.endpoint.provider.clone(),
            inner,
            budget,
            read: 0,
            connection: Some(Lent {
                ready,
                pool: self.pool(),
            }),
            large: None,
        };
        if response.inner.body().is_end_stream() {
            response.give_back();
        }
        Ok(response)
    }

    async fn exchange(
        &self,
        mut request: hyper::Request<Body>,
        budget: Budget,
        cx: &Context,
    ) -> Result<(Ready, hyper::Response<Incoming>), Failure> {
        let opened = self.address_to_proxy(&mut request)?;
        let (ready, inner) = self.sent(request, budget, cx).await?;
        if inner.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED && self.proxy().is_some() {
            return Err(self.shut(opened));
        }
        Ok((ready, inner))
    }

    /// In plain http a proxy is told with each request where it goes, and what opens the proxy. Says
    /// whether something does.
    fn address_to_proxy(&self, request: &mut hyper::Request<Body>) -> Result<bool, Failure> {
        let address = self.endpoint.address().map_err(Failure::before)?;
        let Some(proxy) = self.proxy().filter(|_| !address.tls) else {
            return Ok(false);
        };
        let absolute = format!("http://{}{}", address.authority(), request.uri());
        let absolute = absolute.parse();
        *request.uri_mut() = absolute.map_err(|_| Failure::before(self.too_long()))?;
        let authorization = self.opens(proxy)?;
        let opened = authorization.is_some();
        if let Some(authorization) = authorization {
            let headers = request.headers_mut();
            headers.insert(header::PROXY_AUTHORIZATION, authorization);
        }
        Ok(opened)
    }

    async fn sent(
        &self,
        request: hyper::Request<Body>,
        budget: Budget,
        cx: &Context,
    ) -> Result<(Ready, hyper::Response<Incoming>), Failure> {
        let mut ready = self.ready(cx, budget, false).await?;
        let again = (ready.reused && request.method() == Method::GET).then(|| request.clone());
        match ready.connection.sender.send_request(request).await {
            Ok(inner) => Ok((ready, inner)),
            // The server closed it while the request was on its way: no failure of anybody.
            Err(error) if let Some(again) = again.filter(|_| is_stale(&error)) => {
                let mut ready = self.ready(cx, budget, true).await?;
                let inner = ready.connection.sender.send_request(again).await;
                let inner = inner.map_err(|error| self.unanswered(&error))?;
                Ok((ready, inner))
            }
            Err(error) => Err(self.unanswered(&error)),
        }
    }

    fn request(&self, request: Request<'_>) -> Result<hyper::Request<Body>, ProviderError> {
        let address = self.endpoint.address()?;
        let mut built = hyper::Request::new(Body::default());
        let target = address.target(request.path, request.query);
        *built.uri_mut() = target.parse().map_err(|_| self.too_long())?;
        let headers = built.headers_mut();
        let host = HeaderValue::from_str(&address.authority()).map_err(|_| self.too_long())?;
        headers.insert(header::HOST, host);
        let accept = if request.is_file {
            "*/*"
        } else {
            "application/json"
        };
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        let agent = concat!("secretfs/", env!("CARGO_PKG_VERSION"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(agent));
        if let Some(token) = request.bearer {
            headers.insert(header::AUTHORIZATION, self.bearer(token)?);
        }
        if let Some(Ok(etag)) = request.etag.map(HeaderValue::from_str) {
            headers.insert(header::IF_NONE_MATCH, etag);
        }
        if let Some(mut body) = request.post {
            let json = HeaderValue::from_static("application/json");
            headers.insert(header::CONTENT_TYPE, json);
            *built.method_mut() = Method::POST;
            // Moved, not copied; the locked heap wipes it when it is freed.
            *built.body_mut() = Body::new(Bytes::from(std::mem::take(&mut *body)));
        }
        Ok(built)
    }

    fn too_long(&self) -> ProviderError {
        ProviderError::new(
            ErrorKind::Unsupported,
            format!(
                "provider {}: no address can be made of the reference",
                self.endpoint.provider
            ),
            "shorten names and paths in the map",
        )
    }

    fn bearer(&self, token: &SecretString) -> Result<HeaderValue, ProviderError> {
        secretfs_memory::residue::mark();
        let mut text = Zeroizing::new(Vec::with_capacity(token.expose_secret().len() + 7));
        text.extend_from_slice(b"Bearer ");
        text.extend_from_slice(token.expose_secret().as_bytes());
        let mut value = HeaderValue::from_bytes(&text).map_err(|_| {
            ProviderError::new(
                ErrorKind::Refused,
                format!(
                    "provider {}: the token has characters that no header can carry",
                    self.endpoint.provider
                ),
                "give it without line breaks",
            )
        })?;
        value.set_sensitive(true);
        Ok(value)
    }

    fn unanswered(&self, error: &hyper::Error) -> Failure {
        Failure::of(&self.endpoint, self.proxy(), error)
    }

    fn late(&self, budget: Budget, what: &str) -> ProviderError {
        late(&self.endpoint.provider, budget, what)
    }
}

/// Whether a connection that was used before had been closed by its server.
fn is_stale(error: &hyper::Error) -> bool {
    error.is_canceled() || error.is_incomplete_message() || error.is_closed()
}

fn late(provider: &str, budget: Budget, what: &str) -> ProviderError {
    ProviderError::new(
        ErrorKind::TimedOut,
        format!(
            "provider {provider}: the server {what} within {} s",
            budget.seconds()
        ),
        "see whether the server is well, or raise `open_timeout`",
    )
}

impl Response {
    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.inner.status().as_u16()
    }

    fn header(&self, name: HeaderName) -> Option<&str> {
        self.inner.headers().get(name)?.to_str().ok()
    }

    /// The `ETag`, exactly as it was received.
    #[must_use]
    pub fn etag(&self) -> Option<Box<str>> {
        self.header(header::ETAG).map(Box::from)
    }

    /// `Retry-After` in seconds (no server of ours sends the form with a date).
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let seconds = self.header(header::RETRY_AFTER)?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    }

    /// Whether there is a header of this name (in small letters).
    #[must_use]
    pub fn has(&self, name: &'static str) -> bool {
        self.inner.headers().contains_key(name)
    }

    fn kind(&self) -> &str {
        let kind = self.header(header::CONTENT_TYPE).unwrap_or_default();
        kind.split(';').next().unwrap_or_default().trim()
    }

    /// Whether the body says that it is of this type.
    #[must_use]
    pub fn is_kind(&self, kind: &str) -> bool {
        self.kind().eq_ignore_ascii_case(kind)
    }

    /// Whether the body says that it is JSON. A proxy's or a portal's page does not.
    #[must_use]
    pub fn is_json(&self) -> bool {
        let kind = self.kind();
        kind.eq_ignore_ascii_case("application/json")
            || kind
                .get(kind.len().saturating_sub(5)..)
                .is_some_and(|end| end.eq_ignore_ascii_case("+json"))
    }

    /// The next piece of a body that need not end, and is not kept; `None`: it has ended. Waits for
    /// `within`, however long the call that it began in may take.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`], or the connection broke.
    pub async fn piece(&mut self, within: Duration) -> Result<Option<Bytes>, ProviderError> {
        let provider = &self.provider;
        loop {
            let next = timeout(within, self.inner.body_mut().frame()).await;
            let silent = |_| late(provider, self.budget.at_most(within), "said nothing");
            let Some(frame) = next.map_err(silent)? else {
                return Ok(None);
            };
            let frame = frame.map_err(|_| failure::broken_off(provider))?;
            if let Ok(piece) = frame.into_data() {
                secretfs_memory::residue::mark();
                return Ok(Some(piece));
            }
        }
    }

    /// The next piece of the body; `None`: it is complete. At most `limit` bytes in all.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`], [`ErrorKind::TimedOut`], or the connection broke: what ends early is
    /// never an answer.
    pub async fn chunk(&mut self, limit: u64) -> Result<Option<Bytes>, ProviderError> {
        let provider = &self.provider;
        let length = self.inner.body().size_hint().exact();
        let budget = self.budget;
        if length.is_some_and(|length| length > limit) {
            return Err(too_large(provider, limit));
        }
        if self.large.is_none() && length.is_none_or(|length| length > LARGE) {
            let turn = timeout_at(budget.until(), LARGE_TURNS.acquire()).await;
            let turn = turn.map_err(|_| late(provider, budget, "was not listened to"))?;
            self.large = turn.ok();
        }
        loop {
            let next = timeout_at(budget.until(), self.inner.body_mut().frame()).await;
            let Some(frame) =
                next.map_err(|_| late(provider, budget, "did not finish its answer"))?
            else {
                self.give_back();
                return Ok(None);
            };
            let frame = frame.map_err(|_| failure::broken_off(provider))?;
            // Trailers say nothing here.
            let Ok(piece) = frame.into_data() else {
                continue;
            };
            let more = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            self.read = self.read.saturating_add(more);
            if self.read > limit {
                return Err(too_large(provider, limit));
            }
            secretfs_memory::residue::mark();
            return Ok(Some(piece));
        }
    }

    /// The answer is complete: its connection may serve another.
    fn give_back(&mut self) {
        if let Some(Lent { ready, pool }) = self.connection.take() {
            pool.put(ready.connection, ready.epoch);
        }
    }

    /// A small body as a whole.
    ///
    /// # Errors
    /// As [`Response::chunk`].
    pub async fn small(&mut self, limit: usize) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
        let mut body = Zeroizing::new(Vec::new());
        let most = u64::try_from(limit).unwrap_or(u64::MAX);
        while let Some(piece) = self.chunk(most).await? {
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }
}

fn too_large(provider: &str, limit: u64) -> ProviderError {
    ProviderError::new(
        ErrorKind::TooLarge,
        format!("provider {provider}: the server's answer is larger than {limit} bytes"),
        "raise `max_size` in the map if the secret is that large",
    )
}
