//! Many small worlds, whatever a seed draws: no rule is broken in any, and every fault occurs.
//!
//! Whole nights are in `report.rs`; what a link alone does is in `closed_form.rs`.

use simnet::fluid::{Rule, draw, run, swarm};

#[test]
fn no_rule_is_broken_in_any_world() {
    let count = std::env::var("MOSHI_WORLDS").ok().and_then(|it| it.parse().ok());
    let report = swarm(0..count.unwrap_or(WORLDS));
    println!("{report}");
    assert!(report.failures.is_empty(), "see above");
    assert_eq!(report.tally.never(), [], "never happened");
    assert!(report.scores.never(&Rule::ALL).is_empty(), "never armed: see above");
}

#[test]
fn a_seed_is_a_run() {
    for seed in (0..WORLDS).step_by(200) {
        let world = draw(seed);
        assert_eq!(world, draw(seed));
        let (first, second) = (run(&world), run(&world));
        assert_eq!(first.digest, second.digest, "{world}");
        assert_eq!(first.wire, second.wire, "{world}");
    }
    assert_ne!(run(&draw(1)).digest, run(&draw(2)).digest);
}

#[test]
fn a_swarm_does_not_depend_on_which_thread_was_first() {
    let (first, second) = (swarm(0..400), swarm(0..400));
    assert_eq!((first.count, first.digest), (400, second.digest));
    assert_eq!(first.tally, second.tally);
}

const WORLDS: u64 = 20_000;
