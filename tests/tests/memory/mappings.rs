//! What of the daemon's memory is locked: all of it that may hold a secret.

use crate::world::World;
use secretfs_tests::memory::maps::{self, Mapping};
use secretfs_tests::wait;

/// What only fuser asks for, and gets outside of the locked heap: 16 MiB for requests, which on a
/// read-only file system hold no file's bytes (contract fuse.md §2.5).
const LARGE: u64 = 8 << 20;
/// More than the C library keeps for itself beside each thread.
const SMALL: u64 = 256 << 10;

fn mappings(world: &World) -> Vec<Mapping> {
    maps::of(world.process("internal-daemon").pid).expect("the daemon's mappings")
}

#[test]
fn every_thread_of_the_daemon_runs_on_a_locked_stack() {
    for world in World::each("") {
        world.read_all();
        let daemon = world.process("internal-daemon").pid;
        let mappings = mappings(&world);
        let mut threads = 0;
        for thread in std::fs::read_dir(format!("/proc/{daemon}/task")).expect("threads") {
            let path = thread.expect("a thread").path();
            let pointer = wait::until("the thread waits in a system call", || stack_pointer(&path));
            let stack = mappings
                .iter()
                .find(|mapping| mapping.range.contains(&pointer))
                .unwrap_or_else(|| panic!("{path:?}: no mapping holds {pointer:x}"));
            assert!(stack.locked && stack.undumpable, "{path:?}: {stack:?}");
            threads += 1;
        }
        // Main, runtime, session, event loop, and two that tell the kernel what to forget.
        assert!(threads >= 6, "{threads}");
    }
}

/// `/proc/PID/task/TID/syscall`: number, six arguments, stack pointer, program counter. `None`: it
/// runs.
fn stack_pointer(thread: &std::path::Path) -> Option<u64> {
    let text = std::fs::read_to_string(thread.join("syscall")).expect("a thread");
    let words: Vec<&str> = text.split_whitespace().collect();
    let pointer = words.len().checked_sub(2).and_then(|at| words.get(at))?;
    u64::from_str_radix(pointer.strip_prefix("0x")?, 16).ok()
}

#[test]
fn what_is_not_locked_is_the_program_the_c_librarys_and_fusers_and_holds_no_secret() {
    for world in World::each("") {
        world.read_all();
        let mut large = 0;
        for mapping in mappings(&world) {
            let writable = mapping.permissions.contains('w') && mapping.present > 0;
            if !writable || (mapping.locked && mapping.undumpable) {
                continue;
            }
            let size = mapping.range.end - mapping.range.start;
            let of_a_file = mapping.name.starts_with('/');
            let of_the_c_library = matches!(mapping.name.as_str(), "[heap]" | "[stack]");
            if size >= LARGE {
                assert!(mapping.undumpable && mapping.name.is_empty(), "{mapping:?}");
                large += 1;
            } else {
                assert!(
                    of_a_file || of_the_c_library || (mapping.name.is_empty() && size < SMALL),
                    "{mapping:?}"
                );
            }
        }
        assert_eq!(large, 1, "fuser's buffer");
        let report = world.scanner().look(&world.pids(), &world.secrets());
        assert!(report.exposed().is_empty(), "{report:#?}");
    }
}

#[test]
fn status_says_what_the_kernel_counts_as_locked_and_it_is_within_8_mib() {
    for world in World::each("") {
        world.read_all();
        let daemon = world.process("internal-daemon").pid;
        let memory = world.status()["memory"].clone();
        let number = |key: &str| memory[key].as_u64().expect("a number");
        let status = std::fs::read_to_string(format!("/proc/{daemon}/status")).expect("status");
        let line = status.lines().find(|line| line.starts_with("VmLck:"));
        let kib: u64 = line
            .and_then(|line| line.split_whitespace().nth(1))
            .and_then(|kib| kib.parse().ok())
            .expect("VmLck");
        assert_eq!(number("locked_bytes"), kib << 10);
        assert_eq!(number("limit_bytes"), 8 << 20);
        assert!(number("locked_bytes") <= 8 << 20, "{memory}");
        assert!(number("heap_bytes") + number("sealed_bytes") <= number("locked_bytes"));
        assert!(
            number("sealed_bytes") >= 1 << 20 && number("heap_bytes") > 0,
            "{memory}"
        );
    }
}

#[test]
fn a_sealed_daemon_holds_no_secret_memory_so_that_the_machine_can_hibernate() {
    for world in World::each("on_lock: seal") {
        world.read_all();
        let secret = |world: &World| mappings(world).iter().any(Mapping::is_secretmem);
        assert!(secret(&world));
        world.run(["lock"]);
        assert!(!secret(&world), "{:#?}", mappings(&world));
        world.unlock();
        world.read_all();
        assert!(secret(&world));
    }
}
