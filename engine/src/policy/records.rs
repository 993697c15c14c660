//! When what came is written, and where records end: in one piece as far as it belongs together,
//! but soon, because a process that dies loses what is not.
//!
//! Knows no byte: it is told how many came and when, and says what to do with them.

use crate::journal::RECORDED_MAX;
use crate::range::ByteRange;
use crate::range_set::RangeSet;
use crate::time::{Duration, Instant};

/// How one body is cut into records.
#[derive(Clone, Debug)]
pub struct Records {
    /// What is wanted and has not come.
    gaps: RangeSet,
    /// The record that is growing, as far as it is written.
    record: ByteRange,
    /// How many bytes came after that and are not written.
    buffered: u64,
    buffered_since: Option<Instant>,
    flushed_at: Instant,
    /// Whether the record ends with what is buffered.
    is_ending: bool,
}

/// What to do with the first of the bytes that have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// So many of them are to be buffered now.
    pub len: u64,
    /// Whether what is buffered is then to be written before more is taken.
    pub flush: bool,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flushed {
    /// All of the record so far.
    pub record: ByteRange,
    /// Whether the next byte begins another one.
    pub is_over: bool,
}

impl Records {
    /// For a body that begins at `position` of the file, of which `gaps` are wanted.
    pub fn new(position: u64, gaps: impl IntoIterator<Item = ByteRange>, now: Instant) -> Self {
        Self {
            gaps: gaps.into_iter().collect(),
            record: ByteRange::new(position, position),
            buffered: 0,
            buffered_since: None,
            flushed_at: now,
            is_ending: false,
        }
    }

    /// Whether every gap is filled.
    pub fn is_done(&self) -> bool {
        self.gaps.is_empty()
    }

    /// Whether anything of these ranges is still wanted.
    pub fn wants(&self, mut ranges: impl Iterator<Item = ByteRange>) -> bool {
        ranges.any(|range| self.gaps.intersects(range))
    }

    /// The parts of a range that are wanted, in order.
    pub fn wanted(&self, range: ByteRange) -> Vec<ByteRange> {
        self.gaps.within(range).collect()
    }

    /// How many bytes are not written yet.
    pub const fn buffered(&self) -> u64 {
        self.buffered
    }

    /// Where what is buffered belongs.
    pub const fn buffered_at(&self) -> u64 {
        self.record.end
    }

    /// When what is buffered is to be written, however little it is.
    pub fn flush_at(&self) -> Option<Instant> {
        self.buffered_since.map(|since| since + FLUSH_WITHIN)
    }

    /// Whether bytes at `at` do not go on with what is being written: then that is to be written,
    /// and the record [begun](Self::begin) anew.
    pub const fn is_apart(&self, at: u64) -> bool {
        at != self.record.end + self.buffered
    }

    /// The next record begins here. Nothing may be buffered.
    pub fn begin(&mut self, at: u64) {
        debug_assert_eq!(self.buffered, 0, "what is buffered belongs to another record");
        self.record = ByteRange::new(at, at);
        self.is_ending = false;
    }

    /// `len` wanted bytes have come that go on with what is being written.
    pub fn take(&mut self, len: u64, now: Instant) -> Taken {
        let start = self.record.end + self.buffered;
        let len = len.min(self.record.start + RECORDED_MAX - start);
        let end = start + len;
        self.buffered += len;
        self.buffered_since.get_or_insert(now);
        self.gaps.remove(ByteRange::new(start, end));
        let is_gap_full = self.gaps.covering_end(end).is_none();
        self.is_ending = is_gap_full || end == self.record.start + RECORDED_MAX;
        Taken { len, flush: self.is_ending || self.is_flush_worthwhile(now) }
    }

    /// Whether enough is buffered to be worth a write. A slow connection, which has the time,
    /// writes in smaller pieces.
    fn is_flush_worthwhile(&self, now: Instant) -> bool {
        let is_slow = now.since(self.flushed_at) >= SLOW_AFTER;
        self.buffered >= FLUSH_BYTES || self.buffered >= FLUSH_BYTES_SLOW && is_slow
    }

    /// What is buffered is taken to be written; says how many bytes that is. Until they
    /// [are](Self::on_written) they are no part of the record, and if they never are, what comes
    /// next stands apart.
    pub const fn take_buffered(&mut self) -> u64 {
        self.buffered_since = None;
        std::mem::replace(&mut self.buffered, 0)
    }

