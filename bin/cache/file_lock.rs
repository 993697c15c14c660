//! One writer per file, even where locks lie.
//!
//! Decides who may write; writes nothing but owner files itself.
//!
//! # The lock
//!
//! A lock is the file `owner`, created exclusively, with a nonce that no other lock ever has.
//! Its holder renews it every [`HEARTBEAT`], and asks [`FileLock::is_still_mine`] before each sync
//! and each rename. The lock that `hf` uses is taken as well, but safety never rests on it.
//!
//! # Why there is never a second writer
//!
//! *Creating.* Exclusive creation succeeds for one process at a time, on network filesystems too.
//! So two locks at once need an owner file removed while its holder still writes.
//!
//! *Removing* the owner file of nonce `x` is the right of whoever created the file `owner.x`, its
//! *tombstone*, exclusively; the holder needs it to release its own lock just like anybody else.
//! With the tombstone in hand it reads the owner file once more, removes it if it is still that of
//! `x`, then removes the tombstone. Nonces do not come back: once the owner file is not that of
//! `x`, it never is again, so one who was slow and creates the tombstone late finds that and does
//! nothing. A tombstone has an owner itself, and if that died, the tombstone is removed by the same
//! rule: the right to that is a tombstone one deeper, `owner.y.1` for a tombstone that `y` made. It
//! is never the tombstone itself, although a holder that died while it released its lock has made
//! its own.
//!
//! *Who may try.* An owner is removed when it has died for certain: then
//! nobody has the part open. Or when nothing can be known of it (another machine, another
//! container without a working lock) and it has not renewed its lock for [`STALE_AFTER`], by the
//! clock of the filesystem and watched for a while by our own; or when a process of its number
//! runs and has not renewed it for far longer, all that time under our eyes. Such an owner may be
//! suspended, and wake up with the part still open. So before its lock is removed, with its
//! tombstone in hand, the journal and the part are renamed to `orphan`: what the sleeper still
//! writes goes there, and orphans are only ever read, each range checked against its digest.
//! Whoever locks it next starts a new part, a new inode. If whoever breaks the lock dies at any
//! point in between, the next one finds either the owner file still there, and does the same again,
//! or no part.
//!
//! *The one assumption* is about that sleeper: that it does not fall asleep for [`STALE_AFTER`]
//! exactly between two system calls, its last check and the rename or removal that follows.
//! Within one machine's process table nothing else is assumed.
//!
//! *The finished file* is the part under another name. The writer gives up its handles with the
//! rename, and nobody opens a finished file to write.

mod lock;
mod owner;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use engine::fault::DiskFault;
use engine::time::Instant;

use self::lock::Lock;
use self::owner::{Owner, Verdict};
use super::layout::Place;
use crate::disk::{Access, At, Disk, DiskFile, FileKind, if_there};
use crate::process::Process;

/// How often a holder renews its lock.
pub const HEARTBEAT: Duration = Duration::from_secs(5);

/// How long a lock that was not renewed is believed, when its holder cannot be looked up.
pub const STALE_AFTER: Duration = Duration::from_secs(60);

/// How long the lock of a process that runs is believed although it was not renewed, by our own
/// clock: it is suspended, or another process has its number, and the file was put there by hand.
const MUTE_AFTER: Duration = Duration::from_secs(600);

/// How long we watch a lock ourselves before we believe the filesystem's clock about it.
const WATCH: Duration = Duration::from_secs(12);

/// The right to write a file. Ends with [`FileLock::release`], or when it is dropped.
pub struct FileLock<D: Disk> {
    disk: D,
    path: PathBuf,
    owner: Owner,
    file: D::File,
    is_released: AtomicBool,
    /// Given back with the lock, whoever still has that in hand.
    lock: Mutex<Option<Lock<D::File>>>,
}

