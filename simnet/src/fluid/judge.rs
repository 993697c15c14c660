//! Whether a run kept the rules, seen from the link, the hub and the disk.
//!
//! Does not ask the machine how it thinks it has done.

mod economy;
mod rule;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use engine::action::RequestId;
use engine::range::ByteRange;
use engine::time::{Duration, Instant};

use super::hub::What;
use super::tally::{Sometimes, Tally};
use super::world::World;
use crate::scores::Scores;
use crate::silence::Silences;
use economy::Economy;
pub(super) use economy::vain_max;
pub use rule::{Rule, Violation};

/// The judge of one run.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) violations: Vec<Violation>,
    pub(super) tally: Tally,
    pub(super) scores: Scores<Rule>,
    pub(super) economy: Economy,
    silences: Silences,
    /// Until when each host asked to be left alone.
    closed: BTreeMap<Host, Instant>,
    /// URLs that we know to be refused, and how many refusals came in a row for each file.
    refused: BTreeSet<usize>,
    refusals: BTreeMap<u32, u32>,
    /// The first ETag of each file in this session.
    etags: BTreeMap<u32, String>,
    /// What each request may write.
    granted: BTreeMap<RequestId, (u32, Vec<ByteRange>)>,
    asked: BTreeMap<RequestId, (u32, ByteRange)>,
    /// Which revision each file's bytes were taken from in this session.
    revision: BTreeMap<u32, bool>,
    outages: Vec<Range<Instant>>,
    last_arrival: Instant,
    last_break: Instant,
    session_began: Instant,
    late_asks: BTreeSet<u64>,
    /// How often an answer said that the file is another one.
    contradictions: u32,
    /// How many tries in a row were in vain, for each file, and the most of any since it is calm.
    vain: BTreeMap<u32, u32>,
    vain_most: u32,
    /// The last try in vain, and how many that made in a row.
    last_vain: (Instant, u32),
}

/// Whom a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Host {
    Hub,
    Storage,
}

impl Judge {
    pub(super) fn new(outages: Vec<Range<Instant>>) -> Self {
        Self {
            violations: Vec::new(),
            tally: Tally::default(),
            scores: Scores::default(),
            silences: Silences::default(),
            economy: Economy::default(),
            closed: BTreeMap::new(),
            refused: BTreeSet::new(),
            refusals: BTreeMap::new(),
            etags: BTreeMap::new(),
            granted: BTreeMap::new(),
            asked: BTreeMap::new(),
            revision: BTreeMap::new(),
            outages,
            last_arrival: Instant::START,
            last_break: Instant::START,
            session_began: Instant::START,
            late_asks: BTreeSet::new(),
            contradictions: 0,
            vain: BTreeMap::new(),
            vain_most: 0,
            last_vain: (Instant::START, 0),
        }
    }

    /// A rule that could be broken here: it holds, or not.
    pub(super) fn check(
        &mut self,
        holds: bool,
        rule: Rule,
        at: Instant,
        what: impl FnOnce() -> String,
    ) {
        self.scores.arm(rule);
        self.accuse_unless(holds, rule, at, what);
    }

    /// A rule that allows so much.
    pub(super) fn spend(
        &mut self,
        (used, allowed): (u64, u64),
        rule: Rule,
        at: Instant,
        what: impl FnOnce() -> String,
    ) {
        let holds = self.scores.spend(rule, used, allowed);
        self.accuse_unless(holds, rule, at, what);
    }

    /// A rule that allows so much time.
    pub(super) fn spend_time(
        &mut self,
        (used, allowed): (Duration, Duration),
        rule: Rule,
        at: Instant,
        what: &str,
    ) {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.spend((micros(used), micros(allowed)), rule, at, || {
            format!("{what} {used:?}, {allowed:?} allowed")
        });
    }

    fn accuse_unless(
        &mut self,
        holds: bool,
        rule: Rule,
        at: Instant,
        what: impl FnOnce() -> String,
    ) {
        if !holds && self.violations.len() < VIOLATIONS_MAX {
            self.violations.push(Violation { rule, at, what: what() });
        }
    }

    pub(super) fn on_session(&mut self, now: Instant) {
        self.closed.clear();
        self.refused.clear();
        self.granted.clear();
        self.asked.clear();
        self.revision.clear();
        self.late_asks.clear();
        self.silences = Silences::default();
        self.economy.on_session();
        self.vain.clear();
        self.contradictions = 0;
        self.session_began = now;
    }

    /// Something is asked of a host. `number` tells questions apart; requests and tasks share
    /// their numbers.
    pub(super) fn on_ask(&mut self, host: Host, number: u64, now: Instant) {
        let closed = self.closed.get(&host).copied().unwrap_or(Instant::START);
        if closed > Instant::START {
            self.check(closed <= now, Rule::E2, now, || {
                format!("{host:?} wanted peace to {closed:?}")
            });
            self.tally.count(Sometimes::PauseKept);
            self.closed.remove(&host);
        }
        let is_late = |outage: &Range<Instant>| outage.start + LATE <= now && now < outage.end;
        if self.outages.iter().any(is_late) && self.session_began + LATE <= now {
            self.late_asks.insert(number);
            let count = self.late_asks.len();
            self.check(count <= 1, Rule::E3, now, || format!("{count} probes at a time"));
        }
    }

