//! How a connection ended beyond what simulated TCP can say: by a reset, or silently.
//!
//! Ends nothing: the server's side notes it, and the client's side acts as if it had been told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use super::lock;

/// The reason of one connection, known to both of its ends.
#[derive(Clone, Debug, Default)]
pub(super) struct CloseReason {
    state: Arc<Mutex<State>>,
    crashes: Arc<AtomicU64>,
    /// How many crashes there had been when it was accepted.
    born_after: u64,
}

#[derive(Debug, Default)]
struct State {
    end: Option<End>,
    /// Who waits for what the connection brings.
    reader: Option<Waker>,
}

/// What the end of a simulated connection means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// A reset.
    Reset,
    /// Nothing at all: nobody is told.
    Silence,
    /// A reset, and what was on its way is lost.
    Loss,
}

impl CloseReason {
    /// Seals it; what came first counts.
    pub(super) fn seal(&self, end: End) {
        lock(&self.state).end.get_or_insert(end);
    }

    /// The other end is gone all of a sudden, as is heard unless nothing was heard before.
    fn lose(&self) {
        let mut state = lock(&self.state);
        if state.end == Some(End::Silence) {
            return;
        }
        state.end = Some(End::Loss);
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }

    /// Wakes whoever reads when the other end is gone all of a sudden.
    pub(super) fn wake_later(&self, cx: &Context<'_>) {
        lock(&self.state).reader = Some(cx.waker().clone());
    }

    /// Whether the process that accepted it has crashed.
    pub(super) fn is_orphaned(&self) -> bool {
        self.crashes.load(Ordering::Relaxed) != self.born_after
    }

    /// What the end means, if more than it seems.
    pub(super) fn end(&self) -> Option<End> {
        lock(&self.state).end
    }
}

/// CloseReasons on their way from where a connection was accepted to where it was asked for.
#[derive(Debug, Default)]
pub(super) struct CloseReasons {
    crashes: Arc<AtomicU64>,
    by_client: Mutex<BTreeMap<SocketAddr, CloseReason>>,
    /// Of the connections that clients have, by their numbers.
    open: Mutex<BTreeMap<usize, CloseReason>>,
}

impl CloseReasons {
    /// A new connection from this address; what was left of an older one is forgotten.
    pub(super) fn accept(&self, client: SocketAddr) -> CloseReason {
        let crashes = self.crashes.clone();
        let born_after = crashes.load(Ordering::Relaxed);
        let reason = CloseReason { state: Arc::default(), crashes, born_after };
        lock(&self.by_client).insert(client, reason.clone());
        reason
    }

    /// The reason of the connection that was just accepted, which has this number from now on.
    pub(super) fn take(&self, client: SocketAddr, number: usize) -> CloseReason {
        let reason = lock(&self.by_client).remove(&client).unwrap_or_default();
        lock(&self.open).insert(number, reason.clone());
        reason
    }

    pub(super) fn forget(&self, number: usize) {
        lock(&self.open).remove(&number);
    }

    /// The hub's host crashes: every connection is reset, in the order of their numbers, and
    /// not in the order in which a runtime drops its tasks, which is nobody's to choose.
    pub(super) fn lose_all(&self) {
        self.crashes.fetch_add(1, Ordering::Relaxed);
        for reason in std::mem::take(&mut *lock(&self.open)).into_values() {
            reason.lose();
        }
        // Accepted, and the client does not know it yet.
        lock(&self.by_client).values().for_each(CloseReason::lose);
    }
}
