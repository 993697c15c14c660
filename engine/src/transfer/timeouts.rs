//! Watching: whose silence has lasted too long, and what that says about the link.
//!
//! Opens nothing; a probe is an ordinary request that the outage allows.

use super::{AbortReason, Alarm, Open, TaskKind, Transfer};
use crate::action::{RequestId, Route};
use crate::event::End;
use crate::fault::Fault;
use crate::policy::outage::Permit;
use crate::policy::stall::Silence;
use crate::policy::throttle::host;
use crate::time::Instant;

impl Transfer {
    /// Ends the transfer when nothing was proven for longer than the person wants to wait.
    pub(super) fn check_patience(&mut self) {
        let Some(patience) = self.config.give_up_after else { return };
        if self.ending.how.is_some() {
            return;
        }
        // Reading a large file back takes its time, and is no fault of the link.
        let is_reading = |kind: &TaskKind| {
            matches!(kind, TaskKind::Hash { .. } | TaskKind::Check { .. } | TaskKind::Seal)
        };
        if self.in_flight.tasks.values().any(|task| is_reading(&task.kind)) {
            self.ending.last_proven = self.now;
            return;
        }
        let at = self.ending.last_proven + patience;
        if at > self.now {
            self.out.wake_at(at, Alarm::GiveUp);
            return;
        }
        let after = self.now.since(self.ending.last_proven);
        self.end(End::GaveUp { after, fault: self.ending.last_fault.clone() });
    }

    /// Ends requests that are silent alone, and finds out when everything is.
    pub(super) fn watch_silence(&mut self) {
        let watched: Vec<(RequestId, Instant)> = self
            .in_flight
            .requests
            .iter()
            .filter(|(_, open)| open.aborted.is_none())
            .map(|(id, open)| (*id, open.quiet_since))
            .collect();
        for (id, quiet_since) in watched {
            if self.is_unheard(id) {
                let at = quiet_since + self.link.stall.first_answer();
                if at <= self.now {
                    self.abort_silent(id, quiet_since);
                } else {
                    self.out.wake_at(at, Alarm::Stall);
                }
                continue;
            }
            let patience = self.link.patience_with(id);
            match self.link.stall.judge(quiet_since, self.link.last_bytes, self.now) {
                Silence::Short => {
                    self.out.wake_at(quiet_since + self.link.stall.patience(), Alarm::Stall)
                }
                Silence::Alone => self.abort_silent(id, quiet_since),
                Silence::Common => {
                    self.on_silent_link();
                    let patience = self.link.patience_with(id).max(patience);
                    if self.now.since(quiet_since) >= patience {
                        self.abort_silent(id, quiet_since);
                    } else {
                        self.out.wake_at(quiet_since + patience, Alarm::Stall);
                    }
                }
            }
        }
        self.make_room_for_probe();
    }

    /// Whether a request waits for content-addressed storage that has never answered, while its
    /// file also comes as it is: such a silence says nothing of the link.
    fn is_unheard(&self, id: RequestId) -> bool {
        let Some(open) = self.in_flight.requests.get(&id) else { return false };
        if matches!(open.route, Route::Http { .. }) {
            return false;
        }
        let has_other = self.files.get(&open.file).is_some_and(|file| file.choice.has_http());
        has_other
            && self.link.outage.down_since().is_none()
            && !self.link.reach.has_answered(open.asked_host())
    }

    /// Something came from the other side. True if the link had been down.
    pub(super) fn on_link_alive(&mut self) -> bool {
        self.link.on_alive(self.now, &mut self.out)
    }

    /// Something came from the host of this request. True if the link had been down.
    pub(super) fn on_request_alive(&mut self, id: RequestId) -> bool {
        if self.link.silent_hosts.is_watching()
            && let Some(open) = self.in_flight.requests.get(&id)
        {
            self.link.on_host_alive(open.asked_host(), self.now, &mut self.out);
        }
        self.on_link_alive()
    }

    /// The hub has answered.
    pub(super) fn on_hub_alive(&mut self) {
        if let Some(hub) = &self.hub {
            self.link.on_host_alive(hub, self.now, &mut self.out);
        }
        self.on_link_alive();
    }

    fn on_silent_link(&mut self) {
        self.link.outage.on_down(self.link.last_bytes);
        let open = self.in_flight.requests.values();
        let asked = open.map(|open| host(open.asked_host())).collect();
        self.link.on_hosts_silent(&asked);
        self.link.tell_down(&mut self.out);
    }

    /// When everything that is missing is reserved by silent requests, or an earlier outage has
    /// left one more than there are workers, the one that has been silent longest makes room for
    /// the probe; and so does one that has brought nothing yet, which would keep the probe back
    /// while there is nothing to hope from it.
    fn make_room_for_probe(&mut self) {
        let is_probe_due = self.link.outage.permit(self.now) == Permit::Probe;
        if !is_probe_due || self.in_flight.requests.values().any(|open| open.aborted.is_some()) {
            return;
        }
        let has_unreserved = self.files.values().any(|file| {
            !file.stage.is_over() && file.missing().iter().any(|gap| !file.reserved.contains(gap))
        });
        let patience = self.link.stall.patience();
        let is_hopeless =
            |open: &Open| open.received == 0 && self.now.since(open.quiet_since) >= patience;
        let may_go = |open: &Open| !has_unreserved || self.is_crowded() || is_hopeless(open);
        let silent = self.in_flight.requests.iter().filter(|(_, open)| may_go(open));
        let longest = silent.min_by_key(|(id, open)| (open.quiet_since, **id));
        if let Some((id, open)) = longest {
            let (id, quiet_since) = (*id, open.quiet_since);
            self.abort_silent(id, quiet_since);
        }
    }

    /// Whether a probe of an earlier outage is still there, beside as many as there are workers.
    pub(super) fn is_crowded(&self) -> bool {
        self.in_flight.requests.len() > self.config.workers_max as usize
    }

    fn abort_silent(&mut self, id: RequestId, quiet_since: Instant) {
        let silence = self.now.since(quiet_since);
        self.abort(id, AbortReason::Fault(Fault::Silent(silence)));
    }
}
