//! The machine on links whose goodput can be computed: it gets that, to within a few percent.
//!
//! Nothing goes wrong here but what the link does by itself.

use simnet::fluid::{FixedWorkers, World, run};
use simnet::profile::Profile;

#[test]
fn the_machine_gets_what_the_link_allows() {
    // Some twenty minutes each, and as long as it takes for a start to be forgotten on fibre.
    for (name, size, has_resets) in [
        ("weak-87k", 100_000_000, true),
        ("capped-1m", 1_000_000_000, false),
        ("fibre", 5_000_000_000, false),
    ] {
        let profile = Profile::named(name).expect("a built-in profile");
        let world = World::calm(1, name, profile.clone(), vec![size]);
        let fixed = FixedWorkers {
            workers: world.config.workers_max,
            chunks: 1,
            chunk_bytes: world.config.request_bytes_max,
            keeps_bytes: true,
        };
        let outcome = run(&world);
        let rate = size as f64 / outcome.lasted.as_secs_f64();
        let expected = fixed.closed_form(&profile);
        println!("{name}: {rate:.0} B/s, closed form {expected:.0}, {:?}", outcome.stats);
        assert!(outcome.violations.is_empty(), "{name}: {:?}", outcome.violations);
        assert_eq!(outcome.stats.faults.contains_key("reset"), has_resets, "{name}");
        assert!((rate / expected - 1.0).abs() < 0.05, "{name}: {rate} instead of {expected} B/s");
    }
}

#[test]
fn resets_cost_no_bytes_and_next_to_no_time() {
    let plain = Profile { reset_every: None, ..weak() };
    let time = |profile| run(&World::calm(2, "weak-87k", profile, vec![50_000_000])).lasted;
    let (with, without) = (time(weak()), time(plain));
    assert!(with < without.mul_f64(1.01), "{with:?} instead of {without:?}");
}

fn weak() -> Profile {
    Profile::named("weak-87k").expect("a built-in profile")
}
