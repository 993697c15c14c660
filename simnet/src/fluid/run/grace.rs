//! How long a download may take once everything is good: what the link needs for the bytes, and
//! what is left of the troubles before, each by its name.
//!
//! Knows what happened, and nothing of what the machine thinks of it.

use engine::time::{Duration, Instant};

use super::Run;
use super::carry::ANSWER_WITHIN;
use crate::fluid::tally::Sometimes;
use crate::fluid::world::{Trouble, TroubleKind, World};
use crate::link::{Link, Sent};
use crate::profile::Profile;
use crate::seed::Seed;

/// How things stand when the last trouble is over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calm {
    pub(super) at: Instant,
    /// Bytes that are there.
    pub(super) proven: u64,
    /// Until when somebody has asked to be left alone.
    told_until: Instant,
    /// Bytes that were left under way before.
    pub(super) stranded: u64,
    /// Connections that had died before, and that somebody has noticed.
    deaths: u64,
    /// Connections that had been refused before.
    refused: u64,
    /// Until when tries in vain explain that nobody is asked.
    paused_until: Instant,
    /// How long nothing ran before.
    down: Duration,
}

impl Run<'_> {
    /// Looks at how things stand, if all trouble has just ended.
    pub(super) fn look_if_calm(&mut self) {
        if self.calm.is_some() || self.now.since_start() < self.world.calm_at {
            return;
        }
        let dead = self.exchanges.values().filter(|it| it.dead_since.is_some()).count() as u64;
        self.judge.on_calm();
        self.calm = Some(Calm {
            at: Instant::at(self.world.calm_at),
            proven: self.proven(),
            told_until: self.judge.told_until(),
            stranded: self.judge.economy.stranded,
            deaths: self.deaths - dead.min(self.deaths),
            paused_until: self.judge.paused_until(self.world.config.backoff_max),
            refused: self.judge.tally.of(Sometimes::ConnectionRefused),
            down: self.down,
        });
    }

    /// Nothing runs for so long from now on.
    pub(super) fn stay_down(&mut self, lasting: Duration) {
        self.look_if_calm();
        let was_calm = self.calm.is_some();
        self.down += lasting;
        self.tick(self.now + lasting);
        if let Some(calm) = self.calm.as_mut().filter(|_| !was_calm) {
            calm.down -= self.now.since(calm.at);
        }
    }

    /// How often the weather was so bad for so long that everybody took it for an outage, and for
    /// how long in all.
    fn storms(&mut self, from: Instant) -> (u32, Duration) {
        let (mut count, mut quiet, mut lasted) = (0, 0, 0);
        if self.world.profile.trace.period() <= Duration::from_secs(1) {
            return (0, Duration::ZERO);
        }
        for second in from.since_start().as_secs()..self.now.since_start().as_secs() {
            let at = Instant::at(Duration::from_secs(second));
            quiet = if self.link.capacity(at) < QUIET_RATE { quiet + 1 } else { 0 };
            count += u32::from(quiet == QUIET_SECONDS);
            lasted += u64::from(quiet > 0);
        }
        (count, Duration::from_secs(lasted))
    }

    /// How long the link needs for so many bytes from then on, in its weather, over as many
    /// connections as are there soon, and a fifth more; half as much more where the good minutes
    /// may be slept through.
    pub(super) fn time_for(&self, len: u64) -> Duration {
        let Some(calm) = &self.calm else { return Duration::ZERO };
        let profile = &self.world.profile;
        // Whoever was down may have slept through the good weather, whenever that was.
        let quarter = (self.down - calm.down) / 4;
        let out = |at| self.judge.outages_between(Instant::START, at);
        let begun = (0..=4).map(|quarters| calm.at + quarter * quarters);
        let carried = begun.map(|at| carried(self.world, len, at - out(at))).max();
        let carried = carried.unwrap_or_default();
        let request_bytes = self.world.config.request_bytes_min;
        let connections = u64::from(self.connections_soon()).min(len / request_bytes).max(1);
        let capped = profile.conn_cap.map_or(Duration::ZERO, |cap| {
            Duration::from_millis(len.saturating_mul(1000) / (cap.get() * connections))
        });
        let requests = len / request_bytes + self.world.files.len() as u64;
        let each = profile.rtt * (profile.setup_rtts + profile.reuse_rtts + 1);
        let waits = each * u32::try_from(requests / connections + 1).unwrap_or(u32::MAX);
        let is_steady = profile.trace.period() <= Duration::from_secs(1);
        let factor = if is_steady { 1.2 } else { 1.5 };
        (carried.max(capped) + waits).mul_f64(factor)
    }

    /// How long syncs hold up a search for damage: what is doubted is revoked as it keeps the
    /// workers busy, and fetched once that is durable.
    fn barriers(&self) -> Duration {
        let config = &self.world.config;
        let each = config.request_bytes_min * u64::from(self.connections());
        let rounds = self.judge.economy.searched.div_ceil(each);
        self.world.sync_lasts * 4 * u32::try_from(rounds).unwrap_or(u32::MAX)
    }

    /// How many connections can bring bytes at once.
    fn connections(&self) -> u32 {
        let limit = self.world.profile.conn_limit.unwrap_or(u32::MAX);
        self.world.config.workers_max.min(limit).max(1)
    }

    /// How many do so at first: half, since the window grows; one, where somebody has said that
    /// there are too many, and is asked again only a minute later, or where one stream has all.
    fn connections_soon(&self) -> u32 {
        let lowers = |trouble: &Trouble| {
            matches!(trouble.kind, TroubleKind::Busy { .. } | TroubleKind::Reset)
        };
        let is_lowered = self.judge.tally.of(Sometimes::StreamTaken) > 0
            || self.world.troubles.iter().any(lowers)
            || self.judge.tally.of(Sometimes::Reset) > 0
            || self.judge.tally.of(Sometimes::ConnectionRefused) > 0;
        if is_lowered { 1 } else { self.connections().div_ceil(2) }
    }

    /// What may pass without a byte after all has become good.
    pub(super) fn grace(&mut self) -> Duration {
        let Some(calm) = self.calm else { return Duration::ZERO };
        let (storms, stormy) = self.storms(calm.at);
        let outages = self.judge.count_outages(calm.at, self.now) + storms;
        let out = self.judge.outages_between(calm.at, self.now) + stormy;
        let deaths = u32::try_from(self.deaths - calm.deaths).unwrap_or(u32::MAX);
        let patience = self.world.config.stall_after.unwrap_or_default().max(KEEP_SILENT);
        // They die one after the other, or all together.
        let dead = patience * deaths / self.connections() + patience * deaths.min(1);
        let told = calm.told_until.since(calm.at);
        let synced = self.world.config.sync_every + self.world.sync_lasts * 4;
        let ends = synced * u32::try_from(self.world.files.len()).unwrap_or(u32::MAX);
        let checks = u32::try_from(self.judge.economy.mismatches).unwrap_or(u32::MAX);
        let backoff = self.judge.backoff_max(self.world.config.backoff_max);
        let refused = self.judge.tally.of(Sometimes::ConnectionRefused) - calm.refused;
        let refused = Duration::from_secs(refused);
        let is_silence = |trouble: &Trouble| trouble.kind == TroubleKind::Stall;
        let has_silence = self.world.troubles.iter().any(is_silence);
        let asked = if has_silence { ANSWER_WITHIN } else { Duration::ZERO };
        let paused = calm.paused_until.since(calm.at);
        told + asked
            + paused
            + self.barriers()
            + refused
            + backoff * 2
            + dead
            + out
            + PROBE_AFTER * outages
            + (self.down - calm.down)
            + ends
            + (synced + PROBE_AFTER) * checks
            + MOMENT
    }
}

/// How long the bare link needs for so many bytes from then on, in time without outages: in them
/// the weather stands still.
fn carried(world: &World, len: u64, from: Instant) -> Duration {
    let bare = Profile::plain(world.profile.trace.clone(), world.profile.rtt);
    let mut link = Link::new(&bare, Seed(world.seed));
    let mut connection = link.open(from).expect("nothing limits connections here");
    match link.send(&mut connection, len, from) {
        Sent::Passes { passed, .. } => passed.since(from),
        Sent::Reset { .. } | Sent::Dies => Duration::MAX,
    }
}

/// The promise: what was open when a link fell silent is kept so long.
const KEEP_SILENT: Duration = Duration::from_secs(75);
/// After an outage the next probe comes within this, and the window has to grow again.
const PROBE_AFTER: Duration = Duration::from_secs(40);
/// After so many seconds with so few bytes a silence may be taken for an outage.
const QUIET_SECONDS: u32 = 3;
const QUIET_RATE: u64 = 8000;
/// To begin, to end, and to notice.
const MOMENT: Duration = Duration::from_secs(5);
