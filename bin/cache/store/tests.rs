//! Tests of `store`, by tables and by hand.
//!
//! No network, no clock.

use std::fs;

use engine::digest::RangeDigest;
use engine::hub::repo::{RepoId, RepoKind};
use engine::ledger::Proven;
use engine::range::ByteRange;
use engine::time::Instant;

use super::*;
use crate::cache::file_lock::{Attempt, Watch, try_lock};
use crate::cache::layout::LocalDir;
use crate::disk::StdDisk;
use crate::disk::failing::FailingDisk;

const COMMIT: &str = "11c5a3d5811f50298f278a704980280950aedb10";
const CONTENT: &[u8] = b"the whole file";

struct World {
    folder: tempfile::TempDir,
    etag: String,
}

impl World {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), etag: "e".repeat(64) }
    }

    fn repo(&self) -> RepoFolder {
        let repo = RepoId::new(RepoKind::Model, "a/b").unwrap();
        RepoFolder::new(self.folder.path(), &repo)
    }

    fn cached(&self) -> Place {
        self.repo().place(&commit(), &path(), &self.etag.parse().unwrap())
    }

    fn local(&self) -> Place {
        LocalDir::new(self.folder.path()).place(&path(), &self.etag.parse().unwrap())
    }
}

fn commit() -> Commit {
    COMMIT.parse().unwrap()
}

fn path() -> RepoPath {
    "sub/model.bin".parse().unwrap()
}

fn begin() -> Begin {
    Begin { size: CONTENT.len() as u64, digest: None, source: "a/b".to_owned() }
}

fn lock<D: Disk>(disk: &D, place: &Place) -> FileLock<D> {
    let watch = &mut Watch::default();
    let process = StdDisk.process();
    match try_lock(disk, place, &process, 1, watch, Instant::START).unwrap() {
        Attempt::Locked(lock) => lock,
        Attempt::Busy(busy) => panic!("{busy:?}"),
    }
}

/// A whole download of [`CONTENT`], on `disk`, with a lock from a disk that lives.
fn download(disk: &FailingDisk, place: &Place) -> Result<(), DiskFault> {
    let alive = FailingDisk::with_lying_locks();
    prepare(&alive, place, "n", &Settled::default())?;
    let lock = lock(&alive, place);
    let mut open = part::open(&alive, &lock, place, &begin())?;
    if !open.is_verified {
        open.part.write_all_at(CONTENT, 0).unwrap();
        let range = ByteRange::new(0, CONTENT.len() as u64);
        let digest = RangeDigest(*blake3::hash(CONTENT).as_bytes());
        let mut records = Record::Proven(Proven { range, digest }).to_bytes();
        Record::Synced { records: 1 }.encode(&mut records);
        open.journal.write_all_at(&records, open.journal_len).unwrap();
        open.journal_len += records.len() as u64;
    }
    let part = disk.open(&place.part, Access::Write).at(&place.part)?;
    let journal = disk.open(&place.journal, Access::Write).at(&place.journal)?;
    let marked = part::mark(&part, begin().size).at(&place.part)?;
    seal(disk, &lock, place, &part, &journal, open.journal_len, &marked)?;
    point(disk, place, "n", true)
}

fn live() -> FailingDisk {
    FailingDisk::with_lying_locks()
}

#[cfg(unix)]
#[test]
fn a_sealed_file_is_found_through_its_snapshot() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    let place = world.cached();
    download(&live(), &place).unwrap();
    write_ref(&live(), &world.repo(), &Revision::main(), &commit(), "n").unwrap();

    let repo = world.folder.path().join("models--a--b");
    assert_eq!(fs::read(place.shown()).unwrap(), CONTENT);
    let link = fs::read_link(repo.join(format!("snapshots/{COMMIT}/sub/model.bin"))).unwrap();
    assert_eq!(link, Path::new(&format!("../../../blobs/{}", world.etag)));
    assert_eq!(fs::read_to_string(repo.join("refs/main")).unwrap(), COMMIT);
    let tag = fs::read_to_string(world.folder.path().join("CACHEDIR.TAG")).unwrap();
    assert!(tag.starts_with("Signature: 8a477f597d28d172789f06886806bc55\n"));
    let probe = repo.join("probe");
    fs::write(&probe, "").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&place.target), mode(&probe), "others may read it as any other file");
    let names = StdDisk.list(&repo.join("blobs")).unwrap();
    assert_eq!(names, [world.etag.as_str(), format!("{}.journal", world.etag).as_str()]);
    let len = CONTENT.len() as u64;
    let found = find(&StdDisk, &place, &world.etag).unwrap();
    let Found::Sealed { path, len: there, verified } = found else { panic!("{found:?}") };
    assert_eq!((path, there), (place.target, len));
    assert!(verified > Duration::from_secs(1_700_000_000), "{verified:?}");
}

