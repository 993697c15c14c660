//! Hosts that asked us to stay away for a while: obeyed, and shared by all workers.
//!
//! Guesses no pause; [`crate::policy::retry`] does that where a server did not say.

use std::collections::BTreeMap;

use url::Url;

use crate::time::{Duration, Instant};

/// Until when each host is to be left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Throttle {
    until: BTreeMap<String, Instant>,
}

impl Throttle {
    /// The host of `url` asked at `now` to be left alone for `pause`.
    pub(crate) fn on_told(&mut self, url: &Url, pause: Duration, now: Instant) {
        let until = self.until.entry(host(url)).or_insert(Instant::START);
        *until = (*until).max(now + pause);
    }

    /// When the host of `url` may be asked again, if not at `now`.
    pub(crate) fn closed_until(&self, url: &Url, now: Instant) -> Option<Instant> {
        self.until.get(&host(url)).copied().filter(|until| *until > now)
    }

    /// Whether the host of `url` is to be left alone at `now`.
    pub(crate) fn is_closed(&self, url: &Url, now: Instant) -> bool {
        self.closed_until(url, now).is_some()
    }
}

/// What a pause, or being out of reach, is kept for: host and port.
pub(crate) fn host(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_does_not_close_another() {
        let mut throttle = Throttle::default();
        let hub = Url::parse("https://hub.example/api/x").unwrap();
        let same = Url::parse("https://hub.example:443/y?z").unwrap();
        let storage = Url::parse("https://storage.example/x").unwrap();
        let now = Instant::at(Duration::from_secs(5));
        throttle.on_told(&hub, Duration::from_secs(55), now);
        throttle.on_told(&hub, Duration::from_secs(1), now);
        let until = Instant::at(Duration::from_secs(60));
        assert_eq!(throttle.closed_until(&same, now), Some(until));
        assert!(throttle.is_closed(&same, now) && !throttle.is_closed(&same, until));
        assert_eq!(throttle.closed_until(&same, until), None);
        assert_eq!(throttle.closed_until(&storage, now), None);
    }
}
