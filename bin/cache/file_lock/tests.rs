//! Tests of `file_lock`, by tables and by hand.
//!
//! No network, no clock.

use std::fs;
use std::sync::atomic::AtomicU64;

use super::*;
use crate::cache::layout::LocalDir;
use crate::disk::StdDisk;
use crate::disk::failing::FailingDisk;
use crate::process::Life;

struct World {
    folder: tempfile::TempDir,
    place: Place,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blob = "e".repeat(64).parse().unwrap();
        let place = LocalDir::new(folder.path()).place(&"model.bin".parse().unwrap(), &blob);
        fs::create_dir_all(place.part.parent().unwrap()).unwrap();
        Self { folder, place }
    }

    fn names(&self) -> Vec<String> {
        let names = StdDisk.list(self.place.part.parent().unwrap()).unwrap();
        names.into_iter().map(|name| name.into_string().unwrap()).collect()
    }

    /// Leaves an owner file as a process that is no more would.
    fn leave(&self, path: &Path, process: &Process, nonce: u128) -> Owner {
        let owner = Owner::new(process, nonce, None);
        create(&StdDisk, path, &owner).unwrap().unwrap();
        owner
    }
}

fn here() -> Process {
    process("here", |_| Life::Running { started: 1 })
}

/// A process of this machine that has ended, seen by one that runs.
fn dead() -> Process {
    Process { started: 2, ..here() }
}

fn elsewhere() -> Process {
    process("elsewhere", |_| Life::Unknown)
}

fn process(boot: &str, look_up: fn(u32) -> Life) -> Process {
    Process {
        host: boot.to_owned(),
        boot: boot.to_owned(),
        namespace: "n".to_owned(),
        pid: 7,
        started: 1,
        look_up: std::sync::Arc::new(look_up),
    }
}

fn at(seconds: u64) -> Instant {
    Instant::at(Duration::from_secs(seconds))
}

fn locked<D: Disk>(attempt: Attempt<D>) -> FileLock<D> {
    match attempt {
        Attempt::Locked(file_lock) => file_lock,
        Attempt::Busy(busy) => panic!("{busy:?}"),
    }
}

fn busy<D: Disk>(attempt: Attempt<D>) -> Busy {
    match attempt {
        Attempt::Locked(_) => panic!("locked"),
        Attempt::Busy(busy) => busy,
    }
}

/// One attempt by somebody who has not watched before.
fn attempt(world: &World, process: &Process, nonce: u128) -> Attempt<FailingDisk> {
    watched(world, process, nonce, &mut Watch::default(), 0)
}

/// One attempt, on a network disk whose locks lie.
fn watched(
    world: &World,
    process: &Process,
    nonce: u128,
    watch: &mut Watch,
    seconds: u64,
) -> Attempt<FailingDisk> {
    let disk = FailingDisk::with_lying_locks();
    try_lock(&disk, &world.place, process, nonce, watch, at(seconds)).unwrap()
}

#[test]
fn a_lock_excludes_others_until_it_is_released() {
    let world = World::new();
    let first = locked(attempt(&world, &here(), 1));
    assert!(first.is_still_mine().unwrap());
    let Busy { by, is_running } = busy(attempt(&world, &here(), 2));
    assert_eq!((by.as_str(), is_running), ("process 7", true));
    first.beat().unwrap();
    first.release();
    assert!(!first.is_still_mine().unwrap());
    let second = locked(attempt(&world, &here(), 2));
    drop(first);
    assert!(second.is_still_mine().unwrap(), "a released file_lock takes nothing with it");
    drop(second);
    assert_eq!(world.names(), ["model.bin.lock"]);
}

#[test]
fn whoever_has_the_lock_of_hf_is_waited_for() {
    let world = World::new();
    let other = StdDisk.open(&world.place.lock, Access::CreateNew).unwrap();
    assert!(other.try_lock().is_ok());
    let mut watch = Watch::default();
    let mut attempt = || try_lock(&StdDisk, &world.place, &here(), 1, &mut watch, at(0)).unwrap();
    assert_eq!(busy(attempt()).by, "another program");
    drop(other);
    let file_lock = locked(attempt());
    let other = StdDisk.open(&world.place.lock, Access::Write).unwrap();
    assert!(matches!(DiskFile::try_lock(&other), Ok(false)), "hf waits for us as well");
    file_lock.release();
    let is_free = matches!(DiskFile::try_lock(&other), Ok(true));
    assert!(is_free, "although the file_lock is still in hand");
}

