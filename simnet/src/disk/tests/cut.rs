//! What a power cut takes, what it leaves, and what it may do either way.
//!
//! Over many seeds each: "may" is a claim that both happen.

use std::collections::BTreeSet;

use super::*;

/// All that is found after a cut, over many seeds, of what was done on a fresh disk.
fn outcomes<T: Ord>(play: impl Fn(&SimDisk), look: impl Fn(&SimDisk) -> T) -> BTreeSet<T> {
    let outcome = |seed| {
        let disk = process(seed);
        play(&disk);
        disk.power_cut();
        look(&disk.process())
    };
    (0..200).map(outcome).collect()
}

fn text(disk: &SimDisk, at: &str) -> Option<String> {
    Some(String::from_utf8_lossy(&disk.peek(path(at))?).replace('\0', "0"))
}

fn some(texts: &[&str]) -> BTreeSet<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).collect()
}

#[test]
fn what_is_synced_by_content_and_name_stays() {
    let play = |disk: &SimDisk| drop(create_synced(disk, "/a/f", b"safe"));
    assert_eq!(outcomes(play, |disk| text(disk, "/a/f")), some(&["safe"]));
}

#[test]
fn a_name_that_is_not_synced_may_go_with_all_that_is_under_it() {
    let play = |disk: &SimDisk| create(disk, "/a/f", b"safe").sync_data().unwrap();
    let mut expected = some(&["safe"]);
    expected.insert(None);
    assert_eq!(outcomes(play, |disk| text(disk, "/a/f")), expected);
    let play = |disk: &SimDisk| {
        disk.create_dir_all(path("/b/c")).unwrap();
        create_synced(disk, "/b/c/f", b"safe");
    };
    let look = |disk: &SimDisk| disk.walk().into_iter().last();
    let lasts = ["/a", "/b", "/b/c/f"].map(|last| Some(PathBuf::from(last)));
    assert_eq!(outcomes(play, look), BTreeSet::from(lasts));
}

#[test]
fn content_that_is_not_synced_is_torn_by_sectors() {
    let play = |disk: &SimDisk| {
        let file = create_synced(disk, "/a/f", &[b'o'; 1024]);
        file.write_all_at(&[b'n'; 1024], 0).unwrap();
    };
    let look = |disk: &SimDisk| {
        let content = disk.peek(path("/a/f")).unwrap();
        assert_eq!(content.len(), 1024);
        let sector = |range: std::ops::Range<usize>| {
            assert!(content[range.clone()].iter().all(|byte| *byte == content[range.start]));
            content[range.start] as char
        };
        [sector(0..512), sector(512..1024)]
    };
    let all = [['o', 'o'], ['o', 'n'], ['n', 'o'], ['n', 'n']];
    assert_eq!(outcomes(play, look), BTreeSet::from(all));
}

#[test]
fn a_length_may_stay_without_its_data_and_be_torn_itself() {
    let play = |disk: &SimDisk| {
        let file = create_synced(disk, "/a/f", b"ab");
        file.write_all_at(b"cd", 2).unwrap();
    };
    let expected = some(&["ab", "abc", "ab0", "abcd", "ab00"]);
    assert_eq!(outcomes(play, |disk| text(disk, "/a/f")), expected);
    let play = |disk: &SimDisk| create_synced(disk, "/a/f", b"abc").set_len(1).unwrap();
    // The end that was cut off may come back, or only its length.
    let expected = some(&["a", "a0", "ab", "a00", "abc"]);
    assert_eq!(outcomes(play, |disk| text(disk, "/a/f")), expected);
}

#[test]
fn replacing_a_file_by_one_that_is_not_synced_may_lose_both() {
    let play = |disk: &SimDisk| {
        create_synced(disk, "/a/f", b"old");
        create(disk, "/a/new", b"new");
        disk.rename(path("/a/new"), path("/a/f")).unwrap();
    };
    let found = outcomes(play, |disk| text(disk, "/a/f"));
    for expected in ["old", "new", "", "000"] {
        assert!(found.contains(&Some(expected.to_owned())), "{expected:?} not in {found:?}");
    }
    let play = |disk: &SimDisk| {
        create_synced(disk, "/a/f", b"old");
        create(disk, "/a/new", b"new").sync_data().unwrap();
        disk.rename(path("/a/new"), path("/a/f")).unwrap();
    };
    let look = |disk: &SimDisk| (text(disk, "/a/f"), text(disk, "/a/new"));
    let (old, new) = (Some("old".to_owned()), Some("new".to_owned()));
    let expected = [(old.clone(), None), (old, new.clone()), (new, None)];
    assert_eq!(outcomes(play, look), BTreeSet::from(expected), "a rename is one step");
}

