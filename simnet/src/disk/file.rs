//! An open file of a simulated disk.
//!
//! Has no cursor: reads and writes say where.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::trouble::Operation;
use super::{SimDisk, Stat};

/// An open file. Closed when its last clone is dropped, or when its process dies.
#[derive(Clone, Debug)]
pub struct SimFile(Arc<Open>);

#[derive(Debug)]
struct Open {
    disk: SimDisk,
    handle: u64,
}

impl SimFile {
    pub(super) fn new(disk: SimDisk, handle: u64) -> Self {
        Self(Arc::new(Open { disk, handle }))
    }

    /// Reads some bytes at `offset`, as many as there are; 0 at the end of the file.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let Open { disk, handle } = &*self.0;
        let mut state = disk.state();
        let (inode, effect) = state.begin_file(disk.process, *handle, Operation::Read)?;
        state.read(inode, buffer, offset, effect)
    }

    /// Writes all bytes at `offset`, growing the file if need be. If that fails, some of them
    /// may have been written.
    pub fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let Open { disk, handle } = &*self.0;
        let mut state = disk.state();
        let (inode, effect) = state.begin_file(disk.process, *handle, Operation::Write)?;
        state.write(disk.process, inode, bytes, offset, effect)
    }

    /// What this file is now, whatever its name has become.
    pub fn stat(&self) -> io::Result<Stat> {
        let Open { disk, handle } = &*self.0;
        let mut state = disk.state();
        let (inode, _) = state.begin_file(disk.process, *handle, Operation::Stat)?;
        state.stat(inode)
    }

    /// Cuts the file, or grows it with a hole.
    pub fn set_len(&self, len: u64) -> io::Result<()> {
        let Open { disk, handle } = &*self.0;
        let mut state = disk.state();
        let (inode, _) = state.begin_file(disk.process, *handle, Operation::SetLen)?;
        state.set_len(disk.process, inode, len)
    }

    /// Takes space for the first `len` bytes, whatever its length. If that fails, some of it may
    /// have been taken.
    pub fn reserve(&self, len: u64) -> io::Result<()> {
        let Open { disk, handle } = &*self.0;
        let mut state = disk.state();
        let (inode, effect) = state.begin_file(disk.process, *handle, Operation::Reserve)?;
        state.reserve(inode, len, effect)
    }

    /// Says when the content last changed.
    pub fn set_modified(&self, time: Duration) -> io::Result<()> {
        let Open { disk, handle } = &*self.0;
        let mut state = disk.state();
        let (inode, _) = state.begin_file(disk.process, *handle, Operation::SetModified)?;
        state.set_modified(inode, time)
    }

    /// Makes content, length and time durable; not the name.
    pub fn sync_all(&self) -> io::Result<()> {
        let Open { disk, handle } = &*self.0;
        let mut state = disk.state();
        let (inode, _) = state.begin_file(disk.process, *handle, Operation::SyncData)?;
        state.sync_all(disk.process, inode)
    }

    /// Makes content and length durable; not the name.
    pub fn sync_data(&self) -> io::Result<()> {
        let Open { disk, handle } = &*self.0;
        let mut state = disk.state();
        let (inode, _) = state.begin_file(disk.process, *handle, Operation::SyncData)?;
        state.sync_data(disk.process, inode)
    }

    /// Takes the advisory lock: `false` if another open file has it. It ends when this one is
    /// closed.
    pub fn try_lock(&self) -> io::Result<bool> {
        let Open { disk, handle } = &*self.0;
        let mut state = disk.state();
        let (inode, _) = state.begin_file(disk.process, *handle, Operation::TryLock)?;
        state.try_lock(inode, *handle)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.disk.state().close(self.handle);
    }
}
