//! Faults of links and servers that a transfer survives as if nothing were, and what they cost.
//!
//! Those that end it are next door.

use super::*;

#[test]
fn fault_free_costs_nothing_extra() {
    let world = check(|_, _| Answering::Well, 1.0, 10);
    assert_eq!(world.transfer.stats().wasted, 0);
    assert_eq!(world.transfer.stats().locates, 1);
}

#[test]
fn resets_cost_nothing_but_their_pause() {
    let world = check(|_, _| Answering::ResetAfter(700_000), 1.0, 20);
    assert!(world.transfer.stats().faults["reset"] >= 10);
}

#[test]
fn two_silent_connections_are_replaced() {
    let silent =
        |n, _| if n == 2 || n == 3 { Answering::SilentAfter(9_999) } else { Answering::Well };
    let world = check(silent, 1.0, 10);
    assert_eq!(world.transfer.stats().faults["silent"], 2);
}

#[test]
fn a_request_without_a_head_is_silent_too() {
    check(|n, _| if n == 2 { Answering::SilentAfter(u64::MAX) } else { Answering::Well }, 1.0, 10);
}

#[test]
fn an_outage_keeps_one_probe_and_ends_by_itself() {
    let outage = |_, now: Instant| {
        let seconds = now.since_start().as_secs();
        if (1..600).contains(&seconds) { Answering::SilentAfter(u64::MAX) } else { Answering::Well }
    };
    let mut world = World::new(640 * MIB, config(), outage);
    assert_eq!(world.run(Duration::from_secs(700)), Some(End::Finished));
    assert!(world.events.iter().any(|event| matches!(event, Event::Down { .. })));
    assert!(world.events.iter().any(|event| matches!(event, Event::Up { .. })));
    assert!(world.asked < 640 / 8 + 16 * 4 + 200, "{} requests", world.asked);
}

#[test]
fn a_server_that_asks_for_a_pause_gets_it() {
    let busy = |n, _| if n <= 2 { Answering::Status(429, Some(3)) } else { Answering::Well };
    let world = check(busy, 1.0, 20);
    assert!(world.now.since_start() >= Duration::from_secs(6), "{:?}", world.now);
}

#[test]
fn a_refused_url_is_renewed_at_once() {
    let refuse = |n, _| if n == 3 { Answering::Status(403, None) } else { Answering::Well };
    let world = check(refuse, 1.0, 10);
    assert_eq!(world.transfer.stats().locates, 2);
}

#[test]
fn a_url_that_is_always_refused_fails() {
    let mut world = World::new(64 * MIB, config(), |_, _| Answering::Status(403, None));
    assert_eq!(world.run(Duration::from_secs(600)), Some(End::Finished));
    let failed = Event::Failed { file: FileId(0), fault: Fault::refused(403) };
    assert!(world.events.contains(&failed), "{:?}", world.events);
}

#[test]
fn short_leases_are_renewed_in_time() {
    let mut world = World::new(64 * MIB, config(), |_, _| Answering::Well);
    world.ttl = Some(Duration::from_secs(2));
    world.rate = MIB / 2;
    assert_eq!(world.run(Duration::from_secs(60)), Some(End::Finished));
    assert!(world.transfer.stats().locates > 2);
    assert_eq!(world.transfer.stats().fault_count(), 0);
}

#[test]
fn ignored_ranges_come_in_one_stream() {
    let ignore = |n, _| if n == 1 { Answering::Well } else { Answering::Whole };
    let world = check(ignore, 1.1, 20);
    assert!(world.events.iter().any(|event| matches!(event, Event::NoRanges { .. })));
}

#[test]
fn where_no_answer_to_a_range_is_of_use_the_whole_file_is_asked_for() {
    let mut world = World::new(64 * MIB, config(), |_, _| Answering::RangesPacked);
    assert_eq!(world.run(Duration::from_secs(100)), Some(End::Finished));
    assert!(world.events.contains(&Event::Sealed { file: FileId(0) }), "{:?}", world.events);
    assert!(world.cost() <= 1.0, "cost {}", world.cost());
}

#[test]
fn a_portal_is_waited_out() {
    let portal =
        |n, _| if (3..6).contains(&n) || n == 1 { Answering::Html } else { Answering::Well };
    check(portal, 1.0, 20);
}
