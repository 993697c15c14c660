//! Worlds with others in them: on the same disk, at the clock, on the way to one host; and worlds
//! in which what is asked for cannot be had.
//!
//! Asserts nothing, like the others.

use simnet::disk::settings::Locks;

use super::super::{Happening, Refusal, Scenario, Tamper};
use super::{MB, Named, at, calm, kill, seconds, with};
use crate::sometimes::Sometimes;

pub(super) fn all() -> Vec<Named> {
    let mut all = competitors();
    all.extend(out_of_reach());
    all.extend(unhelpful());
    all.extend(in_vain());
    all.extend(disks());
    all.extend(tampered());
    all
}

fn named(
    name: &'static str,
    why: &'static str,
    shows: &'static [Sometimes],
    within: u64,
    scenario: Scenario,
) -> Named {
    Named { name, why, scenario, shows, within: seconds(within), costs: u64::MAX }
}

/// Others who want the same file, and what they cannot know of each other.
fn competitors() -> Vec<Named> {
    let elsewhere = |locks, script: Vec<_>| Scenario {
        rival_at: Some(seconds(2)),
        elsewhere: Some(locks),
        ..with("dsl", 4 * MB, script)
    };
    let sleep = || at(6, Happening::Suspend { lasting: seconds(120) });
    vec![
        named(
            "killed, and the competitor is elsewhere",
            "who cannot ask whether a writer lives waits for its heartbeat, and then goes on",
            &[Sometimes::RivalElsewhere, Sometimes::WaitedForRival],
            200,
            elsewhere(
                Locks::Absent,
                vec![at(6, Happening::Kill { after_ops: 0, down: seconds(100) })],
            ),
        ),
        named(
            "asleep for longer than a heartbeat, locks that lie",
            "who wakes up and was taken for dead writes into a file that nobody believes",
            &[Sometimes::SleptThroughHeartbeat, Sometimes::RivalElsewhere],
            260,
            elsewhere(Locks::Lying, vec![sleep()]),
        ),
        named(
            "asleep for longer than a heartbeat, no locks",
            "the same where there are no locks at all",
            &[Sometimes::SleptThroughHeartbeat, Sometimes::RivalElsewhere],
            260,
            elsewhere(Locks::Absent, vec![sleep()]),
        ),
        named(
            "a long batch, and a competitor elsewhere",
            "every claim of a batch is renewed, and not only the first",
            &[Sometimes::RivalElsewhere, Sometimes::WaitedForRival],
            200,
            Scenario {
                sizes: vec![3 * MB; 4],
                rival_at: Some(seconds(2)),
                elsewhere: Some(Locks::Absent),
                ..calm("weak-87k", MB)
            },
        ),
        named(
            "the clock is set back by an hour",
            "how long something takes is not told by dates",
            &[Sometimes::ClockJumped],
            60,
            Scenario {
                rival_at: Some(seconds(2)),
                url_lifetime: seconds(8),
                ..with(
                    "dsl",
                    4 * MB,
                    [at(5, Happening::ClockJump { seconds: -3600 }), at(9, kill(0))],
                )
            },
        ),
    ]
}

/// Parts of the network that fail by themselves.
fn out_of_reach() -> Vec<Named> {
    let cut_off = || vec!["rst every=200KB route=cdn times=8".to_owned()];
    vec![
        named(
            "no names when it begins",
            "planning probes as often as a transfer does: half a minute after the end it goes on",
            &[Sometimes::NamesFailed],
            400 + 30 + 5 + 25,
            with("dsl", 4 * MB, [at(0, Happening::NoNames { lasting: seconds(400) })]),
        ),
        named(
            "names that are late",
            "a slow resolver is waited for",
            &[Sometimes::NamesLate],
            120,
            Scenario {
                rules: cut_off(),
                ..with(
                    "dsl",
                    4 * MB,
                    [at(0, Happening::SlowNames { by: seconds(7), lasting: seconds(30) })],
                )
            },
        ),
        named(
            "the storage is dark while the hub lives",
            "packets to one host vanish; it is asked again within half a minute of its return",
            &[Sometimes::DialledInVain],
            45 + 30 + 45,
            Scenario {
                rules: cut_off(),
                ..with("dsl", 4 * MB, [at(4, Happening::Dark { lasting: seconds(45) })])
            },
        ),
    ]
}

