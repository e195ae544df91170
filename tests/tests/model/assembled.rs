//! The assembled crate `fs` without a mount: cache and tree as the daemon puts them together, and what
//! a kernel does with them at the least.

use super::check::{Providers, System};
use super::shape::Shape;
use rustix::io::Errno;
use secretfs_fs::cache::{Cache, CacheDeps};
use secretfs_fs::daemon::registry;
use secretfs_fs::daemon::values::{CacheValues, Listener};
use secretfs_fs::link::message::AuditEvent;
use secretfs_fs::map::{CompiledMap, EntryId, compile_text};
use secretfs_fs::tree::{Attr, Caller, Kind, NameSink, Outside, SecretFs, TreeDeps};
use secretfs_memory::bounce::BounceBuffer;
use secretfs_memory::sealed::SealedPool;
use secretfs_providers::host::{HostAnswer, HostError, HostRequest};
use secretfs_providers::{BoxFuture, Clock, Host, Provider};
use secretfs_tests::script::Stat;
use secretfs_tests::wait;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant, SystemTime};

const ROOT: u64 = 1;
const ME: Caller = Caller { pid: 1, uid: 1_000 };

/// A clock that stands still until it is moved.
struct Hands {
    start: (Instant, SystemTime),
    seconds: AtomicU64,
}

impl Hands {
    fn ahead(&self) -> Duration {
        Duration::from_secs(self.seconds.load(Ordering::Relaxed))
    }
}

impl Clock for Hands {
    fn now(&self) -> Instant {
        self.start.0 + self.ahead()
    }

    fn wall(&self) -> SystemTime {
        self.start.1 + self.ahead()
    }
}

/// A helper that connects to the simulators, and lets everybody in.
struct Helper([PathBuf; 2]);

impl Host for Helper {
    fn ask(&self, request: HostRequest) -> BoxFuture<'_, Result<HostAnswer, HostError>> {
        let answer = match request {
            HostRequest::ConnectScripted { provider } => {
                let socket = self.0.get(usize::from(provider)).expect("a provider");
                std::os::unix::net::UnixStream::connect(socket)
                    .map(|stream| HostAnswer::Fd(stream.into()))
                    .map_err(|error| HostError::Os(error.raw_os_error().unwrap_or(0)))
            }
            _ => Err(HostError::NoAnswer),
        };
        Box::pin(async { answer })
    }
}

impl Outside for Helper {
    fn allowed(&self, _: u32, _: EntryId) -> BoxFuture<'_, bool> {
        Box::pin(async { true })
    }

    fn audit(&self, _: AuditEvent) {}
}

/// The crate, put together.
pub(crate) struct Assembled {
    runtime: tokio::runtime::Runtime,
    clock: Arc<Hands>,
    cache: Arc<Cache>,
    tree: Arc<SecretFs>,
    buffer: BounceBuffer,
    made: Vec<Arc<dyn Provider>>,
    map: CompiledMap,
    providers: Providers,
}

impl Assembled {
    pub(crate) fn new() -> Self {
        let providers = Providers::start();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let map = compile_text(&providers.yaml(&Shape::FIRST)).expect("a map");
        let clock = Arc::new(Hands {
            start: (Instant::now(), SystemTime::now()),
            seconds: AtomicU64::new(0),
        });
        let specs = map.providers();
        let made: Vec<_> = (0..)
            .zip(&specs)
            .map(|(index, spec)| registry::make(index, spec, &Arc::default()))
            .collect();
        let helper = Arc::new(Helper(
            [&providers.main, &providers.spare].map(|sim| sim.socket().to_owned()),
        ));
        let listener = Arc::new(Listener::default());
        let cache = Cache::new(CacheDeps {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            pool: SealedPool::new(4 << 20, true).expect("a pool"),
            host: Arc::clone(&helper) as Arc<dyn Host>,
            runtime: runtime.handle().clone(),
            providers: made.clone(),
            map: map.clone(),
            offline: false,
            listener: Arc::clone(&listener) as _,
        });
        let tree = SecretFs::new(TreeDeps {
            map: map.clone(),
            cache: Arc::new(CacheValues(Arc::clone(&cache))),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            outside: helper as _,
            runtime: runtime.handle().clone(),
            uid: ME.uid,
            gid: ME.uid,
            allow_root: false,
        });
        listener.tell(&tree);
        Self {
            runtime,
            clock,
            cache,
            tree,
            buffer: BounceBuffer::new(128 << 10),
            made,
            map,
            providers,
        }
    }

