//! `status` for people: aligned columns, at most 80 wide where names allow it.

use super::words::{age, size, trigger};
use super::{Row, rows};
use crate::output::{errno_name, help_lines, printable, show};
use crate::screen::wrap::sentence;
use crate::screen::{Line, Look, Style, columns};
use secretfs_fs::link::message::{Protections, ProviderStatus, StatusPage};
use secretfs_mount_helper::control::{MountState, MountStatus};
use std::path::Path;

/// The whole text, with a final newline.
pub(super) fn render(mounts: &[MountStatus], look: Look) -> String {
    if mounts.is_empty() {
        return crate::output::text(&[nothing()], look.paint);
    }
    let mut all = Vec::new();
    for mount in mounts {
        if !all.is_empty() {
            all.push(Line::empty());
        }
        all.extend(Block::of(mount, look.width).lines());
    }
    crate::output::text(&all, look.paint)
}

/// Where there is no mount.
pub(super) fn nothing() -> Line {
    Line::plain("nothing is mounted; `secretfs mount` mounts the map found from here")
}

/// What is said of one mount.
#[derive(Debug, Clone, Default)]
pub(super) struct Block {
    /// Its place, its map, its protections, its providers, and the heading of its files.
    pub(super) head: Vec<Said>,
    /// Its files.
    pub(super) files: Vec<File>,
}

/// A line above the files.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) line: Line,
    /// Whether it is the first to go where there is no room: nothing is wrong with it.
    pub(super) detail: bool,
}

/// A file, and what is wrong with it.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) lines: Vec<Line>,
    pub(super) failed: bool,
}

impl Block {
    pub(super) fn of(mount: &MountStatus, width: Option<usize>) -> Self {
        let mut block = Building {
            block: Self::default(),
            width,
            helped: Vec::new(),
        };
        block.mount(mount);
        block.block
    }

    /// A mount that was asked and has not answered yet.
    pub(super) fn asked(mountpoint: &Path) -> Self {
        let line = title(mountpoint).with(Style::Dim, "asking …");
        let detail = false;
        Self {
            head: vec![Said { line, detail }],
            files: Vec::new(),
        }
    }

    pub(super) fn lines(self) -> impl Iterator<Item = Line> {
        let head = self.head.into_iter().map(|said| said.line);
        head.chain(self.files.into_iter().flat_map(|file| file.lines))
    }
}

fn title(mountpoint: &Path) -> Line {
    Line::of(Style::Title, &show(mountpoint)).with(Style::Plain, "  ")
}

/// Whether its processes are there and one of them does not answer.
pub(super) fn is_silent(mount: &MountStatus) -> bool {
    mount.pid != 0 && mount.daemon.is_none() && mount.state != MountState::Starting
}

struct Building {
    block: Block,
    width: Option<usize>,
    /// The helps that were told already.
    helped: Vec<String>,
}

/// Where what is said of a mount begins.
const COLUMN: usize = 11;

impl Building {
    fn line(&mut self, line: Line) {
        let detail = false;
        self.block.head.push(Said { line, detail });
    }

    fn detail(&mut self, line: Line) {
        let detail = true;
        self.block.head.push(Said { line, detail });
    }

    fn lines(&mut self, lines: Vec<Line>) {
        lines.into_iter().for_each(|line| self.line(line));
    }

    fn help(&mut self, indent: usize, help: &str) {
        self.lines(help_lines(indent, help, self.width));
    }

