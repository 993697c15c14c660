//! One link that many connections share: when has the bottleneck passed on what was sent, and
//! does the connection live to see it?
//!
//! A pure function of what was sent before, of the profile and of the seed. It holds no bytes and
//! waits for nothing: whoever sends does that.

mod calendar;
mod life;

use std::collections::BTreeSet;
use std::ops::Range;
use std::{error, fmt};

use engine::time::{Duration, Instant};
use rand::RngExt;

use crate::profile::Profile;
use crate::seed::Seed;
use crate::trace::Trace;
use calendar::Calendar;
use life::{Life, Lives};

/// A link, who is on it, and how far its capacity is spoken for.
///
/// First come, first served, over all connections: whoever sends a piece, waits until there is
/// room for the next, and sends that, shares in turns with all others who do so, by the size of
/// their pieces. Capacity that nobody asks for is lost, as on a real link.
///
/// In an outage everything stands still, the recording of the capacity too.
#[derive(Clone, Debug)]
pub struct Link {
    profile: Profile,
    /// Where in the recording the run begins, so that each seed meets other weather.
    phase_nanos: u64,
    cap: Option<Trace>,
    calendar: Calendar,
    shared: Queue,
    lives: Lives,
    open: BTreeSet<u64>,
    opened: u64,
}

/// One connection's standing on a link.
#[derive(Debug)]
pub struct Connection {
    number: u64,
    own: Queue,
    quantum: u64,
    life: Life,
    /// When something of it last passed: what a NAT remembers, and what no reset comes before.
    passed: Instant,
    is_over: bool,
}

/// What becomes of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The bottleneck has passed the piece on at `passed`; the other end has it
    /// [`one_way`](Link::one_way) later. The sender may send its next piece at `next`, which is
    /// not later: up to the profile's `queue` bytes wait in the bottleneck's buffer.
    Passes {
        /// When there is room for the next piece.
        next: Instant,
        /// When all of this one has passed.
        passed: Instant,
    },
    /// The connection is reset then; nothing of the piece arrives.
    Reset {
        /// When both ends learn of it.
        at: Instant,
    },
    /// Nothing of this connection arrives any more, and nobody is told.
    Dies,
}

impl Link {
    /// A link that nobody uses yet.
    pub fn new(profile: &Profile, seed: Seed) -> Self {
        let period = profile.trace.period();
        Self {
            phase_nanos: nanos(seed.stream("trace phase").random_range(Duration::ZERO..period)),
            cap: profile.conn_cap.map(Trace::constant),
            calendar: Calendar::new(&profile.outages),
            shared: Queue::default(),
            lives: Lives::new(profile, seed),
            open: BTreeSet::new(),
            opened: 0,
            profile: profile.clone(),
        }
    }

    /// Somebody connects.
    ///
    /// # Errors
    ///
    /// Where as many are open as the profile's `conn_limit` allows.
    pub fn open(&mut self, now: Instant) -> Result<Connection, Full> {
        let is_full = |limit| self.open.len() as u64 >= u64::from(limit);
        if self.profile.conn_limit.is_some_and(is_full) {
            return Err(Full);
        }
        let up = self.calendar.up(nanos(now.since_start()));
        self.lives.spend(self.open.len(), up);
        let number = self.opened;
        self.opened += 1;
        self.open.insert(number);
        Ok(Connection {
            number,
            own: Queue::default(),
            quantum: self.lives.draw_weight(self.fair_quantum()).clamp(QUANTUM_MIN, QUANTUM_MAX),
            life: self.lives.draw_life(up),
            passed: now,
            is_over: false,
        })
    }

    /// A connection ends, and its place is free. To end it again changes nothing.
    pub fn close(&mut self, connection: &Connection, now: Instant) {
        let up = self.calendar.up(nanos(now.since_start()));
        self.lives.spend(self.open.len(), up);
        self.open.remove(&connection.number);
    }

    /// How many bytes make a good piece for this connection: what the link, or the connection's
    /// cap, carries in about 50 ms, times the connection's weight where sharing is unfair.
    pub fn quantum(&self, connection: &Connection) -> u64 {
        connection.quantum
    }

