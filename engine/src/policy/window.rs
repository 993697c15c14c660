//! How many requests may be open: one until the server has shown how it answers, then doubling
//! to the maximum, less when it pushes back. After that one more is tried now and then, less often
//! each time that it is one too many.
//!
//! Does not measure goodput.

use crate::time::{Duration, Instant};

/// The number of requests that may be open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    max: u32,
    limit: u32,
    ceiling: u32,
    raise_at: Option<Instant>,
    /// How long after pushback one more is tried.
    raise_every: Duration,
    /// Whether one more has been tried since.
    is_raised: bool,
}

impl Window {
    /// A window of one that may grow to `max`, which is at least 1.
    pub(crate) fn new(max: u32) -> Self {
        let max = max.max(1);
        Self {
            max,
            limit: 1,
            ceiling: max,
            raise_at: None,
            raise_every: RAISE_EVERY_MIN,
            is_raised: false,
        }
    }

    /// How many requests may be open.
    pub(crate) const fn limit(&self) -> u32 {
        self.limit
    }

    /// A request was answered as it should be.
    pub(crate) fn on_good_answer(&mut self, now: Instant) {
        if self.raise_at.is_some_and(|at| at <= now) {
            self.ceiling = (self.ceiling + 1).min(self.max);
            self.raise_at = (self.ceiling < self.max).then(|| now + self.raise_every);
            self.is_raised = true;
        }
        self.limit = (self.limit * 2).min(self.ceiling);
    }

    /// A connection was refused or reset before its first byte, beside `good` ones that bring
    /// bytes: there are as many as the server, or a proxy on the way, allows.
    pub(crate) fn on_crowded(&mut self, good: u32, now: Instant) {
        self.shrink(good.clamp(1, self.limit), now);
    }

    /// The server said that it is too much: 429 or 503.
    pub(crate) fn on_pushback(&mut self, now: Instant) {
        self.shrink((self.limit / 2).max(1), now);
    }

    fn shrink(&mut self, to: u32, now: Instant) {
        if std::mem::take(&mut self.is_raised) {
            self.raise_every = (self.raise_every * 2).min(RAISE_EVERY_MAX);
        }
        (self.ceiling, self.limit) = (to, to);
        self.raise_at = Some(now + self.raise_every);
    }
}

/// After the first pushback the window grows by one this often: a fault of a moment is forgotten
/// within a minute.
const RAISE_EVERY_MIN: Duration = Duration::from_secs(5);
/// Where each attempt at one more was too much, it is made no more often than this.
const RAISE_EVERY_MAX: Duration = Duration::from_secs(80);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::at(Duration::from_secs(seconds))
    }

    #[test]
    fn settles_at_as_many_as_are_allowed_and_tries_one_more_now_and_then() {
        let mut window = Window::new(8);
        (0..4).for_each(|_| window.on_good_answer(at(0)));
        window.on_crowded(7, at(1));
        window.on_crowded(7, at(1));
        assert_eq!(window.limit(), 7);
        window.on_good_answer(at(5));
        assert_eq!(window.limit(), 7);
        window.on_good_answer(at(6));
        assert_eq!(window.limit(), 8);
        window.on_crowded(7, at(7));
        window.on_good_answer(at(16));
        assert_eq!(window.limit(), 7, "one more was one too many");
        window.on_good_answer(at(17));
        assert_eq!(window.limit(), 8);
        window.on_crowded(0, at(18));
        assert_eq!(window.limit(), 1);
    }

    #[test]
    fn where_one_more_is_always_too_many_it_is_tried_ever_less_often() {
        let mut window = Window::new(8);
        (0..4).for_each(|_| window.on_good_answer(at(0)));
        window.on_crowded(4, at(0));
        let mut tries = Vec::new();
        for second in 0..600 {
            window.on_good_answer(at(second));
            if window.limit() > 4 {
                tries.push(second);
                window.on_crowded(4, at(second));
            }
        }
        assert_eq!(tries, [5, 15, 35, 75, 155, 235, 315, 395, 475, 555]);
    }

    #[test]
    fn doubles_to_the_maximum() {
        let mut window = Window::new(6);
        let mut limits = vec![window.limit()];
        for _ in 0..4 {
            window.on_good_answer(at(0));
            limits.push(window.limit());
        }
        assert_eq!(limits, [1, 2, 4, 6, 6]);
    }

    #[test]
    fn pushback_halves_and_recovers_slowly() {
        let mut window = Window::new(8);
        for _ in 0..3 {
            window.on_good_answer(at(0));
        }
        window.on_pushback(at(10));
        assert_eq!(window.limit(), 4);
        window.on_good_answer(at(14));
        assert_eq!(window.limit(), 4);
        window.on_good_answer(at(15));
        assert_eq!(window.limit(), 5);
        window.on_good_answer(at(16));
        assert_eq!(window.limit(), 5);
        for _ in 0..5 {
            window.on_pushback(at(60));
        }
        assert_eq!(window.limit(), 1, "never shut");
    }
}
