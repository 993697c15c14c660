//! What happens when the disk does not hold what was written, is written to by others, or fails.
//!
//! The disk is scripted; what a real one does is tested in the shell.

use super::*;
use crate::event::Origin;

fn io() -> Fault {
    Fault::Disk(DiskFault::Io("a bad sector".into()))
}

fn touched() -> Fault {
    Fault::Disk(DiskFault::Touched)
}

fn gone() -> Fault {
    Fault::Disk(DiskFault::Gone("part: was removed".into()))
}

/// 64 MiB on a disk that does this.
fn world(disk: impl FnMut(&Action) -> Option<Result<Answer, Fault>> + 'static) -> World {
    let mut world = World::new(64 * MIB, config(), |_, _| Answering::Well);
    world.disk = Box::new(disk);
    world
}

/// Says that the first of the entries it is shown is not as recorded, so many times.
fn damage(mut times: u32) -> impl FnMut(&Action) -> Option<Result<Answer, Fault>> {
    move |action| {
        let Action::Check { entries, .. } = action else { return None };
        let first = entries.first().filter(|_| times > 0)?;
        times -= 1;
        Some(Ok(Answer::Checked { damaged: vec![first.range] }))
    }
}

fn sealed() -> Event {
    Event::Sealed { file: FileId(0) }
}

#[test]
fn what_changed_behind_the_digest_is_found_and_fetched_again() {
    for times in 1..=3 {
        let mut world = world(damage(times));
        assert_eq!(world.run(Duration::from_secs(60)), Some(End::Finished));
        assert!(world.events.contains(&sealed()));
        let is_found =
            |event: &&Event| matches!(event, Event::Repaired { origin: Origin::Disk, .. });
        assert_eq!(world.events.iter().filter(is_found).count(), times as usize);
        assert!(world.cost() <= 1.0 + 0.15 * f64::from(times), "{}", world.cost());
    }
}

#[test]
fn a_disk_that_keeps_changing_what_was_written_is_given_up() {
    let mut world = world(damage(u32::MAX));
    assert_eq!(world.run(Duration::from_secs(60)), Some(End::Finished));
    assert!(!world.events.contains(&sealed()));
    let is_failed =
        |event: &Event| matches!(event, Event::Failed { fault: Fault::Disk(DiskFault::Io(_)), .. });
    assert!(world.events.iter().any(is_failed), "{:?}", world.events);
}

#[test]
fn nothing_is_sealed_unless_all_that_was_hashed_before_the_mark_was_looked_at() {
    let (mut hashed, mut marked, mut looked) = (0, None, RangeSet::new());
    let mut world = world(move |action| {
        if let Action::Hash { range, .. } = action {
            hashed = range.end;
        } else if let Action::Mark { .. } = action {
            marked = Some(hashed);
        } else if let Action::Check { entries, .. } = action {
            looked.extend(entries.iter().map(|entry| entry.range));
        } else if let Action::Seal { .. } = action {
            let before = ByteRange::new(0, marked.expect("a part is marked before it is sealed"));
            assert!(before.is_empty() || looked.contains(before), "{looked:?} of {before}");
        }
        None
    });
    assert_eq!(world.run(Duration::from_secs(60)), Some(End::Finished));
    assert!(world.events.contains(&sealed()));
}

#[test]
fn a_part_that_is_written_to_before_its_seal_is_looked_at_once_more() {
    let (mut seals, mut is_looked_at) = (0, false);
    let mut world = world(move |action| {
        if let Action::Check { entries, .. } = action {
            let len: u64 = entries.iter().map(|entry| entry.range.len()).sum();
            is_looked_at |= len == 64 * MIB;
        }
        let Action::Seal { .. } = action else { return None };
        seals += 1;
        if seals == 1 {
            is_looked_at = false;
            return Some(Err(touched()));
        }
        assert!(is_looked_at, "all of it was hashed before the second mark");
        None
    });
    assert_eq!(world.run(Duration::from_secs(60)), Some(End::Finished));
    assert!(world.events.contains(&sealed()));
    assert!(world.cost() <= 1.0, "nothing was damaged: {}", world.cost());
}

#[test]
fn a_part_that_is_always_written_to_fails() {
    let seal = |action: &Action| matches!(action, Action::Seal { .. }).then(|| Err(touched()));
    let mut world = world(seal);
    assert_eq!(world.run(Duration::from_secs(60)), Some(End::Finished));
    assert!(world.events.contains(&Event::Failed { file: FileId(0), fault: touched() }));
}

#[test]
fn what_cannot_be_read_back_is_fetched_again() {
    let mut is_bad = true;
    let mut world = world(move |action| {
        if let Action::Hash { .. } = action {
            return is_bad.then(|| Err(io()));
        }
        let Action::Check { entries, .. } = action else { return None };
        let damaged = std::mem::take(&mut is_bad).then(|| entries[0].range);
        Some(Ok(Answer::Checked { damaged: damaged.into_iter().collect() }))
    });
    assert_eq!(world.run(Duration::from_secs(60)), Some(End::Finished));
    assert!(world.events.contains(&sealed()), "{:?}", world.events);
    assert!(world.cost() > 1.0 && world.cost() < 1.3, "{}", world.cost());
}

#[test]
fn a_disk_that_cannot_be_read_fails_the_file() {
    let mut world = world(|action| matches!(action, Action::Hash { .. }).then(|| Err(io())));
    assert_eq!(world.run(Duration::from_secs(60)), Some(End::Finished));
    assert!(world.events.contains(&Event::Failed { file: FileId(0), fault: io() }));
}

#[test]
fn a_disk_that_fails_while_it_ends_is_what_is_told() {
    let mut world = world(|action| matches!(action, Action::Sync { .. }).then(|| Err(io())));
    world.is_disk_slow = true;
    assert_eq!(world.run(Duration::from_secs(3)), None);
    world.transfer.handle_cancel(world.now);
    world.is_disk_slow = false;
    assert_eq!(world.run(Duration::from_secs(4)), Some(End::Disk(io())));
}

#[test]
fn a_cancelled_transfer_ends_although_its_file_was_taken_away() {
    let mut world = world(|action| matches!(action, Action::Sync { .. }).then(|| Err(gone())));
    world.is_disk_slow = true;
    assert_eq!(world.run(Duration::from_secs(3)), None);
    world.transfer.handle_cancel(world.now);
    world.is_disk_slow = false;
    assert_eq!(world.run(Duration::from_secs(4)), Some(End::Cancelled));
}

#[test]
fn a_file_that_was_taken_away_fails_alone() {
    let spec = || FileSpec { size: 4 * MIB, digest: RIGHT, location: None, xet: None };
    let mut world = World::new(4 * MIB, config(), |_, _| Answering::Well);
    world.transfer = transfer_of([spec(), spec()], config());
    world.disk = Box::new(|action| {
        let (Action::Sync { file, .. } | Action::Mark { file, .. }) = action else { return None };
        (*file == FileId(0)).then(|| Err(gone()))
    });
    assert_eq!(world.run(Duration::from_secs(60)), Some(End::Finished));
    assert!(world.events.contains(&Event::Failed { file: FileId(0), fault: gone() }));
    assert!(world.events.contains(&Event::Sealed { file: FileId(1) }), "{:?}", world.events);
}
