//! The control socket under whoever reaches it: another user, who must not be answered, and a program of the same
//! user, who may make commands wait but not the mount, and who cannot make the helper grow, leak or end.

use super::scripted::Scripted;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use secretfs_fs::link::wire::{Blocking, CONTROL_LIMIT, LINK_LIMIT, WireError};
use secretfs_mount_helper::control::{Request, Response};
use secretfs_tests::fixture::value;
use secretfs_tests::{user, wait};
use std::io::{IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The helper's limits of a request and of connections (`helper/listener.rs`), and some.
const PATIENCE: Duration = Duration::from_secs(30);

fn socket(mount: &Scripted) -> PathBuf {
    let entries = std::fs::read_dir(mount.path("run/secretfs")).expect("the runtime folder");
    let mut paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .find(|path| path.extension().is_some_and(|it| it == "sock"))
        .expect("a socket")
}

fn connect(mount: &Scripted) -> UnixStream {
    UnixStream::connect(socket(mount)).expect("the helper listens")
}

fn ask(mount: &Scripted, request: &Request) -> Result<Response, WireError> {
    let deadline = Instant::now() + PATIENCE;
    let mut socket = Blocking::new(connect(mount).into(), LINK_LIMIT, CONTROL_LIMIT);
    socket.send(request, Vec::new(), deadline)?;
    Ok(socket.receive(deadline)?.0)
}

fn serves(mount: &Scripted) {
    assert_eq!(mount.read("a"), Ok(value("a", 64)));
    assert!(matches!(
        ask(mount, &Request::Ping),
        Ok(Response::Done { .. })
    ));
}

fn descriptors(pid: u32) -> usize {
    // Another user's, or one that cannot be looked into: root's to count.
    let output = user::privileged("ls")
        .arg(format!("/proc/{pid}/fd"))
        .output()
        .expect("ls");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).lines().count()
}

fn frame(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("short");
    [&length.to_be_bytes(), bytes].concat()
}

#[test]
fn another_user_cannot_connect_and_is_not_answered_where_the_modes_would_let_them() {
    let mount = Scripted::with_value(value("a", 64));
    let path = socket(&mount);
    let program = "import socket, struct, sys\n\
        s = socket.socket(socket.AF_UNIX); s.settimeout(20)\n\
        try: s.connect(sys.argv[1])\n\
        except PermissionError: print('refused'); sys.exit()\n\
        m = b'\"Status\"'\n\
        try:\n\
        \x20   s.sendall(struct.pack('>I', len(m)) + m); print('answer', s.recv(100))\n\
        except OSError: print('answer', b'')\n";
    let tries = || {
        let mut command = mount.command_as(user::other(), "/usr/bin/python3");
        let output = command
            .args(["-c", program])
            .arg(&path)
            .output()
            .expect("python3");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    assert_eq!(tries(), "refused\n");
    // Whatever made them so: the peer's user is looked at all the same.
    let open = |mode: u32, socket: u32| {
        for (path, mode) in [("run", mode), ("run/secretfs", mode)] {
            std::fs::set_permissions(mount.path(path), PermissionsExt::from_mode(mode))
                .expect("chmod");
        }
        std::fs::set_permissions(&path, PermissionsExt::from_mode(socket)).expect("chmod");
    };
    open(0o711, 0o666);
    assert_eq!(tries(), "answer b''\n");
    open(0o700, 0o600);
    serves(&mount);
}

#[test]
fn whatever_is_sent_the_next_request_is_answered_and_no_descriptor_is_left() {
    let mount = Scripted::with_value(value("a", 64));
    serves(&mount);
    let helper = mount.process("internal-mount-helper").pid;
    let daemon = mount.process("internal-daemon").pid;
    let before = descriptors(helper);
    let deep = frame("[".repeat(60_000).as_bytes());
    let texts: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"\0\0".to_vec(),
        u32::MAX.to_be_bytes().to_vec(),
        0_u32.to_be_bytes().to_vec(),
        frame(b"\"Nothing\""),
        frame(b"{\"Refresh\":{\"paths\":[\"../../etc/passwd\",\"\\u0000\",\"\"]}}"),
        frame(b"\xff\xfe"),
        deep,
        frame(
            format!(
                "{{\"Refresh\":{{\"paths\":[{}\"a\"]}}}}",
                "\"x\",".repeat(10_000)
            )
            .as_bytes(),
        ),
        // Half a message, and the end.
        frame(b"\"Status\"")[..7].to_vec(),
        // Two requests on one connection: one is answered.
        [frame(b"\"Ping\""), frame(b"\"Ping\"")].concat(),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
    ];
    for text in &texts {
        let mut stream = connect(&mount);
        // It may be closed before all is taken.
        let _ = stream.write_all(text);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(
            answer.len() < LINK_LIMIT,
            "{} bytes for {} of them",
            answer.len(),
            text.len()
        );
        serves(&mount);
    }
    // Never read: the answer stays in the socket, and goes with it.
    for _ in 0..20 {
        let mut stream = connect(&mount);
        stream.write_all(&frame(b"\"Status\"")).expect("a request");
        drop(stream);
    }
    serves(&mount);
    wait::until("the helper's descriptors are as before", || {
        (descriptors(helper) <= before).then_some(())
    });
    assert_eq!(mount.process("internal-mount-helper").pid, helper);
    assert_eq!(mount.process("internal-daemon").pid, daemon);
}

