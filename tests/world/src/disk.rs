//! One computer of a simulated world, as the product's disk seam sees it: the disk, and which
//! process uses it when.
//!
//! Keeps no bytes itself; [`SimDisk`] does.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::fault::DiskFault;
use engine::time::Instant;
use moshi_fetch::disk::{Access, Disk, DiskFile, FileId, FileKind, Stat};
use moshi_fetch::process::{Life, Process};
use rand::Rng;
use rand::rngs::Xoshiro256PlusPlus;
use simnet::disk::settings::{Locks, Settings};
use simnet::disk::{self, ProcessId, SimDisk, SimFile};

use crate::scenario::Scenario;
use simnet::net;

/// A computer: a disk, and the processes that it has run.
#[derive(Clone)]
pub struct Computer {
    disk: SimDisk,
    nonces: Arc<Mutex<Xoshiro256PlusPlus>>,
    boots: Arc<Mutex<Boots>>,
    /// How many files a process may have open at once.
    open_files: Option<u64>,
    /// How far the clock is ahead that dates are told by.
    ahead_seconds: Arc<AtomicI64>,
}

/// Which processes run, by their number, and since when; and which boot this is.
#[derive(Debug, Default)]
struct Boots {
    boot: u64,
    started: u64,
    running: BTreeMap<u32, u64>,
    /// Processes that sleep, until when.
    asleep: BTreeMap<u64, Instant>,
    /// Processes of another machine.
    elsewhere: BTreeSet<u64>,
}

impl Computer {
    /// The computer of a world, with an empty disk.
    pub fn new(scenario: &Scenario) -> Self {
        let settings = Settings {
            sync_latency: scenario.sync_takes,
            capacity: scenario.disk_bytes,
            locks: scenario.elsewhere.unwrap_or(Locks::Honest),
            is_local: scenario.elsewhere.is_none(),
            ..Settings::default()
        };
        let disk = SimDisk::with(scenario.seed, settings);
        let ahead_seconds = Arc::<AtomicI64>::default();
        let ahead = Arc::clone(&ahead_seconds);
        disk.set_clock(move || date(&ahead));
        let nonces = Arc::new(Mutex::new(scenario.seed.stream("nonces")));
        let open_files = scenario.open_files;
        Self { disk, nonces, boots: Arc::default(), open_files, ahead_seconds }
    }

    /// The disk, past all processes.
    pub const fn disk(&self) -> &SimDisk {
        &self.disk
    }

    /// A new process.
    pub fn start_process(&self) -> WorldDisk {
        let process = self.disk.process();
        let number = process.process_id().0;
        let mut boots = lock(&self.boots);
        boots.started += 1;
        boots.running.insert(pid(number), number);
        WorldDisk { computer: self.clone(), process }
    }

    /// That process is one of another machine.
    pub fn move_elsewhere(&self, number: u64) {
        lock(&self.boots).elsewhere.insert(number);
    }

    /// A process uses no disk until then.
    pub fn suspend(&self, number: u64, until: Instant) {
        lock(&self.boots).asleep.insert(number, until);
    }

    /// Somebody sets the clock.
    pub fn set_clock_by(&self, seconds: i32) {
        self.ahead_seconds.fetch_add(seconds.into(), Ordering::Relaxed);
    }

    fn asleep_until(&self, number: u64) -> Option<Instant> {
        lock(&self.boots).asleep.get(&number).copied()
    }

    /// A process ends, however it does: what it still tries fails.
    pub fn end_process(&self, number: u64) {
        self.disk.kill(ProcessId(number));
        lock(&self.boots).running.remove(&pid(number));
    }

    /// How many processes it has run.
    pub fn processes(&self) -> u64 {
        lock(&self.boots).started
    }

    /// Whether a process has neither ended nor been killed by its disk.
    pub fn is_alive(&self, number: u64) -> bool {
        self.disk.is_alive(ProcessId(number))
    }

    /// The power fails, and everything ends; or it has failed already.
    pub fn lose_power(&self) {
        self.disk.power_cut();
        let mut boots = lock(&self.boots);
        boots.boot += 1;
        boots.running.clear();
    }
}

/// The product's view of the disk, from one process.
#[derive(Clone)]
pub struct WorldDisk {
    computer: Computer,
    process: SimDisk,
}

impl WorldDisk {
    /// The number of its process.
    pub const fn number(&self) -> u64 {
        self.process.process_id().0
    }
}

