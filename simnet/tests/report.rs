//! The field report's figures: what its tool gets on its link, and what the machine gets.
//!
//! The whole job in full, and a hundred times, is for a program: it takes minutes.

use simnet::fluid::{FixedWorkers, JOB_BYTES, ideal, job, run};
use simnet::profile::Profile;
use simnet::seed::Seed;

/// Chunks of 50 MiB that begin again when their connection is reset. What the report says of
/// more and more workers comes out of one link with a cap on each connection.
#[test]
fn chunks_that_begin_again_get_what_the_report_got() {
    for (workers, expected) in [(1, 104.7), (10, 974.0), (20, 935.0), (30, 793.0)] {
        println!("{}", check(workers, false, expected));
    }
}

#[test]
fn chunks_that_keep_their_bytes_lose_nothing_to_more_workers() {
    for (workers, expected) in [(1, 104.9), (10, 980.0), (20, 984.0), (30, 999.0)] {
        println!("{}", check(workers, true, expected));
    }
}

/// A fortieth of the job, with nights a fortieth as long: whatever the link does, the machine is
/// never more than 3 % behind it, and fetches hardly anything twice.
#[test]
fn the_job_takes_what_the_link_takes() {
    for seed in 0..5 {
        let world = job(seed, JOB_BYTES / 40);
        let (ideal, outcome) = (ideal(&world), run(&world));
        let slower = outcome.lasted.as_secs_f64() / ideal.as_secs_f64();
        let dearer = outcome.wire as f64 / world.size() as f64;
        println!("seed {seed}: {:?}, time {slower:.4}, wire {dearer:.5}", outcome.lasted);
        assert!(outcome.is_complete, "{world}\n{:?}", outcome.end);
        assert!(outcome.violations.is_empty(), "{world}\n{:?}", outcome.violations);
        assert!(outcome.stats.faults["reset"] > 10, "{:?}", outcome.stats);
        assert!(outcome.stats.faults["silent"] > 2, "{:?}", outcome.stats);
        assert!(slower <= 1.03, "{world}");
        assert!(dearer <= 1.01, "{world}");
    }
}

/// Within 10 % of a figure in KB/s, and of the closed form; says what it was.
#[track_caller]
fn check(workers: u32, keeps_bytes: bool, expected: f64) -> String {
    let profile = Profile::named("capped-1m").expect("a built-in profile");
    let fixed = FixedWorkers { workers, chunks: CHUNKS, chunk_bytes: CHUNK_BYTES, keeps_bytes };
    let size = (u64::from(CHUNKS) * CHUNK_BYTES) as f64;
    let rates: Vec<f64> = (0..SEEDS)
        .map(|seed| size / fixed.run(&profile, Seed(seed)).lasted.as_secs_f64() / 1000.0)
        .collect();
    let mean = rates.iter().sum::<f64>() / rates.len() as f64;
    let closed = fixed.closed_form(&profile) / 1000.0;
    for (what, figure) in [("report", expected), ("closed form", closed)] {
        assert!((mean / figure - 1.0).abs() < 0.1, "{workers}: {mean} for {figure} by the {what}");
    }
    format!("{workers} workers, keeping bytes {keeps_bytes}: {mean:.1} KB/s, closed {closed:.1}")
}

/// The report's file.
const CHUNKS: u32 = 264;
const CHUNK_BYTES: u64 = 50 << 20;
const SEEDS: u64 = 5;
