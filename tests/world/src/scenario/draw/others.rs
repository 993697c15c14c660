//! What else a world may have: others who use the same disk, clocks, sleep, names that are late, a
//! storage that is out of reach by itself, requests in vain, many small files.
//!
//! Drawn from a stream of its own, so that all the rest of a world stays what it was.

use engine::time::Duration;
use rand::seq::IndexedRandom;
use simnet::disk::settings::Locks;

use super::{Dice, Draw, Happening, Lie, Scenario, Step};
use crate::scenario::{Refusal, Tamper};

impl Scenario {
    pub(super) fn with_others(mut self, dice: &mut Dice) -> Self {
        let size = self.sizes.iter().sum();
        for (probability, rule) in RULES {
            if dice.sometimes(probability) {
                self.rules.push(rule(dice, size));
            }
        }
        for (probability, what) in HAPPENINGS {
            if dice.sometimes(probability) {
                let at = dice.within(self.calm_at);
                self.script.push(Step { at, what: what(dice) });
            }
        }
        if dice.sometimes(0.08) {
            self.invite_rival(dice);
        }
        if dice.sometimes(0.1) {
            self.split_up(dice);
        }
        if dice.sometimes(0.08) {
            self.cut_off(dice);
        }
        if dice.sometimes(0.03) {
            let refusals = [Refusal::NoSuchFile, Refusal::NoSuchRevision, Refusal::NotForYou];
            self.refusal = refusals.choose(&mut dice.0).copied();
        }
        self.script.sort_by_key(|step| step.at);
        self
    }

    /// A competitor on another machine, over a network whose locks may be worth nothing; and
    /// perhaps the first one sleeps for so long that it is taken for dead.
    fn invite_rival(&mut self, dice: &mut Dice) {
        let locks = [Locks::Honest, Locks::Lying, Locks::Absent];
        self.elsewhere = locks.choose(&mut dice.0).copied();
        self.rival_at = self.rival_at.or(Some(dice.within(self.calm_at)));
        if dice.sometimes(0.5) {
            let what = Happening::Suspend { lasting: dice.seconds(76, 200) };
            self.script.push(Step { at: dice.within(self.calm_at), what });
            // Who sleeps cannot stop.
            self.script.retain(|step| !matches!(step.what, Happening::Cancel { .. }));
        }
    }

    /// As many bytes in more files than may be open at once.
    fn split_up(&mut self, dice: &mut Dice) {
        let count = 5 + dice.below(8);
        let share = self.sizes.iter().sum::<u64>() / count;
        self.sizes = (0..count).map(|_| share / 2 + dice.below(share)).collect();
        let descriptors = OWN_DESCRIPTORS + 3 * u64::from(self.config.workers_max);
        self.open_files = Some(descriptors + 5 * (1 + dice.below(3)));
    }

    /// One long outage, and nothing else: what is promised of those is only promised then.
    fn cut_off(&mut self, dice: &mut Dice) {
        let step = Step {
            at: dice.seconds(2, 9),
            what: Happening::Outage { lasting: dice.seconds(110, 400) },
        };
        self.script = vec![step];
        self.rules.retain(|rule| rule.starts_with("storage-etag"));
        (self.rival_at, self.elsewhere) = (None, None);
        self.config.give_up_after = None;
        self.calm_at = self.calm_at.max(step.at + Duration::from_secs(500));
    }
}

const RULES: [(f64, Lie); 4] = [
    (0.06, |dice, _| {
        let (route, times) = (dice.route(), 1 + dice.below(12));
        format!("status 429 retry-after=0 route={route} times={times}")
    }),
    (0.03, |dice, _| {
        let route = if dice.sometimes(0.5) { "api" } else { "resolve" };
        format!("slow-loris interval=50ms route={route} times=1")
    }),
    (0.04, |dice, _| format!("cross-host route=cdn times={}", dice.few())),
    (0.04, |dice, _| format!("zero-length-head route=resolve times={}", dice.few())),
];
const HAPPENINGS: [(f64, Draw); 7] = [
    (0.1, |dice| {
        let how = [Tamper::Zero, Tamper::Truncate, Tamper::Remove];
        let how = how.choose(&mut dice.0).copied().unwrap_or(Tamper::Zero);
        Happening::Tamper { how, permille: u16::try_from(dice.below(1000)).unwrap_or(0) }
    }),
    (0.05, |dice| Happening::Suspend { lasting: dice.seconds(1, 20) }),
    (0.08, |dice| {
        let by = i32::try_from(dice.below(14_400)).unwrap_or(0);
        Happening::ClockJump { seconds: by - 7200 }
    }),
    (0.06, |dice| Happening::SlowNames { by: dice.seconds(1, 12), lasting: dice.seconds(10, 60) }),
    (0.08, |dice| Happening::Dark { lasting: dice.seconds(5, 60) }),
    (0.05, |dice| Happening::ShortWrite { after_ops: dice.ops() }),
    (0.05, |_| Happening::JournalFull),
];
/// What a process needs beside files and connections.
const OWN_DESCRIPTORS: u64 = 16;
