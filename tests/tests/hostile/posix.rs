//! stress-ng on the mount. Of its file stressors one looks at what is there (`--fstat-dir`); all others first make
//! files of their own, and do not start where `--temp-path` is read-only. Random reads are in `reader.rs`.

use super::scripted::Scripted;
use secretfs_tests::fixture::{told, value};
use secretfs_tests::user;

fn descriptors(pid: u32) -> usize {
    let output = user::privileged("ls")
        .arg(format!("/proc/{pid}/fd"))
        .output()
        .expect("ls");
    String::from_utf8_lossy(&output.stdout).lines().count()
}

fn threads(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/task"))
        .expect("the daemon")
        .count()
}

fn mounted() -> Scripted {
    let entries: Vec<String> = (0..40)
        .map(|n| format!("{{name: N{n}, file: d{}/f{n}}}", n % 4))
        .collect();
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    let mount = Scripted::mounted("", &entries);
    for n in 0..40 {
        mount.sim.set(&format!("N{n}"), value(&n.to_string(), 300));
    }
    mount
}

/// The mount is right, and its daemon has what it had.
fn is_right(mount: &Scripted, before: (usize, usize), daemon: u32) {
    let mut probe = mount.probe();
    assert_eq!(probe.list(mount.mountpoint()), ["d0", "d1", "d2", "d3"]);
    for n in 0..40 {
        assert_eq!(
            probe.slurp(mount.file(&format!("d{}/f{n}", n % 4))),
            Ok(value(&n.to_string(), 300))
        );
    }
    assert_eq!(mount.process("internal-daemon").pid, daemon);
    secretfs_tests::wait::until("no descriptor and no thread is left", || {
        (descriptors(daemon) <= before.0 && threads(daemon) <= before.1).then_some(())
    });
}

#[test]
fn stress_ngs_readers_find_what_is_there_and_leave_nothing() {
    let mount = mounted();
    let daemon = mount.process("internal-daemon").pid;
    is_right(&mount, (usize::MAX, usize::MAX), daemon);
    let before = (descriptors(daemon), threads(daemon));
    let asked = mount.sim.count();
    for folder in [mount.mountpoint(), mount.file("d1")] {
        let output = mount
            .command("stress-ng")
            .args([
                "--fstat",
                "4",
                "--timeout",
                "3",
                "--metrics-brief",
                "--temp-path",
            ])
            .arg(mount.path("home"))
            .arg("--fstat-dir")
            .arg(&folder)
            .output()
            .expect("stress-ng");
        assert!(output.status.success(), "{}", told(&output));
        println!("{}", told(&output));
    }
    is_right(&mount, before, daemon);
    assert_eq!(
        mount.sim.count(),
        asked,
        "looking fetches nothing, and what is cached is not fetched again"
    );
}
