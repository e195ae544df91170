//! Reading from a handle, and closing it: what was current at open, whatever happens since.

use super::attr::Attr;
use super::deps::Caller;
use super::filesystem::SecretFs;
use super::nodes::Node;
use rustix::io::Errno;
use secretfs_memory::bounce::BounceBuffer;

impl SecretFs {
    /// Hands the bytes of a handle from `offset` to `send`, at most `len` and at most what fits the
    /// buffer, which holds them no longer than that.
    pub fn read(
        &self,
        handle: u64,
        offset: u64,
        len: u32,
        buffer: &mut BounceBuffer,
        send: impl FnOnce(Result<&[u8], Errno>),
    ) {
        let snapshot = match self.inner().handles.get(&handle) {
            Some(handle) => handle.snapshot.clone(),
            None => return send(Err(Errno::BADF)),
        };
        let Some(snapshot) = snapshot else {
            return send(Err(Errno::IO));
        };
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if offset >= snapshot.value.len() {
            return send(Ok(&[]));
        }
        let mut send = Some(send);
        let sent = buffer.with(&snapshot.value, offset, len, |bytes| {
            if let Some(send) = send.take() {
                send(Ok(bytes));
            }
        });
        // Wiped meanwhile: nothing was handed over.
        if sent.is_err()
            && let Some(send) = send
        {
            send(Err(Errno::IO));
        }
    }

    /// Closes a handle.
    pub fn release(&self, handle: u64) {
        let mut inner = self.inner();
        let Some(handle) = inner.handles.remove(&handle) else {
            return;
        };
        let last = inner.versions.closed(handle.ino);
        drop(inner);
        if last {
            // Mappings, sendfile and splice left its pages behind (contract fuse.md §2.3).
            self.invalidations().idle(handle.ino);
        }
    }

    /// Whether no handle is open on an inode: its pages may go.
    #[must_use]
    pub fn is_idle(&self, ino: u64) -> bool {
        self.inner().versions.is_idle(ino)
    }

    /// The attributes of an inode.
    ///
    /// # Errors
    /// ESTALE: it is not known any more; the kernel looks the name up again.
    pub fn getattr(&self, caller: Caller, ino: u64) -> Result<Attr, Errno> {
        if !self.admits(caller) {
            return Err(Errno::ACCESS);
        }
        let inner = self.inner();
        match inner.node(ino) {
            Ok(Node::Folder(folder)) => Ok(inner.folder_attr(self, folder)),
            // Known by a name that is out of date.
            Ok(Node::File(_)) if inner.versions.is_left(ino) => Err(Errno::STALE),
            Ok(Node::File(file)) => Ok(inner.file_attr(self, &file, Some(ino))),
            // Held open, though its file is gone from the map.
            Err(errno) => inner.held_attr(self, ino).ok_or(errno),
        }
    }
}
