//! How a request or a piece of work ended, and to whom that matters.
//!
//! What follows from a fault stands in [`faults`](super::faults).

use super::chunks::Xet;
use super::faults::{Attempt, Peer};
use super::{AbortReason, Open, Task, TaskKind, Transfer};
use crate::action::{Answer, Close, RequestId, Route, TaskId};
use crate::fault::{Blame, Fault};
use crate::manifest::Location;
use crate::policy::protocol::Kind;
use crate::xet::token::ReadToken;

impl Transfer {
    pub(super) fn settle_close(&mut self, id: RequestId, open: &Open, close: &Close) {
        let wasted = open.wasted();
        self.stats.wasted += wasted;
        let Some(file) = self.files.get_mut(&open.file) else { return };
        for range in open.reserved.iter() {
            file.reserved.remove(range);
        }
        if matches!(open.route, Route::Http { whole: true, .. }) {
            // Perhaps ranges are of use again.
            file.wants_whole = false;
        }
        if open.kind() == Kind::Xet {
            file.choice.on_chunks_closed(open.received, open.proven, self.now);
        }
        let is_short = open.reserved.iter().any(|range| !file.ledger.proven().contains(range));
        if file.stream == Some(id) {
            file.stream = None;
        }
        let fault = match (close, &open.aborted) {
            (Close::Done, _) if !is_short || open.is_draining => None,
            (_, Some(AbortReason::Split | AbortReason::Surplus)) => None,
            (_, Some(AbortReason::Fault(fault))) => Some(fault.clone()),
            (Close::Failed(fault), None) => Some(fault.clone()),
            (Close::Done | Close::Aborted, None) => Some(Fault::Cut),
        };
        self.start_stream(open.file);
        let Some(fault) = fault else {
            self.link.outage.on_close(&mut self.rng, id.0, open.opened);
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
            peer: match &open.route {
                Route::Http { url, .. } => Peer::Storage(url.clone()),
                Route::Xet { token, .. } => Peer::Xet(token.clone(), open.chunks_at.clone()),
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
        task_id: TaskId,
        task: &Task,
        answer: Result<Answer, Fault>,
    ) {
        match (&task.kind, answer) {
            (TaskKind::Locate, Ok(Answer::Located { location, digest, size })) => {
                // Whatever it says, somebody answered: a probe that was out is back.
                self.on_hub_alive();
                let Some(file) = self.files.get_mut(&task.file) else { return };
                let is_same = digest.is_none_or(|digest| digest == file.spec.digest)
                    && size.is_none_or(|size| size == file.spec.size);
                if is_same {
                    self.on_located(task, location, digest.is_some() || size.is_some());
                } else {
                    self.fail(task.file, Fault::Changed);
                }
            }
            (TaskKind::Locate, answer) => {
                if let Some(file) = self.files.get_mut(&task.file) {
                    file.lease.on_not_given();
                }
                self.end_held(task.file, task.asked, &AbortReason::Surplus);
                self.on_unanswered(task_id, task, Peer::Hub, answer.err());
            }
            (TaskKind::Authorize, Ok(Answer::Authorized { token, ttl })) => {
                self.on_hub_alive();
                // One that has ended before it came must be tried, or none ever would be.
                let ttl = ttl.filter(|ttl| !ttl.is_zero());
                self.storage.cas = Some(token.cas.base().clone());
                self.storage.token.on_given(token, ttl, task.asked);
            }
            (TaskKind::Authorize, answer) => {
                self.storage.token.on_not_given();
                self.on_unanswered(task_id, task, Peer::Token, answer.err());
            }
            (TaskKind::Describe { range, token }, answer) => {
                let fault = self.on_described(task.file, *range, answer);
                self.on_storage_answered(task_id, task, token, fault);
            }
            (TaskKind::Name { token }, answer) => {
                let fault = self.on_named(task.file, answer);
                self.on_storage_answered(task_id, task, token, fault);
            }
            (kind, Err(fault)) => self.on_disk_failed(task.file, kind, fault),
            (TaskKind::Sync { records }, Ok(_)) => self.on_synced(task.file, *records),
            (TaskKind::Hash { range }, Ok(answer)) => {
                self.on_hashed(task.file, *range, &answer);
            }
            (TaskKind::Check { why }, Ok(answer)) => {
                self.on_checked(task.file, task_id, *why, &answer);
            }
            (TaskKind::Mark, Ok(_)) => self.on_marked(task.file, task_id),
            (TaskKind::Seal, Ok(_)) => self.on_sealed(task.file),
        }
    }

    /// The storage has answered a question, or has not: then it is left alone for a while, and the
    /// file goes on without it if it can.
    fn on_storage_answered(
        &mut self,
        task_id: TaskId,
        task: &Task,
        token: &ReadToken,
        fault: Option<Fault>,
    ) {
        let xet = self.files.get_mut(&task.file).and_then(|file| file.xet.as_mut());
        let Some(fault) = fault else {
            xet.into_iter().for_each(Xet::on_query_answered);
            self.link.reach.on_answer(token.cas.base());
            self.on_link_alive();
            return;
        };
        if let Some(xet) = xet {
            xet.on_query_failed(&fault, &mut self.rng, task.asked, self.now);
        }
        let peer = Peer::Xet(token.clone(), None);
        let attempt = Attempt::unanswered(task_id, task, peer);
        self.note_fault(&attempt, &fault, 0);
        if matches!(fault, Fault::LeaseRefused { status: 401, .. }) {
            self.storage.token.on_refused(token);
        }
        self.obey(&attempt, &fault);
        if fault.blame() != Blame::Link {
            self.link.outage.on_close(&mut self.rng, attempt.id, attempt.began);
            self.on_link_alive();
        } else if self.link.last_bytes <= attempt.began {
            self.on_dead_link(&attempt, &fault);
        } else {
            self.link.outage.on_close(&mut self.rng, attempt.id, attempt.began);
        }
    }

    fn on_unanswered(&mut self, task_id: TaskId, task: &Task, peer: Peer, fault: Option<Fault>) {
        let fault = fault.unwrap_or_else(|| Fault::Malformed("no answer".into()));
        self.on_fault(&Attempt::unanswered(task_id, task, peer), fault, 0);
    }

    /// Where the file is now. `is_confirmed` if the hub has also said that it is the same one:
    /// then whatever ETag its storage gives is good.
    fn on_located(&mut self, task: &Task, location: Location, is_confirmed: bool) {
        let is_held = |open: &Open| {
            open.file == task.file && open.held.is_some() && open.quiet_since <= task.asked
        };
        let is_doubted = self.in_flight.requests.values().any(is_held);
        let Some(file) = self.files.get_mut(&task.file) else { return };
        file.hub_row.on_progress();
        file.lease.on_given(location.url, location.ttl, task.asked);
        if is_doubted && is_confirmed {
            file.unpin_validator();
        } else if file.changes > 0 {
            file.validators.clear();
        }
        if is_confirmed {
            self.release_held(task.file, task.asked);
        } else {
            self.end_held(task.file, task.asked, &AbortReason::Fault(Fault::Changed));
        }
    }
}
