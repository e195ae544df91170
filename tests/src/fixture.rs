//! A home, a map, a mount by the real executable, and the promise that nothing of it stays.

use crate::place::{fresh_folder, link_executable, link_shipped, link_shipped_with_hooks};
use crate::probe::Probe;
use crate::system::{self, Process};
use crate::user::{self, MEMLOCK, User};
use crate::vault::{PASSPHRASE, TestVault};
use crate::wait;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// Stands in every value that a test shows through a mount: the fixture looks for it in every file
/// that is left behind.
pub const MARKER: &str = "pL41nT3xT";

/// A value with the marker in it, of exactly `len` bytes.
///
/// # Panics
/// It would be shorter than the marker and its label.
#[must_use]
pub fn value(label: &str, len: usize) -> Vec<u8> {
    let unit = format!("{MARKER} {label}\n");
    assert!(len >= unit.len(), "{len} bytes do not hold {unit:?}");
    unit.bytes().cycle().take(len).collect()
}

/// A kubeconfig with that context, and the marker in it.
#[must_use]
pub fn kubeconfig(context: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: {context}\ncontexts:\n\
         - name: {context}\n  context: {{cluster: c, user: u}}\nclusters:\n\
         - name: c\n  cluster: {{server: \"https://127.0.0.1:1\"}}\nusers:\n\
         - name: u\n  user: {{token: {MARKER}}}\n"
    )
}

/// A user's places, and the mounts made in them. When dropped, everything is unmounted, and a mount,
/// a process or a plaintext that is left behind is a failure.
#[derive(Debug)]
pub struct Fixture {
    folder: TempDir,
    executable: PathBuf,
    probe: PathBuf,
    /// The most that a process may lock, in bytes.
    pub memlock: u64,
    /// Further environment of every command.
    pub environment: Vec<(String, String)>,
}

impl Fixture {
    /// An empty home.
    ///
    /// # Panics
    /// It cannot be made.
    #[must_use]
    pub fn new() -> Self {
        Self::with(|folder| link_executable("secretfs", folder))
    }

    /// The same for the executable as it is shipped.
    ///
    /// # Panics
    /// It was not built.
    #[must_use]
    pub fn shipped() -> Self {
        Self::with(link_shipped)
    }

    /// The same profile with test hooks.
    ///
    /// # Panics
    /// It was not built.
    #[must_use]
    pub fn shipped_with_hooks() -> Self {
        Self::with(link_shipped_with_hooks)
    }

    fn with(executable: impl FnOnce(&Path) -> PathBuf) -> Self {
        let folder = fresh_folder();
        let fixture = Self {
            executable: executable(folder.path()),
            probe: link_executable("probe", folder.path()),
            folder,
            memlock: MEMLOCK,
            environment: Vec::new(),
        };
        for name in ["home", "run", "state"] {
            fixture.make_folder(name, 0o700);
        }
        let passphrase = fixture.path("passphrase");
        fixture.write(&passphrase, format!("{PASSPHRASE}\n").as_bytes());
        fixture
    }

    /// A path below the fixture's folder.
    #[must_use]
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where [`Fixture::mount`] mounts.
    #[must_use]
    pub fn mountpoint(&self) -> PathBuf {
        self.path("home/secrets")
    }

    /// A file of the mount.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.mountpoint().join(name)
    }

    /// Where [`Fixture::write_map`] writes.
    #[must_use]
    pub fn map(&self) -> PathBuf {
        self.path("secrets.yml")
    }

    /// A folder of the user.
    ///
    /// # Panics
    /// It cannot be made.
    pub fn make_folder(&self, name: &str, mode: u32) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir(&path).expect("a folder");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("chmod");
        user::give(&path, user::mounting());
        path
    }

    /// A file of the user, 0600, put in place as editors do: by rename.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn write(&self, path: &Path, content: &[u8]) {
        let mut fresh = path.as_os_str().to_owned();
        fresh.push(".new");
        let fresh = PathBuf::from(fresh);
        std::fs::write(&fresh, content).expect("a file");
        std::fs::set_permissions(&fresh, PermissionsExt::from_mode(0o600)).expect("chmod");
        user::give(&fresh, user::mounting());
        std::fs::rename(&fresh, path).expect("rename");
    }

    /// Writes the map.
    pub fn write_map(&self, text: &str) {
        self.write(&self.map(), text.as_bytes());
    }

    /// Puts the passphrase of a provider `vault` where a service has it, for what a reader of a page would
    /// type.
    ///
    /// # Panics
    /// The folder is there already.
    pub fn give_passphrase(&mut self) {
        let credentials = self.make_folder("credentials", 0o700);
        let passphrase = credentials.join("secretfs.vault.passphrase");
        self.write(&passphrase, PASSPHRASE.as_bytes());
        let credentials = credentials.to_str().expect("UTF-8").to_owned();
        let variable = ("CREDENTIALS_DIRECTORY".to_owned(), credentials);
        self.environment.push(variable);
    }

    /// A local vault, to be named as `{type: local, file: …}` in the map.
    #[must_use]
    pub fn vault(&self) -> TestVault {
        TestVault::new(&self.make_folder("vault", 0o700))
    }

    // Commands.

    /// Any program, as the user.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        self.command_as(user::mounting(), program)
    }

    /// Any program, as some user, in this fixture's environment.
    pub fn command_as(&self, who: &User, program: impl AsRef<OsStr>) -> Command {
        let mut command = user::command_as(who, self.memlock, program);
        command.env("HOME", self.path("home"));
        command.env("XDG_RUNTIME_DIR", self.path("run"));
        command.env("XDG_STATE_HOME", self.path("state"));
        command.env("SECRETFS_MAP", self.map());
        // Not the machine's own: whoever locks the screen meanwhile would lock the mounts of tests.
        command.env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus");
        command.envs(self.environment.iter().cloned());
        command.stdin(Stdio::null());
        command
    }

    /// `secretfs` with some arguments.
    pub fn secretfs<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.command(&self.executable);
        command.args(args);
        command
    }

    /// Runs `secretfs` and expects 0; its standard output.
    ///
    /// # Panics
    /// Another status.
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> String {
        let mut command = self.secretfs(args);
        let output = command.output().expect("secretfs");
        assert!(output.status.success(), "{command:?}: {}", told(&output));
        String::from_utf8(output.stdout).expect("text")
    }

    /// Runs `secretfs` and expects another status; what it said.
    ///
    /// # Panics
    /// Another status than that, or no text on standard error.
    pub fn fails<S: AsRef<OsStr>>(&self, status: i32, args: impl IntoIterator<Item = S>) -> String {
        let mut command = self.secretfs(args);
        let output = command.output().expect("secretfs");
        assert_eq!(
            output.status.code(),
            Some(status),
            "{command:?}: {}",
            told(&output)
        );
        let text = String::from_utf8(output.stderr).expect("text");
        assert!(!text.trim().is_empty(), "{command:?} says nothing");
        text
    }

    /// The arguments of a mount of this fixture's map with the vault's passphrase.
    #[must_use]
    pub fn mount_args(&self) -> Vec<String> {
        let passphrase = self.path("passphrase");
        let mountpoint = self.mountpoint();
        ["mount", "--passphrase-file"]
            .into_iter()
            .map(str::to_owned)
            .chain([passphrase, mountpoint].map(|p| p.to_str().expect("UTF-8").to_owned()))
            .collect()
    }

    /// Mounts; the files can be opened when it returns.
    pub fn mount(&self) {
        self.run(self.mount_args());
        assert!(
            self.is_mounted(),
            "mount ended with 0, but there is no mount"
        );
    }

    /// Unmounts, and waits for the end of every process.
    pub fn unmount(&self) {
        self.run([OsStr::new("unmount"), self.mountpoint().as_os_str()]);
        assert!(
            !self.is_mounted(),
            "unmount ended with 0, but there is a mount"
        );
        self.wait_for_no_process();
    }

    /// `status --json` of the only mount.
    ///
    /// # Panics
    /// There is none, or several.
    #[must_use]
    pub fn status(&self) -> serde_json::Value {
        let text = self.run(["status", "--json"]);
        let mut status: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let mounts = status["mounts"].as_array_mut().expect("mounts");
        assert_eq!(mounts.len(), 1, "{text}");
        mounts.remove(0)
    }

    /// The record of one file in [`Fixture::status`].
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn status_of(&self, file: &str) -> serde_json::Value {
        let status = self.status();
        let files = status["files"].as_array().expect("files");
        files
            .iter()
            .find(|record| record["path"] == file)
            .unwrap_or_else(|| panic!("{file} is not in {files:?}"))
            .clone()
    }

    /// A process of the user that does system calls.
    #[must_use]
    pub fn probe(&self) -> Probe {
        Probe::start(self.command(&self.probe))
    }

    /// The same in a mount namespace of its own, with a copy of every mount that is there now. Needs
    /// root, or sudo without a password.
    #[must_use]
    pub fn probe_in_a_namespace(&self) -> Probe {
        let inner = self.command(&self.probe);
        let mut outer = user::privileged("unshare");
        outer.args(["--mount", "--propagation", "private", "--"]);
        user::start_by(&mut outer, &inner);
        Probe::start(outer)
    }

    /// The executable whose processes are this fixture's.
    #[must_use]
    pub fn executable(&self) -> &Path {
        &self.executable
    }

    /// The probe, for a machine to start.
    #[must_use]
    pub fn probe_path(&self) -> &Path {
        &self.probe
    }

    /// The same as another user.
    #[must_use]
    pub fn probe_as(&self, who: &User) -> Probe {
        Probe::start(self.command_as(who, &self.probe))
    }

    /// One file, read by a process of the user; the errno where that fails.
    ///
    /// # Errors
    /// The errno.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, i32> {
        self.probe().slurp(self.file(name))
    }

    /// Moves the clock of the daemon.
    #[cfg(feature = "test-hooks")]
    pub fn advance(&self, by: std::time::Duration) {
        let output = crate::clock::advance(self, &self.mountpoint(), by);
        assert!(output.status.success(), "{}", told(&output));
    }

    /// The same where the mount ends by it, perhaps before it has answered.
    #[cfg(feature = "test-hooks")]
    pub fn advance_to_the_end(&self, by: std::time::Duration) {
        let _ = crate::clock::advance(self, &self.mountpoint(), by);
    }

    // What there is.

    /// Whether the mountpoint is one.
    #[must_use]
    pub fn is_mounted(&self) -> bool {
        !system::mounts_below(&self.mountpoint()).is_empty()
    }

    /// The processes of this fixture's executable.
    #[must_use]
    pub fn processes(&self) -> Vec<Process> {
        let mut processes = system::processes_from(self.folder.path());
        processes.retain(|process| {
            process
                .args
                .first()
                .is_none_or(|arg| !arg.ends_with("probe"))
        });
        processes
    }

    /// The process of a role: `internal-daemon`, `internal-mount-helper`, `internal-sentinel`.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn process(&self, role: &str) -> Process {
        let found = self
            .processes()
            .into_iter()
            .find(|process| process.args.get(1).is_some_and(|arg| arg == role));
        found.unwrap_or_else(|| panic!("no {role} among {:?}", self.processes()))
    }

    /// Waits until no process is left.
    pub fn wait_for_no_process(&self) {
        wait::until("every process ends", || {
            self.processes().is_empty().then_some(())
        });
    }

    /// Waits until the mount is gone.
    pub fn wait_for_no_mount(&self) {
        wait::until("the mount is gone", || (!self.is_mounted()).then_some(()));
    }
}

