//! What the owner of a simulated world can do to its disk, and see of it, past all processes.
//!
//! Nothing here fails by trouble, counts as an operation, or shows in the log, but for edits.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::range::ByteRange;

use super::content::Fill;
use super::settings::Settings;
use super::state::Clock;
use super::trouble::{Trouble, TroubleId};
use super::watch::{Fact, Interleaving, Totals};
use super::{Access, ProcessId, SimDisk};

impl SimDisk {
    /// A new process on this disk.
    pub fn process(&self) -> Self {
        let process = self.state().start_process();
        Self { process, ..self.clone() }
    }

    /// Whose handle this is.
    pub const fn process_id(&self) -> ProcessId {
        self.process
    }

    /// Ends a process as `kill -9` does: its files are closed, its locks released, and whatever
    /// it still tries fails and changes nothing. What it wrote stays. Not for the owner.
    pub fn kill(&self, process: ProcessId) {
        debug_assert!(process != ProcessId::OWNER, "the owner of the world never dies");
        self.state().kill(process);
    }

    /// Whether a process has neither been killed nor met a power cut.
    pub fn is_alive(&self, process: ProcessId) -> bool {
        self.state().is_alive(process)
    }

    /// Kills all processes and forgets what was not synced, or part of it.
    pub fn power_cut(&self) {
        self.state().cut_power();
    }

    /// Makes all that is live durable, as a system that is left alone does after a while.
    pub fn write_back(&self) {
        let mut state = self.state();
        let state = &mut *state;
        state.tree.write_back(state.settings.sector_len, &state.expected);
    }

    /// How the disk behaves.
    pub fn settings(&self) -> Settings {
        self.state().settings.clone()
    }

