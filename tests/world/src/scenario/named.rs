//! Worlds with a name: each remembers a bug, or shows one kind of trouble by itself.
//!
//! Asserts nothing; the suite runs every one of them and expects what [`Named`] says.

use engine::config::Config;
use engine::time::Duration;
use simnet::profile::Profile;
use simnet::seed::Seed;

mod others;
mod xet;

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
    /// How long it may take at most.
    pub within: Duration,
    /// How many bytes may arrive at most.
    pub costs: u64,
}

/// Every world with a name.
pub fn all() -> Vec<Named> {
    let mut all = plain();
    all.extend(lies());
    all.extend(falls());
    all.extend(mishaps());
    all.push(told_to_wait());
    all.extend(others::all());
    all.extend(xet::all());
    all
}

/// A lie that is told midway, and not to all requests of the beginning.
fn told_to_wait() -> Named {
    let config =
        Config { request_bytes_min: 64 << 10, request_bytes_max: 256 << 10, ..Config::default() };
    let rule = "status 429 retry-after=20 route=cdn past=1MB times=1";
    Named {
        name: "told to wait",
        why: "a pause that the server asks for is kept, and is not a failure",
        scenario: Scenario { config, rules: vec![rule.to_owned()], ..calm("dsl", 4 * MB) },
        shows: &[Sometimes::ToldToWait],
        within: seconds(60),
        costs: u64::MAX,
    }
}

/// The link alone.
fn plain() -> Vec<Named> {
    vec![
        Named {
            name: "nothing goes wrong",
            why: "the price of all the care, and the picture to compare others with",
            scenario: calm("dsl", 4 * MB),
            shows: &[],
            within: seconds(20),
            costs: u64::MAX,
        },
        Named {
            name: "outage of ten minutes",
            why: "connections from before it are dead, one probe at a time, back within seconds",
            scenario: with(
                "weak-87k",
                4 * MB,
                [at(10, Happening::Outage { lasting: seconds(600) })],
            ),
            shows: &[Sometimes::OutlastedByOutage, Sometimes::SilentDeath],
            within: seconds(46 + 600 + 40),
            costs: u64::MAX,
        },
        Named {
            name: "resets on a fast link",
            why: "much arrives between two records, and all of it is kept",
            scenario: Scenario {
                rules: vec!["rst every=200KB route=cdn".to_owned()],
                ..calm("fibre", 8 * MB)
            },
            shows: &[Sometimes::LinkReset],
            within: seconds(30),
            costs: u64::MAX,
        },
        Named {
            name: "half-open connections",
            why: "a dead connection is replaced within the stall bound while others bring bytes",
            scenario: with("capped-1m", 8 * MB, [at(5, Happening::HalfOpen)]),
            shows: &[Sometimes::SilentDeath],
            within: seconds(60),
            costs: u64::MAX,
        },
        Named {
            name: "no names for a while",
            why: "a resolver that is out of reach is not a hub that does not exist",
            scenario: Scenario {
                // Who is cut off has to look the name up again.
                rules: vec!["rst every=200KB route=cdn times=6".to_owned()],
                ..with("dsl", 4 * MB, [at(4, Happening::NoNames { lasting: seconds(30) })])
            },
            shows: &[Sometimes::NamesFailed],
            within: seconds(90),
            costs: u64::MAX,
        },
        Named {
            name: "the hub crashes",
            why: "its connections are reset and nobody listens for ten seconds",
            scenario: with("dsl", 4 * MB, [at(6, Happening::HubCrash { down: seconds(10) })]),
            shows: &[Sometimes::HubCrashed, Sometimes::LinkReset],
            within: seconds(70),
            costs: u64::MAX,
        },
    ]
}

/// The hub lies.
fn lies() -> Vec<Named> {
    let lie = |name, why, rule: &str, shows, within| Named {
        name,
        why,
        scenario: Scenario {
            rules: vec![rule.to_owned()],
            // Short, so that the hub is asked again midway.
            url_lifetime: seconds(10),
            ..calm("dsl", 4 * MB)
        },
        shows,
        within: seconds(within),
        costs: u64::MAX,
    };
    vec![
        lie(
            "resets all the time",
            "a reset costs what was in flight, never what has come",
            "rst every=200KB route=cdn",
            &[Sometimes::LinkReset],
            60,
        ),
        flipped(),
        lie(
            "ranges ignored once they worked",
            "one stream serves all that is missing",
            "ignore-range route=cdn from=2 times=6",
            &[Sometimes::OneStream],
            60,
        ),
        versions(),
        lie(
            "another version in the first answer",
            "what came first is no measure: the digest is",
            "etag-change route=cdn times=1",
            &[Sometimes::EtagChanged],
            60,
        ),
        refused(),
        pushed(),
    ]
}

