//! What goes wrong when it was told to, and only then.
//!
//! Each test asks also whether its trouble came to pass.

use super::super::trouble::{Effect, Failure, Trouble};
use super::*;

#[test]
fn a_full_disk_takes_what_fits_and_frees_what_is_removed() {
    let disk = process(1);
    disk.adjust(|settings| settings.capacity = Some(10 * 4096 + 100));
    assert_eq!(disk.available_space(path("/a")).unwrap(), 10 * 4096 + 100);
    let file = create(&disk, "/a/f", &[1; 4000]);
    assert_eq!(kind(file.write_all_at(&[2; 50_000], 4000)), io::ErrorKind::StorageFull);
    assert_eq!(file.stat().unwrap().len, 10 * 4096, "the pages that there were are written");
    assert_eq!(disk.peek(path("/a/f")).unwrap()[3999..4001], [1, 2]);
    assert_eq!(kind(file.write_all_at(b"x", 10 * 4096)), io::ErrorKind::StorageFull);
    file.write_all_at(&[3; 5000], 0).unwrap();
    let other = create(&disk, "/a/g", b"");
    other.set_len(1 << 40).unwrap();
    assert_eq!(kind(other.reserve(4096)), io::ErrorKind::StorageFull);
    assert_eq!(disk.available_space(path("/a")).unwrap(), 100);
    disk.remove_file(path("/a/f")).unwrap();
    assert!(other.reserve(4096).is_err(), "what is open still takes space");
    drop(file);
    other.reserve(4096).unwrap();
    disk.adjust(|settings| settings.capacity = None);
    other.reserve(1 << 40).unwrap();
}

#[test]
fn an_allocation_that_fails_may_keep_what_it_got() {
    let outcome = |seed| {
        let disk = process(seed);
        disk.adjust(|settings| settings.capacity = Some(100 * 4096));
        let file = create(&disk, "/a/f", b"");
        file.write_all_at(&[1; 4096], 50 * 4096).unwrap();
        assert_eq!(kind(file.reserve(101 * 4096)), io::ErrorKind::StorageFull);
        file.stat().unwrap().allocated / 4096
    };
    let outcomes: std::collections::BTreeSet<u64> = (0..20).map(outcome).collect();
    assert_eq!(outcomes, [1, 100].into());
}

#[test]
fn trouble_hits_the_operations_it_was_told_to() {
    let disk = process(1);
    disk.create_dir_all(path("/b")).unwrap();
    let io = Effect::Fail(Failure::Io);
    let trouble = Trouble { count: 2, ..Trouble::once(&[Operation::Rename], io) };
    let renames = disk.add_trouble(trouble.after(1).under("/b"));
    create(&disk, "/a/0", b"");
    let results: Vec<bool> = [("/a/0", "/b/1"), ("/b/1", "/b/2"), ("/b/1", "/a/2")]
        .into_iter()
        .chain([("/b/1", "/b/2"), ("/b/2", "/a/2")])
        .map(|(from, to)| disk.rename(path(from), path(to)).is_ok())
        .collect();
    assert_eq!(results, [true, false, false, true, true]);
    assert_eq!((disk.hits(renames), disk.all_hits()), (2, 2));
    let denied = Effect::Fail(Failure::Denied);
    let always = disk.add_trouble(Trouble::always(Operation::CHANGES, denied).under("/a"));
    for _ in 0..5 {
        let result = disk.remove_file(path("/a/2"));
        assert_eq!(kind(result), io::ErrorKind::PermissionDenied);
    }
    disk.stat(path("/a/2")).unwrap();
    create(&disk, "/b/3", b"");
    disk.end_trouble(always);
    disk.remove_file(path("/a/2")).unwrap();
    assert_eq!(disk.hits(always), 5);
    assert!(disk.put(path("/a/4"), b"x"));
}

#[test]
fn an_open_file_is_in_trouble_by_its_newest_name() {
    let disk = process(1);
    let file = create(&disk, "/a/f", b"x");
    disk.rename(path("/a/f"), path("/a/g")).unwrap();
    let full = Effect::Fail(Failure::Full);
    disk.add_trouble(Trouble::always(&[Operation::Write], full).under("/a/f"));
    file.write_all_at(b"y", 0).unwrap();
    disk.add_trouble(Trouble::always(&[Operation::Write], full).under("/a/g"));
    assert_eq!(kind(file.write_all_at(b"z", 0)), io::ErrorKind::StorageFull);
    assert_eq!(disk.peek(path("/a/g")).unwrap(), b"y");
}