/// What came of trying to lock.
pub enum Attempt<D: Disk> {
    /// It is ours. What was true of the file before may have changed: look again.
    Locked(FileLock<D>),
    /// Somebody else has it: wait, look whether the file has appeared, and try again.
    Busy(Busy),
}

/// Who has the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Busy {
    /// The holder, in words.
    pub by: String,
    /// Whether it certainly runs. If not, it is given up on after [`STALE_AFTER`] of silence.
    pub is_running: bool,
}

/// What one waiter has seen of what is in its way. Keep it between attempts.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// Time stamp, and since when it has been that, of each owner file and tombstone, by depth and
    /// key.
    seen: BTreeMap<(usize, String), (Duration, Instant)>,
}

/// Tries to lock `place`. Blocks, but waits for nobody. The folder of the owner file exists.
///
/// The `nonce` is random, and new for every call.
pub fn try_lock<D: Disk>(
    disk: &D,
    place: &Place,
    process: &Process,
    nonce: u128,
    watch: &mut Watch,
    now: Instant,
) -> Result<Attempt<D>, DiskFault> {
    let lock = Lock::take(disk, &place.lock);
    if matches!(lock, Lock::Held) {
        let owner = sight(disk, &place.owner).at(&place.owner)?.and_then(|sight| sight.owner);
        let by = owner.map(|owner| owner.describe(process));
        let by = by.unwrap_or_else(|| "another program".to_owned());
        return Ok(Attempt::Busy(Busy { by, is_running: true }));
    }
    let own = Owner::new(process, nonce, lock.proof());
    let is_local = place.owner.parent().is_some_and(|folder| disk.is_local(folder));
    let acquisition = Acquisition { disk, place, process, own: &own, is_local, now };
    for _ in 0..ROUNDS {
        if let Some(file) = create(disk, &place.owner, &own).at(&place.owner)? {
            let file_lock = FileLock {
                disk: disk.clone(),
                path: place.owner.clone(),
                owner: own,
                file,
                is_released: AtomicBool::new(false),
                lock: Mutex::new(Some(lock)),
            };
            // Made durable, so that after a power cut it still says who died.
            file_lock.beat()?;
            return Ok(Attempt::Locked(file_lock));
        }
        if let Some(busy) = acquisition.break_stale(&place.owner, watch, 0).at(&place.owner)? {
            return Ok(Attempt::Busy(busy));
        }
    }
    Ok(Attempt::Busy(Busy { by: "others who want it too".to_owned(), is_running: true }))
}

/// Whether somebody is writing the file whose owner file is at `path`. Blocks, changes nothing.
pub fn holder<D: Disk>(
    disk: &D,
    path: &Path,
    process: &Process,
) -> Result<Option<Busy>, DiskFault> {
    let Some(sight) = sight(disk, path).at(path)? else { return Ok(None) };
    let is_local = path.parent().is_some_and(|folder| disk.is_local(folder));
    let verdict = sight.judge(process, None, is_local);
    let busy = Busy { by: sight.describe(process), is_running: verdict == Verdict::Alive };
    Ok((verdict != Verdict::Dead).then_some(busy))
}

impl<D: Disk> FileLock<D> {
    /// Whether the lock still stands. Cheap. If not, write no more: lock again. Blocks.
    pub fn is_still_mine(&self) -> Result<bool, DiskFault> {
        if self.is_released.load(Ordering::Acquire) {
            return Ok(false);
        }
        let sight = sight(&self.disk, &self.path).at(&self.path)?;
        Ok(sight.is_some_and(|sight| sight.key == self.owner.nonce))
    }

    /// An error unless the lock still stands.
    pub fn check(&self) -> Result<(), DiskFault> {
        if self.is_still_mine()? {
            return Ok(());
        }
        Err(DiskFault::Gone(format!(
            "{}: was taken over or removed by somebody else",
            self.path.display()
        )))
    }