fn send_with(stream: &UnixStream, bytes: &[u8], fds: &[BorrowedFd<'_>]) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(32))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmRights(fds)));
    let _ = sendmsg(
        stream,
        &[IoSlice::new(bytes)],
        &mut control,
        SendFlags::NOSIGNAL,
    );
}

/// A channel for credentials is the daemon's to read: a descriptor that is none must not hang or end it.
#[test]
fn descriptors_that_are_no_channel_are_closed_and_hang_nobody() {
    let mount = Scripted::with_value(value("a", 64));
    serves(&mount);
    let [helper, daemon] =
        ["internal-mount-helper", "internal-daemon"].map(|role| mount.process(role).pid);
    let before = [helper, daemon].map(descriptors);
    let open = |path: &str| std::fs::File::open(path).expect("a file");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let (end, other) = UnixStream::pair().expect("a pair");
    let (null, zero, folder) = (open("/dev/null"), open("/dev/zero"), open("/"));
    // One end says nothing for as long as it is there, the other one has rubbish on it.
    let (mut rubbish, noisy) = UnixStream::pair().expect("a pair");
    rubbish.write_all(&[9; 60_000]).expect("room");
    let all: [BorrowedFd<'_>; 7] = [
        null.as_fd(),
        zero.as_fd(),
        folder.as_fd(),
        reader.as_fd(),
        writer.as_fd(),
        end.as_fd(),
        noisy.as_fd(),
    ];
    for request in [
        "\"Credentials\"",
        "{\"Unlock\":{\"with_credentials\":true}}",
        "\"Ping\"",
        "\"Status\"",
    ] {
        let bytes = frame(request.as_bytes());
        for fd in all {
            let mut stream = connect(&mount);
            send_with(&stream, &bytes, &[fd]);
            stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
            let mut answer = Vec::new();
            stream
                .read_to_end(&mut answer)
                .expect("an answer, or the end");
        }
        // None where there should be one, too many, and some in the middle of a message.
        let mut stream = connect(&mount);
        stream.write_all(&bytes).expect("a request");
        let stream = connect(&mount);
        send_with(&stream, &bytes, &[null.as_fd(); 30]);
        let mut stream = connect(&mount);
        stream.write_all(&bytes[..5]).expect("a part");
        send_with(&stream, &bytes[5..], &[null.as_fd()]);
        serves(&mount);
    }
    drop((rubbish, noisy, end, other, reader, writer));
    // What had come as a channel is given up within its limit.
    for (pid, before) in [helper, daemon].into_iter().zip(before) {
        wait::within(PATIENCE * 2, "descriptors are as before", || {
            (descriptors(pid) <= before).then_some(())
        });
    }
    assert_eq!(mount.process("internal-daemon").pid, daemon);
    serves(&mount);
}

/// A program of the same user can make commands wait: it could kill them as well. The mount goes on, what locks a
/// session is not a connection, and `unmount` ends a helper that cannot be asked.
#[test]
fn a_flood_of_silent_connections_keeps_commands_waiting_and_not_the_mount() {
    let entries: Vec<String> = (0..20)
        .map(|n| format!("{{name: A{n}, file: a{n}}}"))
        .collect();
    let entries: Vec<&str> = entries
        .iter()
        .map(String::as_str)
        .chain(["{name: A, file: a}"])
        .collect();
    let mount = Scripted::mounted("", &entries);
    mount.sim.set("A", value("a", 64));
    for n in 0..20 {
        mount.sim.set(&format!("A{n}"), value(&n.to_string(), 64));
    }
    serves(&mount);
    let helper = mount.process("internal-mount-helper").pid;
    let before = descriptors(helper);
    let mut flood: Vec<UnixStream> = Vec::new();
    for n in 0..300 {
        let mut stream = connect(&mount);
        // Half of a header, or of a message.
        stream
            .write_all(if n % 2 == 0 {
                b"\0\0"
            } else {
                b"\0\0\0\x08\"S"
            })
            .expect("a part");
        flood.push(stream);
    }
    let start = Instant::now();
    for n in 0..20 {
        mount.sim.set(&format!("A{n}"), value(&n.to_string(), 64));
        assert_eq!(mount.read(&format!("a{n}")), Ok(value(&n.to_string(), 64)));
    }
    assert!(
        start.elapsed() < PATIENCE,
        "cold opens took {:?}",
        start.elapsed()
    );
    // So many at once, and no more: the others wait in the kernel's queue.
    assert!(
        descriptors(helper) <= before + 40,
        "{} descriptors",
        descriptors(helper)
    );
    // The first are given up at their limit, without a word.
    let mut end = [0; 16];
    flood[0].set_read_timeout(Some(PATIENCE)).expect("a limit");
    assert_eq!(flood[0].read(&mut end).expect("the end"), 0);
    drop(flood);
    serves(&mount);
    wait::until("the helper's descriptors are as before", || {
        (descriptors(helper) <= before).then_some(())
    });

    let flood: Vec<UnixStream> = (0..300).map(|_| connect(&mount)).collect();
    let start = Instant::now();
    mount.unmount();
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    drop(flood);
}