#[test]
fn sealing_may_die_at_any_point() {
    for places in [World::cached, World::local] {
        for changes in 0.. {
            let world = World::new();
            let place = places(&world);
            let is_through = download(&FailingDisk::dying_after(changes), &place).is_ok();
            // Nothing but the whole file is ever under the final name.
            match fs::read(&place.target) {
                Ok(content) => assert_eq!(content, CONTENT, "{changes}"),
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::NotFound, "{changes}"),
            }
            match find(&StdDisk, &place, &world.etag).unwrap() {
                Found::Sealed { .. } => point(&live(), &place, "m", true).unwrap(),
                Found::Nothing => download(&live(), &place).unwrap(),
                found @ (Found::Unverified { .. } | Found::Other { .. }) => {
                    panic!("{changes}: {found:?}")
                }
            }
            assert_eq!(fs::read(place.shown()).unwrap(), CONTENT, "{changes}");
            let found = find(&StdDisk, &place, &world.etag).unwrap();
            assert!(matches!(found, Found::Sealed { .. }), "{changes}: {found:?}");
            assert!(!place.part.exists(), "{changes}");
            if is_through {
                assert!(changes > 4, "{changes}");
                break;
            }
        }
    }
}

#[test]
fn a_part_that_was_verified_is_only_renamed() {
    let world = World::new();
    let place = world.cached();
    for (changes, is_verified) in [(1, false), (3, true)] {
        // The part is synced; the seal is appended, and synced; only then comes the rename.
        assert!(download(&FailingDisk::dying_after(changes), &place).is_err());
        let open = part::open(&StdDisk, &lock(&StdDisk, &place), &place, &begin()).unwrap();
        assert_eq!((open.is_verified, open.ledger.is_complete()), (is_verified, true));
    }
    let file = fs::File::open(&place.part).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    let open = part::open(&StdDisk, &lock(&StdDisk, &place), &place, &begin()).unwrap();
    assert!(!open.is_verified, "somebody touched it");
}

#[test]
fn without_the_lock_nothing_is_sealed() {
    let world = World::new();
    let place = world.cached();
    prepare(&StdDisk, &place, "n", &Settled::default()).unwrap();
    let lock = lock(&StdDisk, &place);
    let open = part::open(&StdDisk, &lock, &place, &begin()).unwrap();
    fs::remove_file(&place.owner).unwrap();
    let marked = part::mark(&*open.part, begin().size).unwrap();
    let len = open.journal_len;
    let result = seal(&StdDisk, &lock, &place, &open.part, &open.journal, len, &marked);
    assert!(result.is_err());
    assert!(!place.target.exists());
}

#[cfg(unix)]
#[test]
fn a_part_that_is_not_ours_is_not_sealed() {
    let world = World::new();
    let place = world.cached();
    prepare(&StdDisk, &place, "n", &Settled::default()).unwrap();
    let lock = lock(&StdDisk, &place);
    let open = part::open(&StdDisk, &lock, &place, &begin()).unwrap();
    fs::rename(&place.part, &place.orphan).unwrap();
    fs::write(&place.part, "another's, half done").unwrap();
    let marked = part::mark(&*open.part, begin().size).unwrap();
    let len = open.journal_len;
    let result = seal(&StdDisk, &lock, &place, &open.part, &open.journal, len, &marked);
    assert!(matches!(result, Err(DiskFault::Gone(words)) if words.contains("replaced")));
    assert!(!place.target.exists());
}