    /// Says that the holder is alive. To be called every [`HEARTBEAT`], also while nothing arrives.
    /// Blocks.
    pub fn beat(&self) -> Result<(), DiskFault> {
        // Rewriting changes the time stamp on every filesystem, and syncing shows it to others.
        let bytes = self.owner.to_bytes();
        self.file.write_all_at(&bytes, 0).and_then(|()| self.file.sync_data()).at(&self.path)
    }

    /// The nonce of this lock, to make names of temporary files that nobody else uses.
    pub fn nonce(&self) -> &str {
        &self.owner.nonce
    }

    /// Gives the lock up. Blocks. What cannot be removed is found dead by the next one.
    pub fn release(&self) {
        if self.is_released.swap(true, Ordering::AcqRel) {
            return;
        }
        let (disk, key) = (&self.disk, &self.owner.nonce);
        let tombstone = tombstone(&self.path, key, 0);
        if let Ok(Some(_)) = create(disk, &tombstone, &self.owner) {
            let _ = leave_tombstone(disk, &self.path, key, &tombstone, || Ok(()));
        }
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl<D: Disk> Drop for FileLock<D> {
    fn drop(&mut self) {
        self.release();
    }
}

/// One attempt at a lock.
struct Acquisition<'a, D: Disk> {
    disk: &'a D,
    place: &'a Place,
    process: &'a Process,
    own: &'a Owner,
    is_local: bool,
    now: Instant,
}

impl<D: Disk> Acquisition<'_, D> {
    /// Removes the owner file or the tombstone at `path`, if its owner is no more. `None` means
    /// that something has changed: try again.
    fn break_stale(
        &self,
        path: &Path,
        watch: &mut Watch,
        depth: usize,
    ) -> io::Result<Option<Busy>> {
        let Some(sight) = sight(self.disk, path)? else { return Ok(None) };
        let verdict = sight.judge(self.process, self.own.lock, self.is_local);
        let is_given_up = match verdict {
            Verdict::Alive => watch.silence(&sight, depth, self.now) >= MUTE_AFTER,
            Verdict::Dead => true,
            Verdict::Unproven => self.is_stale(&sight, watch, depth)?,
        };
        if !is_given_up || depth > ROUNDS {
            let by = sight.describe(self.process);
            return Ok(Some(Busy { by, is_running: verdict == Verdict::Alive }));
        }
        let tombstone = tombstone(&self.place.owner, &sight.key, depth);
        if create(self.disk, &tombstone, self.own)?.is_none() {
            return self.break_stale(&tombstone, watch, depth + 1);
        }
        let may_wake = verdict != Verdict::Dead && path == self.place.owner;
        leave_tombstone(self.disk, path, &sight.key, &tombstone, || {
            if may_wake { isolate(self.disk, self.place) } else { Ok(()) }
        })?;
        Ok(None)
    }

    fn is_stale(&self, sight: &Sight, watch: &mut Watch, depth: usize) -> io::Result<bool> {
        let silent = watch.silence(sight, depth, self.now);
        if silent < WATCH || silent >= STALE_AFTER {
            return Ok(silent >= STALE_AFTER);
        }
        // The clock that stamps the owner file is that of the filesystem, perhaps of a server.
        let clock = self.place.owner.with_file_name(format!(".{}.clock", self.own.nonce));
        let stamp = self.disk.write_new(&clock, b"").and_then(|_| self.disk.stat(&clock));
        let _ = self.disk.remove_file(&clock);
        Ok(stamp?.modified.saturating_sub(sight.modified) >= STALE_AFTER)
    }
}

impl Watch {
    /// For how long what is in the way has looked the same to this waiter.
    fn silence(&mut self, sight: &Sight, depth: usize, now: Instant) -> Duration {
        let first = (sight.modified, now);
        // A holder that died while it released its lock has made its own tombstone, of the same
        // nonce.
        let seen = self.seen.entry((depth, sight.key.clone())).or_insert(first);
        if seen.0 != sight.modified {
            *seen = first;
        }
        now.since(seen.1)
    }
}

