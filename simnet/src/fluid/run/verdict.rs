//! The end of a run: did it end as it should, in time, and at what cost?
//!
//! What happens on the way is judged as it happens.

use std::collections::BTreeMap;

use engine::event::End;
use engine::fault::{DiskFault, Fault};
use engine::time::{Duration, Instant};

use super::Run;
use crate::fluid::Outcome;
use crate::fluid::judge::Rule;
use crate::fluid::tally::Sometimes;
use crate::fluid::world::{Etags, Refusal, TroubleKind, World};
use crate::recording::Recording;

impl Run<'_> {
    pub(super) fn finish(mut self) -> (Outcome, Option<Recording>) {
        self.stats.add(self.transfer.stats());
        self.judge_ends();
        self.judge_time();
        self.judge_cost();
        let is_finished = self.end == Some(End::Finished);
        let end = self.end.take();
        self.log.mark(self.now, || format!("the end: {end:?}"));
        let (digest, recording) = self.log.finish();
        let outcome = Outcome {
            is_complete: is_finished && self.parts.iter().all(|part| part.is_sealed),
            end,
            lasted: self.now.since_start(),
            wire: self.judge.economy.wire,
            stats: self.stats,
            sessions: self.session + 1,
            steps: self.steps,
            records: self.parts.iter().map(|part| part.appended).sum(),
            digest,
            violations: self.judge.violations,
            tally: self.judge.tally,
            scores: self.judge.scores,
        };
        (outcome, recording)
    }

    fn judge_ends(&mut self) {
        let now = self.now;
        let is_disk_full = self.end == Some(End::Disk(Fault::Disk(DiskFault::Full)));
        let may_be_full = self.world.disk_full.is_some_and(|full| full.lasting.is_none());
        if is_disk_full && may_be_full {
            self.judge.tally.count(Sometimes::FailedRightly);
            return;
        }
        let end = self.end.clone();
        self.judge.check(end == Some(End::Finished), Rule::L4, now, || format!("{end:?}"));
        let failed: BTreeMap<u32, &'static str> =
            self.failed.iter().map(|(id, fault)| (*id, fault.kind())).collect();
        for (part, id) in self.parts.iter().zip(0..) {
            let (is_right, may_be) = match failed.get(&id).copied() {
                Some(kind) => (may_fail(self.world, id, kind), "failed"),
                None => (part.is_sealed && may_seal(self.world, id), "not failed"),
            };
            let how = failed.get(&id);
            let is_sealed = part.is_sealed;
            self.judge.check(is_right, Rule::L4, now, || {
                format!("file {id} {may_be}: {how:?}, sealed: {is_sealed}")
            });
        }
        if !failed.is_empty() {
            self.judge.tally.count(Sometimes::FailedRightly);
        }
    }

    fn judge_time(&mut self) {
        let calm = Instant::at(self.world.calm_at);
        if self.now <= calm {
            return;
        }
        let left = self.world.size() - self.proven_when_calm.unwrap_or_default();
        let out = self.judge.outages_between(calm, self.now);
        let outages = self.judge.count_outages(calm, self.now);
        let again = self.judge.economy.searched + self.judge.economy.lost;
        let limit = self.world.profile.conn_limit.unwrap_or(u32::MAX);
        let workers = self.world.config.workers_max.min(limit).max(1);
        let deaths = u32::try_from(self.judge.tally.of(Sometimes::SilentDeath)).unwrap_or(u32::MAX);
        let allowed = time_for(self.world, left + again)
            + REPLACED_WITHIN * deaths / workers
            + out
            + AFTER_OUTAGE * outages
            + slack(self.world);
        let lasted = self.now.since(calm);
        let what = format!("{left} bytes took");
        self.judge.spend_time((lasted, allowed), Rule::L1, self.now, &what);
    }

    fn judge_cost(&mut self) {
        let (wire, max) = (self.judge.economy.wire, self.judge.economy.wire_max(self.world));
        let size = self.world.size();
        let what = format!("{wire} bytes for {size}, not {max}: {:?}", self.judge.economy);
        self.judge.spend((wire, max), Rule::E1, self.now, || what);
    }
}

