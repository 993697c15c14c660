//! Trouble: how a request or a question to the hub ended, and what follows from a fault.
//!
//! What a fault deserves is decided in [`retry`](crate::policy::retry); here it is carried out.

use super::vouch::Xet;
use super::{Abortion, Errand, ErrandKind, Open, Transfer};
use crate::action::{Answer, Close, RequestId, Ticket, Way};
use crate::event::{Event, Wait};
use crate::fault::{Blame, Fault};
use crate::manifest::{FileId, Location};
use crate::policy::protocol::Kind;
use crate::policy::retry::{RANGES_MAX, RANGES_MAX_DEAR, Step, is_about_ranges, next_step};
use crate::policy::throttle::host;
use crate::time::{Duration, Instant};
use crate::verify::is_worth_streaming;
use crate::xet::token::ReadToken;
use url::Url;

/// What an exchange had brought when it failed.
pub(super) struct Attempt {
    pub(super) id: u64,
    pub(super) file: FileId,
    pub(super) via: Via,
    pub(super) began: Instant,
    pub(super) received: u64,
    pub(super) proven: u64,
}

impl Attempt {
    const fn unanswered(ticket: Ticket, errand: &Errand, via: Via) -> Self {
        Self { id: ticket.0, file: errand.file, via, began: errand.asked, received: 0, proven: 0 }
    }
}

/// Whom an exchange was with.
pub(super) enum Via {
    Hub,
    Storage(Url),
    /// The content-addressed storage, or where it keeps its chunks.
    Xet(ReadToken, Option<Url>),
    /// The hub, about a token to that.
    Token,
}

impl Via {
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
    pub(super) fn settle_close(&mut self, id: RequestId, open: &Open, close: &Close) {
        let wasted = open.wasted();
        self.stats.wasted += wasted;
        let Some(file) = self.files.get_mut(&open.file) else { return };
        for range in open.claimed.iter() {
            file.claimed.remove(range);
        }
        if matches!(open.way, Way::Http { whole: true, .. }) {
            // Perhaps ranges are of use again.
            file.wants_whole = false;
        }
        if open.kind() == Kind::Xet {
            file.choice.on_chunks_closed(open.received, open.proven, self.now);
        }
        let is_short = open.claimed.iter().any(|range| !file.ledger.proven().contains(range));
        if file.stream == Some(id) {
            file.stream = None;
        }
        let fault = match (close, &open.aborted) {
            (Close::Done, _) if !is_short || open.winding_up => None,
            (_, Some(Abortion::Split | Abortion::Surplus)) => None,
            (_, Some(Abortion::Fault(fault))) => Some(fault.clone()),
            (Close::Failed(fault), None) => Some(fault.clone()),
            (Close::Done | Close::Aborted, None) => Some(Fault::Cut),
        };
        self.start_stream(open.file);
        let Some(fault) = fault else {
            self.outage.on_close(&mut self.rng, id.0, open.opened);
            return;
        };
        if open.received > 0
            && let Some(file) = self.files.get_mut(&open.file)
        {
            file.suspect.insert(open.asked);
        }
        let attempt = Attempt {
            id: id.0,
            file: open.file,
            via: match &open.way {
                Way::Http { url, .. } => Via::Storage(url.clone()),
                Way::Xet { token, .. } => Via::Xet(token.clone(), open.chunks_at.clone()),
            },
            began: open.opened,
            // What came of the body: that a range was described does not bring it.
            received: open.received.saturating_sub(open.ahead),
            proven: open.proven,
        };
        self.on_fault(&attempt, fault, wasted);
    }

    pub(super) fn settle_answer(
        &mut self,
        ticket: Ticket,
        errand: &Errand,
        answer: Result<Answer, Fault>,
    ) {
        match (&errand.kind, answer) {
            (ErrandKind::Locate, Ok(Answer::Located { location, digest, size })) => {
                // Whatever it says, somebody answered: a probe that was out is back.
                self.on_hub_alive();
                let Some(file) = self.files.get_mut(&errand.file) else { return };
                let is_same = digest.is_none_or(|digest| digest == file.spec.digest)
                    && size.is_none_or(|size| size == file.spec.size);
                if is_same {
                    self.on_located(errand, location, digest.is_some() || size.is_some());
                } else {
                    self.fail(errand.file, Fault::Changed);
                }
            }
            (ErrandKind::Locate, answer) => {
                if let Some(file) = self.files.get_mut(&errand.file) {
                    file.lease.on_not_given();
                }
                self.end_held(errand.file, errand.asked, &Abortion::Surplus);
                self.on_unanswered(ticket, errand, Via::Hub, answer.err());
            }
            (ErrandKind::Authorize, Ok(Answer::Authorized { token, ttl })) => {
                self.on_hub_alive();
                // One that has ended before it came must be tried, or none ever would be.
                let ttl = ttl.filter(|ttl| !ttl.is_zero());
                self.cas = Some(token.cas.base().clone());
                self.token.on_given(token, ttl, errand.asked);
            }
            (ErrandKind::Authorize, answer) => {
                self.token.on_not_given();
                self.on_unanswered(ticket, errand, Via::Token, answer.err());
            }
            (ErrandKind::Describe { range, token }, answer) => {
                let fault = self.on_described(errand.file, *range, answer);
                self.on_storage_answered(ticket, errand, token, fault);
            }
            (ErrandKind::Name { token }, answer) => {
                let fault = self.on_named(errand.file, answer);
                self.on_storage_answered(ticket, errand, token, fault);
            }
            (kind, Err(fault)) => self.on_disk_failed(errand.file, kind, fault),
            (ErrandKind::Sync { records }, Ok(_)) => self.on_synced(errand.file, *records),
            (ErrandKind::Hash { range }, Ok(answer)) => {
                self.on_hashed(errand.file, *range, &answer);
            }
            (ErrandKind::Check { why }, Ok(answer)) => {
                self.on_checked(errand.file, ticket, *why, &answer);
            }
            (ErrandKind::Mark, Ok(_)) => self.on_marked(errand.file, ticket),
            (ErrandKind::Seal, Ok(_)) => self.on_sealed(errand.file),
        }
    }

