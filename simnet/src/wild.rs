//! The bare machine in hands that do anything a driver can do: every string of bytes is a run.
//!
//! Where the [fluid](crate::fluid) worlds are likely, these are merely possible: answers in any
//! order, of any kind, at any time, and a disk that others write to. Nothing here costs time or
//! has a rate. When the bytes have run out the world heals, and then the machine has to end.
//!
//! A finding is a panic that says what rule was broken; the bytes are all that is needed to have it
//! again.

mod choices;
mod disk;
mod heads;
mod rules;

use std::collections::BTreeMap;

use engine::action::{Action, Answer, Close, RequestId, Route, TaskId};
use engine::config::Config;
use engine::digest::{FileDigest, RangeDigest};
use engine::event::Event;
use engine::fault::{DiskFault, Fault};
use engine::manifest::{FileId, FileSpec, Location, Manifest};
use engine::range::ByteRange;
use engine::range_set::RangeSet;
use engine::time::{Duration, Instant};
use engine::transfer::Transfer;
use engine::xet::hash::XetHash;
use engine::xet::merkle::Node;
use engine::xet::reconstruction::{Fetch, Reconstruction, Term};
use engine::xet::token::ReadToken;
use url::Url;

use choices::Choices;
use disk::Part;

/// Plays the run that `bytes` stand for.
///
/// # Panics
///
/// When the machine breaks a rule.
pub fn play(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let mut run = Run::new(&mut choices);
    run.drain();
    while !choices.is_empty() && !run.transfer.is_ended() {
        run.do_anything(&mut choices);
        run.drain();
        run.check();
    }
    run.heal();
}

const RIGHT: FileDigest = FileDigest::Sha256([1; 32]);
const WRONG: FileDigest = FileDigest::Sha256([2; 32]);

struct Run {
    transfer: Transfer,
    now: Instant,
    specs: Vec<FileSpec>,
    parts: BTreeMap<FileId, Part>,
    requests: BTreeMap<RequestId, Exchange>,
    work: BTreeMap<TaskId, Action>,
    workers_max: u32,
    /// Outputs of the last input.
    outputs: usize,
    ended: u32,
    /// Whether all goes well from now on.
    is_healed: bool,
}

/// A request as its driver sees it.
struct Exchange {
    file: FileId,
    route: Route,
    range: ByteRange,
    /// What may be written and has not been; `None` until it may be read.
    gaps: Option<RangeSet>,
    /// Where the record that grows began, and where the next byte goes.
    record: Option<ByteRange>,
    has_head: bool,
    is_aborted: bool,
    is_winding_up: bool,
    compare: bool,
}

