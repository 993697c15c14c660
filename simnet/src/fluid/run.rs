//! The loop around the bare machine: what the product's driver does, in virtual time.
//!
//! Has no policy. Where it does not do as `bin/driver` does, the driver is right.

mod carry;
mod grace;
mod session;
mod verdict;
pub(super) mod wire;

use std::collections::BTreeMap;
use std::ops::Range;

use engine::action::{Answer, RequestId, TaskId};
use engine::event::{End, Event};
use engine::fault::Fault;
use engine::journal::Record;
use engine::ledger::Proven;
use engine::range::ByteRange;
use engine::stats::Stats;
use engine::time::{Duration, Instant};
use engine::transfer::Transfer;
use rand::rngs::Xoshiro256PlusPlus;

use super::Outcome;
use super::agenda::{Agenda, Plan};
use super::exchange::Exchange;
use super::hub::Hub;
use super::judge::{Judge, Rule};
use super::log::Log;
use super::part::{Part, SyncPoint};
use super::world::World;
use crate::link::{Connection, Link};
use crate::recording::{Recording, What};
use crate::seed::Seed;

/// One run of one world.
pub(super) struct Run<'a> {
    world: &'a World,
    link: Link,
    outages: Vec<Range<Instant>>,
    hub: Hub,
    parts: Vec<Part>,
    /// Files that cannot be had, and why.
    failed: BTreeMap<u32, Fault>,
    rng: Xoshiro256PlusPlus,
    agenda: Agenda,
    now: Instant,
    session: u32,
    transfer: Transfer,
    exchanges: BTreeMap<RequestId, Exchange>,
    idle: Vec<(Connection, Instant)>,
    work: BTreeMap<TaskId, Work>,
    judge: Judge,
    log: Log,
    stats: Stats,
    /// Inputs and actions so far.
    steps: u64,
    crashes: usize,
    is_dying: bool,
    /// When the person has asked the program to stop, and whether that is over.
    cancelled: Option<Instant>,
    was_cancelled: bool,
    /// The record that a process died over, and whose.
    untimely: Option<(u32, Record)>,
    had_space_again: bool,
    /// Connections that have died silently.
    deaths: u64,
    /// How long nothing ran, all together.
    down: Duration,
    calm: Option<grace::Calm>,
    end: Option<End>,
    deadline: Instant,
    steps_max: u64,
}

/// Work that ends in an answer.
#[derive(Debug)]
struct Work {
    file: u32,
    kind: WorkKind,
}

#[derive(Debug)]
enum WorkKind {
    Locate(Box<Result<Answer, Fault>>),
    Sync(SyncPoint),
    Hash(ByteRange),
    Check(Vec<Proven>),
    Mark,
    Seal,
}

impl<'a> Run<'a> {
    pub(super) fn new(world: &'a World, recording: Option<Recording>) -> Self {
        let link = Link::new(&world.profile, Seed(world.seed));
        let deadline = verdict::time_max(world);
        let outages = link.outages(deadline);
        let is_mortal = !world.crashes.is_empty()
            || world.disk_full.is_some()
            || world.cancel_at.is_some()
            || world.config.give_up_after.is_some();
        let parts: Vec<Part> = world.files.iter().map(|size| Part::new(*size, is_mortal)).collect();
        let transfer = session::machine(world, &mut BTreeMap::new(), 0, Instant::START);
        Self {
            link,
            judge: Judge::new(outages.clone()),
            outages,
            hub: Hub::new(world.seed),
            parts,
            failed: BTreeMap::new(),
            rng: Seed(world.seed).stream("shell"),
            agenda: Agenda::default(),
            now: Instant::START,
            session: 0,
            transfer,
            exchanges: BTreeMap::new(),
            idle: Vec::new(),
            work: BTreeMap::new(),
            log: Log::new(recording),
            stats: Stats::default(),
            steps: 0,
            crashes: 0,
            is_dying: false,
            cancelled: None,
            was_cancelled: false,
            untimely: None,
            had_space_again: false,
            deaths: 0,
            down: Duration::ZERO,
            calm: None,
            end: None,
            deadline,
            steps_max: STEPS_MIN + world.size() / 100,
            world,
        }
    }

    /// Runs to the end, and judges.
    pub(super) fn run(mut self) -> (Outcome, Option<Recording>) {
        self.log.capacities(&mut self.link, self.world);
        if let Some(at) = self.world.cancel_at {
            self.agenda.add(Instant::at(at), self.session, Plan::Cancel);
        }
        self.drain();
        while self.go_on() {
            if self.is_hanging() {
                break;
            }
            let planned = self.agenda.next_at();
            let wanted = self.transfer.poll_timeout().map(|deadline| deadline.at);
            match (planned, wanted) {
                (None, None) => {
                    let stuck = format!("nothing left to wait for: {:?}", self.transfer);
                    self.judge.check(false, Rule::L1, self.now, || stuck);
                    break;
                }
                (planned, Some(at)) if planned.is_none_or(|planned| at <= planned) => {
                    self.tick(at);
                    self.input(0, 0, |transfer, now| transfer.handle_timeout(now));
                }
                _ => {
                    let Some((at, session, plan)) = self.agenda.pop() else { continue };
                    self.tick(at);
                    if session == self.session {
                        self.happen(plan);
                    }
                }
            }
        }
        self.finish()
    }

    /// Whether there is more to do; begins the next session where one ends.
    fn go_on(&mut self) -> bool {
        loop {
            let is_more = if self.is_dying {
                self.crash();
                true
            } else if self.transfer.is_ended() {
                self.end_session()
            } else {
                return true;
            };
            if !is_more {
                return false;
            }
        }
    }

