//! The conductor by hand: scripted answers, a shell of a few lines, no bytes.

mod chunks;
mod economy;
mod ends;
mod faults;
mod last_look;
mod turns;

use std::collections::{BTreeMap, VecDeque};

use super::*;
use crate::action::Route;
use crate::digest::{FileDigest, RangeDigest};
use crate::fault::DiskFault;
use crate::journal::Record;
use crate::manifest::{FileSpec, Location};
use crate::range::ByteRange;
use crate::range_set::RangeSet;
use crate::time::Duration;

/// How the other side treats one range request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answering {
    /// As it should.
    Well,
    /// A reset after so many bytes.
    ResetAfter(u64),
    /// Nothing more after so many bytes; `u64::MAX` is not even a head.
    SilentAfter(u64),
    /// This status, with this `Retry-After` in seconds.
    Status(u16, Option<u64>),
    /// The whole file in answer to a range.
    Whole,
    /// A flipped bit in its first byte.
    Flipped,
    /// The same, and a reset after so many bytes.
    FlippedThenReset(u64),
    /// A page of HTML.
    Html,
    /// Ranges of a compressed form; without a range, the file.
    RangesPacked,
}

impl Answering {
    /// How many bytes of the body come at most.
    const fn budget(self) -> u64 {
        match self {
            Self::ResetAfter(after) | Self::SilentAfter(after) | Self::FlippedThenReset(after) => {
                after
            }
            Self::Well
            | Self::Status(..)
            | Self::Whole
            | Self::Flipped
            | Self::Html
            | Self::RangesPacked => u64::MAX,
        }
    }
}

impl Answering {
    const fn flips(self) -> bool {
        matches!(self, Self::Flipped | Self::FlippedThenReset(_))
    }

    const fn resets(self) -> bool {
        matches!(self, Self::ResetAfter(_) | Self::FlippedThenReset(_))
    }
}

const RIGHT: FileDigest = FileDigest::Sha256([1; 32]);
const WRONG: FileDigest = FileDigest::Sha256([2; 32]);
const MIB: u64 = 1 << 20;

/// One file of `size` bytes on a server whose every connection brings `rate` bytes per second.
struct World {
    transfer: Transfer,
    now: Instant,
    rate: u64,
    size: u64,
    answering: Box<dyn FnMut(u64, Instant) -> Answering>,
    asked: u64,
    open: BTreeMap<RequestId, Conversation>,
    /// Wrong bytes on the disk.
    wrong: RangeSet,
    disk_answers: VecDeque<(TaskId, Result<Answer, Fault>)>,
    wire: u64,
    events: Vec<Event>,
    records: Vec<Record>,
    ttl: Option<Duration>,
    end: Option<End>,
    syncs: u64,
    /// While it is, no work on the disk ends.
    is_disk_slow: bool,
    /// How a piece of work on the disk ends, if not well.
    disk: Box<Disk>,
}

/// What a disk makes of its work, where that is not what it should be.
type Disk = dyn FnMut(&Action) -> Option<Result<Answer, Fault>>;

struct Conversation {
    file: FileId,
    range: ByteRange,
    answering: Answering,
    at: u64,
    keep: Option<Vec<ByteRange>>,
    sent: u64,
    is_aborted: bool,
    is_head_sent: bool,
}

impl World {
    fn new(
        size: u64,
        config: Config,
        answering: impl FnMut(u64, Instant) -> Answering + 'static,
    ) -> Self {
        let spec = FileSpec { size, digest: RIGHT, location: None, xet: None };
        Self {
            transfer: transfer_of([spec], config),
            now: Instant::START,
            rate: 10 * MIB,
            size,
            answering: Box::new(answering),
            asked: 0,
            open: BTreeMap::new(),
            wrong: RangeSet::default(),
            disk_answers: VecDeque::new(),
            wire: 0,
            events: Vec::new(),
            records: Vec::new(),
            ttl: None,
            end: None,
            syncs: 0,
            is_disk_slow: false,
            disk: Box::new(|_| None),
        }
    }

    /// Runs in steps of 50 ms for at most `limit` of its own time.
    fn run(&mut self, limit: Duration) -> Option<End> {
        while self.now.since_start() < limit {
            self.drain();
            if self.end.is_some() {
                return self.end.clone();
            }
            self.now = self.now + STEP;
            self.serve();
            self.transfer.handle_timeout(self.now);
        }
        None
    }

