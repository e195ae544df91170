//! systemd's journal, told of each open beside `audit.jsonl`, in its native protocol
//! (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>): one datagram a record. Where there is no journal, or
//! it does not keep up, the record is in the file alone: nobody waits for it, and nothing is sent again.

use super::audit::Record;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, sendto, socket_with,
};
use std::os::fd::OwnedFd;
use std::path::Path;

/// Where the journal listens.
pub(super) const SOCKET: &str = "/run/systemd/journal/socket";
/// Every record of an open has it: `journalctl MESSAGE_ID=…`. Never to be changed.
const MESSAGE_ID: &str = "5864bfd2dae1473f8db8c1b448316e69";
/// Of syslog: `authpriv`, which syslog daemons keep where root alone reads.
const FACILITY: &str = "10";
/// Of syslog: `notice` for an open that was refused, `info` for others.
const REFUSED: &str = "5";
const OPENED: &str = "6";

/// The way to the journal. It is not connected, so that a journal that restarts is found again.
#[derive(Debug)]
pub(super) struct Native {
    way: Option<(OwnedFd, SocketAddrUnix)>,
}

impl Native {
    /// To the journal that listens there, now or later.
    pub(super) fn to(path: &Path) -> Self {
        let socket = socket_with(
            AddressFamily::UNIX,
            SocketType::DGRAM,
            SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
            None,
        );
        Self {
            way: socket.ok().zip(SocketAddrUnix::new(path).ok()),
        }
    }

    /// Tells of opens that came together, of the mount with this name. Where nobody listens, the first
    /// shows it for all.
    pub(super) fn send(&self, mountpoint: &str, records: &[Record]) {
        let Some((socket, address)) = &self.way else {
            return;
        };
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        for record in records {
            let sent = sendto(socket, &entry(mountpoint, record), flags, address);
            if matches!(sent, Err(Errno::NOENT | Errno::CONNREFUSED)) {
                return;
            }
        }
    }
}

fn entry(mountpoint: &str, record: &Record) -> Vec<u8> {
    let mut entry = Vec::with_capacity(512);
    let refused = record.errno != 0;
    let mut put = |name: &str, value: &str| field(&mut entry, name, value);
    put("MESSAGE", &message(record));
    put("PRIORITY", if refused { REFUSED } else { OPENED });
    put("SYSLOG_FACILITY", FACILITY);
    put("SYSLOG_IDENTIFIER", "secretfs");
    put("MESSAGE_ID", MESSAGE_ID);
    put("SECRETFS_MOUNTPOINT", mountpoint);
    put("SECRETFS_FILE", &record.file);
    put("SECRETFS_PID", &record.pid.to_string());
    put("SECRETFS_UID", &record.uid.to_string());
    if let Some(exe) = &record.exe {
        put("SECRETFS_EXE", exe);
    }
    put("SECRETFS_VERSION", &record.version.to_string());
    put("SECRETFS_ERRNO", &record.errno.to_string());
    put("SECRETFS_TIME", &record.time);
    entry
}

/// For people, in the words of `secretfs audit`.
fn message(record: &Record) -> String {
    let by = record.exe.as_deref().unwrap_or("a program that has ended");
    let who = format!("by {by} (pid {}, uid {})", record.pid, record.uid);
    match record.errno {
        0 => format!("{} opened {who}", record.file),
        errno => {
            let reason = std::io::Error::from_raw_os_error(errno).to_string();
            let reason = reason.split(" (os error").next().unwrap_or_default();
            format!("{} not opened {who}: {reason}", record.file)
        }
    }
}

