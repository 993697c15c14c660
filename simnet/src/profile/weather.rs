//! Capacity that comes and goes: a few figures of a published recording, made into a trace.
//!
//! No recording is copied. The same figures and the same name give the same trace everywhere.

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use crate::seed::Seed;
use crate::trace::Trace;

/// The figures of a link that varies, from second to second and with outages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weather {
    /// Mean of all, outages too, in bytes per second.
    pub(super) mean: u64,
    /// How much of the time it is dead, in percent.
    pub(super) dead_percent: u64,
    /// The longest time it is dead, in seconds: it occurs once.
    pub(super) dead_max: u64,
    /// The mean time that it is dead, in seconds.
    pub(super) dead_mean: u64,
}

impl Weather {
    /// An hour of it, or a few of the longest outages, in rows of a second: a Markov chain of good
    /// and dead times, with capacity wandering among [`LEVELS`] while it is good.
    pub(super) fn trace(&self, name: &str) -> Trace {
        let mut rng = Seed(0).stream(name);
        let seconds = (self.dead_max * 6).max(3600);
        let mut dead_left = seconds * self.dead_percent / 100;
        let alive_mean = self.dead_mean * (100 - self.dead_percent) / self.dead_percent;
        let mut weights: Vec<u64> = Vec::new();
        let mut alive_left = seconds - dead_left;
        let mut level = LEVELS.len() / 2;
        let mut is_longest = true;
        while alive_left > 0 || dead_left > 0 {
            let mean = alive_mean.max(1);
            let alive = if dead_left == 0 { alive_left } else { geometric(&mut rng, mean) };
            for _ in 0..alive.min(alive_left) {
                level = wander(&mut rng, level);
                weights.push(LEVELS[level]);
            }
            alive_left -= alive.min(alive_left);
            let drawn = geometric(&mut rng, self.dead_mean).min(self.dead_max);
            let dead = if std::mem::take(&mut is_longest) { self.dead_max } else { drawn };
            weights.extend((0..dead.min(dead_left)).map(|_| 0));
            dead_left -= dead.min(dead_left);
        }
        let sum: u64 = weights.iter().sum();
        let total = self.mean * weights.len() as u64;
        Trace::of_seconds(weights.into_iter().map(|weight| total * weight / sum))
    }
}

/// A step up or down, or none.
fn wander(rng: &mut Xoshiro256PlusPlus, level: usize) -> usize {
    match rng.random_range(0..4_u8) {
        0 => level.saturating_sub(1),
        1 => (level + 1).min(LEVELS.len() - 1),
        _ => level,
    }
}

/// At least 1; `mean` on average.
fn geometric(rng: &mut Xoshiro256PlusPlus, mean: u64) -> u64 {
    let mut count = 1;
    while rng.random_range(0..mean.max(1)) > 0 {
        count += 1;
    }
    count
}

/// What capacity wanders among, relative to each other: within the spread of the recordings, whose
/// good seconds lie between a fifth and twice the mean.
const LEVELS: [u64; 7] = [2, 4, 7, 10, 13, 16, 20];

#[cfg(test)]
mod tests {
    use crate::profile::Profile;

    #[test]
    fn it_is_dead_as_much_and_as_long_as_it_is_said_to_be() {
        for (name, percent, longest) in [("tram", 4, 26), ("metro", 16, 50), ("ferry", 83, 995)] {
            let trace = Profile::named(name).unwrap().trace;
            let seconds = trace.period().as_secs();
            let (mut dead, mut run, mut most) = (0, 0, 0);
            for second in 0..seconds * 2 {
                let is_dead = trace.rate_at(second % seconds * 1_000_000_000) < 4_000;
                run = if is_dead { run + 1 } else { 0 };
                dead += u64::from(is_dead);
                most = most.max(run);
            }
            assert!((dead * 100 / (2 * seconds)).abs_diff(percent) <= 1, "{name}: {dead}");
            assert!((longest..=longest * 2).contains(&most), "{name}: {most} s");
        }
    }
}