    fn drain(&mut self) {
        loop {
            while let Some(action) = self.transfer.poll_action() {
                self.carry_out(action);
            }
            while let Some(event) = self.transfer.poll_event() {
                if let Event::Ended(end) = &event {
                    self.end = Some(end.clone());
                }
                self.events.push(event);
            }
            let is_answer_due = |(_, answer): &(TaskId, Result<Answer, Fault>)| {
                !self.is_disk_slow || matches!(answer, Ok(Answer::Located { .. }))
            };
            let due = self.disk_answers.iter().position(is_answer_due);
            let Some((task_id, answer)) = due.and_then(|due| self.disk_answers.remove(due)) else {
                return;
            };
            self.transfer.handle_answer(task_id, answer, self.now);
        }
    }

    fn carry_out(&mut self, action: Action) {
        if let Some((task_id, answer)) = work_of(&action).zip((self.disk)(&action)) {
            self.disk_answers.push_back((task_id, answer));
            return;
        }
        match action {
            Action::Locate { task_id, .. } => {
                let url = format!("https://cdn.example/{}", self.now.since_start().as_millis());
                let location = Location { url: Url::parse(&url).unwrap(), ttl: self.ttl };
                let answer = Answer::Located { location, digest: Some(RIGHT), size: None };
                self.disk_answers.push_back((task_id, Ok(answer)));
            }
            Action::Request { id, file, range, route } => self.open(id, file, range, &route),
            Action::Authorize { .. }
            | Action::Describe { .. }
            | Action::Name { .. }
            | Action::Drain { .. } => {
                unreachable!("there is no Xet here")
            }
            Action::Receive { id, body_start, gaps, .. } => {
                let conversation = self.open.get_mut(&id).unwrap();
                assert_eq!(conversation.at, body_start);
                conversation.keep = Some(gaps);
            }
            Action::Abort { id } => self.open.get_mut(&id).unwrap().is_aborted = true,
            Action::Append { record, .. } => self.records.push(record),
            Action::Sync { task_id, .. } => {
                self.syncs += 1;
                self.disk_answers.push_back((task_id, Ok(Answer::Synced)));
            }
            Action::Hash { task_id, range, .. } => {
                let found = if self.wrong.is_empty() { RIGHT } else { WRONG };
                let found = (range.end == self.size).then_some(found);
                let answer = Answer::Hashed { digest: found, chunks: Vec::new() };
                self.disk_answers.push_back((task_id, Ok(answer)));
            }
            Action::Check { task_id, .. } => {
                let answer = Answer::Checked { damaged: Vec::new() };
                self.disk_answers.push_back((task_id, Ok(answer)));
            }
            Action::Mark { task_id, .. } => {
                self.disk_answers.push_back((task_id, Ok(Answer::Marked)));
            }
            Action::Seal { task_id, .. } => {
                assert!(self.wrong.is_empty(), "sealed a wrong file");
                self.disk_answers.push_back((task_id, Ok(Answer::Sealed)));
            }
        }
    }

    /// A request goes out.
    fn open(&mut self, id: RequestId, file: FileId, range: ByteRange, route: &Route) {
        for other in self.open.values().filter(|other| other.file == file) {
            assert!(
                !other.range.overlaps(range) || other.answering == Answering::Whole,
                "{range} has two writers"
            );
        }
        self.asked += 1;
        let answering = match (route, (self.answering)(self.asked, self.now)) {
            (Route::Http { whole: true, .. }, Answering::RangesPacked) => Answering::Whole,
            (_, answering) => answering,
        };
        let conversation = Conversation {
            file,
            range,
            answering,
            at: if answering == Answering::Whole { 0 } else { range.start },
            keep: None,
            sent: 0,
            is_aborted: false,
            is_head_sent: false,
        };
        self.open.insert(id, conversation);
    }

    /// Lets every connection bring its share of one step.
    fn serve(&mut self) {
        let ids: Vec<RequestId> = self.open.keys().copied().collect();
        for id in ids {
            if let Some(close) = self.serve_one(id) {
                self.open.remove(&id);
                self.transfer.handle_close(id, &close, self.now);
            }
            self.drain();
        }
    }

