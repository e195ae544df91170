//! Core files, made by force: by root, with gdb's `gcore`, which looks at what a core leaves out as the
//! kernel does.

use crate::world::World;
use secretfs_tests::memory::marker::Pattern;
use secretfs_tests::memory::scan;
use secretfs_tests::user::privileged;
use std::process::Stdio;

#[test]
fn a_core_made_by_force_holds_no_value_and_no_credential() {
    for world in World::each("") {
        for _ in 0..3 {
            world.forget();
            world.end_sessions();
            world.read_all();
            let daemon = world.process("internal-daemon").pid;
            assert_eq!(copies(&world, daemon, &world.secrets()), 0);
        }
        // The control.
        let naive = world.naive();
        assert!(copies(&world, naive.pid(), &world.values()) > 1000);
    }
}

/// Copies of the patterns in a core of a process.
fn copies(world: &World, pid: u32, patterns: &[Pattern]) -> usize {
    let prefix = world.path("core");
    let output = privileged("gcore")
        .arg("-o")
        .arg(&prefix)
        .arg(pid.to_string())
        .output()
        .expect("gcore");
    assert!(output.status.success(), "{output:?}");
    let path = world.path(format!("core.{pid}"));
    // It belongs to root.
    let mut cat = privileged("cat")
        .arg(&path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("cat");
    let copies = scan::stream(cat.stdout.take().expect("a pipe"), patterns).expect("a core");
    assert!(cat.wait().expect("cat").success());
    assert!(privileged("rm").arg(&path).status().expect("rm").success());
    copies
}
