//! From proven bytes to a digest: records, syncs, the running digest, the search for damage.
//! What follows is the [last look](super::last_look).
//!
//! Asks for no bytes; what is revoked here becomes missing, and is then asked for like the rest.

use super::file::{Found, Stage};
use super::{Alarm, TaskKind, Transfer, Why};
use crate::action::{Action, Answer, RequestId, Written};
use crate::digest::FileDigest;
use crate::event::{End, Event, Origin};
use crate::fault::Fault;
use crate::journal::Record;
use crate::ledger::Proven;
use crate::manifest::FileId;
use crate::policy::next_range::unreserved;
use crate::policy::repair::Next;
use crate::range::ByteRange;

impl Transfer {
    /// Appends a record and folds it into the ledger: the one way a ledger changes.
    pub(super) fn record(&mut self, file_id: FileId, record: Record) {
        let Some(file) = self.files.get_mut(&file_id) else { return };
        file.ledger.apply(&record);
        file.records += u64::from(record.is_counted());
        file.dirty_since.get_or_insert(self.now);
        self.out.act(Action::Append { file: file_id, record });
    }

    /// Written bytes become proven bytes.
    pub(super) fn prove(&mut self, id: RequestId, written: &Written) {
        let Some(open) = self.in_flight.requests.get_mut(&id) else { return };
        let file_id = open.file;
        let Some(file) = self.files.get_mut(&file_id) else { return };
        if !open.reserved.contains(written.range) {
            debug_assert!(false, "{id:?} wrote {} outside its claim", written.range);
            return;
        }
        let kind = open.kind();
        file.choice.on_progress(kind);
        file.row.on_progress();
        if let Some(store) = open.chunks_at.as_ref() {
            self.link.reach.on_answer(store);
        }
        let before = file.ledger.proven().len();
        if let Some(repair) = &mut file.repair {
            repair.on_fetched(written.range, written.changed);
            if written.changed && !std::mem::replace(&mut open.differs, true) {
                let (range, origin) = (written.range, Origin::Network);
                self.out.tell(Event::Repaired { file: file_id, range, origin });
            }
        }
        let proven = Proven { range: written.range, digest: written.digest };
        self.record(file_id, Record::Proven(proven));
        self.on_proven(id, file_id, before, written.range);
    }

    fn on_proven(&mut self, id: RequestId, file_id: FileId, before: u64, range: ByteRange) {
        let Some(file) = self.files.get_mut(&file_id) else { return };
        let proven = file.ledger.proven().len();
        let grown = proven.saturating_sub(before);
        if grown == 0 {
            return;
        }
        self.ending.last_proven = self.now;
        if file.repair.is_some() {
            self.stats.refetched += grown;
        }
        file.backoff.on_progress();
        let chunk_bytes = self.config.chunk_bytes;
        let chunks = file.chunks_in(range, chunk_bytes);
        let count = file.spec.size.div_ceil(chunk_bytes);
        if let Some(open) = self.in_flight.requests.get_mut(&id) {
            open.proven += grown;
        }
        self.out.tell(Event::Proven { file: file_id, proven });
        for (index, range) in chunks {
            self.out.tell(Event::Chunk { file: file_id, index, count, range });
        }
    }

    /// Takes every file as far as it can go without another byte.
    pub(super) fn finish_files(&mut self) {
        let ids: Vec<FileId> = self
            .files
            .iter()
            .filter(|(_, file)| file.stage != Stage::Sealed)
            .map(|(id, _)| *id)
            .collect();
        for id in ids {
            self.sync_if_due(id);
            if self.ending.how.is_none() {
                self.search_on(id);
                while self.hash_on(id) {}
            }
        }
    }

    fn sync_if_due(&mut self, id: FileId) {
        let is_ending = self.ending.how.is_some();
        let Some(file) = self.files.get_mut(&id) else { return };
        let Some(since) = file.dirty_since else { return };
        if file.syncing.is_some() || file.stage == Stage::Sealing {
            return;
        }
        let due = since + self.config.sync_every;
        let is_urgent = file.is_barred() || (is_ending && self.in_flight.requests.is_empty());
        if due > self.now && !is_urgent {
            self.out.wake_at(due, Alarm::Sync);
            return;
        }
        if matches!(self.ending.how, Some(End::Disk(_))) {
            return;
        }
        let records = file.records;
        let task_id = self.task(id, TaskKind::Sync { records });
        if let Some(file) = self.files.get_mut(&id) {
            file.syncing = Some(task_id);
        }
        self.out.act(Action::Sync { task_id, file: id, records });
    }

    pub(super) fn on_synced(&mut self, id: FileId, records: u64) {
        let Some(file) = self.files.get_mut(&id) else { return };
        file.syncing = None;
        file.synced = records;
        file.dirty_since = (file.records > records).then_some(self.now);
    }

