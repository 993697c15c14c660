//! The conductor: takes what happened, asks the policies, and queues what is to be done.
//!
//! Holds no policy of its own and no byte of any file.

mod answer;
mod assign;
mod elsewhere;
mod file;
mod finish;
mod last_look;
mod open;
mod trouble;
mod vouch;
mod watch;
mod xet;

use std::collections::{BTreeMap, VecDeque};

use rand::SeedableRng;
use rand::rngs::SmallRng;

use crate::action::{Action, Answer, Close, RequestId, Ticket, Written};
use crate::config::Config;
use crate::event::{End, Event};
use crate::fault::Fault;
use crate::hub::head::Head;
use crate::journal::Record;
use crate::ledger::Ledger;
use crate::manifest::{FileId, Manifest};
use crate::policy::lease::Lease;
use crate::policy::outage::Outage;
use crate::policy::rate::RateMeter;
use crate::policy::reach::Reach;
use crate::policy::silent_hosts::SilentHosts;
use crate::policy::stall::StallDetector;
use crate::policy::throttle::Throttle;
use crate::policy::window::Window;
use crate::range::ByteRange;
use crate::stats::Stats;
use crate::time::Instant;
use crate::xet::reconstruction::Reconstruction;
use crate::xet::token::ReadToken;
use file::{File, Stage};
use open::{Abortion, Open};
use url::Url;

/// What an earlier run left on the disk, as replay found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// The proven ranges.
    pub ledger: Ledger,
    /// How many records the journal holds.
    pub records: u64,
}

/// When the machine wants to be woken, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// When.
    pub at: Instant,
    /// Why.
    pub why: Alarm,
}

/// Why the machine wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// A request will have been silent too long.
    Stall,
    /// The next probe of a link that is down.
    Probe,
    /// A backoff ends.
    Retry,
    /// A host that asked for a pause may be asked again.
    Throttle,
    /// Written data has waited long enough for its sync.
    Sync,
    /// A look at who is slow.
    Laggard,
    /// The patience of the person ends.
    GiveUp,
}

/// A transfer of one or more files.
#[derive(Debug)]
pub struct Transfer {
    config: Config,
    rng: SmallRng,
    hub: Option<Url>,
    /// What opens the hub's content-addressed storage, for all files.
    token: Lease<ReadToken>,
    /// Where that is, and where chunks have come from last.
    cas: Option<Url>,
    chunks_at: Option<Url>,
    /// Which of these could not be reached of late.
    reach: Reach,
    files: BTreeMap<FileId, File>,
    requests: BTreeMap<RequestId, Open>,
    tickets: BTreeMap<Ticket, Errand>,
    window: Window,
    outage: Outage,
    stall: StallDetector,
    throttle: Throttle,
    rate: RateMeter,
    stats: Stats,
    next_id: u64,
    now: Instant,
    last_bytes: Instant,
    last_proven: Instant,
    last_fault: Option<Fault>,
    down_told: bool,
    silent_hosts: SilentHosts,
    deadline: Option<Deadline>,
    ending: Option<End>,
    ended: bool,
    actions: VecDeque<Action>,
    events: VecDeque<Event>,
}

/// Work that will end in an answer.
#[derive(Clone, Debug)]
struct Errand {
    file: FileId,
    kind: ErrandKind,
    asked: Instant,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum ErrandKind {
    Locate,
    Authorize,
    Describe { range: ByteRange, token: ReadToken },
    Name { token: ReadToken },
    Sync { records: u64 },
    Hash { range: ByteRange },
    Check { why: Why },
    Mark,
    Seal,
}

/// Why the disk is compared with its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// The file is about to be put in place.
    LastLook,
    /// Something could not be read back.
    Unread,
    /// The digest is wrong.
    Mismatch,
}

