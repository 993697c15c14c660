//! One link that many connections share: when has the bottleneck passed on what was sent?
//!
//! A pure function of what was sent before, of the profile and of the seed. It delays; it loses
//! nothing, resets nothing and holds no bytes.

use engine::time::{Duration, Instant};
use rand::RngExt;

use crate::profile::Profile;
use crate::seed::Seed;
use crate::trace::Trace;

/// A link and how far its capacity is spoken for.
///
/// First come, first served, over all connections: whoever sends a piece, waits until it has
/// passed, and sends the next, shares in turns with all others who do so, by the size of their
/// pieces. Capacity that nobody asks for is lost, as on a real link.
#[derive(Clone, Debug)]
pub struct Link {
    trace: Trace,
    /// Where in the recording the run begins, so that each seed meets other weather.
    phase_nanos: u64,
    cap: Option<Trace>,
    one_way: Duration,
    shared: Queue,
}

/// One connection's standing on a link; a new one begins with the default.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    own: Queue,
}

impl Link {
    /// A link on which nothing has been sent.
    pub fn new(profile: &Profile, seed: Seed) -> Self {
        let trace = profile.trace.clone();
        let period = trace.period();
        Self {
            phase_nanos: nanos(seed.stream("trace phase").random_range(Duration::ZERO..period)),
            trace,
            cap: profile.conn_cap.map(Trace::constant),
            one_way: profile.rtt / 2,
            shared: Queue::default(),
        }
    }

    /// Takes `len` bytes of a connection and tells when the bottleneck has passed them on, after
    /// all that came before them. No bytes have passed when all of those have.
    ///
    /// The other end has them [`one_way`](Self::one_way) later.
    pub fn send(&mut self, connection: &mut Connection, len: u64, now: Instant) -> Instant {
        let now = nanos(now.since_start());
        let moment = now.saturating_add(self.phase_nanos);
        let mut passed = self.shared.pass(&self.trace, len, moment) - self.phase_nanos;
        if let Some(cap) = &self.cap {
            // Beside the bottleneck, not before it: what waits for its own connection's turn must
            // not hold up the others.
            passed = passed.max(connection.own.pass(cap, len, now));
        }
        Instant::at(Duration::from_nanos(passed))
    }

    /// From one end to the other, without any waiting: half a round trip.
    pub const fn one_way(&self) -> Duration {
        self.one_way
    }
}

/// Something that is served in the order in which it came.
#[derive(Clone, Copy, Debug, Default)]
struct Queue {
    /// Up to which byte of a capacity all is spoken for. A position, not a time: it is exact, so
    /// that roundings do not add up.
    end: u64,
}

impl Queue {
    /// Takes `len` bytes; tells when the capacity has carried them.
    fn pass(&mut self, capacity: &Trace, len: u64, now: u64) -> u64 {
        self.end = self.end.max(capacity.carried(now)).saturating_add(len);
        capacity.nanos_to_carry(self.end).max(now)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
