//! seccomp: system calls that the daemon never makes, and that whoever takes it over would want.
//!
//! A list of what is denied, not of what is allowed: the C library and the standard library choose
//! other calls with every version, and a daemon that is killed for a harmless one loses its mount.

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter_all_threads,
};
use std::collections::BTreeMap;

/// Why the filter could not be applied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeccompError {
    /// This kernel has no seccomp filters.
    #[error("this kernel has no seccomp filters")]
    Absent,
    /// It could not be made or was refused.
    #[error("cannot confine the process with seccomp: {0}")]
    Filter(String),
}

/// Starting other programs, looking into other processes, mounting, loading code into the kernel, and
/// ways around the checks of files.
const DENIED: &[c_long] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_acct,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_personality,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_kexec_file_load,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
];

/// The same calls have other numbers for programs of the x32 kind, which the check of the
/// architecture lets pass: this bit is set, and some have numbers of their own from here on.
#[cfg(target_arch = "x86_64")]
const X32: c_long = 0x4000_0000;
#[cfg(target_arch = "x86_64")]
const X32_ONLY: std::ops::RangeInclusive<c_long> = 512..=547;

/// Applies the filter to every thread; what it denies answers EPERM. It gives up new privileges, too.
///
/// # Errors
/// See [`SeccompError`].
pub fn confine() -> Result<(), SeccompError> {
    if !is_available() {
        return Err(SeccompError::Absent);
    }
    // clone3 passes its flags by memory, which a filter cannot look at. The C library takes ENOSYS
    // for an old kernel and goes on with clone.
    let old_kernel = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    apply(old_kernel, libc::ENOSYS)?;
    apply(denied()?, libc::EPERM)
}

/// Whether the kernel knows filters.
#[must_use]
pub fn is_available() -> bool {
    std::fs::read_to_string("/proc/self/status")
        .is_ok_and(|status| status.lines().any(|line| line.starts_with("Seccomp:")))
}

fn denied() -> Result<BTreeMap<i64, Vec<SeccompRule>>, SeccompError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        DENIED.iter().map(|call| (*call, Vec::new())).collect();
    // A new thread, but no new process.
    rules.insert(libc::SYS_clone, vec![not_a_thread()?]);
    #[cfg(target_arch = "x86_64")]
    {
        let same = DENIED
            .iter()
            .copied()
            .chain([libc::SYS_clone, libc::SYS_clone3]);
        for call in same.chain(X32_ONLY) {
            rules.insert(call | X32, Vec::new());
        }
    }
    Ok(rules)
}

fn not_a_thread() -> Result<SeccompRule, SeccompError> {
    let thread = u64::try_from(libc::CLONE_THREAD).map_err(|_| failed("flags"))?;
    let condition = SeccompCondition::new(
        0,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::MaskedEq(thread),
        0,
    );
    let condition = condition.map_err(failed)?;
    SeccompRule::new(vec![condition]).map_err(failed)
}

fn apply(rules: BTreeMap<i64, Vec<SeccompRule>>, errno: i32) -> Result<(), SeccompError> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(failed)?;
    let errno = u32::try_from(errno).map_err(|_| failed("errno"))?;
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(errno),
        arch,
    );
    let program: BpfProgram = filter.and_then(TryInto::try_into).map_err(failed)?;
    apply_filter_all_threads(&program).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> SeccompError {
    SeccompError::Filter(error.to_string())
}
