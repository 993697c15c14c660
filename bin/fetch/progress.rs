//! How far the files of a plan have come, and what that makes of a fetch in the end.
//!
//! Fetches nothing and tells nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::digest::FileDigest;
use engine::event::{End, Event};
use engine::fault::Fault;
use engine::manifest::FileId;
use engine::reach::Reach;
use engine::stats::Stats;
use engine::time::Instant;

use super::plan::{Item, Plan};
use super::presence::InPlace;
use crate::cache::claim::Watch;
use crate::driver::Outcome;
use crate::error::{Error, ErrorKind, Safe};
use crate::news::{FetchedFile, Report};

/// What tells whether two files are the same: digest and length.
type Content = (FileDigest, u64);

const fn content_of(item: &Item) -> Content {
    (item.spec.digest, item.spec.size)
}

/// How far the files of a plan have come.
pub(super) struct Progress {
    pub(super) pending: BTreeMap<FileId, Item>,
    present: BTreeMap<FileId, InPlace>,
    pub(super) watches: BTreeMap<FileId, Watch>,
    /// Files that cannot be had.
    pub(super) failed: BTreeMap<FileId, Fault>,
    /// Since when no file could be opened because too many are open.
    pub(super) crowded_since: Option<Instant>,
    fetched: BTreeMap<FileId, PathBuf>,
    /// What the files contain, in the order of their numbers.
    contents: Vec<Content>,
    /// A file with that content that is in place.
    in_place: BTreeMap<Content, PathBuf>,
    unplanned: Vec<(String, Fault)>,
    proven: BTreeMap<FileId, u64>,
    stats: Stats,
    /// What transfers have found out about hosts.
    pub(super) reach: Reach,
}

impl Progress {
    /// Nothing is done yet.
    pub(super) fn new(plan: &Plan) -> Self {
        let pending = plan.items.iter().zip(0..).map(|(item, id)| (FileId(id), item.clone()));
        Self {
            pending: pending.collect(),
            present: BTreeMap::new(),
            watches: BTreeMap::new(),
            failed: BTreeMap::new(),
            crowded_since: None,
            fetched: BTreeMap::new(),
            contents: plan.items.iter().map(content_of).collect(),
            in_place: BTreeMap::new(),
            unplanned: plan.failed.clone(),
            proven: BTreeMap::new(),
            stats: Stats::default(),
            reach: Reach::default(),
        }
    }

    /// What waits, in order. Of files that have the same content only the first: when that is in
    /// place, the others need not be fetched.
    pub(super) fn next_up(&self) -> Vec<(FileId, Item)> {
        let mut contents = BTreeSet::new();
        let mut waiting = Vec::new();
        for (id, item) in &self.pending {
            if contents.insert(content_of(item)) {
                waiting.push((*id, item.clone()));
            }
        }
        waiting
    }

    /// A file of the same content that is in place.
    pub(super) fn twin_of(&self, item: &Item) -> Option<PathBuf> {
        self.in_place.get(&content_of(item)).cloned()
    }

    /// A file is in place already.
    pub(super) fn on_present(&mut self, id: FileId, mut file: InPlace) {
        let content = self.contents.get(id.0 as usize);
        if content.is_some_and(|content| self.in_place.contains_key(content)) {
            // Under another name it was verified in this very run.
            file.verified = None;
        }
        self.on_in_place(id, &file.path);
        self.present.insert(id, file);
    }

    fn on_in_place(&mut self, id: FileId, path: &Path) {
        let content = self.contents.get(id.0 as usize);
        self.in_place.extend(content.map(|content| (*content, path.to_owned())));
    }

    /// The machine tells something; `shown` says where people find each file.
    pub(super) fn on_event(&mut self, event: &Event, shown: &BTreeMap<FileId, PathBuf>) {
        if let Event::Sealed { file } = event
            && let Some(path) = shown.get(file)
        {
            self.on_in_place(*file, path);
            self.fetched.insert(*file, path.clone());
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
        self.present.contains_key(&id) || self.fetched.contains_key(&id)
    }

    /// A transfer has ended.
    pub(super) fn on_outcome(&mut self, outcome: &Outcome) {
        self.stats.add(&outcome.stats);
        self.reach = outcome.reach.clone();
    }

    /// An error unless a transfer ended by itself.
    pub(super) fn check_end(&self, end: End, plan: &Plan, elapsed: Duration) -> Result<(), Error> {
        let kind = match end {
            End::Finished => return Ok(()),
            End::Cancelled => ErrorKind::Interrupted,
            End::GaveUp { after, fault } => ErrorKind::GaveUp { after, fault },
            End::Disk(fault) => ErrorKind::Fault(fault),
        };
        Err(self.error(kind, plan, elapsed))
    }

    /// An error that says what is safe.
    pub(super) fn error(&self, kind: ErrorKind, plan: &Plan, elapsed: Duration) -> Error {
        let total = plan.items.iter().map(|item| item.spec.size).sum();
        let proven = plan.items.iter().zip(0..).map(|(item, id)| {
            let id = FileId(id);
            let proven = self.proven.get(&id).copied().unwrap_or(0);
            if self.is_in_place(id) { item.spec.size } else { proven }
        });
        let safe = Some(Safe { proven: proven.sum(), total });
        let attempts = u32::try_from(self.stats.fault_count().max(1)).unwrap_or(u32::MAX);
        Error { safe, attempts, elapsed, ..Error::new(kind) }
    }

    /// What the fetch has done, once nothing is pending.
    pub(super) fn report(self, plan: &Plan, elapsed: Duration) -> Result<Report, Error> {
        let path_of = |id: &FileId| plan.items[id.0 as usize].path.clone();
        let failed = self.failed.iter().map(|(id, fault)| (path_of(id), fault.clone()));
        let failed: Vec<_> = failed.chain(self.unplanned.iter().cloned()).collect();
        let of = plan.items.len() + self.unplanned.len();
        if let [(path, fault)] = &failed[..]
            && of == 1
        {
            return Err(self.error(ErrorKind::Fault(fault.clone()), plan, elapsed).about(path));
        }
        if !failed.is_empty() {
            return Err(self.error(ErrorKind::Some { failed, of }, plan, elapsed));
        }
        let files = plan.items.iter().zip(0..).filter_map(|(item, id)| {
            let present = self.present.get(&FileId(id));
            let path = present.map(|file| &file.path);
            let local = path.or_else(|| self.fetched.get(&FileId(id)))?;
            Some(FetchedFile {
                path: item.path.clone(),
                local: local.clone(),
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
