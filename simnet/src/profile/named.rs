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
    /// - `weak-87k`: 87 KB/s for all, a reset in 15 min on each connection. The field report's
    ///   link while it holds; the resets and the round trip are assumed.
    /// - `capped-1m`: 1 MB/s for all, 105 KB/s for each connection, and connections that begin to
    ///   reset each other when there are more than 15. Fitted to what the report says of 1, 10,
    ///   20 and 30 workers.
    /// - `tram`, `metro`, `ferry`: 87, 68 and 37 KB/s on average, dead for 4, 16 and 83 % of the
    ///   time, and for 26 s, 50 s and 16 min at the longest. Of 3G in Oslo, by Riiser et al.,
    ///   MMSys'13.
    /// - `evdo`: 75 KB/s on average behind a buffer of 256 KB. The lower end of what was
    ///   advertised for EV-DO Rev. A, 600 kbit/s; buffers of seconds as in Winstein et al.,
    ///   NSDI'13.
    /// - `dsl`: 217 KB/s, 45 ms. ADSL at 2 Mbit/s less 13 % for ATM; latency as in the FCC's
    ///   Measuring Broadband America of 2016.
    /// - `lossy-wifi`: 2.5 MB/s for all, 353 KB/s for each connection, shared unfairly. What
    ///   Mathis et al. 1997 give at 1 % loss and 50 ms; the rest is assumed.
    /// - `cgnat`: 1 MB/s, out for 10 min every 2 h, and what is idle for 5 min is forgotten. Such
    ///   times were found by Wang et al., SIGCOMM'11; the outages are assumed.
    /// - `proxy-8`: 1 MB/s, and 8 connections at most. Assumed.
    /// - `fibre`: 125 MB/s, where nothing may be slower for our care.
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
