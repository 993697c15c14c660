//! How many requests may be open: one until the server has shown how it answers, then doubling
//! to the maximum, less when it pushes back.
//!
//! Does not measure goodput.

use crate::time::{Duration, Instant};

/// The number of requests that may be open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    max: u32,
    limit: u32,
    ceiling: u32,
    raise_at: Option<Instant>,
}

impl Window {
    /// A window of one that may grow to `max`, which is at least 1.
    pub fn new(max: u32) -> Self {
        let max = max.max(1);
        Self { max, limit: 1, ceiling: max, raise_at: None }
    }

    /// How many requests may be open.
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// A request was answered as it should be.
    pub fn on_good_answer(&mut self, now: Instant) {
        if self.raise_at.is_some_and(|at| at <= now) {
            self.ceiling = (self.ceiling + 1).min(self.max);
            self.raise_at = (self.ceiling < self.max).then(|| now + RAISE_EVERY);
        }
        self.limit = (self.limit * 2).min(self.ceiling);
    }

    /// A connection was refused or reset before its first byte, beside `good` ones that bring
    /// bytes: there are as many as the server, or a proxy on the way, allows.
    pub fn on_crowded(&mut self, good: u32, now: Instant) {
        self.ceiling = good.clamp(1, self.limit);
        self.limit = self.ceiling;
        self.raise_at = Some(now + RAISE_EVERY);
    }

    /// The server said that it is too much: 429 or 503.
    pub fn on_pushback(&mut self, now: Instant) {
        self.ceiling = (self.limit / 2).max(1);
        self.limit = self.ceiling;
        self.raise_at = Some(now + RAISE_EVERY);
    }
}

/// After pushback the window grows by one this often.
const RAISE_EVERY: Duration = Duration::from_secs(30);

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
        window.on_good_answer(at(20));
        assert_eq!(window.limit(), 7);
        window.on_good_answer(at(31));
        assert_eq!(window.limit(), 8);
        window.on_crowded(0, at(32));
        assert_eq!(window.limit(), 1);
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
        window.on_good_answer(at(20));
        assert_eq!(window.limit(), 4);
        window.on_good_answer(at(40));
        assert_eq!(window.limit(), 5);
        window.on_good_answer(at(50));
        assert_eq!(window.limit(), 5);
        for _ in 0..5 {
            window.on_pushback(at(60));
        }
        assert_eq!(window.limit(), 1, "never shut");
    }
}
