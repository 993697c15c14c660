//! Runs many simulated worlds, or one of them again: the long version of what `cargo test` does.
//!
//! Simulates nothing itself; only here does a clock of the real world count, to know when enough
//! is enough.

#![expect(clippy::print_stdout, reason = "this is what the program is for")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand};
use simnet::fluid;
use simnet::recording::Recording;
use world::replay::headline;
use world::run::run;
use world::scenario::{Scenario, named};
use world::swarm::Swarm;

#[derive(Parser)]
#[command(about = "Whole downloads in simulated worlds: many, or one again")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the worlds of many seeds, of both kinds unless one is chosen.
    Swarm {
        #[command(flatten)]
        kind: Kind,
        /// Stop after so many minutes.
        #[arg(long, conflicts_with = "count")]
        minutes: Option<u64>,
        /// Stop after so many seeds of each kind.
        #[arg(long)]
        count: Option<u64>,
        /// The first seed.
        #[arg(long, default_value_t = 0)]
        from: u64,
    },
    /// Run one world again and tell all about it. With MOSHI_PLOT_DIR set, draw it there.
    Replay {
        #[command(flatten)]
        kind: Kind,
        /// Its seed, or the name of a world that has one.
        world: String,
    },
    /// List the worlds that have a name.
    Names,
    /// Bring the field report's 15.4 GB over its link, with resets, silent deaths and an outage
    /// every night: the bare machine many times, or the whole product once.
    Job {
        /// How many seeds for the bare machine.
        #[arg(long, default_value_t = 100)]
        seeds: u64,
        /// The whole product instead, with every byte made, sent, hashed and checked.
        #[arg(long)]
        full: bool,
        /// So many times smaller, nights included.
        #[arg(long, default_value_t = 1)]
        smaller: u64,
    },
}

#[derive(Args, Clone, Copy)]
struct Kind {
    /// Only the bare machine, without bytes.
    #[arg(long, conflicts_with = "full")]
    fluid: bool,
    /// Only the whole product.
    #[arg(long)]
    full: bool,
}