    /// Takes `len` bytes of a connection and tells when the bottleneck has passed them on, after
    /// all that came before them. No bytes have passed when all of those have.
    pub fn send(&mut self, connection: &mut Connection, len: u64, now: Instant) -> Sent {
        if connection.is_over {
            return Sent::Dies;
        }
        let up = self.calendar.up(nanos(now.since_start()));
        self.lives.spend(self.open.len(), up);
        let (mut shared, mut own) = (self.shared, connection.own);
        let moment = up.saturating_add(self.phase_nanos);
        shared.take(&self.profile.trace, self.lives.cost(len, self.open.len()), moment);
        let mut passed = shared.passed(&self.profile.trace, 0, moment) - self.phase_nanos;
        let queue = self.profile.queue;
        let mut next = shared.passed(&self.profile.trace, queue, moment) - self.phase_nanos;
        if let Some(cap) = &self.cap {
            // Beside the bottleneck, not before it: what waits for its own connection's turn must
            // not hold up the others.
            own.take(cap, len, up);
            let own_passed = own.passed(cap, 0, up);
            (passed, next) = (passed.max(own_passed), next.max(own_passed));
        }
        let passed_at = self.at(passed);
        if self.lives.dies_by(&connection.life, passed) || self.is_forgotten(connection, passed_at)
        {
            connection.is_over = true;
            return Sent::Dies;
        }
        if let Some(reset) = self.lives.reset_by(&connection.life, self.open.len(), up, passed) {
            connection.is_over = true;
            return Sent::Reset { at: self.at(reset).max(connection.passed) };
        }
        (self.shared, connection.own) = (shared, own);
        connection.passed = passed_at;
        Sent::Passes { next: self.at(next).max(now), passed: passed_at.max(now) }
    }

    /// Something small, a request, goes the other way: does it find the connection alive? If not,
    /// nothing will come of it, and nobody is told.
    pub fn is_alive(&mut self, connection: &mut Connection, now: Instant) -> bool {
        if connection.is_over {
            return false;
        }
        let up = self.calendar.up(nanos(now.since_start()));
        self.lives.spend(self.open.len(), up);
        let crosses = self.at(up).max(now);
        let is_over = self.lives.is_spent(&connection.life)
            || self.lives.dies_by(&connection.life, up)
            || self.is_forgotten(connection, crosses);
        connection.is_over = is_over;
        connection.passed = connection.passed.max(crosses);
        !is_over
    }

    /// From one end to the other, without any waiting: half a round trip.
    pub fn one_way(&self) -> Duration {
        self.profile.rtt / 2
    }

    /// From dialling to being able to send a request.
    pub fn setup(&self) -> Duration {
        self.profile.rtt * self.profile.setup_rtts
    }

    /// What a request on a connection that was used before costs beyond its own round trip.
    pub fn reuse(&self) -> Duration {
        self.profile.rtt * self.profile.reuse_rtts
    }

    /// The times in which nothing passes, in order and apart from each other, of those that begin
    /// before `until`. For a network that has to hold everything else back, too.
    pub fn outages(&self, until: Instant) -> Vec<Range<Instant>> {
        let windows = self.calendar.windows(nanos(until.since_start()));
        windows.into_iter().map(|window| at(window.start)..at(window.end)).collect()
    }

    /// What the link can carry at a moment, in bytes per second: for pictures.
    pub fn capacity(&mut self, now: Instant) -> u64 {
        let now = nanos(now.since_start());
        if self.calendar.is_out(now) {
            return 0;
        }
        self.profile.trace.rate_at(self.calendar.up(now).saturating_add(self.phase_nanos))
    }

    /// Whether a NAT on the way has dropped the connection, when something comes along at `now`.
    fn is_forgotten(&mut self, connection: &Connection, now: Instant) -> bool {
        let idle = now.since(connection.passed);
        self.profile.nat_after.is_some_and(|after| idle > after) && self.lives.draw_forgotten()
    }

    fn fair_quantum(&self) -> u64 {
        let mean = self.profile.trace.mean();
        let rate = self.profile.conn_cap.map_or(mean, |cap| cap.get().min(mean));
        rate / QUANTA_PER_SECOND
    }

    /// The moment after so much time without outages.
    fn at(&mut self, up: u64) -> Instant {
        at(self.calendar.wall(up))
    }
}

/// As many connections are open as are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("as many connections are open as the link allows")
    }
}

impl error::Error for Full {}

/// Something that is served in the order in which it came.
#[derive(Clone, Copy, Debug, Default)]
struct Queue {
    /// Up to which byte of a capacity all is spoken for. A position, not a time: it is exact, so
    /// that roundings do not add up.
    end: u64,
}

impl Queue {
    /// Takes `len` bytes.
    fn take(&mut self, capacity: &Trace, len: u64, now: u64) {
        self.end = self.end.max(capacity.carried(now)).saturating_add(len);
    }

    /// When the capacity has carried all but the last `but` bytes of what was taken.
    fn passed(self, capacity: &Trace, but: u64, now: u64) -> u64 {
        capacity.nanos_to_carry(self.end.saturating_sub(but)).max(now)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn at(nanos: u64) -> Instant {
    Instant::at(Duration::from_nanos(nanos))
}

const QUANTA_PER_SECOND: u64 = 20;
const QUANTUM_MIN: u64 = 256;
const QUANTUM_MAX: u64 = 64 << 10;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod trials;