/// A bit near the beginning: what is fetched again ends soon behind it.
fn flipped() -> Named {
    let rule = "flip at=400000 bit=3 route=cdn times=1";
    Named {
        name: "one bit is wrong",
        why: "the wrong range is found and fetched again, not the file",
        scenario: Scenario { config: small(), rules: vec![rule.to_owned()], ..calm("dsl", 4 * MB) },
        shows: &[Sometimes::Corrupted],
        within: seconds(60),
        // The file, what stands before the bit, what two requests bring meanwhile, and heads.
        costs: 4 * MB + 400_000 + 2 * (256 << 10) + 100_000,
    }
}

/// An answer in the middle is of another version, and says so.
fn versions() -> Named {
    let rule = "etag-change route=cdn from=8 times=1";
    Named {
        name: "another version under the same name",
        why: "an old copy costs what it brought, and is never part of the file",
        scenario: Scenario { config: small(), rules: vec![rule.to_owned()], ..calm("dsl", 4 * MB) },
        shows: &[Sometimes::EtagChanged],
        within: seconds(60),
        costs: 4 * MB + (256 << 10) + 100_000,
    }
}

/// Connections that end are replaced in vain for a while, beside others that go on.
fn refused() -> Named {
    let rules = ["refuse for=12s route=cdn from=6 times=1", "rst every=300KB route=cdn times=6"];
    Named {
        name: "refused beside good connections",
        why: "many refusals in a row are paced although others bring bytes",
        scenario: Scenario {
            config: small(),
            rules: rules.map(str::to_owned).to_vec(),
            ..calm("dsl", 4 * MB)
        },
        shows: &[Sometimes::DialledInVain],
        within: seconds(90),
        costs: 4 * MB * 106 / 100,
    }
}

/// The hub is asked again and again, since what it says of places ends soon.
fn pushed() -> Named {
    let rule = "commit-change route=resolve from=2 times=1";
    Named {
        name: "a push meanwhile",
        why: "the commit is pinned: what was begun is finished",
        scenario: Scenario {
            config: small(),
            url_lifetime: seconds(4),
            rules: vec![rule.to_owned()],
            ..calm("dsl", 4 * MB)
        },
        shows: &[Sometimes::PushedMeanwhile],
        within: seconds(60),
        costs: 4 * MB * 103 / 100,
    }
}

/// Many small requests, two at a time.
fn small() -> Config {
    Config {
        workers_max: 2,
        request_bytes_min: 64 << 10,
        request_bytes_max: 256 << 10,
        ..Config::default()
    }
}

/// Somebody falls.
fn falls() -> Vec<Named> {
    let sync_fails = |n| at(n, Happening::SyncError);
    vec![
        Named {
            name: "killed every few seconds",
            why: "a kill costs what is written only every 400 ms",
            scenario: with("dsl", 4 * MB, (1..9).map(|n| at(3 * n, kill(5 * n as u32 % 17)))),
            shows: &[Sometimes::CrashAfterRecord],
            within: seconds(90),
            costs: u64::MAX,
        },
        Named {
            name: "power cut every few seconds",
            why: "what was synced stays, and nothing else is believed",
            scenario: with("dsl", 4 * MB, (1..9).map(|n| at(5 * n, cut(7 * n as u32 % 40)))),
            shows: &[Sometimes::Forgotten],
            within: seconds(120),
            costs: u64::MAX,
        },
        Named {
            name: "failed sync, then a power cut",
            why: "after a failed sync a system may hold as written what is only in its memory",
            scenario: with("dsl", 4 * MB, [sync_fails(4), at(16, cut(0)), at(19, cut(0))]),
            shows: &[Sometimes::SyncOrRecordFailed],
            within: seconds(90),
            costs: u64::MAX,
        },
        Named {
            name: "a journal that cannot be appended to",
            why: "what is not recorded is not safe, and going on as if it were would lose it later",
            scenario: with("dsl", 4 * MB, [at(6, Happening::JournalError), at(12, kill(0))]),
            shows: &[Sometimes::DiskFailed],
            within: seconds(60),
            costs: u64::MAX,
        },
    ]
}

/// What a user does, and what their disk does to them.
fn mishaps() -> Vec<Named> {
    vec![
        Named {
            name: "stopped while the hub is silent",
            why: "nobody waits for an answer that may never come: stopping takes a second",
            scenario: Scenario {
                url_lifetime: seconds(6),
                ..with(
                    "dsl",
                    4 * MB,
                    [
                        at(8, Happening::Outage { lasting: seconds(60) }),
                        at(30, Happening::Cancel { pause: seconds(5) }),
                    ],
                )
            },
            shows: &[Sometimes::Stopped],
            within: seconds(160),
            costs: u64::MAX,
        },
        Named {
            name: "no space, then space",
            why: "the user frees some space and runs the same command again",
            scenario: Scenario {
                disk_bytes: Some(3 * MB),
                calm_at: seconds(60),
                ..calm("dsl", 4 * MB)
            },
            shows: &[Sometimes::NoSpaceThenSpace],
            within: seconds(120),
            costs: u64::MAX,
        },
        Named {
            name: "the disk changes a bit",
            why: "damage on the disk is told from damage on the way, and only it is fetched again",
            scenario: with("dsl", 4 * MB, [at(10, Happening::BitRot { permille: 100 })]),
            shows: &[Sometimes::BitRotRepaired],
            within: seconds(60),
            costs: u64::MAX,
        },
        Named {
            name: "two want the same file",
            why: "one fetches, the other waits, and takes over when the first is killed",
            scenario: Scenario {
                rival_at: Some(seconds(2)),
                ..with("dsl", 4 * MB, [at(8, kill(0))])
            },
            shows: &[Sometimes::WaitedForRival],
            within: seconds(60),
            costs: u64::MAX,
        },
        Named {
            name: "a URL that ends while another fetches",
            why: "who waits for their turn grows old, and so does what the hub told them",
            scenario: Scenario {
                rival_at: Some(seconds(2)),
                url_lifetime: seconds(6),
                ..with("dsl", 4 * MB, [at(10, Happening::Kill { after_ops: 0, down: seconds(20) })])
            },
            shows: &[Sometimes::WaitedForRival],
            within: seconds(60),
            costs: u64::MAX,
        },
    ]
}

