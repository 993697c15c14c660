//! How fast bytes arrive: a running mean over the last few seconds, and the best of it.
//!
//! Estimates no time of arrival.

use crate::time::{Duration, Instant};

/// Bytes per second, averaged with a time constant of a few seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RateMeter {
    began: Instant,
    pending: u64,
    pending_since: Instant,
    mean: u64,
    best: u64,
}

impl RateMeter {
    /// A meter that has seen nothing yet.
    pub(crate) const fn new(now: Instant) -> Self {
        Self { began: now, pending: 0, pending_since: now, mean: 0, best: 0 }
    }

    /// `len` bytes arrived.
    pub(crate) fn on_bytes(&mut self, len: u64, now: Instant) {
        self.pending += len;
        let elapsed = now.since(self.pending_since);
        if elapsed < SAMPLE {
            return;
        }
        let sample = per_second(self.pending, elapsed);
        (self.pending, self.pending_since) = (0, now);
        self.mean = if self.mean == 0 { sample } else { (self.mean * 3 + sample) / 4 };
        self.best = self.best.max(self.mean);
    }

    /// The present mean, in bytes per second.
    pub(crate) fn rate(&self, now: Instant) -> u64 {
        let silence = now.since(self.pending_since);
        if self.mean == 0 {
            return per_second(self.pending, now.since(self.began));
        }
        if silence < SAMPLE * 2 {
            return self.mean;
        }
        self.mean.min(per_second(self.pending, silence))
    }

    /// The best mean seen, in bytes per second.
    pub(crate) const fn best(&self) -> u64 {
        self.best
    }
}

fn per_second(len: u64, elapsed: Duration) -> u64 {
    let micros = elapsed.as_micros().max(1);
    u64::try_from(u128::from(len) * 1_000_000 / micros).unwrap_or(u64::MAX)
}

/// One sample covers at least this much time.
const SAMPLE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_a_steady_rate_and_forgets_it_in_silence() {
        let mut meter = RateMeter::new(Instant::START);
        let mut now = Instant::START;
        for _ in 0..200 {
            now = now + Duration::from_millis(100);
            meter.on_bytes(10_000, now);
        }
        let rate = meter.rate(now);
        assert!((95_000..=105_000).contains(&rate), "{rate}");
        let later = now + Duration::from_secs(60);
        assert!(meter.rate(later) < 1_000, "{}", meter.rate(later));
        assert!(meter.best() >= rate);
    }
}
