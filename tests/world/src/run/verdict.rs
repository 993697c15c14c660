//! What a run is judged by: after each crash, and when it is over.
//!
//! The rules are the witness's; here the facts are put together.

use std::collections::VecDeque;
use std::path::Path;

use engine::time::{Duration, Instant};
use fake_hub::{RequestRecord, Route};
use simnet::disk::watch::{Fact, What};

use super::cost::bill;
use super::deaths::check_deaths;
use super::leases::check_leases;
use super::silence::{check_outages, check_pauses};
use super::twice::check_twice;
use super::xet::note_xet;
use crate::scenario::Happening;
use crate::sometimes::Sometimes;
use crate::stage::{HOME, Stage};
use crate::witness::{Rule, Witness, check_pace, strays};
use simnet::net::{Ending, Flow, HUB_NAME};

/// How long after the calm everybody must be served: what is missing, perhaps twice, at what the
/// link carries, and the time that it takes to notice that all is well. Pauses between tries are no
/// longer than the trouble lasted, since each doubles the one before.
pub(super) fn patience(stage: &Stage) -> Duration {
    let size = stage.size();
    let profile = &stage.scenario.profile;
    let cap = profile.conn_cap.map_or(u64::MAX, u64::from);
    let rate = profile.trace.mean().min(cap).max(1);
    let backoff = stage.scenario.config.backoff_max.min(stage.scenario.calm_at);
    let down = stage.scenario.script.iter().map(|step| match step.what {
        Happening::Kill { down, .. }
        | Happening::PowerCut { down, .. }
        | Happening::Cancel { pause: down }
        | Happening::Suspend { lasting: down } => down,
        Happening::Outage { .. }
        | Happening::HalfOpen
        | Happening::NoNames { .. }
        | Happening::SlowNames { .. }
        | Happening::Dark { .. }
        | Happening::HubCrash { .. }
        | Happening::DiskError { .. }
        | Happening::SyncError
        | Happening::JournalError
        | Happening::JournalFull
        | Happening::ShortWrite { .. }
        | Happening::ClockJump { .. }
        | Happening::Tamper { .. }
        | Happening::BitRot { .. } => Duration::ZERO,
    });
    let claims = if stage.hosts().len() > 1 { STALE } else { Duration::ZERO };
    let down = down.max().unwrap_or_default();
    SETTLING + backoff + down + claims + Duration::from_secs(2 * size / rate).mul_f64(1.2)
}

/// What the disk was doing when somebody died.
pub(super) fn note_crash(stage: &Stage) {
    let facts = stage.computer.disk().facts();
    let last = |fact: &&Fact| stage.places().iter().any(|it| is_of(fact, &it.part, &it.journal));
    let Some(fact) = facts.iter().rev().find(last) else { return };
    let is_journal = fact.path.extension().is_some_and(|it| it == "journal");
    let situation = match (&fact.what, is_journal) {
        (What::Written(_), false) => Sometimes::CrashAfterWrite,
        (What::Written(range), true) if range.len() <= MARKER_BYTES => Sometimes::CrashAfterMarker,
        (What::Written(_), true) => Sometimes::CrashAfterRecord,
        (What::Synced, false) => Sometimes::CrashAfterSync,
        (What::Placed { .. }, false) => Sometimes::CrashAfterRename,
        (
            What::Placed { .. } | What::Synced | What::Created | What::SetLen(_) | What::Removed,
            _,
        ) => return,
    };
    stage.witness().note(situation);
}

fn is_of(fact: &Fact, part: &Path, journal: &Path) -> bool {
    fact.path == part || fact.path == journal
}

/// Holds the disk against what the product will believe of it.
pub(super) fn check_crash(stage: &Stage, now: Instant) {
    let trust = stage.trust();
    let mut witness = stage.witness();
    for place in stage.places() {
        place.look(stage.computer.disk(), trust, &mut witness, now);
    }
}

/// Holds the disk against what processes tell.
pub(super) fn check_progress(stage: &Stage, now: Instant) {
    let trust = stage.trust();
    if !trust.is_disk_honest {
        return;
    }
    let mut witness = stage.witness();
    for place in stage.places() {
        if trust.is_content_honest {
            place.check_progress(stage.computer.disk(), &mut witness, now);
        }
        if trust.is_description_honest {
            place.check_vouched(stage.computer.disk(), &mut witness, now);
        }
    }
}

/// Judges a run that is over. How many bytes may have arrived in it.
pub(super) fn judge(stage: &Stage, now: Instant) -> u64 {
    check_crash(stage, now);
    check_disk(stage, now);
    check_content(stage);
    check_network(stage, now);
    check_leases(stage);
    check_outages(stage, now);
    check_deaths(stage, now);
    check_twice(stage);
    stage.note_files_failed();
    check_pauses(stage, now);
    note_requests(stage);
    note_xet(stage);
    let bill = bill(stage);
    bill.check(&mut stage.witness(), now);
    bill.allowed()
}

