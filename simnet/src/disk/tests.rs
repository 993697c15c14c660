//! What every call does while all is well, and how each one is refused.
//!
//! Cuts no power and makes no trouble; those are below.

use super::*;

mod cut;
mod model;
mod speed;
mod trouble;
mod watch;

fn path(path: &str) -> &Path {
    Path::new(path)
}

/// A process on a disk that has the folder `/a`, durably.
fn process(seed: u64) -> SimDisk {
    let disk = SimDisk::new(Seed(seed));
    disk.create_dir_all(path("/a")).unwrap();
    disk.sync_dir(path("/")).unwrap();
    disk.process()
}

/// Creates a file, unsynced.
fn create(disk: &SimDisk, at: &str, bytes: &[u8]) -> SimFile {
    let file = disk.open(path(at), Access::CreateNew).unwrap();
    file.write_all_at(bytes, 0).unwrap();
    file
}

/// Creates a file that no power cut takes away.
fn create_synced(disk: &SimDisk, at: &str, bytes: &[u8]) -> SimFile {
    let file = create(disk, at, bytes);
    file.sync_data().unwrap();
    disk.sync_dir(path(at).parent().unwrap()).unwrap();
    file
}

fn kind<T: fmt::Debug>(result: io::Result<T>) -> io::ErrorKind {
    result.unwrap_err().kind()
}

#[test]
fn bytes_are_where_they_were_written_and_zeros_elsewhere() {
    let disk = process(1);
    let file = create(&disk, "/a/f", b"hello");
    file.write_all_at(b"world", 200_000).unwrap();
    let content = disk.peek(path("/a/f")).unwrap();
    assert_eq!(content.len(), 200_005);
    assert_eq!((&content[..5], &content[200_000..]), (&b"hello"[..], &b"world"[..]));
    assert!(content[5..200_000].iter().all(|byte| *byte == 0));
    let mut buffer = [9; 10];
    assert_eq!(file.read_at(&mut buffer, 199_998).unwrap(), 7);
    assert_eq!(&buffer, b"\0\0world\x09\x09\x09");
    assert_eq!(file.read_at(&mut buffer, 200_005).unwrap(), 0);
    assert_eq!(file.read_at(&mut buffer, u64::MAX).unwrap(), 0);
    let stat = file.stat().unwrap();
    assert_eq!((stat.len, stat.allocated), (200_005, 2 * 4096), "two pages and a hole");
    file.set_len(3).unwrap();
    file.set_len(6).unwrap();
    assert_eq!(disk.peek(path("/a/f")).unwrap(), b"hel\0\0\0");
    assert_eq!(file.stat().unwrap().allocated, 4096);
    file.reserve(100_000).unwrap();
    assert_eq!(file.stat().unwrap().len, 6, "reserving does not grow it");
    assert_eq!(file.stat().unwrap().allocated, 25 * 4096);
    file.reserve(10).unwrap();
    assert_eq!(file.stat().unwrap().allocated, 25 * 4096, "reserving less frees nothing");
    file.set_len(6).unwrap();
    assert_eq!(file.stat().unwrap().allocated, 4096, "setting the length does");
}

#[test]
fn each_call_is_refused_as_a_system_would_refuse_it() {
    use io::ErrorKind as Error;
    let disk = process(1);
    create(&disk, "/a/f", b"x");
    disk.symlink(path("f"), path("/a/l")).unwrap();
    disk.symlink(path("loop"), path("/a/loop")).unwrap();
    let open = |at, access| disk.open(path(at), access).map(drop);
    assert_eq!(kind(open("/a/none", Access::Read)), Error::NotFound);
    assert_eq!(kind(open("/none/f", Access::CreateNew)), Error::NotFound);
    assert_eq!(kind(open("/a/f/f", Access::CreateNew)), Error::NotADirectory);
    assert_eq!(kind(open("/a/loop/f", Access::Read)), Error::Other);
    assert_eq!(kind(open("/a", Access::Write)), Error::IsADirectory);
    for access in [Access::Read, Access::Write] {
        assert_eq!(kind(open("/a/l", access)), Error::Other, "a link is not followed");
    }
    for at in ["/a/f", "/a/l", "/a", "/"] {
        assert_eq!(kind(open(at, Access::CreateNew)), Error::AlreadyExists, "{at}");
        assert_eq!(kind(disk.symlink(path("x"), path(at))), Error::AlreadyExists, "{at}");
        assert_eq!(kind(disk.hard_link(path("/a/f"), path(at))), Error::AlreadyExists, "{at}");
    }
    assert_eq!(kind(disk.list(path("/a/f"))), Error::NotADirectory);
    assert_eq!(kind(disk.list(path("/none"))), Error::NotFound);
    assert_eq!(kind(disk.create_dir_all(path("/a/f/g"))), Error::NotADirectory);
    assert_eq!(kind(disk.rename(path("/a/none"), path("/a/g"))), Error::NotFound);
    assert_eq!(kind(disk.rename(path("/a/f"), path("/a"))), Error::IsADirectory);
    assert_eq!(kind(disk.rename(path("/a"), path("/a/f"))), Error::NotADirectory);
    assert_eq!(kind(disk.remove_file(path("/a"))), Error::IsADirectory);
    assert_eq!(kind(disk.remove_file(path("/a/none"))), Error::NotFound);
    assert_eq!(kind(disk.hard_link(path("/a"), path("/b"))), Error::PermissionDenied);
    assert_eq!(kind(disk.read_link(path("/a/f"))), Error::InvalidInput);
    assert_eq!(kind(disk.sync_dir(path("/none"))), Error::NotFound);
    assert_eq!(kind(disk.available_space(path("/none"))), Error::NotFound);
    let file = disk.open(path("/a/f"), Access::Read).unwrap();
    assert_eq!(kind(file.write_all_at(b"y", 0)), Error::Other);
    disk.set_mode(path("/a/f"), 0o444).unwrap();
    assert_eq!(kind(open("/a/f", Access::Write)), Error::PermissionDenied);
    assert_eq!(disk.peek(path("/a/f")).unwrap(), b"x");
}

