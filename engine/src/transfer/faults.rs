//! Trouble: how a request or a question to the hub ended, and what follows from a fault.
//!
//! What a fault deserves is decided in [`retry`](crate::policy::retry); here it is carried out.

use super::{AbortReason, Open, Task, Transfer};
use crate::action::{RequestId, TaskId};
use crate::event::{Event, Wait};
use crate::fault::{Blame, Fault};
use crate::manifest::FileId;
use crate::policy::outage::TRIES_BEFORE_DOWN;
use crate::policy::protocol::Kind;
use crate::policy::retry::{
    LONG, MUCH, RANGES_MAX, RANGES_MAX_DEAR, Step, is_about_ranges, next_step,
};
use crate::policy::throttle::host;
use crate::time::Instant;
use crate::verify::is_worth_streaming;
use crate::xet::token::ReadToken;
use url::Url;

/// What an exchange had brought when it failed.
pub(super) struct Attempt {
    pub(super) id: u64,
    pub(super) file: FileId,
    pub(super) peer: Peer,
    pub(super) began: Instant,
    pub(super) received: u64,
    pub(super) proven: u64,
}

impl Attempt {
    pub(super) const fn unanswered(task_id: TaskId, task: &Task, peer: Peer) -> Self {
        Self { id: task_id.0, file: task.file, peer, began: task.asked, received: 0, proven: 0 }
    }
}

/// Whom an exchange was with.
pub(super) enum Peer {
    Hub,
    Storage(Url),
    /// The content-addressed storage, or where it keeps its chunks.
    Xet(ReadToken, Option<Url>),
    /// The hub, about a token to that.
    Token,
}

impl Peer {
    const fn kind(&self) -> Option<Kind> {
        match self {
            Self::Hub => None,
            Self::Storage(_) => Some(Kind::Http),
            Self::Xet(..) | Self::Token => Some(Kind::Xet),
        }
    }

    /// Whom a pause is to be kept for.
    fn host(&self) -> Option<&Url> {
        match self {
            Self::Hub | Self::Token => None,
            Self::Storage(url) | Self::Xet(_, Some(url)) => Some(url),
            Self::Xet(token, None) => Some(token.cas.base()),
        }
    }
}

impl Transfer {
    pub(super) fn on_fault(&mut self, attempt: &Attempt, fault: Fault, wasted: u64) {
        self.note_fault(attempt, &fault, wasted);
        let count = self.count_in_a_row(attempt, &fault);
        let mut step = next_step(&fault, count);
        if step == Step::Locate && self.keeps_url(attempt, &fault) {
            step = Step::Again;
        }
        if self.on_host_failed(attempt, &fault, step) {
            return;
        }
        if step == Step::Locate {
            self.drop_url(attempt, &fault);
        }
        let has_way = self.on_way_failed(attempt, step == Step::Fail);
        match step {
            Step::Fail if fault.blame() == Blame::Disk => self.on_disk_fault(attempt.file, fault),
            Step::Fail if has_way => {
                self.link.outage.on_close(&mut self.rng, attempt.id, attempt.began);
                self.on_link_alive();
            }
            Step::Fail => {
                self.on_link_alive();
                self.fail(attempt.file, fault);
            }
            Step::Again => self.pace(attempt, &fault),
            // The first refusal of a URL is what its expiry looks like.
            Step::Locate if count > 1 => self.pace(attempt, &fault),
            Step::Locate => {
                self.link.outage.on_close(&mut self.rng, attempt.id, attempt.began);
                self.on_link_alive();
            }
        }
    }

    pub(super) fn note_fault(&mut self, attempt: &Attempt, fault: &Fault, wasted: u64) {
        *self.stats.faults.entry(fault.kind()).or_default() += 1;
        self.ending.last_fault = Some(fault.clone());
        self.out.tell(Event::Fault { file: attempt.file, fault: fault.clone(), wasted });
    }

    /// A try brought nothing: perhaps the other way does. Says whether one is left.
    fn on_way_failed(&mut self, attempt: &Attempt, is_final: bool) -> bool {
        let Some(file) = self.files.get_mut(&attempt.file) else { return false };
        let Some(kind) = attempt.peer.kind().filter(|_| attempt.proven == 0) else { return false };
        file.choice.on_fault(kind, is_final, attempt.began, self.now)
    }

    /// How often in a row faults of this kind have come from where this one did.
    fn count_in_a_row(&mut self, attempt: &Attempt, fault: &Fault) -> u32 {
        let Some(file) = self.files.get_mut(&attempt.file) else { return 1 };
        match &attempt.peer {
            Peer::Hub => file.hub_row.on_fault(fault, attempt.began, self.now),
            Peer::Storage(_) => {
                let count = file.row.on_fault(fault, attempt.began, self.now);
                if *fault == Fault::Changed {
                    // What came before stays the measure until the hub has said what the file is
                    // now, or answers under way would bring another revision's bytes among those
                    // that are there.
                    file.changes += 1;
                }
                let is_dear = !is_worth_streaming(&file.missing(), file.spec.size, 0);
                let enough = if is_dear { RANGES_MAX_DEAR } else { RANGES_MAX };
                file.wants_whole |= is_about_ranges(fault) && count >= enough;
                count
            }
            Peer::Xet(token, None) if matches!(fault, Fault::LeaseRefused { status: 401, .. }) => {
                self.storage.token.on_refused(token)
            }
            Peer::Xet(..) | Peer::Token => {
                if attempt.proven > 0 {
                    1
                } else {
                    file.choice.failures() + 1
                }
            }
        }
    }

