//! The mount-helper as the daemon sees it: questions with deadlines, answered over the link.

use crate::daemon::outbox::Outbox;
use crate::link::FromDaemon;
use crate::link::message::{Ask, AskAnswer, AuditEvent};
use crate::map::EntryId;
use crate::tree::Outside;
use secretfs_providers::{BoxFuture, Host, HostAnswer, HostError, HostRequest};
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// The longest that an answer may take. The helper's own work is shorter (it resolves names with a
/// deadline of its own); beyond this it hangs or is gone.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Questions that may be open at once; more are refused rather than queued.
const MAX_OPEN: usize = 1024;

type Reply = Result<(AskAnswer, Option<OwnedFd>), HostError>;

/// Asks the helper, and matches its answers to the questions.
#[derive(Debug)]
pub(crate) struct Helper {
    outbox: Outbox,
    generation: AtomicU64,
    next: AtomicU64,
    open: Mutex<HashMap<u64, oneshot::Sender<Reply>>>,
    lost_audit: AtomicU64,
}

impl Helper {
    pub(crate) fn new(outbox: Outbox) -> Self {
        Self {
            outbox,
            generation: AtomicU64::new(1),
            next: AtomicU64::new(1),
            open: Mutex::new(HashMap::new()),
            lost_audit: AtomicU64::new(0),
        }
    }

    /// From now on positions are meant in the map of this generation.
    pub(crate) fn set_generation(&self, generation: u64) {
        self.generation.store(generation, Ordering::Relaxed);
    }

    /// Hands the helper's answer to whoever asked. An answer that nobody waits for is dropped.
    pub(crate) fn answer(&self, id: u64, result: Result<AskAnswer, i32>, fd: Option<OwnedFd>) {
        let waiting = self
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
        if let Some(waiting) = waiting {
            let _ = waiting.send(result.map(|answer| (answer, fd)).map_err(HostError::Os));
        }
    }

    async fn question(&self, ask: Ask, beside: Option<OwnedFd>) -> Reply {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let generation = self.generation.load(Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            if open.len() >= MAX_OPEN {
                return Err(HostError::NoAnswer);
            }
            open.insert(id, sender);
        }
        // Also when this future is dropped half-way: an abandoned question must not fill the table.
        let _forget = Forget { helper: self, id };
        let message = FromDaemon::Ask {
            id,
            generation,
            ask,
        };
        if !self.outbox.try_send_with(message, beside) {
            return Err(HostError::NoAnswer);
        }
        match tokio::time::timeout(ANSWER_WITHIN, receiver).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(_)) | Err(_) => Err(HostError::NoAnswer),
        }
    }
}

/// Removes a question from the table, however it ended.
struct Forget<'a> {
    helper: &'a Helper,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.helper
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.id);
    }
}

impl Host for Helper {
    fn ask(&self, request: HostRequest) -> BoxFuture<'_, Result<HostAnswer, HostError>> {
        Box::pin(self.host(request, None))
    }

    fn ask_with(
        &self,
        request: HostRequest,
        beside: OwnedFd,
    ) -> BoxFuture<'_, Result<HostAnswer, HostError>> {
        Box::pin(self.host(request, Some(beside)))
    }
}

impl Helper {
    async fn host(
        &self,
        request: HostRequest,
        beside: Option<OwnedFd>,
    ) -> Result<HostAnswer, HostError> {
        match self.question(Ask::Host(request), beside).await? {
            (AskAnswer::Fd, Some(fd)) => Ok(HostAnswer::Fd(fd)),
            (AskAnswer::Addresses(addresses), None) => Ok(HostAnswer::Addresses(addresses)),
            (AskAnswer::Started { run }, Some(stdout)) => Ok(HostAnswer::Started { run, stdout }),
            (AskAnswer::Ended(end), None) => Ok(HostAnswer::Ended(end)),
            // An answer to another question than the one asked: the helper is broken.
            _ => Err(HostError::NoAnswer),
        }
    }
}

impl Outside for Helper {
    fn allowed(&self, pid: u32, entry: EntryId) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            // No answer is a no: `allow` fails closed.
            matches!(
                self.question(
                    Ask::Allowed {
                        pid,
                        entry: entry.0
                    },
                    None
                )
                .await,
                Ok((AskAnswer::Allowed(true), _))
            )
        })
    }

    fn audit(&self, event: AuditEvent) {
        if !self.outbox.audit(event) {
            let lost = self.lost_audit.fetch_add(1, Ordering::Relaxed);
            if lost.is_multiple_of(1000) {
                tracing::warn!(
                    lost = lost + 1,
                    "the audit is written slower than files are opened"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::outbox::outbox;

    #[tokio::test(start_paused = true)]
    async fn a_helper_that_never_answers_is_given_up_and_forgotten() {
        let (sender, _receiver) = outbox();
        let helper = Helper::new(sender);
        let request = HostRequest::OpenVault { provider: 0 };
        assert_eq!(helper.ask(request).await.err(), Some(HostError::NoAnswer));
        assert!(helper.open.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_answer_reaches_the_question_of_its_id() {
        let (sender, mut receiver) = outbox();
        let helper = Helper::new(sender);
        let asked = async { helper.allowed(7, EntryId(3)).await };
        let answered = async {
            let Some((FromDaemon::Ask { id, ask, .. }, _)) = receiver.next().await else {
                panic!("no question");
            };
            assert_eq!(ask, Ask::Allowed { pid: 7, entry: 3 });
            helper.answer(id + 1, Ok(AskAnswer::Allowed(false)), None);
            helper.answer(id, Ok(AskAnswer::Allowed(true)), None);
        };
        assert!(tokio::join!(asked, answered).0);
    }

    #[tokio::test]
    async fn an_answer_of_the_wrong_kind_allows_nothing() {
        let (sender, mut receiver) = outbox();
        let helper = Helper::new(sender);
        let asked = async { helper.allowed(7, EntryId(3)).await };
        let answered = async {
            if let Some((FromDaemon::Ask { id, .. }, _)) = receiver.next().await {
                helper.answer(id, Ok(AskAnswer::Fd), None);
            }
        };
        assert!(!tokio::join!(asked, answered).0);
    }
}
