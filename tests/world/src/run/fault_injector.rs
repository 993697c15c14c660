//! Makes happen what the script says, when it says so, and cleans up after deaths.
//!
//! Judges nothing, but tells the witness what it did.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::time::{Duration, Instant};
use simnet::disk::Access;
use simnet::disk::trouble::{Effect, Failure, Operation, Trouble};
use simnet::link::Link;
use simnet::profile::Profile;
use simnet::recording::What;
use simnet::trace::Trace;
use turmoil::Sim;

use super::verdict::{check_crash, check_progress, note_crash};
use crate::scenario::{Happening, Tamper};
use crate::sometimes::Sometimes;
use crate::stage::{Host, Stage};
use crate::witness::Death;
use simnet::net::HUB_NODE;

/// Who makes things happen.
pub(super) struct FaultInjector {
    stage: Arc<Stage>,
    /// What is still to be done, in order of time.
    agenda: BTreeMap<(Instant, u64), Act>,
    entries: u64,
    /// How the next death that the disk causes is meant, and how long it lasts.
    armed: Option<(Fall, Duration)>,
    /// Hosts that are down.
    down: BTreeMap<Host, bool>,
    look_at: Instant,
    is_calm: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fall {
    Kill,
    PowerCut,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Happen(Happening),
    Start(Host),
    HubUp,
    HoldBack,
    LetGo,
    Mend,
    Calm,
}

impl FaultInjector {
    pub(super) fn new(stage: Arc<Stage>) -> Self {
        let mut hand = Self {
            agenda: BTreeMap::new(),
            entries: 0,
            armed: None,
            down: BTreeMap::new(),
            look_at: Instant::START,
            is_calm: false,
            stage,
        };
        for step in hand.stage.scenario.script.clone() {
            hand.plan(Instant::at(step.at), Act::Happen(step.what));
        }
        let calm_at = Instant::at(hand.stage.scenario.calm_at);
        let outages = hand.stage.network.link().outages(calm_at);
        for outage in outages {
            hand.plan(outage.start, Act::HoldBack);
            hand.plan(outage.end.min(calm_at), Act::LetGo);
        }
        hand.plan(calm_at, Act::Calm);
        hand
    }

    fn plan(&mut self, at: Instant, act: Act) {
        self.entries += 1;
        self.agenda.insert((at, self.entries), act);
    }

    /// Whether everybody is served and nothing more is to come.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        let hosts = self.stage.hosts();
        let is_done = hosts.iter().all(|host| self.stage.is_served(*host));
        is_done && self.down.is_empty() && (self.is_calm || !self.stage.goes_on_after(now))
    }

    /// Does all that is due.
    pub(super) fn act(&mut self, sim: &mut Sim<'_>, now: Instant) {
        self.find_dead(sim, now);
        while let Some(entry) = self.agenda.first_entry().filter(|entry| entry.key().0 <= now) {
            let act = entry.remove();
            match act {
                Act::Happen(what) => self.happen(what, sim, now),
                Act::Start(host) => {
                    self.down.remove(&host);
                    self.stage.on_boot(host);
                    sim.bounce(host.name());
                }
                Act::HubUp => {
                    self.stage.mark(now, "the hub is back");
                    sim.bounce(HUB_NODE);
                }
                Act::HoldBack => self.for_clients(|host| sim.hold(host.name(), HUB_NODE)),
                Act::LetGo => self.for_clients(|host| sim.release(host.name(), HUB_NODE)),
                Act::Mend => self.for_clients(|host| sim.repair(host.name(), HUB_NODE)),
                Act::Calm => self.calm(now),
            }
        }
        if now >= self.look_at {
            self.look_at = now + LOOK_EVERY;
            let rate = self.stage.network.link().capacity(now);
            self.stage.recording().push(now, What::Capacity { rate });
        }
    }

    fn for_clients(&self, mut act: impl FnMut(Host)) {
        self.stage.hosts().into_iter().for_each(&mut act);
    }

