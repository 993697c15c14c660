//! From the start of a process to its end, and on to the next: crashes, resuming, stopping.
//!
//! What survives a crash is the part's business.

use std::collections::BTreeMap;

use engine::event::End;
use engine::fault::{DiskFault, Fault};
use engine::journal::Record;
use engine::manifest::{FileId, FileSpec, Manifest};
use engine::range::ByteRange;
use engine::time::{Duration, Instant};
use engine::transfer::{Resumed, Transfer};

use super::{Run, WorkKind};
use crate::fluid::agenda::Plan;
use crate::fluid::content::RIGHT;
use crate::fluid::judge::Rule;
use crate::fluid::tally::Sometimes;
use crate::fluid::world::World;
use crate::fluid::writer::Writer;

/// A machine for the files that are listed, with what is there of them.
pub(super) fn machine(
    world: &World,
    resumed: &mut BTreeMap<FileId, Resumed>,
    session: u32,
    now: Instant,
) -> Transfer {
    let is_first = session == 0;
    let files = world.files.iter().zip(0..).map(|(size, id)| (FileId(id), *size));
    let wanted = files.filter(|(id, _)| is_first || resumed.contains_key(id));
    let spec = |size| FileSpec { size, digest: RIGHT, location: None, xet: None };
    let files = wanted.map(|(id, size)| (id, spec(size))).collect();
    let hub = Some("https://hub.example/".parse().expect("it is a URL"));
    let manifest = Manifest { hub, files };
    let seed = world.seed.wrapping_add(u64::from(session) << 32);
    Transfer::new(manifest, std::mem::take(resumed), world.config.clone(), seed, now)
}

