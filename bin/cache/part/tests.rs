//! Tests of `part`, by tables and by hand.
//!
//! No network, no clock.

use std::fs;

use engine::digest::RangeDigest;
use engine::journal::Record;
use engine::ledger::Proven;
use engine::range::ByteRange;
use engine::time::Instant;

use super::copied::append;
use super::*;
use crate::cache::file_lock::{Attempt, Watch, try_lock};
use crate::cache::layout::LocalDir;
use crate::disk::StdDisk;
use crate::disk::failing::FailingDisk;

const SIZE: u64 = 1000;

struct World {
    _folder: tempfile::TempDir,
    place: Place,
    begin: Begin,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blob = "e".repeat(64).parse().unwrap();
        let place = LocalDir::new(folder.path()).place(&"model.bin".parse().unwrap(), &blob);
        fs::create_dir_all(place.part.parent().unwrap()).unwrap();
        let begin = Begin { size: SIZE, digest: None, source: "a/b@c/model.bin".to_owned() };
        Self { _folder: folder, place, begin }
    }

    fn lock<D: Disk>(&self, disk: &D) -> FileLock<D> {
        let process = StdDisk.process();
        let watch = &mut Watch::default();
        match try_lock(disk, &self.place, &process, 1, watch, Instant::START).unwrap() {
            Attempt::Locked(lock) => lock,
            Attempt::Busy(busy) => panic!("{busy:?}"),
        }
    }

    fn open(&self) -> OpenPart<StdDisk> {
        open(&StdDisk, &self.lock(&StdDisk), &self.place, &self.begin).unwrap()
    }

    /// Opens, writes `ranges` with their records, and closes again.
    fn write(&self, ranges: &[(u64, u64)], is_synced: bool) {
        let mut open = self.open();
        for &(start, end) in ranges {
            let range = ByteRange::new(start, end);
            let bytes = content(range);
            open.part.write_all_at(&bytes, start).unwrap();
            let digest = RangeDigest(*blake3::hash(&bytes).as_bytes());
            append(&self.place, &mut open, &Record::Proven(Proven { range, digest })).unwrap();
            open.records += 1;
        }
        if is_synced {
            let records = open.records;
            append(&self.place, &mut open, &Record::Synced { records }).unwrap();
        }
    }
}

fn content(range: ByteRange) -> Vec<u8> {
    (range.start..range.end).map(|at| (at % 251) as u8 + 1).collect()
}

fn proven<D: Disk>(open: &OpenPart<D>) -> String {
    format!("{:?}", open.ledger.proven())
}

#[test]
fn a_new_part_is_as_long_as_its_file_and_proves_nothing() {
    let world = World::new();
    let open = world.open();
    assert_eq!(open.part.stat().unwrap().len, SIZE);
    assert_eq!((proven(&open).as_str(), open.records, open.is_verified), ("{}", 0, false));
    let replay = journal::replay(&fs::read(&world.place.journal).unwrap());
    assert_eq!(replay.begin.as_ref(), Some(&world.begin));
    assert_eq!(replay.good_len, open.journal_len);
    assert!(replay.is_clean());
}

#[test]
fn what_was_synced_is_believed_and_the_rest_is_read_back() {
    let world = World::new();
    world.write(&[(0, 100)], true);
    let before = fs::read(&world.place.journal).unwrap();
    let open = world.open();
    assert_eq!(proven(&open), "{0..100}");
    assert_eq!(open.journal_len, before.len() as u64, "a clean journal is continued");
    drop(open);
    world.write(&[(200, 300), (500, 700)], false);
    let file = fs::File::options().write(true).open(&world.place.part).unwrap();
    DiskFile::write_all_at(&file, b"?", 600).unwrap();
    let open = world.open();
    assert_eq!(proven(&open), "{0..100, 200..300}");
    assert_eq!(open.records, 2);
    let replay = journal::replay(&fs::read(&world.place.journal).unwrap());
    assert!(replay.is_clean(), "and the journal replaced");
    assert_eq!(replay.trusted, open.ledger);
}

#[test]
fn a_torn_journal_costs_a_reading_not_a_download() {
    let world = World::new();
    world.write(&[(0, 100), (100, 400)], true);
    let bytes = fs::read(&world.place.journal).unwrap();
    fs::write(&world.place.journal, &bytes[..bytes.len() - 3]).unwrap();
    let open = world.open();
    assert_eq!(proven(&open), "{0..400}");
    assert!(journal::replay(&fs::read(&world.place.journal).unwrap()).is_clean());
}

#[test]
fn a_journal_alone_proves_nothing() {
    let world = World::new();
    world.write(&[(0, 400)], true);
    fs::remove_file(&world.place.part).unwrap();
    assert_eq!(proven(&world.open()), "{}");
}

