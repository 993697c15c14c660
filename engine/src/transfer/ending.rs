//! How a transfer ends: nothing more is asked for, what is under way ends, what came is saved.
//!
//! Knows what was said last, for whoever gives up.

use super::file::Stage;
use super::{AbortReason, Transfer};
use crate::action::RequestId;
use crate::event::{End, Event};
use crate::fault::Fault;
use crate::time::Instant;

/// Whether the transfer is ending, and what would make it.
#[derive(Debug)]
pub(super) struct Ending {
    /// How it is to end, once that is decided.
    pub(super) how: Option<End>,
    /// Whether it has.
    pub(super) is_over: bool,
    /// When a byte was proven last, and what went wrong last.
    pub(super) last_proven: Instant,
    pub(super) last_fault: Option<Fault>,
}

impl Ending {
    pub(super) const fn new(now: Instant) -> Self {
        Self { how: None, is_over: false, last_proven: now, last_fault: None }
    }

    /// It is to end so. False if it was ending already: but a disk that fails meanwhile is what is
    /// told in the end, since it is why not all is safe.
    pub(super) fn begin(&mut self, how: End) -> bool {
        let is_worse = matches!(how, End::Disk(_)) && !matches!(self.how, Some(End::Disk(_)));
        let is_news = self.how.is_none() || is_worse;
        if is_news {
            self.how = Some(how);
        }
        is_news
    }
}

impl Transfer {
    /// No more is asked for; what is under way is ended.
    pub(super) fn end(&mut self, how: End) {
        if !self.ending.begin(how) {
            return;
        }
        let open: Vec<RequestId> = self.in_flight.requests.keys().copied().collect();
        for id in open {
            self.abort(id, AbortReason::Surplus);
        }
    }

    pub(super) fn try_end(&mut self) {
        if self.ending.how.is_none() && self.files.values().all(|file| file.stage.is_over()) {
            self.ending.how = Some(End::Finished);
        }
        let Some(how) = &self.ending.how else { return };
        let is_saved = match how {
            // A disk that has failed saves nothing more.
            End::Disk(_) => true,
            End::Finished | End::Cancelled | End::GaveUp { .. } => self
                .files
                .values()
                .all(|file| file.dirty_since.is_none() || file.stage == Stage::Sealed),
        };
        if self.in_flight.requests.is_empty() && is_saved {
            self.ending.is_over = true;
            self.out.deadline = None;
            self.out.tell(Event::Ended(how.clone()));
        }
    }
}
