//! What storage hosts say of the bytes that they send, which no two descriptions agree on: their
//! ETags, and heads that lack what most have.
//!
//! What nobody has seen is drawn both ways.

use rand::seq::IndexedRandom;

use super::{Dice, Lie, Scenario};

impl Scenario {
    /// The same world at a storage of another kind. What it says of a file stands behind all other
    /// rules, so that it hides none.
    pub(super) fn with_storage(mut self, dice: &mut Dice) -> Self {
        let size = self.sizes.iter().sum();
        for (probability, rule) in HEADS {
            if dice.sometimes(probability) {
                self.rules.push(rule(dice, size));
            }
        }
        // Another version shows by its name alone.
        let has_versions = self.rules.iter().any(|rule| rule.starts_with("etag-change"));
        if !has_versions && dice.sometimes(0.5) {
            let mode = ETAGS.choose(&mut dice.0).unwrap_or(&"none");
            self.rules.push(format!("storage-etag {mode} route=cdn"));
        }
        self
    }
}

const HEADS: [(f64, Lie); 4] = [
    (0.06, |dice, _| format!("no-content-range route=cdn times={}", dice.few())),
    (0.04, |dice, _| format!("no-length route=cdn times={}", dice.few())),
    (0.05, |dice, _| format!("empty-206 route=cdn times={}", dice.few())),
    (0.05, |dice, size| {
        let past = dice.below(size);
        format!("text-403 SignatureError route=cdn past={past} times={}", dice.few())
    }),
];
/// The Xet hash is what the other half of the worlds have.
const ETAGS: [&str; 5] = ["none", "weak", "md5", "per-edge", "sha256"];
