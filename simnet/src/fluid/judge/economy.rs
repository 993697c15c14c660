//! What a run may cost, and what it did.
//!
//! Counts on the wire, not in the machine.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use engine::range::ByteRange;
use engine::range_set::RangeSet;
use engine::time::{Duration, Instant};

use crate::fluid::exchange::WINDOW;
use crate::fluid::world::World;

/// What was spent, and what there was to spend it on.
#[derive(Debug, Default)]
pub(in crate::fluid) struct Economy {
    /// Bytes of bodies that arrived.
    pub(in crate::fluid) wire: u64,
    /// Bytes that were on their way, or that nobody could use, when their requests ended.
    pub(in crate::fluid) stranded: u64,
    /// Bytes of whole files that came in answer to ranges, and were there already.
    pub(in crate::fluid) surplus: u64,
    /// Files that did not match.
    pub(in crate::fluid) mismatches: u64,
    /// Bytes of files that were searched for damage, once for each process that had to.
    pub(in crate::fluid) searched: u64,
    /// Proven bytes that a crash took.
    pub(in crate::fluid) lost: u64,
    /// When requests ended that had brought nothing, since one did.
    fruitless: VecDeque<Instant>,
    searching: BTreeSet<u32>,
    differed: BTreeMap<u32, RangeSet>,
}

impl Economy {
    /// A request ended, with bytes or without. Returns how many have ended without in a while and
    /// in a row.
    pub(in crate::fluid) fn on_ended(&mut self, is_fruitless: bool, now: Instant) -> u64 {
        if is_fruitless {
            self.fruitless.push_back(now);
        } else {
            self.fruitless.clear();
        }
        while self.fruitless.front().is_some_and(|at| now.since(*at) > WHILE) {
            self.fruitless.pop_front();
        }
        self.fruitless.len() as u64
    }

    /// A request ended before its body did, and so much of that was under way.
    pub(in crate::fluid) fn on_stranded(&mut self, world: &World, len: u64) {
        self.stranded += len.min(stranded_max(world));
    }

    /// An answer with the whole file is read for the sake of these gaps.
    pub(super) fn on_stream(&mut self, size: u64, gaps: &[ByteRange]) {
        let wanted: u64 = gaps.iter().copied().map(ByteRange::len).sum();
        self.surplus += size - wanted.min(size);
    }

    /// A file of so many bytes has come and is wrong: two fetches of it are to be compared, once
    /// in each process.
    pub(in crate::fluid) fn on_mismatch(&mut self, file: u32, size: u64) {
        self.mismatches += 1;
        if self.searching.insert(file) {
            self.searched += size;
        }
    }

    /// Bytes that were fetched again are not those of before: one of the two is wrong, and a third
    /// fetch, or a few more, may tell which.
    pub(in crate::fluid) fn on_differs(&mut self, file: u32, range: ByteRange) {
        let differed = self.differed.entry(file).or_default();
        let news: u64 = differed.gaps(range).map(ByteRange::len).sum();
        differed.insert(range);
        self.searched += news * ROUNDS_MORE;
    }

    /// A process has ended, and with it what it knew of a search.
    pub(super) fn on_session(&mut self) {
        self.searching.clear();
        self.differed.clear();
    }

    /// The most that may have come over the wire: the file, what failures left under way, what
    /// damage explains, and what crashes took.
    pub(in crate::fluid) fn wire_max(&self, world: &World) -> u64 {
        world.size() + self.stranded + self.surplus + self.searched + self.lost
    }
}

/// What one failure can cost: its share of the bottleneck's buffer, what is on its way, what the
/// server may send ahead of a client that has not said yes, and a piece more.
fn stranded_max(world: &World) -> u64 {
    let profile = &world.profile;
    let rate = profile.conn_cap.map_or(profile.trace.mean(), |cap| cap.get());
    let flight = rate * nanos(profile.rtt * 2) / 1_000_000_000;
    let piece = world.piece_min.max(64 << 10);
    piece.saturating_mul(2) + profile.queue + flight + WINDOW
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

const WHILE: Duration = Duration::from_secs(10);
/// So many requests may be in vain in that while: whoever brings a byte in between may be asked
/// again at once, and each round of pauses that begin with half a second lets all workers try.
pub(in crate::fluid) fn vain_max(world: &World) -> u64 {
    VAIN_MAX.max(u64::from(world.config.workers_max) * ROUNDS_IN_VAIN)
}

const VAIN_MAX: u64 = 60;
const ROUNDS_IN_VAIN: u64 = 8;
/// How often what differed is fetched after the first time.
const ROUNDS_MORE: u64 = 3;