/// `NAME=value`; a value with a newline after its length.
fn field(entry: &mut Vec<u8>, name: &str, value: &str) {
    entry.extend_from_slice(name.as_bytes());
    if value.contains('\n') {
        entry.push(b'\n');
        let length = u64::try_from(value.len()).unwrap_or_default();
        entry.extend_from_slice(&length.to_le_bytes());
    } else {
        entry.push(b'=');
    }
    entry.extend_from_slice(value.as_bytes());
    entry.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::os::unix::net::UnixDatagram;

    fn record(exe: Option<&str>, errno: i32) -> Record {
        Record {
            time: "2026-11-22T21:10:06.123Z".into(),
            pid: 7,
            exe: exe.map(str::to_owned),
            uid: 1000,
            file: "openai/api-key".into(),
            version: 3,
            errno,
        }
    }

    /// As strictly as the protocol's page has it.
    fn parse(mut entry: &[u8]) -> BTreeMap<String, String> {
        let mut fields = BTreeMap::new();
        while !entry.is_empty() {
            let end = entry.iter().position(|byte| *byte == b'\n').unwrap();
            let line = std::str::from_utf8(&entry[..end]).unwrap();
            let (name, value, rest) = match line.split_once('=') {
                Some((name, value)) => (name, value.to_owned(), &entry[end + 1..]),
                None => {
                    let rest = &entry[end + 1..];
                    let length = u64::from_le_bytes(rest[..8].try_into().unwrap());
                    let length = usize::try_from(length).unwrap();
                    let value = std::str::from_utf8(&rest[8..8 + length]).unwrap();
                    assert_eq!(rest[8 + length], b'\n');
                    (line, value.to_owned(), &rest[9 + length..])
                }
            };
            let good = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            assert!(name.chars().all(good) && name.len() <= 64, "{name}");
            assert!(name.starts_with(|c: char| c.is_ascii_uppercase()), "{name}");
            assert!(
                fields.insert(name.to_owned(), value).is_none(),
                "{name} twice"
            );
            entry = rest;
        }
        fields
    }

    #[test]
    fn an_entry_tells_who_and_what_and_a_newline_forges_no_field() {
        let fields = parse(&entry(
            "/home/me/secrets",
            &record(Some("/bin/a\nUSER=root"), 0),
        ));
        let get = |name: &str| fields[name].as_str();
        assert_eq!(
            get("MESSAGE"),
            "openai/api-key opened by /bin/a\nUSER=root (pid 7, uid 1000)"
        );
        assert_eq!(
            (get("PRIORITY"), get("SYSLOG_IDENTIFIER")),
            ("6", "secretfs")
        );
        assert_eq!(get("SECRETFS_EXE"), "/bin/a\nUSER=root");
        assert_eq!(
            (get("SECRETFS_FILE"), get("SECRETFS_ERRNO")),
            ("openai/api-key", "0")
        );
        assert_eq!(get("MESSAGE_ID").len(), 32);
        assert!(!fields.contains_key("USER"));
        let fields = parse(&entry("/m", &record(None, 13)));
        assert_eq!(
            fields["MESSAGE"],
            "openai/api-key not opened by a program that has ended (pid 7, uid 1000): Permission denied"
        );
        assert_eq!(
            (fields["PRIORITY"].as_str(), fields.get("SECRETFS_EXE")),
            ("5", None)
        );
    }

    #[test]
    fn no_journal_a_full_one_and_one_that_restarts_keep_nobody_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let native = Native::to(&path);
        let send = || native.send("/m", &[record(None, 0)]);
        send();
        let receive = |journal: &UnixDatagram| {
            let mut entry = [0; 4096];
            journal.set_nonblocking(true).unwrap();
            let length = journal.recv(&mut entry)?;
            std::io::Result::Ok(parse(&entry[..length]))
        };
        let first = UnixDatagram::bind(&path).unwrap();
        // More than any queue takes.
        (0..10_000).for_each(|_| send());
        assert!(receive(&first).is_ok());
        drop(first);
        send();
        std::fs::remove_file(&path).unwrap();
        let second = UnixDatagram::bind(&path).unwrap();
        send();
        assert_eq!(receive(&second).unwrap()["SECRETFS_PID"], "7");
        assert!(receive(&second).is_err(), "one, and nothing again");
    }
}
