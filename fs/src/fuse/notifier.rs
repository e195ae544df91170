//! Carries out what the kernel has to forget, on two threads of its own (see `tree::invalidate`).

use crate::tree::{EntryJob, InodeJob, SecretFs};
use fuser::{INodeNo, Notifier};
use std::ffi::OsStr;
use std::io;
use std::sync::Arc;

/// Only attributes.
const ATTRIBUTES: (i64, i64) = (-1, 0);
/// Attributes and all pages.
const EVERYTHING: (i64, i64) = (0, 0);

/// Until the session ends.
pub(super) fn forget_inodes(fs: &Arc<SecretFs>, kernel: &Notifier) {
    while let Some(job) = fs.invalidations().next_inode(true) {
        match job {
            // Opened again meanwhile: its last close asks again.
            InodeJob::IdlePages(ino) if !fs.is_idle(ino) => {}
            InodeJob::IdlePages(ino) | InodeJob::Pages(ino) => inode(kernel, ino, EVERYTHING),
            InodeJob::Attributes(ino) => inode(kernel, ino, ATTRIBUTES),
            InodeJob::Done(done) => {
                let _ = done.send(());
            }
        }
    }
}

/// Until the session ends.
pub(super) fn forget_names(fs: &Arc<SecretFs>, kernel: &Notifier) {
    while let Some(job) = fs.invalidations().next_entry(true) {
        match job {
            EntryJob::Name(folder, name) => entry(kernel, folder, &name),
            EntryJob::Names(folder, names) => {
                names.iter().for_each(|name| entry(kernel, folder, name));
            }
            EntryJob::Changed(maps) => SecretFs::changed_names(&maps.0, &maps.1, |folder, name| {
                entry(kernel, folder, name);
            }),
            #[cfg(feature = "test-hooks")]
            EntryJob::Done(done) => {
                let _ = done.send(());
            }
        }
    }
}

fn inode(kernel: &Notifier, ino: u64, (offset, len): (i64, i64)) {
    report(kernel.inval_inode(INodeNo(ino), offset, len));
}

fn entry(kernel: &Notifier, folder: u64, name: &str) {
    report(kernel.inval_entry(INodeNo(folder), OsStr::new(name)));
}

/// Not found is no failure: the kernel never knew it, or has forgotten it by itself.
fn report(result: io::Result<()>) {
    if let Err(error) = result {
        tracing::debug!(%error, "an invalidation failed");
    }
}
