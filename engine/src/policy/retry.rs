//! When to try again: exponential backoff with full jitter, reset by verified progress.
//!
//! Unlimited by itself; what ends a transfer for good is [`next_step`]'s `Fail` and the
//! machine's give-up timer.

use rand::Rng;
use rand::RngExt;

use crate::fault::{Blame, Fault};
use crate::time::{Duration, Instant};

/// What to do after a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// NextStep again, at the same place.
    Again,
    /// NextStep the hub for a new place first.
    Locate,
    /// It will not get better.
    Fail,
}

/// What to do after `fault`, which is the `count`th of its kind in a row.
pub fn next_step(fault: &Fault, count: u32) -> Step {
    match fault {
        Fault::NoSuchHost(_)
        | Fault::Lookup(_)
        | Fault::Refused
        | Fault::Unreachable
        | Fault::Reset
        | Fault::Cut
        | Fault::Silent(_)
        | Fault::Tls(_)
        | Fault::ProxyDown(_)
        | Fault::Link(_)
        | Fault::Portal
        | Fault::NotAHub
        | Fault::Busy { .. } => Step::Again,
        Fault::LeaseRefused { .. } | Fault::Changed | Fault::Redirects if count < ANSWERS_MAX => {
            Step::Locate
        }
        Fault::Stale { .. } if count < STALE_MAX => Step::Locate,
        Fault::RangeIgnored
        | Fault::WrongRange { .. }
        | Fault::Encoded(_)
        | Fault::TooLong
        | Fault::Malformed(_)
            if count < ANSWERS_MAX =>
        {
            Step::Again
        }
        // Once may be an edge that is being set up.
        Fault::Certificate(_) if count < CERTIFICATES_MAX => Step::Again,
        Fault::LeaseRefused { .. }
        | Fault::Changed
        | Fault::Redirects
        | Fault::Stale { .. }
        | Fault::RangeIgnored
        | Fault::WrongRange { .. }
        | Fault::Encoded(_)
        | Fault::TooLong
        | Fault::Malformed(_)
        | Fault::Certificate(_)
        | Fault::NoAuthorities(_)
        | Fault::Proxy(_)
        | Fault::NoXet(_)
        | Fault::TokenNeeded(_)
        | Fault::Gated(_)
        | Fault::NoSuchRepo(_)
        | Fault::NoSuchRevision(_)
        | Fault::NoSuchFile(_)
        | Fault::NoListing
        | Fault::TooManyFiles
        | Fault::UnsafeName(_)
        | Fault::Rejected { .. }
        | Fault::Disk(_)
        | Fault::WrongDigest => Step::Fail,
    }
}

/// Whether asking without a range may help against a fault that keeps coming.
pub(crate) const fn is_about_ranges(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::RangeIgnored
            | Fault::WrongRange { .. }
            | Fault::Encoded(_)
            | Fault::TooLong
            | Fault::Changed
    )
}

/// Faults of one kind in a row: all answers that are of no use are one kind, since a server that
/// gives them changes its mind about how; any other fault is its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    kind: &'static str,
    count: u32,
    counted_at: Instant,
}

impl Row {
    /// A try that began at `began` ended with `fault`: how many of its kind that makes. Tries that
    /// were under way when the last one was counted tell nothing new.
    pub(crate) fn on_fault(&mut self, fault: &Fault, began: Instant, now: Instant) -> u32 {
        let is_useless_answer =
            fault.blame() == Blame::Server && !matches!(fault, Fault::Busy { .. });
        let kind = if is_useless_answer { "answer" } else { fault.kind() };
        if kind != self.kind {
            *self = Self { kind, count: 1, counted_at: now };
        } else if self.count == 0 || began >= self.counted_at {
            (self.count, self.counted_at) = (self.count + 1, now);
        }
        self.count
    }

    /// Something of use came.
    pub(crate) const fn on_progress(&mut self) {
        self.count = 0;
    }
}

/// So many new URLs in a row are asked for because the last one was refused. If that does not
/// help, the fault is not the URL's.
pub const NEW_URLS: u32 = 2;
/// After so many useless answers in a row no other is waited for.
const ANSWERS_MAX: u32 = 12;
/// A mirror that has an old copy so often has no other.
const STALE_MAX: u32 = 5;
/// A certificate that is refused this often is not going to be trusted.
const CERTIFICATES_MAX: u32 = 2;
/// After so many answers in a row that make nothing of a range, the whole file is asked for.
pub(crate) const RANGES_MAX: u32 = 3;
/// The same where much of it is there already.
pub(crate) const RANGES_MAX_DEAR: u32 = 6;

/// The pause before the next try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Backoff {
    max: Duration,
    attempt: u32,
    not_before: Instant,
    bumped_at: Instant,
}

impl Backoff {
    /// No pause yet, and never one longer than `max`.
    pub(crate) const fn new(max: Duration) -> Self {
        Self { max, attempt: 0, not_before: Instant::START, bumped_at: Instant::START }
    }

