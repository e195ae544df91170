//! The control socket: accepts connections of this user and of root, several at once, each for one
//! request within a limit.

use super::requests::{Handler, handle};
use crate::control::{Request, Response};
use crate::error::HelperError;
use rustix::process::getuid;
use secretfs_fs::link::wire::{CONTROL_LIMIT, LINK_LIMIT, split};
use std::fs::Permissions;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Connections at once.
const CONNECTIONS: usize = 32;
/// How long a command may take to send its request.
const REQUEST_LIMIT: Duration = Duration::from_secs(5);
/// How long it may take to read the answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// How long to rest when the system refuses a connection: descriptors may be short for a while.
const REST: Duration = Duration::from_millis(100);

/// The socket, open.
#[derive(Debug)]
pub(super) struct Listener {
    socket: UnixListener,
    connections: Arc<Semaphore>,
}

impl Listener {
    /// Listens at `path`, in place of a socket that a helper that was killed left. To be called with
    /// the instance lock.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub(super) fn bind(path: &Path) -> Result<Self, HelperError> {
        let failed = |error: std::io::Error| {
            HelperError::other(
                format!("cannot listen on {}: {error}", path.display()),
                "see that the runtime folder can be written",
            )
        };
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(error));
            }
            _ => {}
        }
        let socket = UnixListener::bind(path).map_err(failed)?;
        // The folder is 0700 already, and the umask 077.
        std::fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed)?;
        Ok(Self {
            socket,
            connections: Arc::new(Semaphore::new(CONNECTIONS)),
        })
    }

    /// Accepts connections for ever, and hands their requests to `handler`.
    pub(super) async fn serve(self, handler: Handler) {
        loop {
            let Ok(permit) = Arc::clone(&self.connections).acquire_owned().await else {
                return;
            };
            match self.socket.accept().await {
                Ok((stream, _)) => {
                    let handler = handler.clone();
                    tokio::spawn(async move {
                        answer(stream, handler).await;
                        drop(permit);
                    });
                }
                Err(_) => tokio::time::sleep(REST).await,
            }
        }
    }
}

async fn answer(stream: UnixStream, handler: Handler) {
    let ours = getuid().as_raw();
    if !stream
        .peer_cred()
        .is_ok_and(|peer| peer.uid() == ours || peer.uid() == 0)
    {
        return;
    }
    let Ok(stream) = stream.into_std() else {
        return;
    };
    let Ok((mut reader, mut writer)) = split(OwnedFd::from(stream), CONTROL_LIMIT, LINK_LIMIT)
    else {
        return;
    };
    let received = timeout(REQUEST_LIMIT, reader.receive::<Request>()).await;
    let Ok(Ok((request, fds))) = received else {
        return;
    };
    let (response, sent) = handle(handler, request, fds.into_iter().next()).await;
    let too_large = Response::Failed {
        status: crate::error::OTHER,
        message: "the answer is too large".into(),
        help: String::new(),
    };
    let writing = async {
        if writer.send(&response, Vec::new()).await.is_err() {
            let _ = writer.send(&too_large, Vec::new()).await;
        }
    };
    let _ = timeout(ANSWER_LIMIT, writing).await;
    // The helper's end may wait for this.
    drop(sent);
}