    /// The storage has answered a question, or has not: then it is left alone for a while, and the
    /// file goes on without it if it can.
    fn on_storage_answered(
        &mut self,
        ticket: Ticket,
        errand: &Errand,
        token: &ReadToken,
        fault: Option<Fault>,
    ) {
        let xet = self.files.get_mut(&errand.file).and_then(|file| file.xet.as_mut());
        let Some(fault) = fault else {
            xet.into_iter().for_each(Xet::on_question_answered);
            self.reach.on_answer(token.cas.base());
            self.on_link_alive();
            return;
        };
        if let Some(xet) = xet {
            xet.on_question_failed(&fault, &mut self.rng, errand.asked, self.now);
        }
        let via = Via::Xet(token.clone(), None);
        let attempt = Attempt::unanswered(ticket, errand, via);
        self.note_fault(&attempt, &fault, 0);
        if matches!(fault, Fault::LeaseRefused { status: 401, .. }) {
            self.token.on_refused(token);
        }
        self.obey(&attempt, &fault);
        if fault.blame() != Blame::Link {
            self.outage.on_close(&mut self.rng, attempt.id, attempt.began);
            self.on_link_alive();
        } else if self.last_bytes <= attempt.began {
            self.on_dead_link(&attempt, &fault);
        } else {
            self.outage.on_close(&mut self.rng, attempt.id, attempt.began);
        }
    }

    fn on_unanswered(&mut self, ticket: Ticket, errand: &Errand, via: Via, fault: Option<Fault>) {
        let fault = fault.unwrap_or_else(|| Fault::Malformed("no answer".into()));
        self.on_fault(&Attempt::unanswered(ticket, errand, via), fault, 0);
    }

    /// Where the file is now. `is_confirmed` if the hub has also said that it is the same one:
    /// then whatever ETag its storage gives is good.
    fn on_located(&mut self, errand: &Errand, location: Location, is_confirmed: bool) {
        let is_held = |open: &Open| {
            open.file == errand.file && open.held.is_some() && open.quiet_since <= errand.asked
        };
        let is_doubted = self.requests.values().any(is_held);
        let Some(file) = self.files.get_mut(&errand.file) else { return };
        file.hub_row.on_progress();
        file.lease.on_given(location.url, location.ttl, errand.asked);
        if is_doubted && is_confirmed {
            file.unpin_validator();
        } else if file.changes > 0 {
            file.validators.clear();
        }
        if is_confirmed {
            self.release_held(errand.file, errand.asked);
        } else {
            self.end_held(errand.file, errand.asked, &Abortion::Fault(Fault::Changed));
        }
    }

