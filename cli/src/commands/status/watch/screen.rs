//! The screen: one frame over the other, and nothing written where nothing has changed.

use super::super::table::{self, Block};
use super::fit::{fit, many};
use super::observe::Seen;
use crate::output::Paint;
use crate::screen::{Line, Style};
use secretfs_mount_helper::control::MountStatus;
use std::io;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// It may be time to draw.
    Tick,
    /// A key.
    Key(u8),
    /// The terminal has another size.
    Resized,
    /// Ctrl-Z.
    Suspended,
    /// Continued after a stop.
    Continued,
    /// A signal that ends a program.
    Ended(u8),
}

/// What to do then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Go on.
    On,
    /// End, as was asked for.
    Quit,
    /// End, by a signal.
    Signalled(u8),
}

/// What can be drawn on.
pub(super) trait Terminal {
    /// Columns and rows.
    fn size(&self) -> (usize, usize);
    /// Takes it over. Again after a stop, in which others may have changed its modes.
    fn enter(&mut self) -> io::Result<()>;
    /// Gives it back as it was.
    fn leave(&mut self);
    /// Writes, if that can be done at once; whether it was.
    fn write(&mut self, bytes: &[u8]) -> io::Result<bool>;
    /// Stops this process, until it is continued.
    fn stop(&mut self);
}

/// What is on the terminal.
pub(super) struct Screen<T: Terminal> {
    terminal: T,
    paint: Paint,
    /// The last frame, and its size.
    drawn: Option<(Vec<Line>, (usize, usize))>,
}

impl<T: Terminal> Screen<T> {
    pub(super) fn open(mut terminal: T, paint: Paint) -> io::Result<Self> {
        terminal.enter()?;
        let drawn = None;
        Ok(Self {
            terminal,
            paint,
            drawn,
        })
    }

    /// Reacts. What it says to go on with is followed by [`Self::draw`].
    pub(super) fn handle(&mut self, event: Event) -> io::Result<Next> {
        match event {
            Event::Key(b'q' | b'Q' | END_OF_TEXT | END_OF_INPUT) => return Ok(Next::Quit),
            // Ctrl-L: something else has written on it.
            Event::Key(FORM_FEED) | Event::Resized => self.drawn = None,
            Event::Key(_) | Event::Tick => {}
            Event::Suspended => {
                self.terminal.leave();
                self.terminal.stop();
                self.again()?;
            }
            Event::Continued => self.again()?,
            Event::Ended(signal) => return Ok(Next::Signalled(signal)),
        }
        Ok(Next::On)
    }

    fn again(&mut self) -> io::Result<()> {
        self.drawn = None;
        self.terminal.enter()
    }

    /// Draws what is known, if it is not what is there already.
    pub(super) fn draw(&mut self, seen: &[Seen]) -> io::Result<()> {
        let size = self.terminal.size();
        let lines = frame(seen, size);
        let drawn = self.drawn.as_ref();
        if drawn.is_some_and(|drawn| drawn.0 == lines && drawn.1 == size) {
            return Ok(());
        }
        // What a terminal makes of what it shows when it changes its size is its own.
        let wipe = drawn.is_none_or(|drawn| drawn.1 != size);
        let text = encode(&lines, size, wipe, self.paint);
        if self.terminal.write(text.as_bytes())? {
            self.drawn = Some((lines, size));
        }
        Ok(())
    }
}

impl<T: Terminal> Drop for Screen<T> {
    fn drop(&mut self) {
        self.terminal.leave();
    }
}

/// Ctrl-C and Ctrl-D where the terminal makes no signal or end of them.
const END_OF_TEXT: u8 = 3;
const END_OF_INPUT: u8 = 4;
const FORM_FEED: u8 = 12;

/// At most as many lines as there are rows, none wider than the terminal.
pub(super) fn frame(seen: &[Seen], (width, height): (usize, usize)) -> Vec<Line> {
    let blocks: Vec<Block> = seen
        .iter()
        .map(|seen| match seen {
            Seen::Answered(status) => Block::of(status, Some(width)),
            Seen::Asked(place) => Block::asked(place),
        })
        .collect();
    let mut lines = vec![heading(seen, width), Line::empty()];
    if blocks.is_empty() {
        lines.push(table::nothing());
    } else {
        lines.extend(fit(blocks, height.saturating_sub(lines.len())));
    }
    lines.truncate(height);
    lines.into_iter().map(|line| line.cut(width)).collect()
}

/// All of it in one line, and how to get out.
fn heading(seen: &[Seen], width: usize) -> Line {
    let answered = || {
        seen.iter().filter_map(|seen| match seen {
            Seen::Answered(status) => Some(status.as_ref()),
            Seen::Asked(_) => None,
        })
    };
    let count = |which: &dyn Fn(&MountStatus) -> usize| answered().map(which).sum::<usize>();
    let files = count(&|mount| super::super::rows(mount).count());
    let of = |which: &dyn Fn(&super::super::Row<'_>) -> bool| {
        count(&|mount| super::super::rows(mount).filter(|row| which(row)).count())
    };
    let cached = of(&|row| row.seen.is_some_and(|seen| seen.cached));
    let failed = of(&|row| row.seen.is_some_and(|seen| seen.last_error.is_some()));
    let silent = count(&|mount| usize::from(table::is_silent(mount)));
    let locked = count(&|mount| {
        usize::from(mount.state == secretfs_mount_helper::control::MountState::Locked)
    });
    let mut line = Line::of(
        Style::Title,
        &format!("{} {}", seen.len(), many("mount", seen.len())),
    );
    let mut add = |style, count: usize, text: String| {
        if count > 0 {
            line = std::mem::take(&mut line)
                .with(Style::Plain, ", ")
                .with(style, &text);
        }
    };
    add(Style::Bad, silent, format!("{silent} without an answer"));
    add(Style::Mind, locked, format!("{locked} locked"));
    add(
        Style::Plain,
        files,
        format!("{files} {}", many("file", files)),
    );
    add(Style::Good, cached, format!("{cached} cached"));
    add(Style::Bad, failed, format!("{failed} failed"));
    let room = width.saturating_sub(KEYS.len());
    // Where there is no room for both, what is to be seen comes first.
    if line.width() + 2 <= room {
        line = line.up_to(room).with(Style::Dim, KEYS);
    }
    line
}

const KEYS: &str = "q quits";

/// The frame as a terminal takes it: over what is there, so that nothing flickers.
fn encode(lines: &[Line], (width, height): (usize, usize), wipe: bool, paint: Paint) -> String {
    let mut text = String::from(if wipe { "\x1b[H\x1b[2J" } else { "\x1b[H" });
    for (i, line) in lines.iter().enumerate() {
        if i > 0 {
            // A terminal that adds the carriage return by itself does no harm.
            text.push_str("\r\n");
        }
        text.push_str(&line.paint(paint));
        // At the last column the cursor stands on what was just written.
        if line.width() < width {
            text.push_str("\x1b[K");
        }
    }
    if lines.len() < height {
        text.push_str("\r\n\x1b[J");
    }
    text
}
