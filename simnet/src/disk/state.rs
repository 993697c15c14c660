//! A disk's inside: its processes, and their calls that are about names.
//!
//! What is done to bytes is in [`bytes`]; what can be done at all, the [`tree`](super::tree) knows.

mod bytes;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;

use super::content::Expectations;
use super::data::{Data, Spared};
use super::folder::Folder;
use super::settings::Settings;
use super::tree::{Inode, Node, Tree};
use super::trouble::{Effect, Operation, Troubles};
use super::watch::{Fact, Watch, What};
use super::{Access, Kind, ProcessId, Stat};
use crate::seed::Seed;

#[derive(Debug)]
pub(super) struct State {
    pub(super) tree: Tree,
    pub(super) settings: Settings,
    pub(super) troubles: Troubles,
    pub(super) watch: Watch,
    pub(super) expected: Expectations,
    pub(super) clock: Clock,
    rng: Xoshiro256PlusPlus,
    handles: BTreeMap<u64, Handle>,
    next_handle: u64,
    /// The open file that has the lock of each inode.
    locks: BTreeMap<u64, u64>,
    alive: BTreeSet<ProcessId>,
    next_process: u64,
}

/// An open file.
#[derive(Clone, Copy, Debug)]
struct Handle {
    process: ProcessId,
    inode: u64,
    is_writable: bool,
}

/// Where time stamps come from.
pub(super) enum Clock {
    Told(Duration),
    Asked(Arc<dyn Fn() -> Duration + Send + Sync>),
}

impl State {
    pub(super) fn new(seed: Seed, settings: Settings) -> Self {
        Self {
            tree: Tree::new(),
            settings,
            troubles: Troubles::default(),
            watch: Watch::default(),
            expected: Expectations::default(),
            clock: Clock::Told(Duration::ZERO),
            rng: seed.stream("disk"),
            handles: BTreeMap::new(),
            next_handle: 0,
            locks: BTreeMap::new(),
            alive: BTreeSet::from([ProcessId::OWNER]),
            next_process: ProcessId::OWNER.0 + 1,
        }
    }

    pub(super) fn now(&self) -> Duration {
        match &self.clock {
            Clock::Told(now) => *now,
            Clock::Asked(ask) => ask(),
        }
    }

    pub(super) fn start_process(&mut self) -> ProcessId {
        let process = ProcessId(self.next_process);
        self.next_process += 1;
        self.alive.insert(process);
        process
    }

    pub(super) fn is_alive(&self, process: ProcessId) -> bool {
        self.alive.contains(&process)
    }

    pub(super) fn kill(&mut self, process: ProcessId) {
        self.alive.remove(&process);
        let of_process = |(id, handle): (&u64, &Handle)| (handle.process == process).then_some(*id);
        let closed: Vec<u64> = self.handles.iter().filter_map(of_process).collect();
        closed.into_iter().for_each(|handle| self.close(handle));
    }

    pub(super) fn cut_power(&mut self) {
        self.alive.retain(|process| *process == ProcessId::OWNER);
        self.handles.clear();
        self.locks.clear();
        self.watch.totals.handles = 0;
        let now = self.now();
        let Settings { sector_len, write_back_after, are_moves_ordered, .. } = self.settings;
        let until = write_back_after.and_then(|after| now.checked_sub(after));
        let spared = Spared { sector_len, until };
        self.tree.forget(&mut self.rng, spared, are_moves_ordered, &self.expected);
    }

    /// What every call begins with: is its process alive, and does it go well?
    pub(super) fn begin(
        &mut self,
        process: ProcessId,
        operation: Operation,
        paths: &[&Path],
    ) -> io::Result<Option<Effect>> {
        if !self.is_alive(process) {
            return Err(dead());
        }
        if process == ProcessId::OWNER {
            return Ok(None);
        }
        self.watch.totals.changes += u64::from(operation.is_change());
        match self.troubles.check(operation, paths) {
            Some(Effect::Kill) => {
                self.kill(process);
                Err(dead())
            }
            Some(Effect::CutPower) => {
                self.cut_power();
                Err(dead())
            }
            Some(Effect::Fail(failure)) => Err(failure.error()),
            effect => Ok(effect),
        }
    }

    /// The same for a call on an open file; returns its inode.
    pub(super) fn begin_file(
        &mut self,
        process: ProcessId,
        handle: u64,
        operation: Operation,
    ) -> io::Result<(u64, Option<Effect>)> {
        let Some(&Handle { inode, is_writable, .. }) = self.handles.get(&handle) else {
            return Err(dead());
        };
        let is_writing = [Operation::Write, Operation::SetLen, Operation::Reserve];
        if is_writing.contains(&operation) && !is_writable {
            return Err(io::Error::other("was opened to be read only"));
        }
        let path = self.tree.inode(inode)?.path.clone();
        let result = self.begin(process, operation, &[&path]);
        if result.is_err() && operation == Operation::SyncData {
            // After a kill or a power cut there is nothing left to lose.
            self.tree.data_mut(inode).map(Data::fail_sync).ok();
        }
        Ok((inode, result?))
    }

