//! Asking: which file and range the next free worker gets.
//!
//! Sizes come from [`next_range`](crate::policy::next_range), the count from the window, the pace
//! from backoff, throttle and outage; here they are put in order.

use url::Url;

use super::verification::Query;
use super::{AbortReason, Alarm, Open, TaskKind, Transfer};
use crate::action::{Action, RequestId, Route};
use crate::manifest::FileId;
use crate::policy::next_range::next_range;
use crate::policy::outage::Permit;
use crate::policy::protocol::Kind;
use crate::policy::rate::RateMeter;
use crate::policy::straggler::{
    CHUNKS_BEFORE_SPLIT, Candidate, LOOK_EVERY, SETTLED, SILENT, straggler,
};
use crate::policy::throttle::host;
use crate::range::ByteRange;
use crate::transfer::file::Stage;

/// What to ask for.
enum NextStep {
    Locate,
    Query(Query),
    Range(ByteRange, Kind),
}

impl Transfer {
    /// Opens requests until the window is full or nothing more can be asked for.
    pub(super) fn fill_window(&mut self) {
        loop {
            let is_probe = match self.link.outage.permit(self.now) {
                Permit::Free if self.in_flight.asked() >= self.link.window.limit() => return,
                Permit::Free => false,
                Permit::Probe if self.is_crowded() => return,
                Permit::Probe => true,
                Permit::Wait(until) => {
                    if let Some(until) = until {
                        self.out.wake_at(until, Alarm::Probe);
                    }
                    return;
                }
            };
            let next = if is_probe { self.next_probe() } else { self.next_step_of_any() };
            let Some((file, ask)) = next else { return };
            let id = match ask {
                NextStep::Locate => Some(self.locate(file)),
                NextStep::Query(question) => self.send_query(file, question),
                NextStep::Range(range, _) => Some(self.request(file, range)),
            };
            // What cannot be asked now after all would be tried for ever.
            let Some(id) = id else { return };
            if is_probe {
                self.link.outage.on_probe(id);
            }
        }
    }

    fn next_step_of_any(&mut self) -> Option<(FileId, NextStep)> {
        let ids: Vec<FileId> = self.files.keys().copied().collect();
        ids.into_iter().find_map(|id| self.step_for(id))
    }

    /// What to ask for to find out whether anything gets through: it may be only one host that is
    /// silent, so that one is asked who was not yet; and then the files take turns.
    fn next_probe(&mut self) -> Option<(FileId, NextStep)> {
        let mut ids: Vec<FileId> = self.files.keys().copied().collect();
        let turn = self.link.outage.attempt() as usize / 2;
        let first = turn.checked_rem(ids.len()).unwrap_or(0);
        ids.rotate_left(first);
        let mut silent = None;
        for id in ids {
            let Some((id, ask)) = self.step_for(id) else { continue };
            let is_silent =
                self.host_of(id, &ask).is_some_and(|it| self.link.silent_hosts.has(&host(it)));
            if !is_silent {
                return Some((id, ask));
            }
            silent.get_or_insert((id, ask));
        }
        silent
    }

    /// Who would be asked.
    fn host_of(&self, id: FileId, ask: &NextStep) -> Option<&Url> {
        let storage = || self.storage.token.held(self.now).map(|token| token.cas.base());
        match ask {
            NextStep::Locate | NextStep::Query(Query::Authorize) => self.hub.as_ref(),
            NextStep::Query(Query::Describe(_) | Query::Name(_)) => storage(),
            NextStep::Range(_, Kind::Http) => self.files.get(&id)?.lease.held(self.now),
            NextStep::Range(_, Kind::Xet) => self.storage.chunks_at.as_ref().or_else(storage),
        }
    }

    fn step_for(&mut self, id: FileId) -> Option<(FileId, NextStep)> {
        let kind = self.kind_for(id)?;
        let question = self.question(id).map(NextStep::Query);
        question
            .and_then(|ask| self.step_if_due(id, kind, ask))
            .or_else(|| self.bytes_for(id, kind).and_then(|ask| self.step_if_due(id, kind, ask)))
            .map(|ask| (id, ask))
    }

