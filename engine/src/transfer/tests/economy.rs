//! What a transfer asks for, and how often: no more than it must.
//!
//! That the bytes are right is held elsewhere.

use super::*;

/// The most requests that were open at once after `since`.
fn peak_after(world: &mut World, since: Duration, limit: Duration) -> usize {
    let mut peak = 0;
    while world.end.is_none() && world.now.since_start() < limit {
        let next = world.now.since_start() + STEP;
        world.run(next);
        if world.now.since_start() > since {
            peak = peak.max(world.open.len());
        }
    }
    peak
}

#[test]
fn a_server_that_says_it_is_too_much_gets_half_as_many_requests() {
    for (status, pause) in [(429, Some(1)), (503, Some(1)), (429, None)] {
        // One answer, when all eight are open.
        let mut is_told = false;
        let busy = move |_, now: Instant| {
            let is_due = !is_told && now.since_start() >= Duration::from_secs(2);
            is_told |= is_due;
            if is_due { Answering::Status(status, pause) } else { Answering::Well }
        };
        let mut world = World::new(640 * MIB, config(), busy);
        world.rate = 4 * MIB;
        assert_eq!(peak_after(&mut world, Duration::ZERO, Duration::from_secs(2)), 8);
        let peak = peak_after(&mut world, Duration::from_secs(3), Duration::from_secs(6));
        assert_eq!(world.transfer.stats().faults.get("busy"), Some(&1));
        assert!((1..=4).contains(&peak), "{status} {pause:?}: {peak} at once");
    }
}

#[test]
fn what_was_cut_is_doubted_before_what_was_not() {
    let flip = |n, _| if n == 30 { Answering::FlippedThenReset(900_000) } else { Answering::Well };
    let mut world = World::new(64 * MIB, config(), flip);
    assert_eq!(world.run(Duration::from_secs(60)), Some(End::Finished));
    assert!(world.events.contains(&Event::Sealed { file: FileId(0) }));
    // All that eight workers are kept busy with, and not a search from the front.
    assert!(world.cost() <= 1.2, "{}", world.cost());
}

#[test]
fn a_quiet_transfer_asks_once_for_each_range() {
    let world = check(|_, _| Answering::Well, 1.0, 10);
    let stats = world.transfer.stats();
    // Large ones, but for the tail, which is shared among the workers.
    assert!(stats.requests <= 48, "{} requests", stats.requests);
    let syncs = world.now.since_start().as_secs() + 2;
    assert!(world.syncs <= syncs, "{} syncs in {syncs} s", world.syncs);
}
