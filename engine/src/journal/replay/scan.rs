//! The records of a journal one after the other, whatever has happened to its bytes.
//!
//! Holds a window of it, and judges nothing that records say together.

use crate::journal::Record;
use crate::journal::codec::{Decoded, FIXED_LEN_MAX, Flaw, RECORD_LEN_MAX, resume_at};

/// Goes through a journal from its beginning.
pub(super) struct Scan<R> {
    read: R,
    window: Vec<u8>,
    /// Where in the journal the window begins.
    start: u64,
    /// Where in the window the next record is to be.
    next: usize,
    is_at_end: bool,
}

/// What stands at a place.
pub(super) struct Found {
    /// Offset in the journal, in bytes.
    pub(super) at: u64,
    /// The record, if there is one of a kind that is known.
    pub(super) record: Option<Record>,
    /// What is wrong there.
    pub(super) flaw: Option<Flaw>,
}

impl<E, R: FnMut(&mut [u8], u64) -> Result<usize, E>> Scan<R> {
    pub(super) const fn new(read: R) -> Self {
        Self { read, window: Vec::new(), start: 0, next: 0, is_at_end: false }
    }

    /// Where the next record is to be, in bytes from the beginning.
    pub(super) const fn offset(&self) -> u64 {
        self.start + self.next as u64
    }

    /// What comes next; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Found>, E> {
        self.fill(RECORD_LEN_MAX)?;
        let (at, rest) = (self.offset(), &self.window[self.next..]);
        if rest.is_empty() {
            return Ok(None);
        }
        match Record::decode(rest) {
            Ok(Decoded { record, len }) => {
                self.next += len;
                let is_begin = matches!(record, Some(Record::Begin(_)));
                let flaw = (is_begin != (at == 0)).then_some(Flaw::Misplaced);
                Ok(Some(Found { at, record, flaw }))
            }
            Err(flaw) => {
                self.resume()?;
                Ok(Some(Found { at, record: None, flaw: Some(flaw) }))
            }
        }
    }

    /// The next record of a kind that is known.
    pub(super) fn next_known(&mut self) -> Result<Option<Found>, E> {
        loop {
            match self.next()? {
                Some(found) if found.record.is_none() => {}
                found => return Ok(found),
            }
        }
    }

    /// Goes on behind damage.
    fn resume(&mut self) -> Result<(), E> {
        self.next += 1;
        loop {
            self.fill(FIXED_LEN_MAX + 1)?;
            // What is cut by the end of the window is looked at when the rest of it is there.
            let cut = if self.is_at_end { 0 } else { FIXED_LEN_MAX };
            let end = self.window.len() - cut.min(self.window.len() - self.next);
            self.next = resume_at(&self.window, self.next, end);
            if self.next < end || self.is_at_end {
                return Ok(());
            }
        }
    }

    /// Makes the window reach so far, if the journal does.
    fn fill(&mut self, len: usize) -> Result<(), E> {
        if self.is_at_end || self.window.len() - self.next >= len {
            return Ok(());
        }
        self.window.drain(..self.next);
        self.start += self.next as u64;
        self.next = 0;
        while !self.is_at_end && self.window.len() < len {
            let filled = self.window.len();
            self.window.resize(WINDOW, 0);
            let at = self.start + filled as u64;
            let count = (self.read)(&mut self.window[filled..], at)?.min(WINDOW - filled);
            self.is_at_end = count < WINDOW - filled;
            self.window.truncate(filled + count);
        }
        Ok(())
    }
}

/// So much is held at once, in bytes: several of the longest records.
const WINDOW: usize = 4 * RECORD_LEN_MAX;
