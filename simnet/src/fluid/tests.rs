//! Worlds with one fault each, a small one that dies at every step, and what the swarm has found.
//!
//! Mixtures of faults are drawn in `tests/swarm.rs`.

use super::*;
use crate::profile::{Outage, Profile};

const MIB: u64 = 1 << 20;
const SECOND: Duration = Duration::from_secs(1);

/// Four MiB over 1 MB/s.
fn world(seed: u64) -> World {
    let profile = Profile::named("proxy-8").unwrap();
    let mut world = World::calm(seed, "proxy-8", profile, vec![3 * MIB, MIB]);
    world.config.request_bytes_min = MIB / 4;
    world
}

#[track_caller]
fn check(world: &World, seen: &[Sometimes]) -> Outcome {
    let outcome = run(world);
    assert_eq!(outcome.violations, [], "{world}\n{:?}", outcome.stats);
    for what in seen {
        assert!(outcome.tally.of(*what) > 0, "{what:?} was not seen: {world}");
    }
    outcome
}

#[test]
fn a_calm_world_costs_nothing_extra() {
    let outcome = check(&world(1), &[Sometimes::Reused]);
    assert!(outcome.is_complete);
    assert_eq!((outcome.wire, outcome.sessions), (4 * MIB, 1));
    assert!(outcome.lasted < 6 * SECOND, "{:?}", outcome.lasted);
}

#[test]
fn each_trouble_is_met_and_survived() {
    let busy = TroubleKind::Busy { status: 429, retry_after: Some(7) };
    for (kind, fault, seen) in [
        (busy, "busy", &[Sometimes::PauseKept][..]),
        (TroubleKind::Forbidden, "url refused", &[]),
        (TroubleKind::Whole, "", &[Sometimes::StreamTaken]),
        (TroubleKind::WrongRange, "wrong range", &[]),
        (TroubleKind::Encoded, "encoded", &[]),
        (TroubleKind::NotSatisfiable, "changed", &[Sometimes::NotSatisfiable]),
        (TroubleKind::Redirect, "redirects", &[]),
        (TroubleKind::Portal, "portal", &[Sometimes::Portal]),
        (TroubleKind::Short, "cut", &[]),
        (TroubleKind::Flip, "", &[Sometimes::Repaired]),
        (TroubleKind::Reset, "reset", &[]),
        (TroubleKind::Stall, "silent", &[]),
    ] {
        let percent = if kind == TroubleKind::Flip { 20 } else { 50 };
        let trouble = Trouble { kind, from: SECOND / 2, until: 3 * SECOND, percent };
        let world = World { troubles: vec![trouble], calm_at: 3 * SECOND, ..world(6) };
        let outcome = check(&world, seen);
        assert!(outcome.is_complete, "{kind:?}");
        let has_fault = fault.is_empty() || outcome.stats.faults.contains_key(fault);
        assert!(has_fault, "{kind:?}: {:?}", outcome.stats.faults);
    }
}

#[test]
fn a_process_may_die_at_any_step() {
    let size = vec![600_000, 70_000];
    let mut small = World { files: size, sync_lasts: SECOND / 20, piece_min: 20_000, ..world(1) };
    small.config.sync_every = SECOND / 5;
    let steps = run(&small).steps;
    let mut tally = Tally::default();
    for is_power_cut in [false, true] {
        for step in 1..steps {
            let crash = Crash { step, is_power_cut, down: SECOND };
            let again = Crash { step: step + steps / 2, ..crash };
            let outcome = check(&World { crashes: vec![crash, again], ..small.clone() }, &[]);
            assert!(outcome.is_complete && outcome.sessions > 1, "step {step}");
            tally.add(&outcome.tally);
        }
    }
    for what in [
        Sometimes::DiedBeforeRecord,
        Sometimes::DiedBeforeSync,
        Sometimes::DiedInSync,
        Sometimes::DiedBeforeMarker,
        Sometimes::PowerCutTookBytes,
        Sometimes::JournalReplaced,
    ] {
        assert!(tally.of(what) > 0, "{what:?} was not seen");
    }
}

