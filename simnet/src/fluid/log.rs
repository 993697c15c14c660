//! What happened in a run: always as one number, on request as a recording.
//!
//! Judges nothing.

use std::hash::{DefaultHasher, Hash, Hasher};

use engine::time::{Duration, Instant};

use super::world::World;
use crate::link::Link;
use crate::recording::{Recording, What};

#[derive(Debug)]
pub(super) struct Log {
    hasher: DefaultHasher,
    recording: Option<Recording>,
}

impl Log {
    pub(super) fn new(recording: Option<Recording>) -> Self {
        Self { hasher: DefaultHasher::new(), recording }
    }

    pub(super) const fn is_recording(&self) -> bool {
        self.recording.is_some()
    }

    /// An input of the machine.
    pub(super) fn input(&mut self, kind: u8, subject: u64, now: Instant) {
        (kind, subject, now).hash(&mut self.hasher);
    }

    pub(super) fn record(&mut self, now: Instant, what: impl FnOnce() -> What) {
        if let Some(recording) = &mut self.recording {
            recording.push(now, what());
        }
    }

    pub(super) fn mark(&mut self, now: Instant, what: impl FnOnce() -> String) {
        self.record(now, || What::Mark { what: what() });
    }

    /// What the link can carry in the first hours.
    pub(super) fn capacities(&mut self, link: &mut Link, world: &World) {
        if self.recording.is_none() {
            return;
        }
        let mut before = None;
        for second in 0..CAPACITY_SECONDS.max(world.calm_at.as_secs()) {
            let at = Instant::at(Duration::from_secs(second));
            let rate = link.capacity(at);
            if before.replace(rate) != Some(rate) {
                self.record(at, || What::Capacity { rate });
            }
        }
    }

    pub(super) fn finish(self) -> (u64, Option<Recording>) {
        (self.hasher.finish(), self.recording)
    }
}

const CAPACITY_SECONDS: u64 = 4 * 3600;
