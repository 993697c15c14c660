//! What will happen, in order of time, and among equals in the order in which it was planned.
//!
//! Makes nothing happen.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use engine::action::{RequestId, TaskId};
use engine::time::Instant;

/// Something that will happen. It belongs to a session: what an earlier process planned does not
/// happen to a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Plan {
    /// A request reaches the server.
    Asked(RequestId),
    /// The head of its answer reaches us.
    Headed(RequestId),
    /// The server may send the next piece.
    Send(RequestId),
    /// A piece reaches us.
    Arrived(RequestId, u64),
    /// The connection ends before the body does, and we hear of it.
    Broken(RequestId),
    /// What is buffered is written, if it is still what was buffered then.
    Flush(RequestId, Instant),
    /// A request that was told to end does.
    Aborted(RequestId),
    /// No connection could be made.
    Refused(RequestId),
    /// Work is done.
    Worked(TaskId),
    /// The first half of a sync is done.
    DataSynced(TaskId),
    /// The person stops the program.
    Cancel,
}

/// All plans.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    plans: BinaryHeap<Reverse<(Instant, u64, u32, Plan)>>,
    count: u64,
}

impl Agenda {
    pub(super) fn add(&mut self, at: Instant, session: u32, plan: Plan) {
        self.count += 1;
        self.plans.push(Reverse((at, self.count, session, plan)));
    }

    pub(super) fn next_at(&self) -> Option<Instant> {
        self.plans.peek().map(|Reverse((at, ..))| *at)
    }

    pub(super) fn pop(&mut self) -> Option<(Instant, u32, Plan)> {
        self.plans.pop().map(|Reverse((at, _, session, plan))| (at, session, plan))
    }

    /// A process has ended, and with it all that it had planned.
    pub(super) fn clear(&mut self) {
        self.plans.clear();
    }
}
