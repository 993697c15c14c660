//! From a seed to a world: each kind of trouble is on or off, so that rare combinations come up.
//!
//! Draws nothing while the world runs; what is not written down here is drawn by its own part of
//! the world, from the same seed.

use engine::config::Config;
use engine::time::Duration;
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::IndexedRandom;
use simnet::profile::Profile;
use simnet::seed::Seed;

use super::{Happening, Scenario, Step};

mod others;
mod storage;
mod xet;

impl Scenario {
    /// The world of a seed.
    pub fn draw(seed: u64) -> Self {
        let seed = Seed(seed);
        let mut dice = Dice(seed.stream("scenario"));
        let link = *Profile::NAMES.choose(&mut dice.0).expect("there are links");
        let profile = Profile::named(link).expect("each name is a link");
        let ideal = dice.seconds(2, 60);
        let sizes = dice.sizes(profile.trace.mean().saturating_mul(ideal.as_secs()));
        let size = sizes.iter().sum();
        let busy = ideal * 2 + dice.seconds(5, 90);
        let rules = dice.rules(size);
        let script = dice.script(busy);
        let scenario = Self {
            seed,
            link,
            profile,
            url_lifetime: if dice.sometimes(0.2) { dice.seconds(3, 40) } else { HOUR },
            rules,
            script,
            xet: None,
            calm_at: busy,
            config: dice.config(),
            rival_at: dice.sometimes(0.12).then(|| dice.within(busy)),
            elsewhere: None,
            refusal: None,
            open_files: None,
            disk_bytes: dice.sometimes(0.1).then(|| size / 2 + dice.below(size)),
            sync_takes: Duration::from_millis(*[0, 1, 20, 400].choose(&mut dice.0).unwrap_or(&0)),
            sizes,
        };
        let scenario = scenario.with_storage(&mut Dice(seed.stream("storage")));
        let scenario = scenario.with_others(&mut Dice(seed.stream("others")));
        let mut dice = Dice(seed.stream("xet"));
        if dice.sometimes(IN_XET) { scenario.put_in_xet(&mut dice) } else { scenario }
    }
}

struct Dice(Xoshiro256PlusPlus);

/// Draws a rule for files of so many bytes together.
type Lie = fn(&mut Dice, u64) -> String;
type Draw = fn(&mut Dice) -> Happening;

impl Dice {
    fn sometimes(&mut self, probability: f64) -> bool {
        self.0.random_bool(probability)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0.random_range(0..limit.max(1))
    }

    fn seconds(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_secs(self.0.random_range(from..=to))
    }

    fn within(&mut self, span: Duration) -> Duration {
        Duration::from_millis(self.below(span.as_millis() as u64))
    }

    /// One file, or a few that share what there is.
    fn sizes(&mut self, about: u64) -> Vec<u64> {
        let about = about.clamp(SIZE_MIN, SIZE_MAX);
        let count = *[1, 1, 1, 2, 4].choose(&mut self.0).unwrap_or(&1);
        let share = about / count;
        let jitter = |dice: &mut Self| share / 2 + dice.below(share);
        (0..count).map(|_| jitter(self)).collect()
    }

    fn config(&mut self) -> Config {
        let workers_max = self.0.random_range(1..=8);
        let (min, max) = *[(64 << 10, 1 << 20), (256 << 10, 4 << 20), (1 << 20, 8 << 20)]
            .choose(&mut self.0)
            .unwrap_or(&(1 << 20, 8 << 20));
        Config {
            workers_max,
            request_bytes_min: min,
            request_bytes_max: max,
            stall_after: self.sometimes(0.3).then(|| self.seconds(4, 20)),
            give_up_after: self.sometimes(0.1).then(|| self.seconds(20, 200)),
            chunk_bytes: if self.sometimes(0.5) { 1 << 20 } else { 50 << 20 },
            ..Config::default()
        }
    }