    /// What was to be asked for, if it may be asked for now.
    fn step_if_due(&mut self, id: FileId, kind: Kind, ask: NextStep) -> Option<NextStep> {
        let file = self.files.get(&id)?;
        let storage = self.storage.token.held(self.now).map(|token| token.cas.base());
        let hosts = match (&ask, kind) {
            (NextStep::Query(Query::Authorize), _) if self.storage.token.is_renewing() => {
                return None;
            }
            (NextStep::Locate, _) if file.lease.is_renewing() => return None,
            (NextStep::Locate | NextStep::Query(Query::Authorize), _) => [self.hub.as_ref(), None],
            (NextStep::Query(Query::Describe(_) | Query::Name(_)), _) => [storage, None],
            (NextStep::Range(..), Kind::Http) => [file.lease.held(self.now), None],
            (NextStep::Range(..), Kind::Xet) => [storage, self.storage.chunks_at.as_ref()],
        };
        let hosts = hosts.into_iter().flatten();
        let told = hosts.filter_map(|host| self.link.throttle.closed_until(host, self.now)).max();
        let not_before = match (&ask, &file.xet) {
            (NextStep::Query(Query::Describe(_) | Query::Name(_)), Some(xet)) => xet.not_before(),
            (NextStep::Locate | NextStep::Query(_) | NextStep::Range(..), _) => {
                file.backoff.not_before()
            }
        };
        if not_before > self.now {
            self.out.wake_at(not_before, Alarm::Retry);
            return None;
        }
        if let Some(until) = told {
            self.out.wake_at(until, Alarm::Throttle);
            return None;
        }
        Some(ask)
    }

    /// What to ask for if the file wants bytes: a range, or who has it.
    fn bytes_for(&self, id: FileId, kind: Kind) -> Option<NextStep> {
        let file = self.files.get(&id)?;
        // Where the whole file comes in one stream, nothing else is asked for beside it.
        let is_one_stream = file.stream.is_some() || (file.wants_whole && kind == Kind::Http);
        let is_streaming = is_one_stream && !file.reserved.is_empty();
        if file.stage != Stage::Fetching || file.is_barred() || is_streaming {
            return None;
        }
        let taken = self.taken(id, kind);
        let workers = self.config.workers_max;
        let range = next_range(&file.missing(), &taken, workers, kind, &self.config)?;
        let (may_ask, is_renewing) = match kind {
            Kind::Http => (file.lease.held(self.now).is_some(), file.lease.is_renewing()),
            Kind::Xet => {
                (self.storage.token.held(self.now).is_some(), self.storage.token.is_renewing())
            }
        };
        // After a fault one request goes ahead; the others follow when it has brought something.
        let is_trying =
            self.in_flight.requests.values().any(|open| open.file == id && open.received == 0);
        if file.backoff.attempt() > 0 && (is_trying || is_renewing) {
            return None;
        }
        Some(match kind {
            _ if may_ask => NextStep::Range(range, kind),
            Kind::Http => NextStep::Locate,
            Kind::Xet => NextStep::Query(Query::Authorize),
        })
    }

    pub(super) fn locate(&mut self, id: FileId) -> u64 {
        let task_id = self.task(id, TaskKind::Locate);
        if let Some(file) = self.files.get_mut(&id) {
            file.lease.on_asked(task_id);
        }
        self.stats.locates += 1;
        self.out.act(Action::Locate { task_id, file: id });
        task_id.0
    }

