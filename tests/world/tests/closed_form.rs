//! The whole product against closed form: on an honest link a download takes what the link takes.
//!
//! The bare machine is held against the same in `simnet/tests/closed_form.rs`.

use engine::config::Config;
use world::run::run;
use world::scenario::{Scenario, named};

#[test]
fn a_download_takes_what_the_link_takes() {
    // One connection or many on a shared link; connections with a cap of their own each, where
    // the last requests leave some workers idle, so that the file is longer.
    check("weak-87k", 8_000_000, 8, 87_000.0);
    check("weak-87k", 8_000_000, 1, 87_000.0);
    check("dsl", 16_000_000, 4, 217_000.0);
    check("capped-1m", 32_000_000, 1, 105_000.0);
    check("capped-1m", 270_000_000, 5, 525_000.0);
    check("capped-1m", 96_000_000, 10, 1_000_000.0);
}

/// Within 5 % of so many bytes per second, and of one byte on the wire for each of the file.
#[track_caller]
fn check(link: &'static str, size: u64, workers_max: u32, rate: f64) {
    let config = Config { workers_max, ..Config::default() };
    let scenario = Scenario { config, ..named::calm(link, size) };
    let outcome = run(&scenario);
    assert!(outcome.violations.is_empty(), "{:?}", outcome.violations);
    let took = outcome.took.as_secs_f64();
    let ideal = size as f64 / rate;
    assert!((took / ideal - 1.0).abs() < 0.05, "{link}, {workers_max}: {took} s for {ideal} s");
    let wire = outcome.arrived as f64 / size as f64;
    assert!((1.0..1.01).contains(&wire), "{link}, {workers_max}: {wire} bytes for each");
}
