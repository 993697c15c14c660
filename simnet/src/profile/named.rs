//! The built-in links, and where their figures come from.
//!
//! None is a copy of a recording: they are made from published statistics, and where a figure is
//! an assumption it says so. What nobody published stays as [`Profile::plain`] has it.

use std::num::NonZeroU64;

use engine::time::Duration;

use super::weather::Weather;
use super::{Outage, Profile};
use crate::trace::Trace;

impl Profile {
    /// The names of the built-in links.
    pub const NAMES: [&'static str; 11] = [
        "weak-87k",
        "capped-1m",
        "tram",
        "metro",
        "ferry",
        "evdo",
        "dsl",
        "lossy-wifi",
        "cgnat",
        "proxy-8",
        "fibre",
    ];

    /// One of the built-in links:
    ///
    /// | name | carries | and | from |
    /// |---|---|---|---|
    /// | `weak-87k` | 87 KB/s | a reset in 15 min on each connection | the field report's link; resets and round trip are assumed |
    /// | `capped-1m` | 1 MB/s, 105 KB/s a connection | resets, many above 15 connections | fitted to the report's 1, 10, 20 and 30 workers |
    /// | `tram` | 87 KB/s, varying | dead 4 % of the time, 26 s at the longest | Riiser et al., MMSys'13, Oslo trams |
    /// | `metro` | 68 KB/s, varying | dead 16 % of the time, 50 s at the longest | the same, Oslo metro with its tunnels |
    /// | `ferry` | 37 KB/s, varying | dead 83 % of the time, 16 min at the longest | the same, Nesodden ferry |
    /// | `evdo` | 75 KB/s, varying | 256 KB of buffer | EV-DO Rev. A's advertised 600 kbit/s; buffers as in Winstein et al., NSDI'13 |
    /// | `dsl` | 217 KB/s | 64 KB of buffer | ADSL at 2 Mbit/s less 13 % for ATM; latency as in FCC MBA 2016 |
    /// | `lossy-wifi` | 2.5 MB/s, 353 KB/s a connection | unfair shares, few resets | Mathis et al. 1997 at 1 % loss, 50 ms |
    /// | `cgnat` | 1 MB/s | out 10 min in 2 h; idle for 5 min is forgotten | time-outs as in Wang et al., SIGCOMM'11 |
    /// | `proxy-8` | 1 MB/s | 8 connections at most | an office proxy; assumed |
    /// | `fibre` | 125 MB/s | nothing | where nothing may be slower for our care |
    pub fn named(name: &str) -> Option<Self> {
        BUILT_IN.iter().find(|(it, _)| *it == name).map(|(_, make)| make())
    }
}

type Make = fn() -> Profile;

const BUILT_IN: [(&str, Make); 11] = [
    ("weak-87k", weak_87k),
    ("capped-1m", capped_1m),
    ("tram", tram),
    ("metro", metro),
    ("ferry", ferry),
    ("evdo", evdo),
    ("dsl", dsl),
    ("lossy-wifi", lossy_wifi),
    ("cgnat", cgnat),
    ("proxy-8", proxy_8),
    ("fibre", fibre),
];

fn weak_87k() -> Profile {
    Profile { queue: 32 * KIB, reset_every: Some(15 * MINUTE), ..constant(87_000, 120) }
}

/// What the report's figures fit together with: about 100 KB/s is what one connection gets of a
/// wider link, and more than 15 connections begin to kill each other. One reset in 40 hours of a
/// connection, and one in 15 hours more for each connection too many.
fn capped_1m() -> Profile {
    Profile {
        conn_cap: Some(rate(105_000)),
        reset_every: Some(Duration::from_secs(142_857)),
        free_connections: 15,
        crowd_reset_every: Some(Duration::from_secs(55_556)),
        ..constant(1_000_000, 120)
    }
}

fn tram() -> Profile {
    let weather = Weather { mean: 87_000, dead_percent: 4, dead_max: 26, dead_mean: 4 };
    mobile(weather, "tram")
}

fn metro() -> Profile {
    let weather = Weather { mean: 68_200, dead_percent: 16, dead_max: 50, dead_mean: 12 };
    mobile(weather, "metro")
}

fn ferry() -> Profile {
    let weather = Weather { mean: 37_100, dead_percent: 83, dead_max: 995, dead_mean: 200 };
    mobile(weather, "ferry")
}

fn evdo() -> Profile {
    let weather = Weather { mean: 75_000, dead_percent: 1, dead_max: 8, dead_mean: 3 };
    Profile { rtt: Duration::from_millis(180), queue: 256 * KIB, ..mobile(weather, "evdo") }
}

fn dsl() -> Profile {
    Profile { queue: 64 * KIB, ..constant(217_000, 45) }
}

fn lossy_wifi() -> Profile {
    Profile {
        conn_cap: Some(rate(353_000)),
        reset_every: Some(30 * MINUTE),
        sigma_percent: 50,
        ..constant(2_500_000, 50)
    }
}

fn cgnat() -> Profile {
    let outage = Outage { first: 20 * MINUTE, lasting: 10 * MINUTE, every: Some(120 * MINUTE) };
    Profile {
        nat_after: Some(5 * MINUTE),
        p_dead_percent: 90,
        outages: vec![outage],
        ..constant(1_000_000, 60)
    }
}

fn proxy_8() -> Profile {
    Profile { conn_limit: Some(8), ..constant(1_000_000, 40) }
}

fn fibre() -> Profile {
    Profile { queue: 1024 * KIB, ..constant(125_000_000, 10) }
}

/// A telephone that moves: 3G's round trip, a buffer of a second or two, a carrier's NAT.
fn mobile(weather: Weather, name: &str) -> Profile {
    Profile {
        queue: 128 * KIB,
        nat_after: Some(5 * MINUTE),
        p_dead_percent: 50,
        ..Profile::plain(weather.trace(name), Duration::from_millis(120))
    }
}

fn constant(bytes_per_second: u64, rtt_millis: u64) -> Profile {
    Profile::plain(Trace::constant(rate(bytes_per_second)), Duration::from_millis(rtt_millis))
}

const fn rate(bytes_per_second: u64) -> NonZeroU64 {
    NonZeroU64::new(bytes_per_second).expect("a rate above is not 0")
}

const KIB: u64 = 1 << 10;
const MINUTE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_link_and_always_the_same() {
        for name in Profile::NAMES {
            let profile = Profile::named(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(Profile::named(name), Some(profile), "{name}");
        }
        assert_eq!(Profile::named("carrier-pigeon"), None);
        assert_eq!(Profile::NAMES, BUILT_IN.map(|(name, _)| name));
    }

    #[test]
    fn links_that_vary_have_the_means_they_are_said_to_have() {
        for (name, mean) in
            [("tram", 87_000), ("metro", 68_200), ("ferry", 37_100), ("evdo", 75_000)]
        {
            let trace = Profile::named(name).unwrap().trace;
            let off = trace.mean().abs_diff(mean);
            assert!(off * 100 <= mean, "{name}: {}", trace.mean());
        }
    }
}