    fn is_hanging(&mut self) -> bool {
        let is_hanging = self.now > self.deadline || self.steps > self.steps_max;
        let (steps, now) = (self.steps, self.now);
        if is_hanging {
            self.judge.check(false, Rule::L1, now, || format!("no end after {steps} steps"));
        }
        is_hanging
    }

    fn tick(&mut self, at: Instant) {
        self.now = self.now.max(at);
        self.look_if_calm();
    }

    fn proven(&self) -> u64 {
        let of = |part: &Part| if part.is_sealed { part.size } else { part.shadow.proven_bytes() };
        self.parts.iter().map(of).sum()
    }

    /// Tells the machine something, and does all that follows from it.
    fn input(&mut self, kind: u8, subject: u64, tell: impl FnOnce(&mut Transfer, Instant)) {
        if self.is_dying {
            return;
        }
        self.log.input(kind, subject, self.now);
        self.step();
        tell(&mut self.transfer, self.now);
        self.drain();
    }

    fn step(&mut self) {
        self.steps += 1;
        let crash = self.world.crashes.get(self.crashes);
        self.is_dying |= crash.is_some_and(|crash| self.steps >= crash.step);
    }

    fn drain(&mut self) {
        let mut count = 0;
        while let Some(action) = self.transfer.poll_action() {
            count += 1;
            self.step();
            if self.is_dying {
                self.note_untimely(action);
                return;
            }
            self.carry_out(action);
        }
        let mut grown = None;
        while let Some(event) = self.transfer.poll_event() {
            count += 1;
            if let Event::Proven { file, proven } = event {
                grown = Some((file.0, proven));
            }
            self.on_event(event);
        }
        if let Some((file, proven)) = grown {
            self.on_grown(file, proven);
        }
        if count > 1 {
            let appended: u64 = self.parts.iter().map(|part| part.appended).sum();
            let chunks = self.world.size() / self.world.config.chunk_bytes;
            let max = OUTPUTS_MAX + chunks + appended * 2;
            self.judge.check(count <= max, Rule::S9, self.now, || format!("{count} outputs"));
        }
    }

    /// The machine says how much is proven of a file, when it has said all.
    fn on_grown(&mut self, file: u32, proven: u64) {
        let shadow = self.part(file).shadow.proven_bytes();
        let is_same = shadow == proven;
        self.judge.check(is_same, Rule::S10, self.now, || format!("{proven}, but {shadow}"));
        if self.log.is_recording() {
            let len = self.proven();
            self.log.record(self.now, || What::Proven { len });
        }
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Ended(end) => self.end = Some(end),
            Event::Failed { file, fault } => {
                self.log.mark(self.now, || format!("file {} failed: {fault}", file.0));
                self.failed.insert(file.0, fault);
            }
            Event::Mismatch { file, .. } => {
                let (size, now) = (self.part(file.0).size, self.now);
                self.judge.on_mismatch(self.world, file.0, size, now);
                self.log.mark(self.now, || format!("file {} does not match", file.0));
            }
            Event::Split { range, .. } => {
                self.judge.tally.count(super::tally::Sometimes::TailSplit);
                self.log.mark(self.now, || format!("split {range}"));
            }
            Event::Fault { fault, .. } => {
                let now = self.now;
                self.log.record(now, || What::Fault { what: fault.kind().to_owned() });
            }
            Event::Down { .. } => self.log.mark(self.now, || "down".to_owned()),
            Event::Up { .. } => self.log.mark(self.now, || "up".to_owned()),
            Event::Waiting { why, until } => {
                let now = self.now;
                self.log.mark(now, || format!("waits {:?} for {why:?}", until.since(now)));
            }
            Event::Sealed { file } => {
                self.log.mark(self.now, || format!("file {} sealed", file.0));
            }
            Event::Begun { .. }
            | Event::Proven { .. }
            | Event::Received { .. }
            | Event::Chunk { .. }
            | Event::Named { .. }
            | Event::NoRanges { .. }
            | Event::Vouched { .. }
            | Event::Verified { .. }
            | Event::Repaired { .. } => {}
        }
    }

    fn happen(&mut self, plan: Plan) {
        match plan {
            Plan::Asked(id) => self.on_asked(id),
            Plan::Headed(id) => self.on_headed(id),
            Plan::Send(id) => self.on_send(id),
            Plan::Arrived(id, len) => self.on_arrived(id, len),
            Plan::Broken(id) => self.on_broken(id),
            Plan::Flush(id, at) => self.on_flush(id, at),
            Plan::Aborted(id) => self.on_aborted(id),
            Plan::Refused(id) => self.on_refused(id),
            Plan::Worked(task_id) => self.on_worked(task_id),
            Plan::DataSynced(task_id) => self.on_data_synced(task_id),
            Plan::Cancel => {
                self.cancelled = Some(self.now);
                self.log.mark(self.now, || "cancelled".to_owned());
                self.input(1, 0, |transfer, now| transfer.handle_cancel(now));
            }
        }
    }

    /// When what is sent at `at` gets through: at the end of an outage, if there is one.
    fn cross(&self, at: Instant) -> Instant {
        let next = self.outages.partition_point(|outage| outage.end <= at);
        match self.outages.get(next) {
            Some(outage) if outage.start <= at => outage.end,
            Some(_) | None => at,
        }
    }

    fn part(&mut self, file: u32) -> &mut Part {
        &mut self.parts[file as usize]
    }
}

/// One input may lead to so many actions and events, one more for each chunk, and two for each
/// entry that is revoked.
const OUTPUTS_MAX: u64 = 300;
/// A run that takes more steps than this, and one more for each 100 bytes, hangs.
const STEPS_MIN: u64 = 400_000;
/// How long a server thinks.
const THINK: Duration = Duration::from_millis(5);
