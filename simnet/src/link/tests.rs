//! The link against closed forms.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::*;

#[test]
fn one_connection_gets_the_whole_of_a_constant_rate() {
    let rates = [("weak-87k", 87_000), ("dsl", 217_000), ("fibre", 125_000_000)];
    for (name, rate) in [&rates[..], &[("capped-1m", 105_000), ("lossy-wifi", 353_000)]].concat() {
        let mut link = link(name);
        check_rate(name, race(&mut link, &[START], MINUTE).iter().sum(), rate, MINUTE);
    }
}

#[test]
fn many_connections_get_what_the_link_or_their_caps_allow() {
    let rates = [(1, 105_000), (5, 525_000), (9, 945_000), (10, 1_000_000), (30, 1_000_000)];
    for (count, rate) in rates {
        let passed = race(&mut link("capped-1m"), &vec![START; count], HOUR);
        check_rate(&format!("{count} connections"), passed.iter().sum(), rate, HOUR);
    }
}

#[test]
fn connections_share_fairly_and_a_late_one_gets_its_share_from_then_on() {
    let late = START + HOUR / 2;
    let passed = race(&mut link("weak-87k"), &[START, START, START, late], HOUR);
    let (early_half, late_half) = (87_000 / 3 / 2, 87_000 / 4 / 2);
    for len in &passed[..3] {
        check_rate("early", *len, early_half + late_half, HOUR);
    }
    check_rate("late", passed[3], late_half, HOUR);
}

#[test]
fn in_an_outage_nothing_passes_and_nothing_is_made_up_for() {
    let mut first = BTreeSet::new();
    for seed in 0..50 {
        let mut link = Link::new(&one_second_in_three(), Seed(seed));
        let mut connection = link.open(START).unwrap();
        let passed: Vec<Instant> = (0..3_000)
            .scan(START, |now, _| {
                *now = pass(&mut link, &mut connection, 100, *now);
                Some(*now)
            })
            .collect();
        // A period's worth takes a period, wherever it begins.
        for window in passed.windows(1_001).step_by(97) {
            assert_eq!(window[1_000].since(window[0]), Duration::from_secs(3), "seed {seed}");
        }
        let gaps = passed.windows(2).map(|pair| pair[1].since(pair[0]));
        let long = gaps.filter(|gap| *gap > Duration::from_millis(1)).collect::<Vec<_>>();
        let outage = Duration::from_millis(2_001);
        assert!((2..=3).contains(&long.len()) && long.iter().all(|gap| *gap == outage), "{long:?}");
        first.insert(passed[0]);
    }
    assert!(first.len() > 10, "all seeds begin in the same weather");
}

#[test]
fn capacity_that_nobody_asked_for_is_lost() {
    for name in ["dsl", "capped-1m"] {
        let mut link = link(name);
        let mut connection = link.open(START).unwrap();
        let once = pass(&mut link, &mut connection, QUANTUM, START).since(START);
        let later = START + HOUR;
        let again = pass(&mut link, &mut connection, QUANTUM, later).since(later);
        let one_byte = Duration::from_micros(12);
        assert!(again.abs_diff(once) <= one_byte, "{name}: {again:?}");
    }
}

#[test]
fn no_bytes_pass_when_all_before_them_have() {
    let mut link = link("dsl");
    let (mut first, mut second) = (link.open(START).unwrap(), link.open(START).unwrap());
    let later = START + HOUR;
    assert_eq!(pass(&mut link, &mut first, 0, later), later);
    let passed = pass(&mut link, &mut first, QUANTUM, later);
    assert_eq!(pass(&mut link, &mut second, 0, later), passed);
}

#[test]
fn time_that_runs_backwards_changes_nothing() {
    let mut link = link("dsl");
    let mut connection = link.open(START).unwrap();
    let later = START + HOUR;
    let passed = pass(&mut link, &mut connection, 217_000, later);
    let next = pass(&mut link, &mut connection, 217_000, START);
    assert_eq!(next, passed + Duration::from_secs(1));
}

#[test]
fn one_request_after_the_other_pays_the_round_trip_each_time() {
    let mut link = link("capped-1m");
    let mut connection = link.open(START).unwrap();
    let (mut now, len, count) = (START, 1 << 20, 100);
    for _ in 0..count {
        let asked = now + link.one_way();
        now = pass(&mut link, &mut connection, len, asked) + link.one_way();
    }
    // S / (S / rate + RTT), in bytes per second.
    let expected = len * 1_000_000 / (len * 1_000_000 / 105_000 + 120_000);
    check_rate("in sequence", len * count, expected, now.since(START));
}

#[test]
fn the_same_seed_is_the_same_run() {
    let run = |seed| race(&mut Link::new(&one_second_in_three(), Seed(seed)), &[START; 3], MINUTE);
    assert_eq!(run(5), run(5));
}

const START: Instant = Instant::START;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const QUANTUM: u64 = 4096;

fn link(name: &str) -> Link {
    Link::new(&Profile::named(name).expect("a built-in profile"), Seed(1))
}

/// 100 000 bytes in one second, then two seconds of nothing.
fn one_second_in_three() -> Profile {
    let trace = Trace::parse("dur_ms,bytes\n1000,100000\n2000,0\n").unwrap();
    Profile::plain(trace, Duration::ZERO)
}

/// Sends a piece that is to pass.
#[track_caller]
fn pass(link: &mut Link, connection: &mut Connection, len: u64, now: Instant) -> Instant {
    match link.send(connection, len, now) {
        Sent::Passes { next, passed } => {
            assert!(next <= passed, "{next:?} {passed:?}");
            passed
        }
        other @ (Sent::Reset { .. } | Sent::Dies) => panic!("{other:?}"),
    }
}

/// Each connection, from its start, sends a piece, waits until it may send the next, and connects
/// anew when it is reset. How much of each has passed after `lasting`?
fn race(link: &mut Link, starts: &[Instant], lasting: Duration) -> Vec<u64> {
    let mut turns: BinaryHeap<_> = starts.iter().copied().zip(0..).map(Reverse).collect();
    let mut connections: Vec<Connection> =
        starts.iter().map(|_| link.open(START).unwrap()).collect();
    let mut passed = vec![0; starts.len()];
    while let Some(Reverse((now, who))) = turns.pop() {
        let next = match link.send(&mut connections[who], QUANTUM, now) {
            Sent::Passes { next, passed: at } => {
                passed[who] += if at <= START + lasting { QUANTUM } else { 0 };
                next
            }
            Sent::Reset { at } => {
                link.close(&connections[who], at);
                connections[who] = link.open(at).unwrap();
                at
            }
            Sent::Dies => panic!("nothing dies here"),
        };
        if next <= START + lasting {
            turns.push(Reverse((next, who)));
        }
    }
    passed
}

/// Within 0.5 %.
#[track_caller]
fn check_rate(what: &str, len: u64, rate: u64, lasting: Duration) {
    let expected = u128::from(rate) * lasting.as_micros() / 1_000_000;
    let difference = u128::from(len).abs_diff(expected);
    assert!(difference * 200 <= expected, "{what}: {len} bytes instead of {expected}");
}
