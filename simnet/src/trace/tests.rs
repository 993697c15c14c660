//! Recordings in all formats, and the arithmetic that must not drift.
//!
//! Real recordings are replayed in `tests/recordings.rs`.

use super::*;

const NANOS_PER_MILLI: u64 = 1_000_000;

#[test]
fn a_bad_line_is_named() {
    let cases: &[(&str, u64, TraceFlaw)] = &[
        ("", 1, TraceFlaw::NoHeader),
        ("1000,5\n", 1, TraceFlaw::NoHeader),
        ("1000\n5\n", 2, TraceFlaw::NotATime),
        ("1000\n1000,5\n", 2, TraceFlaw::NotATime),
        ("0\n0\n", 2, TraceFlaw::NoTime),
        ("dur_ms,bytes", 1, TraceFlaw::CarriesNothing),
        ("dur_ms,bytes\n1000,0\n500,0\n", 3, TraceFlaw::CarriesNothing),
        ("dur_ms,bytes\n1000,5\n\n1000,5\n", 3, TraceFlaw::NotARow),
        ("dur_ms,bytes\n1000\n", 2, TraceFlaw::NotARow),
        ("dur_ms,bytes\n1000,5\n1000,5,5\n", 3, TraceFlaw::NotARow),
        ("dur_ms,bytes\n1000,-5\n", 2, TraceFlaw::NotARow),
        ("dur_ms,bytes\n1000,0.5\n", 2, TraceFlaw::NotARow),
        ("dur_ms,bytes\n1000, 5\n", 2, TraceFlaw::NotARow),
        ("dur_ms,bytes\n4294967296,5\n", 2, TraceFlaw::NotARow),
        ("dur_ms,bytes\n0,5\n", 2, TraceFlaw::NoTime),
        ("dur_ms,bytes\n1,18446744073709551615\n1,1\n", 3, TraceFlaw::TooMuch),
    ];
    for &(text, line, flaw) in cases {
        assert_eq!(Trace::parse(text), Err(TraceError { line, flaw }), "{text:?}");
    }
    let error = Trace::parse("dur_ms,bytes\nx,y\n").unwrap_err();
    assert_eq!(error.to_string(), "line 2: expected two whole numbers, `dur_ms,bytes`");
}

#[test]
fn a_recording_carries_what_its_rows_say_and_repeats() {
    let trace = Trace::parse("dur_ms,bytes\r\n500,0\r\n1000,100\r\n500,0\r\n250,3").unwrap();
    assert_eq!(trace.period(), Duration::from_millis(2250));
    assert_eq!(trace.mean(), 45);
    let cases = [
        (0, 0),
        (500, 0),
        (509, 0),
        (510, 1),
        (1000, 50),
        (1500, 100),
        (2000, 100),
        (2249, 102),
        (2250, 103),
        (2250 * 1000 + 1000, 103 * 1000 + 50),
    ];
    for (millis, len) in cases {
        assert_eq!(trace.carried(millis * NANOS_PER_MILLI), len, "at {millis} ms");
    }
}

#[test]
fn when_a_byte_is_carried_is_the_first_moment_at_which_it_has_been() {
    let rows = [
        "dur_ms,bytes\n1000,87000\n",
        "dur_ms,bytes\n500,0\n1000,100\n500,0\n250,3\n",
        "dur_ms,bytes\n1,1\n7,3\n13,0\n1,999999999999\n",
        "dur_ms,bytes\n4294967295,1\n",
    ];
    for row in rows {
        let trace = Trace::parse(row).unwrap();
        assert_eq!(trace.nanos_to_carry(0), 0);
        for len in (1..=300).chain([trace.len * 5 - 1, trace.len * 5, trace.len * 5 + 1]) {
            let nanos = trace.nanos_to_carry(len);
            assert!(trace.carried(nanos) >= len, "{row:?}: {len} bytes, {nanos} ns");
            assert!(trace.carried(nanos - 1) < len, "{row:?}: {len} bytes, {nanos} ns");
        }
    }
}

#[test]
fn absurd_numbers_saturate() {
    let trace = Trace::parse("dur_ms,bytes\n1,18446744073709551615\n").unwrap();
    assert_eq!(trace.carried(u64::MAX), u64::MAX);
    assert_eq!(trace.nanos_to_carry(u64::MAX), NANOS_PER_MILLI);
    assert_eq!(trace.mean(), u64::MAX);
    let slow = Trace::parse("dur_ms,bytes\n4294967295,1\n").unwrap();
    assert_eq!(slow.nanos_to_carry(u64::MAX), u64::MAX);
}

#[test]
fn opportunities_carry_a_packet_each() {
    // Two packets by 2 ms, three at 5 ms, one at 8 ms; then again.
    let trace = Trace::parse("2\n2\n5\n5\n5\n8\n").unwrap();
    assert_eq!(trace.period(), Duration::from_millis(8));
    for (millis, len) in [(0, 0), (1, 0), (2, 3000), (4, 3000), (5, 7500), (8, 9000), (10, 12000)] {
        assert_eq!(trace.carried(millis * NANOS_PER_MILLI), len, "at {millis} ms");
    }
    assert_eq!(Trace::parse("0\n1\n").unwrap().mean(), 3_000_000);
}

#[test]
fn seconds_are_rows_of_a_second() {
    let trace = Trace::of_seconds([100, 0, 50]);
    assert_eq!(trace, Trace::parse("dur_ms,bytes\n1000,100\n1000,0\n1000,50\n").unwrap());
    for (second, rate) in [(0, 100), (1, 0), (2, 50), (3, 100)] {
        assert_eq!(trace.rate_at(second * NANOS_PER_SECOND), rate, "at {second} s");
    }
}