    /// Waits for the answer to one request of a kernel's.
    fn ask<T: Send + 'static>(&self, request: impl FnOnce(tokio::sync::oneshot::Sender<T>)) -> T {
        let (reply, replied) = tokio::sync::oneshot::channel();
        let _entered = self.runtime.enter();
        request(reply);
        self.runtime.block_on(replied).expect("an answer")
    }

    fn lookup(&self, parent: u64, name: &str) -> Result<Attr, Errno> {
        self.ask(|reply| {
            self.tree.lookup(ME, parent, name, |found| {
                let _ = reply.send(found);
            });
        })
    }

    /// From the root, name by name.
    fn walk(&self, path: &str) -> Result<Attr, Errno> {
        let mut at = self.tree.getattr(ME, ROOT)?;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            if at.kind == Kind::File {
                return Err(Errno::NOTDIR);
            }
            at = self.lookup(at.ino, name)?;
        }
        Ok(at)
    }

    /// As the kernel does it: what is out of date is looked up once more.
    fn retried<T>(&self, path: &str, action: impl Fn(Attr) -> Result<T, Errno>) -> Result<T, i32> {
        let first = self.walk(path).and_then(&action);
        let second = match first {
            Err(Errno::STALE) => self.walk(path).and_then(&action),
            other => other,
        };
        second.map_err(Errno::raw_os_error)
    }
}

/// Each with the offset after it, and whether it is a folder.
type Names = Vec<(String, u64, bool)>;

/// Names, as a kernel's buffer takes them: a few at a time.
struct Few {
    names: Names,
    reply: tokio::sync::oneshot::Sender<Result<Names, Errno>>,
}

impl NameSink for Few {
    fn add(&mut self, _: u64, next: u64, kind: Kind, name: &str) -> bool {
        if self.names.len() == 3 {
            return true;
        }
        self.names
            .push((name.to_owned(), next, kind == Kind::Folder));
        false
    }

    fn done(self, result: Result<(), Errno>) {
        let _ = self.reply.send(result.map(|()| self.names));
    }
}

fn stat_of(attr: Attr) -> Stat {
    let kind = match attr.kind {
        Kind::File => libc::S_IFREG,
        Kind::Folder => libc::S_IFDIR,
    };
    let modified = attr.modified.duration_since(SystemTime::UNIX_EPOCH);
    let modified = modified.expect("after 1970").as_millis();
    Stat {
        size: attr.size,
        ino: attr.ino,
        mode: kind | u32::from(attr.mode),
        uid: attr.uid,
        gid: attr.gid,
        nlink: 1,
        mtime_ms: i64::try_from(modified).expect("a time"),
    }
}

impl System for Assembled {
    type Handle = (u64, u64);

    fn open(&mut self, path: &str) -> Result<(Self::Handle, Stat), i32> {
        let (handle, ino) = self.retried(path, |attr| {
            let opened = self.ask(|reply| {
                self.tree.open(ME, attr.ino, |opened| {
                    let _ = reply.send(opened);
                });
            });
            Ok((opened?, attr.ino))
        })?;
        let attr = self.tree.getattr(ME, ino).map_err(Errno::raw_os_error)?;
        Ok(((handle, ino), stat_of(attr)))
    }