fn main() -> ExitCode {
    let is_good = match Arguments::parse().command {
        Command::Swarm { kind, minutes, count, from } => {
            let budget = minutes.map(|minutes| Duration::from_secs(60 * minutes));
            let full = kind.fluid || full_swarm(half(budget, kind), count, from);
            let fluid = kind.full || fluid_swarm(half(budget, kind), count, from);
            full && fluid
        }
        Command::Replay { kind, world } if kind.fluid => replay_fluid(&world),
        Command::Replay { world, .. } => replay_full(&world),
        Command::Names => {
            for named in named::all() {
                println!("{}: {}", named.name, named.why);
            }
            true
        }
        Command::Job { full: true, smaller, .. } => full_job(smaller),
        Command::Job { seeds, smaller, .. } => fluid_job(seeds, smaller),
    };
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What of the time each kind gets.
fn half(budget: Option<Duration>, kind: Kind) -> Option<Duration> {
    let share = if kind.fluid || kind.full { 1 } else { 2 };
    budget.map(|budget| budget / share)
}

fn full_swarm(budget: Option<Duration>, count: Option<u64>, from: u64) -> bool {
    let mut swarm = Swarm::default();
    in_portions(budget, count, from, FULL_PORTION, |seeds| {
        swarm.add(Swarm::run(seeds, THREADS));
    });
    println!(
        "{} worlds of the whole product, {} simulated, {} bytes arrived of {} published, \
         digest {:016x}",
        swarm.worlds,
        hours(swarm.simulated),
        swarm.arrived,
        swarm.size,
        swarm.digest,
    );
    println!("met: {}\narmed:\n{}", swarm.situations, swarm.scores);
    for failure in &swarm.failures {
        println!("{}", headline(&Scenario::draw(failure.seed), &failure.violations));
    }
    swarm.failures.is_empty()
}

fn fluid_swarm(budget: Option<Duration>, count: Option<u64>, from: u64) -> bool {
    let mut report: Option<fluid::SwarmReport> = None;
    in_portions(budget, count, from, FLUID_PORTION, |seeds| {
        let part = fluid::swarm(seeds);
        match &mut report {
            Some(report) => report.add(part),
            None => report = Some(part),
        }
    });
    let Some(report) = report else { return true };
    println!("{report}");
    report.failures.is_empty()
}

/// Asks for seeds until time or count are used up, whatever is found.
fn in_portions(
    budget: Option<Duration>,
    count: Option<u64>,
    from: u64,
    portion: u64,
    mut work: impl FnMut(std::ops::Range<u64>),
) {
    let start = Instant::now();
    let end = match (budget, count) {
        (_, Some(count)) => from + count,
        (Some(_), None) => u64::MAX,
        (None, None) => from + portion,
    };
    let mut next = from;
    while next < end && budget.is_none_or(|budget| start.elapsed() < budget) {
        let last = next.saturating_add(portion).min(end);
        work(next..last);
        next = last;
    }
}

fn replay_full(world: &str) -> bool {
    let scenario = match world.parse() {
        Ok(seed) => Scenario::draw(seed),
        Err(_) => match named::all().into_iter().find(|named| named.name == world) {
            Some(named) => named.scenario,
            None => {
                println!("no world is called {world:?}; `swarm names` lists them");
                return false;
            }
        },
    };
    println!("{scenario}\n");
    let outcome = run(&scenario);
    tell(&outcome.recording, world);
    println!(
        "digest {:016x}, {} bytes arrived ({} allowed) of {}, {}",
        outcome.digest(),
        outcome.arrived,
        outcome.allowed,
        outcome.size,
        hours(outcome.took)
    );
    println!("met: {}", outcome.situations.met());
    for violation in &outcome.violations {
        println!("{violation}");
    }
    outcome.violations.is_empty()
}

fn replay_fluid(world: &str) -> bool {
    let Ok(seed) = world.parse() else {
        println!("{world:?} is no seed");
        return false;
    };
    let world = fluid::draw(seed);
    println!("{world}\n");
    let (outcome, recording) = fluid::record(&world);
    tell(&recording, &format!("fluid {seed}"));
    println!("digest {:016x}, {}", outcome.digest, hours(outcome.lasted));
    for violation in &outcome.violations {
        println!("{violation}");
    }
    outcome.violations.is_empty()
}

fn tell(recording: &Recording, name: &str) {
    println!("{recording}");
    if let Err(error) = simnet::plot::write_if_asked(recording, name) {
        println!("the picture could not be written: {error}");
    }
}

/// The field report's whole job on the bare machine, and the worst of all seeds.
fn fluid_job(seeds: u64, smaller: u64) -> bool {
    let start = Instant::now();
    let (mut slowest, mut dearest, mut is_good) = (0.0_f64, 0.0_f64, true);
    for seed in 0..seeds {
        let world = fluid::job(seed, fluid::JOB_BYTES / smaller);
        let outcome = fluid::run(&world);
        is_good &= outcome.is_complete && outcome.violations.is_empty();
        slowest = slowest.max(ratio(outcome.lasted, fluid::ideal(&world)));
        dearest = dearest.max(outcome.wire as f64 / world.size() as f64);
    }
    println!(
        "{seeds} times {} bytes at 87 KB/s, resets, silent deaths, an outage every night: \
         time / ideal at worst {slowest:.4}, wire / file at worst {dearest:.4}, {:.2} s each",
        fluid::JOB_BYTES / smaller,
        start.elapsed().as_secs_f64() / seeds.max(1) as f64,
    );
    is_good && slowest <= 1.03 && dearest <= 1.01
}

/// The same job through the whole product.
fn full_job(smaller: u64) -> bool {
    let start = Instant::now();
    let job = fluid::job(0, fluid::JOB_BYTES / smaller);
    let scenario = Scenario::job(&job);
    println!("{scenario}\n");
    let outcome = run(&scenario);
    if let Err(error) = simnet::plot::write_if_asked(&outcome.recording, "whole job") {
        println!("the picture could not be written: {error}");
    }
    for violation in &outcome.violations {
        println!("{violation}");
    }
    let slower = ratio(outcome.took, fluid::ideal(&job));
    let dearer = outcome.arrived as f64 / outcome.size as f64;
    println!(
        "{} bytes in {}: time / ideal {slower:.4}, wire / file {dearer:.4}, {:.0} s",
        outcome.size,
        hours(outcome.took),
        start.elapsed().as_secs_f64(),
    );
    outcome.violations.is_empty() && slower <= 1.03 && dearer <= 1.01
}

fn ratio(took: Duration, ideal: Duration) -> f64 {
    took.as_secs_f64() / ideal.as_secs_f64()
}

fn hours(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 600.0 { format!("{seconds:.3} s") } else { format!("{:.1} h", seconds / 3600.0) }
}

const THREADS: usize = 2;
/// So many seeds are run between two looks at the clock.
const FULL_PORTION: u64 = 200;
const FLUID_PORTION: u64 = 2000;
