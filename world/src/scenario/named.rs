//! Worlds with a name: each remembers a bug, or shows one kind of trouble by itself.
//!
//! Asserts nothing; the suite runs every one of them and expects what [`Named`] says.

use engine::config::Config;
use engine::time::Duration;
use simnet::profile::Profile;
use simnet::seed::Seed;

use super::{Happening, Scenario, Step};
use crate::sometimes::Sometimes;

/// A world with a name.
#[derive(Clone, Debug)]
pub struct Named {
    /// What it is called.
    pub name: &'static str,
    /// Why it is kept, in a sentence.
    pub why: &'static str,
    /// The world.
    pub scenario: Scenario,
    /// What must come up in it: a world that shows nothing proves nothing.
    pub shows: &'static [Sometimes],
}

/// Every world with a name.
pub fn all() -> Vec<Named> {
    vec![
        Named {
            name: "nothing goes wrong",
            why: "the price of all the care, and the picture to compare others with",
            scenario: calm("dsl", 4 << 20),
            shows: &[],
        },
        Named {
            name: "outage of ten minutes",
            why: "connections from before it are dead, one probe at a time, back within seconds",
            scenario: Scenario {
                script: vec![step(10, Happening::Outage { lasting: Duration::from_secs(600) })],
                ..calm("weak-87k", 4 << 20)
            },
            shows: &[Sometimes::OutlastedByOutage],
        },
        Named {
            name: "power cut every few seconds",
            why: "what was synced stays, and nothing else is believed",
            scenario: Scenario {
                script: (1..12).map(|n| step(4 * n, power_cut(7 * n as u32 % 40))).collect(),
                ..calm("dsl", 6 << 20)
            },
            shows: &[],
        },
    ]
}

/// A world in which nothing goes wrong.
pub fn calm(link: &'static str, size: u64) -> Scenario {
    Scenario {
        seed: Seed(1),
        link,
        profile: Profile::named(link).expect("the name of a built-in link"),
        sizes: vec![size],
        url_lifetime: Duration::from_secs(3600),
        rules: Vec::new(),
        script: Vec::new(),
        calm_at: Duration::from_secs(1200),
        config: Config::default(),
        rival_at: None,
        disk_bytes: None,
        sync_takes: Duration::from_millis(20),
    }
}

fn step(at: u64, what: Happening) -> Step {
    Step { at: Duration::from_secs(at), what }
}

fn power_cut(after_ops: u32) -> Happening {
    Happening::PowerCut { after_ops, down: Duration::from_secs(1) }
}
