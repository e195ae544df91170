//! The user that a mount of root is for: looked up as every login does, wherever the machine keeps its
//! users, and become for good.
#![expect(
    unsafe_code,
    reason = "the C library alone knows all users and their groups"
)]

use rustix::process::{Gid, Uid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set, set_capabilities,
    set_thread_res_gid, set_thread_res_uid, set_thread_uid,
};
use std::ffi::{CStr, CString, OsStr, OsString, c_char, c_int};
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;

/// The most that one user's line may take.
const MOST: usize = 1 << 20;

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: OsString,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) home: OsString,
    pub(super) shell: OsString,
}

impl Account {
    /// By name or number, as mount options have it. A number is a number, also where it is a name.
    ///
    /// # Errors
    /// The machine cannot tell.
    pub(super) fn find(text: &str) -> io::Result<Option<Self>> {
        match text.parse() {
            Ok(uid) => Self::of(uid),
            Err(_) => Self::named(text),
        }
    }

    /// The user with this number.
    ///
    /// # Errors
    /// The machine cannot tell.
    pub(super) fn of(uid: u32) -> io::Result<Option<Self>> {
        look_up(|entry, text, length, found| {
            // SAFETY: entry, text and found are `look_up`'s to write, text is of that length.
            unsafe { libc::getpwuid_r(uid, entry, text, length, found) }
        })
    }

    fn named(name: &str) -> io::Result<Option<Self>> {
        let Ok(name) = CString::new(name) else {
            return Ok(None);
        };
        look_up(|entry, text, length, found| {
            // SAFETY: as in `of`; the name ends with a zero.
            unsafe { libc::getpwnam_r(name.as_ptr(), entry, text, length, found) }
        })
    }

    /// Makes this process the user's: ids, groups and keys, without a capability and without a way back.
    /// The rights that set-user-id programs such as fusermount3 gain are left. To be called while this
    /// process has one thread, and an exec is to follow.
    ///
    /// # Errors
    /// A step was refused: the process is neither one thing nor the other, and must end.
    pub(super) fn assume(&self) -> io::Result<()> {
        let name = CString::new(self.name.as_bytes())?;
        // SAFETY: the name ends with a zero.
        if unsafe { libc::initgroups(name.as_ptr(), self.gid) } != 0 {
            return Err(io::Error::last_os_error());
        }
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        set_thread_res_gid(gid, gid, gid)?;
        set_thread_res_uid(uid, uid, uid)?;
        // The kernel does so as well, unless the security bits of a service say otherwise.
        let _ = clear_ambient_capability_set();
        set_capabilities(
            None,
            CapabilitySets {
                effective: CapabilitySet::empty(),
                permitted: CapabilitySet::empty(),
                inheritable: CapabilitySet::empty(),
            },
        )?;
        leave_the_keys();
        if set_thread_uid(Uid::ROOT).is_ok() {
            return Err(io::Error::other("there is a way back to root"));
        }
        Ok(())
    }
}

/// A process goes on possessing what the session's keyring of its past has: it gets an empty one. Where
/// the kernel has no keyrings, or a container forbids them, there is nothing to leave.
fn leave_the_keys() {
    let none: *const c_char = std::ptr::null();
    // SAFETY: the call takes a name or null, and touches no memory of ours.
    let _ = unsafe { libc::syscall(libc::SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, none) };
}

fn look_up(
    call: impl Fn(*mut libc::passwd, *mut c_char, usize, *mut *mut libc::passwd) -> c_int,
) -> io::Result<Option<Account>> {
    let mut text = vec![0; 4096];
    loop {
        let mut entry = MaybeUninit::uninit();
        let mut found = std::ptr::null_mut();
        match call(
            entry.as_mut_ptr(),
            text.as_mut_ptr(),
            text.len(),
            &mut found,
        ) {
            0 if found.is_null() => return Ok(None),
            // SAFETY: found, so that `found` is the entry, written whole, and its strings lie in `text`.
            0 => return Ok(Some(unsafe { account(&*found) })),
            libc::ERANGE if text.len() < MOST => text.resize(text.len() * 2, 0),
            libc::EINTR => {}
            // What the manual page says of no such user, in the words of other systems.
            libc::ENOENT | libc::ESRCH => return Ok(None),
            errno => return Err(io::Error::from_raw_os_error(errno)),
        }
    }
}

/// # Safety
/// The strings of the entry are null, or end with a zero.
unsafe fn account(entry: &libc::passwd) -> Account {
    let text = |start: *const c_char| {
        if start.is_null() {
            return OsString::new();
        }
        // SAFETY: the caller's.
        OsStr::from_bytes(unsafe { CStr::from_ptr(start) }.to_bytes()).to_owned()
    };
    Account {
        name: text(entry.pw_name),
        uid: entry.pw_uid,
        gid: entry.pw_gid,
        home: text(entry.pw_dir),
        shell: text(entry.pw_shell),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_found_by_name_and_by_number_and_nobody_by_a_wrong_one() {
        let root = Account::find("root").unwrap().unwrap();
        assert_eq!((root.uid, root.gid), (0, 0));
        assert_eq!(Account::find("0").unwrap(), Some(root));
        assert_eq!(Account::find("no-such-user").unwrap(), None);
        assert_eq!(Account::find("4294967294").unwrap(), None);
        assert_eq!(Account::find("a\0b").unwrap(), None);
    }
}
