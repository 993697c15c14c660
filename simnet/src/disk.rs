//! A disk in memory that keeps real bytes, forgets what was not synced, tears, and fails as told.
//!
//! Waits for nothing and knows no clock but the one it is given: the same calls with the same
//! seed leave the same bytes.
//!
//! # What a power cut leaves
//!
//! Of each file: every sector that was written since the last sync is either as it was then or as
//! it is now, each by itself; so is the length. Of each folder: the changes to its names since it
//! was last synced, up to some point; a rename within it is one change, one to another folder an
//! addition there and a removal here. A file whose name did not stay is gone, synced or not. What
//! a failed sync should have written may come back as it was before, even if a later sync works.
//!
//! # Who calls
//!
//! Calls are made by processes. The handle that a disk begins with is its owner's, for whom
//! nothing fails and who never dies; [`SimDisk::process`] makes others.

mod content;
mod data;
mod file;
mod folder;
mod owner;
pub mod settings;
mod state;
mod tree;
pub mod trouble;
pub mod watch;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use content::Fill;
pub use file::SimFile;

use self::settings::Settings;
use self::state::State;
use self::trouble::Operation;
use crate::seed::Seed;

/// A disk, as one of its processes sees it. Clones are the same process on the same disk.
#[derive(Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
    process: ProcessId,
}

/// Which process of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub u64);

/// How to open a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To read a file that exists.
    Read,
    /// To read and write a file that exists.
    Write,
    /// To read and write a file that does not exist yet.
    CreateNew,
}

/// What is at a path, or behind an open file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: Kind,
    /// Length in bytes.
    pub len: u64,
    /// Bytes of the disk that it takes.
    pub allocated: u64,
    /// When the content last changed, since 1970.
    pub modified: Duration,
    /// Which file it is, whatever its name.
    pub inode: u64,
}

/// What can be at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Symlink,
}

impl ProcessId {
    /// Whoever made the disk.
    pub const OWNER: Self = Self(0);
}

impl SimDisk {
    /// An empty disk of the usual kind, as its owner sees it.
    pub fn new(seed: Seed) -> Self {
        Self::with(seed, Settings::default())
    }

    /// An empty disk of a certain kind, as its owner sees it.
    pub fn with(seed: Seed, settings: Settings) -> Self {
        let state = Arc::new(Mutex::new(State::new(seed, settings)));
        Self { state, process: ProcessId::OWNER }
    }

    /// Opens a regular file. A symbolic link or a folder at `path` is refused, never followed.
    pub fn open(&self, path: &Path, access: Access) -> io::Result<SimFile> {
        let operation = match access {
            Access::Read | Access::Write => Operation::Open,
            Access::CreateNew => Operation::Create,
        };
        let handle =
            self.call(operation, &[path], |state| state.open(self.process, path, access))?;
        Ok(SimFile::new(self.clone(), handle))
    }

    /// What is at `path`, without following a symbolic link there.
    pub fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.call(Operation::Stat, &[path], |state| state.stat(state.tree.lookup(path, false)?))
    }

    /// The names in a folder, sorted.
    pub fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        self.call(Operation::List, &[folder], |state| state.list(folder))
    }

    /// Creates a folder and those above it.
    pub fn create_dir_all(&self, folder: &Path) -> io::Result<()> {
        self.call(Operation::CreateDirAll, &[folder], |state| state.create_dir_all(folder))
    }

    /// Moves a file, replacing what is at `to` in one step.
    pub fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(Operation::Rename, &[from, to], |state| state.rename(self.process, from, to))
    }

    /// Removes a file or a symbolic link.
    pub fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.call(Operation::RemoveFile, &[path], |state| state.remove_file(self.process, path))
    }

    /// Gives a file a second name. Fails if `link` exists, or where there are no links.
    pub fn hard_link(&self, original: &Path, link: &Path) -> io::Result<()> {
        let paths = [original, link];
        self.call(Operation::HardLink, &paths, |state| {
            state.hard_link(self.process, original, link)
        })
    }

    /// Creates a symbolic link at `link` that says `target`. Fails if `link` exists.
    pub fn symlink(&self, target: &Path, link: &Path) -> io::Result<()> {
        self.call(Operation::Symlink, &[link], |state| state.symlink(target, link))
    }

    /// What a symbolic link says.
    pub fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        self.call(Operation::ReadLink, &[path], |state| state.read_link(path))
    }

    /// Makes the names in a folder durable: what was created, renamed or removed there.
    pub fn sync_dir(&self, folder: &Path) -> io::Result<()> {
        self.call(Operation::SyncDir, &[folder], |state| state.sync_dir(folder))
    }

    /// Sets the permission bits of what a path leads to.
    pub fn set_mode(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.call(Operation::SetMode, &[path], |state| {
            let inode = state.tree.lookup(path, true)?;
            state.tree.inode_mut(inode)?.mode = mode;
            Ok(())
        })
    }

    /// Bytes that may still be written. The folder must exist.
    pub fn available_space(&self, folder: &Path) -> io::Result<u64> {
        self.call(Operation::AvailableSpace, &[folder], |state| {
            state.tree.lookup(folder, true)?;
            Ok(state.available())
        })
    }

    /// How long the caller should let each sync take.
    pub fn sync_latency(&self) -> Duration {
        self.state().settings.sync_latency
    }

    fn call<T>(
        &self,
        operation: Operation,
        paths: &[&Path],
        work: impl FnOnce(&mut State) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.state();
        state.begin(self.process, operation, paths)?;
        work(&mut state)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimDisk of {:?}", self.process)
    }
}

#[cfg(test)]
mod tests;
