//! Carrying out actions, but for what happens on the wire.
//!
//! Answers come later, as plans.

use engine::action::{Action, Answer, Route, TaskId};
use engine::fault::Fault;
use engine::journal::Record;
use engine::range::ByteRange;
use engine::time::{Duration, Instant};

use super::{Run, THINK, Work, WorkKind};
use crate::fluid::agenda::Plan;
use crate::fluid::hub::{Located, url_number};
use crate::fluid::judge::{Host, Rule};
use crate::fluid::tally::Sometimes;

impl Run<'_> {
    pub(super) fn carry_out(&mut self, action: Action) {
        match action {
            Action::Locate { task_id, file } => self.locate(task_id, file.0),
            Action::Request { id, file, route: Route::Http { url, whole }, range } => {
                self.request(id, file.0, url_number(url.path()), range, whole);
            }
            Action::Request { route: Route::Xet { .. }, .. }
            | Action::Drain { .. }
            | Action::Authorize { .. }
            | Action::Describe { .. }
            | Action::Name { .. } => unreachable!("these worlds have no chunks"),
            Action::Receive { id, body_start, gaps, compare, .. } => {
                self.receive(id, body_start, gaps, compare);
            }
            Action::Abort { id } => {
                if let Some(exchange) = self.exchanges.get_mut(&id) {
                    exchange.is_aborting = true;
                    self.plan(self.now + ABORT_LASTS, Plan::Aborted(id));
                }
            }
            Action::Append { file, record } => self.part(file.0).append(&record),
            Action::Sync { task_id, file, records } => {
                let point = self.part(file.0).begin_sync(records);
                self.begin(task_id, file.0, WorkKind::Sync(point));
                self.plan(self.now + self.world.sync_lasts, Plan::DataSynced(task_id));
            }
            Action::Hash { task_id, file, range, .. } => {
                self.begin(task_id, file.0, WorkKind::Hash(range));
                self.worked_after(task_id, range.len() * NANOS_PER_HASHED_BYTE);
            }
            Action::Check { task_id, file, entries } => {
                let len: u64 = entries.iter().map(|entry| entry.range.len()).sum();
                self.begin(task_id, file.0, WorkKind::Check(entries));
                self.worked_after(task_id, len / CHECKED_BYTES_PER_NANO);
            }
            Action::Mark { task_id, file } => {
                self.begin(task_id, file.0, WorkKind::Mark);
                self.worked_after(task_id, 0);
            }
            Action::Seal { task_id, file } => {
                self.begin(task_id, file.0, WorkKind::Seal);
                self.plan(self.now + self.world.sync_lasts * 3, Plan::Worked(task_id));
            }
        }
    }

    /// The process died before it could do this.
    pub(super) fn note_untimely(&mut self, action: Action) {
        if let Action::Append { file, record } = action {
            if matches!(record, Record::Proven(_)) {
                self.judge.tally.count(Sometimes::DiedBeforeRecord);
            }
            self.untimely = Some((file.0, record));
        }
    }

    pub(super) fn plan(&mut self, at: Instant, plan: Plan) {
        self.agenda.add(at, self.session, plan);
    }

    fn begin(&mut self, task_id: TaskId, file: u32, kind: WorkKind) {
        self.work.insert(task_id, Work { file, kind });
    }

    fn worked_after(&mut self, task_id: TaskId, nanos: u64) {
        self.plan(self.now + Duration::from_nanos(nanos), Plan::Worked(task_id));
    }

    fn locate(&mut self, task_id: TaskId, file: u32) {
        self.judge.on_ask(Host::Hub, task_id.0, self.now);
        let there = self.cross(self.now) + self.link.one_way();
        let located = self.hub.locate(self.world, there + THINK);
        let back = self.cross(there + THINK) + self.link.one_way();
        let is_late = back.since(self.now) > ANSWER_WITHIN;
        let (answer, at) = match located {
            Located::Answered(answer) if !is_late => (answer, back),
            Located::Answered(_) | Located::Silent => {
                (Err(Fault::Silent(ANSWER_WITHIN)), self.now + ANSWER_WITHIN)
            }
        };
        self.begin(task_id, file, WorkKind::Locate(Box::new(answer)));
        self.plan(at, Plan::Worked(task_id));
    }

    pub(super) fn on_data_synced(&mut self, task_id: TaskId) {
        let Some(Work { file, kind: WorkKind::Sync(point) }) = self.work.get_mut(&task_id) else {
            return;
        };
        self.parts[*file as usize].end_data_sync(point);
        self.plan(self.now + self.world.sync_lasts, Plan::Worked(task_id));
    }

    pub(super) fn on_worked(&mut self, task_id: TaskId) {
        let Some(Work { file, kind }) = self.work.remove(&task_id) else { return };
        let answer = match kind {
            WorkKind::Locate(answer) => {
                self.judge.on_answered(task_id.0);
                if answer.is_err() {
                    self.judge.on_tried(file, true, self.now);
                }
                match *answer {
                    Ok(_) => self.judge.on_located(file),
                    Err(Fault::Busy { retry_after, .. }) => {
                        self.judge.on_pause(Host::Hub, retry_after, self.now);
                    }
                    Err(_) => {}
                }
                *answer
            }
            WorkKind::Sync(point) => {
                self.part(file).end_journal_sync(&point);
                Ok(Answer::Synced)
            }
            WorkKind::Hash(range) => {
                let digest = self.part(file).hash(range);
                Ok(Answer::Hashed { digest, chunks: Vec::new() })
            }
            WorkKind::Check(entries) => {
                Ok(Answer::Checked { damaged: self.part(file).check(&entries) })
            }
            WorkKind::Mark => Ok(Answer::Marked),
            WorkKind::Seal => {
                self.seal(file);
                Ok(Answer::Sealed)
            }
        };
        self.input(2, task_id.0, |transfer, now| transfer.handle_answer(task_id, answer, now));
    }

    fn seal(&mut self, file: u32) {
        let now = self.now;
        let part = &mut self.parts[file as usize];
        let (is_right, content) = (part.is_right(), &part.content);
        let whole = ByteRange::new(0, part.size);
        self.judge.check(is_right, Rule::S1, now, || {
            format!("file {file} sealed with {:?}", content.digest(whole))
        });
        let complete = part.shadow.proven_bytes();
        self.judge.check(complete == part.size, Rule::S10, now, || {
            format!("file {file} sealed with {complete} of {} bytes proven", part.size)
        });
        part.is_sealed = true;
        if self.judge.economy.mismatches > 0 {
            self.judge.tally.count(Sometimes::Repaired);
        }
    }
}

/// How long a request takes to hear that it is to end.
const ABORT_LASTS: Duration = Duration::from_millis(1);
/// The product asks the hub no longer than this.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// SHA-256 at 170 MB/s, and BLAKE3 at 3 GB/s.
const NANOS_PER_HASHED_BYTE: u64 = 6;
const CHECKED_BYTES_PER_NANO: u64 = 3;
