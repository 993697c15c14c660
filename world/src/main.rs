//! Runs many simulated worlds, or one of them again.
//!
//! Simulates nothing itself.

#![expect(clippy::print_stdout, reason = "this is what the program is for")]

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use world::run::run;
use world::scenario::Scenario;
use world::swarm::Swarm;

#[derive(Parser)]
#[command(about = "Whole downloads in simulated worlds: many, or one again")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the worlds of many seeds.
    Swarm {
        /// The first seed.
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// How many seeds.
        #[arg(long, default_value_t = 100)]
        count: u64,
    },
    /// Run one world again, and tell all about it.
    Replay {
        /// Its seed.
        seed: u64,
    },
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Swarm { from, count } => {
            let swarm = Swarm::run(from..from + count, 2);
            println!("{} worlds, {:?} simulated", swarm.worlds, swarm.simulated);
            println!("{} of {} bytes, digest {:016x}", swarm.arrived, swarm.size, swarm.digest);
            println!("{:?}", swarm.situations);
            println!("never: {:?}", swarm.situations.missing());
            for failure in &swarm.failures {
                println!("seed {}", failure.seed);
                for violation in &failure.violations {
                    println!("    {violation}");
                }
            }
            if swarm.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Command::Replay { seed } => {
            let scenario = Scenario::draw(seed);
            println!("{scenario}");
            let outcome = run(&scenario);
            println!("{}", outcome.recording);
            for violation in &outcome.violations {
                println!("{violation}");
            }
            println!(
                "digest {:016x}, {} of {} bytes, {:?}",
                outcome.digest(),
                outcome.arrived,
                outcome.size,
                outcome.took
            );
            if outcome.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
    }
}
