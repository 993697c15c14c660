//! Which way a file's bytes are asked for: in packed chunks from content-addressed storage, or as
//! they are.
//!
//! Knows neither protocol; it counts what the tries brought.

use crate::time::{Duration, Instant};

/// A way to ask for bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As they are.
    Http,
    /// In packed chunks, which are fewer bytes and prove themselves.
    Xet,
}

/// The way that is taken now. Xet is preferred for as long as it is fewer bytes; either serves when
/// the other fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    kind: Kind,
    is_http_barred: bool,
    is_xet_barred: bool,
    /// How many bytes chunks have cost more of late than bytes as they are would have.
    overhead: u64,
    /// Tries in a row on the present way that brought nothing.
    failures: u32,
    /// When the last of them was counted.
    failed_at: Instant,
    /// When Xet is tried again, and how much longer the pause after that will be.
    back_at: Instant,
    pause: Duration,
}

impl Choice {
    /// Begins with Xet if the file is there.
    pub(crate) const fn new(has_xet: bool) -> Self {
        Self {
            kind: if has_xet { Kind::Xet } else { Kind::Http },
            is_http_barred: false,
            is_xet_barred: !has_xet,
            overhead: 0,
            failures: 0,
            failed_at: Instant::START,
            back_at: Instant::START,
            pause: PAUSE_MIN,
        }
    }

    /// The way to take at `now`.
    pub(crate) fn choose(&mut self, now: Instant) -> Kind {
        if self.kind == Kind::Http && !self.is_xet_barred && now >= self.back_at {
            self.kind = Kind::Xet;
            // It has failed before: one more failure is enough. What its last requests have cost
            // says nothing of those to come.
            (self.failures, self.overhead) = (FAILURES_MAX - 1, 0);
        }
        self.kind
    }

    /// How many tries in a row have brought nothing.
    pub(crate) const fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether the file may still come in chunks.
    pub(crate) const fn has_xet(&self) -> bool {
        !self.is_xet_barred
    }

    /// Whether the file may still come as it is.
    pub(crate) const fn has_http(&self) -> bool {
        !self.is_http_barred
    }

    /// What comes in chunks is wrong, however often. Says whether that leaves another way.
    pub(crate) fn bar_xet(&mut self) -> bool {
        if self.is_xet_barred || self.is_http_barred {
            return false;
        }
        (self.is_xet_barred, self.kind, self.failures) = (true, Kind::Http, 0);
        true
    }

    /// Proven bytes came this way.
    pub(crate) fn on_progress(&mut self, kind: Kind) {
        if kind == self.kind {
            self.failures = 0;
        }
        if kind == Kind::Xet {
            self.pause = PAUSE_MIN;
        }
    }

    /// A request in chunks has ended: `came` bytes were on the wire, and `worth` bytes of the file
    /// are proven for it. Each reset loses a chunk: where there are many, bytes as they are cost
    /// less.
    pub(crate) fn on_chunks_closed(&mut self, came: u64, worth: u64, now: Instant) {
        self.overhead = (self.overhead + came).saturating_sub(worth + worth / FORGIVEN);
        if self.overhead > DEBT_MAX && self.kind == Kind::Xet && !self.is_http_barred {
            self.turn(now);
        }
    }

    /// A try that began at `began` brought nothing; `is_final` if more of them never would. Tries
    /// that were under way when the last was counted tell nothing new. Says whether there is a
    /// way left to take.
    pub(crate) fn on_fault(
        &mut self,
        kind: Kind,
        is_final: bool,
        began: Instant,
        now: Instant,
    ) -> bool {
        if is_final {
            match kind {
                Kind::Http => self.is_http_barred = true,
                Kind::Xet => self.is_xet_barred = true,
            }
        }
        let is_news = is_final || self.failures == 0 || began >= self.failed_at;
        if kind == self.kind && is_news {
            (self.failures, self.failed_at) = (self.failures + 1, now);
            let is_other_barred = match kind {
                Kind::Http => self.is_xet_barred,
                Kind::Xet => self.is_http_barred,
            };
            if !is_other_barred && (is_final || self.failures >= FAILURES_MAX) {
                self.turn(now);
            }
        }
        !(self.is_http_barred && self.is_xet_barred)
    }

