//! What a link does to connections besides carrying: ends them, forgets them, refuses them.
//!
//! How much it carries is tried next door.

use super::*;
use crate::profile::Outage;

#[test]
fn connections_live_as_long_as_the_hazards_say() {
    let minute = Duration::from_secs(60);
    let cases = [
        ("alone", Some(10 * minute), None, 1, 600.0),
        ("no crowd yet", Some(10 * minute), Some(10 * minute), 4, 600.0),
        ("two too many", Some(10 * minute), Some(10 * minute), 6, 200.0),
    ];
    for (what, reset_every, crowd_reset_every, count, expected) in cases {
        let profile =
            Profile { reset_every, crowd_reset_every, free_connections: 4, ..plain(100_000) };
        let mut link = Link::new(&profile, Seed(3));
        let others: Vec<Connection> = (1..count).map(|_| link.open(START).unwrap()).collect();
        let mean = mean_life(&mut link, 2000);
        assert!((mean / expected - 1.0).abs() < 0.08, "{what}: {mean} s");
        assert_eq!(others.len(), count - 1);
    }
}

#[test]
fn a_crowd_that_costs_carries_less() {
    let profile = Profile { free_connections: 2, crowd_cost_ppm: 250_000, ..plain(100_000) };
    let mut link = Link::new(&profile, Seed(3));
    let mut connections: Vec<Connection> = (0..4).map(|_| link.open(START).unwrap()).collect();
    check_passes(link.send(&mut connections[0], 100_000, START), 1500, 1500);
}

#[test]
fn a_silent_death_is_told_to_nobody() {
    let profile = Profile { stall_every: Some(Duration::from_secs(600)), ..plain(100_000) };
    let mut link = Link::new(&profile, Seed(3));
    let mut seconds = 0.0;
    for _ in 0..1000 {
        let opened = START + Duration::from_secs_f64(seconds);
        let mut connection = link.open(opened).unwrap();
        let mut now = opened;
        while let Sent::Passes { next, .. } = link.send(&mut connection, 100_000, now) {
            now = next;
        }
        assert_eq!(link.send(&mut connection, 1, now), Sent::Dies, "it stays dead");
        assert!(!link.is_alive(&mut connection, now));
        link.close(&connection, now);
        seconds = now.since_start().as_secs_f64();
    }
    assert!((seconds / 600_000.0 - 1.0).abs() < 0.1, "{seconds} s");
}

#[test]
fn an_idle_connection_is_forgotten_an_active_one_is_not() {
    let nat_after = Some(Duration::from_secs(60));
    let profile = Profile { nat_after, p_dead_percent: 70, ..plain(100_000) };
    let mut forgotten = 0;
    for seed in 0..1000 {
        let mut link = Link::new(&profile, Seed(seed));
        let mut connection = link.open(START).unwrap();
        for second in [30, 90, 150] {
            assert!(link.is_alive(&mut connection, START + Duration::from_secs(second)));
        }
        forgotten += u32::from(!link.is_alive(&mut connection, START + Duration::from_secs(211)));
    }
    assert!((650..750).contains(&forgotten), "{forgotten}");
}

#[test]
fn an_outage_longer_than_a_nat_remembers_ends_what_was_open() {
    let outage = Outage { first: secs(10), lasting: secs(300), every: None };
    let nat_after = Some(Duration::from_secs(60));
    let plain = Profile { outages: vec![outage], ..plain(100_000) };
    let forgetful = Profile { nat_after, p_dead_percent: 100, ..plain.clone() };
    for (profile, is_dead) in [(plain, false), (forgetful, true)] {
        let mut link = Link::new(&profile, Seed(1));
        let mut connection = link.open(START).unwrap();
        assert_eq!(link.outages(START + secs(1000)), [START + secs(10)..START + secs(310)]);
        check_passes(link.send(&mut connection, 500_000, START), 5000, 5000);
        let across = link.send(&mut connection, 600_000, START + secs(5));
        if is_dead {
            assert_eq!(across, Sent::Dies);
        } else {
            check_passes(across, 311_000, 311_000);
        }
        assert_eq!(link.capacity(START + secs(9)), 100_000);
        assert_eq!(link.capacity(START + secs(10)), 0);
    }
}

#[test]
fn as_many_connect_as_are_allowed() {
    let mut link = Link::new(&Profile { conn_limit: Some(2), ..plain(100_000) }, Seed(1));
    let first = link.open(START).unwrap();
    let second = link.open(START).unwrap();
    assert_eq!(link.open(START).unwrap_err(), Full);
    link.close(&first, START);
    link.close(&first, START);
    let third = link.open(START).unwrap();
    assert_eq!(link.open(START).unwrap_err(), Full);
    assert_ne!(second.number, third.number);
}

#[test]
fn a_buffer_lets_the_sender_run_ahead_but_not_further() {
    let mut link = Link::new(&Profile { queue: 50_000, ..plain(100_000) }, Seed(1));
    let mut connection = link.open(START).unwrap();
    for (len, now, next, passed) in
        [(20_000, 0, 0, 200), (30_000, 0, 0, 500), (10_000, 0, 100, 600), (10_000, 100, 200, 700)]
    {
        let sent = link.send(&mut connection, len, START + Duration::from_millis(now));
        check_passes(sent, next, passed);
    }
}

#[test]
fn unfair_weights_spread_around_the_fair_one() {
    let profile = Profile { sigma_percent: 50, ..plain(400_000) };
    let mut link = Link::new(&profile, Seed(1));
    let open: Vec<Connection> = (0..1000).map(|_| link.open(START).unwrap()).collect();
    let mut quanta: Vec<u64> = open.iter().map(|it| link.quantum(it)).collect();
    quanta.sort_unstable();
    assert!((19_000..21_000).contains(&quanta[500]), "{}", quanta[500]);
    let (low, high) = (quanta[160] as f64, quanta[840] as f64);
    assert!((2.4..3.1).contains(&(high / low)), "{low} {high}");
}

const START: Instant = Instant::START;

/// Within a millisecond: wherever the run begins in the recording, bytes are whole.
#[track_caller]
fn check_passes(sent: Sent, next_millis: u128, passed_millis: u128) {
    let Sent::Passes { next, passed } = sent else { panic!("{sent:?}") };
    for (at, millis) in [(next, next_millis), (passed, passed_millis)] {
        assert!(at.since_start().as_millis().abs_diff(millis) <= 1, "{sent:?}, not {millis} ms");
    }
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn plain(rate: u64) -> Profile {
    Profile::plain(Trace::constant(rate.try_into().unwrap()), Duration::from_millis(100))
}

/// How many seconds a connection that always sends lives, on average over so many.
fn mean_life(link: &mut Link, count: u32) -> f64 {
    let mut now = START;
    for _ in 0..count {
        let mut connection = link.open(now).unwrap();
        loop {
            match link.send(&mut connection, 50_000, now) {
                Sent::Passes { next, .. } => now = next,
                Sent::Reset { at } => {
                    assert!(at >= now);
                    assert!(!link.is_alive(&mut connection, at), "it stays reset");
                    now = at;
                    break;
                }
                Sent::Dies => panic!("nothing dies here"),
            }
        }
        link.close(&connection, now);
    }
    now.since_start().as_secs_f64() / f64::from(count)
}
