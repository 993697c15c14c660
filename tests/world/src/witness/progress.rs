//! What a process tells of its progress, held against what it told before and what the one before
//! it had.
//!
//! Looks at no disk; that is the [`aftermath`](super::aftermath)'s.

use std::collections::BTreeMap;

use engine::event::{Event, Origin};
use engine::fault::Fault;
use engine::manifest::FileId;
use engine::time::{Duration, Instant};
use moshi_fetch::news::News;

use super::{Floor, Rule, Witness};
use crate::sometimes::Sometimes;

/// What one process has told so far.
#[derive(Debug, Default)]
pub struct Life {
    files: BTreeMap<FileId, Told>,
    cancelled: Option<Instant>,
    /// It met an error of the disk: what it proved last may not have been recorded.
    has_disk_trouble: bool,
}

#[derive(Debug, Default)]
struct Told {
    path: String,
    size: u64,
    proven: u64,
    vouched: u64,
    /// How it grew.
    history: Vec<(Instant, u64)>,
    is_in_place: bool,
    /// Its content is doubted: then proven bytes may become missing again.
    is_doubted: bool,
}

/// How a process came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// By itself, with everything saved.
    Exit,
    /// Killed: what was written stays.
    Kill,
    /// With the power: what was not synced goes.
    PowerCut,
}

impl Witness {
    /// A process told something.
    pub fn on_news(&mut self, process: u64, news: &News, now: Instant) {
        match news {
            News::Planned { files, .. } => {
                let life = self.lives.entry(process).or_default();
                for file in files {
                    let told =
                        Told { path: file.path.to_string(), size: file.size, ..Told::default() };
                    life.files.insert(file.file, told);
                }
            }
            News::Present { file } => self.on_present(process, *file),
            News::Busy { .. } => self.note(Sometimes::WaitedForRival),
            News::Transfer { event, .. } => self.on_event(process, event, now),
            News::Asking { .. }
            | News::TokenIgnored { .. }
            | News::AskingFailed { .. }
            | News::Elsewhere { .. }
            | News::Unavailable { .. }
            | News::Measuring { .. }
            | News::Aside { .. }
            | News::Verifying { .. } => {}
        }
    }

    /// The user stops a process.
    pub fn on_cancel(&mut self, process: u64, now: Instant) {
        self.lives.entry(process).or_default().cancelled.get_or_insert(now);
    }

    /// The disk refuses something to a process.
    pub fn on_disk_trouble(&mut self, process: u64) {
        self.lives.entry(process).or_default().has_disk_trouble = true;
    }

    /// So many errors has the disk reported by now. What could not be read when a file was begun
    /// is rightly fetched again.
    pub fn on_disk_errors(&mut self, count: u64) {
        if std::mem::replace(&mut self.disk_errors, count) < count {
            self.floors.clear();
        }
    }

    /// What a file held has changed on the disk, by nobody's doing.
    pub fn on_bit_rot(&mut self, now: Instant) {
        self.edits.push(now);
        self.floors.clear();
        for told in self.lives.values_mut().flat_map(|life| life.files.values_mut()) {
            told.is_doubted = true;
        }
    }

    /// Whether somebody changed a file while it was put in place, when it had been looked at for
    /// the last time, or nobody lived to tell when that was.
    pub fn is_edited_late(&self, path: &str) -> bool {
        let Some(sealed) = self.sealed.get(path) else { return !self.edits.is_empty() };
        self.edits.iter().any(|at| *at <= *sealed && sealed.since(*at) <= SEALING)
    }

    /// A process is no more. A sync on its disk takes so long.
    pub fn on_death(&mut self, process: u64, death: Death, sync_takes: Duration, now: Instant) {
        let Some(life) = self.lives.remove(&process) else { return };
        if let (Some(asked), Death::Exit) = (life.cancelled, death) {
            let times = (now.since(asked), CANCEL_WITHIN + sync_takes * 4);
            self.spend_time(times, now, Rule::L5CancelsFast, "to stop took");
            self.note(Sometimes::Stopped);
        }
        for told in life.files.into_values() {
            if told.is_doubted || life.has_disk_trouble {
                continue;
            }
            let synced = told.proven_at(now - (CUT_COSTS + sync_takes * 4));
            let (written, durable) = match death {
                Death::Exit => (told.proven, told.proven),
                Death::Kill => (told.proven_at(now - KILL_COSTS).max(told.begun()), synced),
                Death::PowerCut => (synced, synced),
            };
            let floor = Floor::Proven { written, durable, told: told.proven };
            let floor = if told.is_in_place { Floor::InPlace } else { floor };
            self.floors.insert(told.path, floor);
        }
    }

