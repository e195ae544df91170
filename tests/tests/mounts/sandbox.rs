//! The daemon's sandbox: what it cannot do although it would, and who cannot look into it.

use crate::scripted::Scripted;
use secretfs_tests::fixture::{Fixture, told, value};
use secretfs_tests::wait;
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::Output;

/// What a daemon that was taken over would try, and what each must end with.
fn expected(allowed: u16, other: u16) -> BTreeMap<String, i32> {
    let mut expected = BTreeMap::new();
    for thread in ["runtime", "thread"] {
        let mut put = |what: &str, errno: i32| {
            expected.insert(format!("{thread}: {what}"), errno);
        };
        for what in ["read a file", "list a folder", "create a file", "listen"] {
            put(what, libc::EACCES);
        }
        for what in [
            "signal the parent",
            "execve",
            "execveat",
            "clone a process",
            "ptrace",
            "process_vm_readv",
            "process_vm_writev",
            "open_tree",
            "mount",
            "unshare",
            "setns",
            "bpf",
            "io_uring_setup",
            "pidfd_getfd",
            "keyctl",
            "personality",
        ] {
            put(what, libc::EPERM);
        }
        // The C library takes the kernel for an old one, and makes threads with clone.
        put("clone3", libc::ENOSYS);
        // The signals of blocked readers are read there.
        put("read below /proc", 0);
        put(&format!("connect {allowed}"), 0);
        put(&format!("connect {other}"), libc::EACCES);
    }
    expected
}

#[test]
fn from_inside_the_sandbox_nothing_is_opened_started_traced_or_mounted() {
    let listen = || TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = |of: &TcpListener| of.local_addr().expect("an address").port();
    let (allowed, other) = (listen(), listen());
    let mount = Scripted::released();
    mount.write_map(&format!(
        "providers:\n  s: {}\n  web: {{type: onepassword, connect_host: \"http://127.0.0.1:{}\"}}\n\
         secrets: [{{name: A, file: a, provider: s}}]\n",
        mount.sim.provider(),
        port(&allowed)
    ));
    mount.sim.set("A", value("a", 64));
    mount.mount();
    let output = mount
        .command(mount.path("probe"))
        .arg("attempt")
        .arg(mount.mountpoint())
        .args([port(&allowed), port(&other)].map(|port| port.to_string()))
        .output()
        .expect("the probe");
    assert!(output.status.success(), "{}", told(&output));
    let seen: BTreeMap<String, i32> = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(seen, expected(port(&allowed), port(&other)));
    // And serving goes on.
    assert_eq!(mount.read("a"), Ok(value("a", 64)));
}

#[test]
fn every_thread_of_the_daemon_is_confined_and_status_says_so() {
    let mount = Scripted::with_value(value("a", 64));
    mount.read("a").expect("the value");
    let daemon = mount.process("internal-daemon").pid;
    let mut threads = 0;
    for thread in std::fs::read_dir(format!("/proc/{daemon}/task")).expect("threads") {
        let path = thread.expect("a thread").path().join("status");
        let status = std::fs::read_to_string(&path).expect("a status");
        let says = |line: &str| status.lines().any(|own| own == line);
        assert!(
            says("Seccomp:\t2") && says("NoNewPrivs:\t1"),
            "{path:?}: {status}"
        );
        threads += 1;
    }
    // The main thread, the one that everything runs on, and the session's.
    assert!(threads >= 3, "{threads}");
    assert_eq!(
        mount.status()["protections"],
        serde_json::json!({
            "memfd_secret": true,
            "no_core": true,
            "not_dumpable": true,
            "no_new_privs": true,
            "seccomp": true,
            "landlock": "full",
        })
    );
}

#[test]
fn the_same_user_can_neither_trace_the_daemon_nor_read_its_memory_or_environment() {
    let mount = Scripted::with_value(value("a", 64));
    mount.read("a").expect("the value");
    // The control: of a process that is not protected the user sees all of this.
    let mut other = mount.command("sleep").arg("600").spawn().expect("sleep");
    // It is not itself before its last exec.
    wait::until("sleep runs", || {
        let output = read(&mount, other.id(), "environ");
        output.status.success().then_some(())
    });
    for role in ["internal-daemon", "internal-mount-helper"] {
        cannot_be_looked_into(&mount, mount.process(role).pid);
    }
    // 0, or EPERM where the system lets a process be traced by its parent alone.
    let own = attach(&mount, other.id());
    let scope = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    let restricted = !matches!(scope.trim(), "" | "0");
    assert_eq!(own, if restricted { libc::EPERM } else { 0 });
    let _ = other.kill();
    let _ = other.wait();
}