/// A hub that answers, and not as one would like.
fn unhelpful() -> Vec<Named> {
    vec![
        named(
            "told to come at once",
            "a server that says that no pause is needed is not asked all the time",
            &[Sometimes::ToldToComeAtOnce],
            90,
            Scenario {
                rules: vec![
                    "status 429 retry-after=0 route=api times=9".to_owned(),
                    "status 503 retry-after=0 route=cdn times=6".to_owned(),
                ],
                ..calm("dsl", 4 * MB)
            },
        ),
        named(
            "told to wait while it plans",
            "a pause is kept also before there is a transfer",
            &[Sometimes::ToldToWait],
            150,
            Scenario {
                rules: vec!["status 429 retry-after=20 route=resolve times=5".to_owned()],
                ..calm("dsl", 4 * MB)
            },
        ),
        named(
            "an answer byte by byte",
            "what drips is not waited for for ever",
            &[Sometimes::Dripped],
            120,
            Scenario {
                rules: vec!["slow-loris interval=1s route=resolve times=1".to_owned()],
                ..calm("dsl", 4 * MB)
            },
        ),
        named(
            "content that is elsewhere",
            "a redirect of the storage is followed, or a new URL asked for",
            &[Sometimes::Redirected],
            60,
            Scenario {
                rules: vec!["cross-host route=cdn times=3".to_owned()],
                ..calm("dsl", 4 * MB)
            },
        ),
    ]
}

/// What cannot be had, and much of what can.
fn in_vain() -> Vec<Named> {
    let refused = |name, why, refusal| {
        let scenario = Scenario { refusal: Some(refusal), ..calm("dsl", MB) };
        named(name, why, &[Sometimes::RefusedForGood], 10, scenario)
    };
    vec![
        refused("no such file", "what is not there is not asked for again", Refusal::NoSuchFile),
        refused("no such revision", "nor is a branch", Refusal::NoSuchRevision),
        refused("not for you", "a user without access is told so", Refusal::NotForYou),
        named(
            "more files than may be open",
            "what is done once for each batch is done for all of them, and for each file in it",
            &[Sometimes::SeveralBatches],
            90,
            Scenario {
                sizes: vec![400_000; 12],
                open_files: Some(16 + 3 * 8 + 5 * 3),
                rival_at: Some(seconds(3)),
                ..with("dsl", MB, [at(9, kill(0))])
            },
        ),
    ]
}

/// Disks that fail while a user stops it, or in other ways than by an error.
fn disks() -> Vec<Named> {
    vec![
        named(
            "stopped, and the last sync fails",
            "a disk that fails after the end has begun is not waited for",
            &[Sometimes::SyncOrRecordFailed],
            90,
            with(
                "dsl",
                4 * MB,
                [at(8, Happening::SyncError), at(8, Happening::Cancel { pause: seconds(2) })],
            ),
        ),
        named(
            "no room for a record",
            "what is not recorded is not safe, and the user is told",
            &[Sometimes::SyncOrRecordFailed, Sometimes::NoSpaceThenSpace],
            60,
            with("dsl", 4 * MB, [at(6, Happening::JournalFull)]),
        ),
        named(
            "a write that goes down in part",
            "half a write is none",
            &[Sometimes::DiskFailed],
            60,
            with("dsl", 4 * MB, [at(6, Happening::ShortWrite { after_ops: 3 })]),
        ),
    ]
}

/// Somebody else at the file that is not finished yet.
fn tampered() -> Vec<Named> {
    let tamper = |name, why, how, permille| {
        let script = [at(10, Happening::Tamper { how, permille })];
        named(name, why, &[Sometimes::Tampered], 120, with("dsl", 4 * MB, script))
    };
    vec![
        tamper("zeros in what has come", "only what was read is promised", Tamper::Zero, 100),
        tamper("cut off by somebody", "a part that is too short is noticed", Tamper::Truncate, 300),
        tamper("removed by somebody", "a part that is gone is noticed", Tamper::Remove, 0),
    ]
}