    fn mount(&mut self, mount: &MountStatus) {
        let (style, state) = match mount.state {
            _ if is_silent(mount) => (Style::Bad, "no answer"),
            MountState::Serving => (Style::Good, "serving"),
            MountState::Locked => (Style::Mind, "locked"),
            MountState::Starting => (Style::Mind, "starting"),
            MountState::Locking => (Style::Mind, "locking"),
            MountState::Stopping => (Style::Mind, "stopping"),
        };
        self.line(title(&mount.mountpoint).with(style, state));
        self.line(named("map").with(Style::Plain, &show(&mount.map)));
        if let Some(error) = &mount.map_error {
            let mut lead = named("").with(Style::Bad, "error:");
            for line in error.lines() {
                let told = sentence(lead.with(Style::Plain, " "), line, self.width);
                self.lines(told);
                lead = named("").up_to(COLUMN + "error:".len());
            }
            self.help(
                COLUMN,
                "the last good map is in use; mend the map and save it",
            );
        }
        if mount.pid == 0 {
            self.help(COLUMN, "`secretfs unlock` mounts it again");
            return;
        }
        if mount.state == MountState::Locked {
            self.help(COLUMN, "`secretfs unlock` serves it again");
        }
        self.detail(named("pid").with(Style::Plain, &mount.pid.to_string()));
        match &mount.daemon {
            Some(page) => {
                self.memory(page);
                self.protections(&page.protections);
            }
            None => {
                self.line(named("memory").with(Style::Bad, "no answer from the daemon"));
                self.help(COLUMN, "`secretfs unmount` ends it whatever it is doing");
            }
        }
        if !mount.triggers.is_empty() {
            let names: Vec<_> = mount.triggers.iter().map(|name| trigger(name)).collect();
            for line in sentence(named("locks on"), &names.join(", "), self.width) {
                self.detail(line);
            }
        }
        self.providers(mount);
        self.files(mount);
    }

    fn memory(&mut self, page: &StatusPage) {
        let limit = match page.limit_bytes {
            u64::MAX => "locked, no limit".to_owned(),
            limit => format!("of {} locked", size(limit)),
        };
        let used = size(page.locked_bytes);
        let stacks = page
            .locked_bytes
            .saturating_sub(page.heap_bytes.saturating_add(page.sealed_bytes));
        let shares = format!(
            "heap {}, values {}, stacks {}",
            size(page.heap_bytes),
            size(page.sealed_bytes),
            size(stacks)
        );
        let start = named("memory").with(Style::Plain, &used);
        if page.insecure {
            let line = start.with(Style::Plain, ", ");
            self.line(line.with(Style::Bad, "insecure: it may be swapped"));
        } else {
            let sort = if page.secretmem {
                ""
            } else {
                ", without memfd_secret"
            };
            self.detail(start.with(Style::Plain, &format!(" {limit}{sort}")));
        }
        self.detail(named("").with(Style::Dim, &shares));
    }