impl Run {
    fn new(choices: &mut Choices<'_>) -> Self {
        let workers_max = 1 + u32::from(choices.below(4));
        let config = Config {
            workers_max,
            request_bytes_max: 1 << 20,
            request_bytes_min: 64 << 10,
            stall_after: choices.flag().then_some(Duration::from_secs(5)),
            give_up_after: (choices.below(8) == 0).then_some(Duration::from_secs(600)),
            backoff_max: Duration::from_secs(30),
            ..Config::default()
        };
        let count = 1 + choices.below(3);
        let spec = |choices: &mut Choices<'_>| FileSpec {
            size: *choices.one_of(&[0, 1, 70_000, 300_000, 1 << 20, 3 << 20]),
            digest: RIGHT,
            location: choices.flag().then(|| location(0)),
            xet: choices.flag().then_some(XetHash::ZERO),
        };
        let specs: Vec<FileSpec> = (0..count).map(|_| spec(choices)).collect();
        let files = (0..).map(FileId).zip(specs.iter().cloned()).collect();
        let manifest = Manifest { hub: Some(url("https://hub.example/")), files };
        let now = Instant::START;
        let seed = u64::from(choices.byte());
        Self {
            transfer: Transfer::new(manifest, BTreeMap::new(), config, seed, now),
            now,
            parts: (0..).map(FileId).zip(specs.iter().map(|spec| Part::new(spec.size))).collect(),
            specs,
            requests: BTreeMap::new(),
            work: BTreeMap::new(),
            workers_max,
            outputs: 0,
            ended: 0,
            is_healed: false,
        }
    }

    /// Takes all that the machine wants to have done.
    fn drain(&mut self) {
        self.outputs = 0;
        while let Some(action) = self.transfer.poll_action() {
            self.outputs += 1;
            assert_eq!(self.ended, 0, "acts after its end: {action:?}");
            self.carry_out(action);
        }
        while let Some(event) = self.transfer.poll_event() {
            self.outputs += 1;
            self.ended += u32::from(matches!(event, Event::Ended(_)));
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Request { id, file, route, range } => {
                let exchange = Exchange {
                    file,
                    route,
                    range,
                    gaps: None,
                    record: None,
                    has_head: false,
                    is_aborted: false,
                    is_winding_up: false,
                    compare: false,
                };
                assert!(self.requests.insert(id, exchange).is_none(), "{id:?} twice");
            }
            Action::Receive { id, gaps, compare, .. } => self.receive(id, gaps, compare),
            Action::Drain { id } => self.exchange(id).is_winding_up = true,
            Action::Abort { id } => self.exchange(id).is_aborted = true,
            Action::Append { file, record } => self.part(file).append(&record),
            Action::Locate { task_id, .. }
            | Action::Authorize { task_id, .. }
            | Action::Describe { task_id, .. }
            | Action::Name { task_id, .. }
            | Action::Sync { task_id, .. }
            | Action::Hash { task_id, .. }
            | Action::Check { task_id, .. }
            | Action::Mark { task_id, .. }
            | Action::Seal { task_id, .. } => {
                assert!(self.work.insert(task_id, action).is_none(), "{task_id:?} twice");
            }
        }
    }

    fn receive(&mut self, id: RequestId, gaps: Vec<ByteRange>, compare: bool) {
        let file = self.exchange(id).file;
        let gaps: RangeSet = gaps.into_iter().collect();
        for (other, exchange) in self.requests.iter().filter(|(other, _)| **other != id) {
            let is_shared = exchange.file == file
                && exchange.gaps.iter().flat_map(RangeSet::iter).any(|gap| gaps.intersects(gap));
            assert!(!is_shared, "{id:?} and {other:?} write the same bytes");
        }
        let exchange = self.exchange(id);
        assert!(exchange.gaps.is_none(), "{id:?} is to be read twice");
        (exchange.gaps, exchange.compare) = (Some(gaps), compare);
    }

    fn exchange(&mut self, id: RequestId) -> &mut Exchange {
        self.requests.get_mut(&id).unwrap_or_else(|| panic!("there is no {id:?}"))
    }

    fn part(&mut self, file: FileId) -> &mut Part {
        self.parts.get_mut(&file).unwrap_or_else(|| panic!("there is no {file:?}"))
    }

    /// One thing that can happen now.
    fn do_anything(&mut self, choices: &mut Choices<'_>) {
        match choices.below(16) {
            0..=6 => self.move_request(choices),
            7..=11 => self.answer_work(choices),
            12 | 13 => self.pass_time(choices),
            14 => self.touch_disk(choices),
            _ if choices.below(32) == 0 => self.transfer.handle_cancel(self.now),
            _ => self.transfer.handle_timeout(self.now),
        }
    }

    fn pass_time(&mut self, choices: &mut Choices<'_>) {
        let deadline = self.transfer.poll_timeout();
        self.now = match (choices.below(4), deadline) {
            (0, _) => self.now + Duration::from_millis(10),
            (1, _) => self.now + Duration::from_secs(3),
            (2, Some(deadline)) => self.now.max(deadline.at),
            (2, None) => self.now,
            _ => self.now + Duration::from_secs(200),
        };
        self.transfer.handle_timeout(self.now);
    }

    /// Somebody else writes to a part.
    fn touch_disk(&mut self, choices: &mut Choices<'_>) {
        let file = FileId(u32::from(choices.below(self.specs.len() as u8)));
        let size = self.specs[file.0 as usize].size;
        if size > 0 && choices.flag() {
            let at = choices.number() % size;
            self.part(file).damage(ByteRange::new(at, (at + 1000).min(size)));
        }
    }

    fn move_request(&mut self, choices: &mut Choices<'_>) {
        let Some(id) = choices.one_of_keys(&self.requests) else { return };
        let exchange = self.exchange(id);
        if exchange.is_aborted && choices.flag() {
            return self.close(id, &Close::Aborted);
        }
        if choices.below(8) == 0 {
            let fault = heads::fault(choices);
            return self.close(id, &Close::Failed(fault));
        }
        if !exchange.has_head {
            self.begin(id, choices);
        } else if exchange.gaps.is_some() {
            let len = *choices.one_of(&[1, 1000, 70_000, 200_000, 1 << 20]);
            let is_wrong = choices.below(16) == 0;
            self.bring(id, len, is_wrong);
        }
    }

    /// The head of an answer, or what it is made of.
    fn begin(&mut self, id: RequestId, choices: &mut Choices<'_>) {
        let size = self.size_of(self.requests[&id].file);
        let now = self.now;
        let exchange = self.exchange(id);
        exchange.has_head = true;
        let range = exchange.range;
        match &exchange.route {
            Route::Http { whole, .. } => {
                let head = heads::head(choices, range, size, *whole);
                self.transfer.handle_head(id, &head, now);
            }
            Route::Xet { .. } => {
                let plan = plan_of(range, size, choices.below(4));
                self.transfer.handle_plan(id, &plan, now);
            }
        }
    }

    /// Bytes come, and are written and recorded.
    fn bring(&mut self, id: RequestId, len: u64, is_wrong: bool) {
        let now = self.now;
        self.transfer.handle_bytes(id, len, now);
        self.drain();
        let Some(exchange) = self.requests.get_mut(&id) else { return };
        let Some(gaps) = &mut exchange.gaps else { return };
        let Some(gap) = gaps.iter().next() else { return self.close(id, &Close::Done) };
        let start = match exchange.record {
            Some(record) if record.end == gap.start && record.len() < RECORD_MAX => record.start,
            Some(_) | None => gap.start,
        };
        let end = (gap.start + len).min(gap.end).min(start + RECORD_MAX);
        let (came, range) = (ByteRange::new(gap.start, end), ByteRange::new(start, end));
        gaps.remove(came);
        exchange.record = Some(range);
        let (file, compare) = (exchange.file, exchange.compare);
        let is_done = gaps.is_empty();
        let changed = self.part(file).write(came, is_wrong) && compare;
        let digest = RangeDigest([0; 32]);
        let written = engine::action::Written { range, digest, changed };
        self.transfer.handle_written(id, &written, now);
        if is_done || self.requests.get(&id).is_some_and(|it| it.is_winding_up) {
            self.drain();
            self.close(id, &Close::Done);
        }
    }

    fn close(&mut self, id: RequestId, close: &Close) {
        if self.requests.remove(&id).is_some() {
            self.transfer.handle_close(id, close, self.now);
        }
    }

    fn answer_work(&mut self, choices: &mut Choices<'_>) {
        let Some(task_id) = choices.one_of_keys(&self.work) else { return };
        let Some(action) = self.work.remove(&task_id) else { return };
        let answer =
            if choices.below(8) == 0 { self.fail(&action, choices) } else { self.succeed(&action) };
        self.transfer.handle_answer(task_id, answer, self.now);
    }

    fn fail(&mut self, action: &Action, choices: &mut Choices<'_>) -> Result<Answer, Fault> {
        let is_disk = matches!(
            action,
            Action::Sync { .. }
                | Action::Hash { .. }
                | Action::Check { .. }
                | Action::Mark { .. }
                | Action::Seal { .. }
        );
        if let (Action::Locate { .. }, true) = (action, choices.below(8) == 0) {
            // Another file has taken its place.
            let location = location(1);
            return Ok(Answer::Located { location, digest: Some(WRONG), size: None });
        }
        if let Action::Hash { file, .. } = action {
            self.part(*file).forget_digest();
        }
        Err(if is_disk { heads::disk_fault(choices) } else { heads::fault(choices) })
    }

    fn succeed(&mut self, action: &Action) -> Result<Answer, Fault> {
        Ok(match action {
            Action::Locate { .. } => {
                let location = location(self.now.since_start().as_millis() as u64);
                Answer::Located { location, digest: Some(RIGHT), size: None }
            }
            Action::Authorize { .. } => Answer::Authorized { token: token(), ttl: None },
            Action::Describe { range, .. } => Answer::Described(plan_of(*range, range.end, 0)),
            Action::Name { .. } => return Err(Fault::NoXet("nobody knows".into())),
            Action::Sync { .. } => Answer::Synced,
            Action::Hash { file, range, chunks, .. } => {
                let digest = self.part(*file).hash(*range);
                let cut = chunks.then_some(Node { hash: XetHash::ZERO, len: range.len() });
                Answer::Hashed { digest, chunks: cut.into_iter().collect() }
            }
            Action::Check { file, entries, .. } => {
                Answer::Checked { damaged: self.part(*file).check(entries) }
            }
            Action::Mark { file, .. } => {
                self.part(*file).mark();
                Answer::Marked
            }
            Action::Seal { file, .. } => {
                if self.part(*file).is_touched() {
                    return Err(Fault::Disk(DiskFault::Touched));
                }
                self.part(*file).seal();
                Answer::Sealed
            }
            Action::Request { .. }
            | Action::Receive { .. }
            | Action::Drain { .. }
            | Action::Abort { .. }
            | Action::Append { .. } => unreachable!("{action:?} has no answer"),
        })
    }

    fn size_of(&self, file: FileId) -> u64 {
        self.specs[file.0 as usize].size
    }
}

