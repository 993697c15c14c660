//! Whether anybody listens: the listener of a host opens and closes by it.
//!
//! It closes no connection that is already open.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The door of one host.
#[derive(Debug)]
pub struct Door {
    state: watch::Sender<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Shut { until: Option<Instant> },
}

impl Default for Door {
    fn default() -> Self {
        Self { state: watch::Sender::new(State::Open) }
    }
}

impl Door {
    /// Closes for a time, or until [`Self::open`].
    pub fn shut(&self, lasting: Option<Duration>) {
        let until = lasting.map(|lasting| Instant::now() + lasting);
        self.state.send_replace(State::Shut { until });
    }

    /// Opens.
    pub fn open(&self) {
        self.state.send_replace(State::Open);
    }

    /// Waits until nobody may listen.
    pub async fn wait_shut(&self) {
        self.wait_for(|state| matches!(state, State::Shut { .. })).await;
    }

    /// Waits until somebody may listen again.
    pub async fn wait_open(&self) {
        loop {
            let state = *self.state.borrow();
            match state {
                State::Open => return,
                State::Shut { until: None } => self.wait_for(|now| *now != state).await,
                State::Shut { until: Some(until) } => tokio::select! {
                    biased;
                    () = self.wait_for(|now| *now != state) => {}
                    () = sleep_until(until) => self.open(),
                },
            }
        }
    }

    async fn wait_for(&self, is_it: impl FnMut(&State) -> bool) {
        // The sender is ours, so it cannot be gone.
        let _ = self.state.subscribe().wait_for(is_it).await;
    }
}