fn check_disk(stage: &Stage, now: Instant) {
    let disk = stage.computer.disk();
    let mut witness = stage.witness();
    witness.arm(Rule::S5InsideItsPlace);
    if stage.computer.processes() > 1 {
        witness.arm(Rule::S11OneWriter);
    }
    for fact in disk.facts() {
        for place in stage.places() {
            match &fact.what {
                What::Placed { to, is_synced, .. } if *to == place.target => {
                    witness.check(*is_synced, now, Rule::S2SealedByRename, || {
                        format!("{} was put in place before it was synced", place.path)
                    });
                }
                What::Written(_) | What::Created if fact.path == place.target => {
                    let how = format!("{} was written under its final name", place.path);
                    witness.accuse(now, Rule::S2SealedByRename, how);
                }
                What::Written(range) if fact.path == place.part => {
                    let whole = place.truth.whole();
                    if range.end > whole.end {
                        let how = format!("{range} of {} was written", place.path);
                        witness.accuse(now, Rule::S5InsideItsPlace, how);
                    }
                }
                What::Written(_)
                | What::Created
                | What::Placed { .. }
                | What::SetLen(_)
                | What::Synced
                | What::Removed => {}
            }
        }
    }
    for path in strays(disk, Path::new("/home")) {
        let how = format!("{} has appeared", path.display());
        witness.accuse(now, Rule::S5InsideItsPlace, how);
    }
    for interleaving in disk.interleaved_writers() {
        witness.accuse(now, Rule::S11OneWriter, format!("{interleaving:?}"));
    }
    let handles_max = HANDLES + HANDLES_PER_FILE * stage.files.len() * stage.hosts().len();
    let handles = (disk.totals().handles_max as u64, handles_max as u64);
    witness.spend(handles, now, Rule::S9Bounded, "files open at once");
    let is_used = disk.walk().iter().any(|path| path.starts_with(HOME));
    if is_used || stage.scenario.refusal.is_some() {
        return;
    }
    witness.accuse(now, Rule::S1OnlyRightFiles, "nothing was written at all");
}

/// Where nobody has damaged a byte, a file that is all there is the right one at the first try:
/// nothing that was not asked for has become data, and no claim was believed that did not hold.
/// Nor has another version, where it shows, comes but once, and is not what came first.
fn check_content(stage: &Stage) {
    let trust = stage.trust();
    if !trust.is_disk_honest {
        return;
    }
    let rule = if trust.is_content_honest {
        Rule::S7OnlyItsBytes
    } else if stage.is_version_evident() {
        Rule::S6OneVersion
    } else {
        return;
    };
    let mut witness = stage.witness();
    if rule == Rule::S6OneVersion || USELESS.iter().any(|kind| stage.fired(kind) > 0) {
        witness.arm(rule);
    }
    for (at, path) in witness.mismatches().to_vec() {
        let how = format!("{path} was all there and wrong, and nobody had damaged it");
        witness.accuse(at, rule, how);
    }
}

fn check_network(stage: &Stage, now: Instant) {
    let log = stage.network.connections();
    let workers = stage.scenario.config.workers_max * stage.hosts().len() as u32;
    // A name that is looked up in vain is no connection, nor is a dial that lost a race against a
    // connection that became free.
    let is_dialled = |flow: &&Flow| {
        let is_raced = flow.opened_at.is_none() && flow.ending == Some(Ending::Dropped);
        flow.ending != Some(Ending::NoName) && !is_raced
    };
    let flows = log.flows().iter().filter(is_dialled);
    let connects: Vec<Instant> = flows.map(|flow| flow.asked_at).collect();
    let mut witness = stage.witness();
    check_pace(&connects, workers, &mut witness);
    check_vain(stage, &mut witness);
    check_reuse(stage, &mut witness, now);
    let open_max = CONNECTIONS + 2 * workers as usize;
    let connections = (log.open_max() as u64, open_max as u64);
    witness.spend(connections, now, Rule::S9Bounded, "connections at once");
    let leaks: u64 = stage.network.hubs().iter().map(|hub| hub.stats().tokens_on_cdn).sum();
    if log.flows().iter().any(|flow| flow.host != HUB_NAME && flow.sent > 0) {
        let how = || format!("{leaks} requests with a token");
        witness.check(leaks == 0, now, Rule::S8TokenStaysHome, how);
    }
    if log.flows().iter().any(|flow| flow.ending == Some(Ending::Reset)) {
        witness.note(Sometimes::LinkReset);
    }
}

/// E2: where nothing ends a connection, requests share a few: as many as there are workers, for
/// each host; a split ends one more.
fn check_reuse(stage: &Stage, witness: &mut Witness, now: Instant) {
    let scenario = &stage.scenario;
    let is_harmless = |rule: &String| rule.starts_with("storage-etag");
    let profile = &scenario.profile;
    let is_calm = scenario.script.is_empty()
        && scenario.rules.iter().all(is_harmless)
        && scenario.is_even()
        && profile.reset_every.is_none()
        && profile.crowd_reset_every.is_none()
        && profile.conn_limit.is_none();
    if !is_calm || scenario.rival_at.is_some() || scenario.refusal.is_some() {
        return;
    }
    let opened = stage.network.hubs().iter().map(|hub| hub.stats().connections).sum();
    let splits = witness.situations().count(Sometimes::TailSplit);
    let hosts = if scenario.xet.is_some() { 3 } else { 2 };
    let allowed = hosts * u64::from(scenario.config.workers_max) + splits + SPARE;
    witness.spend((opened, allowed), now, Rule::E2Paced, "connections where one may be reused");
}

