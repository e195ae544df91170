//! The first steps, on the main thread, before anything secret can exist: no dumps, the helper's
//! first message, locked memory.

use crate::link::wire::{Blocking, LINK_LIMIT, WireError};
use crate::link::{FromDaemon, ToDaemon};
use crate::map::CompiledMap;
use crate::map::address::Address;
use secretfs_memory::harden::ConfineError;
use secretfs_memory::heap::HeapConfig;
use secretfs_memory::limit::{LimitError, Plan};
use secretfs_memory::sealed::SealedPool;
use secretfs_memory::{harden, heap, limit, stack};
use secretfs_providers::http::{Proxy, ProxySettings};
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the helper may take to say what to do.
const START_WITHIN: Duration = Duration::from_secs(10);

/// Locked at once; the heap grows by need.
const HEAP_INITIAL: usize = 512 << 10;

/// Everything that the daemon needs to go on.
pub(super) struct Prepared {
    pub(super) link: Option<OwnedFd>,
    pub(super) map: CompiledMap,
    pub(super) pool: Arc<SealedPool>,
    pub(super) plan: Plan,
    pub(super) insecure: bool,
    pub(super) offline: bool,
    pub(super) allow_root: bool,
    pub(super) locked: bool,
    pub(super) proxies: ProxySettings,
}

/// Why the daemon cannot start.
#[derive(Debug, thiserror::Error)]
pub(super) enum PrepareError {
    #[error("cannot turn core dumps off: {0}")]
    Harden(std::io::Error),
    #[error("cannot use the link to the mount-helper: {0}")]
    Link(#[from] WireError),
    #[error("the mount-helper's first message is not a start")]
    NotAStart,
    #[error("cannot map the compiled map: {0}")]
    Map(std::io::Error),
    #[error(transparent)]
    Limit(#[from] LimitError),
    #[error(transparent)]
    Confine(#[from] ConfineError),
}

/// A failure, and the link to tell it over, where there is one yet.
pub(super) struct Failure {
    error: PrepareError,
    link: Option<OwnedFd>,
}

impl Failure {
    /// Tells the helper, and gives the status to end with.
    pub(super) fn report(self) -> ExitCode {
        if let Some(link) = self.link {
            let help = match &self.error {
                PrepareError::Limit(limit) => limit.help(),
                _ => String::new(),
            };
            let message = FromDaemon::Failed {
                message: self.error.to_string(),
                help,
            };
            // The helper also sees this process end, so a link that cannot be used loses only the
            // reason.
            let _ = Blocking::new(link, LINK_LIMIT, LINK_LIMIT).send(
                &message,
                Vec::new(),
                Instant::now() + Duration::from_secs(1),
            );
        }
        ExitCode::FAILURE
    }
}

/// Hardens the process, hears the helper's first message, locks the memory.
pub(super) fn prepare() -> Result<Prepared, Failure> {
    quiet_panics();
    let link = rustix::stdio::stdin()
        .try_clone_to_owned()
        .map_err(|error| Failure {
            error: WireError::Io(error).into(),
            link: None,
        })?;
    match with_link(&link) {
        Ok(prepared) => Ok(prepared),
        Err(error) => Err(Failure {
            error,
            link: Some(link),
        }),
    }
}

fn with_link(link: &OwnedFd) -> Result<Prepared, PrepareError> {
    harden::no_dumps().map_err(PrepareError::Harden)?;
    // A second descriptor of the same socket: the first goes to the runtime. Nothing is read ahead,
    // because the helper waits for `Prepared` before it says more.
    let own = link.as_fd().try_clone_to_owned().map_err(WireError::Io)?;
    let (message, fds) = Blocking::new(own, LINK_LIMIT, LINK_LIMIT)
        .receive::<ToDaemon>(Instant::now() + START_WITHIN)?;
    let ToDaemon::Start {
        insecure_memory,
        offline,
        allow_root,
        locked,
        proxies,
        ..
    } = message
    else {
        return Err(PrepareError::NotAStart);
    };
    let map_fd = fds.into_iter().next().ok_or(PrepareError::NotAStart)?;
    let plan = limit::plan(insecure_memory)?;
    heap::lock(HeapConfig {
        initial: HEAP_INITIAL,
        limit: plan.heap,
        insecure: insecure_memory,
        // The only large allocations of this process are fuser's request buffers.
        wipe_large: false,
    })?;
    if let Err(error) = stack::lock_current()
        && !insecure_memory
    {
        return Err(error.into());
    }
    let pool = SealedPool::new(plan.sealed, insecure_memory)?;
    let map = CompiledMap::open(map_fd).map_err(PrepareError::Map)?;
    // The last step: no other thread is there yet, and no credential has come. From here on the
    // process opens nothing, starts nothing, and connects to the servers of this map alone.
    harden::confine(&ports(&map, &proxies))?;
    // Its own descriptor for the runtime.
    let link = link.as_fd().try_clone_to_owned().map_err(WireError::Io)?;
    Ok(Prepared {
        link: Some(link),
        map,
        pool,
        plan,
        insecure: insecure_memory,
        offline,
        allow_root,
        locked,
        proxies,
    })
}

/// The TCP ports of the map's servers, or of the proxies that they are reached through. A reload that
/// adds another does not widen them: what needs it fails with EACCES until the next mount
/// (architecture.md).
fn ports(map: &CompiledMap, proxies: &ProxySettings) -> Vec<u16> {
    let providers = map.providers();
    let addresses = providers.iter().filter_map(|spec| spec.settings.address());
    let port = |to: Address<'_>| proxies.of(to.tls, to.host).map_or(to.port, Proxy::port);
    let mut ports: Vec<u16> = addresses.map(port).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// A panic's message may hold what it stumbled over, a piece of a value say: only its place is told.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|info| {
        if let Some(place) = info.location() {
            tracing::error!(
                file = place.file(),
                line = place.line(),
                "a request panicked"
            );
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sandbox_knows_the_port_of_a_proxy_and_not_of_what_is_behind_it() {
        let map = crate::map::compile_text(
            "providers:\n  a: {type: infisical, site_url: 'https://a.example:8443', project_id: p}\n  \
             b: {type: infisical, site_url: 'https://b.example:9443', project_id: p}\n\
             secrets: [{name: A, file: a, provider: a}]\n",
        )
        .unwrap();
        let (proxy, _) = Proxy::parse("http://proxy.example:3128").unwrap();
        let through = |except| ProxySettings::new(Some(proxy.clone()), None, except).unwrap();
        assert_eq!(ports(&map, &ProxySettings::default()), [8443, 9443]);
        assert_eq!(ports(&map, &through("")), [3128]);
        assert_eq!(ports(&map, &through("b.example")), [3128, 9443]);
    }
}