    fn read(&mut self, handle: &Self::Handle, offset: usize, len: usize) -> Result<Vec<u8>, i32> {
        let (tell, told) = mpsc::channel();
        let len = u32::try_from(len).expect("a length");
        self.tree
            .read(handle.0, offset as u64, len, &mut self.buffer, |bytes| {
                let _ = tell.send(bytes.map(<[u8]>::to_vec).map_err(Errno::raw_os_error));
            });
        told.recv().expect("an answer")
    }

    fn measure(&mut self, handle: &Self::Handle) -> Result<Stat, i32> {
        let attr = self.tree.getattr(ME, handle.1);
        attr.map(stat_of).map_err(Errno::raw_os_error)
    }

    fn close(&mut self, handle: Self::Handle) {
        self.tree.release(handle.0);
    }

    fn stat(&mut self, path: &str) -> Result<Stat, i32> {
        self.retried(path, |attr| self.tree.getattr(ME, attr.ino).map(stat_of))
    }

    fn list(&mut self, path: &str) -> Result<Vec<(String, bool)>, i32> {
        self.retried(path, |attr| {
            let handle = self.tree.opendir(ME, attr.ino)?;
            let mut names = Vec::new();
            let mut offset = 0;
            let result = loop {
                let some = self.ask(|reply| {
                    let sink = Few {
                        names: Vec::new(),
                        reply,
                    };
                    self.tree.readdir(ME, handle, offset, sink);
                });
                match some {
                    Ok(some) if some.is_empty() => break Ok(()),
                    Ok(some) => {
                        offset = some.last().map_or(offset, |(_, next, _)| *next);
                        names.extend(some.into_iter().map(|(name, _, folder)| (name, folder)));
                    }
                    Err(errno) => break Err(errno),
                }
            };
            self.tree.releasedir(handle);
            result?;
            names.retain(|(name, _)| name != "." && name != "..");
            names.sort();
            Ok(names)
        })
    }

    fn open_for_writing(&mut self, path: &str) -> Result<(), i32> {
        // That is the kernel's and the adapter's to refuse.
        let attr = self.walk(path).map_err(Errno::raw_os_error)?;
        Err(match attr.kind {
            Kind::File => libc::EROFS,
            Kind::Folder => libc::EISDIR,
        })
    }

    fn error(&mut self, path: &str) -> Result<String, i32> {
        self.retried(path, |attr| self.tree.error_text(ME, attr.ino))
    }

    fn advance(&mut self, seconds: u64) {
        self.clock.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    fn lock(&mut self) {
        let _entered = self.runtime.enter();
        drop(self.tree.lock());
    }

    fn unlock(&mut self) {
        self.tree.unlock();
    }

    fn refresh(&mut self, path: Option<&str>) -> Result<u32, i32> {
        let Some(path) = path else {
            return Ok(self.cache.forget(None));
        };
        // That the map has no such file is for the helper to say.
        let in_listed = path.rsplit_once('/').is_some_and(|(parent, _)| {
            self.map.node_by_path(parent).is_some_and(|node| {
                matches!(
                    self.map.node_kind(node),
                    Some(secretfs_fs::map::NodeKind::Listed { .. })
                )
            })
        });
        if self.map.node_by_path(path).is_none() && !in_listed {
            return Err(libc::ENOENT);
        }
        let keys = self.tree.keys_of(path);
        Ok(self.cache.forget(Some(&keys)))
    }

    fn reload(&mut self, yaml: &str) {
        let map = compile_text(yaml).expect("a map");
        self.cache.set_map(map.clone(), self.made.clone());
        self.tree.reload(map.clone());
        self.map = map;
    }

    fn settle(&mut self) {
        let cache = Arc::clone(&self.cache);
        self.runtime.block_on(async {
            let idle = async {
                while !cache.is_idle() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            tokio::time::timeout(wait::PATIENCE, idle)
                .await
                .expect("every request ends");
        });
    }

    fn remembers(&self) -> bool {
        false
    }

    fn providers(&self) -> &Providers {
        &self.providers
    }
}
