//! Writes a body to its gaps in the part file, and measures what it wrote.
//!
//! Asks for nothing and reports nothing by itself: its exchange collects what was written.

use std::path::Path;
use std::sync::Arc;

use engine::action::Written;
use engine::digest::RangeDigest;
use engine::fault::Fault;
use engine::journal::RECORDED_MAX;
use engine::range::ByteRange;
use engine::range_set::RangeSet;
use tokio::time::{Duration, Instant};

use crate::disk::{At, Disk, DiskFile};

/// Where a body goes.
pub(super) struct Writer<D: Disk> {
    disk: D,
    part: Arc<D::File>,
    /// Which byte of the file comes next in the body.
    position: u64,
    /// What is wanted and has not come.
    gaps: RangeSet,
    compare: bool,
    /// Bytes that came and are not written yet; they belong at the end of the record.
    buffer: Vec<u8>,
    buffered_since: Option<Instant>,
    flushed_at: Instant,
    /// The record that is growing: what is written in one piece, and its running digest.
    record: Record,
    written: Vec<Written>,
}

struct Record {
    range: ByteRange,
    hasher: blake3::Hasher,
    changed: bool,
}

impl Record {
    fn at(start: u64) -> Self {
        let range = ByteRange::new(start, start);
        Self { range, hasher: blake3::Hasher::new(), changed: false }
    }
}

impl<D: Disk> Writer<D> {
    /// A writer for a body that begins at byte `position` of the file, of which `gaps` are wanted.
    pub(super) fn new(
        disk: D,
        part: Arc<D::File>,
        position: u64,
        gaps: Vec<ByteRange>,
        compare: bool,
    ) -> Self {
        Self {
            disk,
            part,
            position,
            gaps: gaps.into_iter().collect(),
            compare,
            buffer: Vec::new(),
            buffered_since: None,
            flushed_at: Instant::now(),
            record: Record::at(position),
            written: Vec::new(),
        }
    }

    /// Whether every gap is filled.
    pub(super) fn is_done(&self) -> bool {
        self.gaps.is_empty()
    }

    /// Whether anything of these ranges is still wanted.
    pub(super) fn wants(&self, mut ranges: impl Iterator<Item = ByteRange>) -> bool {
        ranges.any(|range| self.gaps.intersects(range))
    }

    /// When what is buffered is to be written, however little it is.
    pub(super) fn flush_at(&self) -> Option<Instant> {
        self.buffered_since.map(|since| since + FLUSH_WITHIN)
    }

    /// What was written since the last call, in order. Each may be a longer form of the one before.
    pub(super) fn take_written(&mut self) -> Vec<Written> {
        std::mem::take(&mut self.written)
    }

    /// Takes the next bytes of the body.
    pub(super) async fn take(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let at = self.position;
        self.position += bytes.len() as u64;
        self.take_at(at, bytes).await
    }

    /// Takes bytes of the file from `at` on: drops those that no gap wants, writes the others.
    pub(super) async fn take_at(&mut self, at: u64, bytes: &[u8]) -> Result<(), Fault> {
        let range = ByteRange::new(at, at + bytes.len() as u64);
        let wanted: Vec<ByteRange> = self.gaps.within(range).collect();
        for piece in wanted {
            let offset = |position: u64| clamp(position - at, bytes.len());
            self.append(piece.start, &bytes[offset(piece.start)..offset(piece.end)]).await?;
        }
        Ok(())
    }

    async fn append(&mut self, at: u64, mut bytes: &[u8]) -> Result<(), Fault> {
        if at != self.end() {
            self.flush().await?;
            self.record = Record::at(at);
        }
        while !bytes.is_empty() {
            let start = self.end();
            let room = self.record.range.start + RECORDED_MAX - start;
            let (now, later) = bytes.split_at(clamp(room, bytes.len()));
            self.buffer.extend_from_slice(now);
            self.buffered_since.get_or_insert_with(Instant::now);
            let end = self.end();
            self.gaps.remove(ByteRange::new(start, end));
            let is_gap_full = self.gaps.covering_end(end).is_none();
            let is_record_full = end == self.record.range.start + RECORDED_MAX;
            if is_gap_full || is_record_full || self.is_flush_worthwhile() {
                self.flush().await?;
            }
            if is_gap_full || is_record_full {
                self.record = Record::at(end);
            }
            bytes = later;
        }
        Ok(())
    }

    /// Where the next byte belongs that goes on with what is being written.
    fn end(&self) -> u64 {
        self.record.range.end + self.buffer.len() as u64
    }

    /// Whether enough is buffered to be worth a write: a process that dies loses what is not. So
    /// a slow connection, which has the time, writes in smaller pieces.
    fn is_flush_worthwhile(&self) -> bool {
        let is_slow = || self.flushed_at.elapsed() >= SLOW_AFTER;
        let len = self.buffer.len();
        len >= FLUSH_BYTES || len >= FLUSH_BYTES_SLOW && is_slow()
    }

    /// Writes what is buffered.
    pub(super) async fn flush(&mut self) -> Result<(), Fault> {
        self.buffered_since = None;
        self.flushed_at = Instant::now();
        if self.buffer.is_empty() {
            return Ok(());
        }
        let (part, at, compare) = (Arc::clone(&self.part), self.record.range.end, self.compare);
        let bytes = std::mem::take(&mut self.buffer);
        let mut hasher = std::mem::take(&mut self.record.hasher);
        let work = move |_: &D| {
            hasher.update(&bytes);
            let differs = compare && differs(&*part, &bytes, at);
            if !compare || differs {
                part.write_all_at(&bytes, at).at(Path::new("the download"))?;
            }
            Ok((bytes, hasher, differs))
        };
        let (mut bytes, hasher, differs) = self.disk.run(work).await.map_err(Fault::Disk)?;
        self.record.range.end += bytes.len() as u64;
        self.record.changed |= differs;
        let digest = RangeDigest(*hasher.finalize().as_bytes());
        self.record.hasher = hasher;
        bytes.clear();
        self.buffer = bytes;
        let (range, changed) = (self.record.range, self.record.changed);
        self.written.push(Written { range, digest, changed });
        Ok(())
    }
}

/// Whether other bytes stand at `at`. What cannot be read is not the same.
fn differs(part: &impl DiskFile, bytes: &[u8], at: u64) -> bool {
    let mut present = vec![0; bytes.len()];
    !matches!(part.read_full_at(&mut present, at), Ok(len) if len == bytes.len())
        || present != bytes
}

fn clamp(wanted: u64, available: usize) -> usize {
    usize::try_from(wanted).map_or(available, |wanted| wanted.min(available))
}

/// So much is written at once, and recorded at least this often.
const FLUSH_BYTES: usize = 256 << 10;
/// So much is, if it took [`SLOW_AFTER`] to come.
const FLUSH_BYTES_SLOW: usize = 32 << 10;
const SLOW_AFTER: Duration = Duration::from_millis(5);
/// What has come is written and recorded at least this often.
const FLUSH_WITHIN: Duration = Duration::from_millis(400);
