//! Watching: whose silence has lasted too long, and what that says about the link.
//!
//! Opens nothing; a probe is an ordinary request that the outage allows.

use std::collections::BTreeSet;

use url::Url;

use super::{Abortion, Alarm, ErrandKind, Open, Transfer};
use crate::action::{RequestId, Way};
use crate::event::{End, Event};
use crate::fault::Fault;
use crate::policy::outage::{KEEP_SILENT, Permit};
use crate::policy::stall::Silence;
use crate::policy::throttle::host;
use crate::time::{Duration, Instant};

impl Transfer {
    /// Ends the transfer when nothing was proven for longer than the person wants to wait.
    pub(super) fn check_patience(&mut self) {
        let Some(patience) = self.config.give_up_after else { return };
        if self.ending.is_some() {
            return;
        }
        // Reading a large file back takes its time, and is no fault of the link.
        let is_reading = |kind: &ErrandKind| {
            matches!(kind, ErrandKind::Hash { .. } | ErrandKind::Check { .. } | ErrandKind::Seal)
        };
        if self.tickets.values().any(|errand| is_reading(&errand.kind)) {
            self.last_proven = self.now;
            return;
        }
        let at = self.last_proven + patience;
        if at > self.now {
            self.wake_at(at, Alarm::GiveUp);
            return;
        }
        let after = self.now.since(self.last_proven);
        self.end(End::GaveUp { after, fault: self.last_fault.clone() });
    }

    /// Ends requests that are silent alone, and finds out when everything is.
    pub(super) fn watch_silence(&mut self) {
        let watched: Vec<(RequestId, Instant)> = self
            .requests
            .iter()
            .filter(|(_, open)| open.aborted.is_none())
            .map(|(id, open)| (*id, open.quiet_since))
            .collect();
        for (id, quiet_since) in watched {
            if self.is_unheard(id) {
                let at = quiet_since + self.stall.first_answer();
                if at <= self.now {
                    self.abort_silent(id, quiet_since);
                } else {
                    self.wake_at(at, Alarm::Stall);
                }
                continue;
            }
            let patience = self.patience_with(id);
            match self.stall.judge(quiet_since, self.last_bytes, self.now) {
                Silence::Short => self.wake_at(quiet_since + self.stall.patience(), Alarm::Stall),
                Silence::Alone => self.abort_silent(id, quiet_since),
                Silence::Common => {
                    self.on_silent_link();
                    let patience = self.patience_with(id).max(patience);
                    if self.now.since(quiet_since) >= patience {
                        self.abort_silent(id, quiet_since);
                    } else {
                        self.wake_at(quiet_since + patience, Alarm::Stall);
                    }
                }
            }
        }
        self.make_room_for_probe();
    }

    /// Whether a request waits for content-addressed storage that has never answered, while its
    /// file also comes as it is: such a silence says nothing of the link.
    fn is_unheard(&self, id: RequestId) -> bool {
        let Some(open) = self.requests.get(&id) else { return false };
        if matches!(open.way, Way::Http { .. }) {
            return false;
        }
        let has_other = self.files.get(&open.file).is_some_and(|file| file.choice.has_http());
        has_other
            && self.outage.down_since().is_none()
            && !self.reach.has_answered(open.asked_host())
    }

    /// Something came from the other side. True if the link had been down.
    pub(super) fn on_link_alive(&mut self) -> bool {
        self.last_bytes = self.now;
        let Some(after) = self.outage.on_bytes(self.now) else { return false };
        if std::mem::take(&mut self.down_told) {
            self.events.push_back(Event::Up { after, host: None });
        }
        true
    }

    /// Something came from the host of this request. True if the link had been down.
    pub(super) fn on_request_alive(&mut self, id: RequestId) -> bool {
        if self.silent_hosts.is_watching()
            && let Some(url) = self.requests.get(&id).map(Open::asked_host).cloned()
        {
            self.on_host_alive(&url);
        }
        self.on_link_alive()
    }

    /// The hub has answered.
    pub(super) fn on_hub_alive(&mut self) {
        if let Some(hub) = self.hub.clone() {
            self.on_host_alive(&hub);
        }
        self.on_link_alive();
    }

    fn on_host_alive(&mut self, url: &Url) {
        let host = host(url);
        if let Some(after) = self.silent_hosts.on_answer(&host, self.now) {
            self.events.push_back(Event::Up { after, host: Some(host) });
        }
    }

    /// Nothing comes from anybody, and these were asked.
    pub(super) fn on_hosts_silent(&mut self, asked: &BTreeSet<String>) {
        if let Some(since) = self.outage.down_since() {
            self.silent_hosts.on_silence(asked, since);
        }
    }

    /// Tells that the link is down, once an outage; or that one host is, once until it answers.
    pub(super) fn tell_down(&mut self) {
        let Some(since) = self.outage.down_since() else { return };
        if self.silent_hosts.is_only() {
            let news = self.silent_hosts.news();
            let event = news.map(|(host, since)| Event::Down { since, host: Some(host) });
            self.events.extend(event);
        } else if !std::mem::replace(&mut self.down_told, true) {
            self.events.push_back(Event::Down { since, host: None });
        }
    }

    fn on_silent_link(&mut self) {
        self.outage.on_down(self.last_bytes);
        let asked = self.requests.values().map(|open| host(open.asked_host())).collect();
        self.on_hosts_silent(&asked);
        self.tell_down();
    }

    /// How long a request may be silent together with everything else: those from before the
    /// outage may come back to life, and a probe gets more time after each that failed, in case
    /// it is the server that is slow.
    fn patience_with(&self, id: RequestId) -> Duration {
        let patience = self.stall.patience();
        if !self.outage.is_probe(id.0) {
            return KEEP_SILENT.max(patience);
        }
        let grown = patience.saturating_mul(1 << self.outage.attempt().min(8));
        grown.min(PROBE_PATIENCE_MAX.max(patience))
    }

    /// When everything that is missing is claimed by silent requests, or an earlier outage has left
    /// one more than there are workers, the one that has been silent longest makes room for the
    /// probe; and so does one that has brought nothing yet, which would keep the probe back while
    /// there is nothing to hope from it.
    fn make_room_for_probe(&mut self) {
        let is_probe_due = self.outage.permit(self.now) == Permit::Probe;
        if !is_probe_due || self.requests.values().any(|open| open.aborted.is_some()) {
            return;
        }
        let has_unclaimed = self.files.values().any(|file| {
            !file.stage.is_over() && file.missing().iter().any(|gap| !file.claimed.contains(gap))
        });
        let patience = self.stall.patience();
        let is_hopeless =
            |open: &Open| open.received == 0 && self.now.since(open.quiet_since) >= patience;
        let may_go = |open: &Open| !has_unclaimed || self.is_crowded() || is_hopeless(open);
        let silent = self.requests.iter().filter(|(_, open)| may_go(open));
        let longest = silent.min_by_key(|(id, open)| (open.quiet_since, **id));
        if let Some((id, open)) = longest {
            let (id, quiet_since) = (*id, open.quiet_since);
            self.abort_silent(id, quiet_since);
        }
    }

    /// Whether a probe of an earlier outage is still there, beside as many as there are workers.
    pub(super) fn is_crowded(&self) -> bool {
        self.requests.len() > self.config.workers_max as usize
    }

    fn abort_silent(&mut self, id: RequestId, quiet_since: Instant) {
        let silence = self.now.since(quiet_since);
        self.abort(id, Abortion::Fault(Fault::Silent(silence)));
    }
}

/// A probe is never given more time: after an outage the next one must come soon.
const PROBE_PATIENCE_MAX: Duration = Duration::from_secs(30);
