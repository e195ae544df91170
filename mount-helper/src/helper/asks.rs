//! What the sandboxed daemon asks for. It names things by their place in the compiled map, never by
//! a path or a free name, so that a daemon that was taken over cannot ask for anything else. Every
//! answer may block, so each is worked out off the loop and within a limit.

use super::allow::is_allowed;
use crate::programs::{self, Programs, Spec};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use secretfs_fs::link::message::{Ask, AskAnswer};
use secretfs_fs::map::{CompiledMap, EntryId, ProviderSettings};
use secretfs_providers::host::SYSTEM_CA;
use secretfs_providers::http::ProxySettings;
use secretfs_providers::{HostRequest, ProgramCall};
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(10);
/// How many look-ups of names wait at once: libc's resolver blocks, and may do so for long.
const RESOLVERS: usize = 8;
/// The most addresses that are passed on.
const ADDRESSES: usize = 16;

/// An answer, and the descriptor that goes beside it.
pub(super) type Answer = (Result<AskAnswer, i32>, Option<OwnedFd>);

/// Works answers out.
#[derive(Debug, Clone)]
pub(super) struct Asks {
    mountpoint: Arc<Path>,
    proxies: Arc<ProxySettings>,
    resolvers: Arc<Semaphore>,
    programs: Programs,
}

impl Asks {
    /// For the mount at `mountpoint`: nothing below it is opened, it would wait for itself. The
    /// names of `proxies` are resolved as well as those of the map's servers.
    pub(super) fn new(mountpoint: &Path, proxies: &ProxySettings, insecure: bool) -> Self {
        Self {
            mountpoint: mountpoint.into(),
            proxies: Arc::new(proxies.clone()),
            resolvers: Arc::new(Semaphore::new(RESOLVERS)),
            programs: Programs::new(mountpoint, insecure),
        }
    }

    /// A lock: programs that print secrets do not go on.
    pub(super) fn kill_programs(&self) {
        self.programs.kill_all();
    }

    /// The answer to one question about `map`; `None`: the question is about a map that is gone.
    /// `beside`: a descriptor that came with it, which only a program is given.
    pub(super) async fn answer(
        self,
        ask: Ask,
        map: Option<CompiledMap>,
        beside: Option<OwnedFd>,
    ) -> Answer {
        let Some(map) = map else {
            return failed(Errno::STALE);
        };
        match ask {
            Ask::Allowed { pid, entry } => {
                let Some(plan) = map.entry(EntryId(entry)) else {
                    return failed(Errno::INVAL);
                };
                let allowed = in_limit(move || Ok(is_allowed(pid, &plan.allow))).await;
                (allowed.map(AskAnswer::Allowed).map_err(raw), None)
            }
            Ask::Host(request) => self.host(request, &map, beside).await,
            _ => failed(Errno::OPNOTSUPP),
        }
    }

