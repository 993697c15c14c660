//! How soon a connection that died silently must be replaced: by what was heard of the others.
//!
//! Learns patience from what arrives, and does not ask the machine for its own.

use std::collections::{BTreeMap, VecDeque};

use engine::time::{Duration, Instant};

/// When bytes came last on each connection, and how far apart they have come.
#[derive(Debug, Default)]
pub struct Silences {
    keeps_all: bool,
    heard: BTreeMap<u64, Instant>,
    arrivals: VecDeque<(Instant, u64)>,
    gaps: VecDeque<(Instant, Duration)>,
}

impl Silences {
    /// Remembers all that was heard, for judgements afterwards.
    pub fn keeping_all() -> Self {
        Self { keeps_all: true, ..Self::default() }
    }

    /// Something is asked for on a connection, by its number.
    pub fn on_request(&mut self, id: u64, now: Instant) {
        self.heard.insert(id, now);
    }

    /// Bytes came on it.
    pub fn on_bytes(&mut self, id: u64, now: Instant) {
        if let Some(before) = self.heard.insert(id, now) {
            self.gaps.push_back((now, now.since(before)));
        }
        self.arrivals.push_back((now, id));
        let is_old = |at: Instant| !self.keeps_all && now.since(at) > MEMORY;
        while self.arrivals.front().is_some_and(|(at, _)| is_old(*at)) {
            self.arrivals.pop_front();
        }
        while self.gaps.len() > GAPS && self.gaps.front().is_some_and(|(at, _)| is_old(*at)) {
            self.gaps.pop_front();
        }
    }

    /// How long a request may stay that has been dead `since` then: as long as gaps make one
    /// wait, once others have brought bytes for half that time; as long as a silent link makes
    /// one wait, if they have not.
    pub fn replaced_within(&self, id: u64, since: Instant, fixed: Option<Duration>) -> Duration {
        let patience = fixed.unwrap_or_else(|| self.patience(since));
        let begun = since + NOTICED_AFTER + patience / 2;
        let proof = self.arrivals.iter().find(|(at, other)| *at >= begun && *other != id);
        let alone = proof.map(|(at, _)| at.since(since).max(patience));
        let common = COMMON.max(patience);
        alone.map_or(common, |alone| alone.min(common)) + NOTICED_AFTER
    }

    /// The mean of the gaps since shortly before, and eight times what they differ by; both are at
    /// most the longest of them.
    fn patience(&self, since: Instant) -> Duration {
        let old = self.gaps.partition_point(|(at, _)| *at < since);
        let recent = self.gaps.iter().skip(old.saturating_sub(GAPS)).map(|(_, gap)| *gap);
        let longest = recent.max().unwrap_or_default();
        (ALLOWANCE + longest * 9).clamp(SHORTEST, LONGEST)
    }
}

/// What came longer ago says nothing of a silence: the longest patience twice, and to spare.
const MEMORY: Duration = Duration::from_secs(200);
/// The weights of a round-trip estimator forget all but 1 in 10,000 of what came so many ago.
const GAPS: usize = 64;
/// The promise: from 5 s to a minute, as the gaps are; 75 s where everything is silent, since a
/// link that is back may bring what it held.
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(60);
const COMMON: Duration = Duration::from_secs(75);
/// Round trips that the gaps do not show.
const ALLOWANCE: Duration = Duration::from_secs(2);
/// What came last is written, and heard of, so much later; and to end a request takes a moment.
const NOTICED_AFTER: Duration = Duration::from_millis(400 + 100);
