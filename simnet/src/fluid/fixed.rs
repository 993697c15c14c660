//! What the field report's tool does, for comparison: a fixed number of workers that fetch chunks,
//! and begin a chunk again when its connection is reset.
//!
//! Not our machine. It backs off from nothing, verifies nothing and splits no tail.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use engine::time::{Duration, Instant};

use crate::link::{Connection, Link, Sent};
use crate::profile::Profile;
use crate::seed::Seed;

/// A fixed number of workers with chunks to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedWorkers {
    /// How many; at least 1.
    pub workers: u32,
    /// How many chunks there are.
    pub chunks: u32,
    /// How long each is, in bytes.
    pub chunk_bytes: u64,
    /// Whether what came of a chunk is kept when its connection is reset.
    pub keeps_bytes: bool,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// How long it took.
    pub lasted: Duration,
    /// How many connections were reset.
    pub resets: u64,
    /// Bytes that passed.
    pub wire: u64,
}

impl FixedWorkers {
    /// Fetches everything, over a link without silent deaths and connection limit.
    pub fn run(&self, profile: &Profile, seed: Seed) -> Fetched {
        let mut link = Link::new(profile, seed);
        let mut turns = BinaryHeap::new();
        let mut workers: Vec<Worker> = (0..self.workers).map(|_| Worker::default()).collect();
        let mut fetched = Fetched { lasted: Duration::ZERO, resets: 0, wire: 0 };
        let mut left = self.chunks;
        (0..workers.len()).for_each(|who| turns.push(Reverse((Instant::START, who))));
        while let Some(Reverse((now, who))) = turns.pop() {
            let worker = &mut workers[who];
            if worker.left == 0 {
                fetched.lasted = fetched.lasted.max(now.since_start());
                if left == 0 {
                    // Who is done is no crowd for the others.
                    worker.connection.take().iter().for_each(|it| link.close(it, now));
                    continue;
                }
                left -= 1;
                worker.left = self.chunk_bytes;
                let asks = link.one_way() * 2;
                turns.push(Reverse((now + asks + worker.connect(&mut link, now), who)));
                continue;
            }
            let Some(connection) = &mut worker.connection else { continue };
            let len = link.quantum(connection).max(PIECE_MIN).min(worker.left);
            match link.send(connection, len, now) {
                Sent::Passes { next, passed } => {
                    fetched.wire += len;
                    worker.left -= len;
                    let at = if worker.left == 0 { passed + link.one_way() } else { next };
                    turns.push(Reverse((at, who)));
                }
                Sent::Reset { at } => {
                    fetched.resets += 1;
                    if !self.keeps_bytes {
                        worker.left = self.chunk_bytes;
                    }
                    worker.connection.take().iter().for_each(|it| link.close(it, at));
                    let asks = link.one_way() * 2;
                    turns.push(Reverse((at + asks + worker.connect(&mut link, at), who)));
                }
                Sent::Dies => break,
            }
        }
        fetched
    }

    /// Goodput in bytes per second, from the profile's figures alone.
    ///
    /// With n workers, each connection gets `per = min(cap, C / (1 + k (n - n0)) / n)` and is reset
    /// at the rate `h = h0 + h1 (n - n0)`. A chunk of S bytes that begins again at each reset takes
    /// `(e^x - 1) / h` with `x = h S / per`, so the goodput is `n per x / (e^x - 1)`; if bytes are
    /// kept, it is `n per`. Round trips, outages and the tail are left out.
    pub fn closed_form(&self, profile: &Profile) -> f64 {
        let count = f64::from(self.workers);
        let many = f64::from(self.workers.saturating_sub(profile.free_connections));
        let rate_of = |every: Option<Duration>| every.map_or(0.0, |it| 1.0 / it.as_secs_f64());
        let hazard = rate_of(profile.reset_every) + rate_of(profile.crowd_reset_every) * many;
        let crowd = 1.0 + f64::from(profile.crowd_cost_ppm) / 1e6 * many;
        let capacity = profile.trace.mean() as f64 / crowd;
        let cap = profile.conn_cap.map_or(f64::INFINITY, |cap| cap.get() as f64);
        let each = cap.min(capacity / count);
        let exposure = hazard * self.chunk_bytes as f64 / each;
        if self.keeps_bytes || exposure == 0.0 {
            return count * each;
        }
        count * each * exposure / exposure.exp_m1()
    }
}

#[derive(Debug, Default)]
struct Worker {
    connection: Option<Connection>,
    /// What is missing of its chunk.
    left: u64,
}

impl Worker {
    /// Makes sure of a connection; returns how long that takes.
    fn connect(&mut self, link: &mut Link, now: Instant) -> Duration {
        if self.connection.is_some() {
            return link.reuse();
        }
        self.connection = link.open(now).ok();
        link.setup()
    }
}

/// Larger pieces than a connection would send make runs fast, and change little over hours.
const PIECE_MIN: u64 = 64 << 10;
