//! Many worlds, one after the other on each of a few threads, and what they came to together.
//!
//! Knows no clock: who wants to stop after some minutes asks for seeds in portions.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::time::Duration;
use simnet::scores::Scores;

use crate::run::{Outcome, run};
use crate::scenario::Scenario;
use crate::sometimes::Tally;
use crate::witness::{Rule, Violation};

/// What many worlds came to.
#[derive(Clone, Debug, Default)]
pub struct Swarm {
    /// How many worlds were run.
    pub worlds: u64,
    /// In how many of them each situation came up.
    pub situations: Tally,
    /// How often each rule could have been broken in them.
    pub scores: Scores<Rule>,
    /// Seeds in whose worlds a rule was broken, lowest first.
    pub failures: Vec<Failure>,
    /// How long they took in all, in their own time.
    pub simulated: Duration,
    /// Bytes that arrived in all.
    pub arrived: u64,
    /// Bytes of all files.
    pub size: u64,
    /// The same number for the same worlds, in whatever order they were run.
    pub digest: u64,
}

/// A world in which a rule was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// Which rules, and how.
    pub violations: Vec<Violation>,
}

impl Swarm {
    /// Runs the worlds of these seeds. The result does not depend on the number of threads.
    pub fn run(seeds: Range<u64>, threads: usize) -> Self {
        let next = AtomicU64::new(seeds.start);
        let mut swarm = Self::default();
        std::thread::scope(|scope| {
            let work = || {
                let mut part = Self::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return part;
                    }
                    part.add_run(seed, &run(&Scenario::draw(seed)));
                }
            };
            let parts: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            for part in parts {
                swarm.add(part.join().expect("what panics in a world is caught there"));
            }
        });
        swarm.failures.sort_by_key(|failure| failure.seed);
        swarm
    }

    /// The seeds in whose worlds a rule was broken.
    pub fn seeds_of_failures(&self) -> Vec<u64> {
        self.failures.iter().map(|failure| failure.seed).collect()
    }

    /// Adds what other worlds came to.
    pub fn add(&mut self, other: Self) {
        self.worlds += other.worlds;
        self.situations.add(&other.situations);
        self.scores.add(&other.scores);
        self.failures.extend(other.failures);
        self.simulated += other.simulated;
        self.arrived += other.arrived;
        self.size += other.size;
        self.digest ^= other.digest;
    }

    fn add_run(&mut self, seed: u64, outcome: &Outcome) {
        self.worlds += 1;
        self.situations.add_run(&outcome.situations);
        self.scores.add(&outcome.scores);
        self.simulated += outcome.took;
        self.arrived += outcome.arrived;
        self.size += outcome.size;
        self.digest ^= outcome.digest().wrapping_mul(2 * seed + 1);
        if !outcome.violations.is_empty() {
            self.failures.push(Failure { seed, violations: outcome.violations.clone() });
        }
    }
}
