//! The bare machine against the link, without bytes: whole nights in milliseconds.
//!
//! Tests no HTTP client, no driver and no disk: the shell here does what they do, in virtual
//! time, and knows of the bytes only in what they differ from the truth.

mod agenda;
mod content;
mod draw;
mod exchange;
mod fixed;
mod hub;
mod job;
mod judge;
mod log;
mod part;
mod run;
mod show;
mod swarm;
mod tally;
mod world;
mod writer;

use engine::event::End;
use engine::stats::Stats;
use engine::time::Duration;

use crate::recording::Recording;
use crate::scores::Scores;
pub use fixed::{Fetched, FixedWorkers};
pub use job::{JOB_BYTES, ideal, job, whole_job};
pub use judge::{Rule, Violation};
pub use swarm::{Failure, SwarmReport, swarm};
pub use tally::{Sometimes, Tally};
pub use world::{Crash, DiskFull, Etags, Refusal, Replica, Trouble, TroubleKind, World};

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How the last session ended; `None` if it hung.
    pub end: Option<End>,
    /// Whether every file is in place.
    pub is_complete: bool,
    /// How long it took, in virtual time.
    pub lasted: Duration,
    /// Bytes of bodies that arrived.
    pub wire: u64,
    /// What the machine counted, in all sessions.
    pub stats: Stats,
    /// How often the program was started.
    pub sessions: u32,
    /// Inputs of the machine and actions.
    pub steps: u64,
    /// Records that were appended to journals.
    pub records: u64,
    /// The same for the same run, in every process of one build.
    pub digest: u64,
    /// The rules that were broken.
    pub violations: Vec<Violation>,
    /// What was seen.
    pub tally: Tally,
    /// How often each rule could have been broken.
    pub scores: Scores<Rule>,
}

/// The world of a seed.
pub fn draw(seed: u64) -> World {
    World::draw(seed)
}

/// Runs a world to its end, and judges.
pub fn run(world: &World) -> Outcome {
    run::Run::new(world, None).run().0
}

/// Runs a world and records what happens; a worker is a request.
pub fn record(world: &World) -> (Outcome, Recording) {
    let (outcome, recording) = run::Run::new(world, Some(Recording::default())).run();
    (outcome, recording.unwrap_or_default())
}

#[cfg(test)]
mod tests;