#[test]
fn a_move_to_another_folder_is_two_steps() {
    let play = |disk: &SimDisk| {
        create_synced(disk, "/a/f", b"x");
        disk.create_dir_all(path("/b")).unwrap();
        disk.sync_dir(path("/")).unwrap();
        disk.rename(path("/a/f"), path("/b/f")).unwrap();
    };
    let look = |disk: &SimDisk| (text(disk, "/a/f").is_some(), text(disk, "/b/f").is_some());
    let ordered = BTreeSet::from([(true, false), (true, true), (false, true)]);
    assert_eq!(outcomes(play, look), ordered);
    let bare = |disk: &SimDisk| {
        disk.adjust(|settings| settings.are_moves_ordered = false);
        play(disk);
    };
    let all = BTreeSet::from([(true, false), (true, true), (false, true), (false, false)]);
    assert_eq!(outcomes(bare, look), all);
    let half_synced = |disk: &SimDisk| {
        play(disk);
        disk.sync_dir(path("/a")).unwrap();
    };
    assert_eq!(outcomes(half_synced, look), BTreeSet::from([(false, true)]));
}

#[test]
fn moves_there_and_back_are_synced_together() {
    let play = |disk: &SimDisk| {
        disk.create_dir_all(path("/b")).unwrap();
        disk.sync_dir(path("/")).unwrap();
        create(disk, "/a/f", b"f").sync_data().unwrap();
        create(disk, "/b/g", b"g").sync_data().unwrap();
        disk.rename(path("/a/f"), path("/b/f")).unwrap();
        disk.rename(path("/b/g"), path("/a/f")).unwrap();
        disk.rename(path("/a/f"), path("/b/f")).unwrap();
        disk.sync_dir(path("/a")).unwrap();
    };
    let look = |disk: &SimDisk| [text(disk, "/a/f"), text(disk, "/b/f"), text(disk, "/b/g")];
    assert_eq!(outcomes(play, look), BTreeSet::from([[None, Some("g".to_owned()), None]]));
}

#[test]
fn a_removal_that_is_not_synced_may_be_undone() {
    let play = |disk: &SimDisk| {
        create_synced(disk, "/a/f", b"x");
        disk.remove_file(path("/a/f")).unwrap();
    };
    let mut expected = some(&["x"]);
    expected.insert(None);
    assert_eq!(outcomes(play, |disk| text(disk, "/a/f")), expected);
    let play = |disk: &SimDisk| {
        play(disk);
        disk.sync_dir(path("/a")).unwrap();
    };
    assert_eq!(outcomes(play, |disk| text(disk, "/a/f")), BTreeSet::from([None]));
}

#[test]
fn what_the_system_wrote_back_by_itself_stays() {
    let play = |disk: &SimDisk| {
        disk.adjust(|settings| settings.write_back_after = Some(Duration::from_secs(30)));
        disk.set_now(Duration::from_secs(100));
        let file = create(disk, "/a/f", &[b'o'; 70_000]);
        disk.set_now(Duration::from_secs(120));
        file.write_all_at(b"n", 0).unwrap();
        disk.set_now(Duration::from_secs(130));
    };
    let look = |disk: &SimDisk| {
        let content = disk.peek(path("/a/f")).expect("its name is old enough");
        assert_eq!(content.len(), 70_000);
        assert!(content[65_536..].iter().all(|byte| *byte == b'o'));
        content[0]
    };
    assert_eq!(outcomes(play, look), BTreeSet::from([0, b'n']));
    let play = |disk: &SimDisk| {
        create(disk, "/a/f", b"x");
        disk.write_back();
    };
    assert_eq!(outcomes(play, |disk| text(disk, "/a/f")), some(&["x"]));
}

#[test]
fn a_time_stamp_is_durable_only_with_a_change_of_length() {
    let play = |disk: &SimDisk| {
        disk.set_now(Duration::from_secs(1));
        let file = create_synced(disk, "/a/f", b"x");
        disk.set_now(Duration::from_secs(2));
        file.write_all_at(b"y", 0).unwrap();
        file.sync_data().unwrap();
    };
    let look = |disk: &SimDisk| disk.stat(path("/a/f")).unwrap().modified.as_secs();
    assert_eq!(outcomes(play, look), BTreeSet::from([1, 2]));
    let grow = |disk: &SimDisk| {
        play(disk);
        let file = disk.open(path("/a/f"), Access::Write).unwrap();
        disk.set_now(Duration::from_secs(3));
        file.write_all_at(b"z", 1).unwrap();
        file.sync_data().unwrap();
    };
    assert_eq!(outcomes(grow, look), BTreeSet::from([3]));
}

#[test]
fn all_processes_die_and_what_is_left_is_durable() {
    let disk = process(3);
    let file = create(&disk, "/a/f", &[b'x'; 5000]);
    disk.sync_dir(path("/a")).unwrap();
    disk.power_cut();
    assert!(!disk.is_alive(disk.process_id()) && file.sync_data().is_err());
    let left = disk.peek(path("/a/f"));
    assert_eq!(disk.dirty_bytes(path("/a/f")), Some(0));
    for _ in 0..10 {
        disk.power_cut();
        assert_eq!(disk.peek(path("/a/f")), left);
    }
    let next = disk.process();
    assert!(next.open(path("/a/f"), Access::Write).unwrap().try_lock().unwrap());
}