#[test]
fn the_lock_of_a_dead_process_is_taken_and_its_part_kept() {
    let world = World::new();
    world.leave(&world.place.owner, &dead(), 1);
    fs::write(&world.place.part, b"half").unwrap();
    let file_lock = locked(attempt(&world, &here(), 2));
    assert!(file_lock.is_still_mine().unwrap());
    assert_eq!(fs::read(&world.place.part).unwrap(), b"half");
    assert!(!world.place.orphan.exists());
}

#[test]
fn a_part_that_a_sleeper_may_have_open_becomes_an_orphan() {
    let world = World::new();
    world.leave(&world.place.owner, &elsewhere(), 1);
    fs::write(&world.place.part, b"half").unwrap();
    fs::write(&world.place.journal, b"records").unwrap();
    let mut watch = Watch::default();
    let mut attempt = |seconds| watched(&world, &here(), 2, &mut watch, seconds);
    let Busy { by, is_running } = busy(attempt(0));
    assert_eq!((by.as_str(), is_running), ("process 7 on \"elsewhere\"", false));
    busy(attempt(59));
    let _lock = locked(attempt(60));
    assert!(!world.place.part.exists() && !world.place.journal.exists());
    assert_eq!(fs::read(&world.place.orphan).unwrap(), b"half");
    assert_eq!(fs::read(&world.place.orphan_journal).unwrap(), b"records");
}

/// Anybody who may write there can put a file there that names a process which always runs.
#[test]
fn a_process_that_runs_and_renews_nothing_is_believed_for_a_while() {
    let world = World::new();
    world.leave(&world.place.owner, &here(), 1);
    fs::write(&world.place.part, b"half").unwrap();
    let mut watch = Watch::default();
    let mut attempt = |seconds| watched(&world, &here(), 2, &mut watch, seconds);
    assert!(busy(attempt(0)).is_running);
    busy(attempt(599));
    let _lock = locked(attempt(600));
    assert_eq!(fs::read(&world.place.orphan).unwrap(), b"half", "it may wake up");
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_an_owner_file_is_not_read_and_not_for_ever() {
    let world = World::new();
    let victim = world.place.part.with_file_name("victim");
    fs::write(&victim, b"precious").unwrap();
    StdDisk.symlink(&victim, &world.place.owner).unwrap();
    let mut watch = Watch::default();
    let mut attempt = |seconds| watched(&world, &here(), 2, &mut watch, seconds);
    busy(attempt(0));
    drop(locked(attempt(60)));
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
}

#[test]
fn on_a_local_disk_an_earlier_boot_is_over() {
    let world = World::new();
    if !StdDisk.is_local(world.folder.path()) {
        // Nothing to see where temporary files are on a network.
        return;
    }
    world.leave(&world.place.owner, &elsewhere(), 1);
    fs::write(&world.place.part, b"half").unwrap();
    let mut watch = Watch::default();
    let attempt = try_lock(&StdDisk, &world.place, &here(), 2, &mut watch, at(0));
    let _lock = locked(attempt.unwrap());
    assert!(world.place.part.exists());
}

#[test]
fn a_lock_that_is_renewed_is_never_taken() {
    let world = World::new();
    let away = locked(attempt(&world, &elsewhere(), 1));
    let mut watch = Watch::default();
    for (round, seconds) in (0..).zip((0..600).step_by(5)) {
        away.beat().unwrap();
        // The real clock does not move enough in this loop for the filesystem to see.
        let stamp = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 + round);
        fs::File::open(&world.place.owner).unwrap().set_modified(stamp).unwrap();
        busy(watched(&world, &here(), 2, &mut watch, seconds));
    }
    assert!(away.is_still_mine().unwrap());
}