#[test]
fn a_part_that_was_written_to_after_its_mark_is_not_sealed() {
    // Linux keeps times of 4 ms and less; what is written at once has the time of the last write.
    for deed in
        [|part: &fs::File| part.write_all_at(b"x", 0), |part: &fs::File| DiskFile::set_len(part, 1)]
    {
        let world = World::new();
        let place = world.cached();
        prepare(&StdDisk, &place, "n", &Settled::default()).unwrap();
        let lock = lock(&StdDisk, &place);
        let open = part::open(&StdDisk, &lock, &place, &begin()).unwrap();
        open.part.write_all_at(CONTENT, 0).unwrap();
        let marked = part::mark(&*open.part, begin().size).unwrap();
        deed(&open.part).unwrap();
        let len = open.journal_len;
        let result = seal(&StdDisk, &lock, &place, &open.part, &open.journal, len, &marked);
        assert_eq!(result, Err(DiskFault::Touched));
        assert!(!place.target.exists());
    }
}

#[test]
fn a_touched_file_is_verified_once_more() {
    let world = World::new();
    let place = world.cached();
    download(&live(), &place).unwrap();
    let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    fs::File::open(&place.target).unwrap().set_modified(long_ago).unwrap();
    let Found::Unverified { stat, .. } = find(&StdDisk, &place, &world.etag).unwrap() else {
        panic!("it was touched")
    };
    let lock = lock(&StdDisk, &place);
    remember(&StdDisk, &lock, &place, &begin(), &stat).unwrap();
    let found = find(&StdDisk, &place, &world.etag).unwrap();
    assert!(matches!(found, Found::Sealed { .. }), "{found:?}");
    fs::write(&place.target, "the whole fi1e").unwrap();
    let found = find(&StdDisk, &place, &world.etag).unwrap();
    assert!(matches!(found, Found::Unverified { .. }), "{found:?}");
}

#[test]
fn a_file_of_hf_is_unverified_wherever_it_keeps_it() {
    let world = World::new();
    let place = world.cached();
    prepare(&StdDisk, &place, "n", &Settled::default()).unwrap();
    assert_eq!(find(&StdDisk, &place, &world.etag).unwrap(), Found::Nothing);
    let shared = world.folder.path().join("blobs");
    fs::create_dir(&shared).unwrap();
    fs::write(shared.join("xet"), CONTENT).unwrap();
    let check = |expected: &Path| {
        let found = find(&StdDisk, &place, &world.etag).unwrap();
        let Found::Unverified { path, stat } = found else { panic!("{found:?}") };
        let same = fs::canonicalize(path).unwrap() == fs::canonicalize(expected).unwrap();
        assert!(same && stat.len == CONTENT.len() as u64);
    };
    // A snapshot with copies, a shared store, a blob of its own.
    fs::write(place.shown(), CONTENT).unwrap();
    check(place.shown());
    #[cfg(unix)]
    {
        StdDisk.symlink(Path::new("../../blobs/xet"), &place.target).unwrap();
        check(&shared.join("xet"));
        fs::remove_file(&place.target).unwrap();
    }
    fs::write(&place.target, CONTENT).unwrap();
    check(&place.target);
}

#[test]
fn without_links_a_snapshot_has_the_file_itself() {
    let world = World::new();
    let place = world.cached();
    download(&live(), &place).unwrap();
    fs::remove_file(place.shown()).unwrap();
    point(&FailingDisk::without_links(), &place, "n", true).unwrap();
    assert!(fs::symlink_metadata(place.shown()).unwrap().is_file());
    assert_eq!(fs::read(place.shown()).unwrap(), CONTENT);
    assert!(!place.target.exists(), "it takes no room twice");
    let found = find(&StdDisk, &place, &world.etag).unwrap();
    assert!(matches!(found, Found::Sealed { .. }), "{found:?}");
    point(&live(), &place, "n", true).unwrap();
}

#[test]
fn where_links_are_unwanted_a_snapshot_has_a_second_name_or_a_copy() {
    let world = World::new();
    let place = world.cached();
    download(&live(), &place).unwrap();
    fs::remove_file(place.shown()).unwrap();
    point(&live(), &place, "n", false).unwrap();
    point(&live(), &place, "n", false).unwrap();
    assert!(fs::symlink_metadata(place.shown()).unwrap().is_file());
    let folder = place.shown().parent().unwrap();
    assert_eq!(StdDisk.list(folder).unwrap(), ["model.bin"], "and nothing is left beside it");
    fs::remove_file(place.shown()).unwrap();
    point(&FailingDisk::without_links(), &place, "n", false).unwrap();
    assert_eq!(fs::read(place.shown()).unwrap(), CONTENT);
    assert_eq!(fs::read(&place.target).unwrap(), CONTENT, "links of others may lead there");
    fs::remove_file(place.shown()).unwrap();
    point(&FailingDisk::without_links().that_is_full(), &place, "n", false).unwrap();
    assert_eq!(fs::read(place.shown()).unwrap(), CONTENT);
    assert!(!place.target.exists());
}

