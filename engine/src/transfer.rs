//! The conductor: takes what happened, asks the policies, and queues what is to be done.
//!
//! Holds no policy of its own and no byte of any file.

mod alarm;
mod chunks;
mod elsewhere;
mod ending;
mod faults;
mod file;
mod in_flight;
mod last_look;
mod link;
mod outbox;
mod persist;
mod request;
mod response;
mod schedule;
mod settle;
mod storage;
mod timeouts;
mod verification;
mod view;
mod xet;

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use url::Url;

use crate::action::{Action, Answer, Close, RequestId, TaskId, Written};
use crate::config::Config;
use crate::event::{End, Event};
use crate::fault::Fault;
use crate::hub::head::Head;
use crate::manifest::{FileId, Manifest};
use crate::policy::reach::Reach;
use crate::stats::Stats;
use crate::time::Instant;
use crate::xet::reconstruction::Reconstruction;
pub use alarm::{Alarm, Deadline};
use ending::Ending;
use file::File;
pub use file::Resumed;
use in_flight::{InFlight, Task, TaskKind, Why};
use link::Link;
use outbox::Outbox;
use request::{AbortReason, Open};
use storage::Storage;

/// A transfer of one or more files.
#[derive(Debug)]
pub struct Transfer {
    config: Config,
    rng: SmallRng,
    hub: Option<Url>,
    storage: Storage,
    files: BTreeMap<FileId, File>,
    in_flight: InFlight,
    link: Link,
    stats: Stats,
    now: Instant,
    ending: Ending,
    out: Outbox,
}

impl Transfer {
    /// A transfer of what the manifest lists, beginning at `now` with what is `resumed`. The same
    /// `seed` and the same inputs give the same outputs.
    pub fn new(
        manifest: Manifest,
        mut resumed: BTreeMap<FileId, Resumed>,
        config: Config,
        seed: u64,
        now: Instant,
    ) -> Self {
        let mut out = Outbox::default();
        let mut files = BTreeMap::new();
        for (id, spec) in manifest.files {
            let file = File::new(spec, resumed.remove(&id), &config, now);
            out.tell(Event::Begun { file: id, proven: file.ledger.proven().len() });
            let vouched = file.ledger.vouched().len();
            if vouched > 0 {
                out.tell(Event::Vouched { file: id, vouched });
            }
            files.insert(id, file);
        }
        let mut transfer = Self {
            rng: SmallRng::seed_from_u64(seed),
            hub: manifest.hub,
            storage: Storage::default(),
            files,
            in_flight: InFlight::default(),
            link: Link::new(&config, now),
            stats: Stats::default(),
            now,
            ending: Ending::new(now),
            out,
            config,
        };
        transfer.advance();
        transfer
    }

    /// The same with what an earlier transfer of this run found out about hosts.
    #[must_use]
    pub fn with_reach(mut self, reach: Reach) -> Self {
        self.link.reach = reach;
        self
    }

    /// The head of a request's answer. The shell reads no body before it is told to.
    pub fn handle_head(&mut self, id: RequestId, head: &Head, now: Instant) {
        self.tick(now);
        if let Some(open) = self.in_flight.requests.get_mut(&id)
            && open.aborted.is_none()
        {
            open.quiet_since = self.now;
            self.judge_head(id, head);
        }
        self.advance();
    }

    /// What the range of a request is made of. The shell asks for no chunk before it is told to.
    pub fn handle_plan(&mut self, id: RequestId, plan: &Reconstruction, now: Instant) {
        self.tick(now);
        if let Some(open) = self.in_flight.requests.get_mut(&id)
            && open.aborted.is_none()
        {
            open.quiet_since = self.now;
            self.judge_reconstruction(id, plan);
        }
        self.advance();
    }

    /// Bytes of a body arrived. They are not on the disk yet.
    pub fn handle_bytes(&mut self, id: RequestId, len: u64, now: Instant) {
        self.tick(now);
        let Some(open) = self.in_flight.requests.get_mut(&id) else { return };
        self.link.stall.on_gap(self.now.since(open.quiet_since));
        open.quiet_since = self.now;
        open.received += len;
        open.rate.on_bytes(len, self.now);
        let file = open.file;
        self.link.last_bytes = self.now;
        self.link.rate.on_bytes(len, self.now);
        self.stats.received += len;
        self.out.tell(Event::Received { file, len });
        if self.on_request_alive(id) {
            self.advance();
        }
    }

    /// Bytes are in their place on the disk.
    pub fn handle_written(&mut self, id: RequestId, written: &Written, now: Instant) {
        self.tick(now);
        if let Some(open) = self.in_flight.requests.get_mut(&id) {
            open.quiet_since = self.now;
            self.prove(id, written);
        }
        self.advance();
    }

    /// A request has ended. Comes exactly once for each, from the request itself.
    pub fn handle_close(&mut self, id: RequestId, close: &Close, now: Instant) {
        self.tick(now);
        if let Some(open) = self.in_flight.requests.remove(&id) {
            self.settle_close(id, &open, close);
        }
        self.advance();
    }

    /// A piece of work ended.
    pub fn handle_answer(&mut self, task_id: TaskId, answer: Result<Answer, Fault>, now: Instant) {
        self.tick(now);
        if let Some(task) = self.in_flight.tasks.remove(&task_id) {
            self.settle_answer(task_id, &task, answer);
        }
        self.advance();
    }

    /// Time has passed. Harmless when it comes early or twice.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.tick(now);
        self.advance();
    }

    /// The person wants to stop: end all requests, sync what came, then end.
    pub fn handle_cancel(&mut self, now: Instant) {
        self.tick(now);
        self.end(End::Cancelled);
        self.advance();
    }

    /// What to do next, in order. Drain it after every input.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.out.actions.pop_front()
    }

    /// What to tell. Drain it after every input.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.out.events.pop_front()
    }

    /// When to call [`Self::handle_timeout`] at the latest.
    pub const fn poll_timeout(&self) -> Option<Deadline> {
        self.out.deadline
    }

    /// Whether nothing more will happen.
    pub const fn is_ended(&self) -> bool {
        self.ending.is_over
    }

    /// Time does not run backwards here, whatever the caller says.
    fn tick(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// Does everything that can be done now, and finds out when there will be more.
    fn advance(&mut self) {
        if self.ending.is_over {
            return;
        }
        self.out.deadline = None;
        self.check_patience();
        self.watch_silence();
        self.finish_files();
        if self.ending.how.is_none() {
            self.fill_window();
            self.split_straggler();
        }
        self.try_end();
        debug_assert!(!self.is_stuck(), "waits for nothing: {self:#?}");
    }
}

#[cfg(test)]
mod tests;