#[test]
fn a_part_that_was_cut_proves_what_is_left() {
    let world = World::new();
    world.write(&[(0, 100), (100, 400)], true);
    let file = fs::File::options().write(true).open(&world.place.part).unwrap();
    file.set_len(399).unwrap();
    let open = world.open();
    assert_eq!(proven(&open), "{0..100}");
    assert_eq!(open.part.stat().unwrap().len, SIZE);
}

#[test]
fn a_part_without_its_journal_becomes_an_orphan() {
    let world = World::new();
    world.write(&[(0, 400)], true);
    fs::remove_file(&world.place.journal).unwrap();
    let open = world.open();
    assert_eq!(proven(&open), "{}");
    assert_eq!(open.orphan.as_ref(), Some(&world.place.orphan));
    let range = ByteRange::new(0, 400);
    assert_eq!(fs::read(&world.place.orphan).unwrap()[..400], content(range));
}

#[test]
fn a_part_of_another_file_is_not_continued() {
    let mut world = World::new();
    world.write(&[(0, 400)], true);
    world.begin.size = SIZE + 1;
    let open = world.open();
    assert_eq!((proven(&open).as_str(), open.ledger.size()), ("{}", SIZE + 1));
}

#[test]
fn what_is_proven_of_an_orphan_is_copied_wherever_it_dies() {
    for changes in 0.. {
        let world = World::new();
        world.write(&[(0, 100), (100, 400), (600, 700)], true);
        fs::rename(&world.place.journal, &world.place.orphan_journal).unwrap();
        fs::rename(&world.place.part, &world.place.orphan).unwrap();
        let file = fs::File::options().write(true).open(&world.place.orphan).unwrap();
        DiskFile::write_all_at(&file, b"the sleeper writes", 650).unwrap();
        let disk = FailingDisk::dying_after(changes);
        // The lock is not what is to die here.
        let lock = world.lock(&FailingDisk::with_lying_locks());
        let is_through = open_with(&disk, &lock, &world).is_ok();
        drop(lock);
        let open = world.open();
        assert_eq!(proven(&open), "{0..400}", "{changes}");
        assert_eq!(open.orphan, None, "{changes}");
        assert!(!world.place.orphan_journal.exists());
        let bytes = fs::read(&world.place.part).unwrap();
        assert_eq!(bytes[..400], content(ByteRange::new(0, 400)), "{changes}");
        drop(open);
        assert_eq!(proven(&world.open()), "{0..400}", "{changes}");
        if is_through {
            assert!(changes > 10);
            return;
        }
    }
}

/// Opens on a disk that dies, with a lock made on one that does not.
fn open_with(
    disk: &FailingDisk,
    lock: &FileLock<FailingDisk>,
    world: &World,
) -> Result<OpenPart<FailingDisk>, DiskFault> {
    open(disk, lock, &world.place, &world.begin)
}

#[test]
fn opening_may_die_at_any_point() {
    for changes in 0.. {
        let world = World::new();
        world.write(&[(0, 100), (200, 300)], true);
        world.write(&[(400, 500)], false);
        let lock = world.lock(&FailingDisk::with_lying_locks());
        let is_through = open_with(&FailingDisk::dying_after(changes), &lock, &world).is_ok();
        drop(lock);
        assert_eq!(proven(&world.open()), "{0..100, 200..300, 400..500}", "{changes}");
        if is_through {
            assert!(changes > 3);
            return;
        }
    }
}

#[test]
fn a_disk_that_is_too_small_is_noticed_before_it_is_full() {
    let mut world = World::new();
    world.begin.size = 8 << 20;
    world.write(&[(0, 100)], true);
    // As if nothing had been reserved.
    let file = fs::File::create(&world.place.part).unwrap();
    DiskFile::write_all_at(&file, &content(ByteRange::new(0, 100)), 0).unwrap();
    file.set_len(world.begin.size).unwrap();
    let lock = world.lock(&FailingDisk::with_lying_locks());
    let full = FailingDisk::dying_after(u64::MAX).that_is_full();
    assert!(matches!(open_with(&full, &lock, &world), Err(DiskFault::Full)));
    drop(lock);
    assert_eq!(proven(&world.open()), "{0..100}");
}

#[cfg(unix)]
#[test]
fn the_finished_file_under_the_name_of_its_part_is_never_opened() {
    let world = World::new();
    world.write(&[(0, 100)], true);
    fs::hard_link(&world.place.part, &world.place.target).unwrap();
    let open = world.open();
    assert_eq!(proven(&open), "{}");
    open.part.write_all_at(&[9; 1000], 0).unwrap();
    let range = ByteRange::new(0, 100);
    assert_eq!(fs::read(&world.place.target).unwrap()[..100], content(range));
}

#[test]
fn without_the_claim_nothing_is_opened() {
    let world = World::new();
    let lock = world.lock(&StdDisk);
    fs::remove_file(&world.place.owner).unwrap();
    assert!(open(&StdDisk, &lock, &world.place, &world.begin).is_err());
    assert!(!world.place.part.exists());
}

