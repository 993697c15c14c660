//! The judge sees what is wrong: each rule, broken by hand.
//!
//! What is right must pass in the worlds that are run.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: u64) -> Instant {
    Instant::at(SECOND * u32::try_from(seconds).unwrap())
}

fn judge() -> Judge {
    Judge::new(vec![at(100)..at(1000)])
}

#[track_caller]
fn check(expected: &[Rule], story: impl FnOnce(&mut Judge)) {
    let mut judge = judge();
    story(&mut judge);
    let broken: Vec<Rule> = judge.violations.iter().map(|violation| violation.rule).collect();
    assert_eq!(broken, expected, "{:?}", judge.violations);
}

const LOW: ByteRange = ByteRange { start: 0, end: 100 };
const HIGH: ByteRange = ByteRange { start: 100, end: 200 };

#[test]
fn two_writers_are_seen() {
    check(&[], |judge| {
        judge.on_request(RequestId(1), 0, LOW, 0, at(1));
        judge.on_request(RequestId(2), 0, HIGH, 0, at(1));
        judge.on_request(RequestId(3), 1, LOW, 0, at(1));
        judge.on_receive(RequestId(1), What::Range, false, (200, &[LOW]), at(2));
        judge.on_close(RequestId(1), None, None, Duration::ZERO, at(3));
        judge.on_request(RequestId(4), 0, LOW, 0, at(4));
    });
    let overlap = ByteRange::new(50, 150);
    check(&[Rule::S5], |judge| {
        judge.on_request(RequestId(1), 0, LOW, 0, at(1));
        judge.on_request(RequestId(2), 0, overlap, 0, at(1));
    });
    check(&[Rule::S5], |judge| {
        judge.on_request(RequestId(1), 0, LOW, 0, at(1));
        judge.on_receive(RequestId(1), What::Range, false, (200, &[overlap]), at(2));
    });
    check(&[Rule::S5], |judge| {
        judge.on_request(RequestId(1), 0, LOW, 0, at(1));
        judge.on_request(RequestId(2), 0, HIGH, 0, at(1));
        judge.on_receive(RequestId(1), What::Range, false, (200, &[LOW]), at(2));
        judge.on_receive(RequestId(2), What::Whole, false, (200, &[LOW, HIGH]), at(2));
    });
}

#[test]
fn what_must_not_become_data_is_seen() {
    for (what, expected) in [
        (What::Range, &[][..]),
        (What::Whole, &[]),
        (What::Nonsense, &[Rule::S7]),
        (What::Busy, &[Rule::S7]),
    ] {
        check(expected, |judge| {
            judge.on_request(RequestId(1), 0, LOW, 0, at(1));
            judge.on_receive(RequestId(1), what, false, (200, &[LOW]), at(2));
        });
    }
    check(&[Rule::S6], |judge| {
        judge.on_request(RequestId(1), 0, LOW, 0, at(1));
        judge.on_receive(RequestId(1), What::Range, false, (200, &[LOW]), at(2));
        judge.on_request(RequestId(2), 0, HIGH, 0, at(2));
        judge.on_receive(RequestId(2), What::Range, true, (200, &[HIGH]), at(3));
    });
}

#[test]
fn who_asks_too_soon_is_seen() {
    let paused = |judge: &mut Judge| judge.on_heard(What::Busy, Some(SECOND * 9), (0, 0), at(1));
    check(&[], |judge| {
        paused(judge);
        judge.on_ask(Host::Hub, 1, at(2));
        judge.on_ask(Host::Storage, 2, at(10));
    });
    check(&[Rule::E2], |judge| {
        paused(judge);
        judge.on_ask(Host::Storage, 1, at(9));
    });
    check(&[Rule::S8], |judge| {
        judge.on_heard(What::Refusal { expired: true }, None, (0, 4), at(1));
        judge.on_request(RequestId(1), 0, LOW, 4, at(2));
    });
    let mut economy = Economy::default();
    let counts: Vec<bool> = (0..100).map(|_| economy.on_ended(true, at(5)) > 60).collect();
    assert!(!counts[40] && counts[99], "{counts:?}");
    assert_eq!(economy.on_ended(true, at(50)), 1, "that was long ago");
}

#[test]
fn more_than_one_probe_in_an_outage_is_seen() {
    check(&[Rule::E3], |judge| {
        judge.on_ask(Host::Storage, 1, at(300));
        judge.on_answered(1);
        judge.on_ask(Host::Storage, 2, at(310));
        judge.on_ask(Host::Storage, 3, at(320));
    });
}

#[test]
fn what_comes_too_late_is_seen() {
    check(&[Rule::L2], |judge| {
        judge.on_close(RequestId(1), Some(at(10)), None, Duration::ZERO, at(60));
        judge.on_close(RequestId(2), Some(at(1200)), None, Duration::ZERO, at(1400));
        judge.on_close(RequestId(3), Some(at(90)), None, Duration::ZERO, at(1400));
    });
    let profile = crate::profile::Profile::named("dsl").unwrap();
    let world = World::calm(1, "dsl", profile, vec![100]);
    for (second, expected) in [(1020, &[][..]), (1100, &[Rule::L3])] {
        check(expected, |judge| {
            judge.on_arrival(RequestId(1), true, &world, at(99));
            judge.on_arrival(RequestId(1), true, &world, at(second));
        });
    }
}