/// E2: who only gets errors asks less and less often.
fn check_vain(stage: &Stage, witness: &mut Witness) {
    for hub in stage.network.hubs() {
        let mut requests = hub.requests();
        requests.sort_by_key(|request| request.time_ms);
        let (mut vain, mut most) = (VecDeque::new(), (0, 0));
        for request in &requests {
            if matches!(request.status, 200..400) && request.body_bytes > 0 {
                vain.clear();
                continue;
            }
            vain.push_back(request.time_ms);
            while vain.front().is_some_and(|at| request.time_ms - at > VAIN_MS) {
                vain.pop_front();
            }
            most = most.max((vain.len() as u64, request.time_ms));
        }
        let at = Instant::at(Duration::from_millis(most.1));
        if most.0 > 0 {
            witness.spend((most.0, VAIN_MAX), at, Rule::E2Paced, "requests in vain in 10 s");
        }
    }
}

fn note_requests(stage: &Stage) {
    let requests: Vec<RequestRecord> =
        stage.network.hubs().iter().flat_map(|hub| hub.requests()).collect();
    let mut witness = stage.witness();
    let mut note = |is_so: bool, situation| {
        if is_so {
            witness.note(situation);
        }
    };
    let has = |status| requests.iter().any(|request| request.status == status);
    note(has(416), Sometimes::RangeNotSatisfiable);
    note(has(429), Sometimes::ToldToWait);
    note(has(403), Sometimes::UrlExpired);
    let changed = |request: &RequestRecord| request.fault.as_deref() == Some("etag-change");
    note(requests.iter().any(changed), Sometimes::EtagChanged);
    let redirected = |request: &RequestRecord| request.fault.as_deref() == Some("cross-host");
    note(requests.iter().any(redirected), Sometimes::Redirected);
    let dripped = |request: &RequestRecord| request.fault.as_deref() == Some("slow-loris");
    note(requests.iter().any(dripped), Sometimes::Dripped);
    let is_zero = |rule: &String| rule.contains("retry-after=0");
    let has_zero = stage.scenario.rules.iter().any(is_zero);
    note(has_zero && (has(429) || has(503)), Sometimes::ToldToComeAtOnce);
    note(has_pushed(&requests), Sometimes::PushedMeanwhile);
    let (late, vain) = stage.network.names().counts();
    note(late > 0, Sometimes::NamesLate);
    let connections = stage.network.connections();
    let ends = |ending| connections.flows().iter().any(|flow| flow.ending == Some(ending));
    note(ends(Ending::NoName), Sometimes::NamesFailed);
    note(vain > 0 || ends(Ending::NoAnswer), Sometimes::DialledInVain);
    let max = stage.scenario.open_files.unwrap_or(u64::MAX);
    note(max / 5 < stage.files.len() as u64, Sometimes::SeveralBatches);
}

/// Whether somebody pushed, and content was asked for afterwards by the commit of before.
fn has_pushed(requests: &[RequestRecord]) -> bool {
    let is_push = |request: &&RequestRecord| request.fault.as_deref() == Some("commit-change");
    let Some(push) = requests.iter().find(is_push) else { return false };
    let commit = |path: &str| path.split('/').find(|word| word.len() == 40).map(str::to_owned);
    let asked = requests.iter().filter(|it| it.route == Route::Resolve);
    let (before, after): (Vec<_>, Vec<_>) = asked.partition(|it| it.time_ms <= push.time_ms);
    let pinned = before.iter().find_map(|it| commit(&it.path));
    pinned.is_some() && after.iter().any(|it| commit(&it.path) == pinned)
}

/// A probe comes every half minute, and what is silent is believed in for 75 s; a user waits 5 s
/// before they start it again.
const SETTLING: Duration = Duration::from_secs(120);
/// A claim that nobody renews any more is believed in for a minute, and watched for a while.
const STALE: Duration = Duration::from_secs(75);
/// A marker is shorter than any other record.
const MARKER_BYTES: u64 = 24;
/// Connections for planning.
const SPARE: u64 = 4;
const VAIN_MS: u64 = 10_000;
/// Every 250 ms at most, by each of two who ask, and what many requests meet together.
const VAIN_MAX: u64 = 100;
/// Answers that are not what was asked for.
const USELESS: [&str; 8] = [
    "portal",
    "gzip",
    "wrong-range",
    "short-body",
    "ignore-range",
    "empty-206",
    "no-content-range",
    "redirect-loop",
];
const HANDLES: usize = 16;
const HANDLES_PER_FILE: usize = 8;
const CONNECTIONS: usize = 8;
