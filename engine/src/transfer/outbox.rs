//! What the machine has to say and has not been asked for yet.
//!
//! Decides nothing.

use std::collections::VecDeque;

use super::{Alarm, Deadline};
use crate::action::Action;
use crate::event::Event;
use crate::time::Instant;

/// Actions, events and the next deadline, in the order in which they came up.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pub(super) actions: VecDeque<Action>,
    pub(super) events: VecDeque<Event>,
    pub(super) deadline: Option<Deadline>,
}

impl Outbox {
    /// Something is to be done.
    pub(super) fn act(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    /// People should know of something.
    pub(super) fn tell(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// Something is to be looked at again at this time.
    pub(super) fn wake_at(&mut self, at: Instant, why: Alarm) {
        if self.deadline.is_none_or(|deadline| at < deadline.at) {
            self.deadline = Some(Deadline { at, why });
        }
    }
}
