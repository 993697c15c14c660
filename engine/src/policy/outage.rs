//! Whether the link is down, and when the one probe may go out that finds it up again.
//!
//! Knows nothing of a server that answers with errors: that link is up.

use rand::Rng;

use crate::policy::retry::Backoff;
use crate::time::{Duration, Instant};

/// Watches for the moment when nothing gets through any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outage {
    probe_max: Duration,
    down: Option<Down>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Down {
    since: Instant,
    probe: Option<u64>,
    backoff: Backoff,
}

/// What may be opened now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permit {
    /// As much as the window allows.
    Free,
    /// One request, as a probe.
    Probe,
    /// Nothing before this time; `None` while a probe is out.
    Wait(Option<Instant>),
}

impl Outage {
    /// A link that is up; probes will never be further apart than `backoff_max`.
    pub(crate) fn new(backoff_max: Duration) -> Self {
        Self { probe_max: backoff_max.min(PROBE_MAX), down: None }
    }

    /// Everything is silent, or fails without a byte. True if that is news.
    pub(crate) fn on_down(&mut self, since: Instant) -> bool {
        let is_news = self.down.is_none();
        if is_news {
            let backoff = Backoff::new(self.probe_max);
            self.down = Some(Down { since, probe: None, backoff });
        }
        is_news
    }

    /// The request, or question to the hub, is the probe.
    pub(crate) fn on_probe(&mut self, id: u64) {
        if let Some(down) = &mut self.down {
            down.probe = Some(id);
        }
    }

    /// A request that was opened at `opened` closed without a byte. The pause counts from its
    /// opening: a probe that was waited for in vain has been a pause itself.
    pub(crate) fn on_close(&mut self, rng: &mut impl Rng, id: u64, opened: Instant) {
        if let Some(down) = &mut self.down
            && down.probe == Some(id)
        {
            down.probe = None;
            down.backoff.on_fault(rng, opened, opened);
        }
    }

    /// Bytes or an answer arrived: the link is up. Says for how long it was down.
    pub(crate) fn on_bytes(&mut self, now: Instant) -> Option<Duration> {
        self.down.take().map(|down| now.since(down.since))
    }

    /// What may be opened at `now`.
    pub(crate) fn permit(&self, now: Instant) -> Permit {
        match &self.down {
            None => Permit::Free,
            Some(Down { probe: Some(_), .. }) => Permit::Wait(None),
            Some(Down { backoff, .. }) if backoff.not_before() > now => {
                Permit::Wait(Some(backoff.not_before()))
            }
            Some(_) => Permit::Probe,
        }
    }

    /// Since when the link is down, if it is.
    pub(crate) fn down_since(&self) -> Option<Instant> {
        self.down.as_ref().map(|down| down.since)
    }

    /// Whether the request is the probe.
    pub(crate) fn is_probe(&self, id: u64) -> bool {
        self.down.as_ref().is_some_and(|down| down.probe == Some(id))
    }

    /// How many probes in a row have failed.
    pub(crate) fn attempt(&self) -> u32 {
        self.down.as_ref().map_or(0, |down| down.backoff.attempt())
    }
}

/// Probes are never further apart: after an outage of any length the first byte comes this soon.
const PROBE_MAX: Duration = Duration::from_secs(30);

/// A probe is never given more time: after an outage the next one must come soon.
pub(crate) const PROBE_PATIENCE_MAX: Duration = Duration::from_secs(30);

/// Connections that were open when the link went down are kept this long: TCP survives a short
/// outage, but a NAT forgets them, and then they never speak again.
pub(crate) const KEEP_SILENT: Duration = Duration::from_secs(75);

/// A link is called down when so many tries in a row have failed.
pub(crate) const TRIES_BEFORE_DOWN: u32 = 3;

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::SmallRng;

    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::at(Duration::from_secs(seconds))
    }

    #[test]
    fn one_probe_at_a_time_at_a_capped_pace() {
        let mut rng = SmallRng::seed_from_u64(7);
        let mut outage = Outage::new(Duration::from_secs(300));
        assert_eq!(outage.permit(at(0)), Permit::Free);
        assert!(outage.on_down(at(0)));
        assert!(!outage.on_down(at(1)), "an outage begins once");
        let mut now = at(1);
        for probe in 0..50 {
            let id = probe;
            assert_eq!(outage.permit(now), Permit::Probe);
            outage.on_probe(id);
            assert_eq!(outage.permit(now), Permit::Wait(None));
            outage.on_close(&mut rng, 999, now);
            assert_eq!(outage.permit(now), Permit::Wait(None), "another request is no probe");
            outage.on_close(&mut rng, id, now);
            if let Permit::Wait(Some(until)) = outage.permit(now) {
                assert!(until.since(now) <= Duration::from_secs(30));
                now = until;
            }
        }
        assert_eq!(outage.on_bytes(now), Some(now.since(at(0))));
        assert_eq!(outage.permit(now), Permit::Free);
    }

    #[test]
    fn a_probe_that_was_long_silent_is_followed_soon() {
        let mut rng = SmallRng::seed_from_u64(7);
        let mut outage = Outage::new(Duration::from_secs(300));
        outage.on_down(at(0));
        let mut opened = at(1);
        for id in 0..50 {
            outage.on_probe(id);
            outage.on_close(&mut rng, id, opened);
            let next = match outage.permit(opened + Duration::from_secs(20)) {
                Permit::Wait(Some(until)) => until,
                Permit::Probe => opened + Duration::from_secs(20),
                other @ (Permit::Free | Permit::Wait(None)) => panic!("{other:?} after a probe"),
            };
            assert!(next.since(opened) <= PROBE_MAX, "{next:?} after {opened:?}");
            opened = next;
        }
    }
}
