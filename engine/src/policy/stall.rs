//! How long silence may last before a request counts as dead, and whose silence it is.
//!
//! Ends no request: the machine does, on this verdict.

use crate::time::{Duration, Instant};

/// Learns the gaps between arrivals, and judges silences by them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StallDetector {
    fixed: Option<Duration>,
    at_least: Duration,
    mean_gap: Duration,
    gap_deviation: Duration,
    seen: bool,
}

/// What the silence of a request means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// Not long enough to mean anything.
    Short,
    /// It alone is silent: its connection is dead.
    Alone,
    /// Everything has been silent as long as it: the link may be down.
    Common,
}

impl StallDetector {
    /// A detector with the given patience, or one that adapts.
    pub(crate) const fn new(fixed: Option<Duration>) -> Self {
        let none = Duration::ZERO;
        Self { fixed, at_least: none, mean_gap: none, gap_deviation: none, seen: false }
    }

    /// The same, but where it adapts, its patience is never shorter than this.
    #[must_use]
    pub(crate) fn at_least(mut self, patience: Option<Duration>) -> Self {
        self.at_least = patience.unwrap_or_default();
        self
    }

    /// Bytes arrived on a request this long after the ones before them (or after the request
    /// was sent).
    pub(crate) fn on_gap(&mut self, gap: Duration) {
        if !self.seen {
            (self.mean_gap, self.gap_deviation, self.seen) = (gap, gap / 2, true);
            return;
        }
        // The weights of TCP's round-trip estimator (RFC 6298).
        let deviation = self.mean_gap.abs_diff(gap);
        self.gap_deviation = self.gap_deviation * 3 / 4 + deviation / 4;
        self.mean_gap = self.mean_gap * 7 / 8 + gap / 8;
    }

    /// Silence longer than this means something.
    pub(crate) fn patience(&self) -> Duration {
        self.fixed.unwrap_or_else(|| self.adapted().max(self.at_least))
    }

    /// Silence longer than this means something of a host that never answered, where there is
    /// another to ask: a person who allows for long silences means those of a link.
    pub(crate) fn first_answer(&self) -> Duration {
        self.patience().min(self.adapted())
    }

    fn adapted(&self) -> Duration {
        (self.mean_gap + self.gap_deviation * 8 + ALLOWANCE).clamp(SHORTEST, LONGEST)
    }

    /// What it means that a request has been quiet since `quiet_since` while the last bytes on
    /// any request came at `last_bytes`.
    pub(crate) fn judge(&self, quiet_since: Instant, last_bytes: Instant, now: Instant) -> Silence {
        let patience = self.patience();
        if now.since(quiet_since) < patience {
            Silence::Short
        } else if last_bytes.since(quiet_since) >= patience / 2 {
            Silence::Alone
        } else {
            Silence::Common
        }
    }
}

/// Added to the adaptive patience for a few round trips that the gaps do not show.
const ALLOWANCE: Duration = Duration::from_secs(2);
/// The adaptive patience is never shorter: 5 to 30 s all work on the report's link.
const SHORTEST: Duration = Duration::from_secs(5);
/// The adaptive patience is never longer: at 120 s silent deaths already cost 15 %.
const LONGEST: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::at(Duration::from_secs(seconds))
    }

    #[test]
    fn judges() {
        let detector = StallDetector::new(Some(Duration::from_secs(10)));
        for (quiet_since, last_bytes, now, expected) in [
            (0, 0, 9, Silence::Short),
            (0, 9, 10, Silence::Alone),
            (0, 0, 10, Silence::Common),
            (0, 4, 10, Silence::Common),
            (0, 5, 10, Silence::Alone),
            (20, 20, 25, Silence::Short),
        ] {
            let verdict = detector.judge(at(quiet_since), at(last_bytes), at(now));
            assert_eq!(verdict, expected, "{quiet_since} {last_bytes} {now}");
        }
    }

    #[test]
    fn patience_adapts_within_its_bounds() {
        for (gap_ms, shortest, longest) in
            [(10, 5, 5), (1_000, 5, 7), (8_000, 10, 60), (90_000, 60, 60)]
        {
            let mut detector = StallDetector::new(None);
            for _ in 0..100 {
                detector.on_gap(Duration::from_millis(gap_ms));
            }
            let patience = detector.patience().as_secs();
            assert!((shortest..=longest).contains(&patience), "{gap_ms} ms: {patience} s");
        }
    }

    #[test]
    fn patience_that_adapts_keeps_to_what_a_person_asked_for() {
        for (at_least, fixed, expected) in
            [(None, None, 5), (Some(2), None, 5), (Some(120), None, 120), (Some(120), Some(7), 7)]
        {
            let seconds = |number: Option<u64>| number.map(Duration::from_secs);
            let detector = StallDetector::new(seconds(fixed)).at_least(seconds(at_least));
            assert_eq!(detector.patience().as_secs(), expected, "{at_least:?} {fixed:?}");
        }
    }
}