#[test]
fn an_old_lock_is_watched_for_a_while_only() {
    let world = World::new();
    world.leave(&world.place.owner, &elsewhere(), 1);
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(3600);
    fs::File::open(&world.place.owner).unwrap().set_modified(long_ago).unwrap();
    let mut watch = Watch::default();
    let mut attempt = |seconds| watched(&world, &here(), 2, &mut watch, seconds);
    busy(attempt(0));
    busy(attempt(11));
    drop(locked(attempt(12)));
    assert_eq!(world.names(), ["model.bin.lock"]);
}

#[test]
fn a_torn_owner_file_is_a_sleeper() {
    for content in [&b""[..], b"{\"nonce\":\"12", &[0; 5000]] {
        let world = World::new();
        fs::write(&world.place.owner, content).unwrap();
        fs::write(&world.place.part, b"half").unwrap();
        let mut watch = Watch::default();
        let mut attempt = |seconds| watched(&world, &here(), 2, &mut watch, seconds);
        busy(attempt(0));
        let _lock = locked(attempt(60));
        assert!(world.place.orphan.exists());
    }
}

#[test]
fn one_who_was_slow_removes_nothing() {
    let world = World::new();
    let old = world.leave(&world.place.owner, &dead(), 1);
    // A slow one has seen that the owner is dead; before it acts, another takes the lock.
    let quick = locked(attempt(&world, &here(), 2));
    let tombstone = tombstone(&world.place.owner, &old.nonce, 0);
    create(&StdDisk, &tombstone, &Owner::new(&here(), 3, None)).unwrap().unwrap();
    leave_tombstone(&StdDisk, &world.place.owner, &old.nonce, &tombstone, || {
        panic!("nothing to do")
    })
    .unwrap();
    assert!(quick.is_still_mine().unwrap());
    assert!(!tombstone.exists());
}

#[test]
fn those_who_died_while_removing_are_removed_in_turn() {
    let world = World::new();
    let first = world.leave(&world.place.owner, &dead(), 1);
    let second = world.leave(&tombstone(&world.place.owner, &first.nonce, 0), &dead(), 2);
    world.leave(&tombstone(&world.place.owner, &second.nonce, 1), &dead(), 3);
    let file_lock = locked(attempt(&world, &here(), 4));
    assert!(file_lock.is_still_mine().unwrap());
    drop(file_lock);
    assert_eq!(world.names(), ["model.bin.lock"]);
}

/// A power cut may bring back what a holder had removed when it released its file_lock: its owner
/// file and its tombstone, both of one nonce, and not of one time. Over a network, where neither is
/// proven to be dead, each has to be watched by itself.
#[test]
fn one_whose_own_grave_came_back_is_not_waited_for_for_ever() {
    let world = World::new();
    let owner = world.leave(&world.place.owner, &elsewhere(), 1);
    fs::File::open(&world.place.owner).unwrap().set_modified(LONG_AGO).unwrap();
    world.leave(&tombstone(&world.place.owner, &owner.nonce, 0), &elsewhere(), 1);
    let mut watch = Watch::default();
    let mut attempt = |seconds| watched(&world, &here(), 2, &mut watch, seconds);
    busy(attempt(0));
    // First the owner is given up on, then, watched by itself, the tombstone.
    for seconds in [13, 30, 61] {
        busy(attempt(seconds));
    }
    let _lock = locked(attempt(74));
}

#[test]
fn one_who_is_removing_right_now_is_waited_for() {
    let world = World::new();
    let first = world.leave(&world.place.owner, &dead(), 1);
    world.leave(&tombstone(&world.place.owner, &first.nonce, 0), &here(), 2);
    assert!(busy(attempt(&world, &here(), 3)).is_running);
    assert!(world.place.owner.exists());
}

