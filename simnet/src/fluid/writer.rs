//! What the product's writer does with a body, without the bytes: gaps, buffering, records.
//!
//! Writes at the same moments as the real one, and knows no clock.

use std::collections::VecDeque;

use engine::action::Written;
use engine::range::ByteRange;
use engine::time::{Duration, Instant};

use super::content::Content;
use super::part::Part;

/// Where a body goes.
#[derive(Debug)]
pub(super) struct Writer {
    position: u64,
    gaps: VecDeque<ByteRange>,
    compare: bool,
    buffered: u64,
    kept: u64,
    buffered_since: Instant,
    /// How often something was buffered in an empty buffer.
    pub(super) generation: u64,
    record: ByteRange,
    changed: bool,
}

impl Writer {
    pub(super) fn new(position: u64, gaps: Vec<ByteRange>, compare: bool) -> Self {
        let gaps = VecDeque::from(gaps);
        let start = gaps.front().map_or(position, |gap| gap.start);
        Self {
            position,
            gaps,
            compare,
            buffered: 0,
            kept: 0,
            buffered_since: Instant::START,
            generation: 0,
            record: ByteRange::new(start, start),
            changed: false,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.gaps.is_empty()
    }

    /// How many bytes are not written yet.
    pub(super) const fn buffered(&self) -> u64 {
        self.buffered
    }

    /// How many bytes were written.
    pub(super) const fn kept(&self) -> u64 {
        self.kept
    }

    /// Takes the next `len` bytes of the body; returns where they begin and what was written.
    pub(super) fn take(
        &mut self,
        mut len: u64,
        body: &Content,
        part: &mut Part,
        now: Instant,
    ) -> Vec<Written> {
        let mut written = Vec::new();
        while let (Some(gap), true) = (self.gaps.front().copied(), len > 0) {
            let skip = gap.start.saturating_sub(self.position).min(len);
            self.position += skip;
            len -= skip;
            let room = RECORD_BYTES - self.record.len() - self.buffered;
            let taken = (gap.end - self.position).min(room).min(len);
            if taken == 0 {
                continue;
            }
            if self.buffered == 0 {
                (self.buffered_since, self.generation) = (now, self.generation + 1);
            }
            self.buffered += taken;
            self.position += taken;
            len -= taken;
            let is_gap_full = self.position == gap.end;
            let is_record_full = self.record.len() + self.buffered == RECORD_BYTES;
            let is_slow = now.since(self.buffered_since) >= SLOW_AFTER;
            let is_much =
                self.buffered >= FLUSH_BYTES || self.buffered >= FLUSH_BYTES_SLOW && is_slow;
            if is_gap_full || is_record_full || is_much {
                written.extend(self.flush(body, part));
            }
            if is_gap_full {
                self.gaps.pop_front();
            }
            if is_gap_full || is_record_full {
                let next = if is_gap_full { self.gaps.front().map(|gap| gap.start) } else { None };
                let start = next.unwrap_or(self.position);
                (self.record, self.changed) = (ByteRange::new(start, start), false);
            }
        }
        written
    }

    /// Writes what is buffered.
    pub(super) fn flush(&mut self, body: &Content, part: &mut Part) -> Option<Written> {
        if self.buffered == 0 {
            return None;
        }
        let piece = ByteRange::new(self.record.end, self.record.end + self.buffered);
        let differs = self.compare && !part.content.is_same(body, piece);
        if !self.compare || differs {
            part.write(piece, body);
        }
        self.changed |= differs;
        self.record.end = piece.end;
        self.kept += std::mem::take(&mut self.buffered);
        let digest = body.digest(self.record);
        Some(Written { range: self.record, digest, changed: self.changed })
    }

    /// What is buffered is never written.
    pub(super) const fn drop_buffer(&mut self) {
        self.buffered = 0;
    }
}

const FLUSH_BYTES: u64 = 256 << 10;
const FLUSH_BYTES_SLOW: u64 = 64 << 10;
const SLOW_AFTER: Duration = Duration::from_millis(5);
/// What has come is written at least this often.
pub(super) const FLUSH_WITHIN: Duration = Duration::from_millis(400);
const RECORD_BYTES: u64 = 8 << 20;