/// An owner file or a tombstone as it was read.
struct Sight {
    /// What no other file of this name ever has: the nonce, or else inode and time stamp.
    key: String,
    /// `None` if its writer died, or was cut off, before it had written.
    owner: Option<Owner>,
    modified: Duration,
}

impl Sight {
    fn judge(&self, process: &Process, lock: Option<u64>, is_local: bool) -> Verdict {
        let owner = self.owner.as_ref();
        owner.map_or(Verdict::Unproven, |owner| owner.judge(process, lock, is_local))
    }

    fn describe(&self, process: &Process) -> String {
        let owner = self.owner.as_ref().map(|owner| owner.describe(process));
        owner.unwrap_or_else(|| "an unknown process".to_owned())
    }
}

fn sight<D: Disk>(disk: &D, path: &Path) -> io::Result<Option<Sight>> {
    for _ in 0..ROUNDS {
        let Some(stat) = if_there(disk.stat(path))? else { return Ok(None) };
        let instance = || {
            let inode = stat.id.map_or(0, |id| id.inode);
            format!("{inode:x}-{:x}", stat.modified.as_nanos())
        };
        if stat.kind != FileKind::File {
            // Nobody of ours made it, and what it leads to is not read.
            return Ok(Some(Sight { key: instance(), owner: None, modified: stat.modified }));
        }
        let owner = match disk.read(path, OWNER_MAX) {
            Ok(content) => Owner::parse(&content),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => None,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            // A network filesystem's word for a file that was removed meanwhile.
            Err(error) if error.kind() == io::ErrorKind::StaleNetworkFileHandle => continue,
            Err(error) => return Err(error),
        };
        let key = owner.as_ref().map_or_else(instance, |owner| owner.nonce.clone());
        return Ok(Some(Sight { key, owner, modified: stat.modified }));
    }
    Err(io::ErrorKind::StaleNetworkFileHandle.into())
}

/// Creates an owner file or a tombstone. `None` if there is one.
fn create<D: Disk>(disk: &D, path: &Path, own: &Owner) -> io::Result<Option<D::File>> {
    let file = match disk.open(path, Access::CreateNew) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
        Err(error) => return Err(error),
    };
    if let Err(error) = file.write_all_at(&own.to_bytes(), 0) {
        let _ = disk.remove_file(path);
        return Err(error);
    }
    Ok(Some(file))
}

/// With the tombstone of `key` in hand: removes the file at `path` if it is still that of `key`,
/// after doing what must come first, then the tombstone.
fn leave_tombstone<D: Disk>(
    disk: &D,
    path: &Path,
    key: &str,
    tombstone: &Path,
    before: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    let result = match sight(disk, path) {
        Ok(Some(sight)) if sight.key == key => before().and_then(|()| disk.remove_file(path)),
        Ok(_) => Ok(()),
        Err(error) => Err(error),
    };
    result.and(disk.remove_file(tombstone))
}

/// Renames a part away from one who may still have it open. Journal first: a part without a
/// journal is never written.
pub(super) fn isolate<D: Disk>(disk: &D, place: &Place) -> io::Result<()> {
    if_there(disk.rename(&place.journal, &place.orphan_journal))?;
    if_there(disk.rename(&place.part, &place.orphan))?;
    disk.sync_dir(place.part.parent().unwrap_or(Path::new(".")))
}

/// The tombstone of an owner file of nonce `key`, or `depth` deeper, that of a tombstone.
fn tombstone(owner: &Path, key: &str, depth: usize) -> PathBuf {
    let mut name = owner.as_os_str().to_owned();
    name.push(format!(".{key}"));
    if depth > 0 {
        name.push(format!(".{depth}"));
    }
    PathBuf::from(name)
}

/// How often something that changes under our hands is looked at again.
const ROUNDS: usize = 8;
const OWNER_MAX: u64 = 4096;
