//! The daemon's log: it may open no file, so lines travel over the link and the helper writes them.

use crate::daemon::outbox::Outbox;
use crate::link::FromDaemon;
use std::fmt::Write as _;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// The longest line, in bytes. What is longer is cut: a line must fit a frame of the link.
const MAX_LINE: usize = 2048;

/// What the locked heap must be able to give beside a line: those that wait for the helper lie there, and a
/// failed allocation would end the process.
const SPARE_HEAP: usize = 256 << 10;

/// Turns events into lines of the link. Spans are not kept: with one thread and short events they
/// would only cost locked memory.
#[derive(Debug)]
pub(crate) struct LinkLog {
    outbox: Outbox,
    max: Level,
}

impl LinkLog {
    /// Makes it the process's log. The second call of a process changes nothing.
    pub(crate) fn install(outbox: Outbox) {
        let _ = tracing::subscriber::set_global_default(Self {
            outbox,
            max: Level::INFO,
        });
    }
}

/// Collects an event's message and fields.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let result = if field.name() == "message" {
            write!(self.0, "{value:?}")
        } else {
            write!(self.0, " {}={value:?}", field.name())
        };
        // Writing to a String cannot fail.
        let _ = result;
    }
}

impl Subscriber for LinkLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.max && metadata.target().starts_with("secretfs")
            || *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        if !secretfs_memory::heap::has_room(SPARE_HEAP) {
            return;
        }
        let mut line = Line(String::new());
        event.record(&mut line);
        let mut text = line.0;
        if text.len() > MAX_LINE {
            let cut = (0..=MAX_LINE)
                .rev()
                .find(|&at| text.is_char_boundary(at))
                .unwrap_or(0);
            text.truncate(cut);
        }
        let level = event.metadata().level().as_str().to_ascii_lowercase();
        // A full outbox drops the line: a log must never make a request wait.
        self.outbox.try_send(FromDaemon::Log { level, text });
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
