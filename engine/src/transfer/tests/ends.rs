//! How a transfer ends: repaired, failed, given up, cancelled, out of space.
//!
//! The faults that a transfer survives as if nothing were are next door.

use super::*;

#[test]
fn one_flipped_bit_is_found_and_only_searched_for() {
    for nth in [1, 5, 12, 25] {
        let flip = move |n, _| if n == nth { Answering::Flipped } else { Answering::Well };
        let world = check(flip, 2.0, 30);
        assert!(world.events.iter().any(|event| matches!(event, Event::Repaired { .. })));
    }
}

#[test]
fn a_file_that_never_matches_fails() {
    let mut world = World::new(64 * MIB, config(), |_, _| Answering::Flipped);
    assert_eq!(world.run(Duration::from_secs(600)), Some(End::Finished));
    let failed = Event::Failed { file: FileId(0), fault: Fault::WrongDigest };
    assert!(world.events.contains(&failed), "{:?}", world.events);
    assert!(world.cost() < 7.0, "bounded: {}", world.cost());
}

#[test]
fn patience_ends() {
    let config = Config { give_up_after: Some(Duration::from_secs(60)), ..config() };
    let mut world = World::new(64 * MIB, config, |_, _| Answering::SilentAfter(u64::MAX));
    let end = world.run(Duration::from_secs(100));
    assert!(matches!(end, Some(End::GaveUp { .. })), "{end:?}");
}

#[test]
fn patience_is_with_the_link_not_with_the_disk() {
    let config = Config { give_up_after: Some(Duration::from_secs(60)), ..config() };
    let mut world = World::new(64 * MIB, config, |_, _| Answering::Well);
    world.is_disk_slow = true;
    assert_eq!(world.run(Duration::from_secs(300)), None);
    world.is_disk_slow = false;
    assert_eq!(world.run(Duration::from_secs(310)), Some(End::Finished));
}

#[test]
fn cancel_ends_at_once_and_keeps_what_came() {
    let mut world = World::new(640 * MIB, config(), |_, _| Answering::Well);
    assert_eq!(world.run(Duration::from_secs(2)), None);
    world.transfer.handle_cancel(world.now);
    assert_eq!(world.run(Duration::from_secs(3)), Some(End::Cancelled));
    assert!(world.transfer.ledger(FileId(0)).unwrap().proven().len() > 10 * MIB);
}

#[test]
fn a_full_disk_ends_the_transfer() {
    let mut world = World::new(64 * MIB, config(), |_, _| Answering::Well);
    assert_eq!(world.run(Duration::from_millis(300)), None);
    let id = *world.open.keys().next().unwrap();
    world.open.remove(&id);
    let full = Fault::Disk(DiskFault::Full);
    world.transfer.handle_close(id, &Close::Failed(full.clone()), world.now);
    assert_eq!(world.run(Duration::from_secs(2)), Some(End::Disk(full)));
}

#[test]
fn an_empty_file_needs_no_request() {
    let mut world = World::new(0, config(), |_, _| Answering::Well);
    assert_eq!(world.run(Duration::from_secs(1)), Some(End::Finished));
    assert_eq!(world.asked, 0);
    assert!(world.events.contains(&Event::Sealed { file: FileId(0) }));
}

#[test]
fn spurious_wake_ups_are_harmless() {
    let mut world = World::new(64 * MIB, config(), |_, _| Answering::Well);
    world.drain();
    for _ in 0..100 {
        world.transfer.handle_timeout(world.now);
        assert_eq!(world.transfer.poll_action(), None);
    }
}

#[test]
fn nothing_is_waited_for_without_a_deadline() {
    for workers_max in [1, 2] {
        let config = Config { workers_max, ..config() };
        let mut world = World::new(64 * MIB, config, |_, _| Answering::SilentAfter(u64::MAX));
        world.drain();
        assert_eq!(world.asked, 1, "the first request is out");
        for _ in 0..100 {
            let deadline = world.transfer.poll_timeout().expect("a request is open, or will be");
            world.now = deadline.at;
            world.transfer.handle_timeout(world.now);
            world.drain();
            world.serve();
        }
        assert!(world.asked > 10, "{} requests", world.asked);
    }
}