    fn protections(&mut self, on: &Protections) {
        let word = |on: bool, what: &str| match on {
            true => (Style::Plain, what.to_owned()),
            false => (Style::Bad, format!("without {what}")),
        };
        let landlock = match on.landlock.as_str() {
            "full" => word(true, "landlock"),
            "no-scopes" => word(true, "landlock (files and ports)"),
            "no-tcp" => (Style::Mind, "landlock (files alone)".to_owned()),
            _ => word(false, "landlock"),
        };
        let words = [
            word(on.no_core && on.not_dumpable, "dump protection"),
            word(on.no_new_privs, "no new privileges"),
            landlock,
            word(on.seccomp, "seccomp"),
        ];
        let all = words.iter().all(|(style, _)| *style == Style::Plain);
        let mut line = named("sandbox");
        for (i, (style, word)) in words.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            line = line.with(Style::Plain, comma).with(*style, word);
        }
        self.block.head.push(Said { line, detail: all });
    }

    fn providers(&mut self, mount: &MountStatus) {
        if mount.providers.is_empty() {
            return;
        }
        let providers = &mount.providers;
        let kind = 2 + 2 + width("PROVIDER", providers.iter().map(|(name, _)| name.as_str()));
        let health = kind + 2 + width("TYPE", providers.iter().map(|(_, kind)| kind.as_str()));
        let row = |style: Style, cells: [&str; 2]| {
            let [name, sort] = cells;
            let line = Line::plain("  ").with(style, name).up_to(kind);
            line.with(style, sort).up_to(health)
        };
        let mut lines = vec![
            Line::empty(),
            row(Style::Dim, ["PROVIDER", "TYPE"]).with(Style::Dim, "HEALTH"),
        ];
        let mut all_good = true;
        for (i, (name, sort)) in providers.iter().enumerate() {
            let seen = mount.daemon.as_ref().and_then(|page| page.providers.get(i));
            let (style, told) = told(seen);
            all_good &= matches!(style, Style::Good | Style::Plain);
            lines.push(row(Style::Plain, [name, sort]).with(style, told));
            if let Some((message, help)) = seen.and_then(|seen| seen.last_error.as_ref()) {
                let prefix = format!("provider {name}: ");
                let message = message.strip_prefix(&prefix).unwrap_or(message);
                lines.extend(sentence(Line::plain("    "), message, self.width));
                lines.extend(self.help_once(help));
            }
            if let Some(note) = seen.and_then(|seen| seen.note.as_ref()) {
                lines.extend(sentence(Line::plain("    "), note, self.width));
            }
        }
        let detail = all_good;
        let said = |line| Said { line, detail };
        self.block.head.extend(lines.into_iter().map(said));
    }

    fn files(&mut self, mount: &MountStatus) {
        let rows: Vec<Row<'_>> = rows(mount).collect();
        if rows.is_empty() {
            return;
        }
        let state = 2 + 2 + width("FILE", rows.iter().map(|row| row.path.as_str()));
        self.line(Line::empty());
        let head = Line::plain("  ").with(Style::Dim, "FILE").up_to(state);
        self.line(head.with(
            Style::Dim,
            &format!("STATE   {:>4}  {:>4}  {:>9}", "AGE", "TTL", "SIZE"),
        ));
        for row in &rows {
            let file = self.file(row, state);
            self.block.files.push(file);
        }
    }

    /// What to do about a provider or file; what holds for several is said once.
    fn help_once(&mut self, help: &str) -> Vec<Line> {
        if self.helped.iter().any(|told| told == help) {
            return Vec::new();
        }
        self.helped.push(help.to_owned());
        help_lines(4, help, self.width)
    }

    fn file(&mut self, row: &Row<'_>, column: usize) -> File {
        let seen = row.seen;
        let failure = seen.and_then(|seen| seen.last_error.as_ref());
        let (style, state) = match seen {
            Some(seen) if seen.cached && seen.stale => (Style::Mind, "stale"),
            Some(seen) if seen.cached => (Style::Good, "cached"),
            Some(_) if failure.is_some() => (Style::Bad, "failed"),
            _ => (Style::Plain, "-"),
        };
        let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".into());
        let line = Line::plain("  ").with(Style::Plain, &row.path);
        let line = line.up_to(column).with(style, state).up_to(column + 8);
        let mut lines = vec![line.with(
            Style::Plain,
            &format!(
                "{:>4}  {:>4}  {:>9}",
                or_dash(seen.and_then(|seen| seen.age_ms).map(age)),
                or_dash(row.ttl_ms.map(age)),
                or_dash(seen.and_then(|seen| seen.size).map(size)),
            ),
        )];
        if let Some((number, message, help)) = failure {
            let told = format!("{}: {message}", errno_name(*number));
            lines.extend(sentence(Line::plain("    "), &told, self.width));
            lines.extend(self.help_once(help));
        }
        if let Some(seen) = seen.filter(|seen| !seen.left_out.is_empty()) {
            let told = format!("left out: {}", seen.left_out.join(", "));
            lines.extend(sentence(Line::plain("    "), &told, self.width));
        }
        File {
            lines,
            failed: failure.is_some(),
        }
    }
}

fn told(seen: Option<&ProviderStatus>) -> (Style, &str) {
    match seen.map(|seen| seen.health.as_str()) {
        Some("good") => (Style::Good, "good"),
        Some("needs-credential") => (Style::Mind, "waits for a credential"),
        Some("failing") => (Style::Bad, "failing"),
        Some("unknown") => (Style::Plain, "not asked yet"),
        Some(other) => (Style::Plain, other),
        None => (Style::Plain, "unknown"),
    }
}

/// The beginning of a line of which the first word says what it is about.
fn named(what: &str) -> Line {
    Line::plain("  ").with(Style::Plain, what).up_to(COLUMN)
}

/// The width of a column.
fn width<'a>(head: &str, cells: impl Iterator<Item = &'a str>) -> usize {
    cells
        .map(|cell| columns(&printable(cell)))
        .chain([head.len()])
        .max()
        .unwrap_or_default()
}