    fn happen(&mut self, what: Happening, sim: &mut Sim<'_>, now: Instant) {
        self.stage.mark(now, format!("{what:?}"));
        match what {
            Happening::Kill { after_ops, down } => {
                self.arm(Fall::Kill, after_ops, down, sim, now);
            }
            Happening::PowerCut { after_ops, down } => {
                self.arm(Fall::PowerCut, after_ops, down, sim, now);
            }
            // The link and the resolver know of these from the start.
            Happening::Outage { .. }
            | Happening::NoNames { .. }
            | Happening::SlowNames { .. }
            | Happening::Dark { .. } => {}
            // A segment that is lost is not sent again here, so its connection hangs for ever.
            Happening::HalfOpen => {
                self.for_clients(|host| sim.partition(host.name(), HUB_NODE));
                self.plan(now + LOSS, Act::Mend);
            }
            Happening::HubCrash { down } => {
                self.stage.network.lose_hub();
                sim.crash(HUB_NODE);
                self.stage.witness().note(Sometimes::HubCrashed);
                self.plan(now + down, Act::HubUp);
            }
            Happening::DiskError { after_ops } => {
                let trouble = Trouble::once(CHANGES, Effect::Fail(Failure::Io));
                self.fail_disk(trouble.after(u64::from(after_ops)));
            }
            Happening::ShortWrite { after_ops } => {
                let trouble =
                    Trouble::once(&[Operation::Write], Effect::FailAfter(SHORT, Failure::Io));
                self.fail_disk(trouble.after(u64::from(after_ops)));
            }
            Happening::SyncError => self.fail_files(Operation::SyncData, Failure::Io),
            Happening::JournalError => self.fail_files(Operation::Write, Failure::Io),
            Happening::JournalFull => self.fail_files(Operation::Write, Failure::Full),
            Happening::Tamper { how, permille } => self.tamper(how, permille, now),
            Happening::Suspend { lasting } => self.stage.suspend(lasting, now),
            Happening::ClockJump { seconds } => {
                self.stage.computer.set_clock_by(seconds);
                self.stage.witness().note(Sometimes::ClockJumped);
            }
            Happening::BitRot { permille } => self.rot(permille, now),
            Happening::Cancel { pause } => self.stage.cancel(Host::First, pause, now),
        }
    }

    /// Lets the next death come from the disk, between two of its operations, or comes at once.
    fn arm(&mut self, fall: Fall, after_ops: u32, down: Duration, sim: &mut Sim<'_>, now: Instant) {
        if self.armed.is_some() {
            return;
        }
        self.armed = Some((fall, down));
        if after_ops > 0 {
            let effect = match fall {
                Fall::Kill => Effect::Kill,
                Fall::PowerCut => Effect::CutPower,
            };
            let trouble = Trouble::once(Operation::ALL, effect).after(u64::from(after_ops));
            self.stage.computer.disk().add_trouble(trouble);
            return;
        }
        match (fall, self.stage.process_of(Host::First)) {
            (Fall::Kill, Some(process)) => self.stage.computer.end_process(process),
            (Fall::Kill, None) => self.armed = None,
            // Also when nobody uses it: what was done before must last.
            (Fall::PowerCut, _) => {
                self.armed = None;
                self.take_down(fall, down, sim, now);
            }
        }
        self.find_dead(sim, now);
    }

    /// Hosts whose processes are no more.
    fn dead(&self) -> Vec<Host> {
        let is_dead = |host: &Host| {
            let process = self.stage.process_of(*host);
            process.is_some_and(|process| !self.stage.computer.is_alive(process))
        };
        self.stage.hosts().into_iter().filter(is_dead).collect()
    }

    /// Processes that the disk has killed take their hosts with them.
    fn find_dead(&mut self, sim: &mut Sim<'_>, now: Instant) {
        if self.dead().is_empty() {
            return;
        }
        let (fall, lasting) = self.armed.take().unwrap_or((Fall::Kill, LOOK_EVERY));
        self.take_down(fall, lasting, sim, now);
    }

    /// What is dead goes down; without power, everything does.
    fn take_down(&mut self, fall: Fall, lasting: Duration, sim: &mut Sim<'_>, now: Instant) {
        let falling = match fall {
            Fall::Kill => self.dead(),
            Fall::PowerCut => {
                self.stage.computer.lose_power();
                self.stage.on_power_cut();
                self.stage.hosts()
            }
        };
        if falling.iter().any(|host| self.stage.process_of(*host).is_some()) {
            note_crash(&self.stage);
        }
        if fall == Fall::Kill {
            check_progress(&self.stage, now);
        }
        for host in falling {
            if self.down.insert(host, true).is_some() {
                continue;
            }
            let process = self.stage.process_of(host);
            // First the disk: what runs while the host goes down must change nothing there.
            if let Some(process) = process {
                let death = match fall {
                    Fall::Kill => Death::Kill,
                    Fall::PowerCut => Death::PowerCut,
                };
                self.stage.on_exit(host, process, death, now);
                self.stage.network.connections().end_client(process, now);
            }
            sim.crash(host.name());
            self.stage.mark(now, format!("{} is down: {fall:?}", host.name()));
            self.stage.on_crash(now, fall == Fall::PowerCut);
            self.plan(now + lasting, Act::Start(host));
        }
        check_crash(&self.stage, now);
    }