    fn serve_one(&mut self, id: RequestId) -> Option<Close> {
        let share = self.rate * 50 / 1000;
        let conversation = self.open.get_mut(&id)?;
        if conversation.is_aborted {
            return Some(Close::Aborted);
        }
        if !conversation.is_head_sent {
            conversation.is_head_sent = true;
            let head = head(conversation.answering, conversation.range, self.size)?;
            self.transfer.handle_head(id, &head, self.now);
            return None;
        }
        let keep = conversation.keep.clone()?;
        let end = keep.last()?.end;
        let budget = conversation.answering.budget().saturating_sub(conversation.sent);
        let len = share.min(end - conversation.at).min(budget);
        let came = ByteRange::new(conversation.at, conversation.at + len);
        conversation.at += len;
        conversation.sent += len;
        self.wire += len;
        let is_done = conversation.at == end;
        let (answering, is_first) = (conversation.answering, conversation.sent == len);
        if len > 0 {
            self.transfer.handle_bytes(id, len, self.now);
            for gap in keep {
                let upto = ByteRange::new(gap.start, came.end.min(gap.end));
                if came.overlaps(upto) {
                    self.write(id, upto, came, answering.flips() && is_first);
                }
            }
        }
        let is_reset = answering.resets() && len < share;
        if is_done {
            return Some(Close::Done);
        }
        is_reset.then_some(Close::Failed(Fault::Reset))
    }

    fn write(&mut self, id: RequestId, upto: ByteRange, came: ByteRange, flipped: bool) {
        let was_wrong = self.wrong.intersects(came);
        self.wrong.remove(came);
        if flipped {
            self.wrong.insert(ByteRange::new(came.start, came.start + 1));
        }
        let changed = was_wrong != flipped;
        let written = Written { range: upto, digest: RangeDigest([0; 32]), changed };
        self.transfer.handle_written(id, &written, self.now);
    }

    fn cost(&self) -> f64 {
        self.wire as f64 / self.size as f64
    }
}

fn head(answering: Answering, range: ByteRange, size: u64) -> Option<Head> {
    let content_range = format!("bytes {}-{}/{size}", range.start, range.end - 1);
    let head = match answering {
        Answering::SilentAfter(u64::MAX) => return None,
        Answering::Status(status, None) => Head::new(status, [("x", "y")]),
        Answering::Status(status, Some(pause)) => {
            Head::new(status, [("retry-after", pause.to_string())])
        }
        Answering::Whole => Head::new(200, [("content-length", size.to_string())]),
        Answering::Html => Head::new(200, [("content-type", "text/html")]),
        Answering::RangesPacked => {
            let coding = ("content-encoding", "gzip".to_owned());
            Head::new(206, [("content-range", content_range), coding])
        }
        Answering::Well
        | Answering::ResetAfter(_)
        | Answering::SilentAfter(_)
        | Answering::Flipped
        | Answering::FlippedThenReset(_) => Head::new(206, [("content-range", content_range)]),
    };
    Some(head)
}

/// The task_id of an action that is work on the disk.
fn work_of(action: &Action) -> Option<TaskId> {
    match action {
        Action::Sync { task_id, .. }
        | Action::Hash { task_id, .. }
        | Action::Check { task_id, .. }
        | Action::Mark { task_id, .. }
        | Action::Seal { task_id, .. } => Some(*task_id),
        Action::Locate { .. }
        | Action::Authorize { .. }
        | Action::Request { .. }
        | Action::Describe { .. }
        | Action::Name { .. }
        | Action::Receive { .. }
        | Action::Drain { .. }
        | Action::Abort { .. }
        | Action::Append { .. } => None,
    }
}

/// A transfer of these files, from a hub.
fn transfer_of(specs: impl IntoIterator<Item = FileSpec>, config: Config) -> Transfer {
    let hub = Some(Url::parse("https://hub.example/").unwrap());
    let files = (0..).map(FileId).zip(specs).collect();
    Transfer::new(Manifest { hub, files }, BTreeMap::new(), config, 1, Instant::START)
}

/// What the machine wants to have done by now.
fn actions_of(transfer: &mut Transfer) -> Vec<Action> {
    std::iter::from_fn(|| transfer.poll_action()).collect()
}

fn config() -> Config {
    Config {
        stall_after: Some(Duration::from_secs(5)),
        backoff_max: Duration::from_secs(5),
        ..Config::default()
    }
}

/// Fetches 64 MiB and checks that it ends well, within a cost and a time.
#[track_caller]
fn check(
    answering: impl FnMut(u64, Instant) -> Answering + 'static,
    cost_max: f64,
    seconds_max: u64,
) -> World {
    let mut world = World::new(64 * MIB, config(), answering);
    let end = world.run(Duration::from_secs(seconds_max));
    assert_eq!(end, Some(End::Finished), "after {:?}: {:#?}", world.now, world.transfer.stats());
    assert!(world.cost() <= cost_max, "cost {}", world.cost());
    assert!(world.events.contains(&Event::Sealed { file: FileId(0) }), "{:?}", world.events);
    world
}

const STEP: Duration = Duration::from_millis(50);
