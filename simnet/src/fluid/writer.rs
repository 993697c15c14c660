//! What the product's writer does with a body, without the bytes: it writes when, and cuts records
//! where, the same policy says.
//!
//! Knows no clock.

use engine::action::Written;
use engine::range::ByteRange;
use engine::time::Instant;
use engine::{Flushed, Records};

use super::content::Content;
use super::part::Part;

/// Where a body goes.
#[derive(Debug)]
pub(super) struct Writer {
    position: u64,
    records: Records,
    compare: bool,
    kept: u64,
    is_changed: bool,
}

impl Writer {
    pub(super) fn new(position: u64, gaps: Vec<ByteRange>, compare: bool, now: Instant) -> Self {
        let records = Records::new(position, gaps, now);
        Self { position, records, compare, kept: 0, is_changed: false }
    }

    pub(super) fn is_done(&self) -> bool {
        self.records.is_done()
    }

    /// How many bytes are not written yet.
    pub(super) const fn buffered(&self) -> u64 {
        self.records.buffered()
    }

    /// When they are to be, however few they are.
    pub(super) fn flush_at(&self) -> Option<Instant> {
        self.records.flush_at()
    }

    /// How many bytes were written.
    pub(super) const fn kept(&self) -> u64 {
        self.kept
    }

    /// Takes the next `len` bytes of the body; returns what was written.
    pub(super) fn take(
        &mut self,
        len: u64,
        body: &Content,
        part: &mut Part,
        now: Instant,
    ) -> Vec<Written> {
        let mut written = Vec::new();
        let came = ByteRange::new(self.position, self.position + len);
        self.position = came.end;
        for piece in self.records.wanted(came) {
            if self.records.is_apart(piece.start) {
                written.extend(self.flush(body, part, now));
                self.records.begin(piece.start);
                self.is_changed = false;
            }
            let mut left = piece.len();
            while left > 0 {
                let taken = self.records.take(left, now);
                left -= taken.len;
                if taken.flush {
                    written.extend(self.flush(body, part, now));
                }
            }
        }
        written
    }

    /// Writes what is buffered.
    pub(super) fn flush(
        &mut self,
        body: &Content,
        part: &mut Part,
        now: Instant,
    ) -> Option<Written> {
        let at = self.records.buffered_at();
        let len = self.records.take_buffered();
        let piece = ByteRange::new(at, at + len);
        let Flushed { record, is_over } = self.records.on_written(len, now)?;
        let differs = self.compare && !part.content.is_same(body, piece);
        if !self.compare || differs {
            part.write(piece, body);
        }
        self.is_changed |= differs;
        self.kept += piece.len();
        let changed = self.is_changed;
        if is_over {
            self.is_changed = false;
        }
        Some(Written { range: record, digest: body.digest(record), changed })
    }

    /// What is buffered is never written.
    pub(super) const fn drop_buffer(&mut self) {
        self.records.take_buffered();
    }
}
