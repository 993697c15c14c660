//! Runs one world from its beginning until everybody is served, or nobody ever will be.
//!
//! Decides nothing: what happens when is the scenario's, what it must not lead to is the
//! witness's.

mod cost;
mod deaths;
mod fault_injector;
mod leases;
mod panics;
mod silence;
mod twice;
mod verdict;
mod xet;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use engine::time::{Duration, Instant};
use simnet::recording::{Recording, What};
use simnet::scores::Scores;

use crate::scenario::Scenario;
use crate::sometimes::Tally;
use crate::stage::{Host, Stage};
use crate::user::live;
use crate::witness::{Rule, Violation};
use fault_injector::FaultInjector;
use simnet::net;
use verdict::{judge, patience};

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Every rule that was broken; none, if all is well.
    pub violations: Vec<Violation>,
    /// How often each rule could have been broken.
    pub scores: Scores<Rule>,
    /// Which rare situations came up.
    pub situations: Tally,
    /// Which kinds of lies the hub has told.
    pub fired: BTreeSet<String>,
    /// What happened.
    pub recording: Recording,
    /// How long it took, in the world.
    pub took: Duration,
    /// Bytes that arrived at the clients.
    pub arrived: u64,
    /// How many may have.
    pub allowed: u64,
    /// Bytes of all files together.
    pub size: u64,
}

impl Outcome {
    /// A number that is the same for the same run.
    pub fn digest(&self) -> u64 {
        self.recording.digest() ^ self.arrived.rotate_left(17) ^ self.took.as_nanos() as u64
    }
}

/// Runs a world.
pub fn run(scenario: &Scenario) -> Outcome {
    panics::listen();
    panics::take();
    let stage = Arc::new(Stage::new(scenario));
    let played = catch_unwind(AssertUnwindSafe(|| play(&stage)));
    let ended = played.unwrap_or_default();
    for words in panics::take() {
        stage.witness().accuse(ended, Rule::NoPanic, words);
    }
    stage.witness().arm(Rule::NoPanic);
    let allowed = judge(&stage, ended);
    stage.recording().push(ended, What::Mark { what: "the end".to_owned() });
    let recording = stage.recording().clone();
    let witness = stage.witness();
    Outcome {
        violations: witness.violations().to_vec(),
        scores: witness.scores().clone(),
        situations: witness.situations().clone(),
        fired: stage.lies_told(),
        took: ended.since_start(),
        arrived: stage.network.connections().received(),
        allowed,
        size: stage.size(),
        recording,
    }
}

/// Lets time pass until everybody is served, or has waited too long. Returns when that is.
fn play(stage: &Arc<Stage>) -> Instant {
    let scenario = &stage.scenario;
    let latency = stage.network.link().one_way();
    let mut sim =
        net::simulation(scenario.seed, latency, TICK).simulation_duration(FOR_EVER).build();
    let hub = Arc::clone(stage);
    sim.host(net::HUB_NODE, move || {
        let stage = Arc::clone(&hub);
        async move { stage.network.serve(stage.hub()).await }
    });
    for host in stage.hosts() {
        let stage = Arc::clone(stage);
        sim.host(host.name(), move || {
            let stage = Arc::clone(&stage);
            async move {
                if host == Host::Competitor
                    && let Some(from) = stage.scenario.rival_at
                {
                    let now = net::now().unwrap_or_default();
                    tokio::time::sleep(Instant::at(from).since(now)).await;
                }
                live(stage, host).await;
                Ok(())
            }
        });
    }
    let limit = Instant::at(scenario.calm_at + patience(stage));
    let mut fault_injector = FaultInjector::new(Arc::clone(stage));
    loop {
        let now = Instant::at(sim.elapsed());
        fault_injector.act(&mut sim, now);
        let is_over = fault_injector.is_over(now);
        if is_over || now >= limit {
            let calm = Instant::at(scenario.calm_at);
            // Who is not served by then never is.
            let last = if is_over { now } else { limit + Duration::from_secs(1) };
            if last > calm {
                let times = (last.since(calm), limit.since(calm));
                stage.witness().spend_time(times, now, Rule::L1Ends, "served after the calm");
            }
            return now;
        }
        if let Err(error) = sim.step() {
            stage.witness().accuse(now, Rule::NoPanic, error.to_string());
            return now;
        }
    }
}

/// How finely time passes between hosts.
const TICK: Duration = Duration::from_millis(10);
/// No simulation lasts longer than its limit anyway.
const FOR_EVER: Duration = Duration::from_secs(1 << 32);
