//! What whoever takes the daemon over would try. For tests, which look at the errno of each: a call
//! that is not denied fails too, for its arguments, but with another errno, and harms nothing.

#![expect(
    unsafe_code,
    reason = "system calls with arguments that no wrapper lets through"
)]

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use libc::{c_long, syscall};

/// How long a connection to this machine may take.
const CONNECT: Duration = Duration::from_secs(5);

/// Tries everything, and connects to the ports of this machine; the name of each attempt and the
/// errno that it ended with, 0 if it went through.
#[must_use]
pub fn all(ports: &[u16]) -> Vec<(String, i32)> {
    let mut results: Vec<(String, i32)> = files()
        .into_iter()
        .chain(calls())
        .map(|(name, errno)| (name.to_owned(), errno))
        .collect();
    for port in ports {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, *port));
        let connected = TcpStream::connect_timeout(&address, CONNECT);
        results.push((format!("connect {port}"), of(connected)));
    }
    results
}

fn files() -> Vec<(&'static str, i32)> {
    let new = format!("/tmp/secretfs-attempt-{}", std::process::id());
    let read = of(std::fs::File::open("/etc/passwd"));
    let list = of(std::fs::read_dir("/"));
    let create = of(std::fs::File::create_new(&new));
    let _ = std::fs::remove_file(&new);
    let listen = of(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    let proc = of(std::fs::read("/proc/self/status"));
    let signal = match rustix::process::getppid() {
        Some(parent) => match rustix::process::test_kill_process(parent) {
            Ok(()) => 0,
            Err(errno) => errno.raw_os_error(),
        },
        None => 0,
    };
    vec![
        ("read a file", read),
        ("list a folder", list),
        ("create a file", create),
        ("listen", listen),
        ("signal the parent", signal),
        ("read below /proc", proc),
    ]
}

fn calls() -> Vec<(&'static str, i32)> {
    let bad: c_long = -1;
    let null = std::ptr::null::<u8>();
    // SAFETY (of each): a null pointer is EFAULT and -1 EBADF wherever the call is not denied before
    // that; `unshare` and `personality` are asked for nothing.
    let call = |result: c_long| -> i32 {
        if result >= 0 {
            return 0;
        }
        std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
    };
    // SAFETY: as above.
    unsafe {
        vec![
            ("execve", call(syscall(libc::SYS_execve, null, null, null))),
            (
                "execveat",
                call(syscall(libc::SYS_execveat, bad, null, null, null, 0)),
            ),
            ("clone a process", clone_a_process()),
            (
                "clone3",
                call(syscall(libc::SYS_clone3, null, size_of::<u64>())),
            ),
            // No such request.
            (
                "ptrace",
                call(syscall(libc::SYS_ptrace, 0x7777, 0, null, null)),
            ),
            (
                "process_vm_readv",
                call(syscall(
                    libc::SYS_process_vm_readv,
                    bad,
                    null,
                    1,
                    null,
                    1,
                    0,
                )),
            ),
            (
                "process_vm_writev",
                call(syscall(
                    libc::SYS_process_vm_writev,
                    bad,
                    null,
                    1,
                    null,
                    1,
                    0,
                )),
            ),
            (
                "open_tree",
                call(syscall(libc::SYS_open_tree, bad, null, 0)),
            ),
            (
                "mount",
                call(syscall(libc::SYS_mount, null, null, null, 0, null)),
            ),
            ("unshare", call(syscall(libc::SYS_unshare, 0))),
            ("setns", call(syscall(libc::SYS_setns, bad, 0))),
            ("bpf", call(syscall(libc::SYS_bpf, bad, null, 0))),
            (
                "io_uring_setup",
                call(syscall(libc::SYS_io_uring_setup, 0, null)),
            ),
            (
                "pidfd_getfd",
                call(syscall(libc::SYS_pidfd_getfd, bad, bad, 0)),
            ),
            ("keyctl", call(syscall(libc::SYS_keyctl, bad, 0, 0, 0, 0))),
            (
                "personality",
                call(syscall(libc::SYS_personality, 0xffff_ffff_u64)),
            ),
        ]
    }
}

/// `fork` by its modern name. A child that came to be ends at once.
fn clone_a_process() -> i32 {
    let flags = c_long::from(libc::SIGCHLD);
    // SAFETY: no new stack, no shared memory: a fork. The child makes one more call, which is safe
    // after a fork.
    match unsafe { syscall(libc::SYS_clone, flags, 0, 0, 0, 0) } {
        0 => {
            // SAFETY: ends the child without running anything of this process's.
            unsafe { libc::_exit(0) }
        }
        child if child > 0 => 0,
        _ => std::io::Error::last_os_error().raw_os_error().unwrap_or(0),
    }
}

fn of<T>(result: std::io::Result<T>) -> i32 {
    result
        .err()
        .map_or(0, |error| error.raw_os_error().unwrap_or(-1))
}