#[test]
fn what_cannot_be_had_fails_and_nothing_else() {
    let lying = Replica { offset: 5, until: None };
    let full = DiskFull { at: MIB, lasting: None };
    for world in [
        World { refusal: Some(Refusal::NoSuchFile), ..world(1) },
        World { refusal: Some(Refusal::TokenNeeded), ..world(1) },
        World { replica: Some(lying), ..world(1) },
        World { etags: Some(Etags::Replaced(2 * SECOND)), calm_at: 2 * SECOND, ..world(1) },
        World { disk_full: Some(full), ..world(1) },
    ] {
        let outcome = check(&world, &[Sometimes::FailedRightly]);
        assert!(!outcome.is_complete, "{world}");
    }
    let space_again = DiskFull { lasting: Some(9 * SECOND), ..full };
    let world = World { disk_full: Some(space_again), ..world(1) };
    assert!(check(&world, &[Sometimes::SpaceAgain]).is_complete);
}

#[test]
fn a_lone_request_into_an_outage_is_given_up_and_asked_again() {
    // Seed 6 of the first swarm: one worker waited for ever for a head.
    let outage = Outage { first: SECOND / 20, lasting: 900 * SECOND, every: None };
    let mut world = world(6);
    world.config.workers_max = 1;
    world.profile.outages.push(outage);
    world.profile.nat_after = Some(60 * SECOND);
    world.profile.p_dead_percent = 100;
    let outcome = check(&world, &[]);
    assert!(outcome.is_complete);
    assert!(outcome.lasted < 960 * SECOND, "{:?}", outcome.lasted);
}

#[test]
fn refusals_between_login_pages_are_not_in_a_row() {
    // Seeds 90081630 and two like it: twelve refusals in all, however far apart, ended a file.
    let until = 120 * SECOND;
    let trouble = |kind, percent| Trouble { kind, from: SECOND / 2, until, percent };
    for kind in [TroubleKind::Forbidden, TroubleKind::Redirect] {
        for seed in 0..20 {
            let troubles = vec![trouble(TroubleKind::Portal, 60), trouble(kind, 75)];
            let world = World { troubles, calm_at: until, ..world(seed) };
            let outcome = check(&world, &[Sometimes::Portal]);
            assert!(outcome.is_complete, "{world}");
        }
    }
}

#[test]
fn where_one_connection_is_allowed_the_dead_one_makes_room() {
    // Seed 91123995: the dead one kept the probe back for 75 s after the end of the outage.
    for seed in 0..20 {
        let outage = Outage { first: SECOND, lasting: 90 * SECOND, every: None };
        let mut world = world(seed);
        world.profile.outages.push(outage);
        world.profile.conn_limit = Some(1);
        world.profile.nat_after = Some(60 * SECOND);
        world.profile.p_dead_percent = 100;
        let outcome = check(&world, &[]);
        assert!(outcome.is_complete, "{world}");
        assert!(outcome.lasted < (91 + 36 + 12) * SECOND, "{:?}: {world}", outcome.lasted);
    }
}

#[test]
fn a_round_of_all_workers_is_no_silence() {
    // Seed 90043270: pieces so large that a round of them outlasted the stall timer.
    for seed in 0..2000 {
        let world = draw(seed);
        let round = world.piece_min * u64::from(world.config.workers_max);
        assert!(round <= world.profile.trace.mean() / 2, "{world}");
    }
}

#[test]
fn a_recording_tells_what_the_outcome_says() {
    let (outcome, recording) = record(&world(1));
    assert_eq!(outcome.digest, run(&world(1)).digest, "watching changes nothing");
    let text = recording.to_string();
    assert!(text.contains("file 1 sealed"), "{text}");
    let arrived: u64 = recording
        .rows()
        .iter()
        .map(|row| if let crate::recording::What::Bytes { len, .. } = row.what { len } else { 0 })
        .sum();
    assert_eq!(arrived, outcome.wire);
}
