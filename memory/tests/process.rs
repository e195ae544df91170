//! What holds for the whole process: hardening, stacks, sealed memory, the environment.

#![allow(clippy::unwrap_used, reason = "a panic is the failure report")]

mod common;

use common::{in_child, in_child_with, mapping_of, peek};
use secrecy::ExposeSecret;
use secretfs_memory::harden;
use secretfs_memory::harden::landlock::Landlock;
use secretfs_memory::sealed::SealedPool;
use secretfs_memory::stack;

#[test]
fn hardening_is_read_back_from_the_kernel() {
    in_child("hardening_is_read_back_from_the_kernel", || {
        let before = harden::state();
        assert!(!before.not_dumpable && !before.no_new_privs && !before.seccomp);
        assert_eq!(before.landlock, Landlock::Absent);
        harden::no_dumps().unwrap();
        harden::confine(&[]).unwrap();
        let after = harden::state();
        assert!(after.no_core && after.not_dumpable && after.no_new_privs);
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let thread = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        assert!(thread.contains("NoNewPrivs:\t1"), "{thread}");
        assert!(status.contains("CoreDumping:\t0"));
        assert_eq!(after.seccomp, thread.contains("Seccomp:\t2"));
    });
}

#[test]
fn a_confined_process_reads_no_file_and_connects_to_its_ports_alone() {
    in_child(
        "a_confined_process_reads_no_file_and_connects_to_its_ports_alone",
        || {
            let listen = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let (allowed, other) = (listen(), listen());
            let connect = |to: &std::net::TcpListener| {
                std::net::TcpStream::connect(to.local_addr().unwrap()).map(drop)
            };
            harden::confine(&[allowed.local_addr().unwrap().port()]).unwrap();
            let denied = |result: std::io::Result<()>| {
                result.unwrap_err().kind() == std::io::ErrorKind::PermissionDenied
            };
            let state = harden::state();
            if state.landlock != Landlock::Absent {
                assert!(denied(std::fs::read("/etc/passwd").map(drop)));
                assert!(denied(std::fs::write("/tmp/secretfs-confined", "x")));
                assert!(std::fs::read("/proc/self/status").is_ok());
                // So whoever needs it asks a process that is not confined.
                assert!(denied(std::fs::read_link("/proc/1/exe").map(drop)));
            }
            if matches!(state.landlock, Landlock::Full | Landlock::NoScopes) {
                assert!(denied(connect(&other)));
            }
            connect(&allowed).unwrap();
            if state.seccomp {
                let started = std::process::Command::new("/bin/true").status();
                assert!(denied(started.map(drop)));
            }
            // Threads are no processes.
            assert_eq!(std::thread::spawn(|| 7).join().unwrap(), 7);
        },
    );
}

#[test]
fn what_the_kernel_has_is_known_before_it_is_used() {
    in_child("what_the_kernel_has_is_known_before_it_is_used", || {
        let pool = SealedPool::new(64 << 10, false).unwrap();
        let secret = secretfs_memory::sealed::is_secretmem_available();
        assert_eq!(secret, pool.is_secretmem());
        let version = harden::landlock::version();
        let filters = harden::seccomp::is_available();
        harden::confine(&[]).unwrap();
        let state = harden::state();
        let expected = match version {
            Ok(0..4) => Landlock::NoTcp,
            Ok(4..6) => Landlock::NoScopes,
            Ok(_) => Landlock::Full,
            Err(_) => Landlock::Absent,
        };
        assert_eq!(state.landlock, expected);
        assert_eq!(state.seccomp, filters);
    });
}

#[test]
fn sealed_memory_cannot_be_read_through_proc() {
    let pool = SealedPool::new(64 << 10, false).unwrap();
    let mut writer = pool.writer(None, 100);
    writer.append(b"as root even").unwrap();
    let value = writer.finish().unwrap();
    let mut at = std::ptr::null();
    value.expose(|piece| at = piece.as_ptr()).unwrap();
    let mapping = mapping_of(at);
    assert!(
        mapping.has("lo") && mapping.has("dd") && mapping.has("dc"),
        "{mapping:?}"
    );
    if pool.is_secretmem() {
        assert!(peek(at, 12).is_err());
    }
    // The probe works where it may.
    let open = *b"readable";
    assert_eq!(peek(open.as_ptr(), 8).unwrap(), open);
}

#[test]
fn a_spawned_threads_stack_is_locked_whole() {
    let flags = stack::spawn("t", stack::DEFAULT_SIZE, || {
        let near = 0u8;
        let deep = std::hint::black_box([0u8; 48 << 10]);
        (mapping_of(&raw const near), mapping_of(deep.as_ptr()))
    });
    let (near, deep) = flags.unwrap().join().unwrap();
    for mapping in [near, deep] {
        assert!(mapping.has("lo") && mapping.has("dd"), "{mapping:?}");
    }
}

#[test]
fn of_a_main_thread_only_what_is_in_use_is_locked() {
    in_child("of_a_main_thread_only_what_is_in_use_is_locked", || {
        if rustix::thread::gettid() != rustix::process::getpid() {
            return;
        }
        let locked = stack::lock_current().unwrap();
        assert!((64 << 10..1 << 20).contains(&locked), "{locked}");
        let here = 0u8;
        assert!(mapping_of(&raw const here).has("lo"));
    });
}

#[test]
fn a_taken_variable_is_gone_from_the_environment_block() {
    let name = "SECRETFS_TEST_TOKEN";
    let variables = [(name, "hunter2-hunter2"), ("SECRETFS_TEST_OTHER", "stays")];
    in_child_with(
        "a_taken_variable_is_gone_from_the_environment_block",
        &variables,
        || {
            let block = || std::fs::read("/proc/self/environ").unwrap();
            let has = |needle: &[u8]| block().windows(needle.len()).any(|at| at == needle);
            assert!(has(b"hunter2"));
            let taken = secretfs_memory::environment::take(name).unwrap();
            assert_eq!(taken.expose_secret(), "hunter2-hunter2");
            assert!(!has(b"hunter2") && has(b"SECRETFS_TEST_OTHER=stays"));
            assert!(std::env::var(name).unwrap_or_default().is_empty());
            assert!(secretfs_memory::environment::take("SECRETFS_TEST_NONE").is_none());
            assert!(secretfs_memory::environment::take("").is_none());
        },
    );
}