fn cut(after_ops: u32) -> Happening {
    Happening::PowerCut { after_ops, down: seconds(1) }
}

fn kill(after_ops: u32) -> Happening {
    Happening::Kill { after_ops, down: seconds(1) }
}

/// A small world in which the process is killed, or the power cut, at the n-th operation of the
/// disk after the start.
pub fn fall_at(after_ops: u32, is_power_cut: bool) -> Scenario {
    let fall = at(0, fall(after_ops, is_power_cut));
    Scenario { calm_at: seconds(30), ..with("proxy-8", 300_000, [fall]) }
}

/// The same at the n-th operation after the user has stopped it.
pub fn fall_when_stopped(after_ops: u32, is_power_cut: bool) -> Scenario {
    let fall = at(2, fall(after_ops, is_power_cut));
    let stop = at(2, Happening::Cancel { pause: seconds(1) });
    Scenario { calm_at: seconds(30), ..with("dsl", 1_000_000, [fall, stop]) }
}

/// The same from shortly before a wrong bit is noticed, so that it also comes while what is
/// doubted is written again. There are so many of these operations; then comes another seed.
pub fn fall_in_repair(number: u32, is_power_cut: bool) -> Scenario {
    const OPERATIONS: u32 = 24;
    let fall = at(3, fall(number % OPERATIONS, is_power_cut));
    Scenario {
        seed: Seed(u64::from(number / OPERATIONS)),
        rules: vec!["flip at=50000 bit=3 route=cdn times=1".to_owned()],
        calm_at: seconds(30),
        ..with("dsl", 600_000, [fall])
    }
}

/// The same some time after a journal has become so long that it is shortened: a weak link brings
/// a record every few KB, and syncs take long enough for others to be appended meanwhile.
pub fn fall_after_shortening(halves: u32, is_power_cut: bool) -> Scenario {
    let mut fall = at(20, fall(0, is_power_cut));
    fall.at += Duration::from_millis(500) * halves;
    let config =
        Config { request_bytes_min: 256 << 10, request_bytes_max: 256 << 10, ..Config::default() };
    let sync_takes = Duration::from_millis(150);
    let seed = Seed(halves.into());
    let base = with("weak-87k", 4 * MB, [fall]);
    Scenario { seed, config, sync_takes, calm_at: seconds(120), ..base }
}

/// A small world in which the process is killed, or the power cut, when all is done: what is in
/// place stays there. What a power cut takes is another thing for each `seed`.
pub fn fall_when_served(seed: u32, is_power_cut: bool) -> Scenario {
    let fall = at(20, fall(0, is_power_cut));
    let seed = Seed(seed.into());
    Scenario { seed, calm_at: seconds(30), ..with("proxy-8", 300_000, [fall]) }
}

const fn fall(after_ops: u32, is_power_cut: bool) -> Happening {
    let down = seconds(1);
    if is_power_cut {
        Happening::PowerCut { after_ops, down }
    } else {
        Happening::Kill { after_ops, down }
    }
}

/// A world in which nothing goes wrong.
pub fn calm(link: &'static str, size: u64) -> Scenario {
    Scenario {
        seed: Seed(1),
        link,
        profile: Profile::named(link).expect("the name of a built-in link"),
        sizes: vec![size],
        xet: None,
        url_lifetime: seconds(3600),
        rules: Vec::new(),
        script: Vec::new(),
        calm_at: seconds(1200),
        config: Config::default(),
        rival_at: None,
        elsewhere: None,
        refusal: None,
        open_files: None,
        disk_bytes: None,
        sync_takes: Duration::from_millis(20),
    }
}

fn with(link: &'static str, size: u64, script: impl IntoIterator<Item = Step>) -> Scenario {
    Scenario { script: script.into_iter().collect(), ..calm(link, size) }
}

fn at(second: u64, what: Happening) -> Step {
    Step { at: seconds(second), what }
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

const MB: u64 = 1_000_000;
