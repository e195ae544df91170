//! The connections to one server: made when they are needed, kept for a second, dropped at lock.

use super::connect::{Connection, Via, connect};
use super::failure::{Cause, Failure};
use super::proxy::{Authorization, Proxies, Proxy};
use super::roots::{self, Roots};
use super::{Budget, Endpoint};
use crate::provider::Context;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// How long an unused connection stays: long enough for the list that follows a single request, and
/// no longer, because TLS keeps the last bytes it decrypted until then.
const IDLE: Duration = Duration::from_secs(1);
/// Connections that stay that long.
const IDLE_CONNECTIONS: usize = 2;
/// Calls under way at once. Each has a connection, whose buffers are in the locked heap.
const AT_ONCE: usize = 6;

/// Speaks to one server.
pub struct HttpClient {
    pub(super) endpoint: Endpoint,
    proxies: Arc<Proxies>,
    /// The one that the server is reached through.
    proxy: Option<Proxy>,
    pool: Arc<Pool>,
    roots: Arc<tokio::sync::Mutex<Option<Roots>>>,
    pub(super) slots: Semaphore,
}

/// The connections that nobody uses now.
#[derive(Debug, Default)]
pub(super) struct Pool(Mutex<Idle>);

#[derive(Debug, Default)]
struct Idle {
    /// With the end of its time.
    connections: Vec<(Instant, Connection)>,
    /// Whether a task is there that drops those whose time is over. One for all: a fast server gives
    /// thousands back in a second, and a task for each would fill the locked heap.
    is_swept: bool,
    /// Counts the locks: what was under way over one is not kept.
    epoch: u64,
}

impl Pool {
    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn epoch(&self) -> u64 {
        self.idle().epoch
    }