    /// What was asked has ended.
    pub(super) fn on_answered(&mut self, number: u64) {
        self.late_asks.remove(&number);
    }

    pub(super) fn on_request(
        &mut self,
        id: RequestId,
        file: u32,
        range: ByteRange,
        url: usize,
        now: Instant,
    ) {
        // Where new URLs are refused like the old ones, one of them is kept.
        let refusals = self.refusals.get(&file).copied().unwrap_or(0);
        if !self.refused.is_empty() && refusals <= NEW_URLS {
            let is_known = self.refused.contains(&url);
            self.check(!is_known, Rule::S8, now, || format!("URL {url} is known to be refused"));
        }
        let others: Vec<ByteRange> =
            self.asked.values().filter(|(it, _)| *it == file).map(|(_, asked)| *asked).collect();
        if !others.is_empty() {
            let other = others.into_iter().find(|asked| asked.overlaps(range));
            self.check(other.is_none(), Rule::S5, now, || format!("{range} beside {other:?}"));
        }
        self.asked.insert(id, (file, range));
        self.silences.on_request(id.0, now);
    }

    /// An answer reaches us.
    pub(super) fn on_head(&mut self, what: What, url: usize, is_foreign: bool) {
        if !what.is_content() {
            self.scores.arm(Rule::S7);
        } else if is_foreign {
            self.scores.arm(Rule::S6);
        }
        match what {
            What::Refusal { expired: true } => self.tally.count(Sometimes::UrlExpired),
            What::Range | What::Whole => drop(self.refused.remove(&url)),
            What::NotSatisfiable => {
                self.on_contradiction();
                self.tally.count(Sometimes::NotSatisfiable);
            }
            What::Refusal { expired: false } | What::Busy | What::Nonsense => {}
        }
    }

    /// An answer has this ETag.
    pub(super) fn on_etag(&mut self, file: u32, etag: Option<&str>) {
        let Some(etag) = etag else { return };
        let first = self.etags.entry(file).or_insert_with(|| etag.to_owned());
        if first != etag {
            self.tally.count(Sometimes::EtagChanged);
        }
    }

    /// An answer says that the file is another one.
    pub(super) const fn on_contradiction(&mut self) {
        self.contradictions += 1;
    }

    /// The hub says that a file is what it was: after a contradiction, whatever is answered next
    /// is the measure for what follows.
    pub(super) fn on_located(&mut self, file: u32) {
        if self.contradictions > 0 {
            self.revision.remove(&file);
        }
    }

    /// The request that had this answer has ended, and the machine has drawn its conclusions.
    pub(super) fn on_heard(
        &mut self,
        what: What,
        pause: Option<Duration>,
        (file, url): (u32, usize),
        now: Instant,
    ) {
        match what {
            What::Refusal { .. } => {
                // Those that were under way together say it once.
                let refusals = self.refusals.entry(file).or_default();
                *refusals += u32::from(self.refused.insert(url) || *refusals > NEW_URLS);
            }
            What::Busy => self.on_pause(Host::Storage, pause, now),
            What::NotSatisfiable | What::Range | What::Whole | What::Nonsense => {}
        }
    }

    pub(super) fn on_pause(&mut self, host: Host, pause: Option<Duration>, now: Instant) {
        let Some(pause) = pause else { return };
        let until = self.closed.entry(host).or_default();
        *until = (*until).max(now + pause);
    }

    /// The machine wants the body of an answer.
    pub(super) fn on_receive(
        &mut self,
        id: RequestId,
        what: What,
        is_foreign: bool,
        (size, gaps): (u64, &[ByteRange]),
        now: Instant,
    ) {
        let Some((file, range)) = self.asked.get(&id).copied() else { return };
        self.refusals.remove(&file);
        self.accuse_unless(what.is_content(), Rule::S7, now, || format!("{what:?} becomes data"));
        let first = *self.revision.entry(file).or_insert(is_foreign);
        // Who has been told otherwise so often goes by the file's digest alone.
        let is_pinned = self.contradictions < CONTRADICTIONS_MAX;
        let is_mixed = is_pinned && first != is_foreign;
        self.accuse_unless(!is_mixed, Rule::S6, now, || "bytes of two revisions".to_owned());
        if what == What::Whole {
            self.tally.count(Sometimes::StreamTaken);
            self.economy.on_stream(size, gaps);
            self.asked.remove(&id);
        } else {
            let is_within = gaps.iter().all(|gap| range.contains(*gap));
            self.check(is_within, Rule::S5, now, || format!("{gaps:?} outside {range}"));
        }
        let overlaps =
            |other: &[ByteRange]| other.iter().any(|it| gaps.iter().any(|gap| gap.overlaps(*it)));
        let rival = self.granted.values().find(|(it, other)| *it == file && overlaps(other));
        let rival = rival.cloned();
        if self.granted.values().any(|(it, _)| *it == file) {
            self.check(rival.is_none(), Rule::S5, now, || format!("{gaps:?} beside {rival:?}"));
        }
        self.granted.insert(id, (file, gaps.to_vec()));
    }