    fn request(&mut self, file_id: FileId, range: ByteRange) -> u64 {
        let id = RequestId(self.in_flight.next_id());
        let Some(route) = self.route(file_id) else { return id.0 };
        let Some(file) = self.files.get_mut(&file_id) else { return id.0 };
        file.reserved.insert(range);
        let open = Open {
            file: file_id,
            route: route.clone(),
            reserved: [range].into_iter().collect(),
            asked: range,
            opened: self.now,
            quiet_since: self.now,
            received: 0,
            proven: 0,
            packed: range.len(),
            unpacked: range.len(),
            ahead: 0,
            chunks_at: None,
            rate: RateMeter::new(self.now),
            is_packed: false,
            receiving: false,
            held: None,
            is_draining: false,
            differs: false,
            aborted: None,
        };
        self.in_flight.requests.insert(id, open);
        self.stats.requests += 1;
        // Silences were looked at before this one could begin.
        self.out.wake_at(self.now + self.link.stall.patience(), Alarm::Stall);
        self.out.act(Action::Request { id, file: file_id, route, range });
        id.0
    }

    /// Which way the bytes of a file are asked for now. While the link is down the probes take
    /// turns: it may be only one of the ways that is.
    pub(super) fn kind_for(&mut self, id: FileId) -> Option<Kind> {
        let is_away = self.is_xet_away();
        let is_other_turn =
            self.link.outage.down_since().is_some() && self.link.outage.attempt().is_multiple_of(2);
        let choice = &mut self.files.get_mut(&id)?.choice;
        let kind = choice.choose(self.now);
        let is_other = kind == Kind::Xet && (is_away || is_other_turn) && choice.has_http();
        Some(if is_other { Kind::Http } else { kind })
    }

    /// Where and how the next range of a file is asked for.
    fn route(&mut self, id: FileId) -> Option<Route> {
        let kind = self.kind_for(id)?;
        let file = self.files.get(&id)?;
        match kind {
            Kind::Http => {
                let url = file.lease.held(self.now)?.clone();
                Some(Route::Http { url, whole: file.wants_whole })
            }
            Kind::Xet => {
                let token = self.storage.token.held(self.now)?.clone();
                Some(Route::Xet { hash: file.spec.xet?, token })
            }
        }
    }

    /// At the tail, ends the request that would keep everybody waiting; what it has left is then
    /// carved anew among the idle.
    pub(super) fn split_straggler(&mut self) {
        let idle = self.link.window.limit().saturating_sub(self.in_flight.asked());
        let is_streaming = self.files.values().any(|file| file.stream.is_some());
        if idle == 0 || self.in_flight.requests.is_empty() || is_streaming {
            return;
        }
        let min = self.config.request_bytes_min / 4;
        self.out.wake_at(self.now + LOOK_EVERY, Alarm::Straggler);
        let candidates: Vec<Candidate<RequestId>> = self
            .in_flight
            .requests
            .iter()
            // Before its first byte a request is not slow: that byte may be waiting behind others.
            .filter(|(_, open)| open.is_good() && open.received > open.ahead)
            // Silence is for the stall detector to judge.
            .filter(|(_, open)| self.now.since(open.quiet_since) < SILENT)
            // Where a pause is to be kept, nobody could fetch the other half.
            .filter(|(_, open)| {
                !open.host().is_some_and(|host| self.link.throttle.is_closed(host, self.now))
            })
            .map(|(id, open)| Candidate {
                key: *id,
                remaining: open.remaining(),
                rate: open.rate.rate(self.now),
                // One in chunks loses the chunk that is coming: there must be some to show for it.
                is_splittable: open.kind() == Kind::Http || open.proven >= CHUNKS_BEFORE_SPLIT,
            })
            .collect();
        // A request that has just begun has no rate yet.
        let is_settled =
            self.in_flight.requests.values().all(|open| self.now.since(open.opened) >= SETTLED);
        if !is_settled {
            return;
        }
        if let Some(id) = straggler(&candidates, idle, self.link.rate.best(), min)
            && let Some(open) = self.in_flight.requests.get(&id)
        {
            let came = match open.kind() {
                Kind::Http => open.received,
                Kind::Xet => open.proven,
            };
            let range =
                ByteRange::new((open.asked.start + came).min(open.asked.end), open.asked.end);
            let event = crate::event::Event::Split { file: open.file, range };
            self.out.tell(event);
            self.abort(id, AbortReason::Split);
        }
    }
}