/// Has the mounting user look at what belongs to a process of its own, which must be refused.
pub(crate) fn cannot_be_looked_into(fixture: &Fixture, pid: u32) {
    for file in ["mem", "environ", "maps", "auxv"] {
        let output = read(fixture, pid, file);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && output.stdout.is_empty(),
            "{pid}: {file}"
        );
        assert!(text.contains("Permission denied"), "{pid}: {file}: {text}");
    }
    assert_eq!(attach(fixture, pid), libc::EPERM, "{pid}");
}

/// The first byte of `/proc/PID/FILE`, as the mounting user.
fn read(fixture: &Fixture, pid: u32, file: &str) -> Output {
    let path = format!("/proc/{pid}/{file}");
    let output = fixture.command("head").args(["-c", "1", &path]).output();
    output.expect("head")
}

/// The errno of attaching to a process as the mounting user; 0: it worked.
fn attach(fixture: &Fixture, pid: u32) -> i32 {
    let script = "import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
PTRACE_SEIZE = 0x4206
print(0 if libc.ptrace(PTRACE_SEIZE, int(sys.argv[1]), 0, 0) == 0 else ctypes.get_errno())";
    let output = fixture
        .command("/usr/bin/python3")
        .args(["-c", script, &pid.to_string()])
        .output()
        .expect("python3");
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim()
        .parse()
        .unwrap_or_else(|_| panic!("{}", told(&output)))
}

#[test]
fn a_reload_that_adds_a_port_keeps_the_entry_and_fails_it_with_eacces_until_the_next_mount() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let site = format!("http://{}", server.local_addr().expect("an address"));
    let mount = Scripted::with_value(value("a", 64));
    mount.write_map(&format!(
        "providers:\n  s: {}\n  web: {{type: infisical, site_url: {site:?}, project_id: p, auth: token}}\n\
         secrets:\n- {{name: A, file: a, provider: s}}\n- {{name: W, file: w, provider: web}}\n",
        mount.sim.provider()
    ));
    let mut probe = mount.probe();
    wait::until("the new file is there", || {
        let names = probe.list(mount.mountpoint());
        names.contains(&"w".to_owned()).then_some(())
    });
    let unlocked = mount
        .secretfs(["unlock"])
        .env("INFISICAL_TOKEN", "st.a.b.c")
        .env("INFISICAL_DOMAIN", &site)
        .output()
        .expect("secretfs");
    assert!(unlocked.status.success(), "{}", told(&unlocked));
    assert_eq!(mount.read("w"), Err(libc::EACCES));
    let error = &mount.status_of("w")["last_error"];
    let help = error["help"].as_str().expect("a help line");
    assert!(help.contains("mount"), "{error}");
    assert_eq!(mount.read("a"), Ok(value("a", 64)));
    // Nobody came.
    server.set_nonblocking(true).expect("a socket");
    assert!(server.accept().is_err());
}

#[test]
fn daemon_and_sentinel_keep_no_descriptor_that_their_parent_left_open() {
    use std::os::fd::AsRawFd;
    let mount = Scripted::new();
    mount.sim.set("A", value("a", 64));
    mount.set_map("", &["{name: A, file: a}"]);
    let (reader, _writer) = rustix::pipe::pipe().expect("a pipe without close-on-exec");
    let link = |pid: &str, fd: &str| std::fs::read_link(format!("/proc/{pid}/fd/{fd}"));
    let pipe = link("self", &reader.as_raw_fd().to_string()).expect("a pipe");
    mount.mount();
    let has_it = |role: &str| {
        let pid = mount.process(role).pid.to_string();
        let open = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("descriptors");
        let mut open = open.filter_map(|fd| fd.ok()?.file_name().into_string().ok());
        open.any(|fd| link(&pid, &fd).is_ok_and(|to| to == pipe))
    };
    assert!(
        has_it("internal-mount-helper"),
        "nothing was inherited at all"
    );
    assert!(!has_it("internal-daemon"));
    assert!(!has_it("internal-sentinel"));
    assert_eq!(mount.read("a"), Ok(value("a", 64)));
}