impl Disk for WorldDisk {
    type File = WorldFile;

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, DiskFault> + Send + 'static,
    ) -> Result<T, DiskFault> {
        let until = self.computer.asleep_until(self.number()).unwrap_or_default();
        let now = net::now().unwrap_or_default();
        if until > now {
            tokio::time::sleep(until.since(now)).await;
        }
        let before = self.process.totals().syncs;
        let result = work(self);
        // What a sync does is done at once; that it takes its time is what others see of it.
        let latency = self.process.sync_latency();
        if self.process.totals().syncs > before && !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        result
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<WorldFile> {
        let access = match access {
            Access::Read => disk::Access::Read,
            Access::Write => disk::Access::Write,
            Access::CreateNew => disk::Access::CreateNew,
        };
        self.process.open(path, access).map(WorldFile)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.process.stat(path).map(stat)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        self.process.list(folder)
    }

    fn create_dir_all(&self, folder: &Path) -> io::Result<()> {
        self.process.create_dir_all(folder)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.process.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.process.remove_file(path)
    }

    fn hard_link(&self, original: &Path, link: &Path) -> io::Result<()> {
        self.process.hard_link(original, link)
    }

    fn symlink(&self, target: &Path, link: &Path) -> io::Result<()> {
        self.process.symlink(target, link)
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        self.process.read_link(path)
    }

    fn sync_dir(&self, folder: &Path) -> io::Result<()> {
        self.process.sync_dir(folder)
    }

    fn available_space(&self, folder: &Path) -> io::Result<u64> {
        self.process.available_space(folder)
    }

    fn is_local(&self, _folder: &Path) -> bool {
        self.process.settings().is_local
    }

    fn process(&self) -> Process {
        let boots = Arc::clone(&self.computer.boots);
        let is_elsewhere = |boots: &Boots, number| boots.elsewhere.contains(&number);
        let here = is_elsewhere(&lock(&boots), self.number());
        let look_up = move |pid: u32| {
            let boots = lock(&boots);
            match boots.running.get(&pid) {
                Some(started) if is_elsewhere(&boots, *started) == here => {
                    Life::Running { started: *started }
                }
                Some(_) | None => Life::Gone,
            }
        };
        let name = if here { "elsewhere" } else { "simulated" };
        Process {
            host: name.to_owned(),
            boot: format!("boot {} of {name}", lock(&self.computer.boots).boot),
            namespace: "the only one".to_owned(),
            pid: pid(self.number()),
            started: self.number(),
            look_up: Arc::new(look_up),
        }
    }

    fn open_files_max(&self) -> Option<u64> {
        self.computer.open_files
    }

    fn nonce(&self) -> u128 {
        let mut nonces = lock(&self.computer.nonces);
        u128::from(nonces.next_u64()) << 64 | u128::from(nonces.next_u64())
    }

    fn date(&self) -> Duration {
        date(&self.computer.ahead_seconds)
    }
}

/// An open file on a simulated disk.
pub struct WorldFile(SimFile);

impl DiskFile for WorldFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn stat(&self) -> io::Result<Stat> {
        self.0.stat().map(stat)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn reserve(&self, len: u64) -> io::Result<()> {
        self.0.reserve(len)
    }

    fn set_modified(&self, time: Duration) -> io::Result<()> {
        self.0.set_modified(time)
    }

    fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all()
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.0.try_lock()
    }
}

fn stat(stat: disk::Stat) -> Stat {
    Stat {
        kind: match stat.kind {
            disk::Kind::File => FileKind::File,
            disk::Kind::Folder => FileKind::Folder,
            disk::Kind::Symlink => FileKind::Symlink,
        },
        len: stat.len,
        allocated: stat.allocated,
        links: 1,
        modified: stat.modified,
        id: Some(FileId { device: 1, inode: stat.inode }),
    }
}

/// The date in a simulated world; outside of its hosts nobody asks for one.
fn date(ahead_seconds: &AtomicI64) -> Duration {
    let ahead = ahead_seconds.load(Ordering::Relaxed);
    let by = Duration::from_secs(ahead.unsigned_abs());
    let date = net::EPOCH + net::now().map_or(Duration::ZERO, |now| now.since_start());
    if ahead < 0 { date.saturating_sub(by) } else { date + by }
}

/// Process numbers come back on a real system; here they need not.
fn pid(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