    /// So many bytes that were taken are written. `None` if that was nothing.
    pub fn on_written(&mut self, len: u64, now: Instant) -> Option<Flushed> {
        self.flushed_at = now;
        if len == 0 {
            return None;
        }
        self.record.end += len;
        let flushed = Flushed { record: self.record, is_over: self.is_ending };
        if self.is_ending {
            self.begin(self.record.end);
        }
        Some(flushed)
    }
}

/// So much is written at once, and recorded at least this often.
const FLUSH_BYTES: u64 = 256 << 10;
/// So much is, if it took [`SLOW_AFTER`] to come.
const FLUSH_BYTES_SLOW: u64 = 32 << 10;
const SLOW_AFTER: Duration = Duration::from_millis(5);
/// What has come is written and recorded at least this often.
const FLUSH_WITHIN: Duration = Duration::from_millis(400);

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: u64 = 1 << 10;

    fn flush(records: &mut Records, now: Instant) -> Option<Flushed> {
        let len = records.take_buffered();
        records.on_written(len, now)
    }

    /// Pieces of `len` bytes each so many milliseconds, as far as they are wanted; the records as
    /// they were written, each in its last form.
    fn records(gaps: &[(u64, u64)], len: u64, millis: u64) -> Vec<(u64, u64)> {
        let gaps = gaps.iter().map(|(start, end)| ByteRange::new(*start, *end));
        let mut records = Records::new(0, gaps, Instant::START);
        let (mut now, mut at, mut written) = (Instant::START, 0, Vec::new());
        while !records.is_done() {
            now = now + Duration::from_millis(millis);
            for piece in records.wanted(ByteRange::new(at, at + len)) {
                if records.is_apart(piece.start) {
                    written.extend(flush(&mut records, now));
                    records.begin(piece.start);
                }
                let mut left = piece.len();
                while left > 0 {
                    let taken = records.take(left, now);
                    left -= taken.len;
                    if taken.flush {
                        written.extend(flush(&mut records, now));
                    }
                }
            }
            at += len;
        }
        let is_last = |index: &usize| {
            let start = |flushed: &Flushed| flushed.record.start;
            written.get(index + 1).is_none_or(|next| start(next) != start(&written[*index]))
        };
        let last = (0..written.len()).filter(is_last).map(|index| written[index].record);
        last.map(|range| (range.start, range.end)).collect()
    }

    #[test]
    fn records_end_where_gaps_do_and_are_never_long() {
        let max = 256 * KIB;
        for (gaps, expected) in [
            (&[(0, 10)][..], &[(0, 10)][..]),
            (&[(0, max)], &[(0, max)]),
            (&[(0, max + 1)], &[(0, max), (max, max + 1)]),
            (&[(5, 7), (9, 12)], &[(5, 7), (9, 12)]),
            (
                &[(100, max + 200), (max + 300, max + 301)],
                &[(100, max + 100), (max + 100, max + 200), (max + 300, max + 301)],
            ),
        ] {
            for (len, millis) in [(7 * KIB, 1), (64 * KIB, 0), (1 << 20, 50)] {
                assert_eq!(records(gaps, len, millis), expected, "{gaps:?} by {len}");
            }
        }
    }

    #[test]
    fn what_was_taken_and_never_written_is_in_no_record() {
        let mut records = Records::new(0, [ByteRange::new(0, 100)], Instant::START);
        records.take(10, Instant::START);
        assert!(flush(&mut records, Instant::START).is_some());
        records.take(20, Instant::START);
        assert_eq!(records.take_buffered(), 20);
        assert_eq!(flush(&mut records, Instant::START), None, "nothing more is told of it");
        assert!(records.is_apart(30), "and what comes next begins another record");
    }

    #[test]
    fn a_slow_connection_writes_in_smaller_pieces() {
        let gap = [ByteRange::new(0, 1 << 20)];
        let mut fast = Records::new(0, gap, Instant::START);
        let mut slow = fast.clone();
        let later = Instant::START + SLOW_AFTER;
        assert!(!fast.take(FLUSH_BYTES_SLOW, Instant::START).flush);
        assert!(!slow.take(FLUSH_BYTES_SLOW - 1, later).flush);
        assert!(slow.take(1, later).flush);
        assert_eq!(slow.flush_at(), Some(later + FLUSH_WITHIN), "however little it is");
        let record = ByteRange::new(0, FLUSH_BYTES_SLOW);
        assert_eq!(flush(&mut slow, later), Some(Flushed { record, is_over: false }));
        assert_eq!((slow.flush_at(), flush(&mut slow, later)), (None, None));
    }
}