fn plan_of(range: ByteRange, size: u64, kind: u8) -> Reconstruction {
    // Chunks that begin before what was asked for, or end behind it; or too little.
    let before = if kind == 1 { range.start.min(1000) } else { 0 };
    let behind = if kind == 2 { (size - range.end.min(size)).min(1000) } else { 0 };
    let len = (before + range.len() + behind).saturating_sub(u64::from(kind == 3));
    let (xorb, chunks) = (XetHash::ZERO, 0..1);
    let fetch = Fetch {
        xorb,
        chunks: chunks.clone(),
        url: std::sync::Arc::new(url("https://store.example/x")),
        bytes: ByteRange::new(0, len.max(1)),
        request: 0,
    };
    let terms = vec![Term { xorb, chunks, len }];
    Reconstruction { skip: before, terms, fetches: vec![fetch], covers: vec![0] }
}

fn location(number: u64) -> Location {
    let ttl = (number % 3 == 1).then_some(Duration::from_secs(60));
    Location { url: url(&format!("https://cdn.example/{number}")), ttl }
}

fn token() -> ReadToken {
    let body = br#"{"accessToken": "t", "exp": 1, "casUrl": "https://cas.example"}"#;
    ReadToken::read(body).unwrap_or_else(|flaw| panic!("{flaw}"))
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap_or_else(|flaw| panic!("{text}: {flaw}"))
}

/// A record covers at most so much, as in the product.
const RECORD_MAX: u64 = engine::journal::RECORDED_MAX;

#[cfg(test)]
mod tests;
