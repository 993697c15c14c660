//! Tests of `inventory`, by tables and by hand.
//!
//! No network, no clock.

use std::fs;
use std::io::Write;

use engine::digest::RangeDigest;
use engine::hub::repo::RepoId;
use engine::journal::{Begin, Record};
use engine::ledger::Proven;
use engine::range::ByteRange;

use super::*;
use crate::disk::StdDisk;

fn begin() -> Begin {
    Begin { size: 100, digest: None, source: "a/b@c/model.bin".to_owned() }
}

fn leave(part: &Path, records: &[Record]) {
    fs::create_dir_all(part.parent().unwrap()).unwrap();
    fs::write(part, [0; 100]).unwrap();
    let mut journal = fs::File::create(part.with_extension("journal")).unwrap();
    journal.write_all(&Record::Begin(begin()).to_bytes()).unwrap();
    for record in records {
        journal.write_all(&record.to_bytes()).unwrap();
    }
}

fn proven(start: u64, end: u64) -> Record {
    let digest = RangeDigest([0; 32]);
    Record::Proven(Proven { range: ByteRange::new(start, end), digest })
}

#[test]
fn unfinished_downloads_are_listed_with_what_they_have() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path();
    let blobs = cache.join("datasets--a--b/blobs");
    let vouched = Record::Vouched(ByteRange::new(4, 20));
    let records = [proven(0, 10), Record::Synced { records: 1 }, proven(10, 30), vouched];
    leave(&blobs.join("etag.part"), &records);
    fs::write(blobs.join("done"), "").unwrap();
    fs::write(blobs.join("done.journal"), "").unwrap();
    fs::create_dir_all(cache.join(".locks/models--a--b")).unwrap();
    fs::write(cache.join("version.txt"), "1").unwrap();
    leave(&cache.join("elsewhere/blobs/etag.part"), &[]);

    let process = Process::current();
    let found = unfinished_in_cache(&StdDisk, cache, &process).unwrap();
    let [it] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(it.part, blobs.join("etag.part"));
    assert_eq!(it.source.as_deref(), Some("a/b@c/model.bin"));
    assert_eq!((it.size, it.proven_bytes, it.claimed_bytes), (100, 10, 20));
    assert_eq!(it.vouched_bytes, 6, "nobody vouches for what is only claimed");
    assert_eq!(it.holder, None);
    assert!(it.last_activity > Duration::ZERO);

    // A part that was cut proves nothing until it is read.
    fs::write(&it.part, [0; 50]).unwrap();
    fs::write(it.part.with_extension("owner"), "torn").unwrap();
    let found = unfinished_in_cache(&StdDisk, cache, &process).unwrap();
    assert_eq!((found[0].proven_bytes, found[0].claimed_bytes), (0, 30));
    assert_eq!(found[0].vouched_bytes, 0);
    assert!(found[0].holder.as_ref().is_some_and(|holder| !holder.is_running));
    assert_eq!(unfinished_in_cache(&StdDisk, &cache.join("none"), &process).unwrap(), []);
}

#[test]
fn unfinished_downloads_of_a_local_folder_are_found_in_its_depths() {
    let folder = tempfile::tempdir().unwrap();
    let local = LocalDir::new(folder.path());
    let place = local.place(&"x/y/model.bin".parse().unwrap(), &"etag".parse().unwrap());
    leave(&place.part, &[]);
    let found = unfinished_in_local_dir(&StdDisk, &local, &Process::current()).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].part, place.part);
}

#[cfg(unix)]
#[test]
fn a_snapshot_lists_what_is_there_and_what_its_links_say() {
    let folder = tempfile::tempdir().unwrap();
    let repo = RepoFolder::new(folder.path(), &RepoId::new(RepoKind::Model, "a/b").unwrap());
    let commit: Commit = "1".repeat(40).parse().unwrap();
    assert_eq!(snapshot_files(&StdDisk, &repo, &commit).unwrap(), []);
    assert_eq!(cached_commit(&StdDisk, &repo, &Revision::main()).unwrap(), None);

    let place = repo.place(&commit, &"x/m.bin".parse().unwrap(), &"etag".parse().unwrap());
    let broken = repo.place(&commit, &"gone.bin".parse().unwrap(), &"gone".parse().unwrap());
    for (place, is_there) in [(&place, true), (&broken, false)] {
        crate::cache::store::prepare(&StdDisk, place, "n", &Default::default()).unwrap();
        fs::write(&place.target, "content").unwrap();
        crate::cache::store::point(&StdDisk, place, "n", true).unwrap();
        if !is_there {
            fs::remove_file(&place.target).unwrap();
        }
    }
    fs::write(repo.snapshot(&commit).join("copy.json"), "{}").unwrap();
    StdDisk.symlink(Path::new("circle"), &repo.snapshot(&commit).join("circle")).unwrap();
    fs::create_dir_all(repo.path().join("refs")).unwrap();
    fs::write(repo.path().join("refs/main"), commit.as_str()).unwrap();

    assert_eq!(cached_commit(&StdDisk, &repo, &Revision::main()).unwrap(), Some(commit.clone()));
    let files = snapshot_files(&StdDisk, &repo, &commit).unwrap();
    let found = files.iter().map(|file| {
        let blob = file.blob.as_ref().map(|blob| blob.as_str());
        (file.path.as_str(), blob, file.is_there)
    });
    let expected = [
        ("circle", Some("circle"), false),
        ("copy.json", None, true),
        ("gone.bin", Some("gone"), false),
        ("x/m.bin", Some("etag"), true),
    ];
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

#[test]
fn leftovers_of_hf_are_those_of_the_same_content() {
    let folder = tempfile::tempdir().unwrap();
    let local = LocalDir::new(folder.path());
    let place = local.place(&"model.bin".parse().unwrap(), &"etag".parse().unwrap());
    let records = place.part.parent().unwrap();
    fs::create_dir_all(records).unwrap();
    let leftover = ["etag.incomplete", "etag.0123abcd.incomplete", "aGFzaA==.etag.1a.incomplete"];
    for name in leftover.iter().chain(&["etag2.incomplete", "etag.part", "xetag.incomplete"]) {
        fs::write(records.join(name), "half").unwrap();
    }
    let found = leftovers(&StdDisk, &place, "etag").unwrap();
    let mut expected = leftover.map(|name| records.join(name));
    expected.sort();
    assert_eq!(found, expected);
}
