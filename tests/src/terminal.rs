//! A command on a terminal of its own, whose size can be changed while it runs.

use crate::fixture::Fixture;
use crate::wait;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// The terminal, and all that was written on it.
pub struct Terminal {
    child: Child,
    keys: ChildStdin,
    shown: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
    device: PathBuf,
    /// What was shown before is not looked at any more.
    from: usize,
}

impl Terminal {
    /// Runs a line of shell as the fixture's user.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn start(fixture: &Fixture, (columns, rows): (u16, u16), line: &str) -> Self {
        let told = fixture.path("home/.tty");
        let line = format!(
            "export TERM=xterm; stty cols {columns} rows {rows}; tty > {}; {line}",
            told.display()
        );
        let mut child = fixture
            .command("script")
            .args(["--quiet", "--return", "--flush", "--command", &line])
            .arg("/dev/null")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script");
        let keys = child.stdin.take().expect("a pipe");
        let mut screen = child.stdout.take().expect("a pipe");
        let shown = Arc::new(Mutex::new(Vec::new()));
        let into = shown.clone();
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = screen.read(&mut bytes) {
                into.lock().expect("bytes").extend(&bytes[..read]);
            }
        });
        let device = wait::until("the terminal has a name", || {
            let name = std::fs::read_to_string(&told).ok()?;
            name.strip_suffix('\n').map(PathBuf::from)
        });
        std::fs::remove_file(&told).expect("removed");
        Self {
            child,
            keys,
            shown,
            reader,
            device,
            from: 0,
        }
    }

    /// What was shown since [`Terminal::forget`].
    #[must_use]
    pub fn shown(&self) -> String {
        let shown = self.shown.lock().expect("bytes");
        String::from_utf8_lossy(shown.get(self.from..).unwrap_or_default()).into_owned()
    }

    /// Waits until something was shown; all that was.
    pub fn until(&self, what: &str) -> String {
        wait::until(&format!("{what:?} is shown"), || {
            let shown = self.shown();
            shown.contains(what).then_some(shown)
        })
    }

    /// What was shown so far counts no more.
    pub fn forget(&mut self) {
        self.from = self.shown.lock().expect("bytes").len();
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("pressed");
        self.keys.flush().expect("pressed");
    }

    /// Gives it another size, of which the kernel tells those in the foreground.
    pub fn resize(&self, fixture: &Fixture, (columns, rows): (u16, u16)) {
        let status = fixture
            .command("stty")
            .arg("-F")
            .arg(&self.device)
            .args(["cols", &columns.to_string(), "rows", &rows.to_string()])
            .status();
        assert!(status.expect("stty").success());
    }

    /// Waits for the end of the command; its status, and all that was shown.
    #[must_use]
    pub fn end(mut self) -> (Option<i32>, String) {
        let status = wait::until("the command ends", || {
            self.child.try_wait().expect("its end")
        });
        self.reader.join().expect("all of it");
        let shown = self.shown.lock().expect("bytes");
        (status.code(), String::from_utf8_lossy(&shown).into_owned())
    }
}