/// A run that lasts longer than this hangs.
pub(super) fn time_max(world: &World) -> Instant {
    let transfer = time_for(world, world.size() * 9);
    let out: Duration = world.profile.outages.iter().map(|outage| outage.lasting * 20).sum();
    let down: Duration = world.crashes.iter().map(|crash| crash.down).sum();
    let full = world.disk_full.and_then(|full| full.lasting).unwrap_or_default();
    Instant::at(world.calm_at + (transfer + slack(world)) * 3 + out + down + full)
}

/// How long so many bytes take, a fifth more than over one connection at a time.
fn time_for(world: &World, len: u64) -> Duration {
    let profile = &world.profile;
    let mean = profile.trace.mean();
    let rate = profile.conn_cap.map_or(mean, |cap| cap.get().min(mean)).max(1);
    let requests = len / world.config.request_bytes_min + world.files.len() as u64;
    let each = profile.rtt * (profile.setup_rtts + profile.reuse_rtts + 1);
    let waits = each * u32::try_from(requests).unwrap_or(u32::MAX);
    (Duration::from_millis(len.saturating_mul(1000) / rate) + waits) * 6 / 5
}

/// What may pass after everything has become good before bytes come, and at the end without any.
fn slack(world: &World) -> Duration {
    let told = world.troubles.iter().filter_map(|trouble| match trouble.kind {
        TroubleKind::Busy { retry_after, .. } => retry_after,
        TroubleKind::Forbidden
        | TroubleKind::Whole
        | TroubleKind::WrongRange
        | TroubleKind::Encoded
        | TroubleKind::NotSatisfiable
        | TroubleKind::Redirect
        | TroubleKind::Portal
        | TroubleKind::Short
        | TroubleKind::Flip
        | TroubleKind::Reset
        | TroubleKind::Stall => None,
    });
    let told = Duration::from_secs(told.max().unwrap_or(0));
    let period = world.profile.trace.period();
    let weather = if period > Duration::from_secs(1) { period * 2 } else { Duration::ZERO };
    let down: Duration = world.crashes.iter().map(|crash| crash.down).sum();
    let full = world.disk_full.and_then(|full| full.lasting).unwrap_or_default();
    let stall = world.config.stall_after.unwrap_or_default();
    SLACK + told + weather + down + full + stall * 2 + world.config.backoff_max * 2
}

/// Whether it is right that a file fails so.
fn may_fail(world: &World, id: u32, kind: &str) -> bool {
    let refused = match world.refusal {
        Some(Refusal::NoSuchFile) => kind == "no such file",
        Some(Refusal::TokenNeeded) => kind == "token needed",
        None => false,
    };
    let is_lying = world.troubles.iter().any(|it| it.kind == TroubleKind::Flip);
    // Two fetches that agree are believed, however soon the second one came.
    let damaged = id == 0 && world.replica.is_some();
    let replaced = matches!(world.etags, Some(Etags::Replaced(_)));
    refused
        || (damaged || replaced || is_lying) && kind == "wrong digest"
        || replaced && kind == "changed"
}

fn may_seal(world: &World, id: u32) -> bool {
    let is_empty = world.files[id as usize] == 0;
    let is_damaged = id == 0 && world.replica.is_some_and(|replica| replica.until.is_none());
    is_empty || world.refusal.is_none() && !is_damaged
}

/// A dead connection is replaced within this, where nothing else is heard.
const REPLACED_WITHIN: Duration = Duration::from_secs(76);
/// The first byte comes so soon after an outage, and the window may be small for a while.
const AFTER_OUTAGE: Duration = Duration::from_secs(40);
/// Patience with silence (75 s), a probe (30 s) and its backoff (30 s), the look at a server that
/// is asked again (30 s), and as much to spare.
const SLACK: Duration = Duration::from_secs(240);
