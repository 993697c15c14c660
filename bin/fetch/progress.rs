//! How far the files of a plan have come, and what that makes of a fetch in the end.
//!
//! Fetches nothing and tells nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use engine::Reach;
use engine::digest::FileDigest;
use engine::event::{End, Event};
use engine::fault::Fault;
use engine::manifest::FileId;
use engine::stats::Stats;
use engine::time::Instant;

use super::cached::InPlace;
use super::item::{Item, Planned};
use super::plan::Plan;
use crate::cache::file_lock::Watch;
use crate::driver::Outcome;
use crate::error::{Error, ErrorKind, Safe};
use crate::news::{FetchedFile, Report};

/// What tells whether two files are the same: digest and length.
type Content = (FileDigest, u64);

const fn content_of(file: &Planned) -> Content {
    (file.digest, file.size)
}

/// How far the files of a plan have come.
pub(super) struct Progress {
    plan: Arc<Plan>,
    pub(super) pending: BTreeSet<FileId>,
    present: BTreeMap<FileId, InPlace>,
    pub(super) watches: BTreeMap<FileId, Watch>,
    /// Files that cannot be had.
    pub(super) failed: BTreeMap<FileId, Fault>,
    /// Since when no file could be opened because too many are open.
    pub(super) crowded_since: Option<Instant>,
    /// Since when nothing was to be done but to wait for others.
    pub(super) waiting_since: Option<Instant>,
    fetched: BTreeSet<FileId>,
    /// A file with that content that is in place.
    in_place: BTreeMap<Content, FileId>,
    proven: BTreeMap<FileId, u64>,
    stats: Stats,
    /// What transfers have found out about hosts.
    pub(super) reach: Reach,
}

/// What waits, in order. Of files that have the same content only the first: when that is in place,
/// the others need not be fetched.
pub(super) struct NextUp {
    plan: Arc<Plan>,
    /// Where to go on.
    next: Option<FileId>,
    contents: BTreeSet<Content>,
}

impl NextUp {
    /// The next of what is pending.
    pub(super) fn next(&mut self, progress: &Progress) -> Option<(FileId, Item)> {
        while let Some(from) = self.next {
            let id = *progress.pending.range(from..).next()?;
            self.next = id.0.checked_add(1).map(FileId);
            let file = self.plan.file(id)?;
            if self.contents.insert(content_of(file)) {
                return Some((id, self.plan.item(id)?));
            }
        }
        None
    }
}

impl Progress {
    /// Nothing is done yet.
    pub(super) fn new(plan: &Arc<Plan>) -> Self {
        Self {
            plan: Arc::clone(plan),
            pending: plan.ids().collect(),
            present: BTreeMap::new(),
            watches: BTreeMap::new(),
            failed: BTreeMap::new(),
            crowded_since: None,
            waiting_since: None,
            fetched: BTreeSet::new(),
            in_place: BTreeMap::new(),
            proven: BTreeMap::new(),
            stats: Stats::default(),
            reach: Reach::default(),
        }
    }

    /// What waits, from the first.
    pub(super) fn next_up(&self) -> NextUp {
        let plan = Arc::clone(&self.plan);
        NextUp { plan, next: Some(FileId(0)), contents: BTreeSet::new() }
    }

    /// A file of the same content that is in place.
    pub(super) fn twin_of(&self, item: &Item) -> Option<PathBuf> {
        let twin = self.in_place.get(&(item.spec.digest, item.spec.size))?;
        Some(self.plan.item(*twin)?.place.shown().to_owned())
    }

    /// A file is in place already.
    pub(super) fn on_present(&mut self, id: FileId, mut file: InPlace) {
        let content = self.plan.file(id).map(content_of);
        if content.is_some_and(|content| self.in_place.contains_key(&content)) {
            // Under another name it was verified in this very run.
            file.verified = None;
        }
        self.on_in_place(id);
        self.present.insert(id, file);
    }

    fn on_in_place(&mut self, id: FileId) {
        self.in_place.extend(self.plan.file(id).map(|file| (content_of(file), id)));
    }

    /// The machine tells something.
    pub(super) fn on_event(&mut self, event: &Event) {
        if let Event::Sealed { file } = event {
            self.on_in_place(*file);
            self.fetched.insert(*file);
        }
        if let Event::Failed { file, fault } = event {
            self.failed.insert(*file, fault.clone());
        }
    }

    /// So much of a file is safe on the disk.
    pub(super) fn on_safe(&mut self, id: FileId, bytes: u64) {
        self.proven.insert(id, bytes);
    }

    /// Whether a file is in place.
    pub(super) fn is_in_place(&self, id: FileId) -> bool {
        self.present.contains_key(&id) || self.fetched.contains(&id)
    }

    /// A transfer has ended.
    pub(super) fn on_outcome(&mut self, outcome: &Outcome) {
        self.stats.add(&outcome.stats);
        self.reach = outcome.reach.clone();
    }

    /// An error unless a transfer ended by itself.
    pub(super) fn check_end(&self, end: End, elapsed: Duration) -> Result<(), Error> {
        let kind = match end {
            End::Finished => return Ok(()),
            End::Cancelled => ErrorKind::Interrupted,
            End::GaveUp { after, fault } => ErrorKind::GaveUp { after, fault },
            End::Disk(fault) => ErrorKind::Fault(fault),
        };
        Err(self.error(kind, elapsed))
    }

    /// An error that says what is safe.
    pub(super) fn error(&self, kind: ErrorKind, elapsed: Duration) -> Error {
        let in_place = self.present.keys().chain(&self.fetched);
        let in_place = in_place.filter_map(|id| self.plan.file(*id));
        let in_place: u64 = in_place.map(|file| file.size).sum();
        let is_part = |id: &&FileId| !self.is_in_place(**id);
        let parts: u64 = self.proven.keys().filter(is_part).map(|id| self.proven[id]).sum();
        let safe = Some(Safe { proven: in_place + parts, total: self.plan.total() });
        let attempts = u32::try_from(self.stats.fault_count().max(1)).unwrap_or(u32::MAX);
        Error { safe, attempts, elapsed, ..Error::new(kind) }
    }

    /// What the fetch has done, once nothing is pending.
    pub(super) fn report(self, elapsed: Duration) -> Result<Report, Error> {
        let plan = &self.plan;
        let path_of =
            |id: &FileId| plan.file(*id).map_or_else(String::new, |it| it.path.to_string());
        let failed = self.failed.iter().map(|(id, fault)| (path_of(id), fault.clone()));
        let failed: Vec<_> = failed.chain(plan.failed.iter().cloned()).collect();
        let of = plan.files.len() + plan.failed.len();
        if let [(path, fault)] = &failed[..]
            && of == 1
        {
            return Err(self.error(ErrorKind::Fault(fault.clone()), elapsed).about(path));
        }
        if !failed.is_empty() {
            return Err(self.error(ErrorKind::Some { failed, of }, elapsed));
        }
        let files = plan.ids().filter_map(|id| {
            let present = self.present.get(&id);
            if present.is_none() && !self.fetched.contains(&id) {
                return None;
            }
            let item = plan.item(id)?;
            Some(FetchedFile {
                local: item.place.shown().to_owned(),
                path: item.path,
                size: item.spec.size,
                digest: item.spec.digest.to_string(),
                was_present: present.is_some(),
                verified: present.and_then(|file| file.verified),
            })
        });
        let files = files.collect();
        let (path, commit, stats) = (plan.shown.clone(), plan.commit_text(), self.stats);
        Ok(Report { path, commit, files, stats, elapsed })
    }
}
