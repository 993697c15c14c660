//! Puts the files of a drawn world into Xet, and draws the trouble that only comes there.
//!
//! Draws from a stream of its own, so that a world without Xet stays what it was.

use engine::xet::chunk::Scheme;
use fake_hub::{Kind, Packing, Shards};
use rand::seq::IndexedRandom;

use super::super::{Scenario, Storage};
use super::{Dice, HOUR, Lie};

impl Scenario {
    /// The same world with its files in Xet, and most of its lies told there.
    pub(super) fn put_in_xet(mut self, dice: &mut Dice) -> Self {
        let mut xet = dice.storage();
        if self.sizes.len() == 1 && dice.sometimes(0.25) {
            self.sizes = vec![self.sizes[0] / 2; 2];
        }
        xet.is_deduplicated = self.sizes.len() > 1 && dice.sometimes(0.6);
        for rule in &mut self.rules {
            if dice.sometimes(0.7) {
                *rule = dice.moved(rule, &xet);
            }
        }
        let size = self.sizes.iter().sum();
        for rule in dice.xet_rules(size, &xet) {
            // The first rule that matches hides the others: those that are drawn here are rare.
            self.rules.insert(0, rule);
        }
        Self { xet: Some(xet), ..self }
    }
}

impl Dice {
    fn storage(&mut self) -> Storage {
        let packings = [Packing::Auto, Packing::Auto, Packing::Always(Scheme::Stored)];
        let shards = [Shards::Keyed, Shards::Keyed, Shards::Plain, Shards::None];
        Storage {
            xorb_bytes: self.one([256 << 10, 512 << 10, 1 << 20, 2 << 20]),
            kind: self.one([Kind::Bf16, Kind::Bf16, Kind::Random, Kind::Text]),
            packing: self.one(packings),
            shards: self.one(shards),
            is_deduplicated: false,
            token_lifetime: if self.sometimes(0.3) { self.seconds(4, 40) } else { HOUR },
            has_v2: self.sometimes(0.7),
        }
    }

    /// A lie about files as they are, told of xorbs.
    fn moved(&mut self, rule: &str, xet: &Storage) -> String {
        if rule.starts_with("etag-change") {
            return rule.replace("route=cdn", "route=reconstruction");
        }
        let words = rule.split_whitespace().map(|word| match word.strip_prefix("at=") {
            Some(_) => format!("at={}", self.in_xorb(xet)),
            None => word.replace("route=cdn", "route=xorb"),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// An offset that most xorbs have.
    fn in_xorb(&mut self, xet: &Storage) -> u64 {
        self.below(xet.xorb_bytes * 7 / 10)
    }

    fn xet_rules(&mut self, size: u64, xet: &Storage) -> Vec<String> {
        let at = self.in_xorb(xet);
        let calls: [(f64, Lie); 13] = [
            (0.12, |dice, _| format!("expired route=reconstruction times={}", dice.few())),
            (0.1, |dice, size| {
                let (status, past) = (dice.one([404, 500, 503, 401, 416]), dice.below(size));
                let times = 1 + dice.below(60);
                format!("status {status} route=reconstruction past={past} times={times}")
            }),
            (0.06, |dice, size| {
                let (wait, past) = (1 + dice.below(60), dice.below(size));
                format!("refuse for={wait}s route=reconstruction past={past} times=1")
            }),
            (0.12, |dice, _| {
                let (at, bit) = (dice.below(700), dice.below(8));
                format!("flip at={at} bit={bit} route=reconstruction times=1")
            }),
            (0.06, |dice, _| {
                let (at, bit) = (dice.below(200), dice.below(8));
                format!("flip at={at} bit={bit} route=token times=1")
            }),
            (0.08, |dice, size| {
                let past = dice.below(size);
                format!("etag-change route=reconstruction past={past} times={}", dice.few())
            }),
            (0.06, |dice, _| {
                format!("stall after={} route=reconstruction times=1", dice.below(500))
            }),
            (0.06, |dice, _| {
                let after = dice.below(500);
                format!("rst after={after} route=reconstruction times={}", dice.few())
            }),
            (0.08, |dice, _| {
                let (millis, route) = (100 + dice.below(8000), dice.xet_route());
                format!("delay {millis}ms route={route} times={}", dice.few())
            }),
            (0.06, |dice, _| format!("portal route={} times={}", dice.xet_route(), dice.few())),
            (0.06, |dice, _| format!("status 503 route={} times=1", dice.xet_route())),
            (0.06, |_, _| "status 404 route=chunks".to_owned()),
            (0.06, |dice, _| {
                let (at, bit) = (dice.below(2000), dice.below(8));
                format!("flip at={at} bit={bit} route=chunks times=1")
            }),
        ];
        let mut rules = Vec::new();
        for (probability, rule) in calls {
            if self.sometimes(probability) {
                rules.push(rule(self, size));
            }
        }
        if self.sometimes(0.15) {
            let bit = self.below(8);
            rules.push(format!("flip at={at} bit={bit} route=xorb times={}", 1 + self.below(2)));
        }
        rules
    }

    fn xet_route(&mut self) -> &'static str {
        self.one(["token", "reconstruction", "xorb", "chunks"])
    }

    fn one<T: Copy, const N: usize>(&mut self, of: [T; N]) -> T {
        *of.choose(&mut self.0).expect("there is something to choose from")
    }
}
