//! How an open ended: remembered for `status` and the extended attribute, logged, and audited. The
//! one place for all failures.

use super::filesystem::SecretFs;
use super::open::{OpenReply, Request};
use crate::error::OpenError;
use crate::link::message::AuditEvent;
use rustix::io::Errno;
use std::time::SystemTime;

impl SecretFs {
    /// Remembers, records and answers a failure: the one place for all of them.
    pub(super) fn fail(&self, mut request: Request, error: &OpenError, reply: impl OpenReply) {
        let errno = error.errno();
        let mut inner = self.inner();
        self.give_back(&mut inner, request.ticket.take());
        let path = request.path.take();
        let path = path.unwrap_or_else(|| inner.path(&request.file));
        let audit = inner.audit;
        // An interrupted open says nothing of the file.
        if *error != OpenError::Interrupted {
            inner
                .versions
                .set_error(request.file.id, Some(error.clone()));
        }
        drop(inner);
        self.log_failure(&path, error);
        if audit {
            self.audit(&request, path, 0, errno.raw_os_error());
        }
        reply(Err(errno));
    }

    /// One line for the log, of our own words only.
    pub(super) fn log_failure(&self, path: &str, error: &OpenError) {
        if matches!(error, OpenError::Locked | OpenError::Interrupted)
            || error.errno() == Errno::NOENT
        {
            tracing::debug!(path, %error, "open failed");
        } else if let Some(suppressed) = self.limiter.pass() {
            let help = error.help();
            tracing::warn!(path, %error, help, suppressed, "open failed");
        }
    }

    pub(super) fn audit(&self, request: &Request, file: String, version: u64, errno: i32) {
        let time = self.deps.clock.wall();
        let time = time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        self.deps.outside.audit(AuditEvent {
            pid: request.caller.pid,
            uid: request.caller.uid,
            file,
            version,
            errno,
            time_ms: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
        });
    }
}
