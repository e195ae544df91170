//! The mount-helper's process: from the launch request to the end of its mount.
//!
//! | room | what it does |
//! |---|---|
//! | [`startup`] | the steps of a mount, in their order |
//! | [`parts`] | what they made, and how it is undone, whatever happened |
//! | [`serve`] | one loop that owns the state, from the first open to the end |
//! | [`signals`] | what each signal asks for |
//! | [`resume`] | serving again at unlock, where nobody has to be asked |
//! | [`requests`] | what commands ask for |
//! | [`asks`] | what the sandboxed daemon asks for |
//! | [`daemon`] | the child, and the link to it |
//! | [`sentry`] | the sentinel that cleans up after this process |
//! | [`owner`] | the command that a mount is for, and ends with |
//! | [`maps`] | the generations of the compiled map |
//! | [`watch`] | when the map is saved |

mod allow;
mod asks;
mod daemon;
mod listener;
mod maps;
mod owner;
mod parts;
mod requests;
mod resume;
mod sentry;
mod serve;
mod signals;
mod startup;
mod status;
mod watch;

use crate::error::HelperError;
use crate::launch::{Answer, Launch, Launched};
use crate::session::Session;
use owner::Owner;
use parts::{End, Parts};
use rustix::fs::{Mode, OFlags, open};
use rustix::stdio::{dup2_stderr, dup2_stdin};
use secretfs_fs::link::wire::{LINK_LIMIT, Reader, Writer, split};
use secretfs_fs::map::Ready;
use serve::{Ended, Locked};
use signals::Signals;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::timeout;

/// How long the command may take to send its request.
const REQUEST_LIMIT: Duration = Duration::from_secs(5);
/// How long it may take to receive the answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// Runs the mount-helper until its mount is gone.
#[must_use]
pub(crate) fn run() -> ExitCode {
    // Credentials' descriptors pass through here: nobody else's debugger shall take one.
    let _ = secretfs_memory::harden::no_dumps();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // Half of them at most wait for name servers (see `asks`).
        .max_blocking_threads(16)
        .build();
    let Ok(runtime) = runtime else {
        return ExitCode::FAILURE;
    };
    let code = runtime.block_on(from_request_to_end());
    // A look-up that hangs must not keep the process.
    runtime.shutdown_background();
    code
}

async fn from_request_to_end() -> ExitCode {
    let Ok((mut reader, mut writer)) = launch_socket() else {
        return ExitCode::FAILURE;
    };
    let received = timeout(REQUEST_LIMIT, reader.receive::<Launch>()).await;
    let Ok(Ok((launch, fds))) = received else {
        return ExitCode::FAILURE;
    };
    let mut fds = fds.into_iter();
    let ready = launch.ready.and_then(|text| {
        let archive = fds.next()?;
        Some(Ready { text, archive })
    });
    let owner = if launch.has_owner { fds.next() } else { None };
    let credentials = fds.next();
    let request = launch.request;
    let Ok(owner) = Owner::new(owner) else {
        return ExitCode::FAILURE;
    };
    // Handlers first: from here on a signal is an orderly end.
    let mut signals = match Signals::install(request.foreground) {
        Ok(signals) => signals,
        Err(error) => {
            let error = HelperError::other(format!("cannot handle signals: {error}"), "");
            return refuse(&mut writer, error).await;
        }
    };
    // Before the mount: what happens meanwhile is acted on as soon as there is something to lock.
    let session = Session::start();
    let mut parts = match Parts::new(request, session.wiped()) {
        Ok(parts) => parts,
        Err(error) => return refuse(&mut writer, error).await,
    };
    let started = tokio::select! {
        biased;
        () = gone(&mut reader) => Err(None),
        () = signals.end() => Err(Some(HelperError::other("ended by a signal while mounting", ""))),
        started = startup::run(&mut parts, ready, credentials) => started.map_err(Some),
    };
    match started {
        Ok(started) => {
            let answer: Answer = Ok(Launched {
                pid: std::process::id(),
                warnings: started.warnings.clone(),
            });
            // A command that went away in this moment has its mount all the same.
            let _ = timeout(ANSWER_LIMIT, writer.send(&answer, Vec::new())).await;
            drop((reader, writer));
            let ended = serve::run(parts, started, &mut signals, &session, &owner).await;
            match ended {
                Ended::For(code) => code,
                Ended::UntilUnlock(locked) => and_again(*locked, &mut signals, &session).await,
            }
        }
        Err(error) => {
            let _ = parts.tear_down(End::Failed).await;
            match error {
                Some(error) => refuse(&mut writer, error).await,
                None => ExitCode::FAILURE,
            }
        }
    }
}

/// After a lock that has unmounted: mounts again at each unlock, until somebody else does, or ends it.
async fn and_again(mut locked: Locked, signals: &mut Signals, session: &Session) -> ExitCode {
    loop {
        let Some(credentials) = resume::wait(&locked, signals, session).await else {
            return ExitCode::SUCCESS;
        };
        // What is mounted for one command is sealed, and does not come here.
        let owner = Owner::default();
        let Ok(mut parts) = Parts::new(locked.request.clone(), session.wiped()) else {
            return ExitCode::FAILURE;
        };
        parts.resumes = true;
        let started = tokio::select! {
            biased;
            () = signals.end() => None,
            started = startup::run(&mut parts, None, credentials) => Some(started),
        };
        match started {
            Some(Ok(started)) => match serve::run(parts, started, signals, session, &owner).await {
                Ended::For(code) => return code,
                Ended::UntilUnlock(again) => locked = *again,
            },
            Some(Err(error)) => {
                // Its record says that it is locked, as before.
                let text = format!("cannot mount again at unlock: {}", error.message);
                parts.journal.log("error", &text);
                let _ = parts.tear_down(End::Failed).await;
            }
            None => {
                let _ = parts.tear_down(End::Failed).await;
                resume::forget(&locked);
                return ExitCode::SUCCESS;
            }
        }
    }
}

/// Completes when the command is gone: there is nobody left to mount for.
async fn gone(reader: &mut Reader) {
    let _ = reader.receive::<serde_json::Value>().await;
}

async fn refuse(writer: &mut Writer, error: HelperError) -> ExitCode {
    let status = error.status;
    let answer: Answer = Err(error);
    let _ = timeout(ANSWER_LIMIT, writer.send(&answer, Vec::new())).await;
    ExitCode::from(status)
}

/// Takes the launch socket from standard input, and leaves `/dev/null` there.
fn launch_socket() -> std::io::Result<(Reader, Writer)> {
    let socket = std::io::stdin().as_fd().try_clone_to_owned()?;
    dup2_stdin(null()?)?;
    split(socket, LINK_LIMIT, LINK_LIMIT)
}

fn null() -> std::io::Result<OwnedFd> {
    Ok(open(
        "/dev/null",
        OFlags::RDWR | OFlags::CLOEXEC,
        Mode::empty(),
    )?)
}

/// Keeps no folder busy, and leaves the terminal: the helper of a background mount belongs to no
/// session, and what a panic writes to standard error goes to the log.
fn detach_from_terminal(background: bool, log: Option<&std::fs::File>) -> std::io::Result<()> {
    rustix::process::chdir("/")?;
    if background {
        // Fails for the leader of a process group only, which a spawned process is not.
        let _ = rustix::process::setsid();
    }
    if let Some(log) = log {
        dup2_stderr(log)?;
    }
    Ok(())
}