    /// A try that began at `began` failed without progress. Tries that were already under way
    /// when the last failure was counted tell nothing new, and are not counted again.
    pub(crate) fn on_fault(&mut self, rng: &mut impl Rng, began: Instant, now: Instant) {
        if self.attempt > 0 && began < self.bumped_at {
            return;
        }
        let ceiling = BASE.saturating_mul(1 << self.attempt.min(20)).min(self.max);
        let pause = rng.random_range(0..=u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX));
        self.attempt = self.attempt.saturating_add(1);
        // Never earlier than was decided before: many that fail together would else draw until
        // one of them draws a short pause.
        self.not_before = self.not_before.max(now + Duration::from_millis(pause));
        self.bumped_at = now;
    }

    /// Verified bytes came: the count starts again.
    pub(crate) const fn on_progress(&mut self) {
        self.attempt = 0;
    }

    /// The failure brought a few bytes: do not wait longer than after a first failure.
    pub(crate) fn on_little_progress(&mut self) {
        self.attempt = self.attempt.min(1);
    }

    /// How many tries in a row have failed.
    pub(crate) const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The next try is not to begin before this.
    pub(crate) const fn not_before(&self) -> Instant {
        self.not_before
    }
}

/// The first pause is at most this long.
const BASE: Duration = Duration::from_secs(1);

/// Disagreements about the ETag before it is no longer pinned.
pub(crate) const CHANGES_MAX: u32 = 3;

/// A file whose disk was found to differ from its records more often than this is given up.
pub(crate) const DAMAGES_MAX: u32 = 3;

/// So many proven bytes show that the path works: the next try follows at once.
pub(crate) const MUCH: u64 = 64 << 10;
/// And so does any progress of a request that has lived this long, on a very weak link.
pub(crate) const LONG: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::SmallRng;

    use super::*;

    #[test]
    fn pauses_grow_to_the_maximum_and_are_drawn_from_zero() {
        let max = Duration::from_secs(30);
        for (attempt, ceiling) in [(0, 1), (1, 2), (2, 4), (3, 8), (4, 16), (5, 30), (40, 30)] {
            let mut longest = Duration::ZERO;
            let mut shortest = max;
            for seed in 0..200 {
                let mut rng = SmallRng::seed_from_u64(seed);
                let mut backoff = Backoff::new(max);
                let mut now = Instant::START;
                for _ in 0..=attempt {
                    now = backoff.not_before();
                    backoff.on_fault(&mut rng, now, now);
                }
                let pause = backoff.not_before().since(now);
                longest = longest.max(pause);
                shortest = shortest.min(pause);
            }
            let ceiling = Duration::from_secs(ceiling);
            assert!(longest <= ceiling, "attempt {attempt}: {longest:?} > {ceiling:?}");
            assert!(longest > ceiling * 9 / 10, "attempt {attempt}: {longest:?} of {ceiling:?}");
            assert!(shortest < ceiling / 10, "attempt {attempt}: {shortest:?} is not jittered");
        }
    }

    #[test]
    fn many_that_fail_in_turn_while_others_bring_bytes_do_not_shorten_the_pause() {
        let mut rng = SmallRng::seed_from_u64(1);
        let mut backoff = Backoff::new(Duration::from_secs(300));
        let mut latest = Instant::START;
        for millis in 1..50 {
            let now = Instant::at(Duration::from_millis(millis));
            backoff.on_fault(&mut rng, now, now);
            assert!(backoff.not_before() >= latest);
            latest = backoff.not_before();
            backoff.on_progress();
        }
    }

    #[test]
    fn failures_of_one_moment_count_once() {
        let mut rng = SmallRng::seed_from_u64(1);
        let mut backoff = Backoff::new(Duration::from_secs(300));
        let began = Instant::START;
        for second in 1..=8 {
            backoff.on_fault(&mut rng, began, Instant::at(Duration::from_secs(second)));
        }
        assert_eq!(backoff.attempt(), 1);
    }

    #[test]
    fn progress_resets() {
        let mut rng = SmallRng::seed_from_u64(1);
        let mut backoff = Backoff::new(Duration::from_secs(300));
        backoff.on_fault(&mut rng, Instant::START, Instant::START);
        backoff.on_progress();
        assert_eq!(backoff.attempt(), 0);
    }

    #[test]
    fn steps() {
        let again = Step::Again;
        for (fault, count, expected) in [
            (Fault::Reset, 1_000_000, again),
            (Fault::Busy { status: 429, retry_after: None }, 1_000_000, again),
            (Fault::refused(403), 1, Step::Locate),
            (Fault::refused(403), 11, Step::Locate),
            (Fault::refused(403), 12, Step::Fail),
            (Fault::Encoded("br".to_owned()), 11, again),
            (Fault::Encoded("br".to_owned()), 12, Step::Fail),
            (Fault::Stale { promised: 2, served: 1 }, 4, Step::Locate),
            (Fault::Stale { promised: 2, served: 1 }, 5, Step::Fail),
            (Fault::Certificate("expired".to_owned()), 1, again),
            (Fault::Certificate("expired".to_owned()), 2, Step::Fail),
            (Fault::Proxy("no such proxy".to_owned()), 1, Step::Fail),
            (Fault::NoSuchFile("x".to_owned()), 1, Step::Fail),
            (Fault::Disk(crate::fault::DiskFault::Full), 1, Step::Fail),
        ] {
            assert_eq!(next_step(&fault, count), expected, "{fault}");
        }
    }
}