#[test]
fn a_taker_may_die_at_any_point() {
    for changes in 0.. {
        let world = World::new();
        world.leave(&world.place.owner, &elsewhere(), 1);
        fs::write(&world.place.part, b"half").unwrap();
        fs::write(&world.place.journal, b"records").unwrap();
        let disk = FailingDisk::dying_after(changes);
        let mut watch = Watch::default();
        let mut is_through = true;
        for seconds in [0, 60] {
            let attempt = try_lock(&disk, &world.place, &dead(), 2, &mut watch, at(seconds));
            is_through = attempt.is_ok_and(|attempt| match attempt {
                // As a kill would: without releasing.
                Attempt::Locked(file_lock) => !file_lock.is_released.swap(true, Ordering::SeqCst),
                Attempt::Busy(_) => false,
            });
        }
        let mut watch = Watch::default();
        let mut last = None;
        for seconds in (0..600).step_by(30) {
            if let Attempt::Locked(file_lock) = watched(&world, &here(), 3, &mut watch, seconds) {
                last = Some(file_lock);
                break;
            }
        }
        assert!(last.expect("it can be locked").is_still_mine().unwrap(), "{changes}");
        assert!(!world.place.part.exists(), "{changes}: the sleeper's part is out of the way");
        assert!(world.place.orphan.exists(), "{changes}: but not lost");
        if is_through {
            assert!(changes > 5, "{changes}");
            return;
        }
    }
}

#[test]
fn a_holder_may_die_at_any_point_of_its_release() {
    for changes in 0..8 {
        let world = World::new();
        let disk = FailingDisk::dying_after(u64::MAX);
        let mut watch = Watch::default();
        let first = try_lock(&disk, &world.place, &dead(), 1, &mut watch, at(0)).unwrap();
        let first = locked(first);
        disk.die_after(changes);
        first.release();
        // An empty tombstone, whose maker nobody knows, is watched for a minute.
        let mut watch = Watch::default();
        let file_lock = (0..600).step_by(30).find_map(|seconds| {
            match watched(&world, &here(), 2, &mut watch, seconds) {
                Attempt::Locked(file_lock) => Some(file_lock),
                Attempt::Busy(_) => None,
            }
        });
        file_lock.expect("it can be locked").release();
        let left = world.names();
        assert!(left.len() <= 2, "after {changes} changes: {left:?}");
    }
}

#[test]
fn a_lost_lock_is_noticed() {
    let world = World::new();
    let file_lock = locked(attempt(&world, &here(), 1));
    fs::remove_file(&world.place.owner).unwrap();
    assert!(!file_lock.is_still_mine().unwrap());
    assert!(file_lock.check().is_err());
    let other = locked(attempt(&world, &here(), 2));
    assert!(!file_lock.is_still_mine().unwrap());
    drop(file_lock);
    assert!(other.is_still_mine().unwrap());
}

#[test]
fn of_many_at_once_one_writes() {
    let world = World::new();
    let holders = AtomicU64::new(0);
    let locks = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (world, holders, locks) = (&world, &holders, &locks);
            scope.spawn(move || contend(world, thread, holders, locks));
        }
    });
    assert_eq!(locks.load(Ordering::SeqCst), 4 * LOCKS_PER_THREAD);
    drop(locked(attempt(&world, &here(), u128::MAX)));
    assert_eq!(world.names(), ["model.bin.lock"]);
}

fn contend(world: &World, thread: u128, holders: &AtomicU64, locks: &AtomicU64) {
    let mut had = 0;
    for round in 0..100_000_u128 {
        if had == LOCKS_PER_THREAD {
            return;
        }
        let nonce = thread << 64 | round;
        let Attempt::Locked(file_lock) = attempt(world, &here(), nonce) else { continue };
        assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0, "two at once");
        had += 1;
        locks.fetch_add(1, Ordering::SeqCst);
        std::thread::yield_now();
        assert!(file_lock.is_still_mine().unwrap());
        holders.fetch_sub(1, Ordering::SeqCst);
        if had % 3 == 0 {
            // Dies instead: what it leaves is that of a process which started at another time.
            file_lock.is_released.store(true, Ordering::SeqCst);
            let bytes = Owner::new(&dead(), nonce, None).to_bytes();
            file_lock.file.write_all_at(&bytes, 0).unwrap();
        }
    }
}

const LONG_AGO: std::time::SystemTime = std::time::UNIX_EPOCH;
const LOCKS_PER_THREAD: u64 = 15;