    /// The power is cut: only what is durable can be there later, whoever wrote it.
    pub fn on_power_cut(&mut self) {
        for floor in self.floors.values_mut() {
            if let Floor::Proven { written, durable, .. } = floor {
                *written = *durable;
            }
        }
    }

    fn on_present(&mut self, process: u64, file: FileId) {
        if let Some(told) = self.told(process, file) {
            told.is_in_place = true;
        }
    }

    fn told(&mut self, process: u64, file: FileId) -> Option<&mut Told> {
        self.lives.get_mut(&process)?.files.get_mut(&file)
    }

    fn on_event(&mut self, process: u64, event: &Event, now: Instant) {
        match event {
            Event::Begun { file, proven } => self.on_begun(process, *file, *proven, now),
            Event::Proven { file, proven } => self.on_proven(process, *file, *proven, now),
            Event::Vouched { file, vouched } => self.on_vouched(process, *file, *vouched, now),
            Event::Mismatch { file, .. } | Event::Repaired { file, .. } => {
                self.note(Sometimes::Corrupted);
                if let Event::Repaired { origin, .. } = event {
                    match origin {
                        Origin::Disk => self.note(Sometimes::BitRotRepaired),
                        Origin::Network => self.has_repaired = true,
                    }
                }
                let Some(told) = self.told(process, *file) else { return };
                told.is_doubted = true;
                let (path, size) = (told.path.clone(), told.size);
                if matches!(event, Event::Mismatch { .. }) {
                    self.searches.insert((process, *file), size);
                    self.mismatches.push((now, path));
                }
            }
            Event::Sealed { file } => {
                let Some(told) = self.told(process, *file) else { return };
                told.is_in_place = true;
                let (proven, size, path) = (told.proven, told.size, told.path.clone());
                self.sealed.insert(path.clone(), now);
                self.check(proven == size, now, Rule::S1OnlyRightFiles, || {
                    format!("sealed {path} with {proven} proven")
                });
            }
            Event::Split { .. } => self.note(Sometimes::TailSplit),
            Event::NoRanges { .. } => self.note(Sometimes::OneStream),
            Event::Up { after, .. } if *after >= LONG_OUTAGE => {
                self.note(Sometimes::OutlastedByOutage);
            }
            Event::Fault { fault: Fault::Disk(_), .. } => self.on_disk_trouble(process),
            Event::Fault { fault: Fault::Silent(_), .. } => self.note(Sometimes::SilentDeath),
            Event::Fault { .. }
            | Event::Named { .. }
            | Event::Up { .. }
            | Event::Received { .. }
            | Event::Chunk { .. }
            | Event::Waiting { .. }
            | Event::Down { .. }
            | Event::Verified { .. }
            | Event::Failed { .. }
            | Event::Ended(_) => {}
        }
    }

    fn on_begun(&mut self, process: u64, file: FileId, proven: u64, now: Instant) {
        let Some(told) = self.told(process, file) else { return };
        told.proven = proven;
        told.history.push((now, proven));
        let path = told.path.clone();
        match self.floors.remove(&path) {
            Some(Floor::InPlace) => {
                let how = || format!("{path} was in place, and is begun again");
                self.check(false, now, Rule::S4NothingLost, how);
            }
            Some(Floor::Proven { written, told, .. }) => {
                if proven < told {
                    self.note(Sometimes::Forgotten);
                }
                if written > 0 {
                    self.check(proven >= written, now, Rule::S4NothingLost, || {
                        format!("{path} is begun with {proven} proven bytes, {written} were safe")
                    });
                }
            }
            None => {}
        }
    }

