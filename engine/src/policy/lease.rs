//! A right that ends at some time: renewed before it does, and when it is refused. What is leased
//! is a signed URL, or a token.
//!
//! Reads neither: who gave what for how long is told.

use crate::action::TaskId;
use crate::time::{Duration, Instant};

/// What we know of a right to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lease<T> {
    held: Option<Held<T>>,
    renewing: Option<TaskId>,
    refused: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Held<T> {
    what: T,
    since: Instant,
    renew_at: Option<Instant>,
}

impl<T> Default for Lease<T> {
    fn default() -> Self {
        Self { held: None, renewing: None, refused: 0 }
    }
}

impl<T: PartialEq> Lease<T> {
    /// What to use at `now`; `None` if the hub has to be asked first.
    pub(crate) fn held(&self, now: Instant) -> Option<&T> {
        let held = self.held.as_ref()?;
        held.renew_at.is_none_or(|at| now < at).then_some(&held.what)
    }

    /// How long ago what is held was asked for.
    pub(crate) fn age(&self, now: Instant) -> Option<Duration> {
        self.held.as_ref().map(|held| now.since(held.since))
    }

    /// Whether the hub is being asked.
    pub(crate) const fn is_renewing(&self) -> bool {
        self.renewing.is_some()
    }

    /// The hub is asked.
    pub(crate) fn on_asked(&mut self, task_id: TaskId) {
        self.renewing = Some(task_id);
    }

    /// The hub gave what was asked for at `asked`, good for `ttl` from then if it said so. An
    /// answer's age counts against its lifetime.
    pub(crate) fn on_given(&mut self, what: T, ttl: Option<Duration>, asked: Instant) {
        let renew_at = ttl.map(|ttl| asked + ttl - margin(ttl));
        self.held = Some(Held { what, since: asked, renew_at });
        self.renewing = None;
    }

    /// Asking the hub failed.
    pub(crate) fn on_not_given(&mut self) {
        self.renewing = None;
    }

    /// `what` was refused. Only the one that is held is dropped: a late refusal of an older one
    /// says nothing. Returns how often in a row one was refused.
    pub(crate) fn on_refused(&mut self, what: &T) -> u32 {
        if self.held.as_ref().is_some_and(|held| held.what == *what) {
            self.held = None;
            self.refused += 1;
        }
        self.refused
    }

    /// `what` did not serve, for another reason than that it was refused.
    pub(crate) fn on_useless(&mut self, what: &T) {
        self.held.take_if(|held| held.what == *what);
    }

    /// How often in a row one was refused.
    pub(crate) const fn refused(&self) -> u32 {
        self.refused
    }

    /// It worked.
    pub(crate) fn on_accepted(&mut self) {
        self.refused = 0;
    }
}

/// How long before its end a lease is renewed, so that a request does not arrive too late.
fn margin(ttl: Duration) -> Duration {
    (ttl / 4).min(Duration::from_secs(30))
}

/// A refused URL is kept no longer than this, even if others were refused before it.
pub(crate) const URL_OLD: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    fn given(ttl: Option<u64>) -> Lease<&'static str> {
        let mut lease = Lease::default();
        lease.on_given("old", ttl.map(Duration::from_secs), Instant::START);
        lease
    }

    fn at(seconds: u64) -> Instant {
        Instant::at(Duration::from_secs(seconds))
    }

    #[test]
    fn is_renewed_before_it_ends() {
        for (ttl, now, is_good) in [
            (None, 1_000_000, true),
            (Some(3600), 10, true),
            (Some(3600), 3569, true),
            (Some(3600), 3570, false),
            (Some(2), 1, true),
            (Some(2), 2, false),
            (Some(0), 0, false),
        ] {
            assert_eq!(given(ttl).held(at(now)).is_some(), is_good, "{ttl:?} at {now}");
        }
    }

    #[test]
    fn a_late_refusal_of_an_old_one_is_not_news() {
        let mut lease = given(None);
        assert_eq!(lease.on_refused(&"old"), 1);
        assert!(lease.held(at(0)).is_none());
        lease.on_given("new", None, at(1));
        assert_eq!(lease.on_refused(&"old"), 1, "counted once");
        assert!(lease.held(at(1)).is_some());
        lease.on_accepted();
        assert_eq!(lease.on_refused(&"new"), 1, "progress starts the count anew");
    }
}
