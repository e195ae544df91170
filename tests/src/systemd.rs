//! systemd's own programs: installed, or unpacked below the target folder (Debian's elogind conflicts
//! with them). A user's manager and a journal are run in namespaces of their own, and are gone with the
//! test.

use crate::fixture::Fixture;
use crate::machine::Machine;
use crate::{place, user, wait};
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The folder below which systemd's files are.
///
/// # Panics
/// They are nowhere.
#[must_use]
pub fn tree() -> PathBuf {
    if Path::new("/usr/bin/systemd-analyze").exists() {
        return "/".into();
    }
    let probe = place::built("probe");
    let tree = probe
        .ancestors()
        .nth(2)
        .expect("the target folder")
        .join("systemd");
    assert!(
        tree.join("usr/bin/systemd-analyze").exists(),
        "{}: unpack the packages systemd and libsystemd-shared there, as tests/run.sh does",
        tree.display()
    );
    tree
}

/// The `LD_LIBRARY_PATH` of programs that were unpacked.
#[must_use]
pub fn libraries() -> Option<OsString> {
    let tree = tree();
    if tree == Path::new("/") {
        return None;
    }
    let all = ["usr/lib", "lib"].map(|folder| tree.join(folder));
    let found = all
        .iter()
        .filter_map(|lib| std::fs::read_dir(lib).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        // `x86_64-linux-gnu`, on Debian.
        .flat_map(|path| [path.join("systemd"), path])
        .filter(|path| path.is_dir());
    Some(std::env::join_paths(found).expect("paths"))
}

/// What `env` is given to run a program.
///
/// # Panics
/// It is not there.
#[must_use]
pub fn program(name: &str) -> Vec<OsString> {
    let tree = tree();
    let found = ["usr/bin", "bin", "usr/lib/systemd", "lib/systemd"]
        .map(|folder| tree.join(folder).join(name))
        .into_iter()
        .find(|file| file.is_file());
    let mut words = Vec::new();
    if let Some(libraries) = libraries() {
        let mut variable = OsString::from("LD_LIBRARY_PATH=");
        variable.push(libraries);
        words.push(variable);
    }
    words.push(
        found
            .unwrap_or_else(|| panic!("{name} is not there"))
            .into(),
    );
    words
}

/// Keeps the manager until standard input ends. It wants a system that systemd has booted, and a cgroup
/// of its own.
const MANAGER: &str = r#"
set -e
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/systemd/system /run/cgroups
mount -t cgroup2 cgroup2 /run/cgroups
group=/run/cgroups/secretfs-test-$$
mkdir "$group"
chown -R "$UID_:$GID_" "$group"
sh -c 'echo $$ >"$0/cgroup.procs"; exec unshare --cgroup --mount --propagation private -- "$@"' "$group" \
  sh -c 'mount --bind "$0" /sys/fs/cgroup; exec setpriv "--reuid=$UID_" "--regid=$GID_" --clear-groups -- env -i "$@"' "$group" "$@" &
echo started
cat
tries=0
until [ ! -d "$group" ] || [ $tries = 200 ]; do
  find "$group" -name cgroup.procs -exec cat {} + 2>/dev/null | xargs -r kill -KILL 2>/dev/null || true
  find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.05
  tries=$((tries + 1))
done
"#;

/// A real `systemd --user` of the mounting user, with no units but a fixture's.
#[derive(Debug)]
pub struct UserManager<'a> {
    fixture: &'a Fixture,
    holder: Child,
}

impl<'a> UserManager<'a> {
    /// Its runtime folder is the fixture's; its units are in the folder `units`.
    ///
    /// # Panics
    /// It does not start: root, or sudo without a password, and cgroups are needed.
    #[must_use]
    pub fn start(fixture: &'a Fixture) -> Self {
        let who = user::mounting();
        let units = fixture.make_folder("units", 0o700);
        for name in ["default", "basic", "shutdown", "exit"] {
            fixture.write(&units.join(format!("{name}.target")), b"[Unit]\n");
        }
        let mut holder = user::privileged("env");
        holder
            .arg(format!("UID_={}", who.uid))
            .arg(format!("GID_={}", who.gid));
        holder.args(["unshare", "--mount", "--propagation", "private", "--"]);
        holder.args(["sh", "-c", MANAGER, "sh"]);
        holder.arg(format!("HOME={}", fixture.path("home").display()));
        holder.arg(format!("XDG_RUNTIME_DIR={}", fixture.path("run").display()));
        holder.arg(format!("SYSTEMD_UNIT_PATH={}", units.display()));
        holder.args(["PATH=/usr/bin:/bin", "SYSTEMD_LOG_TARGET=null"]);
        holder.args(program("systemd")).arg("--user");
        holder.stdin(Stdio::piped()).stdout(Stdio::piped());
        let holder = holder.spawn().expect("unshare");
        let manager = Self { fixture, holder };
        wait::until("the user's manager answers", || {
            let output = manager.systemctl().arg("show-environment").output();
            output.expect("systemctl").status.success().then_some(())
        });
        manager
    }

    /// `systemctl --user`, as the user.
    pub fn systemctl(&self) -> Command {
        let mut command = self.fixture.command("env");
        command.args(program("systemctl")).arg("--user");
        command
    }
}

impl Drop for UserManager<'_> {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

/// Keeps the journal until standard input ends. It touches neither the machine's entries nor the
/// kernel's audit.
const JOURNAL: &str = r#"
set -e
mkdir -p /run/systemd/journald.conf.d /run/systemd/journal
printf '[Journal]\nStorage=volatile\nAudit=no\nReadKMsg=no\nForwardToWall=no\nRateLimitBurst=0\n' \
  >/run/systemd/journald.conf.d/test.conf
mount -t tmpfs tmpfs /var/log
echo 0123456789abcdef0123456789abcdef >/etc/machine-id
mkdir -p "/run/log/journal/$(cat /etc/machine-id)"
# That of the one before, killed: it must not be taken for this one's.
rm -f /run/systemd/journal/socket
env "$@" </dev/null >/dev/null 2>&1 &
journal=$!
echo started
cat
kill -KILL "$journal"
"#;

/// A real systemd-journald of a machine.
#[derive(Debug)]
pub struct Journald<'a> {
    machine: &'a Machine<'a>,
    holder: Child,
}

impl<'a> Journald<'a> {
    /// What the machine's processes tell from now on is kept.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start(machine: &'a Machine<'a>) -> Self {
        let mut holder = machine.root("sh");
        holder
            .args(["-c", JOURNAL, "sh"])
            .args(program("systemd-journald"));
        holder.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = holder.spawn().expect("sh");
        let mut line = String::new();
        let said = holder.stdout.take().expect("a pipe");
        BufReader::new(said).read_line(&mut line).expect("a line");
        assert_eq!(line, "started\n");
        wait::until("the journal listens", || {
            let mut test = machine.root("test");
            let test = test.args(["-S", "/run/systemd/journal/socket"]).status();
            test.expect("test").success().then_some(())
        });
        Self { machine, holder }
    }

    /// The entries of `secretfs`, oldest first.
    ///
    /// # Panics
    /// They cannot be read.
    #[must_use]
    pub fn entries(&self) -> Vec<serde_json::Value> {
        let mut command = self.machine.root("env");
        command.args(program("journalctl"));
        let output = command
            .args(["--output=json", "--no-pager", "--identifier=secretfs"])
            .output();
        let text = String::from_utf8(output.expect("journalctl").stdout).expect("text");
        let parse = |line| serde_json::from_str(line).expect("JSON");
        text.lines().map(parse).collect()
    }
}

impl Drop for Journald<'_> {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}
