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
        let Some(calm) = self.calm else { return };
        let lasted = self.now.since(calm.at);
        let left = self.world.size() - calm.proven.min(self.world.size());
        let economy = &self.judge.economy;
        let stranded = economy.stranded - calm.stranded;
        let again = economy.searched + economy.surplus + economy.lost + stranded;
        let allowed = self.time_for(left + again) + self.grace();
        let what = format!("{left} bytes and {again} again took");
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
    let rate = world.profile.conn_cap.map_or(u64::MAX, |cap| cap.get());
    let rate = world.profile.trace.mean().min(rate).max(1);
    let transfer = Duration::from_millis(world.size() * 9000 / rate);
    let out: Duration = world.profile.outages.iter().map(|outage| outage.lasting * 20).sum();
    let down: Duration = world.crashes.iter().map(|crash| crash.down).sum();
    let full = world.disk_full.and_then(|full| full.lasting).unwrap_or_default();
    let weather = world.profile.trace.period() * 2;
    Instant::at(world.calm_at + (transfer + weather + HANGS_AFTER) * 3 + out + down + full)
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

/// Whoever is not done so long after all that can be named is over, hangs.
const HANGS_AFTER: Duration = Duration::from_secs(900);
