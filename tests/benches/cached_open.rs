//! The speed of a mount, as ratios in one run: product.md, "How fast". Prints the table of
//! `docs/benchmarks.md`.
//!
//! `cargo bench -p secretfs-tests` builds the released executable first, unless `$SECRETFS_BIN` names
//! one. The peer is `tests/c/constfs.c`. Both are asked in turns, so that a busy machine is busy for both.

use secretfs_tests::fixture::{Fixture, told, value};
use secretfs_tests::{system, user, wait};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 15;
const ROUND: &str = "400";

fn main() {
    // `cargo test --benches` only wants to know that this builds.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    build_the_released_executable();
    println!("| work | measured |\n|---|---|");
    cached_open();
    commands();
    ten_thousand_entries();
}

fn row(work: &str, measured: &str) {
    println!("| {work} | {measured} |");
}

fn build_the_released_executable() {
    if std::env::var_os("SECRETFS_BIN").is_some() {
        return;
    }
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet", "-p", "secretfs"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .status()
        .expect("cargo");
    assert!(status.success(), "the released executable does not build");
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_unstable_by(f64::total_cmp);
    samples[samples.len() / 2]
}

fn cached_open() {
    let fixture = with_vault(&[("A", "secret")], &value("bench", 3072));
    fixture.mount();
    fixture.read("secret").expect("the value");
    let peer = Peer::start(&fixture);
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    for _ in 0..ROUNDS {
        ours.push(time(&fixture, &fixture.file("secret")));
        theirs.push(time(&fixture, &peer.mountpoint.join("secret")));
    }
    drop(peer);
    let (ours, theirs) = (median(ours), median(theirs));
    row(
        "open+fstat+read+close of a cached 3 KiB secret",
        &format!("{:.1} µs", ours / 1e3),
    );
    row(
        "the same through constfs (C, libfuse3)",
        &format!("{:.1} µs", theirs / 1e3),
    );
    row("ratio", &format!("{:.2}", ours / theirs));
    let daemon = fixture.process("internal-daemon").pid;
    row("daemon at rest, resident", &status_field(daemon, "VmRSS"));
    row("daemon at rest, locked", &status_field(daemon, "VmLck"));
}

/// Nanoseconds of one round.
fn time(fixture: &Fixture, path: &Path) -> f64 {
    let mut command = fixture.command(fixture.path("probe"));
    let output = command
        .arg("time")
        .arg(path)
        .arg(ROUND)
        .output()
        .expect("the probe");
    assert!(output.status.success(), "{}", told(&output));
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .expect("a number")
}

fn status_field(pid: u32, name: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("status");
    let line = text
        .lines()
        .find(|line| line.starts_with(name))
        .expect("a field");
    line.split_once(':').expect("a field").1.trim().to_owned()
}

fn with_vault(entries: &[(&str, &str)], content: &[u8]) -> Fixture {
    let fixture = Fixture::new();
    let mut vault = fixture.vault();
    vault.set_all(entries.iter().map(|(name, _)| (*name, content)));
    let mut map = format!(
        "providers: {{v: {{type: local, file: {:?}}}}}\nsecrets:\n",
        vault.file()
    );
    for (name, file) in entries {
        map.push_str(&format!(
            "- {{name: {name}, file: {file}, env: E_{name}}}\n"
        ));
    }
    fixture.write_map(&map);
    fixture
}

/// Milliseconds of a command.
fn milliseconds(fixture: &Fixture, args: &[&str]) -> f64 {
    let mut command = fixture.secretfs(args);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().expect("secretfs");
    let elapsed = start.elapsed();
    assert!(status.success(), "{args:?}");
    elapsed.as_secs_f64() * 1e3
}

/// What starting any program costs here, through the same wrappers: subtracted below.
fn nothing(fixture: &Fixture) -> f64 {
    let runs = (0..30).map(|_| {
        let start = Instant::now();
        fixture.command("true").status().expect("true");
        start.elapsed().as_secs_f64() * 1e3
    });
    median(runs.collect())
}

fn commands() {
    let fixture = with_vault(&[("A", "secret")], &value("bench", 3072));
    let nothing = nothing(&fixture);
    let mountpoint = fixture.mountpoint().to_str().expect("UTF-8").to_owned();
    let mut mounts = Vec::new();
    for _ in 0..ROUNDS {
        // Without a passphrase: its scrypt is not counted.
        mounts.push(milliseconds(&fixture, &["mount", &mountpoint]));
        fixture.unmount();
    }
    row(
        "`secretfs mount` until it answers",
        &format!("{:.1} ms", median(mounts) - nothing),
    );
    let envs = (0..50).map(|_| milliseconds(&fixture, &["env", "--shell", "bash"]));
    row(
        "`secretfs env`",
        &format!("{:.1} ms", median(envs.collect()) - nothing),
    );
}

fn ten_thousand_entries() {
    let names: Vec<(String, String)> = (0..10_000)
        .map(|n| (format!("N{n}"), format!("file{n}")))
        .collect();
    let entries: Vec<(&str, &str)> = names
        .iter()
        .map(|(name, file)| (name.as_str(), file.as_str()))
        .collect();
    let fixture = with_vault(&entries[..], b"short");
    let nothing = nothing(&fixture);
    let mountpoint = fixture.mountpoint().to_str().expect("UTF-8").to_owned();
    let mut mounts = Vec::new();
    for round in 0..5 {
        mounts.push(milliseconds(&fixture, &["mount", &mountpoint]));
        if round < 4 {
            fixture.unmount();
        }
    }
    row(
        "mount of a map of 10,000 entries",
        &format!("{:.1} ms", median(mounts) - nothing),
    );
    let lists = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        let status = fixture
            .command("ls")
            .arg(&mountpoint)
            .stdout(Stdio::null())
            .status()
            .expect("ls");
        assert!(status.success());
        start.elapsed().as_secs_f64() * 1e3
    });
    row(
        "`ls` of its 10,000 files",
        &format!("{:.1} ms", median(lists.collect()) - nothing),
    );
    let daemon = fixture.process("internal-daemon").pid;
    row(
        "daemon with 10,000 entries, locked",
        &status_field(daemon, "VmLck"),
    );
}

/// constfs, mounted by the same user.
struct Peer {
    child: Child,
    mountpoint: PathBuf,
}

impl Peer {
    fn start(fixture: &Fixture) -> Self {
        let executable = fixture.path("constfs");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/c/constfs.c");
        let flags = Command::new("pkg-config")
            .args(["--cflags", "--libs", "fuse3"])
            .output()
            .expect("pkg-config");
        assert!(flags.status.success(), "libfuse3-dev is missing");
        let flags = String::from_utf8(flags.stdout).expect("text");
        let status = Command::new("cc")
            .args(["-O2", "-o"])
            .arg(&executable)
            .arg(source)
            .args(flags.split_whitespace())
            .status()
            .expect("cc");
        assert!(status.success(), "constfs does not build");
        let mountpoint = fixture.make_folder("constfs-mount", 0o700);
        let child = fixture
            .command_as(user::mounting(), &executable)
            .args([
                "-f",
                "-o",
                "ro,nosuid,nodev,noexec,fsname=constfs,subtype=constfs",
            ])
            .arg(&mountpoint)
            .spawn()
            .expect("constfs");
        wait::until("constfs is mounted", || {
            system::mounts_below(&mountpoint).pop()
        });
        Self { child, mountpoint }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        system::signal(self.child.id(), "TERM");
        wait::within(Duration::from_secs(10), "constfs ends", || {
            self.child.try_wait().expect("wait")
        });
    }
}
