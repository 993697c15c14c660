//! What a run may cost, and what it did.
//!
//! Counts on the wire, not in the machine.

use std::collections::VecDeque;

use engine::time::{Duration, Instant};

use crate::fluid::run::wire::WINDOW;
use crate::fluid::world::{Trouble, World};

/// What was spent, and what there was to spend it on.
#[derive(Debug, Default)]
pub(in crate::fluid) struct Economy {
    /// Bytes of bodies that arrived.
    pub(in crate::fluid) wire: u64,
    /// Requests that did not end well.
    pub(in crate::fluid) failures: u64,
    /// Answers with the whole file that somebody read.
    pub(in crate::fluid) streams: u64,
    /// Files that did not match.
    pub(in crate::fluid) mismatches: u64,
    /// Proven bytes that a crash took.
    pub(in crate::fluid) lost: u64,
    /// When requests ended that had brought nothing, since one did.
    fruitless: VecDeque<Instant>,
}

impl Economy {
    /// A request ended, with bytes or without. Returns how many have ended
    /// without in a while and in a row, if that is too many.
    pub(in crate::fluid) fn on_ended(&mut self, is_fruitless: bool, now: Instant) -> Option<usize> {
        if !is_fruitless {
            self.fruitless.clear();
            return None;
        }
        self.fruitless.push_back(now);
        while self.fruitless.front().is_some_and(|at| now.since(*at) > WHILE) {
            self.fruitless.pop_front();
        }
        let count = self.fruitless.len();
        (count > VAIN_MAX).then_some(count)
    }

    /// The most that may have come over the wire.
    pub(in crate::fluid) fn wire_max(&self, world: &World) -> u64 {
        let size = world.size();
        // What a request has under way when it fails: its share of the bottleneck's buffer, what
        // is on the way, and a piece more.
        let profile = &world.profile;
        let rate = profile.conn_cap.map_or(profile.trace.mean(), |cap| cap.get());
        let flight = rate * nanos(profile.rtt * 2) / 1_000_000_000;
        let piece = world.piece_min.max(64 << 10);
        // An answer with another ETag waits unread until the hub has said what the file is.
        let unread = if world.etags.is_some() { WINDOW } else { 0 };
        let each = piece.saturating_mul(2) + profile.queue + flight + unread;
        // Each search for damage fetches the file again, some of it up to four times.
        let searches = self.mismatches.min(6) * size;
        // Where answers to ranges are of no use, the whole file is asked for.
        let is_useless = |trouble: &Trouble| trouble.kind.is_about_ranges();
        let is_whole = world.troubles.iter().any(is_useless);
        let streams = if is_whole { self.streams * size } else { 0 };
        size / 100 * 103 + size % 100 + self.failures * each + searches + streams + self.lost
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

const WHILE: Duration = Duration::from_secs(10);
/// Whoever brings a byte in between may be asked again at once.
const VAIN_MAX: usize = 60;
