//! The mount options: ours, and what mount(8) passes on of its own.

use crate::error::{CliError, Status};
use secretfs_providers::nearest::nearest;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// A user's name or number.
    pub(super) uid: Option<String>,
    pub(super) offline: bool,
    pub(super) allow_root: bool,
    pub(super) insecure_memory: bool,
    pub(super) passphrase_file: Option<PathBuf>,
}

/// Ours, as they are suggested.
const OURS: [&str; 5] = [
    "uid=",
    "offline",
    "passphrase_file=",
    "allow_root",
    "insecure_memory",
];

/// What mount(8) and systemd act on themselves, and what asks for no more than every mount of ours has:
/// one is read-only, without devices, programs and set-user-id bits, and records no times of access.
/// What would loosen that is taken, too, because `defaults` means it, and changes nothing.
const OF_MOUNT: [&str; 42] = [
    "defaults",
    "auto",
    "noauto",
    "user",
    "nouser",
    "users",
    "nousers",
    "owner",
    "noowner",
    "group",
    "nogroup",
    "nofail",
    "_netdev",
    "_rnetdev",
    "helper",
    "uhelper",
    "comment",
    "ro",
    "rw",
    "suid",
    "nosuid",
    "dev",
    "nodev",
    "exec",
    "noexec",
    "sync",
    "async",
    "dirsync",
    "atime",
    "noatime",
    "diratime",
    "nodiratime",
    "relatime",
    "norelatime",
    "strictatime",
    "nostrictatime",
    "lazytime",
    "nolazytime",
    "iversion",
    "noiversion",
    "silent",
    "loud",
];

impl Options {
    /// Those of all `-o`; the last of two counts. `sloppy`: what is not known is passed over.
    pub(super) fn parse(texts: &[OsString], sloppy: bool) -> Result<Self, CliError> {
        let mut options = Self::default();
        for word in texts.iter().flat_map(|text| split(text.as_bytes())) {
            options.take(&word, sloppy)?;
        }
        Ok(options)
    }

    fn take(&mut self, word: &[u8], sloppy: bool) -> Result<(), CliError> {
        let (name, value) = match word.iter().position(|byte| *byte == b'=') {
            Some(at) => (word.get(..at), word.get(at + 1..)),
            None => (Some(word), None),
        };
        let name = String::from_utf8_lossy(name.unwrap_or_default()).into_owned();
        match (name.as_str(), value) {
            ("", None) => {}
            ("uid", Some(value)) if !value.is_empty() => {
                self.uid = Some(String::from_utf8_lossy(value).into_owned());
            }
            ("passphrase_file" | "passphrase-file", Some(value)) if !value.is_empty() => {
                let path = PathBuf::from(OsStr::from_bytes(value));
                if !path.is_absolute() {
                    return Err(wrong(
                        "the mount option `passphrase_file` is not an absolute path",
                        "write `passphrase_file=/home/alice/…`",
                    ));
                }
                self.passphrase_file = Some(path);
            }
            ("uid" | "passphrase_file" | "passphrase-file", _) => {
                return Err(wrong(
                    format!("the mount option `{name}` says nothing"),
                    format!("write `{name}=…`"),
                ));
            }
            ("offline", None) => self.offline = true,
            ("allow_root" | "allow-root", None) => self.allow_root = true,
            ("insecure_memory" | "insecure-memory", None) => self.insecure_memory = true,
            ("remount", None) => {
                return Err(wrong(
                    "a mount of secrets has nothing to mount again",
                    "saving the map updates a running mount; for other options unmount it first",
                ));
            }
            ("allow_other" | "gid" | "umask" | "fmask" | "dmask", _) if !sloppy => {
                return Err(wrong(
                    format!("unknown mount option `{name}`: the files are the user's alone"),
                    "leave it out; `mode:` of an entry in the map makes its file 0400, and \
                     `allow_root` lets root in",
                ));
            }
            (name, _) if OF_MOUNT.contains(&name) || is_a_comment(name) => {}
            _ if sloppy => {}
            (name, _) => {
                let known = OURS.iter().chain(&OF_MOUNT).copied();
                let help = match nearest(name, known) {
                    Some(found) => format!("did you mean `{found}`?"),
                    None => format!("those of secretfs are {}", OURS.join(", ")),
                };
                return Err(wrong(format!("unknown mount option `{name}`"), help));
            }
        }
        Ok(())
    }
}

/// `x-systemd.requires=` and the like are for others.
fn is_a_comment(name: &str) -> bool {
    name.starts_with("x-") || name.starts_with("X-")
}

fn wrong(message: impl Into<String>, help: impl Into<String>) -> CliError {
    CliError::new(Status::Usage, message, help)
}

/// The words between commas. As for mount(8), a comma inside double quotes parts nothing.
fn split(text: &[u8]) -> Vec<Vec<u8>> {
    let mut words = vec![Vec::new()];
    let mut quoted = false;
    for byte in text {
        match (byte, words.last_mut()) {
            (b'"', _) => quoted = !quoted,
            (b',', _) if !quoted => words.push(Vec::new()),
            (byte, Some(word)) => word.push(*byte),
            (_, None) => {}
        }
    }
    words
}

/// Options for another process of ours, which reads the same.
pub(super) fn join(texts: &[OsString]) -> OsString {
    let texts: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
    OsString::from_vec(texts.join(&b','))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Options, String> {
        Options::parse(&[text.into()], false).map_err(|error| error.render(false))
    }

    #[test]
    fn ours_are_read_and_the_last_of_two_counts() {
        let options = parse("uid=7,offline,uid=alice,passphrase_file=\"/a,b\",allow_root").unwrap();
        assert_eq!(
            options,
            Options {
                uid: Some("alice".into()),
                offline: true,
                allow_root: true,
                insecure_memory: false,
                passphrase_file: Some("/a,b".into()),
            }
        );
    }

    #[test]
    fn what_mount_and_systemd_act_on_themselves_is_taken() {
        let line = "defaults,rw,ro,noexec,nosuid,nodev,relatime,noauto,nofail,user,user=alice,users,\
            owner,group,_netdev,comment=hi,x-systemd.requires=a.service,X-foo,,helper=x";
        assert_eq!(parse(line), Ok(Options::default()));
    }

    #[test]
    fn anything_else_is_refused_with_help_unless_it_is_to_be_passed_over() {
        for (line, message, help) in [
            (
                "ofline",
                "unknown mount option `ofline`",
                "did you mean `offline`?",
            ),
            ("uid", "`uid` says nothing", "write `uid=…`"),
            ("umask=077", "the files are the user's alone", "0400"),
            ("remount", "nothing to mount again", "saving the map"),
            ("passphrase_file=a", "not an absolute path", "/home/alice"),
            (
                "offline=yes",
                "unknown mount option `offline`",
                "did you mean",
            ),
            (
                "xyzzyxyzzyxyzzy=1",
                "unknown mount option `xyzzyxyzzyxyzzy`",
                "those of secretfs are uid=",
            ),
        ] {
            let error = parse(line).unwrap_err();
            let (first, second) = error.split_once("\nhelp: ").unwrap();
            assert!(first.contains(message), "{error}");
            assert!(second.contains(help), "{error}");
        }
        let sloppy = Options::parse(&["ofline,umask=077,offline".into()], true).unwrap();
        assert!(sloppy.offline);
    }
}