impl ErrandKind {
    /// Whether somebody out there has to answer.
    const fn is_question(&self) -> bool {
        match self {
            Self::Locate | Self::Authorize | Self::Describe { .. } | Self::Name { .. } => true,
            Self::Sync { .. }
            | Self::Hash { .. }
            | Self::Check { .. }
            | Self::Mark
            | Self::Seal => false,
        }
    }
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
        let mut files = BTreeMap::new();
        let mut events = VecDeque::new();
        for (id, spec) in manifest.files {
            let file = File::new(spec, resumed.remove(&id), &config, now);
            events.push_back(Event::Begun { file: id, proven: file.ledger.proven().len() });
            let vouched = file.ledger.vouched().len();
            if vouched > 0 {
                events.push_back(Event::Vouched { file: id, vouched });
            }
            files.insert(id, file);
        }
        let mut transfer = Self {
            rng: SmallRng::seed_from_u64(seed),
            hub: manifest.hub,
            token: Lease::default(),
            cas: None,
            chunks_at: None,
            reach: Reach::default(),
            files,
            requests: BTreeMap::new(),
            tickets: BTreeMap::new(),
            window: Window::new(config.workers_max),
            outage: Outage::new(config.backoff_max),
            stall: StallDetector::new(config.stall_after).at_least(config.stall_at_least),
            throttle: Throttle::default(),
            rate: RateMeter::new(now),
            stats: Stats::default(),
            next_id: 0,
            now,
            last_bytes: now,
            last_proven: now,
            last_fault: None,
            down_told: false,
            silent_hosts: SilentHosts::default(),
            deadline: None,
            ending: None,
            ended: false,
            actions: VecDeque::new(),
            events,
            config,
        };
        transfer.advance();
        transfer
    }

    /// The same with what an earlier transfer of this run found out about hosts.
    #[must_use]
    pub fn with_reach(mut self, reach: Reach) -> Self {
        self.reach = reach;
        self
    }

    /// What was found out about hosts.
    pub const fn reach(&self) -> &Reach {
        &self.reach
    }

    /// The head of a request's answer. The shell reads no body before it is told to.
    pub fn handle_head(&mut self, id: RequestId, head: &Head, now: Instant) {
        self.tick(now);
        if let Some(open) = self.requests.get_mut(&id)
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
        if let Some(open) = self.requests.get_mut(&id)
            && open.aborted.is_none()
        {
            open.quiet_since = self.now;
            self.judge_plan(id, plan);
        }
        self.advance();
    }

    /// Bytes of a body arrived. They are not on the disk yet.
    pub fn handle_bytes(&mut self, id: RequestId, len: u64, now: Instant) {
        self.tick(now);
        let Some(open) = self.requests.get_mut(&id) else { return };
        self.stall.on_gap(self.now.since(open.quiet_since));
        open.quiet_since = self.now;
        open.received += len;
        open.rate.on_bytes(len, self.now);
        let file = open.file;
        self.last_bytes = self.now;
        self.rate.on_bytes(len, self.now);
        self.stats.received += len;
        self.events.push_back(Event::Received { file, len });
        if self.on_request_alive(id) {
            self.advance();
        }
    }

    /// Bytes are in their place on the disk.
    pub fn handle_written(&mut self, id: RequestId, written: &Written, now: Instant) {
        self.tick(now);
        if let Some(open) = self.requests.get_mut(&id) {
            open.quiet_since = self.now;
            self.prove(id, written);
        }
        self.advance();
    }

    /// A request has ended. Comes exactly once for each, from the request itself.
    pub fn handle_close(&mut self, id: RequestId, close: &Close, now: Instant) {
        self.tick(now);
        if let Some(open) = self.requests.remove(&id) {
            self.settle_close(id, &open, close);
        }
        self.advance();
    }

    /// A piece of work ended.
    pub fn handle_answer(&mut self, ticket: Ticket, answer: Result<Answer, Fault>, now: Instant) {
        self.tick(now);
        if let Some(errand) = self.tickets.remove(&ticket) {
            self.settle_answer(ticket, &errand, answer);
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
        self.actions.pop_front()
    }

    /// What to tell. Drain it after every input.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to call [`Self::handle_timeout`] at the latest.
    pub const fn poll_timeout(&self) -> Option<Deadline> {
        self.deadline
    }

    /// Whether nothing more will happen.
    pub const fn is_ended(&self) -> bool {
        self.ended
    }

    /// What came and what it cost.
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The proven ranges of a file.
    pub fn ledger(&self, file: FileId) -> Option<&Ledger> {
        self.files.get(&file).map(|file| &file.ledger)
    }

    /// How many requests are open.
    pub fn open_requests(&self) -> usize {
        self.requests.len()
    }

    /// Time does not run backwards here, whatever the caller says.
    fn tick(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// Does everything that can be done now, and finds out when there will be more.
    fn advance(&mut self) {
        if self.ended {
            return;
        }
        self.deadline = None;
        self.check_patience();
        self.watch_silence();
        self.finish_files();
        if self.ending.is_none() {
            self.fill_window();
            self.split_laggard();
        }
        self.try_end();
        debug_assert!(!self.is_stuck(), "waits for nothing: {self:#?}");
    }

    /// Whether it waits for ever: nothing is under way, and there is no deadline. Never true after
    /// an input; whoever drives a transfer may check that.
    pub fn is_stuck(&self) -> bool {
        let is_waiting = !self.requests.is_empty() || !self.tickets.is_empty();
        !self.ended && !is_waiting && self.actions.is_empty() && self.deadline.is_none()
    }

    fn abort(&mut self, id: RequestId, why: Abortion) {
        if let Some(open) = self.requests.get_mut(&id)
            && open.aborted.is_none()
        {
            open.aborted = Some(why);
            self.actions.push_back(Action::Abort { id });
        }
    }

    /// Appends a record and folds it into the ledger: the one way a ledger changes.
    fn record(&mut self, file_id: FileId, record: Record) {
        let Some(file) = self.files.get_mut(&file_id) else { return };
        file.ledger.apply(&record);
        file.records += u64::from(record.is_counted());
        file.dirty_since.get_or_insert(self.now);
        self.actions.push_back(Action::Append { file: file_id, record });
    }

    fn errand(&mut self, file: FileId, kind: ErrandKind) -> Ticket {
        self.next_id += 1;
        let ticket = Ticket(self.next_id);
        self.tickets.insert(ticket, Errand { file, kind, asked: self.now });
        ticket
    }

    fn wake_at(&mut self, at: Instant, why: Alarm) {
        if self.deadline.is_none_or(|deadline| at < deadline.at) {
            self.deadline = Some(Deadline { at, why });
        }
    }

    /// No more is asked for; what is under way is ended. A disk that fails while that happens is
    /// what is told in the end: it is why not all is safe.
    fn end(&mut self, how: End) {
        let is_worse = matches!(how, End::Disk(_)) && !matches!(self.ending, Some(End::Disk(_)));
        if self.ending.is_some() && !is_worse {
            return;
        }
        self.ending = Some(how);
        let open: Vec<RequestId> = self.requests.keys().copied().collect();
        for id in open {
            self.abort(id, Abortion::Surplus);
        }
    }

    fn try_end(&mut self) {
        if self.ending.is_none() && self.files.values().all(|file| file.stage.is_over()) {
            self.ending = Some(End::Finished);
        }
        let Some(how) = &self.ending else { return };
        let is_saved = match how {
            // A disk that has failed saves nothing more.
            End::Disk(_) => true,
            End::Finished | End::Cancelled | End::GaveUp { .. } => self
                .files
                .values()
                .all(|file| file.dirty_since.is_none() || file.stage == Stage::Sealed),
        };
        if self.requests.is_empty() && is_saved {
            self.ended = true;
            self.deadline = None;
            self.events.push_back(Event::Ended(how.clone()));
        }
    }
}

#[cfg(test)]
mod tests;