    fn turn(&mut self, now: Instant) {
        (self.failures, self.overhead) = (0, 0);
        self.kind = match self.kind {
            Kind::Http => Kind::Xet,
            Kind::Xet => {
                self.back_at = now + self.pause;
                self.pause = (self.pause * 2).min(PAUSE_MAX);
                Kind::Http
            }
        };
    }
}

/// So much more is enough to try the other way: seams with what came otherwise cost some, too.
const DEBT_MAX: u64 = 256 << 10;
/// This part of what they are worth is not counted: what cannot be packed comes with heads.
const FORGIVEN: u64 = 128;
/// So many tries in a row that bring nothing are enough to try the other way.
const FAILURES_MAX: u32 = 3;
/// How long Xet is left alone after it failed, at first and at most.
const PAUSE_MIN: Duration = Duration::from_secs(30);
const PAUSE_MAX: Duration = Duration::from_secs(1800);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::at(Duration::from_secs(seconds))
    }

    #[test]
    fn three_failures_turn_and_time_turns_back() {
        let mut choice = Choice::new(true);
        for _ in 0..3 {
            assert_eq!(choice.choose(at(0)), Kind::Xet);
            assert!(choice.on_fault(Kind::Xet, false, at(0), at(0)));
        }
        assert_eq!(choice.choose(at(29)), Kind::Http);
        assert_eq!(choice.choose(at(30)), Kind::Xet);
        choice.on_fault(Kind::Xet, false, at(30), at(30));
        assert_eq!(choice.choose(at(89)), Kind::Http, "one failure, and a longer pause");
        assert_eq!(choice.choose(at(90)), Kind::Xet);
    }

    #[test]
    fn chunks_that_cost_more_than_they_are_worth_are_left_for_a_while() {
        for (came, worth, expected) in [
            (200_000, 230_000, Kind::Xet),
            (200_000, 199_000, Kind::Xet),
            (200_000, 180_000, Kind::Http),
        ] {
            let mut choice = Choice::new(true);
            for _ in 0..21 {
                choice.on_progress(Kind::Xet);
                choice.on_chunks_closed(came, worth, at(1));
            }
            assert_eq!(choice.choose(at(1)), expected, "{came} for {worth}");
            assert_eq!(choice.choose(at(31)), Kind::Xet, "and then tried again");
        }
        let mut choice = Choice::new(true);
        choice.on_chunks_closed(DEBT_MAX + 1, 0, at(1));
        choice.on_chunks_closed(DEBT_MAX + 1, 0, at(1));
        assert_eq!(choice.choose(at(31)), Kind::Xet);
        choice.on_chunks_closed(1, 0, at(31));
        assert_eq!(choice.choose(at(31)), Kind::Xet, "what ended late belongs to the time before");
        let mut choice = Choice::new(true);
        choice.on_fault(Kind::Http, true, at(0), at(0));
        choice.on_chunks_closed(u64::MAX / 2, 1, at(1));
        assert_eq!(choice.choose(at(1)), Kind::Xet, "there is no other way");
    }

    #[test]
    fn those_that_fail_together_count_once() {
        let mut choice = Choice::new(true);
        for second in 5..13 {
            choice.on_fault(Kind::Xet, false, at(4), at(second));
        }
        assert_eq!(choice.failures(), 1);
    }

    #[test]
    fn progress_forgives() {
        let mut choice = Choice::new(true);
        for _ in 0..10 {
            choice.on_fault(Kind::Xet, false, at(0), at(0));
            choice.on_fault(Kind::Xet, false, at(0), at(0));
            choice.on_progress(Kind::Xet);
        }
        assert_eq!(choice.choose(at(0)), Kind::Xet);
    }

    #[test]
    fn what_is_barred_is_not_tried_again() {
        let mut choice = Choice::new(true);
        assert!(choice.on_fault(Kind::Xet, true, at(0), at(0)));
        assert_eq!(choice.choose(at(1_000_000)), Kind::Http);
        assert!(choice.on_fault(Kind::Http, false, at(0), at(0)));
        assert!(!choice.on_fault(Kind::Http, true, at(0), at(0)), "nothing is left");
    }

    #[test]
    fn without_xet_there_is_one_way() {
        let mut choice = Choice::new(false);
        for _ in 0..10 {
            assert!(choice.on_fault(Kind::Http, false, at(0), at(0)));
        }
        assert_eq!(choice.choose(at(0)), Kind::Http);
        assert!(!choice.on_fault(Kind::Http, true, at(0), at(0)));
    }
}