#[test]
fn a_long_journal_is_shortened() {
    let world = World::new();
    let claims: Vec<_> = (1..=SIZE).map(|end| (0, end)).collect();
    world.write(&claims, true);
    world.write(&claims, true);
    let before = fs::metadata(&world.place.journal).unwrap().len();
    let open = world.open();
    assert!(open.ledger.is_complete());
    assert!(open.journal_len < before / 100, "{before} to {}", open.journal_len);
}

#[cfg(target_os = "linux")]
#[test]
fn a_journal_has_its_room_from_the_beginning() {
    let world = World::new();
    let open = world.open();
    let stat = open.journal.stat().unwrap();
    assert_eq!(stat.len, open.journal_len, "only room is taken");
    assert!(stat.allocated >= journal::room(SIZE), "{stat:?}");
}

#[test]
fn what_is_safe_is_what_is_recorded_in_the_part_that_is_there() {
    let world = World::new();
    world.write(&[(0, 400)], true);
    world.write(&[(400, 500)], false);
    let part = StdDisk.open(&world.place.part, Access::Write).unwrap();
    let safe = || safe_bytes(&StdDisk, &world.place, &world.begin, &part).unwrap();
    assert_eq!(safe(), 500);
    part.write_all_at(&[0; 10], 450).unwrap();
    assert_eq!(safe(), 400, "what was not synced is read");
    DiskFile::set_len(&part, 300).unwrap();
    assert_eq!(safe(), 0, "of a part that was cut everything is");
    fs::remove_file(&world.place.part).unwrap();
    assert_eq!(safe(), 0, "what has no name is lost");
}

#[cfg(unix)]
#[test]
fn a_part_with_another_name_is_copied_and_never_written_through() {
    let world = World::new();
    let Place { part, journal, .. } = &world.place;
    let backup = part.with_file_name("backup");
    for is_synced in [true, false] {
        world.write(&[(0, 400)], is_synced);
        // What `cp -al` does.
        fs::hard_link(part, &backup).unwrap();
        let before = fs::read(&backup).unwrap();
        let open = world.open();
        assert_eq!((proven(&open).as_str(), open.aside), ("{0..400}", Some(Aside::HasOtherNames)));
        open.part.write_all_at(&[0; SIZE as usize], 0).unwrap();
        assert!(fs::read(&backup).unwrap() == before);
        assert!(!world.place.orphan.exists());
        drop(open);
        assert_eq!(world.open().aside, None, "it is told once");
        for path in [part, journal, &backup] {
            fs::remove_file(path).unwrap();
        }
    }
}

#[cfg(unix)]
#[test]
fn a_journal_with_another_name_is_replaced_before_it_grows() {
    let world = World::new();
    world.write(&[(0, 400)], true);
    let backup = world.place.journal.with_file_name("backup");
    fs::hard_link(&world.place.journal, &backup).unwrap();
    let before = fs::read(&backup).unwrap();
    world.write(&[(400, 500)], true);
    assert!(fs::read(&backup).unwrap() == before);
    assert_eq!(proven(&world.open()), "{0..500}");
}

#[cfg(unix)]
#[test]
fn links_where_our_files_are_to_be_lead_to_nothing_of_ours() {
    let place_of: [fn(&Place) -> &PathBuf; 5] = [
        |place| &place.part,
        |place| &place.journal,
        |place| &place.orphan,
        |place| &place.orphan_journal,
        |place| &place.lock,
    ];
    for path in place_of {
        let world = World::new();
        world.write(&[(0, 400)], true);
        let victim = world.place.part.with_file_name("victim");
        fs::write(&victim, content(ByteRange::new(0, SIZE))).unwrap();
        let before = fs::read(&victim).unwrap();
        let path = path(&world.place);
        let _ = fs::remove_file(path);
        StdDisk.symlink(Path::new("victim"), path).unwrap();
        let open = world.open();
        open.part.write_all_at(&[0; SIZE as usize], 0).unwrap();
        let is_part = path == &world.place.part;
        assert_eq!(open.aside, is_part.then_some(Aside::IsALink), "{}", path.display());
        drop(open);
        world.open();
        assert!(fs::read(&victim).unwrap() == before, "{}", path.display());
    }
}

#[test]
fn a_journal_that_is_longer_than_any_of_ours_is_not_read() {
    let world = World::new();
    world.write(&[(0, 400)], true);
    let file = fs::File::options().write(true).open(&world.place.journal).unwrap();
    // Without a byte of it on the disk.
    file.set_len(JOURNAL_MAX + 1).unwrap();
    assert_eq!(read_journal(&StdDisk, &world.place.journal).unwrap(), None);
    file.set_len(1 << 20).unwrap();
    let (replay, len) = read_journal(&StdDisk, &world.place.journal).unwrap().unwrap();
    assert_eq!((replay.unsynced.len(), len), (1, 1 << 20));
}