    async fn host(
        self,
        request: HostRequest,
        map: &CompiledMap,
        beside: Option<OwnedFd>,
    ) -> Answer {
        match request {
            HostRequest::OpenVault { provider } => {
                let Some(ProviderSettings::Local { file }) = settings(map, provider) else {
                    return failed(Errno::INVAL);
                };
                self.open(file).await
            }
            HostRequest::OpenCaFile { provider } => {
                let Some(Some(file)) = settings(map, provider).map(ca_file_of) else {
                    return failed(Errno::INVAL);
                };
                self.open(file).await
            }
            HostRequest::OpenJwtFile { provider } => {
                let Some(Some(file)) = settings(map, provider).map(jwt_file_of) else {
                    return failed(Errno::INVAL);
                };
                self.open(file).await
            }
            HostRequest::OpenProgramConfig { provider } => {
                let home = self.programs.home();
                match home.filter(|_| has_session(map, provider)) {
                    Some(home) => {
                        let file = programs::infisical_config(&home);
                        self.open(file.to_string_lossy().into_owned()).await
                    }
                    None => failed(Errno::INVAL),
                }
            }
            HostRequest::StartProgram { provider, call } => {
                let spec = match call {
                    ProgramCall::InfisicalToken if has_session(map, provider) => {
                        drop(beside);
                        return self.started(programs::infisical_token(), None).await;
                    }
                    ProgramCall::Op(call) => {
                        let map = map.clone();
                        let (proxies, with_token) = (Arc::clone(&self.proxies), beside.is_some());
                        // Of a large map, looking takes a moment.
                        let judged = in_limit(move || {
                            let settings = settings(&map, provider).ok_or(Errno::INVAL)?;
                            if !programs::op::is_named(&map, provider, &call) {
                                return Err(Errno::INVAL);
                            }
                            let spec = programs::op::spec(call, &settings, with_token, &proxies);
                            spec.ok_or(Errno::INVAL)
                        });
                        judged.await
                    }
                    _ => Err(Errno::INVAL),
                };
                match spec {
                    Ok(spec) => self.started(spec, beside).await,
                    Err(errno) => failed(errno),
                }
            }
            HostRequest::EndOfProgram { run } => {
                let end = self.programs.end(run).await;
                (end.map(AskAnswer::Ended).map_err(raw), None)
            }
            HostRequest::OpenSystemCa => {
                let mountpoint = self.mountpoint;
                with_fd(in_limit(move || open_system_ca(SYSTEM_CA, &mountpoint)).await)
            }
            HostRequest::Resolve { host, port } => {
                let is_proxy = || self.proxies.all().any(|proxy| proxy.host() == host);
                if !is_host_of(map, &host) && !is_proxy() {
                    return failed(Errno::ACCESS);
                }
                // The permit stays with the look-up, also when nobody waits for it any more.
                let Ok(permit) = self.resolvers.try_acquire_owned() else {
                    return failed(Errno::AGAIN);
                };
                let resolved = in_limit(move || {
                    let _permit = permit;
                    resolve(&host, port)
                })
                .await;
                (resolved.map(AskAnswer::Addresses).map_err(raw), None)
            }
            #[cfg(feature = "test-hooks")]
            HostRequest::ConnectScripted { provider } => {
                let Some(ProviderSettings::Scripted { socket }) = settings(map, provider) else {
                    return failed(Errno::INVAL);
                };
                let connected = in_limit(move || {
                    let stream = std::os::unix::net::UnixStream::connect(socket);
                    Ok(stream.map_err(|error| errno_of(&error))?.into())
                })
                .await;
                with_fd(connected)
            }
            _ => failed(Errno::OPNOTSUPP),
        }
    }

    async fn started(self, spec: Spec, token: Option<OwnedFd>) -> Answer {
        match self.programs.start(spec, token).await {
            Ok((run, stdout)) => (Ok(AskAnswer::Started { run }), Some(stdout)),
            Err(errno) => failed(errno),
        }
    }

    /// A file that the map names, opened for reading.
    async fn open(self, file: String) -> Answer {
        let mountpoint = self.mountpoint;
        with_fd(in_limit(move || open_regular(Path::new(&file), &mountpoint)).await)
    }
}

fn failed(errno: Errno) -> Answer {
    (Err(raw(errno)), None)
}

fn raw(errno: Errno) -> i32 {
    errno.raw_os_error()
}

fn with_fd(opened: Result<OwnedFd, Errno>) -> Answer {
    match opened {
        Ok(fd) => (Ok(AskAnswer::Fd), Some(fd)),
        Err(errno) => failed(errno),
    }
}

/// Runs what may block on a thread of its own, and gives up at the limit.
async fn in_limit<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Errno> + Send + 'static,
) -> Result<T, Errno> {
    match timeout(LIMIT, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(Errno::IO),
        Err(_) => Err(Errno::TIMEDOUT),
    }
}

fn settings(map: &CompiledMap, provider: u16) -> Option<ProviderSettings> {
    let providers = map.providers();
    Some(providers.into_iter().nth(provider.into())?.settings)
}

