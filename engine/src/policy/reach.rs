//! Which hosts could not be reached of late, and when each is tried again: known to all files of a
//! run, and to the transfers that follow.
//!
//! Asks nobody. Who has no other host to ask does not ask here either.

use std::collections::BTreeMap;

use url::Url;

use crate::policy::throttle::host;
use crate::time::{Duration, Instant};

/// What the tries have shown of each host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    hosts: BTreeMap<String, Host>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Host {
    has_answered: bool,
    /// Tries in a row that have failed, and when the last was counted.
    failures: u32,
    failed_at: Instant,
    back_at: Instant,
    pause: Duration,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            has_answered: false,
            failures: 0,
            failed_at: Instant::START,
            back_at: Instant::START,
            pause: PAUSE_MIN,
        }
    }
}

impl Reach {
    /// Something of use came from the host of `url`.
    pub fn on_answer(&mut self, url: &Url) {
        let known = self.hosts.entry(host(url)).or_default();
        *known = Host { has_answered: true, ..Host::default() };
    }

    /// A try that began at `began` got nothing from the host of `url`. One that never answered is
    /// left alone after the first, one that did after a few. Tries that were under way when the
    /// last was counted tell nothing new.
    pub fn on_fault(&mut self, url: &Url, began: Instant, now: Instant) {
        let known = self.hosts.entry(host(url)).or_default();
        if known.failures > 0 && began < known.failed_at {
            return;
        }
        (known.failures, known.failed_at) = (known.failures + 1, now);
        if !known.has_answered || known.failures >= FAILURES_MAX {
            known.back_at = now + known.pause;
            known.pause = (known.pause * 2).min(PAUSE_MAX);
        }
    }

    /// Whether the host of `url` is better left alone at `now`, where there is another to ask.
    pub fn is_away(&self, url: &Url, now: Instant) -> bool {
        self.hosts.get(&host(url)).is_some_and(|host| now < host.back_at)
    }

    /// Whether the host of `url` has ever answered.
    pub fn has_answered(&self, url: &Url) -> bool {
        self.hosts.get(&host(url)).is_some_and(|host| host.has_answered)
    }
}

/// A host that has answered before is left alone after so many failures in a row.
const FAILURES_MAX: u32 = 3;
/// How long a host is left alone, at first and at most.
const PAUSE_MIN: Duration = Duration::from_secs(30);
const PAUSE_MAX: Duration = Duration::from_secs(1800);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::at(Duration::from_secs(seconds))
    }

    #[test]
    fn a_host_that_never_answered_is_left_alone_at_once_and_for_longer_each_time() {
        let cas = Url::parse("https://cas.example/").unwrap();
        let other = Url::parse("https://storage.example/").unwrap();
        let mut reach = Reach::default();
        reach.on_fault(&cas, at(0), at(5));
        reach.on_fault(&cas, at(1), at(6));
        assert!(reach.is_away(&cas, at(34)) && !reach.is_away(&other, at(6)));
        assert!(!reach.is_away(&cas, at(35)), "those that fail together count once");
        reach.on_fault(&cas, at(35), at(40));
        assert!(reach.is_away(&cas, at(99)) && !reach.is_away(&cas, at(100)));
    }

    #[test]
    fn a_host_that_answered_gets_three_tries() {
        let cas = Url::parse("https://cas.example/").unwrap();
        let mut reach = Reach::default();
        for second in 0..3 {
            reach.on_answer(&cas);
            reach.on_fault(&cas, at(second), at(second));
            reach.on_fault(&cas, at(second + 1), at(second + 1));
            assert!(!reach.is_away(&cas, at(second + 1)), "progress forgives");
        }
        reach.on_fault(&cas, at(4), at(4));
        assert!(reach.is_away(&cas, at(33)) && reach.has_answered(&cas));
    }
}
