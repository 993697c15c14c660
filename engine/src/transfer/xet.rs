//! Asking for packed chunks: the token, and what the plan of a range means for its request.
//!
//! Whether the chunks are the right ones is found out elsewhere.

use super::{AbortReason, TaskKind, Transfer};
use crate::action::{Action, RequestId};
use crate::fault::Fault;
use crate::manifest::FileId;
use crate::policy::protocol::Kind;
use crate::range::ByteRange;
use crate::range_set::RangeSet;
use crate::xet::chunker;
use crate::xet::reconstruction::Reconstruction;
use url::Url;

impl Transfer {
    pub(super) fn authorize(&mut self, id: FileId) -> u64 {
        let task_id = self.task(id, TaskKind::Authorize);
        self.storage.token.on_asked(task_id);
        self.stats.locates += 1;
        self.out.act(Action::Authorize { task_id, file: id });
        task_id.0
    }

    /// What a new request for a file may not touch. Where a request in chunks begins and ends is
    /// known only when its plan has come, so that its neighbours wait for that, or two requests
    /// would bring one chunk.
    pub(super) fn taken(&self, id: FileId, kind: Kind) -> RangeSet {
        let Some(file) = self.files.get(&id) else { return RangeSet::default() };
        let mut taken = file.reserved.clone();
        if kind == Kind::Xet {
            let is_unplanned = |open: &&super::Open| {
                open.file == id && open.kind() == Kind::Xet && !open.receiving
            };
            for open in self.in_flight.requests.values().filter(is_unplanned) {
                let (asked, len) = (open.asked, open.asked.len());
                let end = asked.end.saturating_add(len).min(file.spec.size);
                taken.insert(ByteRange::new(asked.start.saturating_sub(len), end));
            }
        }
        taken
    }

    pub(super) fn judge_reconstruction(&mut self, id: RequestId, plan: &Reconstruction) {
        let Some(open) = self.in_flight.requests.get(&id) else { return };
        let (file_id, asked) = (open.file, open.asked);
        let Some(file) = self.files.get_mut(&file_id) else { return };
        let span = match plan.check_span(asked, file.spec.size) {
            Ok(span) if span.len() <= asked.len() + SURPLUS_MAX => span,
            Ok(_) => {
                let fault = Fault::Malformed("a reconstruction of much else".to_owned());
                return self.abort(id, AbortReason::Fault(fault));
            }
            Err(flaw) => {
                let fault = Fault::Malformed(format!("a reconstruction that {flaw}"));
                return self.abort(id, AbortReason::Fault(fault));
            }
        };
        if let Some(xet) = &mut file.xet {
            xet.on_reconstruction(plan, asked);
        }
        self.link.window.on_good_answer(self.now);
        self.storage.token.on_accepted();
        self.storage.cas.iter().for_each(|cas| self.link.reach.on_answer(cas));
        self.on_link_alive();
        let chunks_at = plan.fetches.first().map(|fetch| (*fetch.url).clone());
        self.storage.chunks_at.clone_from(&chunks_at);
        if chunks_at.as_ref().is_some_and(|store| self.link.throttle.is_closed(store, self.now)) {
            return self.abort(id, AbortReason::Surplus);
        }
        let Some(file) = self.files.get_mut(&file_id) else { return };
        let wanted = file.widened(asked, span);
        file.reserved.insert(wanted);
        let Some(open) = self.in_flight.requests.get_mut(&id) else { return };
        open.reserved.insert(wanted);
        open.asked = wanted;
        open.ahead = open.received;
        open.packed = plan.requests().flatten().map(|fetch| fetch.bytes.len()).sum();
        open.unpacked = span.len();
        open.chunks_at = chunks_at;
        open.receiving = true;
        let gaps = vec![wanted];
        let compare = self.files.get(&file_id).is_some_and(|file| file.repair.is_some());
        let (body_start, gunzip) = (span.start, false);
        self.out.act(Action::Receive { id, body_start, gaps, compare, gunzip });
    }

    /// Where chunks come from may have asked for a pause: requests that are under way ask it for
    /// nothing more.
    pub(super) fn drain_chunks(&mut self) {
        let is_closed = |store: &Url| self.link.throttle.is_closed(store, self.now);
        for (id, open) in self.in_flight.requests.iter_mut().filter(|(_, open)| open.is_good()) {
            let must_end = open.chunks_at.as_ref().is_some_and(is_closed);
            if must_end && !std::mem::replace(&mut open.is_draining, true) {
                self.out.act(Action::Drain { id: *id });
            }
        }
    }
}

impl super::File {
    /// As much of the chunks at the ends of what was asked for as nobody has or brings.
    fn widened(&self, asked: ByteRange, span: ByteRange) -> ByteRange {
        let is_free = |range: ByteRange| {
            !self.is_barred()
                && !self.ledger.proven().intersects(range)
                && !self.reserved.intersects(range)
        };
        let before = ByteRange::new(span.start, asked.start);
        let behind = ByteRange::new(asked.end, span.end);
        let start = if is_free(before) { span.start } else { asked.start };
        let end = if is_free(behind) { span.end } else { asked.end };
        ByteRange::new(start, end)
    }
}

/// What was asked for may begin and end within a chunk.
const SURPLUS_MAX: u64 = 2 * chunker::MAX as u64;
