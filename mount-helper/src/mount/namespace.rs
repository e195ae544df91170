//! A user and a mount namespace of this process's own, with the user's own id in it: what is mounted
//! there is seen by this process and its children alone.
//!
//! The capability to mount is passed on to children as an ambient one, because an exec by anybody but
//! root drops every other; it holds in these namespaces alone, and [`give_up`] takes it away again.

use rustix::io::Errno;
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::process::{getgid, getuid};
use rustix::thread::{
    CapabilitySet, UnshareFlags, capabilities, clear_ambient_capability_set,
    configure_capability_in_ambient_set, set_capabilities,
};
use std::io;

/// Enters new namespaces. To be called before any thread is started.
///
/// # Errors
/// Which step the kernel refused.
pub fn enter() -> io::Result<()> {
    if super::direct::is_allowed() {
        // root: a user namespace would only take away.
        unshare(UnshareFlags::NEWNS)?;
        return keep_to_ourselves();
    }
    let (uid, gid) = (getuid().as_raw(), getgid().as_raw());
    unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS)?;
    // Without this the kernel takes no group of a process that is not root (user_namespaces(7)).
    write("setgroups", "deny")?;
    write("uid_map", &format!("{uid} {uid} 1"))?;
    write("gid_map", &format!("{gid} {gid} 1"))?;
    keep_to_ourselves()?;
    let mut sets = capabilities(None).map_err(|errno| failed("read its capabilities", errno))?;
    sets.inheritable |= CapabilitySet::SYS_ADMIN;
    set_capabilities(None, sets).map_err(|errno| failed("pass on the right to mount", errno))?;
    configure_capability_in_ambient_set(CapabilitySet::SYS_ADMIN, true)
        .map_err(|errno| failed("pass on the right to mount", errno))
}

/// Takes away what [`enter`] has given.
///
/// # Errors
/// The kernel refused.
pub fn give_up() -> io::Result<()> {
    if getuid().is_root() {
        return Ok(());
    }
    clear_ambient_capability_set()?;
    let mut sets = capabilities(None)?;
    sets.effective = CapabilitySet::empty();
    sets.permitted = CapabilitySet::empty();
    sets.inheritable = CapabilitySet::empty();
    Ok(set_capabilities(None, sets)?)
}

/// What is mounted here does not show outside; what is mounted outside still shows here.
fn keep_to_ourselves() -> io::Result<()> {
    let flags = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    mount_change("/", flags).map_err(|errno| failed("keep its mounts to itself", errno))
}

#[expect(unsafe_code, reason = "unshare(2)")]
fn unshare(flags: UnshareFlags) -> io::Result<()> {
    // SAFETY: the table of descriptors stays shared: `FILES` is in no caller's flags.
    unsafe { rustix::thread::unshare_unsafe(flags) }
        .map_err(|errno| failed("make the namespaces", errno))
}

fn write(file: &str, text: &str) -> io::Result<()> {
    std::fs::write(format!("/proc/self/{file}"), text).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("cannot write /proc/self/{file}: {error}"),
        )
    })
}

fn failed(what: &str, errno: Errno) -> io::Error {
    let source = io::Error::from(errno);
    io::Error::new(source.kind(), format!("cannot {what}: {source}"))
}
