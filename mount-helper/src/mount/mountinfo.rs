//! `/proc/self/mountinfo`: what is mounted, without touching it. A `stat` of a mount whose daemon is
//! gone or hangs would fail or wait (contract fuse.md §2.4).

use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// The device number of a mounted file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// 0 for those without a disk.
    pub major: u32,
    /// For FUSE, the number of the connection.
    pub minor: u32,
}

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Which file system.
    pub device: Device,
    /// Where.
    pub mountpoint: PathBuf,
    /// Its type: `fuse.secretfs` for ours.
    pub fs_type: String,
    /// The `user_id=` of a FUSE mount.
    pub user: Option<u32>,
}

/// The mounts of this process's namespace, in the order that they were mounted in.
///
/// # Errors
/// /proc is not there.
pub fn read() -> std::io::Result<Vec<Mount>> {
    Ok(parse(&std::fs::read("/proc/self/mountinfo")?))
}

/// The mount on top at a path: the one that an unmount there would take.
#[must_use]
pub fn top_at<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    mounts.iter().rev().find(|mount| mount.mountpoint == path)
}

/// The mounts of a text; lines that cannot be understood are left out.
fn parse(text: &[u8]) -> Vec<Mount> {
    text.split(|byte| *byte == b'\n')
        .filter_map(parse_line)
        .collect()
}

/// `36 35 98:0 /root /mountpoint options [optional fields] - type source super-options`
fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let device = std::str::from_utf8(fields.nth(2)?).ok()?;
    let (major, minor) = device.split_once(':')?;
    let mountpoint = PathBuf::from(OsString::from_vec(unescape(fields.nth(1)?)));
    let mut fields = fields.skip_while(|field| *field != b"-").skip(1);
    let fs_type = String::from_utf8_lossy(&unescape(fields.next()?)).into_owned();
    let options = String::from_utf8_lossy(fields.nth(1).unwrap_or_default());
    let user = options
        .split(',')
        .find_map(|option| option.strip_prefix("user_id=")?.parse().ok());
    Some(Mount {
        device: Device {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
        },
        mountpoint,
        fs_type,
        user,
    })
}

/// The kernel writes blank, tab, newline and backslash as three octal digits.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((byte, after)) = rest.split_first() {
        let octal = (*byte == b'\\')
            .then(|| after.split_first_chunk::<3>())
            .flatten()
            .and_then(|(digits, after)| Some((octal(*digits)?, after)));
        if let Some((unescaped, after)) = octal {
            out.push(unescaped);
            rest = after;
        } else {
            out.push(*byte);
            rest = after;
        }
    }
    out
}

fn octal(digits: [u8; 3]) -> Option<u8> {
    digits.iter().try_fold(0u8, |value, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 8)?;
        value.checked_mul(8)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &[u8] = b"\
22 1 0:20 / / rw,relatime shared:1 - overlay overlay rw,lowerdir=/a
70 22 0:53 / /home/me/my\\040secrets\\134\\011x ro,nosuid shared:3 master:1 - fuse.secretfs secretfs ro,user_id=1000,group_id=1000,default_permissions
71 22 0:54 / /home/me/plain rw - tmpfs tmpfs rw
rubbish
72 22 0:55 / /home/me/plain ro - fuse.secretfs secretfs ro,user_id=1001,group_id=1
";

    #[test]
    fn escapes_optional_fields_and_rubbish_are_understood() {
        let mounts = parse(TEXT);
        assert_eq!(mounts.len(), 4);
        let ours = top_at(&mounts, Path::new("/home/me/my secrets\\\tx")).unwrap();
        assert_eq!(
            ours.device,
            Device {
                major: 0,
                minor: 53
            }
        );
        assert_eq!(ours.fs_type, "fuse.secretfs");
        assert_eq!(ours.user, Some(1000));
    }

    #[test]
    fn the_last_mount_at_a_path_is_on_top() {
        let mounts = parse(TEXT);
        let top = top_at(&mounts, Path::new("/home/me/plain")).unwrap();
        assert_eq!(top.device.minor, 55);
        assert_eq!(top.user, Some(1001));
        assert!(top_at(&mounts, Path::new("/home/me")).is_none());
    }

    #[test]
    fn this_machine_can_be_read() {
        assert!(top_at(&read().unwrap(), Path::new("/proc")).is_some());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&text);
        }

        #[test]
        fn what_the_kernel_escapes_comes_back(path in "/[ -~\t\n]{1,40}") {
            let escaped: String = path.chars().map(|c| match c {
                ' ' => "\\040".into(),
                '\t' => "\\011".into(),
                '\n' => "\\012".into(),
                '\\' => "\\134".into(),
                c => c.to_string(),
            }).collect();
            let line = format!("1 2 0:3 / {escaped} ro - fuse.secretfs s ro,user_id=7\n");
            let mounts = parse(line.as_bytes());
            prop_assert_eq!(mounts.len(), 1);
            prop_assert!(top_at(&mounts, Path::new(&path)).is_some());
        }
    }
}