    pub(super) fn open(
        &mut self,
        process: ProcessId,
        path: &Path,
        access: Access,
    ) -> io::Result<u64> {
        let inode = match access {
            Access::CreateNew => {
                let node = Node::File(Data::default());
                let inode = self.tree.create(path, node, self.now())?;
                self.note(process, inode, What::Created);
                inode
            }
            Access::Read | Access::Write => {
                let inode = self.tree.lookup(path, false)?;
                self.tree.data(inode)?;
                let needed = if access == Access::Read { 0o400 } else { 0o600 };
                if self.tree.inode(inode)?.mode & needed != needed {
                    return Err(io::ErrorKind::PermissionDenied.into());
                }
                inode
            }
        };
        let handle = self.next_handle;
        self.next_handle += 1;
        let is_writable = access != Access::Read;
        self.handles.insert(handle, Handle { process, inode, is_writable });
        let totals = &mut self.watch.totals;
        totals.handles = self.handles.len();
        totals.handles_max = totals.handles_max.max(totals.handles);
        Ok(handle)
    }

    pub(super) fn close(&mut self, handle: u64) {
        if self.handles.remove(&handle).is_some() {
            self.locks.retain(|_, holder| *holder != handle);
            self.watch.totals.handles = self.handles.len();
            self.collect();
        }
    }

    pub(super) fn stat(&self, inode: u64) -> io::Result<Stat> {
        let Inode { node, modified, .. } = self.tree.inode(inode)?;
        let (kind, len, allocated) = match node {
            Node::File(data) => (Kind::File, data.live().len(), data.live().allocated()),
            Node::Folder(_) => (Kind::Folder, 0, 0),
            Node::Symlink(target) => (Kind::Symlink, target.as_os_str().len() as u64, 0),
        };
        Ok(Stat { kind, len, allocated, modified: *modified, inode })
    }

    pub(super) fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let folder = self.tree.folder(self.tree.lookup(folder, true)?)?;
        Ok(folder.names().keys().cloned().collect())
    }

    pub(super) fn create_dir_all(&mut self, folder: &Path) -> io::Result<()> {
        let mut above: Vec<&Path> = folder.ancestors().collect();
        while let Some(path) = above.pop().filter(|path| !path.as_os_str().is_empty()) {
            match self.tree.spot(path, true)?.inode {
                Some(inode) => {
                    self.tree.folder(inode)?;
                }
                None => {
                    self.tree.create(path, Node::Folder(Folder::default()), self.now())?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn rename(&mut self, process: ProcessId, from: &Path, to: &Path) -> io::Result<()> {
        let moved = self.tree.lookup(from, false)?;
        let before = self.tree.inode(moved)?.path.clone();
        let (inode, replaced) = self.tree.rename(from, to, self.now())?;
        self.note_placed(process, inode, before, to, replaced);
        self.collect();
        Ok(())
    }

    pub(super) fn remove_file(&mut self, process: ProcessId, path: &Path) -> io::Result<()> {
        let inode = self.tree.remove(path, self.now())?;
        self.note(process, inode, What::Removed);
        self.collect();
        Ok(())
    }

    pub(super) fn hard_link(
        &mut self,
        process: ProcessId,
        from: &Path,
        to: &Path,
    ) -> io::Result<()> {
        if !self.settings.has_links {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let inode = self.tree.link(from, to, self.now())?;
        let before = self.tree.inode(inode)?.path.clone();
        self.note_placed(process, inode, before, to, None);
        Ok(())
    }

    pub(super) fn symlink(&mut self, target: &Path, link: &Path) -> io::Result<()> {
        if !self.settings.has_links {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.tree.create(link, Node::Symlink(target.to_path_buf()), self.now()).map(drop)
    }

    pub(super) fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        match &self.tree.inode(self.tree.lookup(path, false)?)?.node {
            Node::Symlink(target) => Ok(target.clone()),
            Node::File(_) | Node::Folder(_) => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    pub(super) fn sync_dir(&mut self, folder: &Path) -> io::Result<()> {
        let folder = self.tree.lookup(folder, true)?;
        self.tree.sync(folder, self.settings.are_moves_ordered)?;
        self.collect();
        Ok(())
    }

    /// Bytes that may still be written.
    pub(super) fn available(&self) -> u64 {
        let is_open = |inode| self.is_open(inode);
        let free = |capacity: u64| capacity.saturating_sub(self.tree.used(is_open));
        self.settings.capacity.map_or(ENDLESS, free)
    }

    fn is_open(&self, inode: u64) -> bool {
        self.handles.values().any(|handle| handle.inode == inode)
    }

    fn collect(&mut self) {
        let handles = &self.handles;
        self.tree.collect(|inode| handles.values().any(|handle| handle.inode == inode));
    }

    fn note(&mut self, process: ProcessId, inode: u64, what: What) {
        let path = self.tree.inode(inode).map(|inode| inode.path.clone()).unwrap_or_default();
        self.watch.push(Fact { at: self.now(), process, inode, path, what });
    }

    fn note_placed(
        &mut self,
        process: ProcessId,
        inode: u64,
        path: PathBuf,
        to: &Path,
        replaced: Option<u64>,
    ) {
        let Ok(data) = self.tree.data(inode) else { return };
        let (to, len) = (to.to_path_buf(), data.live().len());
        let what = What::Placed { to, is_synced: data.is_synced(), len, replaced };
        self.watch.push(Fact { at: self.now(), process, inode, path, what });
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told(now) => write!(f, "{now:?}"),
            Self::Asked(_) => write!(f, "asked"),
        }
    }
}

fn dead() -> io::Error {
    io::Error::other("this process was killed")
}

/// Free on a disk that nothing ever fills.
const ENDLESS: u64 = 1 << 50;
