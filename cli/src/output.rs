//! What reaches the terminal: standard output that may be closed, colour only where it is wanted,
//! and no control character that a path or a map brought along.

use crate::error::CliError;
use crate::screen::wrap::sentence;
use crate::screen::{Line, Look, Style};
use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Writes `bytes` to standard output, all or an error.
pub(crate) fn print(bytes: impl AsRef<[u8]>) -> Result<(), CliError> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(bytes.as_ref())?;
    stdout.flush()?;
    Ok(())
}

/// Says what was done, in one sentence, on standard output.
pub(crate) fn say(sentence: &str) -> Result<(), CliError> {
    print(told(sentence, Look::of_stdout()))
}

/// The same on standard error, where standard output is for something else.
pub(crate) fn remark(sentence: &str) {
    complain(&told(sentence, Look::of_stderr()));
}

fn told(words: &str, look: Look) -> String {
    text(&sentence(Line::empty(), words, look.width), look.paint)
}

/// Writes `text` to standard error. Nothing can be done where that fails.
pub(crate) fn complain(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// A warning: the command goes on.
pub(crate) fn warn(message: &str, help: &str) {
    complain(&lines("warning:", message, help, Look::of_stderr()));
}

/// A message and its help, as every error and warning is shown.
pub(crate) fn lines(kind: &str, message: &str, help: &str, look: Look) -> String {
    let style = match kind {
        "error:" => Style::Bad,
        _ => Style::Mind,
    };
    let lead = Line::of(style, kind).with(Style::Plain, " ");
    let mut lines = sentence(lead, &without_numbers(message), look.width);
    lines.extend(help_lines(0, help, look.width));
    text(&lines, look.paint)
}

/// What to do, in as many lines as it has. Nothing where there is nothing to do.
pub(crate) fn help_lines(indent: usize, help: &str, width: Option<usize>) -> Vec<Line> {
    let start = Line::empty().up_to(indent);
    let mut lead = start.clone().with(Style::Help, "help:");
    let mut lines = Vec::new();
    for line in help.lines().filter(|line| !line.is_empty()) {
        lines.extend(sentence(lead.with(Style::Plain, " "), line, width));
        // What follows belongs to the first line, and stands below its text.
        lead = start.clone().up_to(indent + "help:".len());
    }
    lines
}

/// Lines as text, with a final newline.
pub(crate) fn text(lines: &[Line], paint: Paint) -> String {
    lines.iter().map(|line| line.paint(paint) + "\n").collect()
}

/// Rust's texts of system errors end with ` (os error 2)`, which tells nobody anything.
fn without_numbers(message: &str) -> Cow<'_, str> {
    let Some((before, rest)) = message.split_once(" (os error ") else {
        return Cow::Borrowed(message);
    };
    match rest.split_once(')') {
        Some((number, after)) if number.bytes().all(|b| b.is_ascii_digit()) => {
            Cow::Owned(format!("{before}{}", without_numbers(after)))
        }
        _ => Cow::Borrowed(message),
    }
}

/// Colours text, or leaves it as it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint(pub(crate) bool);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.0 {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
    pub(crate) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }
    pub(crate) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }
    pub(crate) fn red(self, text: &str) -> String {
        self.with("1;31", text)
    }
    pub(crate) fn green(self, text: &str) -> String {
        self.with("32", text)
    }
    pub(crate) fn yellow(self, text: &str) -> String {
        self.with("33", text)
    }
    pub(crate) fn cyan(self, text: &str) -> String {
        self.with("1;36", text)
    }
}

/// Whether standard error takes colour.
pub(crate) fn colour() -> bool {
    wants_colour(std::io::stderr().is_terminal())
}

/// Whether standard output takes colour.
pub(crate) fn stdout_colour() -> bool {
    wants_colour(std::io::stdout().is_terminal())
}

fn wants_colour(terminal: bool) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    terminal && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// The text with control characters (of a hostile folder's name, say) made visible, so that none
/// reaches the terminal.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_control) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_control(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Control characters, and those that change the direction of what follows.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether paths are shown whole.
static WHOLE: AtomicBool = AtomicBool::new(false);

/// Has every path shown whole: whoever reads it may be at home elsewhere.
pub(crate) fn show_whole_paths() {
    WHOLE.store(true, Ordering::Relaxed);
}

/// A path for people: `~` for the home folder, control characters made visible.
pub(crate) fn show(path: &Path) -> String {
    let home = std::env::home_dir()
        .filter(|home| home.is_absolute() && home.parent().is_some())
        .filter(|_| !WHOLE.load(Ordering::Relaxed));
    let text = match home.and_then(|home| path.strip_prefix(home).ok().map(Path::to_owned)) {
        Some(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    };
    printable(&text).into_owned()
}

/// The name of an errno that an open can end with (product.md, "The files").
pub(crate) fn errno_name(errno: i32) -> String {
    use rustix::io::Errno;
    let known = [
        (Errno::NOENT, "ENOENT"),
        (Errno::NOKEY, "ENOKEY"),
        (Errno::KEYEXPIRED, "EKEYEXPIRED"),
        (Errno::KEYREJECTED, "EKEYREJECTED"),
        (Errno::ACCESS, "EACCES"),
        (Errno::HOSTUNREACH, "EHOSTUNREACH"),
        (Errno::TIMEDOUT, "ETIMEDOUT"),
        (Errno::BUSY, "EBUSY"),
        (Errno::FBIG, "EFBIG"),
        (Errno::NODATA, "ENODATA"),
        (Errno::INTR, "EINTR"),
        (Errno::NOMEM, "ENOMEM"),
        (Errno::IO, "EIO"),
    ];
    known
        .iter()
        .find(|(known, _)| known.raw_os_error() == errno)
        .map_or_else(|| format!("errno {errno}"), |(_, name)| (*name).to_owned())
}
