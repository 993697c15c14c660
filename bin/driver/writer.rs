//! Writes a body to its gaps in the part file, and measures what it wrote.
//!
//! Asks for nothing and reports nothing by itself: its exchange collects what was written.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use engine::action::Written;
use engine::digest::RangeDigest;
use engine::fault::Fault;
use engine::range::ByteRange;
use tokio::time::{Duration, Instant};

use crate::disk::{At, Disk, DiskFile};

/// Where a body goes.
pub(super) struct Writer<D: Disk> {
    disk: D,
    part: Arc<D::File>,
    /// Which byte of the file comes next in the body.
    position: u64,
    gaps: VecDeque<ByteRange>,
    compare: bool,
    /// Bytes that came and are not written yet; they belong at `written.end`.
    buffer: Vec<u8>,
    buffered_since: Option<Instant>,
    flushed_at: Instant,
    /// The record that is growing: what is written of the present gap, and its running digest.
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
        let gaps = VecDeque::from(gaps);
        let start = gaps.front().map_or(position, |gap| gap.start);
        Self {
            disk,
            part,
            position,
            gaps,
            compare,
            buffer: Vec::new(),
            buffered_since: None,
            flushed_at: Instant::now(),
            record: Record::at(start),
            written: Vec::new(),
        }
    }

    /// Whether every gap is filled.
    pub(super) fn is_done(&self) -> bool {
        self.gaps.is_empty()
    }

    /// When what is buffered is to be written, however little it is.
    pub(super) fn flush_at(&self) -> Option<Instant> {
        self.buffered_since.map(|since| since + FLUSH_WITHIN)
    }

    /// What was written since the last call, in order. Each may be a longer form of the one before.
    pub(super) fn take_written(&mut self) -> Vec<Written> {
        std::mem::take(&mut self.written)
    }

    /// Takes the next bytes of the body: drops those that no gap wants, writes the others.
    pub(super) async fn take(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        while let (Some(gap), false) = (self.gaps.front().copied(), bytes.is_empty()) {
            let skip = clamp(gap.start.saturating_sub(self.position), bytes.len());
            self.position += skip as u64;
            bytes = &bytes[skip..];
            let room = RECORD_BYTES - self.record.range.len() - self.buffer.len() as u64;
            let len = clamp((gap.end - self.position).min(room), bytes.len());
            if len == 0 {
                continue;
            }
            self.buffer.extend_from_slice(&bytes[..len]);
            self.buffered_since.get_or_insert_with(Instant::now);
            self.position += len as u64;
            bytes = &bytes[len..];
            let is_gap_full = self.position == gap.end;
            let is_record_full = self.record.range.len() + self.buffer.len() as u64 == RECORD_BYTES;
            if is_gap_full || is_record_full || self.is_flush_worthwhile() {
                self.flush().await?;
            }
            if is_gap_full {
                self.gaps.pop_front();
            }
            if is_gap_full || is_record_full {
                let next = if is_gap_full { self.gaps.front().map(|gap| gap.start) } else { None };
                self.record = Record::at(next.unwrap_or(self.position));
            }
        }
        Ok(())
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
/// A record covers at most this much, so that damage is found, and mended, this finely.
const RECORD_BYTES: u64 = 256 << 10;