    /// One of the next operations fails, whoever asks.
    fn fail_disk(&self, trouble: Trouble) {
        self.stage.on_disk_error(self.stage.computer.disk().add_trouble(trouble));
        let running = self.stage.hosts().into_iter().filter_map(|it| self.stage.process_of(it));
        running.for_each(|process| self.stage.witness().on_disk_trouble(process));
    }

    /// The next sync of each unfinished file, or the next write of its journal, fails.
    fn fail_files(&self, operation: Operation, failure: Failure) {
        for place in self.stage.places() {
            let (on, path): (&'static [Operation], _) = if operation == Operation::SyncData {
                (&[Operation::SyncData], &place.part)
            } else {
                (&[Operation::Write], &place.journal)
            };
            let trouble = Trouble::once(on, Effect::Fail(failure)).under(path);
            self.stage.on_file_error(self.stage.computer.disk().add_trouble(trouble));
        }
    }

    /// Somebody else changes what is not finished yet.
    fn tamper(&self, how: Tamper, permille: u16, now: Instant) {
        let disk = self.stage.computer.disk();
        let mut taken = 0;
        for place in self.stage.places() {
            let at = place.truth.whole().len() * u64::from(permille) / 1000;
            let Ok(stat) = disk.stat(&place.part) else { continue };
            let is_changed = match how {
                Tamper::Zero => {
                    let len = stat.len.saturating_sub(at).min(ZEROED);
                    let zeros = vec![0; usize::try_from(len).unwrap_or(0)];
                    len > 0 && disk.edit(&place.part, at, &zeros)
                }
                Tamper::Truncate => {
                    let file = disk.open(&place.part, Access::Write);
                    at < stat.len && file.is_ok_and(|file| file.set_len(at).is_ok())
                }
                Tamper::Remove => disk.remove_file(&place.part).is_ok(),
            };
            // All that was there may have to come again.
            taken += if is_changed { stat.len } else { 0 };
        }
        if taken > 0 {
            self.stage.on_tamper(taken, now);
        }
    }

    fn rot(&self, permille: u16, now: Instant) {
        let disk = self.stage.computer.disk();
        let mut has_changed = false;
        for place in self.stage.places() {
            let offset = place.truth.whole().len() * u64::from(permille) / 1000;
            has_changed |= disk.flip_bit(&place.part, offset, 0);
        }
        if has_changed {
            self.stage.on_bit_rot(now);
        }
    }

    /// From now on nothing goes wrong any more.
    fn calm(&mut self, now: Instant) {
        self.is_calm = true;
        self.stage.mark(now, "calm");
        self.stage.note_files_failed();
        self.stage.computer.disk().end_troubles();
        self.stage.computer.disk().adjust(|settings| settings.capacity = None);
        if self.armed.take().is_some() {
            self.stage.mark(now, "what was to die lives");
        }
        for hub in self.stage.network.hubs() {
            hub.calm();
        }
        let profile = &self.stage.scenario.profile;
        let mean = profile.trace.mean().try_into().expect("a link carries something");
        let good = Profile {
            conn_cap: profile.conn_cap,
            setup_rtts: profile.setup_rtts,
            ..Profile::plain(Trace::constant(mean), profile.rtt)
        };
        *self.stage.network.link() = Link::new(&good, self.stage.scenario.seed);
    }
}

/// So many bytes of a short write go down.
const SHORT: u64 = 1000;
/// So much of a file is set to zero.
const ZEROED: u64 = 300_000;
/// What a disk may refuse.
const CHANGES: &[Operation] = &[
    Operation::Create,
    Operation::Rename,
    Operation::SyncDir,
    Operation::Write,
    Operation::SyncData,
    Operation::Read,
];
/// For so long everything that is sent is lost.
const LOSS: Duration = Duration::from_millis(300);
/// How often the link is looked at, for the picture.
const LOOK_EVERY: Duration = Duration::from_secs(1);