    fn on_fault(&mut self, attempt: &Attempt, fault: Fault, wasted: u64) {
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
                self.outage.on_close(&mut self.rng, attempt.id, attempt.began);
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
                self.outage.on_close(&mut self.rng, attempt.id, attempt.began);
                self.on_link_alive();
            }
        }
    }

    fn note_fault(&mut self, attempt: &Attempt, fault: &Fault, wasted: u64) {
        *self.stats.faults.entry(fault.kind()).or_default() += 1;
        self.last_fault = Some(fault.clone());
        self.events.push_back(Event::Fault { file: attempt.file, fault: fault.clone(), wasted });
    }

    /// A try brought nothing: perhaps the other way does. Says whether one is left.
    fn on_way_failed(&mut self, attempt: &Attempt, is_final: bool) -> bool {
        let Some(file) = self.files.get_mut(&attempt.file) else { return false };
        let Some(kind) = attempt.via.kind().filter(|_| attempt.proven == 0) else { return false };
        file.choice.on_fault(kind, is_final, attempt.began, self.now)
    }

    /// How often in a row faults of this kind have come from where this one did.
    fn count_in_a_row(&mut self, attempt: &Attempt, fault: &Fault) -> u32 {
        let Some(file) = self.files.get_mut(&attempt.file) else { return 1 };
        match &attempt.via {
            Via::Hub => file.hub_row.on_fault(fault, attempt.began, self.now),
            Via::Storage(_) => {
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
            Via::Xet(token, None) if matches!(fault, Fault::LeaseRefused { status: 401, .. }) => {
                self.token.on_refused(token)
            }
            Via::Xet(..) | Via::Token => {
                if attempt.proven > 0 {
                    1
                } else {
                    file.choice.strikes() + 1
                }
            }
        }
    }

    /// Leaves a host alone that wants that. Says whether it has said for how long.
    fn obey(&mut self, attempt: &Attempt, fault: &Fault) -> bool {
        let Fault::Busy { status, retry_after } = fault else { return false };
        self.window.on_pushback(self.now);
        self.on_link_alive();
        // A pause of nothing is no invitation: then it is ours to find out when.
        let Some(pause) = retry_after.filter(|pause| !pause.is_zero()) else { return false };
        let Some(host) = attempt.via.host().or(self.hub.as_ref()) else { return false };
        self.throttle.on_told(host, pause, self.now);
        self.wind_up_chunks();
        let why = Wait::Told { status: *status };
        self.events.push_back(Event::Waiting { why, until: self.now + pause });
        true
    }

    /// Decides when the next try may go out.
    fn pace(&mut self, attempt: &Attempt, fault: &Fault) {
        let now = self.now;
        if self.obey(attempt, fault) {
            self.outage.on_close(&mut self.rng, attempt.id, attempt.began);
            return;
        }
        // On a slow link the next byte of the others may take longer than a refusal does.
        let is_crowded = *fault == Fault::Refused && self.requests.values().any(Open::is_good);
        let is_others_alive =
            is_crowded || self.last_bytes > attempt.began && attempt.received == 0;
        let is_link = fault.blame() == Blame::Link;
        if is_link && attempt.received == 0 && !is_others_alive {
            self.on_dead_link(attempt, fault);
            return;
        }
        self.outage.on_close(&mut self.rng, attempt.id, attempt.began);
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
            let good = self.requests.values().filter(|open| open.is_good()).count();
            if good > 0 {
                self.window.on_crowded(u32::try_from(good).unwrap_or(u32::MAX), now);
            }
        }
        self.tell_backoff(attempt.file, fault);
    }

    /// Nothing gets through, on this request or any other.
    fn on_dead_link(&mut self, attempt: &Attempt, fault: &Fault) {
        if self.outage.on_down(self.last_bytes) {
            self.outage.on_probe(attempt.id);
            // Should a byte come at once on another request, this one was refused all the same.
            if *fault == Fault::Refused
                && let Some(file) = self.files.get_mut(&attempt.file)
            {
                file.backoff.on_fault(&mut self.rng, attempt.began, self.now);
            }
        }
        self.outage.on_close(&mut self.rng, attempt.id, attempt.began);
        let asked = attempt.via.host().or(self.hub.as_ref()).map(host).into_iter().collect();
        self.on_hosts_silent(&asked);
        let tries = self.outage.attempt();
        if tries >= TRIES_BEFORE_DOWN {
            self.tell_down();
        }
        if let crate::policy::outage::Permit::Wait(Some(until)) = self.outage.permit(self.now) {
            let why = if tries >= TRIES_BEFORE_DOWN {
                Wait::Probe { attempt: tries }
            } else {
                Wait::Backoff { fault: fault.clone(), attempt: tries }
            };
            self.events.push_back(Event::Waiting { why, until });
        }
    }

    fn tell_backoff(&mut self, id: FileId, fault: &Fault) {
        let Some(file) = self.files.get(&id) else { return };
        let until = file.backoff.not_before();
        if until > self.now {
            let why = Wait::Backoff { fault: fault.clone(), attempt: file.backoff.attempt() };
            self.events.push_back(Event::Waiting { why, until });
        }
    }

    /// The file cannot be had; the others go on.
    pub(super) fn fail(&mut self, id: FileId, fault: Fault) {
        self.last_fault = Some(fault.clone());
        let Some(file) = self.files.get_mut(&id) else { return };
        if file.stage.is_over() {
            return;
        }
        file.on_failed();
        self.events.push_back(Event::Failed { file: id, fault });
        let open: Vec<RequestId> =
            self.requests.iter().filter(|(_, open)| open.file == id).map(|(id, _)| *id).collect();
        for id in open {
            self.abort(id, Abortion::Surplus);
        }
    }
}

/// So many proven bytes show that the path works: the next try follows at once.
const MUCH: u64 = 64 << 10;
/// And so does any progress of a request that has lived this long, on a very weak link.
const LONG: Duration = Duration::from_secs(5);
/// A link is called down when so many tries in a row have failed.
const TRIES_BEFORE_DOWN: u32 = 3;