    fn on_proven(&mut self, process: u64, file: FileId, proven: u64, now: Instant) {
        let Some(told) = self.told(process, file) else { return };
        let before = std::mem::replace(&mut told.proven, proven);
        told.history.push((now, proven));
        let (path, is_doubted, size) = (told.path.clone(), told.is_doubted, told.size);
        self.check(proven <= size, now, Rule::S10HonestProgress, || {
            format!("{proven} of {size} bytes of {path}")
        });
        if proven < before && !is_doubted {
            let how = format!("{path} fell from {before} to {proven}");
            self.accuse(now, Rule::S10HonestProgress, how);
        }
    }
}

impl Witness {
    fn on_vouched(&mut self, process: u64, file: FileId, vouched: u64, now: Instant) {
        let Some(told) = self.told(process, file) else { return };
        let before = std::mem::replace(&mut told.vouched, vouched);
        let (path, size, is_doubted) = (told.path.clone(), told.size, told.is_doubted);
        let proven = told.proven;
        if vouched > 0 && vouched < size {
            self.note(Sometimes::XetVouched);
        }
        if vouched > proven {
            let how = format!("{vouched} bytes of {path} vouched for, {proven} proven");
            self.accuse(now, Rule::S10HonestProgress, how);
        }
        if vouched < before && !is_doubted {
            let how = format!("what is vouched for of {path} fell from {before} to {vouched}");
            self.accuse(now, Rule::S10HonestProgress, how);
        }
    }

    /// What of the file at `path` is vouched for now, as far as any living process has told.
    pub fn vouched_of(&self, path: &str) -> u64 {
        let told = self.lives.values().flat_map(|life| life.files.values());
        told.filter(|told| told.path == path).map(|told| told.vouched).max().unwrap_or(0)
    }

    /// Whether anything that came wrong was found out and is fetched again.
    pub const fn has_repaired(&self) -> bool {
        self.has_repaired
    }

    /// How large the files are that were searched for damage, each as often as a process began to.
    pub fn searches(&self) -> impl Iterator<Item = u64> {
        self.searches.values().copied()
    }

    /// What of the file at `path` is proven now, as far as any living process has told.
    pub fn proven_of(&self, path: &str) -> u64 {
        let told = self.lives.values().flat_map(|life| life.files.values());
        told.filter(|told| told.path == path).map(|told| told.proven).max().unwrap_or(0)
    }

    /// When a file that was all there did not hash to what it should, and which.
    pub fn mismatches(&self) -> &[(Instant, String)] {
        &self.mismatches
    }

    /// What is proven now in all files together.
    pub fn proven(&self) -> u64 {
        let mut best = BTreeMap::new();
        for told in self.lives.values().flat_map(|life| life.files.values()) {
            let proven = if told.is_in_place { told.size } else { told.proven };
            let known = best.entry(told.path.as_str()).or_insert(0);
            *known = proven.max(*known);
        }
        best.values().sum()
    }
}

impl Told {
    /// What was proven when it was begun: read back from the disk, or durable.
    fn begun(&self) -> u64 {
        self.history.first().map_or(0, |(_, proven)| *proven)
    }

    /// What was proven then and has stayed so.
    fn proven_at(&self, then: Instant) -> u64 {
        let past = self.history.iter().rev().find(|(at, _)| *at <= then);
        past.map_or(0, |(_, proven)| *proven)
    }
}

/// So long before a file is in place it was looked at for the last time.
const SEALING: Duration = Duration::from_secs(3);
/// How long saving may take once the user has said to stop.
const CANCEL_WITHIN: Duration = Duration::from_secs(1);
/// Connections that were silent for longer have been given up.
const LONG_OUTAGE: Duration = Duration::from_secs(60);
/// What was told so shortly before a kill need not be recorded yet.
const KILL_COSTS: Duration = Duration::from_millis(100);
/// What was told so shortly before a power cut need not be synced yet, if syncs take no time: one
/// sync interval and the flush before it.
const CUT_COSTS: Duration = Duration::from_millis(1800);