    /// Takes the search for damage and the running digest one step on. Says whether there may be
    /// another step at once.
    fn hash_on(&mut self, id: FileId) -> bool {
        let Some(file) = self.files.get_mut(&id) else { return false };
        if file.stage != Stage::Fetching || file.hashing.is_some() {
            return false;
        }
        let is_complete = file.ledger.is_complete() && file.reserved.is_empty();
        if let (true, Found::Digest(found)) = (is_complete, file.found) {
            return self.conclude(id, found);
        }
        if let Some(repair) = &mut file.repair {
            if !is_complete {
                if !repair.has_found() {
                    self.doubt_more(id);
                }
                return false;
            }
            match repair.next_step() {
                Next::Rehash if file.found == Found::Wrong => file.rewind(0),
                Next::Rehash => {}
                Next::Search => {
                    self.doubt_more(id);
                    return false;
                }
                Next::Hopeless if file.choice.bar_xet() => {
                    file.repair = None;
                    self.investigate(id);
                    return true;
                }
                Next::Hopeless => {
                    self.fail(id, Fault::WrongDigest);
                    return false;
                }
            }
        }
        if is_complete && self.begin_last_look(id) {
            return false;
        }
        self.hash_next(id, is_complete);
        false
    }

    /// Feeds the running digest.
    fn hash_next(&mut self, id: FileId, is_complete: bool) {
        let Some(file) = self.files.get(&id) else { return };
        let (start, frontier) = (file.hashed, file.frontier());
        let is_last = is_complete && file.found == Found::Unknown;
        if !is_last && frontier < start + HASH_STEP {
            return;
        }
        let range = ByteRange::new(start, frontier.min(start + HASH_STEP));
        let chunks = file.xet.is_some();
        let task_id = self.task(id, TaskKind::Hash { range });
        if let Some(file) = self.files.get_mut(&id) {
            file.hashing = Some(task_id);
        }
        self.out.act(Action::Hash { task_id, file: id, range, chunks });
    }

    pub(super) fn on_hashed(&mut self, id: FileId, range: ByteRange, answer: &Answer) {
        let Some(file) = self.files.get_mut(&id) else { return };
        file.hashing = None;
        let Answer::Hashed { digest, chunks } = answer else { return };
        // Meanwhile some of it may have turned out to be bad.
        if range.start != file.hashed {
            return;
        }
        file.hashed = range.end;
        self.on_cut(id, chunks);
        let Some(file) = self.files.get_mut(&id) else { return };
        if let Some(found) = digest.filter(|_| file.hashed == file.spec.size) {
            file.found = Found::Digest(found);
        }
    }

    /// The digest is wrong: first doubt the disk, which can be asked for free, then the network.
    pub(super) fn on_mismatch(&mut self, id: FileId, found: FileDigest) {
        self.out.tell(Event::Mismatch { file: id, found });
        let Some(file) = self.files.get_mut(&id) else { return };
        file.found = Found::Wrong;
        if let Some(repair) = &mut file.repair {
            repair.on_mismatch();
            return;
        }
        self.check(id, u64::MAX, Why::Mismatch);
    }

    /// Revokes as much of what is doubted as keeps the workers busy, the most suspect first.
    fn doubt_more(&mut self, id: FileId) {
        loop {
            let Some(file) = self.files.get(&id) else { return };
            // Where ranges are ignored, every search costs a stream of the whole file: one only.
            let enough = if file.ignored > 0 {
                u64::MAX
            } else {
                u64::from(self.config.workers_max) * self.config.request_bytes_min
            };
            if unreserved(&file.missing(), &file.reserved) >= enough {
                return;
            }
            let Some(repair) = &file.repair else { return };
            let doubted = repair.doubted();
            let is_doubted = |entry: &Proven| doubted.intersects(entry.range);
            let Some(entry) = file.ledger.entries().find(is_doubted) else { return };
            self.revoke(id, entry.range);
        }
    }

    /// Makes a proven range missing again. It is written over only once that is durable.
    pub(super) fn revoke(&mut self, id: FileId, range: ByteRange) {
        let vouched = self.files.get(&id).map_or(0, |file| file.ledger.vouched().len());
        self.record(id, Record::Revoked(range));
        if let Some(file) = self.files.get_mut(&id) {
            file.barrier = file.records;
            file.rewind(range.start);
            let proven = file.ledger.proven().len();
            self.out.tell(Event::Proven { file: id, proven });
        }
        if self.files.get(&id).is_some_and(|file| file.ledger.vouched().len() != vouched) {
            self.tell_vouched(id);
        }
        self.sync_if_due(id);
    }
}

/// The digest is fed in steps of this many bytes.
const HASH_STEP: u64 = 4 << 20;
