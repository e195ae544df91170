//! The connections to one server: made when they are needed, kept for a second, dropped at lock.

use super::Endpoint;
use super::connect::{Connection, connect};
use super::failure::Failure;
use super::roots::{self, Roots};
use crate::provider::Context;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

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
    pool: Arc<Pool>,
    roots: tokio::sync::Mutex<Option<Roots>>,
    pub(super) slots: Semaphore,
}

/// The connections that nobody uses now.
#[derive(Debug, Default)]
pub(super) struct Pool(Mutex<Idle>);

#[derive(Debug, Default)]
struct Idle {
    /// With the number that says whether one was used since.
    connections: Vec<(u64, Connection)>,
    next: u64,
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
        let number = idle.next;
        idle.next += 1;
        idle.connections.push((number, connection));
        drop(idle);
        let pool = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(IDLE).await;
            if let Some(pool) = pool.upgrade() {
                pool.idle().connections.retain(|(of, _)| *of != number);
            }
        });
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
            pool: Arc::default(),
            roots: tokio::sync::Mutex::new(None),
            slots: Semaphore::new(AT_ONCE),
        }
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
    pub(super) async fn ready(&self, cx: &Context, fresh: bool) -> Result<Ready, Failure> {
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
        let address = self.endpoint.address().map_err(Failure::before)?;
        let roots = match address.tls {
            true => Some(self.roots(cx).await?),
            false => None,
        };
        let connection = connect(address, roots.as_ref(), cx.host.as_ref())
            .await
            .map_err(|cause| Failure::unsent(&self.endpoint, &cause))?;
        Ok(Ready {
            connection,
            reused: false,
            epoch,
        })
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
