//! What commands ask for. What only reads is worked out in the connection's own task; what changes
//! the state goes to the loop, which owns it.

use super::daemon::Link;
use super::status;
use crate::control::{MountStatus, Request, Response};
use crate::error::{HelperError, MOUNT, OTHER};
use secretfs_fs::link::{FromDaemon, ToDaemon};
use secretfs_fs::map::{CompiledMap, NodeKind};
use std::os::fd::OwnedFd;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How long the daemon may take to forget values.
const REFRESH_LIMIT: Duration = Duration::from_secs(3);

/// What a connection's task asks the loop.
#[derive(Debug)]
pub(super) enum Inquiry {
    /// The state, and the map that it is told in.
    Look(oneshot::Sender<View>),
    /// The map of a generation.
    Map(u64, oneshot::Sender<Option<CompiledMap>>),
    /// Change the state.
    Change {
        /// How.
        change: Change,
        /// A credential channel's end.
        fd: Option<OwnedFd>,
        /// What came of it.
        reply: oneshot::Sender<Reply>,
    },
}

/// What changes the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Lock,
    Unlock,
    Credentials,
    Unmount,
    Reload,
    #[cfg(feature = "test-hooks")]
    AdvanceClock {
        by_ms: u64,
    },
}

/// The state as the loop knows it.
#[derive(Debug)]
pub(super) struct View {
    pub(super) status: MountStatus,
    pub(super) map: CompiledMap,
    pub(super) generation: u64,
}

/// The answer to a change. The helper that ends waits until `sent` is dropped: the command has its
/// answer then.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) response: Response,
    pub(super) sent: Option<mpsc::Sender<()>>,
}

/// What a connection's task needs.
#[derive(Debug, Clone)]
pub(super) struct Handler {
    pub(super) link: Link,
    pub(super) inquiries: mpsc::Sender<Inquiry>,
}

/// Carries a request out. The second part is to be dropped when the answer was sent.
pub(super) async fn handle(
    handler: Handler,
    request: Request,
    fd: Option<OwnedFd>,
) -> (Response, Option<mpsc::Sender<()>>) {
    let change = match request {
        Request::Ping => return (ping(&handler).await, None),
        Request::Status => return (status(&handler).await, None),
        Request::Refresh { paths } => return (refresh(&handler, paths).await, None),
        Request::Lock => Change::Lock,
        Request::Unlock { .. } => Change::Unlock,
        Request::Credentials => Change::Credentials,
        Request::Unmount => Change::Unmount,
        Request::Reload => Change::Reload,
        #[cfg(feature = "test-hooks")]
        Request::AdvanceClock { by_ms } => Change::AdvanceClock { by_ms },
        #[cfg(feature = "test-hooks")]
        Request::Settle => return (settle(&handler).await, None),
        #[cfg(feature = "test-hooks")]
        Request::Attempt { ports } => return (attempt(&handler, ports).await, None),
    };
    let (reply, replied) = oneshot::channel();
    let inquiry = Inquiry::Change { change, fd, reply };
    if handler.inquiries.send(inquiry).await.is_err() {
        return (ending(), None);
    }
    match replied.await {
        Ok(Reply { response, sent }) => (response, sent),
        Err(_) => (ending(), None),
    }
}

async fn look(handler: &Handler) -> Option<View> {
    let (tell, told) = oneshot::channel();
    handler.inquiries.send(Inquiry::Look(tell)).await.ok()?;
    told.await.ok()
}

async fn ping(handler: &Handler) -> Response {
    match look(handler).await {
        Some(_) => Response::Done { count: 0 },
        None => ending(),
    }
}

async fn status(handler: &Handler) -> Response {
    let Some(mut view) = look(handler).await else {
        return ending();
    };
    if let Some(page) = status::ask_daemon(&handler.link).await {
        if page.generation != view.generation {
            // A reload is on its way: the page is told in the map that the daemon had.
            let (tell, told) = oneshot::channel();
            let asked = Inquiry::Map(page.generation, tell);
            if handler.inquiries.send(asked).await.is_ok()
                && let Ok(Some(map)) = told.await
            {
                view.map = map;
            }
        }
        view.status.daemon = Some(page);
    }
    status::name(&mut view.status, &view.map);
    Response::Status(Box::new(view.status))
}

async fn refresh(handler: &Handler, paths: Vec<String>) -> Response {
    let Some(view) = look(handler).await else {
        return ending();
    };
    for path in &paths {
        if !is_shown(&view.map, path) {
            return failed(HelperError::new(
                OTHER,
                format!("the map has no file {path}"),
                "name files as they are called below the mountpoint: see `secretfs status`",
            ));
        }
    }
    let asked = handler
        .link
        .call(|id| ToDaemon::Refresh { id, paths }, REFRESH_LIMIT)
        .await;
    match asked {
        Some(FromDaemon::Done { count, .. }) => Response::Done { count },
        _ => failed(HelperError::new(
            MOUNT,
            "the daemon does not answer",
            "run `secretfs unmount`, which ends a daemon that hangs, and mount again",
        )),
    }
}

#[cfg(feature = "test-hooks")]
async fn settle(handler: &Handler) -> Response {
    let asked = handler
        .link
        .call(|id| ToDaemon::Settle { id }, REFRESH_LIMIT)
        .await;
    match asked {
        Some(FromDaemon::Done { count, .. }) => Response::Done { count },
        _ => ending(),
    }
}

#[cfg(feature = "test-hooks")]
async fn attempt(handler: &Handler, ports: Vec<u16>) -> Response {
    let asked = handler
        .link
        .call(|id| ToDaemon::Attempt { id, ports }, REFRESH_LIMIT)
        .await;
    match asked {
        Some(FromDaemon::Attempted { results, .. }) => Response::Attempted(results),
        _ => ending(),
    }
}

/// Whether a path is a file or a folder of the map, or in a folder whose names come from the provider.
fn is_shown(map: &CompiledMap, path: &str) -> bool {
    let listed = |node| matches!(map.node_kind(node), Some(NodeKind::Listed { .. }));
    map.node_by_path(path).is_some()
        || path
            .rsplit_once('/')
            .and_then(|(folder, _)| map.node_by_path(folder))
            .is_some_and(listed)
}

/// An error as an answer.
pub(super) fn failed(error: HelperError) -> Response {
    Response::Failed {
        status: error.status,
        message: error.message,
        help: error.help,
    }
}

fn ending() -> Response {
    failed(HelperError::new(
        MOUNT,
        "the mount is ending",
        "see `secretfs status`",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_folders_and_members_of_a_listed_folder_can_be_refreshed_and_nothing_else() {
        let map = secretfs_fs::map::compile_text(
            "providers: {v: {type: local}}\n\
             secrets:\n\
             - {name: A, file: sub/deep/a}\n\
             - {folder: /b, dir: listed}\n",
        )
        .unwrap();
        for path in ["sub/deep/a", "sub", "sub/deep", "listed", "listed/ANY"] {
            assert!(is_shown(&map, path), "{path}");
        }
        for path in ["a", "sub/b", "sub/deep/a/b", "listed/x/y", "../sub"] {
            assert!(!is_shown(&map, path), "{path}");
        }
    }
}
