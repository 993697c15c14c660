//! One file on the simulated disk: its part, its journal, and what of both would survive.
//!
//! Decides nothing about when to sync or crash. It keeps no bytes but the journal's.

use std::collections::BTreeMap;

use engine::action::CHECKPOINT_BYTES;
use engine::digest::FileDigest;
use engine::journal::{Begin, Record, Replay, compact, replay, settle};
use engine::ledger::{Ledger, Proven};
use engine::range::ByteRange;
use engine::range_set::RangeSet;
use engine::transfer::Resumed;
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use super::content::{Content, RIGHT, RunningDigest};

/// A part file and its journal.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) size: u64,
    /// What a reader finds.
    pub(super) content: Content,
    /// Whether the program may die, so that a journal is needed at all.
    is_mortal: bool,
    /// What a power cut leaves for certain; the writes after it, in order.
    durable: Content,
    pending: Vec<(ByteRange, Content)>,
    journal: Vec<u8>,
    journal_durable: usize,
    digest: RunningDigest,
    /// What it was at multiples of [`CHECKPOINT_BYTES`].
    checkpoints: BTreeMap<u64, RunningDigest>,
    pub(super) is_sealed: bool,
    /// Bytes that were ever written, and records that were appended.
    pub(super) written: u64,
    pub(super) appended: u64,
    /// The same as the machine's ledger, from the records that it appended.
    pub(super) shadow: Ledger,
    records: u64,
    /// What is proven by a durable marker, and has not been revoked since.
    pub(super) kept: RangeSet,
}

/// What a sync under way will have made durable.
#[derive(Debug)]
pub(super) struct SyncPoint {
    writes: usize,
    proven: RangeSet,
    records: u64,
    journal: usize,
    is_marked: bool,
}

impl SyncPoint {
    /// Whether the data is durable and only the marker is not.
    pub(super) const fn is_marked(&self) -> bool {
        self.is_marked
    }
}

impl Part {
    pub(super) fn new(size: u64, is_mortal: bool) -> Self {
        let mut part = Self {
            size,
            content: Content::default(),
            is_mortal,
            durable: Content::default(),
            pending: Vec::new(),
            journal: Vec::new(),
            journal_durable: 0,
            digest: RunningDigest::default(),
            checkpoints: BTreeMap::new(),
            is_sealed: false,
            written: 0,
            appended: 0,
            shadow: Ledger::new(size),
            records: 0,
            kept: RangeSet::new(),
        };
        part.replace_journal();
        part
    }

    /// Writes what a body has of a range to its place.
    pub(super) fn write(&mut self, range: ByteRange, body: &Content) {
        self.content.overwrite(range, body);
        self.written += range.len();
        if self.is_mortal {
            let mut piece = Content::default();
            piece.overwrite(range, body);
            self.pending.push((range, piece));
        }
    }

    pub(super) fn append(&mut self, record: &Record) {
        self.shadow.apply(record);
        self.appended += 1;
        self.records += u64::from(record.is_counted());
        if let Record::Revoked(_) = record {
            // Whole entries go, as in the ledger.
            let missing: Vec<ByteRange> = self.shadow.missing().collect();
            missing.into_iter().for_each(|range| self.kept.remove(range));
        }
        if self.is_mortal {
            record.encode(&mut self.journal);
        }
    }

    pub(super) fn begin_sync(&self, records: u64) -> SyncPoint {
        let proven = self.shadow.proven().clone();
        SyncPoint { writes: self.pending.len(), proven, records, journal: 0, is_marked: false }
    }

    /// The data is durable; the marker follows.
    pub(super) fn end_data_sync(&mut self, point: &mut SyncPoint) {
        for (range, piece) in self.pending.drain(..point.writes) {
            self.durable.overwrite(range, &piece);
        }
        self.append(&Record::Synced { records: point.records });
        (point.journal, point.is_marked) = (self.journal.len(), true);
    }