    /// Leaves a host alone that wants that. Says whether it has said for how long.
    pub(super) fn obey(&mut self, attempt: &Attempt, fault: &Fault) -> bool {
        let Fault::Busy { status, retry_after } = fault else { return false };
        self.link.window.on_pushback(self.now);
        self.on_link_alive();
        // A pause of nothing is no invitation: then it is ours to find out when.
        let Some(pause) = retry_after.filter(|pause| !pause.is_zero()) else { return false };
        let Some(host) = attempt.peer.host().or(self.hub.as_ref()) else { return false };
        self.link.throttle.on_told(host, pause, self.now);
        self.drain_chunks();
        let why = Wait::Told { status: *status };
        self.out.tell(Event::Waiting { why, until: self.now + pause });
        true
    }

    /// Decides when the next try may go out.
    fn pace(&mut self, attempt: &Attempt, fault: &Fault) {
        let now = self.now;
        if self.obey(attempt, fault) {
            self.link.outage.on_close(&mut self.rng, attempt.id, attempt.began);
            return;
        }
        // On a slow link the next byte of the others may take longer than a refusal does.
        let is_crowded =
            *fault == Fault::Refused && self.in_flight.requests.values().any(Open::is_good);
        let is_others_alive =
            is_crowded || self.link.last_bytes > attempt.began && attempt.received == 0;
        let is_link = fault.blame() == Blame::Link;
        if is_link && attempt.received == 0 && !is_others_alive {
            self.on_dead_link(attempt, fault);
            return;
        }
        self.link.outage.on_close(&mut self.rng, attempt.id, attempt.began);
        let Some(file) = self.files.get_mut(&attempt.file) else { return };
        let lived = now.since(attempt.began);
        if attempt.proven >= MUCH || (attempt.proven > 0 && lived >= LONG) {
            file.backoff.on_progress();
            return;
        }
        if attempt.proven > 0 {
            file.backoff.on_little_progress();
        }
        file.backoff.on_fault(&mut self.rng, attempt.began, now);
        let is_turned_away = matches!(fault, Fault::Refused | Fault::Reset | Fault::Cut);
        if is_turned_away && attempt.received == 0 {
            let good = self.in_flight.requests.values().filter(|open| open.is_good()).count();
            if good > 0 {
                self.link.window.on_crowded(u32::try_from(good).unwrap_or(u32::MAX), now);
            }
        }
        self.tell_backoff(attempt.file, fault);
    }

    /// Nothing gets through, on this request or any other.
    pub(super) fn on_dead_link(&mut self, attempt: &Attempt, fault: &Fault) {
        if self.link.outage.on_down(self.link.last_bytes) {
            self.link.outage.on_probe(attempt.id);
            // Should a byte come at once on another request, this one was refused all the same.
            if *fault == Fault::Refused
                && let Some(file) = self.files.get_mut(&attempt.file)
            {
                file.backoff.on_fault(&mut self.rng, attempt.began, self.now);
            }
        }
        self.link.outage.on_close(&mut self.rng, attempt.id, attempt.began);
        let asked = attempt.peer.host().or(self.hub.as_ref()).map(host).into_iter().collect();
        self.link.on_hosts_silent(&asked);
        let tries = self.link.outage.attempt();
        if tries >= TRIES_BEFORE_DOWN {
            self.link.tell_down(&mut self.out);
        }
        if let crate::policy::outage::Permit::Wait(Some(until)) = self.link.outage.permit(self.now)
        {
            let why = if tries >= TRIES_BEFORE_DOWN {
                Wait::Probe { attempt: tries }
            } else {
                Wait::Backoff { fault: fault.clone(), attempt: tries }
            };
            self.out.tell(Event::Waiting { why, until });
        }
    }

    fn tell_backoff(&mut self, id: FileId, fault: &Fault) {
        let Some(file) = self.files.get(&id) else { return };
        let until = file.backoff.not_before();
        if until > self.now {
            let why = Wait::Backoff { fault: fault.clone(), attempt: file.backoff.attempt() };
            self.out.tell(Event::Waiting { why, until });
        }
    }

    /// The file cannot be had; the others go on.
    pub(super) fn fail(&mut self, id: FileId, fault: Fault) {
        self.ending.last_fault = Some(fault.clone());
        let Some(file) = self.files.get_mut(&id) else { return };
        if file.stage.is_over() {
            return;
        }
        file.on_failed();
        self.out.tell(Event::Failed { file: id, fault });
        let open: Vec<RequestId> = self
            .in_flight
            .requests
            .iter()
            .filter(|(_, open)| open.file == id)
            .map(|(id, _)| *id)
            .collect();
        for id in open {
            self.abort(id, AbortReason::Surplus);
        }
    }
}
