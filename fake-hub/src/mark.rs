//! Where a fault begins to damage a body: the body asks it for leave, and the wire tells it when
//! that byte is sent.
//!
//! A firing counts when the byte is sent, not when it is damaged; one that never was is given back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::rule::book::ArmedRule;

/// The first byte of a body that a rule damages.
#[derive(Debug)]
pub(crate) struct Mark {
    rule: Arc<ArmedRule>,
    /// Its place in the body.
    at: u64,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Unasked,
    /// The budget was spent before the body got here.
    Refused,
    /// Damaged, and on its way to the socket.
    Reserved,
    Fired,
}

impl Mark {
    pub(crate) fn new(rule: Arc<ArmedRule>, at: u64) -> Self {
        Self { rule, at, state: Mutex::new(State::Unasked) }
    }

    /// Whether the body may be damaged. It is asked when the body gets there, and decided once.
    pub(crate) fn may_damage(&self) -> bool {
        let mut state = self.lock();
        if *state == State::Unasked {
            *state = if self.rule.try_reserve() { State::Reserved } else { State::Refused };
        }
        matches!(*state, State::Reserved | State::Fired)
    }

    /// Notes that the socket took the first `sent` bytes of the body; the kind of the fault if it
    /// has fired by that.
    pub(crate) fn on_sent(&self, sent: u64) -> Option<&str> {
        let mut state = self.lock();
        if *state != State::Reserved || sent <= self.at {
            return None;
        }
        *state = State::Fired;
        self.rule.fire_reserved();
        Some(self.rule.kind())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        if *self.lock() == State::Reserved {
            self.rule.give_back();
        }
    }
}
