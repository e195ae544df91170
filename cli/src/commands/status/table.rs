//! `status` for people: aligned columns, at most 80 wide where names allow it.

use super::{Row, rows};
use crate::output::{Paint, errno_name, printable, show};
use secretfs_fs::link::message::{Protections, StatusPage};
use secretfs_mount_helper::control::{MountState, MountStatus};

/// The whole text, with a final newline.
pub(super) fn render(mounts: &[MountStatus], colour: bool) -> String {
    let mut text = Text {
        out: String::new(),
        paint: Paint(colour),
    };
    if mounts.is_empty() {
        text.line("nothing is mounted; `secretfs mount` mounts the map found from here");
    }
    for (i, mount) in mounts.iter().enumerate() {
        if i > 0 {
            text.line("");
        }
        text.mount(mount);
    }
    text.out
}

struct Text {
    out: String,
    paint: Paint,
}

impl Text {
    fn line(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    fn mount(&mut self, mount: &MountStatus) {
        let place = self.paint.bold(&show(&mount.mountpoint));
        let state = match mount.state {
            MountState::Serving => self.paint.green("serving"),
            MountState::Locked => self.paint.yellow("locked"),
            MountState::Starting => self.paint.yellow("starting"),
            MountState::Locking => self.paint.yellow("locking"),
            MountState::Stopping => self.paint.yellow("stopping"),
        };
        self.line(&format!("{place}  {state}"));
        self.line(&format!("  map      {}", show(&mount.map)));
        if let Some(error) = &mount.map_error {
            let mark = self.paint.red("error:");
            for (i, line) in error.lines().enumerate() {
                let lead = if i == 0 { mark.as_str() } else { "      " };
                self.line(&format!("           {lead} {}", printable(line)));
            }
            self.help(11, "the last good map is in use; mend the map and save it");
        }
        if mount.pid == 0 {
            self.help(2, "`secretfs unlock` mounts it again");
            return;
        }
        if mount.state == MountState::Locked {
            self.help(11, "`secretfs unlock` serves it again");
        }
        self.line(&format!("  pid      {}", mount.pid));
        match &mount.daemon {
            Some(page) => {
                self.memory(page);
                self.protections(&page.protections);
            }
            None => {
                let mark = self.paint.red("no answer from the daemon");
                self.line(&format!("  memory   {mark}"));
                self.help(11, "`secretfs unmount` ends it whatever it is doing");
            }
        }
        if !mount.triggers.is_empty() {
            let names: Vec<_> = mount.triggers.iter().map(|name| trigger(name)).collect();
            self.line(&format!("  locks on {}", printable(&names.join(", "))));
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
        let line = if page.insecure {
            format!("{used}, {}", self.paint.red("insecure: it may be swapped"))
        } else if page.secretmem {
            format!("{used} {limit}")
        } else {
            format!("{used} {limit}, without memfd_secret")
        };
        self.line(&format!("  memory   {line}"));
        self.line(&format!("           {}", self.paint.dim(&shares)));
    }

    fn protections(&mut self, on: &Protections) {
        let missing = |what: &str| self.paint.red(&format!("without {what}"));
        let word = |on: bool, what: &str| if on { what.to_owned() } else { missing(what) };
        let landlock = match on.landlock.as_str() {
            "full" => "landlock".to_owned(),
            "no-scopes" => "landlock (files and ports)".to_owned(),
            "no-tcp" => self.paint.yellow("landlock (files alone)"),
            _ => missing("landlock"),
        };
        let words = [
            word(on.no_core && on.not_dumpable, "dump protection"),
            word(on.no_new_privs, "no new privileges"),
            landlock,
            word(on.seccomp, "seccomp"),
        ];
        self.line(&format!("  sandbox  {}", words.join(", ")));
    }

    fn providers(&mut self, mount: &MountStatus) {
        if mount.providers.is_empty() {
            return;
        }
        let (names, kinds) = (
            width(
                "PROVIDER",
                mount.providers.iter().map(|(name, _)| name.as_str()),
            ),
            width(
                "TYPE",
                mount.providers.iter().map(|(_, kind)| kind.as_str()),
            ),
        );
        let head = format!("{:names$}  {:kinds$}  HEALTH", "PROVIDER", "TYPE");
        self.line("");
        let head = self.paint.dim(&head);
        self.line(&format!("  {head}"));
        for (i, (name, kind)) in mount.providers.iter().enumerate() {
            let seen = mount.daemon.as_ref().and_then(|page| page.providers.get(i));
            let health = match seen.map(|seen| seen.health.as_str()) {
                Some("good") => self.paint.green("good"),
                Some("needs-credential") => self.paint.yellow("waits for a credential"),
                Some("failing") => self.paint.red("failing"),
                Some("unknown") => "not asked yet".to_owned(),
                Some(other) => printable(other).into_owned(),
                None => "unknown".to_owned(),
            };
            self.line(&format!(
                "  {}  {}  {health}",
                pad(name, names),
                pad(kind, kinds)
            ));
            if let Some((message, help)) = seen.and_then(|seen| seen.last_error.as_ref()) {
                self.line(&format!("    {}", printable(message)));
                self.help(4, help);
            }
            if let Some(note) = seen.and_then(|seen| seen.note.as_ref()) {
                self.line(&format!("    {}", printable(note)));
            }
        }
    }

    fn files(&mut self, mount: &MountStatus) {
        let rows: Vec<Row<'_>> = rows(mount).collect();
        if rows.is_empty() {
            return;
        }
        let name = width("FILE", rows.iter().map(|row| row.path.as_str()));
        let head = format!(
            "{:name$}  STATE   {:>4}  {:>4}  {:>9}",
            "FILE", "AGE", "TTL", "SIZE"
        );
        self.line("");
        let head = self.paint.dim(&head);
        self.line(&format!("  {head}"));
        for row in &rows {
            self.file(row, name);
        }
    }

    fn file(&mut self, row: &Row<'_>, name: usize) {
        let seen = row.seen;
        let failure = seen.and_then(|seen| seen.last_error.as_ref());
        let state = match seen {
            Some(seen) if seen.cached && seen.stale => self.paint.yellow("stale "),
            Some(seen) if seen.cached => self.paint.green("cached"),
            Some(_) if failure.is_some() => self.paint.red("failed"),
            _ => "-     ".to_owned(),
        };
        let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".into());
        self.line(&format!(
            "  {}  {state}  {:>4}  {:>4}  {:>9}",
            pad(&row.path, name),
            or_dash(seen.and_then(|seen| seen.age_ms).map(age)),
            or_dash(row.ttl_ms.map(age)),
            or_dash(seen.and_then(|seen| seen.size).map(size)),
        ));
        if let Some((errno, message, help)) = failure {
            self.line(&format!(
                "    {}: {}",
                errno_name(*errno),
                printable(message)
            ));
            self.help(4, help);
        }
        if let Some(seen) = seen.filter(|seen| !seen.left_out.is_empty()) {
            self.line(&format!(
                "    left out: {}",
                printable(&seen.left_out.join(", "))
            ));
        }
    }

    fn help(&mut self, indent: usize, help: &str) {
        if !help.is_empty() {
            let mark = self.paint.cyan("help:");
            self.line(&format!("{:indent$}{mark} {}", "", printable(help)));
        }
    }
}

/// What locks a mount, as a user knows it.
fn trigger(name: &str) -> &str {
    match name {
        "command" => "`secretfs lock`",
        "sigterm" => "SIGTERM",
        "lock" => "the session's lock",
        "sleep-unheld" => "sleep (which does not wait)",
        "shutdown-unheld" => "shutdown (which does not wait)",
        "screensaver" => "the screen saver",
        "system-bus" => "loss of the system bus",
        "session-bus" => "loss of the session bus",
        other => other,
    }
}

/// The width of a column.
fn width<'a>(head: &str, cells: impl Iterator<Item = &'a str>) -> usize {
    cells
        .map(|cell| printable(cell).chars().count())
        .chain([head.len()])
        .max()
        .unwrap_or_default()
}

fn pad(cell: &str, width: usize) -> String {
    format!("{:width$}", printable(cell))
}

/// A time in its largest whole unit, at most four characters: `59s`, `59m`, `47h`, `99d`.
fn age(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..=119 => format!("{seconds}s"),
        120..=7_199 => format!("{}m", seconds / 60),
        7_200..=172_799 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Bytes: `51 B`, `3.0 KiB`, `8.0 MiB`.
fn size(bytes: u64) -> String {
    let tenths = |unit: u64| {
        let tenths = (u128::from(bytes) * 10 + u128::from(unit) / 2) / u128::from(unit);
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    match bytes {
        0..=1023 => format!("{bytes} B"),
        1024..=1_048_575 => format!("{} KiB", tenths(1 << 10)),
        1_048_576..=1_073_741_823 => format!("{} MiB", tenths(1 << 20)),
        _ => format!("{} GiB", tenths(1 << 30)),
    }
}