#[test]
fn a_write_may_stop_halfway() {
    let disk = process(1);
    let file = create(&disk, "/a/f", b"");
    let half = Effect::FailAfter(3, Failure::Io);
    let trouble = disk.add_trouble(Trouble::once(&[Operation::Write], half));
    assert_eq!(kind(file.write_all_at(b"abcdef", 0)), io::ErrorKind::Other);
    assert_eq!(disk.peek(path("/a/f")).unwrap(), b"abc");
    assert_eq!(disk.hits(trouble), 1);
    file.write_all_at(b"abcdef", 0).unwrap();
    assert_eq!(disk.peek(path("/a/f")).unwrap(), b"abcdef");
}

#[test]
fn a_failed_sync_is_not_made_good_by_a_later_one() {
    let outcome = |seed| {
        let disk = process(seed);
        let file = create_synced(&disk, "/a/f", &[b'o'; 1024]);
        file.write_all_at(&[b'n'; 1024], 0).unwrap();
        let fail = Effect::Fail(Failure::Io);
        disk.add_trouble(Trouble::once(&[Operation::SyncData], fail));
        assert!(file.sync_data().is_err());
        file.write_all_at(&[b'w'; 10], 0).unwrap();
        file.sync_data().unwrap();
        assert_eq!(disk.is_synced(path("/a/f")), Some(false));
        disk.power_cut();
        let content = disk.peek(path("/a/f")).unwrap();
        assert!(content[..10].iter().all(|byte| *byte == b'w'), "written and synced again");
        content[1023]
    };
    let outcomes: std::collections::BTreeSet<u8> = (0..50).map(outcome).collect();
    assert_eq!(outcomes, [b'n', b'o'].into());
}

#[test]
fn a_read_may_lie_once_and_the_disk_for_good() {
    let disk = process(1);
    let file = create(&disk, "/a/f", &[0; 4]);
    let flip = Effect::FlipBit(8 + 3);
    disk.add_trouble(Trouble::once(&[Operation::Read], flip).after(1));
    let read = || {
        let mut buffer = [0; 4];
        file.read_at(&mut buffer, 0).map(|_| buffer).unwrap()
    };
    assert_eq!([read(), read(), read()], [[0; 4], [0, 8, 0, 0], [0; 4]]);
    file.sync_data().unwrap();
    disk.sync_dir(path("/a")).unwrap();
    file.write_all_at(&[1], 0).unwrap();
    assert!(disk.flip_bit(path("/a/f"), 2, 7) && !disk.flip_bit(path("/a/f"), 4, 0));
    assert_eq!(read(), [1, 0, 128, 0]);
    disk.power_cut();
    assert_eq!(disk.peek(path("/a/f")).unwrap()[1..], [0, 128, 0], "whatever became of the rest");
}

#[test]
fn a_process_or_the_power_may_go_at_any_operation() {
    for (effect, is_other_alive) in [(Effect::Kill, true), (Effect::CutPower, false)] {
        let disk = process(1);
        let other = disk.process();
        create_synced(&disk, "/a/f", b"x");
        let changes = disk.totals().changes;
        assert_eq!(changes, 4, "create, write, sync, sync_dir");
        disk.add_trouble(Trouble::once(Operation::CHANGES, effect).after(1));
        disk.rename(path("/a/f"), path("/a/g")).unwrap();
        disk.sync_dir(path("/a")).unwrap_err();
        assert!(!disk.is_alive(disk.process_id()));
        assert_eq!(disk.is_alive(other.process_id()), is_other_alive);
        assert_eq!(disk.all_hits(), 1);
    }
}

#[test]
fn somebody_may_edit_a_file_or_have_put_it_there() {
    let disk = process(1);
    disk.set_now(Duration::from_secs(7));
    assert!(disk.put(path("/x/y/z"), b"old") && !disk.put(path("/x/y/z/w"), b""));
    disk.power_cut();
    assert_eq!(disk.peek(path("/x/y/z")).unwrap(), b"old");
    disk.set_now(Duration::from_secs(9));
    assert!(disk.edit(path("/x/y/z"), 1, b"ther") && !disk.edit(path("/x/none"), 0, b""));
    assert_eq!(disk.peek(path("/x/y/z")).unwrap(), b"other");
    assert_eq!(disk.process().stat(path("/x/y/z")).unwrap().modified, Duration::from_secs(9));
    assert_eq!(disk.dirty_bytes(path("/x/y/z")), Some(512));
}
