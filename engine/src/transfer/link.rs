//! What is known of the link and of the hosts behind it: whether anything gets through, how much
//! may be asked for at once, and whom to leave alone.
//!
//! Knows no file, and asks for nothing.

use std::collections::BTreeSet;

use url::Url;

use super::outbox::Outbox;
use crate::action::RequestId;
use crate::config::Config;
use crate::event::Event;
use crate::policy::outage::{KEEP_SILENT, Outage, PROBE_PATIENCE_MAX};
use crate::policy::rate::RateMeter;
use crate::policy::reach::Reach;
use crate::policy::silent_hosts::SilentHosts;
use crate::policy::stall::StallDetector;
use crate::policy::throttle::{Throttle, host};
use crate::policy::window::Window;
use crate::time::{Duration, Instant};

/// The link, as the answers of all hosts have shown it.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) window: Window,
    pub(super) outage: Outage,
    pub(super) stall: StallDetector,
    pub(super) throttle: Throttle,
    pub(super) rate: RateMeter,
    /// Which hosts could not be reached of late.
    pub(super) reach: Reach,
    pub(super) silent_hosts: SilentHosts,
    /// When something came last, from anybody.
    pub(super) last_bytes: Instant,
    is_down_told: bool,
}

impl Link {
    pub(super) fn new(config: &Config, now: Instant) -> Self {
        Self {
            window: Window::new(config.workers_max),
            outage: Outage::new(config.backoff_max),
            stall: StallDetector::new(config.stall_after).at_least(config.stall_at_least),
            throttle: Throttle::default(),
            rate: RateMeter::new(now),
            reach: Reach::default(),
            silent_hosts: SilentHosts::default(),
            last_bytes: now,
            is_down_told: false,
        }
    }

    /// Something came from the other side. True if the link had been down.
    pub(super) fn on_alive(&mut self, now: Instant, out: &mut Outbox) -> bool {
        self.last_bytes = now;
        let Some(after) = self.outage.on_bytes(now) else { return false };
        if std::mem::take(&mut self.is_down_told) {
            out.tell(Event::Up { after, host: None });
        }
        true
    }

    /// Something of use came from this host.
    pub(super) fn on_host_alive(&mut self, url: &Url, now: Instant, out: &mut Outbox) {
        let host = host(url);
        if let Some(after) = self.silent_hosts.on_answer(&host, now) {
            out.tell(Event::Up { after, host: Some(host) });
        }
    }

    /// Nothing comes from anybody, and these were asked.
    pub(super) fn on_hosts_silent(&mut self, asked: &BTreeSet<String>) {
        if let Some(since) = self.outage.down_since() {
            self.silent_hosts.on_silence(asked, since);
        }
    }

    /// Tells that the link is down, once an outage; or that one host is, once until it answers.
    pub(super) fn tell_down(&mut self, out: &mut Outbox) {
        let Some(since) = self.outage.down_since() else { return };
        if self.silent_hosts.is_only() {
            let news = self.silent_hosts.news();
            let event = news.map(|(host, since)| Event::Down { since, host: Some(host) });
            out.events.extend(event);
        } else if !std::mem::replace(&mut self.is_down_told, true) {
            out.tell(Event::Down { since, host: None });
        }
    }

    /// How long a request may be silent together with everything else: those from before the
    /// outage may come back to life, and a probe gets more time after each that failed, in case
    /// it is the server that is slow.
    pub(super) fn patience_with(&self, id: RequestId) -> Duration {
        let patience = self.stall.patience();
        if !self.outage.is_probe(id.0) {
            return KEEP_SILENT.max(patience);
        }
        let grown = patience.saturating_mul(1 << self.outage.attempt().min(8));
        grown.min(PROBE_PATIENCE_MAX.max(patience))
    }
}
