//! A machine with our helpers of mount(8) installed and an /etc/fstab of its own: a mount namespace in
//! which /run, /sbin and /etc are replaced. Nothing of it is seen outside, and it is gone with the test.

use crate::fixture::Fixture;
use crate::system::{self, MountLine};
use crate::user;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Makes the namespace, says its process id, and keeps it until standard input ends.
const SETUP: &str = r#"
set -e
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sbin "/run/user/$UID_"
cp -a /etc /run/etc
mount --bind /run/etc /etc
chown "$UID_:$GID_" "/run/user/$UID_"
mount --bind "$FOLDER/run" "/run/user/$UID_"
sbin=$(readlink -f /sbin)
mount --bind "$sbin" /run/sbin
mount -t tmpfs -o mode=755 tmpfs "$sbin"
ln -s /run/sbin/* "$sbin/"
for name in mount.secretfs mount.fuse.secretfs umount.fuse.secretfs; do ln -sf "$FOLDER/secretfs" "$sbin/$name"; done
for file in fstab passwd group; do
  : >>"/etc/$file"
  mount --bind "$FOLDER/machine/$file" "/etc/$file"
done
echo $$
exec cat
"#;

/// A group that the mounting user is in beside its own.
pub const EXTRA_GROUP: u32 = 64_999;

/// See the module.
#[derive(Debug)]
pub struct Machine<'a> {
    fixture: &'a Fixture,
    holder: Child,
    namespace: String,
    memlock: u64,
}

impl<'a> Machine<'a> {
    /// With this fixture's executable, and the mounting user at home in the fixture's home folder.
    ///
    /// # Panics
    /// It cannot be made: root, or sudo without a password, is needed.
    #[must_use]
    pub fn new(fixture: &'a Fixture) -> Self {
        let who = user::mounting();
        let folder = fixture.make_folder("machine", 0o755);
        let home = fixture.path("home");
        let ours = format!(
            "{}:x:{}:{}::{}:/bin/sh\n",
            who.name,
            who.uid,
            who.gid,
            home.display()
        );
        write(
            &folder.join("passwd"),
            &without("/etc/passwd", &who.name, &ours),
        );
        let ours = format!("secretfs-extra:x:{EXTRA_GROUP}:{}\n", who.name);
        write(
            &folder.join("group"),
            &without("/etc/group", "secretfs-extra", &ours),
        );
        write(&folder.join("fstab"), "");
        let mut holder = user::privileged("env");
        holder.arg(format!("FOLDER={}", fixture.path("").display()));
        holder.arg(format!("UID_={}", who.uid));
        holder.arg(format!("GID_={}", who.gid));
        holder.args(["unshare", "--mount", "--propagation", "private", "--"]);
        holder.args(["sh", "-c", SETUP]);
        holder.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = holder.spawn().expect("unshare");
        let mut pid = String::new();
        let said = holder.stdout.take().expect("a pipe");
        BufReader::new(said).read_line(&mut pid).expect("a line");
        assert!(!pid.is_empty(), "the namespace could not be made");
        Self {
            fixture,
            holder,
            namespace: format!("--mount=/proc/{}/ns/mnt", pid.trim()),
            memlock: fixture.memlock,
        }
    }

    /// Writes /etc/fstab.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn fstab(&self, text: &str) {
        write(&self.fixture.path("machine/fstab"), text);
    }

    /// Writes a file of the machine's own /etc: `hosts`, say.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn write_etc(&self, name: &str, text: &str) {
        let mut shell = self.root("sh");
        // Readers see the old or the new one.
        shell.args([
            "-c",
            "printf %s \"$2\" >\"/etc/$1.new\" && mv \"/etc/$1.new\" \"/etc/$1\"",
        ]);
        let status = shell.args(["sh", name, text]).status().expect("a shell");
        assert!(status.success(), "/etc/{name}: {status}");
    }

    /// A program as root, with nothing in its environment.
    pub fn root(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = user::privileged("nsenter");
        command.args([self.namespace.as_str(), "--", "env", "-i"]);
        command.args([
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            "NO_COLOR=1",
            "HOME=/root",
        ]);
        command.args(["prlimit", &format!("--memlock={0}:{0}", self.memlock)]);
        command.arg(program).stdin(Stdio::null());
        command
    }

    /// A program as some user, in the fixture's environment.
    pub fn user(&self, who: &user::User, program: impl AsRef<OsStr>) -> Command {
        let environment = self.fixture.command_as(who, "true");
        let mut command = user::privileged("nsenter");
        command.args([self.namespace.as_str(), "--", "env", "-i"]);
        for (name, value) in environment.get_envs() {
            let mut pair = name.to_owned();
            pair.push("=");
            pair.push(value.unwrap_or_default());
            command.arg(pair);
        }
        command.args(["prlimit", &format!("--memlock={0}:{0}", self.memlock)]);
        command.args(["setpriv", "--init-groups", "--inh-caps=-all"]);
        command.arg(format!("--reuid={}", who.uid));
        command.arg(format!("--regid={}", who.gid));
        command.arg("--").arg(program).stdin(Stdio::null());
        command
    }

    /// The mounts at or below a path.
    ///
    /// # Panics
    /// The namespace is gone.
    #[must_use]
    pub fn mounts_below(&self, path: &Path) -> Vec<MountLine> {
        let output = self.root("cat").arg("/proc/self/mountinfo").output();
        let text = String::from_utf8(output.expect("cat").stdout).expect("text");
        assert!(!text.is_empty(), "no mountinfo");
        let mut mounts = system::parse_mounts(&text);
        mounts.retain(|mount| mount.at.starts_with(path));
        mounts
    }

    /// A file of the fixture's mount, as the user reads it.
    ///
    /// # Errors
    /// What `cat` says.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        let mut cat = self.user(user::mounting(), "cat");
        let output = cat.arg(self.fixture.file(name)).output().expect("cat");
        match output.status.success() {
            true => Ok(output.stdout),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }
}

impl Drop for Machine<'_> {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

/// A file's lines, with another in the place of the one that this name has.
fn without(file: &str, name: &str, line: &str) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mine = format!("{name}:");
    let others = text.lines().filter(|line| !line.starts_with(&mine));
    others.fold(line.to_owned(), |text, line| text + line + "\n")
}

fn write(path: &PathBuf, text: &str) {
    std::fs::write(path, text).expect("a file of the machine");
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o644)).expect("chmod");
}
