//! One run of `op`: started by the mount-helper, read until it ends, and what it ended with.

use super::call::OpCall;
use super::complaint::Complaint;
use super::gate::Reach;
use super::provider::Op;
use super::sink::Sink;
use crate::error::{ErrorKind, ProviderError};
use crate::host::{HostAnswer, HostError, HostRequest, ProgramCall, ProgramEnd};
use crate::http::Budget;
use crate::provider::{BoxFuture, Context};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::time::{sleep, timeout_at};
use zeroize::Zeroizing;

/// How much is read at once.
const PIECE: usize = 8 << 10;

/// A call of the trait.
pub(super) struct Call<'a> {
    pub(super) of: &'a Op,
    pub(super) cx: &'a Context,
    pub(super) budget: Budget,
}

/// Why a run gave nothing; the one who asked knows what it means for a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum No {
    /// About what was asked for.
    This(Complaint),
    /// About everything.
    All(ProviderError),
}

impl From<ProviderError> for No {
    fn from(error: ProviderError) -> Self {
        Self::All(error)
    }
}

impl Call<'_> {
    /// Runs it when it is its turn, once more where the desktop app was too slow. In a box: this is
    /// where most of a call's state is.
    pub(super) fn run<'b, S: Sink + Send + 'b>(
        &'b self,
        call: OpCall,
        sink: impl Fn() -> S + Send + Sync + 'b,
    ) -> BoxFuture<'b, Result<S, No>> {
        Box::pin(async move {
            let by_token = self.of.token.is_needed();
            let turn = self.of.gate.turn(!by_token, self.budget.until()).await;
            let _turn = turn.ok_or_else(|| self.no_turn())?;
            self.wait_for_hold().await?;
            let mut ran = self.once(&call, sink()).await;
            if matches!(&ran, Ok(Err(Complaint::AppSlow))) {
                ran = self.once(&call, sink()).await;
            }
            let now = self.cx.clock.now();
            match ran {
                Ok(Ok(sink)) => {
                    self.of.gate.open();
                    Ok(sink)
                }
                Ok(Err(complaint)) => match self.of.about_all(&complaint) {
                    Some((error, reach)) => {
                        self.of.gate.hold(reach, &error, now);
                        Err(No::All(error))
                    }
                    None => Err(No::This(complaint)),
                },
                Err((error, reach)) => {
                    self.of.gate.hold(reach, &error, now);
                    Err(No::All(error))
                }
            }
        })
    }

    /// What the last call failed with holds for a while. Of a limit that ends in time, the end is
    /// waited for.
    async fn wait_for_hold(&self) -> Result<(), ProviderError> {
        let Some((error, wait)) = self.of.gate.held(self.cx.clock.now()) else {
            return Ok(());
        };
        let is_limit = matches!(error.kind, ErrorKind::Limited { .. });
        // An open whose time ends in it is answered EBUSY, not ETIMEDOUT.
        self.of.health.fails(&error);
        if !is_limit || wait >= self.budget.left() {
            return Err(error);
        }
        sleep(wait).await;
        Ok(())
    }

    async fn once<S: Sink>(
        &self,
        call: &OpCall,
        mut sink: S,
    ) -> Result<Result<S, Complaint>, (ProviderError, Reach)> {
        let of_call = |error| (error, Reach::Call);
        let request = HostRequest::StartProgram {
            provider: self.of.index,
            call: ProgramCall::Op(call.clone()),
        };
        let started = match self.of.token.descriptor().map_err(of_call)? {
            Some(token) => self.cx.host.ask_with(request, token).await,
            None => self.cx.host.ask(request).await,
        };
        let (run, stdout) = match started {
            Ok(HostAnswer::Started { run, stdout }) => (run, stdout),
            Ok(_) => return Err(of_call(self.unstarted(&HostError::NoAnswer))),
            Err(error) => return Err(of_call(self.unstarted(&error))),
        };
        let read = timeout_at(self.budget.until(), read(stdout, &mut sink)).await;
        let read = read.map_err(|_| (self.late(), Reach::All))?;
        let is_whole = read.map_err(|_| of_call(self.failed("what it prints cannot be read")))?;
        if !is_whole {
            // It is stopped by what it cannot write any more.
            return Ok(Ok(sink));
        }
        let end = self.cx.host.ask(HostRequest::EndOfProgram { run });
        match timeout_at(self.budget.until(), end).await {
            Ok(Ok(HostAnswer::Ended(ProgramEnd::Done))) => Ok(Ok(sink)),
            Ok(Ok(HostAnswer::Ended(ProgramEnd::Op(complaint)))) => Ok(Err(complaint)),
            Ok(Ok(HostAnswer::Ended(ProgramEnd::TimedOut)) | Err(HostError::NoAnswer)) | Err(_) => {
                Err((self.late(), Reach::All))
            }
            Ok(_) => Ok(Err(Complaint::Unknown)),
        }
    }

    fn unstarted(&self, error: &HostError) -> ProviderError {
        match error {
            HostError::Os(errno) if *errno == Errno::NOENT.raw_os_error() => self.of.error(
                ErrorKind::Unreachable,
                "the program `op` is not there, or others than you could have written it",
                "install it on the PATH that `secretfs mount` was run with, then mount again; `secretfs doctor` says whether it is found",
            ),
            HostError::Os(errno) if *errno == Errno::INVAL.raw_os_error() => self.of.error(
                ErrorKind::Unsupported,
                "`op` cannot be asked for these names",
                "write the ids of vault, item and field in the map",
            ),
            HostError::Os(errno) if *errno == Errno::AGAIN.raw_os_error() => self.no_turn(),
            error => self.of.error(
                ErrorKind::Unreachable,
                &format!("the program `op` cannot be started: {error}"),
                "run `op --version` to see whether it works",
            ),
        }
    }

    fn no_turn(&self) -> ProviderError {
        self.of.error(
            ErrorKind::TimedOut,
            "it was not the turn of this call of `op` in time: others run, or wait for an answer of yours",
            "answer the prompt of 1Password, then open the file again",
        )
    }

    fn late(&self) -> ProviderError {
        self.of.error(
            ErrorKind::TimedOut,
            "the program `op` did not end in time",
            "answer the prompt of 1Password; `op vault list` in a terminal shows what it waits for",
        )
    }

    fn failed(&self, what: &str) -> ProviderError {
        self.of.error(
            ErrorKind::Protocol,
            &format!("the program `op` failed: {what}"),
            "",
        )
    }
}

/// Hands everything to the sink; whether it took all of it.
async fn read(stdout: OwnedFd, sink: &mut impl Sink) -> std::io::Result<bool> {
    let mut stdout = pipe::Receiver::from_owned_fd(stdout)?;
    let mut piece = Zeroizing::new(vec![0; PIECE]);
    loop {
        let read = stdout.read(&mut piece).await?;
        secretfs_memory::residue::mark();
        match piece.get(..read) {
            None | Some([]) => return Ok(true),
            Some(bytes) if sink.take(bytes) => {}
            Some(_) => return Ok(false),
        }
    }
}