    /// The lies of the hub, each with a budget, so that none is for ever.
    fn rules(&mut self, size: u64) -> Vec<String> {
        let mut rules = Vec::new();
        let calls: [(f64, Lie); 18] = [
            (0.3, |dice, size| dice.cut("rst", size)),
            (0.2, |dice, size| dice.cut("fin", size)),
            (0.25, |dice, size| {
                format!("stall after={} route=cdn times={}", dice.below(size / 4), dice.few())
            }),
            (0.2, |dice, size| {
                let (at, bit) = (dice.below(size), dice.below(8));
                format!("flip at={at} bit={bit} route=cdn times=1")
            }),
            (0.08, |dice, size| {
                let (at, len) = (dice.below(size), 1 + dice.below(20_000));
                format!("zero-fill at={at} len={len} route=cdn times=1")
            }),
            (0.12, |dice, _| format!("ignore-range route=cdn from=2 times={}", dice.few())),
            (0.08, |dice, _| format!("wrong-range route=cdn times={}", dice.few())),
            (0.1, |dice, _| format!("short-body route=cdn times={}", dice.few())),
            (0.06, |dice, _| format!("gzip route=cdn times={}", dice.few())),
            (0.12, |dice, _| format!("expired route=cdn times={}", dice.few())),
            (0.15, |dice, size| {
                let (pause, past) = (1 + dice.below(20), dice.below(size));
                format!("status 429 retry-after={pause} past={past} times={}", dice.few())
            }),
            (0.12, |dice, size| {
                let (route, past) = (dice.route(), dice.below(size));
                format!("status 503 route={route} past={past} times={}", dice.few())
            }),
            (0.12, |dice, size| {
                let (route, past) = (dice.route(), dice.below(size));
                format!("portal route={route} past={past} times={}", dice.few())
            }),
            (0.06, |dice, size| format!("etag-change route=cdn past={} times=1", dice.below(size))),
            (0.04, |dice, size| format!("status 416 route=cdn past={} times=1", dice.below(size))),
            (0.05, |dice, _| format!("redirect-loop route=cdn times={}", dice.few())),
            (0.08, |dice, size| {
                let (wait, past) = (1 + dice.below(15), dice.below(size));
                format!("refuse for={wait}s route=cdn past={past} times=1")
            }),
            (0.1, |dice, _| {
                let (millis, route) = (100 + dice.below(8000), dice.route());
                format!("delay {millis}ms route={route} times={}", dice.few())
            }),
        ];
        for (probability, rule) in calls {
            if self.sometimes(probability) {
                rules.push(rule(self, size));
            }
        }
        rules
    }

    fn few(&mut self) -> u64 {
        1 + self.below(4)
    }

    fn cut(&mut self, kind: &str, size: u64) -> String {
        let every = (size / (2 + self.below(12))).max(20_000);
        format!("{kind} every={every} route=cdn times={}", 1 + self.below(8))
    }

    fn route(&mut self) -> &'static str {
        ["resolve", "cdn", "api", "any"].choose(&mut self.0).unwrap_or(&"any")
    }

    /// What else happens before it is calm.
    fn script(&mut self, busy: Duration) -> Vec<Step> {
        let mut script = Vec::new();
        let calls: [(f64, u64, Draw); 9] = [
            (0.3, 4, |dice| Happening::Kill { after_ops: dice.ops(), down: dice.seconds(1, 20) }),
            (0.25, 3, |dice| Happening::PowerCut {
                after_ops: dice.ops(),
                down: dice.seconds(5, 30),
            }),
            (0.2, 2, |dice| Happening::Outage { lasting: dice.seconds(1, 100) }),
            (0.15, 2, |_| Happening::HalfOpen),
            (0.1, 1, |dice| Happening::NoNames { lasting: dice.seconds(1, 60) }),
            (0.1, 1, |dice| Happening::HubCrash { down: dice.seconds(1, 30) }),
            (0.1, 2, |dice| Happening::DiskError { after_ops: dice.ops() }),
            (0.06, 1, |_| Happening::SyncError),
            (0.08, 1, |dice| Happening::Cancel { pause: dice.seconds(1, 10) }),
        ];
        for (probability, most, what) in calls {
            if self.sometimes(probability) {
                for _ in 0..=self.below(most) {
                    let at = self.within(busy);
                    script.push(Step { at, what: what(self) });
                }
            }
        }
        if self.sometimes(0.06) {
            let what = Happening::BitRot { permille: self.below(1000) as u16 };
            script.push(Step { at: self.within(busy), what });
        }
        script.sort_by_key(|step| step.at);
        script
    }

    /// At once, or between any two of the operations that follow.
    fn ops(&mut self) -> u32 {
        if self.sometimes(0.3) { 0 } else { self.below(60) as u32 }
    }
}

/// How many of all worlds have their files in Xet.
const IN_XET: f64 = 0.35;
const HOUR: Duration = Duration::from_secs(3600);
/// The smallest and the largest world, in bytes of all files together.
const SIZE_MIN: u64 = 100_000;
const SIZE_MAX: u64 = 16 << 20;
