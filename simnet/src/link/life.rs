//! How long connections live: resets, silent deaths, forgetful NATs, and what a crowd costs.
//!
//! Holds no connection: each carries its own [`Life`].

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use super::nanos;
use crate::profile::Profile;
use crate::seed::Seed;

/// The hazards of a link. All connections are exposed to the same, so what a connection has
/// spent of its life is the difference of two readings of one sum.
#[derive(Clone, Debug)]
pub(super) struct Lives {
    /// What one nanosecond costs every connection, and more for each that is one too many, in
    /// parts of [`ONE_LIFE`].
    alone: u128,
    crowd: u128,
    free: u32,
    crowd_ppm: u32,
    stall_nanos: Option<u64>,
    p_dead_percent: u8,
    sigma_percent: u32,
    spent: u128,
    spent_at: u64,
    resets: Xoshiro256PlusPlus,
    deaths: Xoshiro256PlusPlus,
    nat: Xoshiro256PlusPlus,
    weights: Xoshiro256PlusPlus,
}

/// How long a connection lives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    /// What [`Lives`] has spent when it is reset.
    ends_at: u128,
    /// When it dies silently, in up time.
    dies_at: u64,
}

impl Lives {
    pub(super) fn new(profile: &Profile, seed: Seed) -> Self {
        let hazard = |every| ONE_LIFE / u128::from(nanos(every).max(1));
        Self {
            alone: profile.reset_every.map_or(0, hazard),
            crowd: profile.crowd_reset_every.map_or(0, hazard),
            free: profile.free_connections,
            crowd_ppm: profile.crowd_cost_ppm,
            stall_nanos: profile.stall_every.map(nanos),
            p_dead_percent: profile.p_dead_percent,
            sigma_percent: profile.sigma_percent,
            spent: 0,
            spent_at: 0,
            resets: seed.stream("resets"),
            deaths: seed.stream("silent deaths"),
            nat: seed.stream("nat"),
            weights: seed.stream("weights"),
        }
    }

    /// Time has passed with `count` connections open.
    pub(super) fn spend(&mut self, count: usize, up: u64) {
        let elapsed = up.saturating_sub(self.spent_at);
        self.spent += u128::from(elapsed) * self.hazard(count);
        self.spent_at += elapsed;
    }

    pub(super) fn draw_life(&mut self, up: u64) -> Life {
        let ends_at = self.spent + (exponential(&mut self.resets) * ONE_LIFE as f64) as u128;
        let mut lasts = |every: u64| (exponential(&mut self.deaths) * every as f64) as u64;
        let dies_at = self.stall_nanos.map_or(u64::MAX, |every| up.saturating_add(lasts(every)));
        Life { ends_at, dies_at }
    }

    /// Unfair sharing: log-normal around `len`.
    pub(super) fn draw_weight(&mut self, len: u64) -> u64 {
        if self.sigma_percent == 0 {
            return len;
        }
        // Irwin and Hall: twelve uniform numbers make a normal one.
        let normal: f64 = (0..12).map(|_| self.weights.random_range(0.0..1.0)).sum::<f64>() - 6.0;
        (len as f64 * (normal * f64::from(self.sigma_percent) / 100.0).exp()) as u64
    }

    pub(super) fn draw_forgotten(&mut self) -> bool {
        self.nat.random_range(0..100) < self.p_dead_percent
    }

    pub(super) fn is_spent(&self, life: &Life) -> bool {
        self.spent >= life.ends_at
    }

    pub(super) const fn dies_by(&self, life: &Life, up: u64) -> bool {
        life.dies_at <= up
    }

    /// When the connection is reset, if that is by `until` and `count` connections stay open.
    pub(super) fn reset_by(&self, life: &Life, count: usize, up: u64, until: u64) -> Option<u64> {
        let left = life.ends_at.saturating_sub(self.spent);
        if left == 0 {
            return Some(up);
        }
        let lasts = left.checked_div(self.hazard(count))?;
        let reset = up.saturating_add(u64::try_from(lasts).unwrap_or(u64::MAX));
        (reset <= until).then_some(reset)
    }

    /// What `len` bytes take of the capacity: more, when a crowd makes each other repeat itself.
    pub(super) fn cost(&self, len: u64, count: usize) -> u64 {
        let more = u128::from(len) * u128::from(self.crowd_ppm) * self.too_many(count);
        len.saturating_add(u64::try_from(more.div_ceil(MILLION)).unwrap_or(u64::MAX))
    }

    fn hazard(&self, count: usize) -> u128 {
        self.alone + self.crowd * self.too_many(count)
    }

    fn too_many(&self, count: usize) -> u128 {
        (count as u128).saturating_sub(u128::from(self.free))
    }
}

/// A draw of mean 1.
fn exponential(rng: &mut Xoshiro256PlusPlus) -> f64 {
    -(1.0 - rng.random_range(0.0..1.0_f64)).ln()
}

/// The mean life of a connection, in parts that are so fine that a hazard is a whole number of
/// them per nanosecond.
const ONE_LIFE: u128 = 1 << 80;
const MILLION: u128 = 1_000_000;