    /// A request has ended. `dead_since` is when its connection died without telling; what it had
    /// sent may have been `late`.
    pub(super) fn on_close(
        &mut self,
        id: RequestId,
        dead_since: Option<Instant>,
        patience: Option<Duration>,
        late: Duration,
        now: Instant,
    ) {
        self.granted.remove(&id);
        self.asked.remove(&id);
        self.on_answered(id.0);
        let Some(since) = dead_since else { return };
        let is_out = |outage: &Range<Instant>| outage.start <= now && since <= outage.end;
        if !self.outages.iter().any(is_out) {
            let lasted = now.since(since);
            let allowed = self.silences.replaced_within(id.0, since, patience) + late;
            self.spend_time((lasted, allowed), Rule::L2, now, "dead for");
        }
    }

    /// A file is all there, and wrong.
    pub(super) fn on_mismatch(&mut self, world: &World, file: u32, size: u64, now: Instant) {
        self.economy.on_mismatch(file, size);
        self.accuse_unless(world.is_damaged(), Rule::S7, now, || {
            format!("file {file} is wrong, and nobody has damaged it")
        });
    }

    /// A try for a file has ended, with something of use or without.
    pub(super) fn on_tried(&mut self, file: u32, is_in_vain: bool, now: Instant) {
        let vain = self.vain.entry(file).or_default();
        *vain = if is_in_vain { *vain + 1 } else { 0 };
        self.vain_most = self.vain_most.max(*vain);
        if *vain > 0 {
            self.last_vain = (now, *vain);
        }
    }

    /// Until when the last tries in vain explain a pause.
    pub(super) fn paused_until(&self, longest: Duration) -> Instant {
        self.last_vain.0 + pause_after(self.last_vain.1, longest)
    }

    /// Nothing more goes wrong: what counts from now on is what is still in vain.
    pub(super) fn on_calm(&mut self) {
        self.vain_most = self.vain.values().copied().max().unwrap_or(0);
    }

    /// The longest pause that tries in vain explain: doubled with each, from a second.
    pub(super) fn backoff_max(&self, longest: Duration) -> Duration {
        pause_after(self.vain_most, longest)
    }

    /// Until when anybody wants to be left alone.
    pub(super) fn told_until(&self) -> Instant {
        self.closed.values().copied().max().unwrap_or(Instant::START)
    }

    /// A connection broke: not a good time to ask for the first byte after an outage.
    pub(super) const fn on_broken(&mut self, now: Instant) {
        self.last_break = now;
    }

    /// Bytes of a body arrived. A login page says nothing of who else should be heard.
    pub(super) fn on_arrival(
        &mut self,
        id: RequestId,
        is_content: bool,
        world: &World,
        now: Instant,
    ) {
        if is_content {
            self.silences.on_bytes(id.0, now);
        }
        let before = std::mem::replace(&mut self.last_arrival, now);
        if self.outages.is_empty() {
            return;
        }
        let first = self.outages.partition_point(|outage| outage.end <= before);
        let Some(outage) = self.outages.get(first) else { return };
        let is_steady = world.profile.trace.period() <= Duration::from_secs(1);
        let is_judged = is_steady
            && self.last_break < outage.start
            && outage.end <= now
            && outage.start > self.session_began
            && outage.end.since_start() >= world.calm_at
            && self.outages.get(first + 1).is_none_or(|next| next.start > now);
        if is_judged {
            let gap = now.since(outage.end);
            let bound = FIRST_BYTE_WITHIN + world.profile.rtt * 10;
            self.spend_time((gap, bound), Rule::L3, now, "first byte after an outage within");
        }
    }

    /// Whether any of the time between was an outage.
    pub(super) fn outages_between(&self, from: Instant, to: Instant) -> Duration {
        self.outages.iter().map(|outage| outage.end.min(to).since(outage.start.max(from))).sum()
    }

    /// How many outages there were in that time.
    pub(super) fn count_outages(&self, from: Instant, to: Instant) -> u32 {
        let count = self.outages.iter().filter(|it| it.end >= from && it.start <= to).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

/// The longest pause after so many tries in vain.
fn pause_after(count: u32, longest: Duration) -> Duration {
    let seconds = 1_u64.checked_shl(count).unwrap_or(u64::MAX);
    if count == 0 { Duration::ZERO } else { Duration::from_secs(seconds).min(longest) }
}

/// After so much of an outage everybody knows of it: 60 s of patience, 75 s for the connections
/// that were open, 15 s to spare.
const LATE: Duration = Duration::from_secs(150);
/// Probes are at most 30 s apart; then come a few round trips and full queues.
const FIRST_BYTE_WITHIN: Duration = Duration::from_secs(36);
/// The machine no longer holds answers to their ETag after so many contradictions.
const CONTRADICTIONS_MAX: u32 = 3;
/// So often in a row a new URL may be asked for because one was refused.
const NEW_URLS: u32 = 2;
/// More of them say nothing more.
const VIOLATIONS_MAX: usize = 20;

#[cfg(test)]
mod tests;
