//! The weak link between the hub and everyone: rates, latency, outages, a connection limit.
//!
//! It computes when bytes may pass and holds no bytes itself; the wire does the waiting.

use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::quantity::{QuantityError, parse_duration};

/// What the link is like. The default is no limit at all.
#[derive(Debug, Clone, Default)]
pub struct LinkSpec {
    /// Bytes per second of all connections together, shared in turns.
    pub rate: Option<u64>,
    /// Bytes per second of each connection.
    pub conn_rate: Option<u64>,
    /// Added once to each new connection and once to each response.
    pub latency: Duration,
    /// Connections beyond this count are reset on arrival.
    pub max_connections: Option<u64>,
    /// Times of silence.
    pub outages: Vec<Outage>,
}

/// A time in which nothing passes in either direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// When it begins, counted from the first byte of the CDN.
    pub after: Duration,
    /// How long it lasts.
    pub lasting: Duration,
}

impl FromStr for Outage {
    type Err = QuantityError;

    /// Reads `10s+30s`: from 10 s after the first CDN byte, silent for 30 s.
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let (after, lasting) = text.split_once('+').unwrap_or((text, ""));
        Ok(Self { after: parse_duration(after)?, lasting: parse_duration(lasting)? })
    }
}

/// The link and where it stands.
#[derive(Debug)]
pub(crate) struct Link {
    spec: LinkSpec,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    shared: Bottleneck,
    first_byte: Option<Instant>,
}

/// Remembers until when a rate is used up.
#[derive(Debug, Default)]
pub(crate) struct Bottleneck {
    free_at: Option<Instant>,
}

impl Bottleneck {
    /// Takes `len` bytes; tells when they have passed.
    fn pass(&mut self, rate: Option<u64>, len: u64, now: Instant) -> Instant {
        let Some(rate) = rate else {
            return now;
        };
        // Timers are late by a millisecond or so; what that loses may be caught up.
        let earliest = now.checked_sub(SLACK).unwrap_or(now);
        let start = self.free_at.map_or(now, |free_at| free_at.max(earliest));
        let done = start + Duration::from_secs_f64(len as f64 / rate as f64);
        self.free_at = Some(done);
        done
    }
}

impl Link {
    pub(crate) fn new(spec: LinkSpec) -> Self {
        Self { spec, state: Mutex::default() }
    }

    /// Waits as long as a message takes to cross the link.
    pub(crate) async fn lag(&self) {
        // Even a sleep of nothing waits for the next tick of the timer.
        if !self.spec.latency.is_zero() {
            sleep(self.spec.latency).await;
        }
    }

    /// Whether one more connection is too many.
    pub(crate) fn is_full(&self, connections_open: u64) -> bool {
        self.spec.max_connections.is_some_and(|max| connections_open >= max)
    }

    /// The most that may be written at once: about 50 ms worth, so that the flow is smooth.
    pub(crate) fn quantum(&self) -> usize {
        let rates = self.spec.rate.into_iter().chain(self.spec.conn_rate);
        rates.min().map_or(UNSHAPED_BYTES, |rate| (rate / 20).clamp(256, 16 << 10) as usize)
    }

    /// Takes `len` bytes of a connection; tells when they have passed the link.
    pub(crate) fn reserve(&self, own: &mut Bottleneck, len: u64, now: Instant) -> Instant {
        let shared = self.lock().shared.pass(self.spec.rate, len, now);
        shared.max(own.pass(self.spec.conn_rate, len, now))
    }

    /// Notes that a byte of the CDN was sent, from which outages count.
    pub(crate) fn on_cdn_byte(&self, now: Instant) {
        if !self.spec.outages.is_empty() {
            self.lock().first_byte.get_or_insert(now);
        }
    }

    /// The end of the silence, if there is one now.
    pub(crate) fn silent_until(&self, now: Instant) -> Option<Instant> {
        if self.spec.outages.is_empty() {
            return None;
        }
        let first_byte = self.lock().first_byte?;
        let spans = self.spec.outages.iter().map(|outage| {
            let start = first_byte + outage.after;
            (start, start + outage.lasting)
        });
        spans.filter(|(start, end)| (*start..*end).contains(&now)).map(|(_, end)| end).max()
    }

    /// Forgets what has passed.
    pub(crate) fn reset(&self) {
        *self.lock() = State::default();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const SLACK: Duration = Duration::from_millis(5);
const UNSHAPED_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn connections_share_the_rate_in_turns() {
        let link = Link::new(LinkSpec { rate: Some(1000), ..LinkSpec::default() });
        let start = Instant::now();
        let (mut first, mut second) = (Bottleneck::default(), Bottleneck::default());
        for turn in 1..=5 {
            assert_eq!(link.reserve(&mut first, 500, start), start + SECOND * (2 * turn - 1) / 2);
            assert_eq!(link.reserve(&mut second, 500, start), start + SECOND * turn);
        }
    }

    #[test]
    fn each_connection_has_its_own_limit() {
        let spec = LinkSpec { conn_rate: Some(100), ..LinkSpec::default() };
        let link = Link::new(spec);
        let start = Instant::now();
        let (mut first, mut second) = (Bottleneck::default(), Bottleneck::default());
        assert_eq!(link.reserve(&mut first, 100, start), start + SECOND);
        assert_eq!(link.reserve(&mut second, 100, start), start + SECOND);
        // Idle time is not saved up, but for the slack.
        let later = start + SECOND * 10;
        assert_eq!(link.reserve(&mut first, 100, later), later + SECOND - SLACK);
    }

    #[test]
    fn outages_count_from_the_first_byte() {
        let outages = vec!["10s+30s".parse().unwrap()];
        let link = Link::new(LinkSpec { outages, ..LinkSpec::default() });
        let start = Instant::now();
        assert_eq!(link.silent_until(start + SECOND * 20), None);
        link.on_cdn_byte(start);
        link.on_cdn_byte(start + SECOND * 5);
        assert_eq!(link.silent_until(start + SECOND * 9), None);
        assert_eq!(link.silent_until(start + SECOND * 10), Some(start + SECOND * 40));
        assert_eq!(link.silent_until(start + SECOND * 40), None);
    }

    #[test]
    fn reads_outages() {
        let outage = Outage { after: SECOND * 10, lasting: SECOND * 30 };
        assert_eq!("10s+30s".parse(), Ok(outage));
        assert!("10s".parse::<Outage>().is_err());
        assert!("10+30".parse::<Outage>().is_err());
    }
}
