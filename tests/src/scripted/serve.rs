//! The serving threads: one connection, one request, one answer.

use super::state::{Fault, Outcome, Script, Shared};
use secretfs_providers::ErrorKind;
use secretfs_providers::scripted::wire::{self, DATA, Event, HEADER, JSON, Op, Request};
use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

/// How often a waiting request looks whether its client is still there.
const LOOK: Duration = Duration::from_millis(10);

pub(super) fn accept(listener: &UnixListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.lock().closed {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        // A thousand opens at once are a thousand of these.
        let thread = std::thread::Builder::new().stack_size(128 * 1024);
        drop(thread.spawn(move || {
            {
                let mut state = shared.lock();
                state.in_flight += 1;
                state.peak = state.peak.max(state.in_flight);
            }
            // An error is a connection that ended: scripted, or the provider gave up.
            let _ended = Connection {
                stream,
                shared: &shared,
            }
            .serve();
            shared.lock().in_flight -= 1;
            shared.changed.notify_all();
        }));
    }
}

struct Connection<'a> {
    stream: UnixStream,
    shared: &'a Shared,
}

impl Connection<'_> {
    fn serve(mut self) -> io::Result<()> {
        let request = self.request()?;
        let (delay, refuse) = {
            let mut state = self.shared.lock();
            state.log.push(request.clone());
            let refuse = match (&state.token, &request.token) {
                (Some(_), None) => Some(ErrorKind::NoCredential),
                (Some(wanted), Some(given)) if wanted != given => Some(ErrorKind::Refused),
                _ => state.refuse,
            };
            (state.delay, refuse)
        };
        self.shared.changed.notify_all();
        if !delay.is_zero() {
            std::thread::sleep(delay);
        }
        if let Some(kind) = refuse {
            return self.event(&Event::Refused { kind });
        }
        match request.op {
            Op::Fetch | Op::FetchMany | Op::Check => {
                for (index, name) in request.names.iter().enumerate() {
                    let validator = request.validators.get(index).cloned().flatten();
                    self.secret(request.op, index, name, validator.as_deref())?;
                }
            }
            Op::List | Op::FetchFolder => {
                let path = request.names.first().cloned().unwrap_or_default();
                if !self.folder(request.op, &path)? {
                    return Ok(());
                }
            }
        }
        self.event(&Event::Done)
    }

    fn secret(
        &mut self,
        op: Op,
        index: usize,
        name: &str,
        validator: Option<&str>,
    ) -> io::Result<()> {
        self.hold(name, 0)?;
        let script = self.look(op, name);
        match &script.outcome {
            Outcome::Error(kind) => self.event(&Event::Failed { index, kind: *kind }),
            Outcome::Unset | Outcome::Folder => self.event(&Event::Failed {
                index,
                kind: ErrorKind::Missing,
            }),
            Outcome::Value(_) if op == Op::Check => Ok(()),
            Outcome::Value(_)
                if validator.is_some() && validator == script.validator.as_deref() =>
            {
                self.event(&Event::Unchanged { index })
            }
            Outcome::Value(value) => self.value(index, name, name, &script, value),
        }
    }

    /// Whether the answer goes on.
    fn folder(&mut self, op: Op, path: &str) -> io::Result<bool> {
        self.hold(path, 0)?;
        let members = self.shared.lock().members(path);
        let script = self.shared.lock().scripts.get(path).cloned();
        if members.is_empty() && script.is_none() {
            self.unexpected(format!("{op:?} {path:?}"));
            self.event(&Event::Refused {
                kind: ErrorKind::Missing,
            })?;
            return Ok(false);
        }
        let script = script.unwrap_or_default();
        if let Fault::Truncate(_) = script.fault {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        if let Outcome::Error(kind) = script.outcome {
            self.event(&Event::Refused { kind })?;
            return Ok(false);
        }
        let short = |name: &str| {
            let at = name.rfind('/').map_or(0, |at| at + 1);
            name.get(at..).unwrap_or_default().to_owned()
        };
        if op == Op::List {
            self.event(&Event::Names(members.iter().map(|n| short(n)).collect()))?;
            return Ok(true);
        }
        for (index, name) in members.iter().enumerate() {
            self.hold(name, 0)?;
            let script = self.look(op, name);
            if let Outcome::Value(value) = &script.outcome {
                self.value(index, name, &short(name), &script, value)?;
            }
        }
        Ok(true)
    }

    fn value(
        &mut self,
        index: usize,
        name: &str,
        shown: &str,
        script: &Script,
        value: &[u8],
    ) -> io::Result<()> {
        let shown = match &script.fault {
            Fault::Lie(other) => other,
            Fault::Truncate(0) => return Err(io::ErrorKind::ConnectionAborted.into()),
            Fault::Truncate(_) | Fault::None => shown,
        };
        let millis = |d: Duration| u64::try_from(d.as_millis()).ok();
        self.event(&Event::Value {
            index,
            name: shown.to_owned(),
            modified_ms: script
                .modified
                .and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok())
                .and_then(millis),
            validator: script.validator.clone(),
            max_age_ms: script.max_age.and_then(millis),
        })?;
        let end = match script.fault {
            Fault::Truncate(bytes) => bytes.min(value.len()),
            Fault::None | Fault::Lie(_) => value.len(),
        };
        let mut sent = 0;
        while sent < end {
            self.hold(name, sent)?;
            // Up to the next hang, if there is one on the way.
            let hold_at = self.shared.lock().scripts.get(name).and_then(|s| s.hold_at);
            let stop = hold_at.filter(|at| *at > sent).unwrap_or(end).min(end);
            let stop = stop.min(sent + wire::MAX_FRAME);
            self.frame(DATA, value.get(sent..stop).unwrap_or_default())?;
            sent = stop;
        }
        if let Fault::Truncate(_) = script.fault {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        self.hold(name, sent)?;
        self.event(&Event::End)
    }

    /// Waits while the test holds `name` at `sent` bytes; an error when the provider gave up.
    fn hold(&mut self, name: &str, sent: usize) -> io::Result<()> {
        let held = |script: Option<&Script>| script.and_then(|s| s.hold_at) == Some(sent);
        let mut state = self.shared.lock();
        if !held(state.scripts.get(name)) {
            return Ok(());
        }
        if let Some(script) = state.scripts.get_mut(name) {
            script.held += 1;
        }
        self.shared.changed.notify_all();
        let mut gone = false;
        while held(state.scripts.get(name)) && !state.closed && !gone {
            state = self
                .shared
                .changed
                .wait_timeout(state, LOOK)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            gone = self.is_gone();
        }
        if let Some(script) = state.scripts.get_mut(name) {
            script.held -= 1;
        }
        if gone {
            state.cancelled += 1;
        }
        let ended = gone || state.closed;
        drop(state);
        self.shared.changed.notify_all();
        if ended {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }

    fn is_gone(&self) -> bool {
        use rustix::net::{RecvFlags, recv};
        let mut byte = [0_u8; 1];
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        matches!(recv(&self.stream, &mut byte, flags), Ok((_, 0)))
    }

    fn look(&self, op: Op, name: &str) -> Script {
        let script = self.shared.lock().scripts.get(name).cloned();
        match script {
            Some(script) if !matches!(script.outcome, Outcome::Unset) => script,
            _ => {
                self.unexpected(format!("{op:?} {name:?}"));
                Script::default()
            }
        }
    }

    fn unexpected(&self, what: String) {
        self.shared.lock().unexpected.push(what);
    }

    fn request(&mut self) -> io::Result<Request> {
        self.stream
            .set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut header = [0; HEADER];
        self.stream.read_exact(&mut header)?;
        let request = wire::parse_header(header)
            .filter(|(kind, _)| *kind == JSON)
            .and_then(|(_, len)| {
                let mut body = vec![0; len];
                self.stream.read_exact(&mut body).ok()?;
                serde_json::from_slice(&body).ok()
            });
        request.ok_or_else(|| {
            self.unexpected("a request that cannot be read".into());
            io::ErrorKind::InvalidData.into()
        })
    }

    fn event(&mut self, event: &Event) -> io::Result<()> {
        let body = serde_json::to_vec(event)?;
        self.frame(JSON, &body)
    }

    fn frame(&mut self, kind: u8, body: &[u8]) -> io::Result<()> {
        let header = wire::header(kind, body).ok_or(io::ErrorKind::InvalidData)?;
        self.stream.write_all(&header)?;
        self.stream.write_all(body)
    }
}