impl Default for Fixture {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let folder = self.folder.path().to_owned();
        // A daemon that a test has stopped would make everything below slow.
        for process in self.processes() {
            let _ = Command::new("kill")
                .args(["-CONT", &process.pid.to_string()])
                .status();
        }
        let unmounted = self.secretfs(["unmount", "--all"]).output();
        let patience = std::time::Instant::now() + wait::PATIENCE;
        let left = loop {
            let mounts = system::mounts_below(&folder);
            let processes = self.processes();
            if (mounts.is_empty() && processes.is_empty()) || std::time::Instant::now() > patience {
                break (mounts, processes);
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        };
        // Whatever was wrong, the next test starts on a clean machine.
        for mount in &left.0 {
            let _ = self
                .command("fusermount3")
                .args(["-u", "-z", "--"])
                .arg(&mount.at)
                .status();
        }
        for process in &left.1 {
            let _ = Command::new("kill")
                .args(["-KILL", &process.pid.to_string()])
                .status();
        }
        let clean = left.0.is_empty() && left.1.is_empty();
        if std::thread::panicking() || !clean {
            for file in ["secretfs/secretfs.log", "secretfs/audit.jsonl"] {
                if let Ok(text) = std::fs::read_to_string(folder.join("state").join(file)) {
                    eprintln!("--- the end of {file}\n{}", the_end_of(&text));
                }
            }
        }
        if std::thread::panicking() {
            return;
        }
        assert!(
            left.0.is_empty(),
            "mounts are left: {:?} ({unmounted:?})",
            left.0
        );
        assert!(
            left.1.is_empty(),
            "processes are left: {:?} ({unmounted:?})",
            left.1
        );
        let plain = files_with_the_marker(&folder);
        assert!(plain.is_empty(), "plaintext is left in {plain:?}");
    }
}

/// The last lines: a test of thousands of opens would hide its own report behind its log.
fn the_end_of(text: &str) -> &str {
    const LINES: usize = 40;
    let mut starts = text.rmatch_indices('\n').map(|(at, _)| at + 1);
    // The last line ends with one too.
    starts
        .nth(LINES)
        .map_or(text, |at| text.get(at..).unwrap_or(text))
}

fn files_with_the_marker(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            let path = entry.path();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && !["secretfs", "probe"].contains(&name(&path)) {
                let bytes = std::fs::read(&path).unwrap_or_default();
                if bytes
                    .windows(MARKER.len())
                    .any(|part| part == MARKER.as_bytes())
                {
                    found.push(path);
                }
            }
        }
    }
    found
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(OsStr::to_str).unwrap_or_default()
}

/// What a command said, for a failed assertion.
#[must_use]
pub fn told(output: &Output) -> String {
    format!(
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