    /// The marker is durable.
    pub(super) fn end_journal_sync(&mut self, point: &SyncPoint) {
        self.journal_durable = self.journal_durable.max(point.journal);
        let proven = self.shadow.proven();
        let kept = point.proven.iter().flat_map(|run| {
            let gaps: Vec<ByteRange> = proven.gaps(run).collect();
            let mut run: RangeSet = [run].into_iter().collect();
            gaps.into_iter().for_each(|gap| run.remove(gap));
            run.iter().collect::<Vec<_>>()
        });
        self.kept = kept.collect();
    }

    /// Adds a range to the running digest; says it when the range ends the file.
    pub(super) fn hash(&mut self, range: ByteRange) -> Option<FileDigest> {
        if range.start == 0 {
            self.digest = RunningDigest::default();
        } else if let Some(before) = self.checkpoints.get(&range.start) {
            self.digest = *before;
        }
        self.digest.feed(&self.content, range);
        if range.end.is_multiple_of(CHECKPOINT_BYTES) {
            self.checkpoints.insert(range.end, self.digest);
        }
        (range.end == self.size).then(|| self.digest.finish())
    }

    /// Which of the entries are not there as recorded.
    pub(super) fn check(&self, entries: &[Proven]) -> Vec<ByteRange> {
        let is_damaged = |entry: &&Proven| self.content.digest(entry.range) != entry.digest;
        entries.iter().filter(is_damaged).map(|entry| entry.range).collect()
    }

    /// Whether the file is what its publisher published.
    pub(super) fn is_right(&self) -> bool {
        self.content.is_true(ByteRange::new(0, self.size))
    }

    /// How many writes and bytes of the journal a power cut might take.
    pub(super) fn unsynced(&self) -> (usize, usize) {
        (self.pending.len(), self.journal.len() - self.journal_durable)
    }

    /// The process is killed: what was written stays. The record it was about to append may
    /// have come down in part.
    pub(super) fn kill(&mut self, rng: &mut Xoshiro256PlusPlus, last: Option<&Record>) {
        if let Some(record) = last {
            let bytes = record.to_bytes();
            let torn = rng.random_range(0..bytes.len());
            self.journal.extend(&bytes[..torn]);
        }
    }

    /// The power is cut: each write that was not synced is there, or not, or torn; the journal
    /// ends somewhere, perhaps in garbage.
    pub(super) fn cut_power(&mut self, rng: &mut Xoshiro256PlusPlus) {
        for (range, piece) in std::mem::take(&mut self.pending) {
            let kept = match rng.random_range(0..3) {
                0 => 0,
                1 => range.len(),
                _ => rng.random_range(0..=range.len()) / PAGE * PAGE,
            };
            self.durable.overwrite(ByteRange::new(range.start, range.start + kept), &piece);
        }
        self.content = self.durable.clone();
        let len = rng.random_range(self.journal_durable..=self.journal.len());
        self.journal.truncate(len);
        if len > self.journal_durable && rng.random_range(0..4) == 0 {
            let at = rng.random_range(self.journal_durable..len);
            self.journal[at] ^= 0x20;
        }
        self.journal_durable = len;
    }

    /// What a new process makes of it. Also says whether the journal had to be replaced.
    pub(super) fn resume(&mut self) -> (Resumed, bool) {
        let found: Replay = replay(&self.journal);
        let is_intact = |proven: Proven| self.content.digest(proven.range) == proven.digest;
        let ledger = settle(&found, self.size, is_intact);
        self.shadow = ledger.clone();
        self.records = found.records;
        let is_durable = self.journal_durable == self.journal.len();
        let is_replaced = !found.is_clean();
        if is_replaced {
            self.durable = self.content.clone();
            self.pending.clear();
            self.replace_journal();
        }
        if is_replaced || is_durable {
            self.kept = ledger.proven().clone();
        }
        (Resumed { ledger, records: self.records }, is_replaced)
    }

    fn replace_journal(&mut self) {
        let source = "fluid".to_owned();
        let begin = Begin { size: self.size, digest: Some(RIGHT), source };
        self.journal = compact(&begin, &self.shadow);
        self.journal_durable = self.journal.len();
        self.records = self.shadow.entries().count() as u64;
    }
}

const PAGE: u64 = 4096;
