//! The calls of processes that are about the bytes of open files.
//!
//! Whether the caller may make them was asked before.

use std::io;
use std::time::Duration;

use engine::range::ByteRange;
use rand::RngExt;

use super::super::ProcessId;
use super::super::content::PAGE;
use super::super::settings::Locks;
use super::super::trouble::Effect;
use super::super::watch::What;
use super::State;

impl State {
    pub(in super::super) fn read(
        &mut self,
        inode: u64,
        buffer: &mut [u8],
        offset: u64,
        effect: Option<Effect>,
    ) -> io::Result<usize> {
        let count = self.tree.data(inode)?.live().read(buffer, offset, &self.expected);
        self.watch.totals.read += count as u64;
        if let (Some(Effect::FlipBit(bit)), true) = (effect, count > 0) {
            let bit = bit % (count as u64 * 8);
            buffer[(bit / 8) as usize] ^= 1 << (bit % 8);
        }
        Ok(count)
    }

    pub(in super::super) fn write(
        &mut self,
        process: ProcessId,
        inode: u64,
        bytes: &[u8],
        offset: u64,
        effect: Option<Effect>,
    ) -> io::Result<()> {
        let told = match effect {
            Some(Effect::FailAfter(len, failure)) => Some((len, failure.error())),
            Some(_) | None => None,
        };
        let told_len = told.as_ref().map_or(u64::MAX, |(len, _)| *len);
        let len = self.room(inode, offset, bytes.len())?.min(told_len);
        let written =
            &bytes[..usize::try_from(len).map_or(bytes.len(), |len| len.min(bytes.len()))];
        if !written.is_empty() {
            let (now, sector_len) = (self.now(), self.settings.sector_len);
            let data = self.tree.data_mut(inode)?;
            data.write(offset, written, sector_len, &self.expected, now);
            self.tree.inode_mut(inode)?.modified = now;
            let range = ByteRange::new(offset, offset + written.len() as u64);
            self.note(process, inode, What::Written(range));
        }
        match told {
            Some((_, error)) => Err(error),
            None if written.len() < bytes.len() => Err(io::ErrorKind::StorageFull.into()),
            None => Ok(()),
        }
    }

    pub(in super::super) fn set_len(
        &mut self,
        process: ProcessId,
        inode: u64,
        len: u64,
    ) -> io::Result<()> {
        let (now, sector_len) = (self.now(), self.settings.sector_len);
        self.tree.data_mut(inode)?.set_len(len, sector_len, &self.expected, now);
        self.tree.inode_mut(inode)?.modified = now;
        self.note(process, inode, What::SetLen(len));
        Ok(())
    }

    pub(in super::super) fn reserve(
        &mut self,
        inode: u64,
        len: u64,
        effect: Option<Effect>,
    ) -> io::Result<()> {
        let free = self.available() / PAGE;
        let keeps_some: bool = self.rng.random();
        let data = self.tree.data_mut(inode)?;
        let fits = |len: u64| data.live().pages_to_allocate(len) <= free;
        let (given, error) = match effect {
            Some(Effect::FailAfter(some, failure)) => (some.min(len), Some(failure.error())),
            Some(_) | None if fits(len) => (len, None),
            // Filesystems differ in whether they keep what they could get.
            Some(_) | None => {
                let (mut least, mut most) = (0, len / PAGE);
                while keeps_some && least < most {
                    let middle = (least + most).div_ceil(2);
                    if fits(middle * PAGE) { least = middle } else { most = middle - 1 }
                }
                (least * PAGE, Some(io::ErrorKind::StorageFull.into()))
            }
        };
        if given > 0 {
            data.reserve(given);
        }
        error.map_or(Ok(()), Err)
    }

    pub(in super::super) fn sync_data(&mut self, process: ProcessId, inode: u64) -> io::Result<()> {
        let modified = self.tree.inode(inode)?.modified;
        let data = self.tree.data_mut(inode)?;
        data.sync(modified, self.settings.sector_len, &self.expected);
        self.watch.totals.syncs += 1;
        self.note(process, inode, What::Synced);
        Ok(())
    }

    pub(in super::super) fn sync_all(&mut self, process: ProcessId, inode: u64) -> io::Result<()> {
        self.sync_data(process, inode)?;
        let modified = self.tree.inode(inode)?.modified;
        self.tree.data_mut(inode)?.sync_modified(modified);
        Ok(())
    }

    pub(in super::super) fn set_modified(&mut self, inode: u64, time: Duration) -> io::Result<()> {
        self.tree.inode_mut(inode)?.modified = time;
        Ok(())
    }

    pub(in super::super) fn try_lock(&mut self, inode: u64, handle: u64) -> io::Result<bool> {
        match self.settings.locks {
            Locks::Honest => Ok(*self.locks.entry(inode).or_insert(handle) == handle),
            Locks::Lying => Ok(true),
            Locks::Absent => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// How many of these bytes there is space for.
    fn room(&self, inode: u64, offset: u64, len: usize) -> io::Result<u64> {
        if self.settings.capacity.is_none() {
            return Ok(len as u64);
        }
        let (live, free) = (self.tree.data(inode)?.live(), self.available() / PAGE);
        let fits = |len: u64| live.pages_to_write(offset, len as usize) <= free;
        let mut most = len as u64;
        while most > 0 && !fits(most) {
            // Back to where its last page begins.
            most = ((offset + most - 1) / PAGE * PAGE).saturating_sub(offset);
        }
        Ok(most)
    }
}
