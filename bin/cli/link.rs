//! How a kind of link is to be treated, until somebody says it in numbers.
//!
//! The numbers are the engine's settings; none is measured here.

use std::time::Duration;

use clap::ValueEnum;
use engine::config::Config;

/// A kind of link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Link {
    /// Fast and steady: many connections, large requests
    Good,
    /// Whatever it turns out to be: adapts as it goes
    #[default]
    Auto,
    /// Slow or often cut: few connections, small requests
    Weak,
    /// Hardly there: two connections, the smallest requests, the longest patience
    VeryWeak,
}

impl Link {
    /// The settings for this kind of link.
    pub(crate) fn config(self) -> Config {
        let auto = Config::default();
        match self {
            Self::Auto => auto,
            Self::Good => Config { workers_max: 16, ..auto },
            Self::Weak => Config { workers_max: 4, request_bytes_max: 4 << 20, ..auto },
            Self::VeryWeak => Config {
                workers_max: 2,
                request_bytes_max: 2 << 20,
                stall_after: Some(VERY_PATIENT),
                ..auto
            },
        }
    }
}

/// Links that hardly carry anything pause for long, and a new connection costs them dearly.
const VERY_PATIENT: Duration = Duration::from_secs(60);