    fn take(&self) -> Option<Connection> {
        let mut idle = self.idle();
        while let Some((_, connection)) = idle.connections.pop() {
            if !connection.sender.is_closed() {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps a connection for a while. To be called on the runtime.
    pub(super) fn put(self: &Arc<Self>, connection: Connection, epoch: u64) {
        let mut idle = self.idle();
        if idle.epoch != epoch
            || idle.connections.len() >= IDLE_CONNECTIONS
            || connection.sender.is_closed()
        {
            return;
        }
        idle.connections.push((Instant::now() + IDLE, connection));
        if std::mem::replace(&mut idle.is_swept, true) {
            return;
        }
        drop(idle);
        let pool = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(next) = pool.upgrade().and_then(|pool| pool.sweep()) {
                tokio::time::sleep_until(next).await;
            }
        });
    }

    /// Drops what nobody used in time; when to look again, if there is anything left.
    fn sweep(&self) -> Option<Instant> {
        let mut idle = self.idle();
        let now = Instant::now();
        idle.connections.retain(|(until, _)| *until > now);
        let next = idle.connections.iter().map(|(until, _)| *until).min();
        idle.is_swept = next.is_some();
        next
    }

    fn forget(&self) {
        let mut idle = self.idle();
        idle.epoch += 1;
        let connections = std::mem::take(&mut idle.connections);
        drop(idle);
        drop(connections);
    }
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpClient")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// A connection for one request.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) connection: Connection,
    /// It was used before: the server may have closed it in this moment.
    pub(super) reused: bool,
    /// To give it back with.
    pub(super) epoch: u64,
}

impl HttpClient {
    /// A client of that server. Nothing is opened, read or resolved yet.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            proxies: Arc::default(),
            proxy: None,
            pool: Arc::default(),
            roots: Arc::default(),
            slots: Semaphore::new(AT_ONCE),
        }
    }

    /// The same, through one of these proxies, if the server is reached through one.
    #[must_use]
    pub fn through(mut self, proxies: &Arc<Proxies>) -> Self {
        let address = self.endpoint.address().ok();
        let proxy = address.and_then(|to| proxies.settings().of(to.tls, &to.host));
        self.proxy = proxy.cloned();
        self.proxies = Arc::clone(proxies);
        self
    }

    /// A client of the same server with connections and turns of its own.
    #[must_use]
    pub fn sibling(&self) -> Self {
        Self {
            endpoint: self.endpoint.clone(),
            proxies: Arc::clone(&self.proxies),
            proxy: self.proxy.clone(),
            pool: Arc::default(),
            roots: Arc::clone(&self.roots),
            slots: Semaphore::new(AT_ONCE),
        }
    }

    /// The proxy on the way, where there is one.
    pub(super) fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// Where it speaks to.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Drops the connections, and what they have decrypted last. Does not wait.
    pub fn forget(&self) {
        self.pool.forget();
    }

    pub(super) fn pool(&self) -> Arc<Pool> {
        Arc::clone(&self.pool)
    }

    /// A connection: one that is there, or a new one.
    pub(super) async fn ready(
        &self,
        cx: &Context,
        budget: Budget,
        fresh: bool,
    ) -> Result<Ready, Failure> {
        let epoch = self.pool.epoch();
        if !fresh
            && let Some(mut connection) = self.pool.take()
            && connection.sender.ready().await.is_ok()
        {
            return Ok(Ready {
                connection,
                reused: true,
                epoch,
            });
        }
        // Boxed, here and on its way: a handshake in another would not fit the stack of a debug build.
        let connection = Box::pin(self.connect(cx, budget)).await?;
        Ok(Ready {
            connection,
            reused: false,
            epoch,
        })
    }

    async fn connect(&self, cx: &Context, budget: Budget) -> Result<Connection, Failure> {
        let address = self.endpoint.address().map_err(Failure::before)?;
        let roots = match address.tls || self.proxy.as_ref().is_some_and(Proxy::tls) {
            true => Some(self.roots(cx).await?),
            false => None,
        };
        let (via, opened) = match &self.proxy {
            Some(proxy) => {
                let authorization = self.opens(proxy)?;
                let opened = authorization.is_some();
                // In plain http it is a part of each request instead.
                let authorization = authorization.filter(|_| address.tls);
                let via = Via {
                    proxy,
                    authorization,
                };
                (Some(via), opened)
            }
            None => (None, false),
        };
        // A little before the end of the call, so that it is told what did not answer.
        let limit = budget.left().mul_f32(0.95);
        let connected = connect(address, via, roots.as_ref(), cx.host.as_ref(), limit);
        let connected = Box::pin(connected).await;
        connected.map_err(|cause| match cause {
            Cause::Tunnel(407) => self.shut(opened),
            cause => self.unsent(&cause),
        })
    }

    /// What opens the proxy.
    pub(super) fn opens(
        &self,
        proxy: &Proxy,
    ) -> Result<Option<hyper::header::HeaderValue>, Failure> {
        match self.proxies.authorization(proxy) {
            Authorization::None => Ok(None),
            Authorization::Basic(value) => Ok(Some(value)),
            Authorization::Refused => Err(self.unsent(&Cause::ProxyRefused)),
        }
    }

    /// The proxy wants a user and a password (407); `opened`: others than these.
    pub(super) fn shut(&self, opened: bool) -> Failure {
        let Some(proxy) = self.proxy.as_ref().filter(|_| opened) else {
            return self.unsent(&Cause::ProxyShut);
        };
        self.proxies.refused(proxy);
        self.unsent(&Cause::ProxyRefused)
    }

    fn unsent(&self, cause: &Cause) -> Failure {
        Failure::unsent(&self.endpoint, self.proxy(), cause)
    }

    /// Whom to trust: read once, when it is first needed.
    async fn roots(&self, cx: &Context) -> Result<Roots, Failure> {
        // One reads, the others wait for that one.
        let mut roots = self.roots.lock().await;
        if let Some(roots) = &*roots {
            return Ok(roots.clone());
        }
        let read = roots::read(&self.endpoint, cx.host.as_ref()).await;
        let read = read.map_err(Failure::before)?;
        Ok(roots.insert(read).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::host::{Host, HostAnswer, HostError, HostRequest};
    use crate::http::Request;
    use crate::provider::BoxFuture;
    use secretfs_memory::sealed::SealedPool;
    use std::time::Instant;

    struct Nobody;

    impl Host for Nobody {
        fn ask(&self, _: HostRequest) -> BoxFuture<'_, Result<HostAnswer, HostError>> {
            Box::pin(async { Err(HostError::NoAnswer) })
        }
    }

    /// What a call is made of lies on the stack of a debug build several times over; the daemon's has
    /// 512 KiB, and one handshake in another overflowed it.
    #[tokio::test]
    async fn a_request_on_its_way_is_small() {
        let client = HttpClient::new(Endpoint::new("p", 0, "https://x", false, false));
        let cx = Context {
            pool: SealedPool::new(64 << 10, true).unwrap(),
            deadline: Instant::now(),
            host: Arc::new(Nobody),
            clock: Arc::new(SystemClock),
        };
        let turn = client.turn(Budget::of(&cx)).await.unwrap();
        let sending = client.send(Request::default(), &turn, &cx);
        assert!(std::mem::size_of_val(&sending) < 2048);
    }
}
