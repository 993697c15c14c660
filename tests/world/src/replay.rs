//! How a failed run is told: what the world was, what went wrong, and how to have it again.
//!
//! Runs nothing, but to ask git which commit this is.

use std::process::Command;

use crate::scenario::Scenario;
use crate::witness::Violation;

/// Everything that is needed to have a world again, and why one would want to.
pub fn headline(scenario: &Scenario, violations: &[Violation]) -> String {
    let mut text = format!("at commit {}, the world\n{scenario}\nbroke\n", commit());
    for violation in violations {
        text += &format!("  {violation}\n");
    }
    text + "again: " + &replay_command(&scenario.seed.0.to_string())
}

/// The one command that has a world again.
pub fn replay_command(world: &str) -> String {
    format!("cargo run --release -p world -- replay {world}")
}

/// The commit that is checked out: a seed means another world in another one.
pub fn commit() -> String {
    let output = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.ok().filter(|text| !text.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}
