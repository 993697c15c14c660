//! The right to use a signed URL until a time: renewed before it ends, and when it is refused.
//!
//! Does not read URLs: who signed one for how long comes with the [`Location`].

use url::Url;

use crate::action::Ticket;
use crate::manifest::Location;
use crate::time::{Duration, Instant};

/// What we know of where a file can be fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lease {
    held: Option<Held>,
    renewing: Option<Ticket>,
    refused: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    url: Url,
    renew_at: Option<Instant>,
}

impl Lease {
    /// A lease taken at `asked`, before the transfer began.
    pub fn new(location: Option<Location>, asked: Instant) -> Self {
        let mut lease = Self::default();
        if let Some(location) = location {
            lease.on_located(location, asked);
        }
        lease
    }

    /// The URL to use at `now`; `None` if the hub has to be asked first.
    pub fn url(&self, now: Instant) -> Option<&Url> {
        let held = self.held.as_ref()?;
        held.renew_at.is_none_or(|at| now < at).then_some(&held.url)
    }

    /// Whether the hub is being asked.
    pub const fn is_renewing(&self) -> bool {
        self.renewing.is_some()
    }

    /// The hub is asked.
    pub fn on_asked(&mut self, ticket: Ticket) {
        self.renewing = Some(ticket);
    }

    /// The hub answered what was asked at `asked`. An answer's age counts against its lifetime.
    pub fn on_located(&mut self, location: Location, asked: Instant) {
        let renew_at = location.ttl.map(|ttl| asked + ttl - margin(ttl));
        self.held = Some(Held { url: location.url, renew_at });
        self.renewing = None;
    }

    /// Asking the hub failed.
    pub fn on_not_located(&mut self) {
        self.renewing = None;
    }

    /// `url` was refused. Only the one that is held is dropped: a late refusal of an older one
    /// says nothing. Returns how often in a row a URL was refused.
    pub fn on_refused(&mut self, url: &Url) -> u32 {
        if self.held.as_ref().is_some_and(|held| held.url == *url) {
            self.held = None;
            self.refused += 1;
        }
        self.refused
    }

    /// The URL worked.
    pub fn on_accepted(&mut self) {
        self.refused = 0;
    }
}

/// How long before its end a URL is renewed, so that a request does not arrive too late.
fn margin(ttl: Duration) -> Duration {
    (ttl / 4).min(Duration::from_secs(30))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(path: &str, ttl: Option<u64>) -> Location {
        let url = Url::parse(&format!("https://cdn.example/{path}")).unwrap();
        Location { url, ttl: ttl.map(Duration::from_secs) }
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
            let lease = Lease::new(Some(location("a", ttl)), Instant::START);
            assert_eq!(lease.url(at(now)).is_some(), is_good, "{ttl:?} at {now}");
        }
    }

    #[test]
    fn a_late_refusal_of_an_old_url_is_not_news() {
        let old = location("old", None);
        let mut lease = Lease::new(Some(old.clone()), Instant::START);
        assert_eq!(lease.on_refused(&old.url), 1);
        assert!(lease.url(at(0)).is_none());
        lease.on_located(location("new", None), at(1));
        assert_eq!(lease.on_refused(&old.url), 1, "counted once");
        assert!(lease.url(at(1)).is_some());
        lease.on_accepted();
        assert_eq!(
            lease.on_refused(&location("new", None).url),
            1,
            "progress starts the count anew"
        );
    }
}