#[test]
fn links_and_dots_lead_where_they_say() {
    let disk = process(1);
    disk.create_dir_all(path("/a/blobs/../snapshots/./c")).unwrap();
    assert_eq!(disk.list(path("/a")).unwrap(), ["blobs", "snapshots"]);
    create(&disk, "/a/blobs/x", b"content");
    disk.symlink(path("../../blobs/x"), path("/a/snapshots/c/f")).unwrap();
    disk.symlink(path("/a/snapshots"), path("/s")).unwrap();
    assert_eq!(disk.peek(path("/s/c/f")).unwrap(), b"content");
    assert_eq!(disk.read_link(path("/s/c/f")).unwrap(), path("../../blobs/x"));
    assert_eq!(disk.stat(path("/s/c/f")).unwrap().kind, Kind::Symlink);
    assert_eq!(disk.stat(path("/s")).unwrap().kind, Kind::Symlink);
    assert_eq!(disk.stat(path("s/c/../c/.")).unwrap().kind, Kind::Folder);
    assert_eq!(disk.list(path("/s/c")).unwrap(), ["f"]);
    create(&disk, "/s/c/g", b"").sync_data().unwrap();
    assert_eq!(disk.stat(path("/a/snapshots/c/g")).unwrap().kind, Kind::File);
    assert_eq!(disk.stat(path("/../../a")).unwrap(), disk.stat(path("a")).unwrap());
}

#[test]
fn names_are_not_files() {
    let disk = process(1);
    let first = create(&disk, "/a/f", b"first");
    let second = create(&disk, "/a/g", b"second");
    disk.hard_link(path("/a/f"), path("/a/h")).unwrap();
    disk.rename(path("/a/f"), path("/a/h")).unwrap();
    assert_eq!(disk.list(path("/a")).unwrap(), ["f", "g", "h"], "two names of one file stay");
    disk.rename(path("/a/g"), path("/a/f")).unwrap();
    assert_eq!(disk.peek(path("/a/f")).unwrap(), b"second");
    assert_eq!(disk.stat(path("/a/f")).unwrap().inode, second.stat().unwrap().inode);
    disk.remove_file(path("/a/h")).unwrap();
    assert_eq!(disk.list(path("/a")).unwrap(), ["f"]);
    let mut buffer = [0; 5];
    assert_eq!(first.read_at(&mut buffer, 0).unwrap(), 5, "what is open stays readable");
    assert_eq!(&buffer, b"first");
}

#[test]
fn time_stamps_are_what_was_told() {
    let disk = process(1);
    disk.set_now(Duration::from_secs(100));
    let file = create(&disk, "/a/f", b"x");
    disk.set_now(Duration::from_secs(200));
    file.sync_data().unwrap();
    disk.rename(path("/a/f"), path("/a/g")).unwrap();
    disk.set_mode(path("/a/g"), 0o400).unwrap();
    assert_eq!(file.stat().unwrap().modified, Duration::from_secs(100));
    assert_eq!(disk.stat(path("/a")).unwrap().modified, Duration::from_secs(200));
    disk.set_clock(|| Duration::from_secs(50));
    file.write_all_at(b"y", 0).unwrap();
    assert_eq!(file.stat().unwrap().modified, Duration::from_secs(50), "a clock may run backwards");
}

#[test]
fn a_lock_belongs_to_one_open_file() {
    let disk = process(1);
    let other = disk.process();
    let file = create(&disk, "/a/f", b"");
    let same = disk.open(path("/a/f"), Access::Write).unwrap();
    let theirs = other.open(path("/a/f"), Access::Read).unwrap();
    assert!(file.try_lock().unwrap() && file.try_lock().unwrap());
    assert!(!same.try_lock().unwrap() && !theirs.try_lock().unwrap());
    let clone = file.clone();
    drop(file);
    assert!(!theirs.try_lock().unwrap(), "a clone is the same open file");
    drop(clone);
    assert!(theirs.try_lock().unwrap());
    disk.kill(other.process_id());
    assert!(same.try_lock().unwrap(), "the dead hold no locks");
    disk.adjust(|settings| settings.locks = settings::Locks::Absent);
    assert_eq!(kind(same.try_lock()), io::ErrorKind::Unsupported);
}

#[test]
fn the_dead_change_nothing_and_what_they_wrote_stays() {
    let disk = process(1);
    let witness = disk.process();
    let file = create(&disk, "/a/f", b"written");
    disk.kill(disk.process_id());
    assert!(!witness.is_alive(disk.process_id()) && witness.is_alive(witness.process_id()));
    assert!(file.write_all_at(b"late", 0).is_err() && file.sync_data().is_err());
    assert!(file.read_at(&mut [0], 0).is_err() && file.set_len(0).is_err());
    assert!(disk.remove_file(path("/a/f")).is_err() && disk.list(path("/")).is_err());
    assert!(disk.open(path("/a/g"), Access::CreateNew).is_err());
    assert!(disk.rename(path("/a/f"), path("/a/g")).is_err());
    drop(file);
    assert_eq!(witness.peek(path("/a/f")).unwrap(), b"written");
    assert_eq!(witness.walk(), [path("/a"), path("/a/f")]);
    assert_eq!(witness.totals().handles, 0);
}