fn ca_file_of(settings: ProviderSettings) -> Option<String> {
    match settings {
        ProviderSettings::Infisical { ca_file, .. }
        | ProviderSettings::OnePassword { ca_file, .. } => ca_file,
        _ => None,
    }
}

fn jwt_file_of(settings: ProviderSettings) -> Option<String> {
    match settings {
        ProviderSettings::Infisical { jwt_file, .. } => jwt_file,
        _ => None,
    }
}

/// Whether the map lets this provider use the session of the `infisical` program.
fn has_session(map: &CompiledMap, provider: u16) -> bool {
    match settings(map, provider) {
        Some(ProviderSettings::Infisical { auth, .. }) => auth.is_none_or(|auth| auth == "cli"),
        _ => false,
    }
}

/// The first bundle that this system has.
fn open_system_ca(places: &[&str], mountpoint: &Path) -> Result<OwnedFd, Errno> {
    let mut first = Errno::NOENT;
    for place in places {
        match open_regular(Path::new(place), mountpoint) {
            Ok(fd) => return Ok(fd),
            // Why the one that is there cannot be read says more than that others are not there.
            Err(errno) if errno != Errno::NOENT && first == Errno::NOENT => first = errno,
            Err(_) => {}
        }
    }
    Err(first)
}

/// Opens a vault or a CA bundle for reading. The user may have made it a symbolic link (into a
/// synchronised folder, say), so links are followed; but nothing below our mount, and nothing but a
/// regular file: opening a pipe or a device could wait for ever, or do something.
fn open_regular(file: &Path, mountpoint: &Path) -> Result<OwnedFd, Errno> {
    // The folder is resolved first, and its name compared, before anything opens the file.
    let name = file.file_name().ok_or(Errno::INVAL)?;
    let parent = file.parent().ok_or(Errno::INVAL)?;
    // Checked before the kernel walks it: looking at our own mount would wait for ourselves.
    if parent.starts_with(mountpoint) {
        return Err(Errno::LOOP);
    }
    let mut path: PathBuf = parent.canonicalize().map_err(|error| errno_of(&error))?;
    if path.starts_with(mountpoint) {
        return Err(Errno::LOOP);
    }
    path.push(name);
    let resolved = path.canonicalize().map_err(|error| errno_of(&error))?;
    if resolved.starts_with(mountpoint) {
        return Err(Errno::LOOP);
    }
    // A fifo put here in this moment does not block us either.
    let flags =
        OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let fd = open(&resolved, flags, Mode::empty())?;
    let stat = rustix::fs::fstat(&fd)?;
    match rustix::fs::FileType::from_raw_mode(stat.st_mode) {
        rustix::fs::FileType::RegularFile => Ok(fd),
        rustix::fs::FileType::Directory => Err(Errno::ISDIR),
        _ => Err(Errno::INVAL),
    }
}

fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, Errno> {
    let addresses: Vec<SocketAddr> = (host, port)
        .to_socket_addrs()
        .map_err(|error| {
            error
                .raw_os_error()
                .map_or(Errno::HOSTUNREACH, Errno::from_raw_os_error)
        })?
        .take(ADDRESSES)
        .collect();
    if addresses.is_empty() {
        return Err(Errno::HOSTUNREACH);
    }
    Ok(addresses)
}

/// Whether a name is that of a server of the map's providers. Any other name would be a way to
/// carry something out of the sandbox, in a question to a name server.
fn is_host_of(map: &CompiledMap, host: &str) -> bool {
    map.providers().iter().any(|provider| {
        let address = provider.settings.address();
        address.is_some_and(|address| address.host.eq_ignore_ascii_case(host))
    })
}

fn errno_of(error: &std::io::Error) -> Errno {
    error
        .raw_os_error()
        .map_or(Errno::IO, Errno::from_raw_os_error)
}

#[cfg(test)]
mod tests;
