//! Tests of `asking`, by tables and by hand.
//!
//! No network, no clock but the one that is played.

use rand::SeedableRng;
use rand::rngs::SmallRng;

use super::*;

const MANNER: Manner =
    Manner { is_public_hub: false, is_sure: false, pause_max: Duration::from_secs(300) };

fn rejected(status: u16) -> Fault {
    Fault::Rejected { status, words: String::new() }
}

fn busy(told: Option<u64>) -> Fault {
    Fault::Busy { status: 503, retry_after: told.map(Duration::from_secs) }
}

fn malformed() -> Fault {
    Fault::Malformed("x".to_owned())
}

/// What a question has come to.
#[derive(Debug, PartialEq)]
struct End {
    tries: u32,
    waited: Duration,
    last: Option<Fault>,
}

/// Asks until it is over, or `tries_max` times. `fault_in` says what comes of each way.
fn play(
    ways: usize,
    manner: Manner,
    tries_max: u32,
    mut fault_in: impl FnMut(usize, u32) -> Fault,
) -> End {
    let mut asking = Asking::new(ways, manner);
    let mut rng = SmallRng::seed_from_u64(7);
    let mut now = Instant::START;
    for tries in 1..=tries_max {
        let fault = fault_in(asking.way(), tries);
        match asking.on_fault(fault, &mut rng, now, now) {
            Next::Now => {}
            Next::After { pause, .. } => now = now + pause,
            Next::Never(fault) => {
                return End { tries, waited: now.since_start(), last: Some(fault) };
            }
        }
    }
    End { tries: tries_max, waited: now.since_start(), last: None }
}

#[test]
fn what_no_asking_cures_ends_and_what_it_may_cure_does_not() {
    let public = Manner { is_public_hub: true, ..MANNER };
    let sure = Manner { is_sure: true, ..MANNER };
    let host = || Fault::NoSuchHost("hub.example".to_owned());
    let silent = Fault::Silent(Duration::from_secs(30));
    for (fault, manner, expected) in [
        (rejected(451), MANNER, Some(3)),
        (rejected(404), sure, Some(3)),
        (Fault::Gated(String::new()), MANNER, Some(1)),
        (Fault::NoSuchFile(String::new()), MANNER, Some(1)),
        (Fault::Proxy(String::new()), sure, Some(1)),
        (Fault::Certificate(String::new()), sure, Some(2)),
        (Fault::NotAHub, MANNER, Some(15)),
        (Fault::NotAHub, sure, Some(15)),
        (malformed(), MANNER, Some(15)),
        (Fault::Refused, MANNER, Some(5)),
        (Fault::Refused, sure, None),
        (host(), MANNER, Some(5)),
        (host(), sure, None),
        (host(), public, None),
        (Fault::Tls("x".to_owned()), MANNER, Some(5)),
        (Fault::Tls("x".to_owned()), public, None),
        (Fault::Portal, MANNER, None),
        (silent, MANNER, None),
        (busy(None), MANNER, None),
    ] {
        let end = play(3, manner, 200, |_, _| fault.clone());
        let tries = end.last.as_ref().map(|_| end.tries);
        assert_eq!(tries, expected, "{fault:?} {manner:?}");
        if tries.is_some() {
            assert_eq!(end.last, Some(fault));
            assert!(end.waited <= Duration::from_secs(20), "{end:?}");
        }
    }
}

#[test]
fn when_one_way_is_closed_the_next_is_tried_at_once() {
    for fault in [rejected(405), Fault::NotAHub, Fault::Portal] {
        let mut ways = Vec::new();
        let end = play(3, MANNER, 3, |way, _| {
            ways.push(way);
            fault.clone()
        });
        assert_eq!(ways, [0, 1, 2], "{fault:?}");
        assert!(end.waited < Duration::from_secs(11), "{end:?}");
    }
}

#[test]
fn a_way_that_answers_nonsense_or_is_busy_is_left_after_a_few_tries() {
    for (fault, expected) in [(malformed(), 2), (busy(None), 4), (busy(Some(1)), 4)] {
        let mut first_other = None;
        play(2, MANNER, 10, |way, tries| {
            if way == 1 {
                first_other.get_or_insert(tries - 1);
            }
            fault.clone()
        });
        assert_eq!(first_other, Some(expected), "{fault:?}");
    }
}

#[test]
fn the_chief_fault_of_a_round_decides() {
    let nothing = Fault::Rejected { status: 404, words: String::new() };
    for (faults, expected) in [
        // Login pages answer everything; a mirror's own pages only what it lacks.
        ([Fault::NotAHub, Fault::Portal, rejected(404)], None),
        ([Fault::NotAHub, Fault::NotAHub, nothing.clone()], Some(nothing)),
        ([rejected(405), Fault::NotAHub, rejected(404)], Some(rejected(405))),
    ] {
        let end = play(3, MANNER, 60, |way, _| faults[way].clone());
        assert_eq!(end.last, expected, "{faults:?}");
    }
}

#[test]
fn no_pause_is_none_and_none_is_long_unless_it_was_told() {
    for told in [None, Some(0)] {
        let end = play(1, MANNER, 400, |_, _| busy(told));
        assert!(end.waited >= Duration::from_secs(100), "{end:?}");
    }
    let short = Manner { pause_max: Duration::from_millis(1), ..MANNER };
    assert!(play(1, short, 40, |_, _| busy(Some(0))).waited >= FLOOR * 40);
    let end = play(1, MANNER, 100, |_, _| Fault::Unreachable);
    assert!(end.waited <= PAUSE_MAX * 100, "{end:?}");
    assert_eq!(play(1, MANNER, 3, |_, _| busy(Some(90))).waited, Duration::from_secs(270));
}

#[test]
fn a_login_page_is_looked_at_every_five_to_ten_seconds() {
    let end = play(1, MANNER, 1_000, |_, _| Fault::Portal);
    let mean = end.waited / 1_000;
    assert!(mean > Duration::from_millis(7_000) && mean < Duration::from_millis(8_000), "{mean:?}");
}
