//! Many worlds at once, each from its seed.
//!
//! What comes out does not depend on which thread was first.

use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use engine::time::Duration;

use super::judge::{Rule, Violation};
use super::run;
use super::tally::Tally;
use super::world::World;
use crate::scores::Scores;

/// What came of many worlds.
#[derive(Clone, Debug, Default)]
pub struct SwarmReport {
    /// How many worlds were run.
    pub count: u64,
    /// What was seen in them.
    pub tally: Tally,
    /// How often each rule could have been broken in them.
    pub scores: Scores<Rule>,
    /// Virtual time, all together.
    pub lasted: Duration,
    /// Inputs and actions, all together.
    pub steps: u64,
    /// A number that differs as soon as any run does.
    pub digest: u64,
    /// The worlds in which something was wrong, in the order of their seeds.
    pub failures: Vec<Failure>,
}

/// A world in which something was wrong.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The world.
    pub world: World,
    /// What.
    pub violations: Vec<Violation>,
    /// What it said when it panicked.
    pub panic: Option<String>,
}

/// Draws and runs the world of every seed, on two threads.
pub fn swarm(seeds: Range<u64>) -> SwarmReport {
    let middle = seeds.start + (seeds.end - seeds.start) / 2;
    let (low, high) = (seeds.start..middle, middle..seeds.end);
    thread::scope(|scope| {
        let high = scope.spawn(|| run_all(high));
        let mut report = run_all(low);
        let high = high.join().expect("panics of worlds are caught");
        report.add(high);
        report
    })
}

impl SwarmReport {
    /// Adds what came of other worlds.
    pub fn add(&mut self, other: Self) {
        self.count += other.count;
        self.tally.add(&other.tally);
        self.scores.add(&other.scores);
        self.lasted += other.lasted;
        self.steps += other.steps;
        self.digest ^= other.digest;
        self.failures.extend(other.failures);
    }
}

fn run_all(seeds: Range<u64>) -> SwarmReport {
    let mut report = SwarmReport::default();
    for seed in seeds {
        let world = World::draw(seed);
        report.count += 1;
        match catch_unwind(AssertUnwindSafe(|| run(&world))) {
            Ok(outcome) => {
                report.tally.add(&outcome.tally);
                report.scores.add(&outcome.scores);
                report.lasted += outcome.lasted;
                report.steps += outcome.steps;
                report.digest ^= outcome.digest.rotate_left((seed % 64) as u32);
                if !outcome.violations.is_empty() {
                    let violations = outcome.violations;
                    report.failures.push(Failure { world, violations, panic: None });
                }
            }
            Err(panic) => {
                let words = panic.downcast_ref::<String>().cloned();
                let words = words.or_else(|| panic.downcast_ref::<&str>().map(|it| it.to_string()));
                let panic = Some(words.unwrap_or_else(|| "a panic".to_owned()));
                report.failures.push(Failure { world, violations: Vec::new(), panic });
            }
        }
    }
    report
}

impl fmt::Display for SwarmReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = self.lasted.as_secs() / 3600;
        let Self { count, steps, digest, tally, scores, failures, .. } = self;
        writeln!(f, "{count} worlds, {hours} virtual hours, {steps} steps, digest {digest:016x}")?;
        write!(f, "{tally}armed:\n{scores}")?;
        writeln!(f, "{} failures", failures.len())?;
        failures.iter().take(SHOWN_MAX).try_for_each(|failure| writeln!(f, "\n{failure}"))?;
        failures.iter().skip(SHOWN_MAX).try_for_each(|failure| {
            let first = failure.violations.first();
            let what = first.map_or_else(|| "a panic".to_owned(), ToString::to_string);
            writeln!(f, "seed {}: {what:.200}", failure.world.seed)
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.world)?;
        self.violations.iter().try_for_each(|violation| writeln!(f, "broken: {violation}"))?;
        self.panic.iter().try_for_each(|panic| writeln!(f, "panic: {panic}"))?;
        write!(f, "cargo run --release -p world -- replay --fluid {}", self.world.seed)
    }
}

/// So many failures are told in full.
const SHOWN_MAX: usize = 5;
