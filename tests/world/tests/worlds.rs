//! The whole product in simulated worlds: drawn ones, named ones, and one for every operation of
//! the disk at which it may be killed.
//!
//! The long version of this is the program `swarm`.

use std::process::Command;

use simnet::plot;
use world::replay::headline;
use world::run::{Outcome, run};
use world::scenario::{Scenario, named};
use world::sometimes::Tally;
use world::swarm::Swarm;
use world::witness::Rule;

/// Runs a world that must break no rule.
fn run_well(name: &str, scenario: &Scenario) -> Outcome {
    let outcome = run(scenario);
    plot::write_if_asked(&outcome.recording, name).expect("the picture can be written");
    assert!(outcome.violations.is_empty(), "{name}: {}", headline(scenario, &outcome.violations));
    outcome
}

#[test]
fn no_drawn_world_breaks_a_rule_and_every_situation_comes_up() {
    let swarm = Swarm::run(0..WORLDS, THREADS);
    for failure in &swarm.failures {
        println!("{}", headline(&Scenario::draw(failure.seed), &failure.violations));
    }
    assert!(swarm.failures.is_empty(), "seeds {:?}", swarm.seeds_of_failures());
    assert_eq!(swarm.worlds, WORLDS);
    let (mut situations, mut scores) = (swarm.situations, swarm.scores);
    for scenario in named::all().into_iter().map(|named| named.scenario).chain(falls()) {
        let outcome = run(&scenario);
        situations.add_run(&outcome.situations);
        scores.add(&outcome.scores);
    }
    assert_eq!(situations.missing(), [], "the suite has never met these: {situations}");
    println!("{scores}");
    let never: [&Rule; 0] = [];
    assert_eq!(scores.never(&Rule::ALL), never, "these could not have been broken: {scores}");
}

#[test]
fn named_worlds_show_what_they_are_kept_for() {
    let calm = run(&named::all()[0].scenario);
    for named in named::all() {
        let outcome = run_well(named.name, &named.scenario);
        let is_calm = outcome.digest() == calm.digest();
        assert_eq!(is_calm, named.shows.is_empty(), "{}: nothing is shown", named.name);
        for situation in named.shows {
            let count = outcome.situations.count(*situation);
            assert!(count > 0, "{}: {situation:?} did not come up", named.name);
            let count = calm.situations.count(*situation);
            assert_eq!(count, 0, "{}: {situation:?} comes up by itself", named.name);
        }
        let arrived = outcome.arrived;
        assert!(arrived <= named.costs, "{}: {arrived} bytes of {}", named.name, named.costs);
        let took = outcome.took;
        assert!(took <= named.within, "{}: {took:?} of {:?}", named.name, named.within);
        for rule in &named.scenario.rules {
            let kind = rule.split_whitespace().next().unwrap_or_default();
            assert!(outcome.fired.contains(kind), "{}: {kind} never fired", named.name);
        }
    }
}

/// Wrong bits, resets and ends of what was lent cost little where chunks prove themselves.
#[test]
fn trouble_in_xet_costs_chunks_and_not_files() {
    let worlds = named::all();
    let arrived = |name: &str| {
        let named = worlds.iter().find(|named| named.name == name).expect("a world of this name");
        run(&named.scenario).arrived
    };
    let packed = arrived("xet plain");
    // Ten million bytes that are stored as they are, and what is said of them.
    let stored = 10_150_000;
    let bounds = [
        ("xet plain", 8_800_000),
        ("xet token ends", packed * 105 / 100),
        // What is recorded together, 256 KiB, is fetched again together.
        ("xet bit named", stored + 600_000),
        // And a xorb has half a MiB.
        ("xet bit sought", stored + 1_000_000),
        ("xet reset in every chunk", packed * 140 / 100),
        ("xet killed and power cut", packed * 130 / 100),
    ];
    for (name, bound) in bounds {
        let arrived = arrived(name);
        assert!(arrived <= bound, "{name}: {arrived} bytes arrived, {bound} allowed");
    }
}

#[test]
fn one_who_dies_at_any_operation_of_the_disk_goes_on_afterwards() {
    let mut met = Tally::default();
    for (number, scenario) in falls().enumerate() {
        let outcome = run_well(&format!("fall {number}"), &scenario);
        met.add_run(&outcome.situations);
    }
    assert!(met.count(world::sometimes::Sometimes::CrashAfterRename) > 0, "{met}");
}

/// A world for each operation at which the process may be killed or the power be cut: from the
/// start, from when it is stopped, and from when damage is found; and some in which that happens
/// when all is done.
fn falls() -> impl Iterator<Item = Scenario> {
    let kinds: [(u32, Fall); 5] = [
        (OPERATIONS, named::fall_at),
        (OPERATIONS_TO_STOP, named::fall_when_stopped),
        (OPERATIONS_TO_REPAIR, named::fall_in_repair),
        (HALVES, named::fall_after_shortening),
        (SERVED, named::fall_when_served),
    ];
    kinds.into_iter().flat_map(|(count, fall)| {
        (0..count).flat_map(move |ops| [false, true].map(|is_cut| fall(ops, is_cut)))
    })
}

#[test]
fn a_seed_is_one_run_in_every_process_and_under_load() {
    let swarm = |threads| Swarm::run(0..AGAIN, threads).digest;
    let program = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_swarm"));
        command.args(["swarm", "--full", "--count", &AGAIN.to_string()]);
        command.stdout(std::process::Stdio::piped()).spawn().expect("the program can be started")
    };
    // Two other processes and two threads, on however few cores there are.
    let others = [program(), program()];
    let digests = [swarm(2), swarm(1)];
    assert_eq!(digests[0], digests[1], "threads make a difference");
    for other in others {
        let output = other.wait_with_output().expect("the program ends");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let digest = format!("digest {:016x}", digests[0]);
        assert!(text.contains(&digest), "another process has not {digest}: {text}");
    }
}

#[test]
fn another_seed_is_another_run() {
    let digests = [1, 2].map(|seed| run(&Scenario::draw(seed)).digest());
    assert_ne!(digests[0], digests[1]);
}

/// A world in which somebody falls at the n-th operation, perhaps with the power.
type Fall = fn(u32, bool) -> Scenario;

/// How many drawn worlds are run.
const WORLDS: u64 = 200;
/// How many of them are run again, in other threads and processes.
const AGAIN: u64 = 30;
const THREADS: usize = 2;
/// A small download uses the disk about so often before it is done.
const OPERATIONS: u32 = 200;
const OPERATIONS_TO_STOP: u32 = 40;
const OPERATIONS_TO_REPAIR: u32 = 4 * 24;
const HALVES: u32 = 40;
const SERVED: u32 = 40;