#[cfg(unix)]
#[test]
fn a_link_elsewhere_is_replaced() {
    let world = World::new();
    let place = world.cached();
    download(&live(), &place).unwrap();
    fs::remove_file(place.shown()).unwrap();
    StdDisk.symlink(Path::new("/etc/passwd"), place.shown()).unwrap();
    point(&live(), &place, "n", true).unwrap();
    assert_eq!(fs::read(place.shown()).unwrap(), CONTENT);
}

#[test]
fn a_reference_is_written_only_if_it_is_news() {
    let world = World::new();
    let repo = world.repo();
    let revision: Revision = "refs/pr/1".parse().unwrap();
    write_ref(&StdDisk, &repo, &revision, &commit(), "n").unwrap();
    let dead = FailingDisk::dying_after(0);
    write_ref(&dead, &repo, &revision, &commit(), "n").unwrap();
    write_ref(&dead, &repo, &Revision::from(&commit()), &commit(), "n").unwrap();
    let next = "2".repeat(40).parse().unwrap();
    assert!(write_ref(&dead, &repo, &revision, &next, "n").is_err());
    write_ref(&StdDisk, &repo, &revision, &next, "n").unwrap();
    let path = world.folder.path().join("models--a--b/refs/refs/pr/1");
    assert_eq!(fs::read_to_string(path).unwrap(), next.as_str());
    note_missing(&StdDisk, &repo, &next, &path_of("x/y.json")).unwrap();
    note_missing(&StdDisk, &repo, &next, &path_of("x/y.json")).unwrap();
    let missing = format!("models--a--b/.no_exist/{}/x/y.json", next.as_str());
    assert_eq!(fs::read(world.folder.path().join(missing)).unwrap(), b"");
}

fn path_of(path: &str) -> RepoPath {
    path.parse().unwrap()
}

#[test]
fn a_local_file_has_its_record_for_hf() {
    let world = World::new();
    let place = world.local();
    download(&live(), &place).unwrap();
    let wall = Duration::new(1_712_656_091, 123_456_789);
    // Too early to be true: the file is newer than that.
    write_metadata(&StdDisk, &place, &commit(), &world.etag, wall, "n").unwrap();
    let PlaceKind::LocalDir { metadata: Some(metadata), records } = &place.kind else {
        panic!("a local place")
    };
    let record = read_metadata(&StdDisk, metadata).unwrap().unwrap();
    assert_eq!((record.commit.as_str(), record.etag.as_str()), (COMMIT, world.etag.as_str()));
    assert!(record.covers(&StdDisk.stat(&place.target).unwrap()));
    assert_eq!(fs::read_to_string(records.join(".gitignore")).unwrap(), "*");
    let text = fs::read_to_string(metadata).unwrap();
    assert_eq!(text.lines().count(), 3);
    assert!(text.ends_with('\n'));

    // By its record, what is there is another version than one with another ETag.
    fs::remove_file(&place.journal).unwrap();
    let found = find(&StdDisk, &place, &world.etag).unwrap();
    assert!(matches!(found, Found::Unverified { .. }), "{found:?}");
    let found = find(&StdDisk, &place, "another").unwrap();
    assert!(matches!(found, Found::Other { .. }), "{found:?}");
    let later = std::time::SystemTime::now() + Duration::from_secs(60);
    fs::File::open(&place.target).unwrap().set_modified(later).unwrap();
    let found = find(&StdDisk, &place, "another").unwrap();
    assert!(matches!(found, Found::Unverified { .. }), "edited since: {found:?}");
}

#[test]
fn records_that_make_no_sense_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.metadata");
    for content in ["", "a\nb", "a\nb\nnoon\n"] {
        fs::write(&path, content).unwrap();
        assert_eq!(read_metadata(&StdDisk, &path).unwrap(), None, "{content:?}");
    }
}