    /// Changes how it behaves, from now on. The closure must not use the disk.
    pub fn adjust(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.state().settings);
    }

    /// From now on it is this late, in time since 1970.
    pub fn set_now(&self, now: Duration) {
        self.state().clock = Clock::Told(now);
    }

    /// From now on this tells how late it is, in time since 1970. It must not use the disk.
    pub fn set_clock(&self, clock: impl Fn() -> Duration + Send + Sync + 'static) {
        self.state().clock = Clock::Asked(Arc::new(clock));
    }

    /// Says what files of this length are likely to hold: whole blocks that do are not kept in
    /// memory. `fill` writes what stands at an offset, and must not use the disk.
    pub fn expect_content(&self, len: u64, fill: Fill) {
        self.state().expected.push(len, fill);
    }

    /// Lets something go wrong.
    pub fn add_trouble(&self, trouble: Trouble) -> TroubleId {
        self.state().troubles.push(trouble)
    }

    /// It goes wrong no more.
    pub fn end_trouble(&self, id: TroubleId) {
        self.state().troubles.end(id);
    }

    /// Nothing goes wrong any more.
    pub fn end_troubles(&self) {
        self.state().troubles.end_all();
    }

    /// How many operations a trouble has hit.
    pub fn hits(&self, id: TroubleId) -> u64 {
        self.state().troubles.hits(id)
    }

    /// How many operations were hit by any trouble.
    pub fn all_hits(&self) -> u64 {
        self.state().troubles.all_hits()
    }

    /// Turns a bit of a stored file over, for good; `bit` is 0 to 7. `false` if there is no such
    /// byte.
    pub fn flip_bit(&self, path: &Path, offset: u64, bit: u8) -> bool {
        let mut state = self.state();
        let state = &mut *state;
        let Ok(data) = state.tree.lookup(path, true).and_then(|inode| state.tree.data_mut(inode))
        else {
            return false;
        };
        let is_there = offset < data.live().len();
        if is_there {
            data.flip_bit(offset, bit, &state.expected);
        }
        is_there
    }

    /// Somebody else edits a file that exists, without syncing it. `false` if there is none.
    pub fn edit(&self, path: &Path, offset: u64, bytes: &[u8]) -> bool {
        let mut state = self.state();
        let Ok(inode) = state.tree.lookup(path, true) else { return false };
        state.write(ProcessId::OWNER, inode, bytes, offset, None).is_ok()
    }

    /// Puts a file there that has been there for long, and the folders above it; replaces what
    /// is there. `false` if that cannot be.
    pub fn put(&self, path: &Path, bytes: &[u8]) -> bool {
        let owner = Self { process: ProcessId::OWNER, ..self.clone() };
        let put = || {
            owner.create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
            owner.remove_file(path).ok();
            let file = owner.open(path, Access::CreateNew)?;
            file.write_all_at(bytes, 0)?;
            file.sync_data()?;
            path.ancestors().skip(1).try_for_each(|folder| owner.sync_dir(folder))
        };
        put().is_ok()
    }

    /// What happened, from the first of the last hundred thousand facts on.
    pub fn facts(&self) -> Vec<Fact> {
        self.state().watch.facts()
    }

    /// How many facts there were before those.
    pub fn facts_forgotten(&self) -> u64 {
        self.state().watch.forgotten()
    }

    /// How much happened.
    pub fn totals(&self) -> Totals {
        self.state().watch.totals
    }

    /// Who wrote to a file again after somebody else had: two writers at once. Somebody who goes
    /// on with what another one left does not show, nor do edits.
    pub fn interleaved_writers(&self) -> Vec<Interleaving> {
        self.state().watch.interleaved()
    }

    /// Who wrote to a file last.
    pub fn last_writer(&self, path: &Path) -> Option<ProcessId> {
        let state = self.state();
        state.watch.last_writer(state.tree.lookup(path, true).ok()?)
    }

    /// Bytes of a file that a power cut may take back, in whole sectors.
    pub fn dirty_bytes(&self, path: &Path) -> Option<u64> {
        let state = self.state();
        let data = state.tree.data(state.tree.lookup(path, true).ok()?).ok()?;
        Some(data.dirty_len(state.settings.sector_len))
    }

    /// Whether all of a file's bytes, and its length, are durable; not its name.
    pub fn is_synced(&self, path: &Path) -> Option<bool> {
        let state = self.state();
        Some(state.tree.data(state.tree.lookup(path, true).ok()?).ok()?.is_synced())
    }

    /// How many changes to the names in a folder a power cut may take back.
    pub fn unsynced_names(&self, folder: &Path) -> Option<usize> {
        let state = self.state();
        Some(state.tree.folder(state.tree.lookup(folder, true).ok()?).ok()?.pending_count())
    }

    /// The permission bits of what a path leads to.
    pub fn mode(&self, path: &Path) -> Option<u32> {
        let state = self.state();
        Some(state.tree.inode(state.tree.lookup(path, true).ok()?).ok()?.mode)
    }

    /// The content of a file, symbolic links followed; `None` if there is none.
    pub fn peek(&self, path: &Path) -> Option<Vec<u8>> {
        self.peek_range(path, ByteRange::new(0, u64::MAX))
    }

    /// The same, for those bytes of a range that are in the file.
    pub fn peek_range(&self, path: &Path, range: ByteRange) -> Option<Vec<u8>> {
        let state = self.state();
        let live = state.tree.data(state.tree.lookup(path, true).ok()?).ok()?.live();
        let range = range.intersection(ByteRange::new(0, live.len()));
        let mut bytes = vec![0; usize::try_from(range.len()).ok()?];
        live.read(&mut bytes, range.start, &state.expected);
        Some(bytes)
    }

    /// The first byte of a file that is not the one expected of a file of its length. Does not
    /// touch the blocks that are kept as markers, so even a huge one takes no time.
    pub fn first_difference(&self, path: &Path) -> Option<u64> {
        let state = self.state();
        let live = state.tree.data(state.tree.lookup(path, true).ok()?).ok()?.live();
        live.difference(&state.expected)
    }

    /// The paths of all there is, sorted; symbolic links are not followed.
    pub fn walk(&self) -> Vec<PathBuf> {
        self.state().tree.walk()
    }
}
