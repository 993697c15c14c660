//! What the disk's own log says.
//!
//! A log that says nothing when it should is worse than none.

use engine::range::ByteRange;

use super::super::watch::{Interleaving, What};
use super::*;

#[test]
fn what_lost_its_new_name_is_called_by_the_old_one() {
    for seed in 0..20 {
        let disk = process(seed);
        create(&disk, "/a/f", b"one").sync_data().unwrap();
        disk.sync_dir(path("/a")).unwrap();
        disk.rename(path("/a/f"), path("/a/g")).unwrap();
        disk.power_cut();
        let next = disk.process();
        let name = if next.stat(path("/a/f")).is_ok() { "/a/f" } else { "/a/g" };
        next.open(path(name), Access::Write).unwrap().write_all_at(b"two", 0).unwrap();
        let fact = next.facts().into_iter().rfind(|fact| matches!(fact.what, What::Written(_)));
        assert_eq!(fact.unwrap().path, path(name), "seed {seed}");
    }
}

#[test]
fn placing_says_whether_the_file_was_synced() {
    let disk = process(1);
    let file = create(&disk, "/a/f", b"one");
    disk.rename(path("/a/f"), path("/a/g")).unwrap();
    file.sync_data().unwrap();
    disk.hard_link(path("/a/g"), path("/a/h")).unwrap();
    create(&disk, "/a/i", b"other");
    disk.rename(path("/a/i"), path("/a/h")).unwrap();
    disk.remove_file(path("/a/h")).unwrap();
    let inode = file.stat().unwrap().inode;
    let placed: Vec<_> = disk
        .facts()
        .into_iter()
        .filter_map(|fact| match fact.what {
            What::Placed { to, is_synced, len, replaced } => Some((to, is_synced, len, replaced)),
            What::Created | What::Written(_) | What::SetLen(_) => None,
            What::Synced | What::Removed => None,
        })
        .collect();
    let expected = [
        (PathBuf::from("/a/g"), false, 3, None),
        (PathBuf::from("/a/h"), true, 3, None),
        (PathBuf::from("/a/h"), false, 5, Some(inode)),
    ];
    assert_eq!(placed, expected);
    let facts = disk.facts();
    let last = facts.last().unwrap();
    assert_eq!((&last.what, last.path.as_path()), (&What::Removed, path("/a/h")));
}

#[test]
fn writes_that_continue_one_another_are_one_fact() {
    let disk = process(1);
    let file = create(&disk, "/a/f", &[1; 10]);
    file.write_all_at(&[1; 20], 10).unwrap();
    file.write_all_at(&[1; 5], 40).unwrap();
    let written: Vec<ByteRange> = disk
        .facts()
        .iter()
        .filter_map(|fact| match fact.what {
            What::Written(range) => Some(range),
            What::Created | What::SetLen(_) | What::Synced => None,
            What::Placed { .. } | What::Removed => None,
        })
        .collect();
    assert_eq!(written, [ByteRange::new(0, 30), ByteRange::new(40, 45)]);
    assert_eq!(disk.totals().written, 35);
}

#[test]
fn a_hundred_thousand_facts_are_kept() {
    let disk = process(1);
    let file = create(&disk, "/a/f", b"");
    for at in 0..100_010 {
        file.write_all_at(b"x", at * 2 % 3000).unwrap();
    }
    assert_eq!(disk.facts().len() as u64 + disk.facts_forgotten(), 100_011);
    assert_eq!(disk.facts().len(), 100_000);
}

#[test]
fn two_writers_at_once_are_seen_and_two_in_turn_are_not() {
    let first = process(1);
    let (second, third) = (first.process(), first.process());
    let file = create(&first, "/a/f", b"1");
    let open = |disk: &SimDisk| disk.open(path("/a/f"), Access::Write).unwrap();
    open(&second).write_all_at(b"2", 0).unwrap();
    let theirs = open(&third);
    theirs.write_all_at(b"3", 0).unwrap();
    assert!(first.edit(path("/a/f"), 0, b"4"));
    theirs.write_all_at(b"3", 0).unwrap();
    assert_eq!(first.interleaved_writers(), [], "each went on with what the one before left");
    assert_eq!(first.last_writer(path("/a/f")), Some(third.process_id()));
    first.rename(path("/a/f"), path("/a/g")).unwrap();
    file.write_all_at(b"1", 0).unwrap();
    let expected = Interleaving {
        inode: file.stat().unwrap().inode,
        path: PathBuf::from("/a/g"),
        process: first.process_id(),
        between: third.process_id(),
    };
    assert_eq!(first.interleaved_writers(), [expected]);
}

#[test]
fn open_files_and_unsynced_bytes_are_counted() {
    let disk = process(1);
    let file = create(&disk, "/a/f", &[1; 1000]);
    let files: Vec<_> = (0..3).map(|_| disk.open(path("/a/f"), Access::Read).unwrap()).collect();
    assert_eq!((disk.totals().handles, disk.totals().handles_max), (4, 4));
    drop(files);
    assert_eq!((disk.totals().handles, disk.totals().handles_max), (1, 4));
    assert_eq!(disk.dirty_bytes(path("/a/f")), Some(1024));
    assert_eq!(disk.unsynced_names(path("/a")), Some(1));
    file.sync_data().unwrap();
    disk.sync_dir(path("/a")).unwrap();
    assert_eq!(disk.dirty_bytes(path("/a/f")), Some(0));
    assert_eq!(disk.unsynced_names(path("/a")), Some(0));
    assert_eq!(disk.is_synced(path("/a/f")), Some(true));
    assert_eq!((disk.dirty_bytes(path("/a")), disk.peek(path("/a/none"))), (None, None));
    assert_eq!(disk.totals().syncs, 1);
}
