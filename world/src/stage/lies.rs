//! Which lies the hubs of a world have told so far, and what may be believed after them.
//!
//! Tells none; that is the rules' doing.

use std::collections::BTreeSet;

use fake_hub::RuleStats;

use super::Stage;
use crate::witness::Trust;

impl Stage {
    /// How often the hubs have told lies of a kind.
    pub(crate) fn fired(&self, kind: &str) -> u64 {
        self.network.hubs().iter().map(|hub| hub.stats().fired(kind)).sum()
    }

    /// Which kinds of lies they have told.
    pub(crate) fn lies_told(&self) -> BTreeSet<String> {
        self.network.hubs().iter().flat_map(|hub| hub.stats().faults.into_keys()).collect()
    }

    /// How often content, or what was said of it, was damaged on its way.
    pub(crate) fn damages(&self) -> u64 {
        self.count(|rule| is_damage(rule) || is_false_description(rule))
    }

    /// How often the storage has said that a file is made of what another is made of.
    pub(crate) fn false_descriptions(&self) -> u64 {
        self.count(is_false_description)
    }

    /// What may be believed now.
    pub(crate) fn trust(&self) -> Trust {
        Trust {
            is_content_honest: self.damages() == 0,
            is_description_honest: self.false_descriptions() == 0,
            is_disk_honest: self.is_disk_honest(),
        }
    }

    /// How often the rules fired that are so.
    fn count(&self, is_so: impl Fn(&RuleStats) -> bool) -> u64 {
        let rules = self.network.hubs().into_iter().flat_map(|hub| hub.stats().rules);
        rules.filter(|rule| is_so(rule)).map(|rule| rule.fired).sum()
    }
}

/// Whether a rule changes bytes of files; damage to what else is said shows by itself. Another
/// version under a URL that the hub still gives may show by nothing but the file's digest.
fn is_damage(rule: &RuleStats) -> bool {
    let is_elsewhere = ["token", "chunks", "reconstruction"].iter().any(|name| is_of(rule, name));
    ["flip", "zero-fill", "etag-change"].contains(&rule.kind.as_str()) && !is_elsewhere
}

/// Whether a rule makes the storage say that a file is made of what another is made of.
fn is_false_description(rule: &RuleStats) -> bool {
    ["flip", "zero-fill", "etag-change"].contains(&rule.kind.as_str())
        && is_of(rule, "reconstruction")
}

fn is_of(rule: &RuleStats, route: &str) -> bool {
    rule.rule.split_whitespace().any(|word| word.strip_prefix("route=") == Some(route))
}