impl Run<'_> {
    /// The process dies now, and is started again.
    pub(super) fn crash(&mut self) {
        let crash = self.world.crashes[self.crashes];
        self.crashes += 1;
        self.is_dying = false;
        self.note_stage();
        let what = if crash.is_power_cut { "power cut" } else { "kill" };
        self.log.mark(self.now, || what.to_owned());
        let untimely = self.untimely.take();
        self.judge.economy.lost += self.unrecorded(untimely.as_ref());
        let before: u64 = self.proven();
        let mut kept = Vec::new();
        for (part, id) in self.parts.iter_mut().zip(0..) {
            if part.is_sealed {
                kept.push(None);
            } else if crash.is_power_cut {
                part.cut_power(&mut self.rng);
                kept.push(Some(part.kept.clone()));
            } else {
                let torn = untimely.as_ref().filter(|(file, _)| *file == id);
                part.kill(&mut self.rng, torn.map(|(_, record)| record));
                kept.push(Some(part.shadow.proven().clone()));
            }
        }
        self.stop();
        self.resume_after(crash.down);
        let lost = before.saturating_sub(self.proven());
        self.judge.economy.lost += lost;
        if lost > 0 {
            self.judge.tally.count(Sometimes::PowerCutTookBytes);
        }
        for (part, kept) in self.parts.iter().zip(kept) {
            for run in kept.iter().flat_map(|kept| kept.iter()) {
                let is_kept = part.shadow.proven().contains(run);
                self.judge.check(is_kept, Rule::S4, self.now, || format!("{run} was proven"));
            }
        }
    }

    /// The machine has ended. False if that is the end of all.
    pub(super) fn end_session(&mut self) -> bool {
        let open = self.exchanges.len();
        let now = self.now;
        self.judge.check(open == 0, Rule::S9, now, || format!("{open} requests left behind"));
        match self.end.clone() {
            Some(End::Finished) | None => false,
            Some(End::Cancelled) => {
                let asked = self.cancelled.unwrap_or(now);
                let max = CANCEL_WITHIN + self.world.sync_lasts * 4;
                self.judge.spend_time((now.since(asked), max), Rule::L5, now, "stopped after");
                self.judge.tally.count(Sometimes::Cancelled);
                self.was_cancelled = true;
                self.go_again(Duration::from_secs(1))
            }
            Some(End::GaveUp { .. }) => self.go_again(Duration::from_secs(1)),
            Some(End::Disk(Fault::Disk(DiskFault::Full))) if !self.had_space_again => {
                match self.world.disk_full.and_then(|full| full.lasting) {
                    None => false,
                    Some(lasting) => {
                        self.had_space_again = true;
                        self.judge.tally.count(Sometimes::SpaceAgain);
                        self.go_again(lasting)
                    }
                }
            }
            Some(End::Disk(_)) => false,
        }
    }

    /// The person starts the program again. All that was proven is there.
    fn go_again(&mut self, down: Duration) -> bool {
        let before = self.proven();
        self.stop();
        self.resume_after(down);
        let after = self.proven();
        if before > 0 {
            let now = self.now;
            self.judge.check(after >= before, Rule::S4, now, || format!("{before} to {after}"));
        }
        true
    }

    /// Bytes that have come and that no record tells of yet.
    fn unrecorded(&mut self, untimely: Option<&(u32, Record)>) -> u64 {
        let mut sum = 0;
        for exchange in self.exchanges.values() {
            let buffered = exchange.writer.as_ref().map(Writer::buffered);
            let len = exchange.unread + buffered.unwrap_or(0);
            sum += len + exchange.unheard;
            // What waits for the verdict on its head is the kernel's to keep.
            if buffered.is_none() {
                continue;
            }
            let max = UNRECORDED_MAX + self.world.piece_min;
            self.judge.check(len <= max, Rule::S9, self.now, || format!("{len} bytes in memory"));
        }
        if let Some((file, Record::Proven(proven))) = untimely {
            let there = self.parts[*file as usize].shadow.proven();
            sum += there.gaps(proven.range).map(ByteRange::len).sum::<u64>();
        }
        sum
    }

    fn stop(&mut self) {
        self.stats.add(self.transfer.stats());
        self.hang_up();
        self.agenda.clear();
        self.work.clear();
        self.end = None;
    }

    fn resume_after(&mut self, down: Duration) {
        self.stay_down(down);
        self.session += 1;
        let mut resumed = BTreeMap::new();
        for (part, id) in self.parts.iter_mut().zip(0..) {
            if part.is_sealed || self.failed.contains_key(&id) {
                continue;
            }
            let (found, is_replaced) = part.resume();
            if is_replaced {
                self.judge.tally.count(Sometimes::JournalReplaced);
            }
            let entries: Vec<_> = found.ledger.entries().collect();
            let damaged = part.check(&entries);
            if !entries.is_empty() {
                let now = self.now;
                self.judge.check(damaged.is_empty(), Rule::S3, now, || format!("{damaged:?}"));
            }
            resumed.insert(FileId(id), found);
        }
        self.judge.on_session(self.now);
        self.transfer = machine(self.world, &mut resumed, self.session, self.now);
        self.log.mark(self.now, || "started again".to_owned());
        if let Some(at) = self.world.cancel_at.map(Instant::at)
            && !self.was_cancelled
        {
            self.plan(at.max(self.now), Plan::Cancel);
        }
        self.drain();
    }

    /// Counts what the process was in the middle of.
    fn note_stage(&mut self) {
        let mut is_syncing = false;
        let mut seen = Vec::new();
        for work in self.work.values() {
            if let WorkKind::Sync(point) = &work.kind {
                is_syncing = true;
                let is_marked = point.is_marked();
                seen.push(if is_marked {
                    Sometimes::DiedBeforeMarker
                } else {
                    Sometimes::DiedInSync
                });
            }
        }
        let is_unsynced = self.parts.iter().any(|part| part.unsynced().1 > 0);
        if is_unsynced && !is_syncing {
            seen.push(Sometimes::DiedBeforeSync);
        }
        seen.into_iter().for_each(|what| self.judge.tally.count(what));
    }
}

/// A request keeps so much in memory, and a kill loses no more.
const UNRECORDED_MAX: u64 = 512 << 10;
const CANCEL_WITHIN: Duration = Duration::from_secs(1);
